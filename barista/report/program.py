"""The report of a program: all kernels, what they take together, and what a compiler for FPGAs would make fail or wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from barista.report import accesses, area, arguments, constants, flow, intervals, memories, operators, pipeline, shifts, sites
from barista.report.accesses import AccessRules, LoadStoreUnit
from barista.report.affine import Values
from barista.report.area import Item
from barista.report.arguments import Arguments
from barista.report.clang import Compiled, compile_program
from barista.report.constants import Area
from barista.report.intervals import LoopReport
from barista.report.ir import Function, Instruction
from barista.report.memories import Memory, RegisterArray
from barista.report.operators import Operators
from barista.report.shifts import Shift
from barista.report.sites import ChannelEnd


@dataclass(frozen=True)
class Channel:
    name: str
    bits: int
    depth: int
    number: int  # of an array of channels


@dataclass(frozen=True)
class KernelReport:
    """What becomes of one kernel."""

    name: str
    copies: int  # by num_compute_units
    arguments: Arguments
    loads: int  # accesses of external memory that are left in the code
    stores: int
    units: list[LoadStoreUnit]
    channel_ends: list[ChannelEnd]
    memories: list[Memory]
    registers: list[RegisterArray]
    shifts: list[Shift]
    loops: list[LoopReport]
    operators: Operators
    items: list[Item]


@dataclass(frozen=True)
class ProgramReport:
    """What becomes of a program on a family of devices."""

    family: str
    kernels: list[KernelReport]
    channels: list[Channel]
    items: list[Item]  # of all kernels, and of what they share

    @property
    def area(self) -> Area:
        return area.total(self.items)


def report(
    text: str,
    options: Sequence[str] = (),
    folder: Path | None = None,
    name: str = "program.cl",
    device: str = "arria10",
    board: str | None = None,
) -> ProgramReport:
    """Reports on OpenCL C `text` as compiled with `options`, for a device of bitstreams/devices/ and a board of aoc's.

    Raises BaristaError where clang is missing or does not take the text.
    """
    family = constants.family_of(device)
    relaxed = bool({"-fp-relaxed", "-ffp-reassociate"} & set(options))
    compiled = compile_program(text, options, folder, name)
    kernels = [_kernel(function, compiled, family, relaxed) for function in compiled.module.functions.values() if function.kernel]
    channels = [
        Channel(
            channel, sites.channel_bits(f"@{channel}", compiled.module), depth, sites.channel_count(f"@{channel}", compiled.module)
        )
        for channel, depth in compiled.dialect.channels.items()
        if f"@{channel}" in compiled.module.globals
    ]
    units = [unit for kernel in kernels for unit in kernel.units * kernel.copies]
    loads = sum(unit.kind == "load" for unit in units)
    shared = [area.board(board, family), area.interconnect(loads, len(units) - loads, family), area.system()]
    shared += [area.channel(channel.bits, channel.depth, channel.number) for channel in channels]
    return ProgramReport(family, kernels, channels, [*shared, *(item for kernel in kernels for item in kernel.items)])


def _kernel(function: Function, compiled: Compiled, family: str, relaxed: bool) -> KernelReport:
    module, dialect = compiled.module, compiled.dialect
    rules = constants.table()["families"][family]
    values = Values(function, module)
    loops = flow.loops(function, module, values)
    found = sites.sites(function, module, values)
    external = accesses.external_sites(found, module)
    units = accesses.units(
        function,
        module,
        values,
        loops,
        found,
        AccessRules(bool(rules["prefetches"]["value"]), bool(rules["caches_computed"]["value"])),
    )
    moved = shifts.shifts(function, module, values)
    moving = shifts.moving_loops(function, module, values)
    shifted = shifts.shifted_arrays(function, module, values)
    made, registers = memories.memories(
        function,
        module,
        values,
        found,
        dialect.attributes(function.name.lstrip("@")),
        shifted,
        moving,
        bool(rules["double_pumps"]["value"]),
    )
    latencies, narrows = constants.latencies(family, relaxed), bool(rules["narrows"]["value"])
    outside = {site.index for site in external}

    fused = operators.fused(function)

    def latency(one: Instruction) -> float:
        if one.result in fused:
            return 0  # it is part of the addition
        return latencies.scheduled(one, one.index in outside, operators.bits_of(one, module, values, narrows))

    ends = sites.channel_ends(function, module, values)
    loading = {site.block for site in external if site.kind == "load"}
    received = {site.index for site in found if site.kind == "load" and sites.of_channel(site, module)}
    pipelines = [
        pipeline.pipeline(function, module, loop, moving, latency, ends, bool(loading & loop.blocks), received)
        for loop in loops
        if loop.header not in moving and all(child.header in moving for child in loop.children)
    ]
    counted = operators.operators(function, module, values, loops, moving, narrows, _register_bits(registers))
    copies = dialect.copies(function.name)
    items = [
        area.kernel_overhead(function.name, family),
        *(area.unit(function.name, unit, family) for unit in units),
        *(item for memory in made for item in area.memory(function.name, memory)),
        area.shift_registers(function.name, moved),
        *area.operators(function.name, counted, family),
        *(Item(function.name, "pipeline", pipeline.area(stages), "guess") for stages in pipelines),
    ]
    return KernelReport(
        name=function.name,
        copies=copies,
        arguments=arguments.arguments(function, module),
        loads=sum(site.kind == "load" and site.space == sites.EXTERNAL for site in external),
        stores=sum(site.kind != "load" for site in external),
        units=units,
        channel_ends=ends,
        memories=made,
        registers=registers,
        shifts=moved,
        loops=intervals.report(function, module, values, loops, found, made, moving, shifted, dialect.loops, latencies),
        operators=counted,
        items=[Item(item.kernel, item.what, item.area.times(copies), item.source) for item in items],
    )


def _register_bits(registers: list[RegisterArray]) -> int:
    return sum(8 * array.bytes for array in registers if not array.shift_register)
