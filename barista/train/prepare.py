"""What a training is, from what the command line asks for: everything that a person may have got wrong is checked here."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from barista.bitstream import build as bitstreams
from barista.errors import BaristaError
from barista.net import prototxt, source
from barista.net import solver as solvers
from barista.net.schema import SolverParameter
from barista.net.source import Solver
from barista.rewrite import placement
from barista.runtime import blas
from barista.train import snapshot as snapshots
from barista.train.progress import Progress
from barista.train.snapshot import Snapshot
from barista.train.task import Resume, Task

# Fields of a data layer that say where the data lies, not what it is.
_LOCATIONS = ("source", "mean_file", "root_folder")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    solver: Path
    snapshot: Path | None = None
    weights: tuple[Path, ...] = ()
    bitstream: str | None = None
    device: str | None = None
    only: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    iterations: int | None = None
    log: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """A task for the worker, and what its parent needs to follow it."""

    task: Task
    name: str  # for a net that has none
    iterations: int  # the solver's max_iter
    batches: int  # an iteration
    on_device: bool  # whether any layer is
    snapshot: Snapshot | None  # to go on from

    @contextmanager
    def given(self) -> Iterator[Task]:
        """The task as the worker gets it.

        Where snapshot and weights were moved together, Caffe gets a copy of the state that says where the weights are now.
        """
        resume, snapshot = self.task.resume, self.snapshot
        if resume is None or snapshot is None or snapshot.model is None or not snapshot.model_moved:
            yield self.task
            return
        with tempfile.TemporaryDirectory(prefix="barista-") as folder:
            copy = Path(folder) / snapshot.state.name
            snapshots.copy_naming(snapshot.state, snapshot.model, copy)
            yield replace(self.task, resume=replace(resume, state=str(copy)))


def prepare(request: Request, show: Progress) -> Prepared:
    """The task that `request` means; `show` is told what is not as the files say. Raises BaristaError."""
    if request.snapshot is not None and request.weights:
        raise BaristaError("--snapshot and --weights: a snapshot has its own weights; give one of the two")
    # A snapshot has its own weights, and the command line's take the place of the solver's, as in the stock tool.
    weights = request.weights if request.weights or request.snapshot is not None else None
    opened = source.open_solver(request.solver)
    solver = solvers.ready(opened, weights=weights, iterations=request.iterations)
    placed = placement.place_nets(solver, placement.Selection(request.only, request.excepted))
    if slow := blas.note():
        show.note(slow)
    for note in solver.notes:
        show.note(note)
    settings = solver.settings
    snapshot = snapshots.open_snapshot(request.snapshot) if request.snapshot is not None else None
    snapshots.check_weights_of(solver.weights, solver.train_net)
    data = _data_fingerprint(solver)
    settings.random_seed = seed = _choose_seed(settings, snapshot, data, show)
    bitstream, device = bitstreams.resolve(request.device, request.bitstream, note=lambda text: show.note(f"{text} ..."))
    task = Task(
        parent=os.getpid(),
        bitstream=bitstream,
        device=device,
        solver=prototxt.to_text(solver.packed([net.net for net in placed])),
        prefix=settings.snapshot_prefix,
        seed=seed,
        data=data,
        resume=Resume(str(snapshot.state), str(snapshot.state), snapshot.resume_state) if snapshot else None,
    )
    return Prepared(
        task=task,
        name=solver.origin.stem,
        iterations=settings.max_iter,
        batches=max(0, settings.iter_size),
        on_device=any(decision.on_device for net in placed for decision in net.decisions),
        snapshot=snapshot,
    )


def _data_fingerprint(solver: Solver) -> str:
    """A hash of what decides which batches the train net takes, except for where the data lies."""
    digest = hashlib.sha256(str(solver.settings.iter_size).encode())
    for layer in solver.train_net.message.layer:
        if not layer.bottom:
            copy = type(layer)()
            copy.CopyFrom(layer)
            for _, message in copy.ListFields():
                for location in _LOCATIONS:
                    if hasattr(message, "DESCRIPTOR") and location in message.DESCRIPTOR.fields_by_name:
                        message.ClearField(location)
            digest.update(copy.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _choose_seed(settings: SolverParameter, snapshot: Snapshot | None, data: str, show: Progress) -> int:
    """The seed from which nets are constructed: the solver's, or one of ours; for a resumed run, that of its first run."""
    asked = int(settings.random_seed)
    resume_state = snapshot.resume_state if snapshot else None
    if resume_state is not None:
        seed = int(resume_state["seed"])
        if asked not in (-1, seed):
            show.note(f"random_seed: {asked}: the snapshot's run began with {seed}, which is used")
        if resume_state["data"] != data:
            show.note("data layers or iter_size are not as they were at the snapshot: training goes on with other batches")
    elif asked >= 0:
        seed = asked
    else:
        seed = secrets.randbelow(2**31)
        show.note(f"random_seed is not set: {seed} is used")
    if snapshot is not None and resume_state is None:
        show.note(
            f"{snapshot.state} has no {snapshots.RESUME_SUFFIX} file beside it: the run goes on as in stock Caffe, with the data"
            " from its beginning and new random numbers"
        )
    return seed
