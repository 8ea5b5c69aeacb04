"""What the checker says of a public design's kernels, held against what Intel's compiler and Quartus wrote of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from barista.report import area
from barista.report.constants import Area
from barista.report.findings import alms
from barista.report.memories import power
from barista.report.program import KernelReport, ProgramReport
from tools.validate_report.records import Lsu, OnChipMemory, Report

UNITS, KINDS = "load-store units: number", "load-store units: kind and width of all"
PORTS, COPIES, CLOCK, BLOCKS = (
    "memories: reads, writes, and whether they wait",
    "memories: copies for ports",
    "memories: at the kernel's clock or twice it",
    "memories: M20K blocks",
)
INTERVALS, SLOW = "loops: initiation interval, where published as 1", "loops: initiation interval, where published above 1"
_SUMS = {"DSP blocks": "dsp", "M20K blocks": "m20k", "ALUTs": "aluts", "flip-flops": "ffs"}
_WITHIN = {"DSP blocks": 0.0, "M20K blocks": 0.15, "ALUTs": 0.25, "flip-flops": 0.25, "ALMs": 0.25}  # of what was published
KERNELS, DEVICE, PLACED, PLACED_KERNELS = "kernels alone", "whole device", "placed, whole device", "placed, kernels alone"
TARGETS: dict[str, float] = {
    **dict.fromkeys((UNITS, KINDS, PORTS, COPIES, CLOCK), 0.0),
    BLOCKS: _WITHIN["M20K blocks"],
    **dict.fromkeys((INTERVALS, SLOW), 0.0),
    **{f"{where}: {what}": _WITHIN[what] for where in (KERNELS, DEVICE) for what in _SUMS},
    **{f"{where}: {what}": _WITHIN[what] for where in (PLACED, PLACED_KERNELS) for what in ("DSP blocks", "M20K blocks", "ALMs")},
}
"""What is compared, and by what share of the published figure the checker's may differ; 0 is equal."""


_PROFILER = "Intel_Internal_"  # how the names of kernels begin that the compiler adds to a profiled program
_OUTER_SLOW = "have loops in them and an interval above 1, which the checker does not see"


@dataclass(frozen=True)
class Check:
    """One thing compared."""

    target: str  # one of TARGETS
    what: str  # which of the design's: "kernel.memory", "kernel, line 12"; empty of the design as a whole
    ours: float | str
    published: float | str

    @property
    def met(self) -> bool:
        """Whether the checker's is equal to the published, or within what the target allows."""
        if isinstance(self.ours, str) or isinstance(self.published, str):
            return self.ours == self.published
        return abs(self.ours - self.published) <= TARGETS[self.target] * abs(self.published)


@dataclass(frozen=True)
class Comparison:
    """A design's checks, and its loops of which nothing could be compared, by why not."""

    design: str
    fitted: bool
    checks: tuple[Check, ...]
    loops_left: dict[str, int]


def compare(design: str, fitted: bool, ours: ProgramReport, published: Report) -> Comparison:
    """Holds the checker's report of a design's kernels against the published one."""
    published = replace(published, kernels=tuple(k for k in published.kernels if not k.name.startswith(_PROFILER)))
    origin = {kernel.name: _original(kernel.name, ours.kernels) for kernel in published.kernels}
    loops, left = _loops(ours, published, origin)
    checks = (
        *_units(ours, published),
        *_memories(ours, published, origin),
        *loops,
        *_sums(ours, published),
        *_placed(ours, published),
    )
    return Comparison(design, fitted, checks, left)


def _original(name: str, kernels: list[KernelReport]) -> str:
    """The kernel of the source that a published kernel is: the compiler numbers the copies of num_compute_units."""
    copied = (kernel.name for kernel in kernels if kernel.copies > 1 and re.fullmatch(rf"{re.escape(kernel.name)}(_\d+)+", name))
    return next(copied, name)


def _units(ours: ProgramReport, published: Report) -> Iterator[Check]:
    mine = Counter(
        f"{'load' if unit.kind == 'load' else 'store'} {unit.name}, {power(unit.width)} bytes"
        for kernel in ours.kernels
        for unit in kernel.units * kernel.copies
    )
    theirs = Counter(_unit(unit) for unit in published.lsus)
    yield Check(UNITS, "", mine.total(), theirs.total())
    yield Check(KINDS, "", _listed(mine - theirs) or "the same", _listed(theirs - mine) or "the same")


def _unit(unit: Lsu) -> str:
    return f"{'store' if unit.store else 'load'} {unit.kind}, {unit.bytes_width} bytes"


def _listed(units: Counter[str]) -> str:
    return "; ".join(f"{count} x {unit}" if count > 1 else unit for unit, count in sorted(units.items()))


def _memories(ours: ProgramReport, published: Report, origin: dict[str, str]) -> Iterator[Check]:
    """Memories by kernel and name; of a kernel in copies, one of each."""
    mine = {(kernel.name, memory.name): memory for kernel in ours.kernels for memory in kernel.memories}
    theirs = {(origin[memory.kernel], memory.name): memory for memory in published.memories}
    for kernel, name in sorted(mine.keys() | theirs.keys()):
        own, other, what = mine.get((kernel, name)), theirs.get((kernel, name)), f"{kernel}.{name}"
        yield Check(PORTS, what, _ports(own.sites, own.stall_free) if own else "none", _published_ports(other))
        if own and other:
            yield Check(COPIES, what, own.replicas, other.replication)
            yield Check(CLOCK, what, _clock(own.double_pumped), _clock(other.pumped))
        yield Check(BLOCKS, what, own.m20k if own else 0, other.m20k if other else 0)


def _published_ports(memory: OnChipMemory | None) -> str:
    return _ports((memory.reads, memory.writes), memory.stall_free) if memory else "none"


def _ports(sites: tuple[int, int], stall_free: bool) -> str:
    return f"{sites[0]} read, {sites[1]} write" + ("" if stall_free else ", wait")


def _clock(pumped: bool) -> str:
    return "twice" if pumped else "once"


def _loops(ours: ProgramReport, published: Report, origin: dict[str, str]) -> tuple[list[Check], dict[str, int]]:
    """Intervals by kernel and line: the longest, where several loops came of one line."""
    mine: dict[tuple[str, int], int | None] = {}
    for kernel in ours.kernels:
        for loop in kernel.loops:
            place = (kernel.name, loop.location[1] if loop.location else 0)
            mine[place] = max(filter(None, (mine.get(place), loop.interval)), default=None)
    theirs: dict[tuple[str, int], int | None] = {}
    for other in published.loops:
        place = (origin[other.kernel], other.line)
        theirs[place] = max(filter(None, (theirs.get(place), other.ii)), default=None)
    pairs, left = _paired(sorted(mine), sorted(theirs))
    checks: list[Check] = []
    for own, its in pairs:
        judged, interval = mine[own], theirs[its]
        if interval is None:
            left["the compiler did not pipeline"] += 1
        elif judged is None:
            left["have loops in them, which the checker gives no interval" if interval == 1 else _OUTER_SLOW] += 1
        else:
            checks.append(Check(INTERVALS if interval == 1 else SLOW, f"{its[0]}, line {its[1]}", judged, interval))
    return checks, dict(left)


def _paired(
    mine: list[tuple[str, int]], theirs: list[tuple[str, int]]
) -> tuple[list[tuple[tuple[str, int], tuple[str, int]]], Counter[str]]:
    """Loops of the same kernel and line, and the one that is left of a kernel on either side.

    The compiler names the last line of an endless loop.
    """
    pairs = [(place, place) for place in mine if place in theirs]
    left: Counter[str] = Counter()
    for kernel in sorted({name for name, _ in mine + theirs}):
        own = [place for place in mine if place[0] == kernel and place not in theirs]
        its = [place for place in theirs if place[0] == kernel and place not in mine]
        if len(own) == len(its) == 1:
            pairs += [(own[0], its[0])]
        else:
            left += Counter({"only the checker's has": len(own), "only the compiler's report has": len(its)})
    return pairs, left


def _sums(ours: ProgramReport, published: Report) -> Iterator[Check]:
    kernels = area.total([item for item in ours.items if item.kernel])
    for where, mine, theirs in (
        (KERNELS, kernels, sum((kernel.area for kernel in published.kernels), Area())),
        (DEVICE, _whole(ours.area), published.system),
    ):
        for what, attribute in _SUMS.items():
            yield Check(f"{where}: {what}", "", getattr(mine, attribute), getattr(theirs, attribute))


def _whole(figures: Area) -> Area:
    """In whole units, as sums of a device are published; a kernel's have halves of DSP blocks."""
    return Area(*(math.floor(value + 0.5) for value in figures.values))


def _placed(ours: ProgramReport, published: Report) -> Iterator[Check]:
    """What Quartus placed, of the whole device and, where it is known of every kernel, of the kernels alone."""
    kernels = area.total([item for item in ours.items if item.kernel])
    by_kernel = [published.placed_kernels.get(kernel.name) for kernel in published.kernels]
    for where, mine, placed in (
        (PLACED, _whole(ours.area), [published.placed]),
        (PLACED_KERNELS, _whole(kernels), by_kernel),
    ):
        known = [one for one in placed if one is not None]
        if not known or len(known) < len(placed):
            continue
        for what, figure, other in (
            ("DSP blocks", mine.dsp, sum(one.dsp for one in known)),
            ("M20K blocks", mine.m20k, sum(one.m20k for one in known)),
            ("ALMs", alms(mine), sum(one.alm for one in known)),
        ):
            yield Check(f"{where}: {what}", "", figure, other)
