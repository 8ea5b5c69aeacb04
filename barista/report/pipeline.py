"""When a loop's values are made and last used: the registers and FIFOs that carry them along the pipeline meanwhile.

Every operator starts as soon as its operands are there. A value that waits for a slower one is kept: a few cycles in flip-flops,
some dozens in MLABs, more in M20K blocks; so a remainder in the condition of a wide accumulator costs memory for all that waits.
What leaves a part of the pipeline that never stalls, by a channel, goes through a FIFO as deep as that part is long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from barista.report.affine import constant
from barista.report.constants import Area
from barista.report.dialect import CHANNEL_SITE
from barista.report.flow import Loop, reverse_postorder
from barista.report.ir import Function, Instruction, Module
from barista.report.sites import ChannelEnd

MLAB_WORDS = 32  # an MLAB is 32 words of 20 bits
_IN_REGISTERS = 3  # cycles that a value waits in flip-flops at most

# What makes no hardware of its own.
_WIRES = frozenset(
    """zext sext trunc bitcast getelementptr extractelement insertelement extractvalue insertvalue shufflevector freeze
    addrspacecast""".split()
)


@dataclass(frozen=True)
class Pipeline:
    """One loop's."""

    cycles: float  # from the first operator to the last
    waiting_bits: dict[int, int]  # bits of values by the cycles that they wait
    leaving: (
        int  # bits that are written to channels, unless they come from external memory, whose loads end a part that never stalls
    )


def pipeline(
    function: Function,
    module: Module,
    loop: Loop,
    moving: set[str],
    latency: Callable[[Instruction], float],
    ends: list[ChannelEnd],
    loads_external: bool,
    received: set[int],
) -> Pipeline:
    """Schedules a loop's body, which writes the channels of `ends` and `loads_external` memory or not.

    `received` are the instructions that read channels.
    """
    inside = [name for name in reverse_postorder(function) if name in loop.blocks and name not in moving]
    instructions = [one for name in inside for one in function.blocks[name].instructions]
    own = {one.result for one in instructions if one.result}
    conditions = {name: _conditions(function, name, loop) for name in inside}
    start: dict[int, float] = {}
    ready: dict[str, float] = {}
    for one in instructions:
        back = one.opcode == "phi" and one.block == loop.header
        operands = [] if back else [operand for operand in one.operands if operand in own]
        if one.opcode in ("phi", "store") and not back:
            operands += [condition for condition in conditions[one.block] if condition in own]
        start[one.index] = max((ready.get(operand, 0.0) for operand in operands), default=0.0)
        if one.result:
            ready[one.result] = start[one.index] + latency(one)
    late = _late(instructions, start, ready, latency, loop, received)
    return Pipeline(
        cycles=max(ready.values(), default=0.0),
        waiting_bits=_waiting(instructions, late, latency, module, loop),
        leaving=0 if loads_external else sum(end.bits for end in ends if end.kind == "write" and end.block in loop.blocks),
    )


def _late(
    instructions: list[Instruction],
    start: dict[int, float],
    ready: dict[str, float],
    latency: Callable[[Instruction], float],
    loop: Loop,
    received: set[int],
) -> dict[int, float]:
    """Starts as late as may be, so that what waits is what is narrowest; reads of channels are there from the first."""
    needed: dict[str, float] = {}
    late: dict[int, float] = {}
    for one in reversed(instructions):
        fixed = not one.result or one.result not in needed or one.index in received
        late[one.index] = start[one.index] if fixed else needed[one.result] - latency(one)
        for operand in one.operands:
            if operand in ready and not (one.opcode == "phi" and one.block == loop.header):
                needed[operand] = min(needed.get(operand, math.inf), late[one.index])
    return late


def _conditions(function: Function, name: str, loop: Loop) -> list[str]:
    branches = [function.blocks[before].instructions[-1] for before in function.blocks[name].predecessors if before in loop.blocks]
    return [branch.operands[0] for branch in branches if branch.opcode in ("br", "switch") and branch.operands]


def _waiting(
    instructions: list[Instruction], late: dict[int, float], latency: Callable[[Instruction], float], module: Module, loop: Loop
) -> dict[int, int]:
    """Bits by the whole cycles between a value's being there and its last use; wires hand the use on to what they are made of.

    A vector waits until its first use: its lanes, where a chain of sums takes one after another, are told apart where they come
    from.
    """
    made = {one.result: late[one.index] + latency(one) for one in instructions if one.result}
    vectors = {one.result for one in instructions if one.type.startswith("<")}
    needed: dict[str, float] = {}
    for one in reversed(instructions):
        wire = one.opcode in _WIRES
        if (wire and one.result not in needed) or (one.opcode == "phi" and one.block == loop.header):
            continue
        use = needed[one.result] if wire else late[one.index]
        for operand in one.operands:
            if operand in made:
                known = needed.get(operand, use)
                needed[operand] = min(known, use) if operand in vectors else max(known, use)
    bits: dict[int, int] = {}
    for one in instructions:
        if one.result in needed and one.opcode not in _WIRES and not _is_address(one):
            cycles = math.floor(needed[one.result] - made[one.result])
            if cycles > 0:
                bits[cycles] = bits.get(cycles, 0) + module.bits(one.type)
    return bits


def _is_address(one: Instruction) -> bool:
    return one.type.startswith("ptr") or (one.opcode == "call" and one.callee == CHANNEL_SITE) or constant(one.result) is not None


def area(made: Pipeline) -> Area:
    """Flip-flops and FIFOs of what waits, and of what leaves."""
    flops = sum(bits * cycles for cycles, bits in made.waiting_bits.items() if cycles <= _IN_REGISTERS)
    mlabs = sum(math.ceil(bits / 20) for cycles, bits in made.waiting_bits.items() if _IN_REGISTERS < cycles <= MLAB_WORDS)
    m20k = sum(math.ceil(bits / 40) for cycles, bits in made.waiting_bits.items() if cycles > MLAB_WORDS)
    if made.cycles > MLAB_WORDS:
        m20k += math.ceil(made.leaving / 40)
    elif made.cycles > _IN_REGISTERS:
        mlabs += math.ceil(made.leaving / 20)
    return Area(ffs=flops, m20k=m20k, mlabs=mlabs)
