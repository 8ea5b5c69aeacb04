"""Files of at most 450 lines, functions of at most 80: `python -m tools.sizes` names those that are longer."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FILE_LINES = 450
FUNCTION_LINES = 80
_C_LIKE = (".cpp", ".hpp", ".cl", ".h")
# As clang-format leaves it, a definition ends in a brace alone in its line, at the column in which it began; so do other blocks,
# which are shorter than the function around them.
_CLOSES = re.compile(r"^( *)\}$")
# The one kernel with a reason: the grid, its loader and its stores are one text, for a compiler to fuse and to share nothing of.
_LONG_FUNCTIONS = {"opencl_kernels/multiply_unit.h"}
_NO_BEGIN = ("}", "#", "//", "public:", "private:", "protected:", "{")


def main() -> int:
    """Returns 0 when there is nothing to say."""
    found = complaints()
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


def complaints() -> list[str]:
    """A line for each file and function that is too long."""
    found = []
    for path in _sources():
        text = path.read_text(encoding="utf-8")
        name, lines = path.relative_to(CHECKOUT), text.count("\n")
        if lines > FILE_LINES:
            found.append(f"{name}: {lines} lines; a file has at most {FILE_LINES}")
        if str(name) in _LONG_FUNCTIONS:
            continue
        for first, length, what in python_functions(text) if path.suffix == ".py" else c_functions(text):
            if length > FUNCTION_LINES:
                found.append(f"{name}:{first}: {what}: {length} lines; a function has at most {FUNCTION_LINES}")
    return found


def python_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, number of lines and name of each function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def c_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """The same of C++ and OpenCL C, where the name is the definition's first line, and blocks within functions count as well."""
    lines = text.splitlines()
    for end, line in enumerate(lines):
        if closes := _CLOSES.match(line):
            column = len(closes[1])
            first = next((number for number in range(end - 1, -1, -1) if _begins_at(lines[number], column)), end)
            yield first + 1, end - first + 1, lines[first].strip()


def _begins_at(line: str, column: int) -> bool:
    text = line.lstrip()
    return bool(text) and len(line) - len(text) == column and not text.startswith(_NO_BEGIN)


def _sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (CHECKOUT / name for name in listed.stdout.split("\0") if name)
    return sorted(path for path in paths if path.suffix in (".py", *_C_LIKE) and path.is_file())


if __name__ == "__main__":
    sys.exit(main())
