"""Builds the C++ tests with sanitizers and runs them: `python -m tools.sanitize [address] [thread] [--no-caffe] [CTEST'S OPTIONS]`.

`address` is AddressSanitizer with UndefinedBehaviorSanitizer, `thread` is ThreadSanitizer; both, where none is named. Each has a
build folder of its own, build/sanitize-*. The first mistake ends a test, and what it is stands above ctest's summary.
tools/sanitizers/ has what is passed over, all of it in OpenCL drivers, and why.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from barista import paths
from barista.errors import BaristaError
from tools import run_tests
from tools.set_up.commands import cores

CHECKOUT = run_tests.CHECKOUT
_RULES = CHECKOUT / "tools" / "sanitizers"
_SANITIZERS = {"address": "address,undefined", "thread": "thread"}
# Kernels that count write to one fixed address, which ThreadSanitizer does not let a program map.
_LEFT_OUT = {"thread": ["--exclude-regex", "^test_counted"]}


def main() -> int:
    """Returns 0 when both are built and clean."""
    options, ctest = parse(sys.argv[1:])
    for name, value in _variables().items():
        os.environ[name] = value
    return max([_run(sanitizer, options.no_caffe, ctest) for sanitizer in options.sanitizer])


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and those that ctest gets."""
    parser = argparse.ArgumentParser(prog="python -m tools.sanitize", description="Runs the C++ tests under sanitizers.")
    # Not by `choices`, of which Python 3.11 demands that the whole default be one.
    parser.add_argument(
        "sanitizer", nargs="*", type=_known, default=list(_SANITIZERS), help="address or thread; both, where none is named"
    )
    parser.add_argument("--no-caffe", action="store_true", help="leave out what needs Caffe")
    return parser.parse_known_args(arguments)


def _known(name: str) -> str:
    if name not in _SANITIZERS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(_SANITIZERS)}")
    return name


def _run(sanitizer: str, no_caffe: bool, more: Sequence[str]) -> int:
    folder = f"build/sanitize-{sanitizer}"
    definitions = {
        "CMAKE_BUILD_TYPE": "RelWithDebInfo",
        "CMAKE_CXX_FLAGS_RELWITHDEBINFO": "-O1",
        "BARISTA_SANITIZE": _SANITIZERS[sanitizer],
        "BARISTA_PYTHON": sys.executable,
        **_caffe(no_caffe),
    }
    if shutil.which("ccache"):
        definitions["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    configure = ["cmake", "-G", "Ninja", "-S", ".", "-B", folder, *(f"-D{name}={value}" for name, value in definitions.items())]
    for command in (configure, ["ninja", "-C", folder, "-j", str(cores()), "all"]):
        if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0:
            print(f"sanitize: {' '.join(command)} failed", file=sys.stderr)
            return 1
    ctest = ["ctest", "--test-dir", folder, "--output-on-failure", "--timeout", "1500", "--no-tests=error"]
    return run_tests.run_all([[*ctest, *_LEFT_OUT.get(sanitizer, ()), *more]])


def _caffe(left_out: bool) -> dict[str, str]:
    """Where Caffe is; without it, the tests of plans, device and operations remain."""
    try:
        with_caffe = {"BARISTA_BUILD_PLUGIN": "ON", "CAFFE_ROOT": str(paths.caffe_installation().root)}
        return {"BARISTA_BUILD_PLUGIN": "OFF"} if left_out else with_caffe
    except BaristaError as error:
        print(f"sanitize: what needs Caffe is left out: {error}", file=sys.stderr)
        return {"BARISTA_BUILD_PLUGIN": "OFF"}


def _variables() -> dict[str, str]:
    """What the sanitizers read from the environment."""
    return {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "LSAN_OPTIONS": f"suppressions={_RULES / 'leaks.txt'}:print_suppressions=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"suppressions={_RULES / 'races.txt'}:second_deadlock_stack=1:ignore_noninstrumented_modules=1",
    }


if __name__ == "__main__":
    sys.exit(main())
