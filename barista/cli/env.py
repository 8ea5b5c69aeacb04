"""Prints shell lines with which the stock `caffe` tool trains a rewritten net."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from barista import paths
from barista.bitstream import build as bitstreams
from barista.cli import options
from barista.runtime import blas, views


@click.command()
@options.device("train on")
@options.bitstream()
def command(device: str | None, bitstream: str | None) -> None:
    """Prints shell lines with which the stock `caffe` tool trains the net that `barista rewrite` wrote:

    \b
        eval "$(barista env)"
        caffe train -solver rewritten_solver.prototxt

    A bitstream that the cache lacks is built first. A pycaffe script that is started after these lines has the FPGA layers too.
    """
    library = paths.plugin_library()
    found, picked = bitstreams.resolve(device, bitstream, note=lambda text: click.echo(f"{text} ...", err=True))
    variables = {
        **bitstreams.environment(found, picked),
        **blas.environment(),
        "BARISTA_VIEWS": str(Path(views.__file__).resolve()),
    }
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    # Ahead of libcaffe, whose memory it stands in for; whatever else is preloaded stays.
    click.echo(f"export LD_PRELOAD={shlex.quote(str(library))}${{LD_PRELOAD:+:$LD_PRELOAD}}")
    click.echo(f"# to undo: unset LD_PRELOAD {' '.join(variables)}")
