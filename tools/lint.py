"""Checks format and code: `python -m tools.lint`, with `--fix` to format.

C++ and OpenCL C with clang-format, C++ with clang-tidy, Python with ruff and mypy, lengths, and the documents, which must build
without a warning. It needs the Python environment and, for clang-tidy, a configured build folder: build/, else one that it
configures itself, without Caffe where there is none; then what includes Caffe is left out, and said so.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from barista import paths
from barista.errors import BaristaError
from tools import sizes
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
        "lengths": lambda: "".join(f"{line}\n" for line in sizes.complaints()),
        "documents": lambda: _run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"),
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
    folder = CHECKOUT / "build"
    if not (folder / "compile_commands.json").is_file():
        folder = CHECKOUT / "build" / "lint"
        if complaints := _configure(folder):
            return complaints
    commands = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    compiled = {entry["file"] for entry in commands}  # stock Caffe's own tests, which are built too, lie outside of the checkout
    sources = [path for name in _CPP_FOLDERS for path in _files(name, "*.cpp")]
    if left_out := [path for path in sources if str(CHECKOUT / path) not in compiled]:
        print(f"clang-tidy: {len(left_out)} sources are not in {folder}/compile_commands.json and are left out: {left_out[0]} ...")
    command = ("clang-tidy", "-p", str(folder), "--quiet", "--extra-arg=-Wno-unknown-warning-option")
    with ThreadPoolExecutor(cores()) as pool:
        return "".join(pool.map(lambda source: _run(*command, source), [path for path in sources if path not in left_out]))


def _configure(folder: Path) -> str:
    """Has CMake write compile_commands.json into `folder`; what it complains of, or nothing."""
    try:
        caffe = [f"-DCAFFE_ROOT={paths.caffe_installation().root}"]
    except BaristaError:
        caffe = ["-DBARISTA_BUILD_PLUGIN=OFF"]
    return _run("cmake", "-S", ".", "-B", str(folder), f"-DBARISTA_PYTHON={sys.executable}", *caffe)


def _c_sources() -> list[str]:
    patterns = [(folder, pattern) for folder in _CPP_FOLDERS for pattern in ("*.cpp", "*.hpp")]
    patterns += [("opencl_kernels", "*.cl"), ("opencl_kernels", "*.h")]
    return [path for folder, pattern in patterns for path in _files(folder, pattern)]


def _files(folder: str, pattern: str) -> Iterable[str]:
    return sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / folder).rglob(pattern))


def _run(*command: str) -> str:
    """What `command` complains of, or nothing when it ends well."""
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not on the PATH; install the Debian package of that name\n"
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # of a release that is not out yet
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, env=environment)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}" or f"{command[0]} ended with {done.returncode}\n"


def _report(name: str, check: Callable[[], str]) -> bool:
    started = time.monotonic()
    complaints = check()
    print(f"{complaints}{name}: {'FAILED' if complaints else 'clean'}, {time.monotonic() - started:.1f} s", flush=True)
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
