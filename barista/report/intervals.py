"""Loops of a kernel as the compiler would pipeline them: nest, trip counts, initiation interval and what bounds it, reach of ivdep.

`#pragma ivdep` speaks of the loop that follows it alone, not of loops within, nor of those that loop_coalesce makes one of it with
(FPGA Handbook 785441, "ivdep Attribute"; Migrating OpenCL FPGA Designs to SYCL, 767849, "Loop Directives").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from barista.report import flow, recurrences
from barista.report.affine import Values
from barista.report.constants import Latencies
from barista.report.dialect import LoopPragmas, Place
from barista.report.flow import Loop
from barista.report.ir import Function, Instruction, Location, Module
from barista.report.memories import Memory
from barista.report.recurrences import Dependence, Recurrence
from barista.report.sites import CONSTANT, EXTERNAL, Site, of_channel


@dataclass(frozen=True)
class LoopReport:
    """One loop that is left after unrolling."""

    location: Location | None
    depth: int
    trips: int | None
    pipelined: bool
    innermost: bool
    interval: int | None  # None: of a loop with loops in it, which is not judged
    bound: str  # what bounds the interval, where it is above 1
    stalls: int  # cycles that an iteration's accesses of one bank take, where they wait for each other; 1: they do not
    stalled_by: str  # the memory
    wanted: (
        int | None
    )  # by #pragma ii; 1 where an ivdep speaks of the loop or of one around it, which says what the loop is meant to be
    ivdep_out_of_reach: tuple[str, ...]  # arrays that an ivdep of an outer loop of the nest names, and that this one carries


def report(
    function: Function,
    module: Module,
    values: Values,
    all_loops: list[Loop],
    found: list[Site],
    made: list[Memory],
    moving: set[str],
    shifted: set[str],
    pragmas: Mapping[Place, LoopPragmas],
    latencies: Latencies,
) -> list[LoopReport]:
    """The loops of a kernel, outer ones first; without those at `moving`, which are shift registers of the arrays `shifted`."""
    dominating = flow.dominators(function)
    own = [site for site in found if not (site.address.bases & shifted) and not of_channel(site, module)]
    reports = []
    for loop in all_loops:
        if loop.header in moving:
            continue
        innermost = all(child.header in moving for child in loop.children)
        given = _pragmas(loop, pragmas)
        if not innermost or not given.pipelined:
            reports.append(
                LoopReport(loop.location, loop.depth, loop.trips, given.pipelined, innermost, None, "", 1, "", given.ii, ())
            )
            continue
        carried, beyond = _carried(loop, own, values, function, pragmas)
        controls = recurrences.controls_of(function, loop, dominating)
        worst = recurrences.worst(
            function, loop, carried, _latency(latencies, found), _store_latency(latencies), controls, latencies.accumulator
        )
        if worst:
            sums = sum(one.opcode in ("fadd", "fsub") for one in worst.instructions)
            worst = replace(worst, latency=latencies.chain(worst.latency, sums))
        interval, bound = (worst.interval, _told(worst, module)) if worst else (1, "")
        stalls, memory = _port_bound(loop, own, made)
        wanted = given.ii or (1 if given.ivdep or _outer_ivdep(loop, pragmas) else None)
        needed = tuple(name for name in beyond if worst and any(name == _plain(base) for base in worst.memories))
        bound = bound if interval > 1 else ""
        reports.append(
            LoopReport(loop.location, loop.depth, loop.trips, True, True, interval, bound, stalls, memory, wanted, needed)
        )
    return reports


def _pragmas(loop: Loop, pragmas: Mapping[Place, LoopPragmas]) -> LoopPragmas:
    return pragmas.get(loop.location, LoopPragmas()) if loop.location else LoopPragmas()


def _carried(
    loop: Loop, own: list[Site], values: Values, function: Function, pragmas: Mapping[Place, LoopPragmas]
) -> tuple[list[Dependence], list[str]]:
    """Dependences that the loop's own ivdep leaves, and arrays that only an outer loop's speaks of."""
    given = _pragmas(loop, pragmas).ivdep
    outer = _outer_ivdep(loop, pragmas)
    left, beyond = [], []
    for pair in recurrences.dependences(loop, own, values, function):
        if any(function.begins.get(base, set()) & loop.blocks for base in pair.store.address.bases):
            continue  # it is there anew in each iteration
        names = {_plain(base) for base in pair.store.address.bases | pair.load.address.bases}
        said = [safelen for array, safelen in given if array is None or array in names]
        if said and not pair.known:
            if None in said:
                continue
            pair = Dependence(pair.store, pair.load, max(filter(None, said)), True)
        elif not pair.known:
            beyond += [name for name in names if name in outer or "*" in outer]
        left.append(pair)
    for around in _overlapping(loop, pragmas):
        for pair in recurrences.dependences(around, own, values, function):
            inside = pair.store.block in loop.blocks and pair.load.block in loop.blocks
            names = {_plain(base) for base in pair.store.address.bases | pair.load.address.bases}
            born = any(
                function.begins.get(base, set()) & around.blocks for base in pair.store.address.bases
            )  # anew in each iteration
            if inside and not born and not any(array is None or array in names for array, _ in given):
                left.append(Dependence(pair.store, pair.load, 1, False))
                beyond += [name for name in names if name in outer or "*" in outer]
    return left, list(dict.fromkeys(beyond))


def _overlapping(loop: Loop, pragmas: Mapping[Place, LoopPragmas]) -> list[Loop]:
    """Loops around, which begin an iteration before this loop has ended: what they carry bounds this loop as well."""
    found: list[Loop] = []
    around = loop.parent
    while around is not None and _pragmas(around, pragmas).pipelined:
        found.append(around)
        around = around.parent
    return found


def _coalesced(loop: Loop, pragmas: Mapping[Place, LoopPragmas]) -> list[Loop]:
    """Loops around that loop_coalesce makes one loop of with this one."""
    found: list[Loop] = []
    passed: list[Loop] = []
    around, levels = loop.parent, 2
    while around is not None:
        passed.append(around)
        levels_of_nest = _pragmas(around, pragmas).coalesce
        if levels_of_nest is not None and (levels_of_nest == 0 or levels_of_nest >= levels):
            found = list(passed)
        around, levels = around.parent, levels + 1
    return found


def _outer_ivdep(loop: Loop, pragmas: Mapping[Place, LoopPragmas]) -> list[str]:
    """Arrays of which an ivdep of those loops speaks; "*" for all."""
    return [array or "*" for around in _coalesced(loop, pragmas) for array, _ in _pragmas(around, pragmas).ivdep]


def _plain(base: str) -> str:
    """An array's name in the source."""
    return base.lstrip("%@").rpartition(".")[2] if base.startswith("@") else base.lstrip("%").split(".")[0]


def _latency(latencies: Latencies, found: list[Site]) -> Callable[[Instruction], float]:
    external = {site.index for site in found if site.space in (EXTERNAL, CONSTANT)}

    def of(instruction: Instruction) -> float:
        return latencies.of(instruction, instruction.index in external)

    return of


def _store_latency(latencies: Latencies) -> Callable[[Site], float]:
    def of(site: Site) -> float:
        return latencies.store_external if site.space == EXTERNAL else latencies.store_on_chip

    return of


def _told(worst: Recurrence, module: Module) -> str:
    """A recurrence in words: what it goes through, its cycles, its line."""
    counts: dict[str, int] = {}
    for one in worst.instructions:
        name = one.callee.split("_Z")[-1].lstrip("0123456789") if one.opcode == "call" else one.opcode
        if name not in ("phi", "zext", "sext", "trunc", "getelementptr", "bitcast", "extractelement", "insertelement", "br"):
            counts[name] = counts.get(name, 0) + 1
    work = ", ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())
    place = next((module.location(one.location) for one in worst.instructions if one.location and one.opcode != "phi"), None)
    through = f"memory {', '.join(base.strip('%@') for base in worst.memories)}" if worst.memories else "a carried value"
    times = f" over {worst.distance} iterations" if worst.distance > 1 else ""
    where = f" at {place[0]}:{place[1]}" if place else ""
    return f"{through}{where}: {work}, {worst.latency:.0f} cycles{times}"


def _port_bound(loop: Loop, own: list[Site], made: list[Memory]) -> tuple[int, str]:
    """Cycles that an iteration's accesses of one bank take, of a memory whose accesses wait for each other."""
    worst, name = 1, ""
    for memory in made:
        if memory.stall_free:
            continue
        sites = [
            site for site in own if site.block in loop.blocks and any(_plain(base) == memory.name for base in site.address.bases)
        ]
        reads = sum(site.kind == "load" for site in sites) / max(1, memory.banks if not memory.dynamic_sites else 1)
        writes = sum(site.kind != "load" for site in sites) / max(1, memory.banks if not memory.dynamic_sites else 1)
        ports = 2 if memory.double_pumped else 1
        needs = max(math.ceil(min(reads, memory.reads) / ports), math.ceil(min(writes, memory.writes) / ports))
        if needs > worst:
            worst, name = needs, memory.name
    return worst, name
