"""A solver made ready for training: its values checked, and every file that it names found, before Caffe starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from barista.errors import BaristaError
from barista.net import data_files, solver_rules
from barista.net.source import Solver


def ready(solver: Solver, *, data: bool = True, weights: Sequence[Path] | None = None, iterations: int | None = None) -> Solver:
    """The opened solver with its files where they are, and its snapshot_prefix as Caffe takes it; a note says what was moved.

    `weights` and `iterations` take the place of the solver's own. Without `data`, data need not be there. Raises BaristaError for
    what Caffe would abort on, as far as the prototxts and the file system tell.
    """
    settings = type(solver.settings)()
    settings.CopyFrom(solver.settings)
    if iterations is not None:
        settings.max_iter = iterations
    if weights is not None:
        settings.ClearField("weights")
        settings.weights.extend(str(file) for file in weights)
    oddities = solver_rules.check(replace(solver, settings=settings), updates=settings.max_iter > 0)
    path = solver.origin
    found = [data_files.with_found(net.message, path, net.name) for net in solver.nets]
    names, moved = data_files.find_weights(settings.weights, path)
    prefix, elsewhere = data_files.find_prefix(settings, path)
    settings.ClearField("weights")
    settings.weights.extend(names)
    settings.snapshot_prefix = prefix
    notes = [*solver.notes, *oddities, *(note for _, of_net in found for note in of_net), *moved, *elsewhere]
    nets = tuple(replace(net, message=message) for net, (message, _) in zip(solver.nets, found, strict=True))
    made = replace(solver, settings=settings, nets=nets, notes=tuple(dict.fromkeys(notes)))
    if data:
        for net, phase, state in made.instances():
            data_files.check(net.message, phase, state, net.name)
    return made


def weights_files(arguments: Iterable[str]) -> list[Path]:
    """The files of `--weights`, given several times or separated by commas as the caffe tool takes them. Raises BaristaError."""
    files = [Path(name.strip()) for argument in arguments for name in argument.split(",") if name.strip()]
    for file in files:
        if not file.is_file():
            raise BaristaError(f"--weights {file}: no such file")
    return files
