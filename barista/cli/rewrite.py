"""Swaps the layers of a net, or of a solver's nets, for those that the device runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from barista.rewrite import job as jobs
from barista.rewrite import placement, transfers

_FILE_COLUMNS = 200  # a file or a pipe has no width; no line of the table is folded for it


@click.command()
@click.argument("file", metavar="NET|SOLVER", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", type=click.Path(path_type=Path), help="A file, or a folder for NAME.fpga.prototxt.")
@click.option("--diff", is_flag=True, help="Print what changes, as a unified diff.")
@click.option("--restore", is_flag=True, help="Turn device layers back into stock ones.")
@click.option("--only", metavar="GLOB", multiple=True, help="Only layers of these names; may be given several times.")
@click.option("--except", "excepted", metavar="GLOB", multiple=True, help="All but layers of these names; likewise.")
@click.option("--keep-unknown", is_flag=True, help="Keep layers of types that this Caffe does not have.")
def command(file: Path, output: Path | None, diff: bool, restore: bool, only: Any, excepted: Any, keep_unknown: bool) -> None:
    """Writes NET with its layers swapped, and says of each: on the device, or why not.

    A SOLVER's nets are written beside OUT as NAME.fpga.prototxt, and OUT names them. Without -o, the prototxt goes to standard
    output, a solver with its nets inside, and the table to standard error. Old formats are upgraded by Caffe's own code first.
    """
    if restore and (only or excepted):
        raise click.UsageError("--restore turns every layer back; it takes neither --only nor --except")
    job = jobs.plan(file, placement.Selection(only, excepted), restore=restore, keep_unknown=keep_unknown)
    files = job.files(output)
    if diff:
        click.echo("".join(file.diff() for file in files), nl=False)
    elif output is None:
        click.echo(job.text(), nl=False)
    report = _console(stderr=output is None or diff)
    _print_report(report, job)
    if output is not None:
        jobs.write(files)
        for written in files:
            report.print(f"wrote {escape(str(written.target))}", soft_wrap=True)


def _console(stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _FILE_COLUMNS
    return console


def _print_report(report: Console, job: jobs.Job) -> None:
    for net, placed in zip(job.opened.nets, job.placed, strict=True):
        if placed.decisions:
            report.print(_table(net.name, placed.decisions))
    copied = job.transfers()
    for sentence in transfers.sentences(copied) if copied else ():
        report.print(sentence, markup=False, soft_wrap=True)
    for note in job.opened.notes:
        report.print(f"note: {escape(note)}", soft_wrap=True)


def _table(title: str, decisions: tuple[placement.Decision, ...]) -> Table:
    on_device = sum(decision.on_device for decision in decisions)
    table = Table(title=f"{escape(title)}: {on_device} of {len(decisions)} layers on the device", title_justify="left")
    for column in ("layer", "type", "runs on", "because"):
        table.add_column(column, overflow="fold")
    for decision in decisions:
        where = f"[green]{decision.place.value}[/green]" if decision.on_device else decision.place.value
        table.add_row(escape(decision.layer), escape(decision.type), where, escape(decision.reason))
    return table
