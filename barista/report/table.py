"""A report to read: sums and their sources, kernels, memories, loops, and what there is to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from barista.report import area, constants
from barista.report.constants import Area
from barista.report.recipes import RecipeReport


def tables(report: RecipeReport) -> Iterator[Table | str]:
    """Tables and lines, in the order in which they are printed."""
    recipe = report.recipe
    yield f"{recipe.name}: what Intel's compiler would make of its kernels, by its documents and published reports: an estimate\n"
    yield _sums(report)
    yield ""
    yield _kernels(report)
    yield ""
    yield _units(report)
    yield ""
    yield _memories(report)
    yield ""
    yield _loops(report)
    yield ""
    for finding in report.findings:
        where = f"{finding.kernel}: " if finding.kernel else ""
        yield f"{'[red]fails[/red]  ' if finding.fails else '       '}{escape(where + finding.text)}"
    failing = sum(finding.fails for finding in report.findings)
    yield f"\n{len(report.findings)} findings, of which {failing} would make a build fail or miss what it is for"


def columns(headings: str, left: int = 1) -> Table:
    """A table of `headings`, which | parts; the first `left` columns are text."""
    table = Table(box=None, pad_edge=False)
    for position, heading in enumerate(headings.split("|")):
        table.add_column(heading.strip(), justify="left" if position < left else "right", overflow="fold")
    return table


def _sums(report: RecipeReport) -> Table:
    items, device = report.program.items, report.recipe.fpga()
    table = columns("part|ALUTs|flip-flops|M20K|DSP blocks")
    for what in dict.fromkeys(item.what for item in items):
        table.add_row(what, *_figures(area.total([item for item in items if item.what == what])))
    table.add_row("all", *_figures(report.program.area), style="bold")
    table.add_row(
        "the device has", f"{2 * device.alms:,}", f"{4 * device.alms:,}", f"{device.m20k_blocks:,}", f"{device.dsp_blocks:,}"
    )
    share = report.shares
    table.add_row("share", f"logic {share['logic']:.0%}", "", f"{share['m20k']:.0%}", f"{share['dsp']:.0%}")
    sources = area.shares(items)
    for source in constants.SOURCES:
        cells = (f"{sources[name].get(source, 0):.0%}" for name in ("aluts", "ffs", "m20k", "dsp"))
        table.add_row(f"of it by a {source}", *cells)
    return table


def _figures(total: Area) -> tuple[str, str, str, str]:
    return (f"{total.aluts:,.0f}", f"{total.ffs:,.0f}", f"{total.m20k:,.0f}", f"{total.dsp:,.0f}")


def _kernels(report: RecipeReport) -> Table:
    table = columns("kernel|arguments|loads|stores|units|worst interval|ALUTs|flip-flops|M20K|DSP blocks")
    for kernel in report.program.kernels:
        intervals = [max(loop.interval, loop.stalls) for loop in kernel.loops if loop.interval is not None]
        counts = (f"{kernel.arguments.bytes} B", str(kernel.loads), str(kernel.stores), str(len(kernel.units)))
        table.add_row(kernel.name, *counts, str(max(intervals, default="")), *_figures(area.total(kernel.items)))
    loads, stores = sum(kernel.loads for kernel in report.program.kernels), sum(kernel.stores for kernel in report.program.kernels)
    units = sum(len(kernel.units) for kernel in report.program.kernels)
    table.add_row("all", "", f"{loads:,}", f"{stores:,}", f"{units:,}", style="bold")
    return table


def _units(report: RecipeReport) -> Table:
    table = columns("kernel|buffer|load-store unit|bytes|number", left=3)
    for kernel in report.program.kernels:
        counts = Counter((unit.buffer, f"{unit.kind} {unit.name}", unit.width) for unit in kernel.units)
        for (buffer, name, width), count in counts.items():
            table.add_row(kernel.name, buffer, name, str(width), str(count))
    return table


def _memories(report: RecipeReport) -> Table:
    table = columns("kernel|memory|accesses|bytes|banks|bits|words|reads|writes|copies|M20K", left=3)
    for kernel in report.program.kernels:
        for memory in kernel.memories:
            how = "double pumped" if memory.double_pumped else "single pumped"
            accesses = how if memory.stall_free else f"[red]wait[/red], {how}"
            sizes = (
                memory.bytes,
                memory.banks,
                memory.bank_bits,
                memory.bank_words,
                memory.reads,
                memory.writes,
                memory.replicas,
                memory.m20k,
            )
            table.add_row(kernel.name, memory.name, accesses, *(f"{size:,}" for size in sizes))
    return table


def _loops(report: RecipeReport) -> Table:
    table = columns("kernel|loop|bound by|depth|iterations|interval|port cycles|wanted", left=3)
    for kernel in report.program.kernels:
        for loop in kernel.loops:
            if loop.interval is None:
                continue
            place = f"{loop.location[0]}:{loop.location[1]}" if loop.location else ""
            trips = f"{loop.trips:,}" if loop.trips is not None else ""
            wanted = str(loop.wanted) if loop.wanted is not None else ""
            table.add_row(
                kernel.name, place, escape(loop.bound), str(loop.depth), trips, str(loop.interval), str(loop.stalls), wanted
            )
    return table
