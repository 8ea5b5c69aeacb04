"""Makes a bitstream, or says what one would take of its device: the kernels with a recipe's sizes."""

from __future__ import annotations

import json
import sys
import time

import click
from rich.console import Console

from barista.bitstream import build as bitstreams
from barista.bitstream import recipe as recipes
from barista.cli import options
from barista.report import recipes as reports
from barista.report import table

_FILE_COLUMNS = 200  # a file or a pipe has no width; no line of a table is folded for it


@click.command()
@click.argument("recipe", default=bitstreams.DEFAULT_RECIPE)
@options.device("compile for")
@click.option("--force", is_flag=True, help="Build even where the cache has it.")
@click.option("--report", is_flag=True, help="Build nothing: say what the kernels would take of the recipe's FPGA.")
@options.as_json()
def command(recipe: str, device: str | None, force: bool, report: bool, as_json: bool) -> None:
    """Makes the bitstream of RECIPE, a name in bitstreams/ or a file that ends in .json.

    The result goes to the cache, where training finds it; one that is there already is only checked. A recipe that names a board is
    built with Intel's aoc.

    --report needs neither aoc nor a device: by clang's view of the kernels and by rules that Intel's documents and published
    reports have, it lists load-store units, memories, loops and areas. Its exit status is 1 where the program would not compile
    or not fit, or a loop that is to start a step a cycle would not.
    """
    if report:
        _report(recipe, as_json)
        return
    start = time.monotonic()
    made = bitstreams.build(
        recipes.load(recipe), device, force=force, note=None if as_json else lambda text: click.echo(f"{text} ...")
    )
    if as_json:
        built = {"path": str(made.path), "seconds": round(time.monotonic() - start, 3), "manifest": made.manifest}
        click.echo(json.dumps(built, indent=2))
        return
    click.echo(f"{made.path}")
    click.echo(f"{len(made.kernels)} kernels for {made.device}, {time.monotonic() - start:.1f} s")


def _report(recipe: str, as_json: bool) -> None:
    made = reports.of(recipes.load(recipe))
    if as_json:
        click.echo(json.dumps(made.as_json(), indent=2))
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_COLUMNS)
        for part in table.tables(made):
            console.print(part, soft_wrap=isinstance(part, str))
    if made.fails:
        sys.exit(1)
