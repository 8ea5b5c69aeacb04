"""Runs each FPGA layer of a net against stock Caffe's, forward and backward."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from barista.check import report as check
from barista.check.result import LayerResult
from barista.cli import options
from barista.errors import BaristaError
from barista.net import inputs


@click.command()
@click.argument("net", type=click.Path(path_type=Path))
@options.device("check")
@options.bitstream()
@options.shapes()
@click.option("--seed", default=1, show_default=True, help="Of the random inputs.")
@options.as_json("every comparison")
def command(net: Path, device: str | None, bitstream: str | None, shapes: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Runs each layer of NET that the device would run against stock Caffe's layer.

    Same weights, same inputs, forward and backward, at the net's own shapes and batch; and its gradients against finite differences
    at a reduced size. The table gives the element of each layer that is nearest to what rounding allows. Exit status 1 where one is
    beyond.
    """
    console = Console(stderr=True, highlight=False)
    with console.status("instantiating the net") as status:
        done: list[str] = []

        def progress(result: LayerResult) -> None:
            done.append(result.layer)
            status.update(f"{len(done)} layers checked, the last was {result.layer}")

        given = dict(inputs.parse_shape(shape) for shape in shapes)
        report = check.check(net, device, bitstream, given, seed=seed, progress=progress)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)
    failed = [layer.layer for layer in report.layers if not layer.passed]
    if failed:
        raise BaristaError(f"{net}: {len(failed)} of {len(report.layers)} layers differ from stock Caffe's: {', '.join(failed)}")


def _print(report: check.Report) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    table = Table(box=None, pad_edge=False)
    for heading in ("layer", "input", "worst error", "allowed", "where", "gradient", "allowed", "s", ""):
        table.add_column(
            heading, justify="right" if heading in ("worst error", "allowed", "gradient", "s") else "left", no_wrap=heading != ""
        )
    for layer in report.layers:
        table.add_row(*_row(layer))
    for note in report.notes:
        console.print(note, markup=False, soft_wrap=True)
    console.print(table)
    stock = len(report.not_on_device)
    console.print(f"\n{len(report.layers)} layers on {report.device}, {stock} stay with stock Caffe", markup=False)


def _row(layer: LayerResult) -> list[str]:
    worst = layer.worst("random", "integers") if layer.passed else layer.worst()
    gradient = layer.worst("differences")
    assert worst is not None
    shape = ", ".join("x".join(map(str, bottom)) for bottom in layer.bottoms)
    where = f"{worst.array}{list(worst.at)}, {worst.data}" if worst.error else "equal to the bit"
    verdict = ("ok" if layer.passed else "[bold red]FAILED[/bold red]") + (f": {layer.note}" if layer.note else "")
    return [
        f"{layer.layer}",
        shape,
        f"{worst.error:.1e}",
        f"{worst.allowed:.1e}",
        where.replace("[", "\\["),
        f"{gradient.error:.1e}" if gradient else "",
        f"{gradient.allowed:.1e}" if gradient else "",
        f"{layer.seconds:.1f}",
        verdict,
    ]
