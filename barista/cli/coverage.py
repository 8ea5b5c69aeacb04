"""Says how much of a net the device runs: which layers, and which share of the multiply-adds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from barista.cli import options
from barista.net import inputs
from barista.plan import coverage

_FILE_COLUMNS = 200  # a file or a pipe has no width; no line of a table is folded for it


@click.command()
@click.argument("files", metavar="NET|SOLVER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.shapes()
@options.as_json("every layer of every net")
def command(files: tuple[Path, ...], shapes: tuple[str, ...], as_json: bool) -> None:
    """Says of each layer of a NET, or of a SOLVER's nets, whether the device runs it, and what it multiplies.

    Multiply-adds are those of Convolution, Deconvolution, InnerProduct, LSTM and RNN: products that are added up, forward, at the
    net's own shapes and batch, biases left out. A layer counts as in the training net, or as in the first test net that has it.
    Data need not be there, and nothing is computed. Several files give one table with a row a net.
    """
    given = dict(inputs.parse_shape(shape) for shape in shapes)
    found: list[coverage.Coverage] = []
    with Console(stderr=True, highlight=False).status("reading") as status:
        for net in coverage.cover(files, given):
            found.append(net)
            status.update(f"{len(found)} nets, the last was {escape(net.net)}")
    if as_json:
        click.echo(json.dumps({"nets": [net.as_json() for net in found]}, indent=2))
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_COLUMNS)
    if len(files) > 1:
        console.print(summary(found))
        return
    for net in found:
        for note in net.notes:
            console.print(note, markup=False, soft_wrap=True)
        console.print(_layers(net))
        console.print(f"\n{_sentence(net)}", markup=False, soft_wrap=True)


def summary(nets: list[coverage.Coverage]) -> Table:
    """A row a net."""
    table = Table(box=None, pad_edge=False)
    table.add_column("net", overflow="fold")
    for heading in ("layers", "on the device", "multiply-adds", "on the device", "parameters"):
        table.add_column(heading, justify="right", no_wrap=True)
    for net in nets:
        counts = (str(len(net.layers)), str(net.on_device), scaled(net.multiply_adds), percent(net.share), f"{net.parameters:,}")
        table.add_row(escape(net.net), *counts)
    return table


def _layers(net: coverage.Coverage) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("layer", "type", "runs on", "multiply-adds", "because"):
        table.add_column(heading, justify="right" if heading == "multiply-adds" else "left", overflow="fold")
    for layer in net.layers:
        where = f"[green]{layer.place.value}[/green]" if layer.on_device else layer.place.value
        products = scaled(layer.multiply_adds) if layer.multiply_adds else ""
        table.add_row(escape(layer.layer), escape(layer.type), where, products, escape(layer.reason))
    return table


def _sentence(net: coverage.Coverage) -> str:
    products = f", with {percent(net.share)} of {scaled(net.multiply_adds)} multiply-adds" if net.multiply_adds else ""
    return f"{net.net}: {net.on_device} of {len(net.layers)} layers on the device{products}; {net.parameters:,} parameters"


def percent(share: float | None) -> str:
    """`share` of 1; 100 % and 0 % only where it is all, or nothing."""
    if share is None:
        return ""
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{min(max(100 * share, 0.01), 99.99):.2f} %"


def scaled(count: int) -> str:
    """Four digits and a prefix: 105,415,200 is 105.4 M."""
    for prefix, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.4g} {prefix}"
    return str(count)
