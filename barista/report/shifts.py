"""Shift registers: arrays whose words an unrolled loop moves along, and how long they are between taps.

Unrolled, a shift register of thousands of words is as many moves for clang; so such a loop is found while it is still one, and left so.
"""

from __future__ import annotations

from dataclasses import dataclass

from barista.report import flow
from barista.report.affine import Values
from barista.report.dialect import REGISTER, Dialect, Place
from barista.report.ir import Function, Instruction, Module

LONG = 64  # words that a loop moves, from which on it is left a loop


@dataclass(frozen=True)
class Shift:
    """One loop that moves `words` words of an array along, by a constant distance an iteration."""

    array: str
    header: str  # the loop's
    words: int
    bits: int  # a word


def loops_that_shift(module: Module, dialect: Dialect) -> set[Place]:
    """Lines of the loops that a pragma unrolls fully and that do nothing but move a long array's words along."""
    found = set()
    for function in module.functions.values():
        for loop, _ in _shifting(function, module, LONG):
            pragmas = dialect.loops.get(loop.location) if loop.location else None
            if pragmas and pragmas.unroll == 0 and loop.location:
                found.add(loop.location)
    return found


def shifts(function: Function, module: Module, values: Values) -> list[Shift]:
    """The shifts of a function, one a copy of the loop."""
    return [shift for _, shift in _shifting(function, module, LONG, values)]


def _shifting(function: Function, module: Module, least: int, values: Values | None = None) -> list[tuple[flow.Loop, Shift]]:
    values = values or Values(function, module)
    found = []
    for loop in flow.loops(function, module, values):
        if not loop.innermost or loop.trips is None or loop.trips < least:
            continue
        body = [instruction for name in loop.blocks for instruction in function.blocks[name].instructions]
        stores = [instruction for instruction in body if instruction.opcode == "store"]
        arrays = [_moved(function, values, store) for store in stores]
        if stores and len(set(arrays)) == 1 and arrays[0] and not any(_works(instruction) for instruction in body):
            found.append((loop, Shift(arrays[0], loop.header, loop.trips, module.bits(stores[0].type))))
    return found


def _moved(function: Function, values: Values, store: Instruction) -> str | None:
    """The array, where a store puts what the same iteration read a constant distance away."""
    value = function.values.get(store.operands[0])
    while value is not None and value.opcode == "call" and REGISTER in value.callee:
        value = function.values.get(value.operands[0])
    if value is None or value.opcode != "load":
        return None
    to, source = values.address(store.operands[1]), values.address(value.operands[0])
    same = to.base is not None and to.base == source.base and to.at.terms == source.at.terms
    return to.base if same and to.at.offset != source.at.offset else None


def _works(instruction: Instruction) -> bool:
    return instruction.opcode.startswith("f") and instruction.opcode not in ("freeze", "fence")
