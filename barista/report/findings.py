"""What a report has to say beyond its figures: what would not compile or fit, and what would wait or cost more than it seems to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from barista.bitstream.fpga import FpgaDevice
from barista.report import arguments
from barista.report.constants import Area
from barista.report.intervals import LoopReport
from barista.report.program import KernelReport, ProgramReport


@dataclass(frozen=True)
class Finding:
    """One; `fails` where a build would fail, or not do what it is built for."""

    kernel: str  # "" for the program
    text: str
    fails: bool


def alms(area: Area) -> float:
    """Adaptive logic modules of an area, as aoc's reports have logic: each has two ALUTs and four flip-flops, and they add up."""
    return area.aluts / 2 + area.ffs / 4


def shares(area: Area, device: FpgaDevice) -> dict[str, float]:
    """What a program takes of a device, 1 being all of it."""
    return {
        "logic": alms(area) / device.alms,
        "m20k": area.m20k / device.m20k_blocks,
        "dsp": area.dsp / device.dsp_blocks,
    }


def findings(report: ProgramReport, device: FpgaDevice) -> list[Finding]:
    """All of a program's, those of failing first."""
    found = [
        Finding("", f"{name}: {share:.0%} of {device.name}; a program has to fit into 100 %", True)
        for name, share in shares(report.area, device).items()
        if share > 1
    ]
    for kernel in report.kernels:
        found += _of_arguments(kernel)
        found += [Finding(kernel.name, text, fails) for loop in kernel.loops for text, fails in _of_loop(loop)]
        found += _of_memories(kernel)
        found += [Finding(kernel.name, text, False) for text in _ragged(kernel)]
        found += _of_operators(kernel)
    return sorted(found, key=lambda finding: not finding.fails)


def _of_arguments(kernel: KernelReport) -> list[Finding]:
    own = kernel.arguments
    found = []
    if own.structures:
        names = " and ".join(own.structures)
        found.append(Finding(kernel.name, f"structures by value, which aoc does not take: {names}; pass their members", True))
    if own.bytes > arguments.MOST_BYTES:
        found.append(Finding(kernel.name, f"arguments of {own.bytes} bytes; at most {arguments.MOST_BYTES} are allowed", True))
    if own.count > arguments.MOST_ARGUMENTS:
        found.append(Finding(kernel.name, f"{own.count} arguments; at most {arguments.MOST_ARGUMENTS} are allowed", True))
    return found


def _of_loop(loop: LoopReport) -> Iterator[tuple[str, bool]]:
    where = f"loop at {loop.location[0]}:{loop.location[1]}" if loop.location else "a loop"
    if loop.interval is not None and loop.wanted is not None and loop.interval > loop.wanted:
        yield f"{where}: initiation interval {loop.interval}, not {loop.wanted}, by {loop.bound}", True
    elif loop.interval is not None and loop.interval > 1 and loop.bound:
        yield f"{where}: initiation interval {loop.interval} by {loop.bound}", False
    if loop.stalls > 1:
        text = f"{where}: an iteration's accesses to {loop.stalled_by} share its ports and take {loop.stalls} cycles"
        yield text, loop.wanted is not None and loop.stalls > loop.wanted
    for array in loop.ivdep_out_of_reach:
        yield (
            f"{where}: the ivdep of {array} stands on an outer loop and does not reach this one, which carries the dependence",
            True,
        )


def _of_memories(kernel: KernelReport) -> Iterator[Finding]:
    for memory in kernel.memories:
        ports = f"{memory.reads} reads and {memory.writes} writes reach a bank of {memory.name}"
        if not memory.stall_free:
            why = f", {memory.dynamic_sites} of them any bank" if memory.dynamic_sites else ""
            yield Finding(kernel.name, f"{ports}{why}; they wait for each other", False)
        elif memory.replicas > 1:
            yield Finding(kernel.name, f"{ports}; it is there {memory.replicas} times", False)
        if memory.private and not memory.from_attributes:
            array = f"private array {memory.name} of {memory.bytes} bytes"
            yield Finding(kernel.name, f"{array} has a variable index: {memory.m20k} memory blocks, not registers", False)


def _ragged(kernel: KernelReport) -> Iterator[str]:
    """Streams that are read or written by a wide unit here and by many narrow ones there."""
    for kind in ("load", "store"):
        for buffer in dict.fromkeys(unit.buffer for unit in kernel.units if unit.kind == kind):
            own = [unit for unit in kernel.units if unit.kind == kind and unit.buffer == buffer]
            widest = max(unit.width for unit in own)
            narrow = [unit for unit in own if unit.width * 2 < widest]
            if len(narrow) > 2 and widest >= 8:
                yield f"{kind}s of {buffer} are {len(own)} units: {len(narrow)} narrow ones beside one of {widest} bytes"


def _of_operators(kernel: KernelReport) -> Iterator[Finding]:
    fused = sum(one.count for one in kernel.operators.costly if one.name == "fma")
    if fused:
        text = f"{fused} fma(), which rounds once; no document says that a DSP block does: write a * b + c where that is meant"
        yield Finding(kernel.name, text, False)
    for name in ("divide", "remainder"):
        own = [one for one in kernel.operators.costly if one.name == name]
        if own:
            count = sum(one.count for one in own)
            places = ", ".join(f"{one.location[0]}:{one.location[1]}" for one in own[:3] if one.location)
            each = "a divider by a variable each" if name == "divide" else "thousands of ALUTs each"
            yield Finding(kernel.name, f"{count} integer {name}s, {each}: {places}", False)
