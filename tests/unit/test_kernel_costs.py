"""The DSP blocks that all kernels together take of a device: what each file states, and what its source has.

A compiler for FPGAs makes one operator of each that is left once functions are inlined and loops unrolled, whatever runs at one
time. So clang, which PoCL brings, does that much and no more, and what it leaves is counted. The report of Intel's
compiler has the last word. Ports of memories are counted in tests/runs/test_report_recipes.py.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess

import pytest

from barista import paths
from barista.bitstream import recipe as recipes
from barista.bitstream import resources
from barista.bitstream.resources import FUNCTION_DSP_BLOCKS
from barista.bitstream.source import program_text, read_source

RECIPES = recipes.names()
BOARDS = [name for name in RECIPES if recipes.load(name).board]

# An addition, a multiplication, or one with the other behind it, is one DSP block of an Arria 10 or a Stratix 10.
OPERATORS = {"fadd": 1, "fsub": 1, "fmul": 1, "fmuladd": 1, "fma": 1, "fdiv": FUNCTION_DSP_BLOCKS}
FUNCTIONS = {"sqrt": FUNCTION_DSP_BLOCKS, "exp": FUNCTION_DSP_BLOCKS, "log": FUNCTION_DSP_BLOCKS}
# Whole numbers, of addresses: two blocks in their mode of 36 x 36 bits, four of 54 x 54.
WHOLE = {"i32": 2, "i64": 4}
WITHOUT = {"fneg", "fcmp", "fabs", "fmax", "fmin", "fptosi", "fptoui", "fptrunc", "fpext", "freeze"}


@pytest.mark.parametrize("name", RECIPES)
def test_each_file_states_the_dsp_blocks_of_its_kernels(name: str) -> None:
    assert resources.dsp_blocks(recipes.load(name)) == _counted(name)


@pytest.mark.parametrize("name", BOARDS)
def test_all_kernels_together_fit_the_dsp_blocks_of_a_board(name: str) -> None:
    assert sum(_counted(name).values()) + _counted_of_addresses(name) <= 0.9 * recipes.load(name).fpga().dsp_blocks


@pytest.mark.parametrize("name", RECIPES)
def test_the_documents_have_the_dsp_blocks_of_every_recipe(name: str) -> None:
    """Rows of docs/bitstreams.md, whose columns are the recipes."""
    lines = (paths.kernels_dir().parent / "docs" / "bitstreams.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("|")]
    addresses = round(_counted_of_addresses(name), -2)  # one version of clang finds a few more to share than another
    figures = {"DSP blocks of all kernels": sum(_counted(name).values()), "DSP blocks of addresses": addresses}
    for what, figure in figures.items():
        row = next(row for row in rows if row[1].startswith(what))
        head = next(head for head in reversed(rows[: rows.index(row)]) if head[1] == "")
        assert row[head.index(name)] == f"{figure:,}", what


def _counted(name: str) -> dict[str, int]:
    """DSP blocks a kernel, by the operators in what clang makes of the source."""
    return {kernel: sum(_blocks(kernel, line) for line in lines) for kernel, lines in _instructions(name).items()}


def _counted_of_addresses(name: str) -> int:
    """DSP blocks of all multiplications of whole numbers. Those by a constant are additions."""
    product = re.compile(r"= mul (?:nuw |nsw )*(?:<(\d+) x )?(i\d+)>? [^,]+, %")
    found = (product.search(line) for lines in _instructions(name).values() for line in lines)
    return sum(WHOLE[match[2]] * int(match[1] or 1) for match in found if match)


@functools.cache
def _instructions(name: str) -> dict[str, list[str]]:
    """What clang makes of each kernel."""
    kernel = re.compile(r"^define .*?spir_kernel void @(\w+)\((.*?)^}", re.MULTILINE | re.DOTALL)
    return {match[1]: match[2].splitlines() for match in kernel.finditer(_intermediate(name))}


def _blocks(kernel: str, line: str) -> int:
    """DSP blocks of one instruction: as many operators as its vector has elements."""
    plain = re.search(r"= (f\w+) (?:\w+ )*?(?:<(\d+) x )?float", line)
    if plain:
        assert plain[1] in OPERATORS.keys() | WITHOUT, f"{kernel}: no DSP blocks are known of {line}"
        return OPERATORS.get(plain[1], 0) * int(plain[2] or 1)
    call = re.search(r"call .*?(?:<(\d+) x )?float>? @(?:llvm\.(?P<intrinsic>[a-z]+)|_Z(?P<length>\d+)(?P<mangled>\w+))", line)
    if not call:
        return 0
    function = call["intrinsic"] or call["mangled"][: int(call["length"])]
    return (OPERATORS | FUNCTIONS).get(function, 0) * int(call[1] or 1)


def _intermediate(name: str) -> str:
    """LLVM's code of all kernels as one program, inlined and unrolled."""
    clang = next(filter(None, map(shutil.which, ("clang-15", "clang", "clang-14"))), None)
    assert clang, "no clang; install Debian's package clang-15, which PoCL needs as well"
    language = ["-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-target", "spir64", f"-I{paths.kernels_dir()}"]
    # Tuned for no processor: operators of vectors whose lanes are used one by one stay those of one lane.
    passes = ["-O1", "-mllvm", "-disable-vector-combine", "-Dinline=static __attribute__((always_inline))"]
    command = [clang, *language, *passes, *recipes.load(name).defines(), "-w", "-emit-llvm", "-S", "-o", "-", "-"]
    program = program_text(read_source())
    done = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_operators_are_counted_by_lane() -> None:
    assert _blocks("k", "  %3 = fadd <16 x float> %1, %2") == 16
    assert _blocks("k", "  %3 = fmul float %1, %2") == 1
    assert _blocks("k", "  %3 = fdiv <4 x float> %1, %2, !fpmath !5") == 4 * FUNCTION_DSP_BLOCKS
    assert _blocks("k", "  %4 = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %1, <16 x float> %2, <16 x float> %3)") == 16
    assert _blocks("k", "  %4 = tail call spir_func <8 x float> @_Z3fmaDv8_fS_S_(<8 x float> noundef %1)") == 8
    assert _blocks("k", "  %4 = call spir_func float @_Z3expf(float noundef %1) #3") == FUNCTION_DSP_BLOCKS
    assert _blocks("k", "  %4 = call spir_func float @_Z4fabsf(float noundef %1) #3") == 0
    assert _blocks("k", "  %4 = fcmp olt <16 x float> %1, %2") == 0
    with pytest.raises(AssertionError, match="no DSP blocks are known of .*frem"):
        _blocks("k", "  %4 = frem float %1, %2")
