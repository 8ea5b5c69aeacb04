"""Runs the tests, and repeats at the end what ctest and pytest say in sum: `python -m tools.run_tests [--unit] [PYTEST'S OPTIONS]`.

All of them need what `make test` sets up. The unit tests, C++ and Python, need neither Caffe nor a device: where build/ is not
configured, their C++ part is built in build/check.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.set_up.commands import cores

CHECKOUT = Path(__file__).resolve().parents[1]
# ctest's and pytest's own last words.
_SUMMARY = re.compile(r"(\d+% tests passed, .*|Total Test time .*|=+ .*(passed|failed|error|no tests ran).* =+)\s*")


def main() -> int:
    """Returns 0 when all succeed."""
    arguments = sys.argv[1:]
    unit = "--unit" in arguments
    pytest = [sys.executable, "-m", "pytest", *(argument for argument in arguments if argument != "--unit")]
    # ctest first: where a kernel is wrong, it says so closest to the mistake.
    if unit:
        return run_all([*_unit_tests(), [*pytest, "tests/unit"]])
    # A file's tests share what their fixtures build.
    return run_all([_ctest("build"), [*pytest, "--numprocesses", str(cores()), "--dist", "loadfile"]])


def _unit_tests() -> list[list[str]]:
    """The commands that build and run the C++ tests of what needs no device."""
    if missing := [tool for tool in ("cmake", "ninja", "ctest") if shutil.which(tool) is None]:
        sys.exit(f"run_tests: {', '.join(missing)} not on the PATH; the C++ tests need them: run 'make setup'")
    folder = "build" if (CHECKOUT / "build" / "build.ninja").is_file() else "build/check"
    configure = [
        "cmake",
        "-G",
        "Ninja",
        "-S",
        ".",
        "-B",
        folder,
        "-DBARISTA_BUILD_PLUGIN=OFF",
        f"-DBARISTA_PYTHON={sys.executable}",
    ]
    build = ["ninja", "-C", folder, "-j", str(cores()), "unit_tests"]
    return [*([] if folder == "build" else [configure]), build, [*_ctest(folder), "--label-regex", "^unit$"]]


def _ctest(folder: str) -> list[str]:
    return ["ctest", "--test-dir", folder, "--output-on-failure", "--parallel", str(cores()), "--no-tests=error"]


def run_all(commands: Sequence[list[str]]) -> int:
    """Runs each with its output shown, and repeats the lines with which they sum up; 0 when all end well."""
    results = [_run(command) for command in commands]
    print()
    for _, summary in results:
        print("\n".join(summary))
    return 0 if all(status == 0 for status, _ in results) else 1


def _run(command: list[str]) -> tuple[int, list[str]]:
    """Runs `command` with its output shown; its status, and the lines with which it sums up."""
    print(f"$ {' '.join(command)}", flush=True)
    summary = []
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if _SUMMARY.fullmatch(line):
                summary.append(line.rstrip())
    return process.returncode, summary


if __name__ == "__main__":
    sys.exit(main())
