"""Runs the steps of the set-up, in order; each does only what is missing."""

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from barista import paths
from tools.set_up import caffe, debian, plugin, python
from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError


@dataclass(frozen=True)
class Step:
    """One part of the set-up. `run` does what is missing, and nothing where nothing is."""

    name: str
    expected: str  # how long it takes on 2 cores, for a person who waits
    run: Callable[[Setting, Runner], None]


ENVIRONMENT = Step("Python environment", "about a minute", python.make_environment)
STEPS = (
    Step("Debian packages", "about a minute", debian.install_packages),
    ENVIRONMENT,
    Step("stock Caffe 1.0", "about 3 minutes", caffe.build),
    Step("plugin", "about a minute", plugin.build),
    Step("emulator and its bitstream", "half a minute", plugin.build_bitstream),
)


def main() -> int:
    """Returns the exit status: 0 done, 1 a step failed, 128 + signal when interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.set_up", description="Sets this checkout up on Debian 12.")
    parser.add_argument("--with-tests", action="store_true", help="build the C++ tests too")
    parser.add_argument("--environment", action="store_true", help="make the Python environment, and nothing else")
    arguments = parser.parse_args()
    setting = Setting(Path(__file__).resolve().parents[2], paths.cache_dir(), arguments.with_tests)
    signal.signal(signal.SIGTERM, _raise_exit)
    try:
        python.check_version()
        _run_all(setting, (ENVIRONMENT,) if arguments.environment else STEPS)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"set-up: {error.filename or setting.cache}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run it again, it goes on from here", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def _raise_exit(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _run_all(setting: Setting, steps: Sequence[Step]) -> None:
    with _lock(setting.cache / "set-up.lock") as lock:
        for number, step in enumerate(steps, 1):
            log = setting.cache / "logs" / f"set-up-{STEPS.index(step) + 1}.log"
            with Runner(f"set-up {number}/{len(steps)} {step.name}", step.expected, log, lock) as runner:
                step.run(setting, runner)


@contextmanager
def _lock(path: Path) -> Iterator[BinaryIO]:
    """One set-up at a time on a cache; whoever comes second waits, and says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            started = time.monotonic()
            print(f"set-up: another one works on {path.parent}; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
            print(f"set-up: waited {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        yield handle
