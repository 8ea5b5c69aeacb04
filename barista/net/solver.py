"""A solver made ready for training: its values checked, and every file that it names found, before Caffe starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from barista.errors import BaristaError
from barista.net import data_files, solver_rules
from barista.net.schema import SolverParameter
from barista.net.source import Net, Solver


def ready(solver: Solver, *, data: bool = True, weights: Sequence[Path] | None = None, iterations: int | None = None) -> Solver:
    """The opened solver with its files where they are, and its snapshot_prefix as Caffe takes it; a note says what was moved.

    `weights` and `iterations` take the place of the solver's own. Without `data`, data need not be there. Raises BaristaError for
    what Caffe would abort on, as far as the prototxts and the file system tell.
    """
    path = solver.origin
    settings = type(solver.settings)()
    settings.CopyFrom(solver.settings)
    if iterations is not None:
        settings.max_iter = iterations
    if weights is not None:
        settings.ClearField("weights")
        settings.weights.extend(str(file) for file in weights)
    solver_rules.check(replace(solver, settings=settings), updates=settings.max_iter > 0)
    notes = [*solver.notes, *(f"{path}: {oddity}" for oddity in solver_rules.oddities(settings))]
    nets = tuple(with_found_files(net, path, notes) for net in solver.nets)
    found = [_find_all(names, path, notes) for names in settings.weights]
    settings.ClearField("weights")
    settings.weights.extend(found)
    settings.snapshot_prefix = _snapshot_prefix(settings, path, notes)
    made = replace(solver, settings=settings, nets=nets, notes=tuple(dict.fromkeys(notes)))
    if data:
        for net, phase, state in made.instances():
            data_files.check(net.message, phase, state, net.name)
    return made


def with_found_files(net: Net, near: Path, notes: list[str]) -> Net:
    """The net with its data and mean files where they are (notes say which); what is nowhere stays, since a layer may go unused."""
    found, sentences = data_files.with_found(net.message, near, net.name)
    notes.extend(sentences)
    return replace(net, message=found)


def weights_files(arguments: Iterable[str]) -> list[Path]:
    """The files of `--weights`, given several times or separated by commas as the caffe tool takes them. Raises BaristaError."""
    files = [Path(name.strip()) for argument in arguments for name in argument.split(",") if name.strip()]
    for file in files:
        if not file.is_file():
            raise BaristaError(f"--weights {file}: no such file")
    return files


def _find_all(names: str, solver: Path, notes: list[str]) -> str:
    """A `weights` field, which may hold several names with commas between."""
    files = []
    for name in filter(None, (name.strip() for name in names.split(","))):
        file, moved = data_files.find(name, solver, f"{solver}: weights")
        files.append(str(file))
        notes.extend(moved)
    return ",".join(files)


def _snapshot_prefix(param: SolverParameter, path: Path, notes: list[str]) -> str:
    """Where snapshots go, by Caffe's rules: beside the solver where it says nothing, into a folder that it names."""
    prefix = Path(param.snapshot_prefix or path.with_suffix(""))
    if prefix.is_dir():
        prefix /= path.stem
    place = f"{path}: snapshot_prefix '{prefix}'"
    folder = data_files.look_for(str(prefix.parent), path)
    if folder is None or not folder.is_dir():
        missing = f"{place}: there is no folder {prefix.parent.absolute()}"
        if param.snapshot or param.snapshot_after_train:
            raise BaristaError(f"{missing}; make it first")
        notes.append(f"{missing}; the solver asks for no snapshot, and the log goes to {Path.cwd()}")
        return prefix.name
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BaristaError(f"{place}: the folder {folder.absolute()} cannot be written to")
    if folder != prefix.parent:
        notes.append(f"{place}: there is no folder {prefix.parent.absolute()}; snapshots go to {folder}")
    return str(folder / prefix.name)
