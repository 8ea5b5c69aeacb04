"""Times each layer's passes and the update on the device beside stock Caffe, and lists transfers with their causes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from barista.cli import options
from barista.cli.coverage import scaled
from barista.net import inputs
from barista.profile import layer_times
from barista.profile.copies import Copy
from barista.profile.records import UPDATE
from barista.profile.report import Report, Row
from barista.profile.transfers import DOWNLOAD, HOST, LOSS, SOLVER, UPLOAD
from barista.rewrite.transfers import enumerated

_FILE_COLUMNS = 200  # a file or a pipe has no width; no line of the table is folded for it


@click.command()
@click.argument("file", metavar="NET|SOLVER", type=click.Path(path_type=Path))
@click.option("--iterations", default=10, show_default=True, type=click.IntRange(min=1), help="Steps of each that are timed.")
@options.device("time")
@options.bitstream()
@options.shapes()
@options.as_json()
def command(file: Path, iterations: int, device: str | None, bitstream: str | None, shapes: tuple[str, ...], as_json: bool) -> None:
    """Trains NET, or SOLVER's training net, on the device and in stock Caffe, a step each in turn, and times their layers.

    Of each layer's forward and backward pass, and of the solver's update: the time in which the device works for it, that which the
    host spends in it, and stock Caffe's, medians of the steps; what is copied in it; kernels launched; the GFLOP/s that its
    products reach; and how much of the PE array they fill. Data need not be there: where it is missing, pictures and labels
    are random.
    """
    given = dict(inputs.parse_shape(shape) for shape in shapes)
    with Console(stderr=True, highlight=False).status("reading") as status:
        report = layer_times.measure(
            file, device, bitstream, given, iterations=iterations, progress=lambda text: status.update(escape(text))
        )
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)


def _print(report: Report) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_COLUMNS)
    for note in report.notes:
        console.print(note, markup=False, soft_wrap=True)
    console.print(table(report))
    console.print()
    for sentence in sentences(report):
        console.print(sentence, markup=False, soft_wrap=True)


def table(report: Report) -> Table:
    """A row a pass. Columns that would be empty are left out."""
    columns: dict[str, Callable[[Row], str]] = {
        "layer": lambda row: escape(row.layer),
        "pass": lambda row: row.phase if row.phase != UPDATE else "",
        "on": lambda row: f"[green]{row.place}[/green]" if row.place != "CPU" else row.place,
        "device ms": lambda row: f"{row.device_ms:.2f}" if row.device_ms else "",
        "host ms": lambda row: f"{row.host_ms:.2f}",
        "stock ms": lambda row: f"{row.stock_ms:.2f}" if row.stock_ms is not None else "",
        "stock/device": lambda row: f"{row.stock_ms / row.device_ms:.2f}" if row.stock_ms and row.device_ms else "",
        "in": lambda row: size(row.upload_bytes),
        "out": lambda row: size(row.download_bytes),
        "launches": lambda row: f"{row.launches:g}" if row.launches else "",
        "GFLOP/s": lambda row: f"{row.gflops:.1f}" if row.gflops else "",
        "PE use": lambda row: f"{row.pe_utilization:.0%}" if row.pe_utilization else "",
        "of peak": lambda row: f"{row.share_of_peak:.1%}" if row.share_of_peak else "",
    }
    made = Table(box=None, pad_edge=False)
    for heading, cell in columns.items():
        if any(cell(row) for row in report.rows):
            made.add_column(heading, justify="left" if heading in ("layer", "pass", "on") else "right", no_wrap=True)
        else:
            columns = {other: columns[other] for other in columns if other != heading}
    for row in report.rows:
        made.add_row(*(cell(row) for cell in columns.values()))
    return made


def sentences(report: Report) -> list[str]:
    """What is under the table."""
    counters = report.counters
    step = report.step
    first = f"a step, the median of {report.steps} (middle half): {step.ms:.2f} ms on {report.device}"
    first += f" ({step.first_quartile_ms:.2f} to {step.third_quartile_ms:.2f})"
    if report.stock and report.ratio:
        stock = report.stock
        first += f", {stock.ms:.2f} ms in stock Caffe ({stock.first_quartile_ms:.2f} to {stock.third_quartile_ms:.2f})"
        first += f": stock Caffe takes {report.ratio:.2f} times as long"
    return [
        first,
        f"the device is at work for {report.device_ms:.2f} ms of it ({report.device_ms / step.ms:.0%});"
        f" {_counted(counters['launches'], 'launch', 'launches')}, {_counted(counters['waits'], 'wait', 'waits')},"
        f" {_counted(counters['buffers_created'], 'buffer', 'buffers')} created",
        f"copied: {_crossing(counters['uploads'], 'in', counters['upload_bytes'])},"
        f" {_crossing(counters['downloads'], 'out', counters['download_bytes'])}",
        *_reasons(report.copies),
    ]


def _crossing(count: float, way: str, in_all: float) -> str:
    return f"{_counted(count, 'copy', 'copies')} {way} of {size(in_all) or '0 B'}"


def _counted(count: float, one: str, several: str) -> str:
    return f"{count:g} {one if count == 1 else several}"


def _reasons(copies: Iterable[Copy]) -> list[str]:
    """A line for each reason that blobs cross, and the layers that it is the reason of."""
    whose: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for copy in copies:
        group = ("", copy.who) if copy.who in (SOLVER, LOSS, HOST) else (copy.why, "")
        sums = whose.setdefault(group, {}).setdefault(copy.who, {UPLOAD: 0.0, DOWNLOAD: 0.0})
        sums[copy.direction] += copy.bytes * copy.count
    lines = []
    for (why, who), layers in whose.items():
        total = {way: sum(sums[way] for sums in layers.values()) for way in (UPLOAD, DOWNLOAD)}
        sizes = " and ".join(f"{size(total[way])} {word}" for way, word in ((UPLOAD, "in"), (DOWNLOAD, "out")) if total[way])
        lines.append(f"  {sizes} for {_SPECIAL[who] if who else f'{enumerated(list(layers))} on the CPU ({why})'}")
    return lines


_SPECIAL = {
    SOLVER: "the solver, which clears gradients and moves parameters on the host",
    LOSS: "the loss, which Caffe adds up",
    HOST: "blobs that the host wrote",
}


def size(count: float) -> str:
    """Bytes with a prefix; nothing for none."""
    if count == 0:
        return ""
    text = scaled(round(count))
    return f"{text}B" if " " in text else f"{text} B"
