"""One textual grid of multiply-adders, as a compiler for FPGAs would count it: in the kernels' source."""

import re

from barista import paths


def _sources() -> dict[str, str]:
    """The kernels' source without comments, by file name."""
    return {
        file.name: re.sub(r"//[^\n]*|/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
        for file in sorted(paths.kernels_dir().rglob("*.[ch]*"))
    }


def test_one_file_multiplies_and_adds() -> None:
    """Multipliers are not shared between call sites, so a second fma() would be a second grid.

    Those of arithmetic.h are the scalar steps of a reciprocal and a quotient.
    """
    counts = {name: len(re.findall(r"\b(?:fma|mad)\s*\(", text)) for name, text in _sources().items()}
    assert {name: count for name, count in counts.items() if count} == {"arithmetic.h": 4, "multiply_unit.h": 1}


def test_each_compute_unit_is_a_kernel_by_name() -> None:
    """A file of kernels is included once a unit, and no more units than each_unit.h names can be asked for."""
    text = _sources()["each_unit.h"]
    units = re.findall(r"#define UNIT (\d)\n#include UNIT_BODY\n#undef UNIT", text)
    assert units == [str(unit) for unit in range(len(units))]
    assert f"#if COMPUTE_UNITS > {len(units)}\n#error" in text
    assert '#define UNIT_BODY "multiply_unit.h"\n#include "each_unit.h"' in _sources()["multiply.cl"]


def test_no_division_in_a_loop_of_the_grid() -> None:
    """Addresses are running sums: a divider in hardware takes tens of cycles and much logic."""
    assert not re.search(r"[^/]/[^/]|%", _sources()["multiply_unit.h"])


def test_loop_pragmas_carry_the_recipe_s_distance() -> None:
    """The distance that the host guarantees is the one that the compiler is promised."""
    sources = _sources()
    pragmas = {name: re.findall(r"#pragma ivdep (.*)", sources[name]) for name in ("multiply_unit.h", "multiply.cl")}
    assert pragmas == {
        "multiply_unit.h": ["array(acc) safelen(ACC_DISTANCE)", "array(x)", "array(x)"],
        "multiply.cl": ["array(dst)"],
    }


def test_the_grid_and_its_loader_are_side_by_side_and_in_two_halves() -> None:
    """Two loops and nothing else in what a board's compiler is to fuse; what the one reads of x the other does not write."""
    text = _sources()["multiply_unit.h"]
    assert text.count("FUSE_LOOPS") == 1
    fused = _block(text, text.index("FUSE_LOOPS"))
    loops = []
    rest = fused[1:-1]
    while loop := re.match(r"\s*(?:#pragma .*\n\s*)*(for \([^{]*\) )\{", rest):
        body = _block(rest, loop.end(1))
        loops.append(body)
        rest = rest[loop.end(1) + len(body) :]
    assert (len(loops), rest.strip()) == (2, "")
    grid, loader = loops
    assert set(re.findall(r"\bx\[(\w+)\]", grid)) == {"half_read"}
    assert set(re.findall(r"\bx\[(\w+)\]", loader)) == {"half_written"}
    assert "half_read = number & 1, half_written = 1 - half_read;" in text


def _block(text: str, begin: int) -> str:
    """The braces that follow `begin`, and what is in them."""
    begin = text.index("{", begin)
    depth = 0
    for end in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[begin : end + 1]
    raise AssertionError("braces that don't close")
