"""Loops of a function's control flow, innermost last, with their trip counts where they are constant."""

from __future__ import annotations

from dataclasses import dataclass, field

from barista.report.affine import Values
from barista.report.ir import Block, Function, Instruction, Location, Module


@dataclass
class Loop:
    """A natural loop: its header, what it consists of, and which loop it is in."""

    header: str
    blocks: set[str]
    latches: list[str]
    location: Location | None
    parent: Loop | None = None
    children: list[Loop] = field(default_factory=list)
    trips: int | None = None  # None: not constant

    @property
    def depth(self) -> int:
        return 1 + (self.parent.depth if self.parent else 0)

    @property
    def innermost(self) -> bool:
        return not self.children


def dominators(function: Function) -> dict[str, set[str]]:
    """For each block that can be reached, the blocks that every way to it goes through."""
    order = reverse_postorder(function)
    everything = set(order)
    found = dict.fromkeys(order, everything)
    found[order[0]] = {order[0]}
    changed = True
    while changed:
        changed = False
        for name in order[1:]:
            before = [found[predecessor] for predecessor in function.blocks[name].predecessors if predecessor in everything]
            now = set.intersection(*before) | {name} if before else {name}
            if now != found[name]:
                found[name], changed = now, True
    return found


def reverse_postorder(function: Function) -> list[str]:
    """Blocks, each before those that follow it but for the ways back of loops."""
    seen: set[str] = set()
    order: list[str] = []
    stack = [(next(iter(function.blocks)), 0)]
    seen.add(stack[0][0])
    while stack:
        name, at = stack.pop()
        successors = function.blocks[name].successors
        if at < len(successors):
            stack.append((name, at + 1))
            if successors[at] not in seen:
                seen.add(successors[at])
                stack.append((successors[at], 0))
        else:
            order.append(name)
    return order[::-1]


def loops(function: Function, module: Module, values: Values | None = None) -> list[Loop]:
    """All loops, an outer one before those in it; without those that clang adds for what unrolling leaves over."""
    dominating = dominators(function)
    remainders = function.remainders()
    found: dict[str, Loop] = {}
    for name in dominating:
        for target in function.blocks[name].successors:
            if target in dominating[name] and target not in remainders:
                body = _body(function.blocks, target, name)
                loop = found.setdefault(target, Loop(target, set(), [], None))
                loop.blocks |= body
                loop.latches.append(name)
    ordered = sorted(found.values(), key=lambda loop: -len(loop.blocks))
    values = values or Values(function, module)
    for position, loop in enumerate(ordered):
        outside = [other for other in ordered[:position] if loop.header in other.blocks and other is not loop]
        if outside:
            loop.parent = min(outside, key=lambda other: len(other.blocks))
            loop.parent.children.append(loop)
        loop.location = _location(function, module, loop)
        loop.trips = _trips(function, loop, values)
    return ordered


def _body(blocks: dict[str, Block], header: str, latch: str) -> set[str]:
    body, waiting = {header, latch}, [latch] if latch != header else []
    while waiting:
        for predecessor in blocks[waiting.pop()].predecessors:
            if predecessor not in body:
                body.add(predecessor)
                waiting.append(predecessor)
    return body


def _location(function: Function, module: Module, loop: Loop) -> Location | None:
    for latch in loop.latches:
        if place := module.loop_location(function.blocks[latch].instructions[-1].loop):
            return place
    places = [module.location(instruction.location) for instruction in function.blocks[loop.header].instructions]
    return min((place for place in places if place and place[1]), key=lambda place: place[1], default=None)


def _trips(function: Function, loop: Loop, values: Values) -> int | None:
    """Iterations, of a loop that one comparison of a counter with a constant ends."""
    for name in loop.blocks:
        branch = function.blocks[name].instructions[-1]
        if branch.opcode != "br" or len(branch.blocks) != 2 or all(target in loop.blocks for target in branch.blocks):
            continue
        condition = function.values.get(branch.operands[0])
        if condition is None or condition.opcode != "icmp":
            return None
        counted = _counted(function, loop, condition, values)
        if counted is not None:
            return counted + (1 if name in loop.latches else 0)  # a loop that ends by its last block goes round once more
    return None


def _counted(function: Function, loop: Loop, condition: Instruction, values: Values) -> int | None:
    limit = values.affine(condition.operands[1])
    counter = values.affine(condition.operands[0])
    if limit.terms or len(counter.terms) != 1 or counter.terms[0][1] != 1:
        return None
    phi = function.values.get(counter.terms[0][0])
    if phi is None or phi.opcode != "phi" or phi.block != loop.header:
        return None
    induction = values.induction(phi, loop.latches)
    if induction is None or induction[0] is None or induction[1] == 0:
        return None
    begin, step = induction[0], induction[1]
    first = begin + counter.offset  # of what is compared
    distance = limit.offset - first
    match condition.predicate:
        case "eq" | "ne":
            return distance // step if distance % step == 0 and distance // step >= 0 else None
        case "slt" | "ult" | "sgt" | "ugt":
            return -(-distance // step) if distance // step >= 0 else None
    return None
