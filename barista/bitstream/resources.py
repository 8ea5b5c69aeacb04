"""What a recipe takes of an FPGA: DSP blocks and on-chip memory blocks, counted from the kernels' sources.

An addition, a multiplication, or one with the other behind it, is one DSP block of an Arria 10 or a Stratix 10. Each `.cl` file
states what its kernels take, as `// DSP blocks of KERNEL: EXPRESSION` over the recipe's numbers; tests hold that to the operators
that clang leaves once functions are inlined and loops unrolled. On-chip memories are the sources' `__local` arrays. The offline
compiler's report has the last word on both.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barista import paths

if TYPE_CHECKING:
    from barista.bitstream.recipe import Recipe

# DSP blocks of a divider, a square root, an exponential or a logarithm in single precision. Intel's Floating-Point IP Cores User
# Guide (683750, FP_FUNCTIONS) has 4 for a divider and 2 for an exponential of an Arria V; 4 is taken for all.
FUNCTION_DSP_BLOCKS = 4
_VECTOR = 16  # elements of storage16
_DEFINE = re.compile(r"^#define (\w+) (\d+)\b", re.MULTILINE)
_STATED = re.compile(r"^// DSP blocks of (\w+)(\*?): (.+)$", re.MULTILINE)
_ARRAY = re.compile(r"__local (\w+) (\w+)((?:\[[^\]]+\])+);")


@dataclass(frozen=True)
class Memory:
    """One on-chip array of the array: `banks` memories, each read once and written once a clock."""

    name: str
    banks: int
    words: int  # a bank
    bits: int  # a word

    @property
    def m20k_blocks(self) -> int:
        return self.banks * ceil(self.words / 512) * ceil(self.bits / 40)


@dataclass(frozen=True)
class Estimate:
    """What the PE array of all compute units takes; loaders, control and the other kernels come on top."""

    multipliers: int
    memories: tuple[Memory, ...]

    @property
    def banks(self) -> int:
        return sum(memory.banks for memory in self.memories)

    @property
    def m20k_blocks(self) -> int:
        return sum(memory.m20k_blocks for memory in self.memories)

    @property
    def bytes(self) -> int:
        return sum(memory.banks * memory.words * memory.bits for memory in self.memories) // 8


def dsp_blocks(recipe: Recipe) -> dict[str, int]:
    """DSP blocks of each kernel, by its name; of multiplications of addresses none are counted."""
    stated: dict[str, int] = {}
    for file in sorted(paths.kernels_dir().glob("*.cl")):
        text = file.read_text(encoding="utf-8")
        headers = [_header(name) for name in re.findall(r'^#include "([\w/]+\.h)"$', text, re.MULTILINE)]
        numbers = _defines("\n".join([text, *headers])) | _numbers(recipe) | {"FUNCTION": FUNCTION_DSP_BLOCKS}
        for kernel, replicated, expression in _STATED.findall(text):
            for unit in range(recipe.compute_units) if replicated else [""]:
                stated[f"{kernel}{unit}"] = evaluate(expression, numbers)
    return stated


def memories(recipe: Recipe) -> dict[str, list[Memory]]:
    """The on-chip arrays of all kernels by the source file that declares them; a *_unit.h is there once a compute unit."""
    found = {}
    for file in sorted(path for path in paths.kernels_dir().rglob("*.*") if path.suffix in (".cl", ".h")):
        units = recipe.compute_units if file.name.endswith("_unit.h") else 1
        if declared := [_of_units(memory, units) for memory in _declared(file, recipe)]:
            found[file.name] = declared
    return found


def evaluate(expression: str, numbers: Mapping[str, int]) -> int:
    """The value of an expression of whole numbers, names, + - * / and min(). Raises ValueError for anything else."""
    return _evaluate(ast.parse(expression, mode="eval").body, numbers)


_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.floordiv,
}


def _evaluate(node: ast.expr, numbers: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name) if name in numbers:
            return numbers[name]
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATORS:
            return _OPERATORS[type(operation)](_evaluate(left, numbers), _evaluate(right, numbers))
        case ast.Call(func=ast.Name(id="min"), args=arguments, keywords=[]):
            return min(_evaluate(argument, numbers) for argument in arguments)
    raise ValueError(f"{ast.unparse(node)}: neither a number, a name of {', '.join(sorted(numbers))}, nor a sum or product of them")


def _declared(file: Path, recipe: Recipe) -> Iterator[Memory]:
    """A dimension of ..._WORDS is the depth of a bank; others, and the width of a vector, count banks."""
    headers = "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths.kernels_dir().rglob("*.h")))
    numbers = _numbers(recipe) | {"GRID_VECTORS": recipe.pe_columns // _VECTOR} | _defines(headers)
    for kind, name, dimensions in _ARRAY.findall(file.read_text(encoding="utf-8")):
        sizes = {size: evaluate(size, numbers) for size in re.findall(r"\[([^\]]+)\]", dimensions)}
        words = prod(value for size, value in sizes.items() if "_WORDS" in size)
        banks = prod(value for size, value in sizes.items() if "_WORDS" not in size)
        wide = _VECTOR if kind.endswith("16") else recipe.lanes if kind.endswith("_lanes") else 1
        yield Memory(name, banks * wide, words, 32)


def _of_units(memory: Memory, units: int) -> Memory:
    return Memory(memory.name, units * memory.banks, memory.words, memory.bits)


def _numbers(recipe: Recipe) -> dict[str, int]:
    raw: Mapping[str, Any] = recipe.raw
    return {key.upper(): value for key, value in raw.items() if isinstance(value, int)}


def _defines(text: str) -> dict[str, int]:
    return {key: int(value) for key, value in _DEFINE.findall(text)}


def _header(name: str) -> str:
    return (paths.kernels_dir() / name).read_text(encoding="utf-8")
