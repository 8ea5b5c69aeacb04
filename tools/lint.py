"""Checks format and code: `python -m tools.lint`, with `--fix` to format.

C++ and OpenCL C with clang-format, C++ with clang-tidy (which needs build/compile_commands.json), Python with ruff and mypy.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.set_up.commands import cores

CHECKOUT = Path(__file__).resolve().parents[1]
_CPP_FOLDERS = ("caffe_layers", "tests/cpp", "conformance", "benchmarks")


def main() -> int:
    """Returns 0 when there is nothing to say."""
    parser = argparse.ArgumentParser(prog="python -m tools.lint", description="Checks, or with --fix formats, the sources.")
    parser.add_argument("--fix", action="store_true", help="format C++ and Python in place")
    fix = parser.parse_args().fix
    clean = [_report(name, check) for name, check in (_fixes() if fix else _checks()).items()]
    return 0 if all(clean) else 1


def _checks() -> dict[str, Callable[[], str]]:
    return {
        "clang-format": lambda: _run("clang-format", "--dry-run", "-Werror", *_c_sources()),
        "ruff format": lambda: _run(sys.executable, "-m", "ruff", "format", "--check", "."),
        "ruff check": lambda: _run(sys.executable, "-m", "ruff", "check", "."),
        "mypy": lambda: _run(sys.executable, "-m", "mypy"),
        "clang-tidy": _clang_tidy,
    }


def _fixes() -> dict[str, Callable[[], str]]:
    return {
        "clang-format": lambda: _run("clang-format", "-i", *_c_sources()),
        "ruff check": lambda: _run(sys.executable, "-m", "ruff", "check", "--fix", "."),
        "ruff format": lambda: _run(sys.executable, "-m", "ruff", "format", "."),
    }


def _clang_tidy() -> str:
    """Complaints about each C++ source; several at a time, for Caffe's headers take seconds to read."""
    sources = [path for folder in _CPP_FOLDERS for path in _files(folder, "*.cpp")]
    command = ("clang-tidy", "-p", "build", "--quiet", "--extra-arg=-Wno-unknown-warning-option")
    with ThreadPoolExecutor(cores()) as pool:
        return "".join(pool.map(lambda source: _run(*command, source), sources))


def _c_sources() -> list[str]:
    patterns = [(folder, pattern) for folder in _CPP_FOLDERS for pattern in ("*.cpp", "*.hpp")]
    patterns += [("opencl_kernels", "*.cl"), ("opencl_kernels", "*.h")]
    return [path for folder, pattern in patterns for path in _files(folder, pattern)]


def _files(folder: str, pattern: str) -> Iterable[str]:
    return sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / folder).rglob(pattern))


def _run(*command: str) -> str:
    """What `command` complains of, or nothing when it ends well."""
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}" or f"{command[0]} ended with {done.returncode}\n"


def _report(name: str, check: Callable[[], str]) -> bool:
    started = time.monotonic()
    complaints = check()
    print(f"{complaints}{name}: {'FAILED' if complaints else 'clean'}, {time.monotonic() - started:.1f} s", flush=True)
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
