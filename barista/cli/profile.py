"""Records training steps as a timeline of the device's queues and the host, for a trace viewer and as a picture."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from barista import extras
from barista.bitstream import build as bitstreams
from barista.cli import options
from barista.net import inputs
from barista.profile import session, timeline, trace
from barista.profile.runner import caffe_runner, made_layers


@click.command()
@click.argument("file", metavar="SOLVER|NET", type=click.Path(path_type=Path))
@click.option("--from", "first", default=3, show_default=True, type=click.IntRange(min=0), help="The first step to record.")
@click.option("--steps", "count", default=2, show_default=True, type=click.IntRange(min=1), help="How many to record.")
@click.option(
    "-o",
    "--output",
    default="trace.json",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The trace; a PNG goes beside it.",
)
@options.device("profile")
@options.bitstream()
@options.shapes()
def command(
    file: Path, first: int, count: int, output: Path, device: str | None, bitstream: str | None, shapes: tuple[str, ...]
) -> None:
    """Trains SOLVER and records some steps: what each compute unit ran when, what was copied, and what the host was at.

    The trace opens in chrome://tracing and in Perfetto. The picture shows the same: a row a queue, bars coloured by kind of layer.
    Data need not be there: where it is missing, pictures and labels are random. What is not profiled pays nothing.
    """
    extras.require("matplotlib", "barista profile")  # before the net is trained for a picture that could not be drawn
    given = dict(inputs.parse_shape(shape) for shape in shapes)
    with Console(stderr=True, highlight=False).status("making the net") as status:
        task = session.prepare(file, given)
        built, picked = bitstreams.resolve(device, bitstream, note=status.update)
        with caffe_runner(task, (built, picked)) as runner:
            made = made_layers(runner.ready())
            warm = min(first, 1)
            if first > warm:
                status.update(f"training to step {first}")
                runner.run(first - warm)
            status.update("recording")
            recorded = runner.record(count, warm=warm)
        status.update("drawing")
        found = timeline.of(task, made, recorded, picked.name, built.recipe.compute_units, first)
        picture = trace.write(found, output)
    for note in task.notes:
        click.echo(note)
    click.echo(f"{recorded.seconds * 1e3:.2f} ms a step on {picked.name}; busy:")
    for row, name in enumerate(found.rows):
        busy = found.busy(row) / count / 1e6
        click.echo(f"  {name:16} {busy:8.2f} ms a step  {found.busy(row) / found.length:4.0%}")
    click.echo(f"wrote {output} and {picture}")
