"""Trains a network on the device: any Caffe solver prototxt, as it is."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from barista.cli import options
from barista.net import solver
from barista.train import progress
from barista.train import run as training


@click.command()
@click.argument("solver_file", metavar="SOLVER", type=click.Path(path_type=Path))
@click.option("--snapshot", type=click.Path(path_type=Path), help="A .solverstate to go on from.")
@click.option("--weights", multiple=True, help="A .caffemodel to begin with; several with commas between.")
@click.option("--iterations", type=click.IntRange(min=1), help="In all, in place of the solver's max_iter.")
@options.device("train on")
@options.bitstream()
@click.option("--only", multiple=True, metavar="LAYER", help="Only these layers go to the device; * stands for anything.")
@click.option("--except", "excepted", multiple=True, metavar="LAYER", help="These layers stay on the CPU.")
@click.option("--log", type=click.Path(path_type=Path), help="Where the log goes, JSON lines [SNAPSHOT_PREFIX_log.jsonl].")
def command(
    solver_file: Path,
    snapshot: Path | None,
    weights: tuple[str, ...],
    iterations: int | None,
    device: str | None,
    bitstream: str | None,
    only: tuple[str, ...],
    excepted: tuple[str, ...],
    log: Path | None,
) -> int:
    """Trains SOLVER, a solver prototxt of Caffe: what its layers can run on the device runs there.

    Ctrl-C or SIGTERM leaves a snapshot; with --snapshot, training goes on from there as if it had never stopped.
    """
    request = training.Request(
        solver=solver_file,
        snapshot=snapshot,
        weights=tuple(solver.weights_files(weights)),
        bitstream=bitstream,
        device=device,
        only=only,
        excepted=excepted,
        iterations=iterations,
        log=log,
    )
    outcome = training.train(request, progress.on(Console(stderr=True)))
    _print(outcome)
    return outcome.status


def _print(outcome: training.Outcome) -> None:
    end = "stopped" if outcome.stopped else "trained"
    click.echo(f"{outcome.net} {end} after {outcome.iteration:,} iterations and {progress.duration(outcome.seconds)}")
    rows = {
        "device": outcome.device,
        "accuracy": f"{outcome.accuracy:.2%}" if outcome.accuracy is not None else None,
        "snapshot": outcome.state,
        "log": outcome.log,
        "picture": outcome.picture,
    }
    for name, value in rows.items():
        if value is not None:
            click.echo(f"  {name:<9} {value}")
    if outcome.stopped and outcome.state is not None:
        click.echo(f"  go on with --snapshot {outcome.state}")
