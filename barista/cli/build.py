"""Makes a bitstream: the kernels, compiled for a device with a recipe's sizes."""

from __future__ import annotations

import json
import time

import click

from barista.bitstream import build as bitstreams
from barista.bitstream import recipe as recipes
from barista.cli import options


@click.command()
@click.argument("recipe", default=bitstreams.DEFAULT_RECIPE)
@options.device("compile for")
@click.option("--force", is_flag=True, help="Build even where the cache has it.")
@options.as_json()
def command(recipe: str, device: str | None, force: bool, as_json: bool) -> None:
    """Makes the bitstream of RECIPE, a name in bitstreams/ or a file that ends in .json.

    The result goes to the cache, where training finds it; one that is there already is only checked. A recipe that names a board is
    built with Intel's aoc.
    """
    start = time.monotonic()
    made = bitstreams.build(
        recipes.load(recipe), device, force=force, note=None if as_json else lambda text: click.echo(f"{text} ...")
    )
    if as_json:
        report = {"path": str(made.path), "seconds": round(time.monotonic() - start, 3), "manifest": made.manifest}
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"{made.path}")
    click.echo(f"{len(made.kernels)} kernels for {made.device}, {time.monotonic() - start:.1f} s")
