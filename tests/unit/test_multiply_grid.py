"""One textual grid of MACs, as a compiler for FPGAs would count it: in the kernels' source."""

import re

import kernel_ast
import pytest
from kernel_ast import Node

from barista import paths
from barista.bitstream import recipe as recipes
from barista.bitstream.recipe import MOST_UNITS


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
    assert len(units) == MOST_UNITS
    host = (paths.kernels_dir().parent / "caffe_layers" / "plan" / "recipe.hpp").read_text()
    assert f"constexpr int kMostUnits = {len(units)};" in host
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


def _around_fma(recipe: str) -> tuple[Node, tuple[Node, ...]]:
    """The kernel of a compute unit, and what lies around its fma(), the outermost first."""
    tree = kernel_ast.kernel("multiply.cl", "multiply_0", recipe)
    [around] = [parents for node, parents in kernel_ast.walk(tree) if node.get("referencedDecl", {}).get("name") == "fma"]
    return tree, around


@pytest.mark.parametrize("name", recipes.names())
def test_each_access_of_the_grid_is_to_a_bank_of_its_own(name: str) -> None:
    """Each index that is not a depth, nor says which half of x, is that of an unrolled loop."""
    recipe = recipes.load(name)
    depths = {"x": recipe.x_words, "vec": recipe.vec_words, "acc": recipe.acc_words}
    found = dict.fromkeys(depths, 0)
    _, around = _around_fma(name)
    step = [node for node in around if node["kind"] == "ForStmt" and not node["unrolled"]][-1]
    for access in kernel_ast.accesses(step):
        if access.array in depths:
            found[access.array] += 1
            banks = list(zip(access.sizes, access.indices, strict=True))[1 if access.array == "x" else 0 :]
            shared = [size for size, index in banks if not access.unrolled(index)]
            assert shared == [depths[access.array]], access.array
    assert found == {"x": 1, "vec": 1, "acc": 2}


def test_the_grid_and_its_loader_are_side_by_side_and_in_two_halves() -> None:
    """Two loops and nothing else in what a board's compiler is to fuse; what the one reads of x the other does not write."""
    assert _sources()["multiply_unit.h"].count("FUSE_LOOPS") == 1
    tree, around = _around_fma("emulator")
    blocks = [node for node in around if node["kind"] == "CompoundStmt"]
    [fused] = [block for block in blocks if [statement["kind"] for statement in block["inner"]] == ["ForStmt", "ForStmt"]]
    [grid] = [loop for loop in fused["inner"] if loop in around]
    [loader] = [loop for loop in fused["inner"] if loop not in around]
    for number in range(-1, 4):
        read, written = (_halves_of_x(loop, tree, number) for loop in (grid, loader))
        assert (len(read), len(written)) == (1, 1)
        assert read | written == {0, 1}


def _halves_of_x(loop: Node, tree: Node, number: int) -> set[int]:
    """Which halves a loop uses in the iteration of that number."""
    found = (access for access in kernel_ast.accesses(loop) if access.array == "x")
    return {kernel_ast.value(access.indices[0], tree, {"number": number}) for access in found}
