"""The conformance programs, one a suite: building them, and running their tests in processes that may die."""

import itertools
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError

# A shard that takes longer hangs: the slowest takes a tenth of it.
_SHARD_SECONDS = 600
_OUTPUT_LINES = 12
_FATAL = re.compile(r"F\d{4,8} ")  # how glog begins a fatal line: F and the date


@dataclass(frozen=True)
class Calls:
    """Calls of one FPGA layer's forward and backward, and of the stock code of that layer."""

    made: int = 0
    forward: int = 0
    forward_on_device: int = 0
    backward: int = 0
    backward_on_device: int = 0
    stock: int = 0

    def __add__(self, other: "Calls") -> "Calls":
        return Calls(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def calls(self) -> int:
        return self.forward + self.backward

    @property
    def on_device(self) -> int:
        return self.forward_on_device + self.backward_on_device


@dataclass(frozen=True)
class Result:
    """What one test did."""

    suite: str
    test: str
    passed: bool
    seconds: float
    failures: Sequence[str] = ()
    layers: Mapping[str, Calls] = field(default_factory=dict)

    @property
    def all_calls(self) -> Calls:
        return sum(self.layers.values(), Calls())

    @property
    def outcome(self) -> str:
        """passed: our layers ran and no stock code of theirs did; none of ours: it passed without them; stock code; or failure."""
        if not self.passed:
            return "failure"
        calls = self.all_calls
        if calls.stock:
            return "stock code"
        return "passed" if calls.made else "none of ours"


class Programs:
    """The programs of a CMake build folder, and the Caffe source tree in which they run."""

    def __init__(self, build_dir: Path | None = None) -> None:
        self.build_dir = (build_dir or paths.plugin_library().parent).resolve()  # the programs run elsewhere
        caffe = paths.caffe_installation()
        if not (self.build_dir / "CMakeCache.txt").is_file():
            raise BaristaError(
                f"{self.build_dir}: no build folder of CMake, and the suites need one; run 'make setup' in a checkout"
            )
        if caffe.source_dir is None:
            raise BaristaError(
                f"Caffe {caffe.root}: has no source tree with it, where its tests are; set CAFFE_ROOT to one that has"
            )
        self.source_dir = caffe.source_dir

    def build(self, suites: Sequence[str], jobs: int) -> None:
        """Compiles the suites. Raises BaristaError with the end of the compiler's words."""
        targets = [f"conformance_{suite}" for suite in suites]
        command = ["cmake", "--build", str(self.build_dir), "--parallel", str(jobs), "--target", *targets]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise BaristaError(f"the suites don't compile:\n{_tail(done.stdout, 40)}")

    def _program(self, suite: str) -> str:
        return str(self.build_dir / "conformance" / f"conformance_{suite}")

    def tests(self, suite: str) -> list[str]:
        """The suite's tests but those of doubles."""
        done = subprocess.run([self._program(suite), "--list"], cwd=self.source_dir, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BaristaError(f"suite {suite}: its program ended with status {done.returncode}: {_tail(done.stderr, 3)}")
        return done.stdout.split()

    def run(self, suite: str, tests: Sequence[str], variables: Mapping[str, str]) -> list[Result]:
        """Runs `tests` in one process, and after a test that ended the process those that are left in another."""
        results: list[Result] = []
        left = list(tests)
        while left:
            results += self._run_once(suite, left, variables)
            done = {result.test for result in results}
            left = [test for test in left if test not in done]
        return results

    def _run_once(self, suite: str, tests: Sequence[str], variables: Mapping[str, str]) -> list[Result]:
        with tempfile.TemporaryDirectory(prefix="barista-conformance-") as folder:
            report = Path(folder) / "report"
            # Some suites leave files where TMPDIR says.
            environment = {**variables, "TMPDIR": folder, "GLOG_logtostderr": "1", "GLOG_minloglevel": "1"}
            command = [self._program(suite), str(report), *tests]
            output, end = _run_limited(command, self.source_dir, environment)
            lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
        events = [json.loads(line) for line in lines]
        results = [_result(suite, event) for event in events if event["event"] == "end"]
        if len(results) < len(tests):
            # The test that was running; or, where the process did not get that far, the first.
            running = events[-1]["test"] if events and events[-1]["event"] == "start" else _first_left(tests, results)
            results.append(Result(suite, running, passed=False, seconds=0, failures=[f"{end}\n{_last_words(output)}"]))
        return results


def _run_limited(command: list[str], cwd: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Output of a process, and how it ended."""
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            output, _ = process.communicate(timeout=_SHARD_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0], f"no end after {_SHARD_SECONDS} s"
        except BaseException:  # Ctrl-C
            process.kill()
            raise
    return output, f"the process ended with status {process.returncode}"


def _first_left(tests: Sequence[str], results: Sequence[Result]) -> str:
    done = {result.test for result in results}
    return next(test for test in tests if test not in done)


def _result(suite: str, event: Mapping[str, Any]) -> Result:
    layers = {name: Calls(*row) for name, row in event["layers"].items()}
    return Result(suite, event["test"], event["passed"], event["ms"] / 1000, event["failures"], layers)


def _last_words(output: str) -> str:
    """What a failed CHECK said, without its stack trace; else the end of the output."""
    lines = output.splitlines()
    fatal = next((number for number, line in enumerate(lines) if _FATAL.match(line)), None)
    if fatal is None:
        return _tail(output, _OUTPUT_LINES)
    said = itertools.takewhile(lambda line: not line.startswith("*** "), lines[fatal:])
    return "\n".join(said)


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])
