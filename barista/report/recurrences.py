"""The recurrence that bounds a loop's initiation interval: the cycle of dependences with the most latency an iteration.

Values carried to the next iteration (phis of the header), and memory that one iteration writes and a later one reads. Latencies are
those of the family, in cycles; where only a range is known, of the published reports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from barista.report.affine import Address, Values
from barista.report.flow import Loop
from barista.report.ir import Function, Instruction
from barista.report.sites import Site


@dataclass(frozen=True)
class Dependence:
    """A store that a load of a later iteration may read."""

    store: Site
    load: Site
    distance: int | None  # iterations; None: what an iteration stores no other one reads
    known: bool  # by the addresses; False: assumed


@dataclass(frozen=True)
class Recurrence:
    """A cycle: `latency` cycles over `distance` iterations."""

    latency: float
    distance: int
    instructions: tuple[Instruction, ...]
    memories: tuple[str, ...]  # objects that it goes through

    @property
    def interval(self) -> int:
        """The initiation interval that it allows at best."""
        return max(1, math.ceil(self.latency / self.distance - 0.01))

    @property
    def accumulates(self) -> bool:
        """Whether it is a sum that nothing but itself takes a part of: one addition behind one carried value."""
        work = [one for one in self.instructions if one.opcode != "phi"]
        sums = [one for one in work if one.type == "float" and (one.opcode == "fadd" or "fmuladd" in one.callee)]
        return not self.memories and len(self.instructions) == 2 and len(work) == len(sums) == 1


@dataclass(frozen=True)
class _Edge:
    source: int
    target: int
    latency: float
    distance: int
    memory: str = ""


def dependences(loop: Loop, found: list[Site], values: Values, function: Function) -> list[Dependence]:
    """Pairs of a store and a load in a loop that may meet, with how many iterations lie between."""
    own = [site for site in found if site.block in loop.blocks]
    loads = [site for site in own if site.kind != "store"]
    met = []
    for store in own:
        if store.kind == "load":
            continue
        for load in loads:
            unknown = not store.address.bases or not load.address.bases
            if store.space == load.space and (unknown or store.address.bases & load.address.bases):
                distance, known = _distance(store, load, loop, values, function)
                if distance is not None:
                    met.append(Dependence(store, load, distance, known))
    return met


def _distance(store: Site, load: Site, loop: Loop, values: Values, function: Function) -> tuple[int | None, bool]:
    """Iterations from a store to the load that reads it. None: it reads it never."""
    moved = _movement(store.address, loop, values, function)
    if moved is None or store.address.at.terms != load.address.at.terms or store.address.bases != load.address.bases:
        return 1, False
    apart = store.address.at.offset - load.address.at.offset
    if moved == 0:
        return (1, True) if -store.width < apart < load.width else (None, True)
    for distance in range(1, 1 + max(0, (abs(apart) + max(store.width, load.width)) // abs(moved) + 1)):
        if -store.width < apart - distance * moved < load.width:
            return (distance, True) if loop.trips is None or distance < loop.trips else (None, True)
    return None, True


def _movement(address: Address, loop: Loop, values: Values, function: Function) -> int | None:
    """Bytes that an address moves on an iteration of the loop; None: not constant."""
    moved = 0
    for value, times in address.at.terms:
        made = function.values.get(value)
        if made is None or made.block not in loop.blocks:
            continue
        if made.opcode != "phi" or made.block != loop.header:
            return None
        induction = values.induction(made, loop.latches)
        if induction is None:
            return None
        moved += times * induction[1]
    return moved


def worst(
    function: Function,
    loop: Loop,
    carried: list[Dependence],
    latency: Callable[[Instruction], float],
    store_latency: Callable[[Site], float],
    controls: Mapping[str, list[str]],
    accumulator: bool,
) -> Recurrence | None:
    """The recurrence with the most latency an iteration; None: there is none.

    `accumulator`: whether DSP blocks add up a value each cycle, so that a plain sum bounds nothing.
    """
    instructions = [one for name in loop.blocks for one in function.blocks[name].instructions]
    number = {one.result: position for position, one in enumerate(instructions) if one.result}
    at = {one.index: position for position, one in enumerate(instructions)}
    edges: list[_Edge] = []
    for position, one in enumerate(instructions):
        for place, operand in enumerate(one.operands):
            if operand in number:
                source = instructions[number[operand]]
                back = one.opcode == "phi" and one.block == loop.header and one.blocks[place] in loop.latches
                edges.append(_Edge(number[operand], position, latency(source), 1 if back else 0))
        if (one.opcode == "phi" and one.block != loop.header) or one.opcode == "store":
            for condition in controls.get(one.block, []):
                if condition in number:
                    edges.append(_Edge(number[condition], position, latency(instructions[number[condition]]), 0))
    for pair in carried:
        if pair.distance is not None and pair.store.index in at and pair.load.index in at:
            memory = ", ".join(sorted(pair.load.address.bases)) or "memory"
            edges.append(_Edge(at[pair.store.index], at[pair.load.index], store_latency(pair.store), pair.distance, memory))
    return _worst_cycle(instructions, edges, accumulator)


def controls_of(function: Function, loop: Loop, dominating: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """For each block of a loop, the conditions that decide between it and others."""
    found: dict[str, list[str]] = {}
    for name in loop.blocks:
        near = set(function.blocks[name].predecessors) & loop.blocks
        above = [other for other in dominating[name] if other in loop.blocks and other != name]
        near |= {max(above, key=lambda other: len(dominating[other]))} if above else set()
        branches = [function.blocks[other].instructions[-1] for other in near]
        found[name] = [branch.operands[0] for branch in branches if branch.opcode in ("br", "switch") and branch.operands]
    return found


def _worst_cycle(instructions: list[Instruction], edges: list[_Edge], accumulator: bool) -> Recurrence | None:
    """By rising ratios: from each cycle that is worse than the last to the next, until there is none."""
    best: Recurrence | None = None
    for component in _components(len(instructions), edges):
        inside = [edge for edge in edges if edge.source in component and edge.target in component]
        ratio = 0.0
        while (cycle := _above(component, inside, ratio)) is not None:
            latency, distance = sum(edge.latency for edge in cycle), sum(edge.distance for edge in cycle)
            if distance == 0:
                break  # cannot be: a cycle within one iteration
            ratio = latency / distance
            memories = tuple(dict.fromkeys(edge.memory for edge in cycle if edge.memory))
            found = Recurrence(latency, distance, tuple(instructions[edge.target] for edge in cycle), memories)
            if accumulator and found.accumulates:
                break  # the whole component
            if best is None or ratio > best.latency / best.distance:
                best = found
    return best


def _above(component: set[int], edges: list[_Edge], ratio: float) -> list[_Edge] | None:
    """A cycle with more latency an iteration than `ratio`, if there is one (Bellman and Ford, longest ways)."""
    length = dict.fromkeys(component, 0.0)
    came: dict[int, _Edge] = {}
    last = None
    for _ in range(len(component) + 1):
        last = None
        for edge in edges:
            through = length[edge.source] + edge.latency - ratio * edge.distance
            if through > length[edge.target] + 1e-6:
                length[edge.target], came[edge.target], last = through, edge, edge.target
        if last is None:
            return None
    if last is None:
        return None
    for _ in range(len(component)):
        last = came[last].source
    cycle, at = [], last
    while True:
        cycle.append(came[at])
        at = came[at].source
        if at == last:
            return cycle[::-1]


def _components(count: int, edges: list[_Edge]) -> list[set[int]]:
    """Strongly connected components of more than one node, or with an edge to itself (Tarjan)."""
    following: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        following[edge.source].append(edge.target)
    order: list[int | None] = [None] * count
    low, on_stack, stack, found, clock = [0] * count, [False] * count, [], [], 0
    for root in range(count):
        if order[root] is not None:
            continue
        work = [(root, 0)]
        while work:
            node, child = work.pop()
            if child == 0:
                order[node] = low[node] = clock
                clock += 1
                stack.append(node)
                on_stack[node] = True
            for position in range(child, len(following[node])):
                target = following[node][position]
                if order[target] is None:
                    work.append((node, position + 1))
                    work.append((target, 0))
                    break
                if on_stack[target]:
                    low[node] = min(low[node], order[target] or 0)
            else:
                if low[node] == order[node]:
                    component = set()
                    while True:
                        top = stack.pop()
                        on_stack[top] = False
                        component.add(top)
                        if top == node:
                            break
                    if len(component) > 1 or any(target == node for target in following[node]):
                        found.append(component)
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
    return found
