"""Shift registers: arrays whose words an unrolled loop moves along, and how long they are between taps.

Unrolled, a shift register of thousands of words is as many moves for clang; so such a loop is found while it is still one, and
left so.
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
    """The shifts of a function, one a copy of the loop; of words that nothing reads there are none."""
    found = _shifting(function, module, LONG, values)
    moving = {shift.header for _, shift in found}
    read: dict[str, set[int]] = {}
    for one in function.instructions():
        if one.opcode == "load":
            address = values.address(one.operands[0])
            if address.base is not None and one.block not in moving and not address.at.terms:
                read.setdefault(address.base, set()).add(address.at.offset)
    kept = []
    for loop, shift in found:
        words = _read_words(function, values, loop, shift, read.get(shift.array, set()))
        if words:
            kept.append(Shift(shift.array, shift.header, words, shift.bits))
    return kept


def moving_loops(function: Function, module: Module, values: Values) -> set[str]:
    """Headers of all loops that only shift."""
    return {shift.header for _, shift in _shifting(function, module, LONG, values)}


def shifted_arrays(function: Function, module: Module, values: Values) -> set[str]:
    """Arrays that a loop shifts."""
    return {shift.array for _, shift in _shifting(function, module, LONG, values)}


def _read_words(function: Function, values: Values, loop: flow.Loop, shift: Shift, read: set[int]) -> int:
    """Words from where a shift begins to the last that is read: the length of the register that is needed."""
    body = [one for name in loop.blocks for one in function.blocks[name].instructions]
    store = next(one for one in body if one.opcode == "store")
    load = next(one for one in body if one.opcode == "load")
    to, source = values.address(store.operands[1]).at, values.address(load.operands[0]).at
    if len(to.terms) != 1:
        return shift.words
    phi = function.values.get(to.terms[0][0])
    counter = values.induction(phi, loop.latches) if phi is not None and phi.opcode == "phi" else None
    if counter is None or counter[0] is None:
        return shift.words
    step = to.offset - source.offset  # bytes that a word moves
    first = to.offset + to.terms[0][1] * counter[0]
    reached = {first + to.terms[0][1] * counter[1] * position for position in range(shift.words)}
    begin = min(reached) if step > 0 else max(reached)
    return max(((offset - begin) // step + 1 for offset in read & reached), default=0)


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
