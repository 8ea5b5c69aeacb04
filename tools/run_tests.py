"""Runs every test, and repeats at the end what ctest and pytest say in sum: `python -m tools.run_tests`."""

import re
import subprocess
import sys
from pathlib import Path

from tools.set_up.commands import cores

CHECKOUT = Path(__file__).resolve().parents[1]
# ctest's and pytest's own last words.
_SUMMARY = re.compile(r"(\d+% tests passed, .*|Total Test time .*|=+ .*(passed|failed|error|no tests ran).* =+)\s*")


def main() -> int:
    """Returns 0 when both succeed."""
    ctest = ["ctest", "--test-dir", "build", "--output-on-failure", "--parallel", str(cores()), "--no-tests=error"]
    # ctest first: where a kernel is wrong, it says so closest to the mistake.
    suites = [ctest, [sys.executable, "-m", "pytest", *sys.argv[1:]]]
    results = [_run(command) for command in suites]
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
