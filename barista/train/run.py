"""Trains a solver: the parent's side. Caffe runs in its own process (barista.train.worker), so that its aborts become sentences.

The parent prepares the task, follows the worker's events and writes them to the log, and says how it ended.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.runtime import failures
from barista.train import curves, events
from barista.train import snapshot as snapshots
from barista.train.journal import Journal, messages_of, picture_of
from barista.train.prepare import Prepared, Request, prepare
from barista.train.process import Worker
from barista.train.progress import Progress
from barista.train.task import Task

_DIVERGED_STATUS = 3
_SIGNAL_STATUS = 128  # a shell's status of a process that a signal ended is this and the signal's number
_NAMED_LAYERS = 3  # more are counted


@dataclass
class Outcome:
    """How a run ended, and what it left."""

    status: int
    net: str
    device: str
    iteration: int
    seconds: float
    accuracy: float | None
    state: Path | None  # the snapshot to go on from
    log: Path
    picture: Path | None
    stopped: bool  # before its last iteration


@dataclass
class _Followed:
    """What the worker's events have told so far."""

    phase: Mapping[str, Any] = field(default_factory=lambda: {"phase": "device", "iteration": 0})
    net: str = ""
    device: str = ""
    images: int = 0  # an iteration
    fatal: Mapping[str, Any] | None = None
    failed: str | None = None
    diverged: Mapping[str, Any] | None = None
    finished: Mapping[str, Any] | None = None
    accuracy: float | None = None
    state: str | None = None
    iteration: int = 0
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return any(last is not None for last in (self.finished, self.diverged, self.failed, self.fatal))


def train(request: Request, show: Progress) -> Outcome:
    """Trains until the solver's last iteration or a signal. Raises BaristaError; snapshots and log then stay."""
    prepared = prepare(request, show)
    prefix = prepared.task.prefix
    log = request.log or Path(f"{prefix}_log.jsonl")
    snapshots.remove_stale_asides(prefix)
    with ExitStack() as stack:
        task = stack.enter_context(prepared.given())
        journal = stack.enter_context(Journal(log, show, anew=request.snapshot is None))
        stack.enter_context(show)
        worker = Worker(task, journal.messages)
        followed = _follow(worker, prepared, show, journal)
        return_code = worker.end()
    aside = snapshots.Aside(prefix, worker.process.pid)
    kept = aside.keep_unverified() if followed.phase["phase"] == "snapshot" and not worker.killed_by else []
    aside.remove()
    picture = _draw(followed, log, show) if followed.finished or followed.diverged else None
    if followed.finished is None:
        raise _failure(worker, followed, return_code, messages_of(log), task, kept)
    return _outcome(worker, followed, log, picture)


# --- during --------------------------------------------------------------------------------------------------------------------


def _follow(worker: Worker, prepared: Prepared, show: Progress, journal: Journal) -> _Followed:
    followed = _Followed()
    for event in worker.events(show):
        _take(followed, event, prepared, show)
        journal.event(event)
        if followed.ended:
            worker.must_end()
    return followed


def _take(followed: _Followed, event: dict[str, Any], prepared: Prepared, show: Progress) -> None:
    followed.seconds = event.get("seconds", followed.seconds)
    match event["event"]:
        case "phase":
            followed.phase = event
        case "started":
            stock = event["stock_code"]
            for layer, _, reason in stock:
                show.note(f"layer '{layer}' runs in stock Caffe: {reason}")
            followed.net = event["net"] or prepared.name
            followed.device = _device_name(event["device"], prepared, [layer for layer, _, _ in stock])
            followed.images = event["batch"] * prepared.batches
        case "training":
            followed.iteration = event["iteration"]
            show.begin(followed.net, followed.device, event["iteration"], prepared.iterations, followed.images)
        case "iteration":
            followed.iteration = event["iteration"] + 1
            show.iteration(event)
        case "test":
            accuracy = events.accuracy_of(event["outputs"])
            if event["net"] == 0:
                followed.accuracy = accuracy
            show.test(event, accuracy if event["net"] == 0 else None)
        case "snapshot":
            followed.state = event["state"]
            show.snapshot(event)
        case "note":
            show.note(event["text"])
        case "finished":
            followed.finished = event
        case "diverged":
            followed.diverged = event
        case "failed":
            followed.failed = event["sentence"]
        case "fatal":
            followed.fatal = event


def _device_name(device: str, prepared: Prepared, stock: Sequence[str]) -> str:
    """The device, and which layers were meant for it and run in stock Caffe; or that no layer is on it."""
    if not prepared.on_device:
        return "the CPU, which all layers were left to"
    if not stock:
        return device
    names = ", ".join(f"'{layer}'" for layer in stock) if len(stock) <= _NAMED_LAYERS else f"{len(stock)} layers"
    return f"{device}, with {names} in stock Caffe"


# --- after ---------------------------------------------------------------------------------------------------------------------


def _failure(worker: Worker, followed: _Followed, return_code: int, messages: Path, task: Task, kept: list[Path]) -> BaristaError:
    state = followed.state or (task.resume.given if task.resume else None)
    go_on = snapshots.told_of(kept) + (f"; go on with --snapshot {state}" if state else "")
    if worker.killed_by is not None:
        return BaristaError(f"stopped at once, without a snapshot{go_on}", _SIGNAL_STATUS + worker.killed_by)
    if followed.diverged is not None:
        return BaristaError(_divergence(followed.diverged) + go_on, _DIVERGED_STATUS)
    if followed.failed is not None:
        return BaristaError(followed.failed + go_on)
    phase = dict(followed.phase)
    if phase["phase"] == "training":
        phase["iteration"] = followed.iteration
    return BaristaError(failures.sentence(return_code, followed.fatal, phase, messages) + go_on)


def _divergence(event: Mapping[str, Any]) -> str:
    """Where the numbers stopped being numbers, and what may help."""
    where = f"iteration {event['iteration']:,}: "
    where += f"the loss is no longer a number ({event['loss']})" if event["loss"] else "the weights are no longer numbers"
    found = event["not_finite"]
    help_ = "a smaller base_lr, or clip_gradients, may help"
    if found is None:
        return f"{where}; all blobs are finite, so it is their sum; {help_}"
    of_layer = f"layer '{found['layer']}' ({found['type']})"
    if found["parameter"] is not None:
        return f"{where}; the first to hold {found['value']} is parameter {found['parameter']} of {of_layer}; {help_}"
    if found["in_place"]:
        of_layer += f", in which {' and '.join(map(repr, found['in_place']))} worked in place"
    if found["data"]:
        help_ = "look at its data"
    return f"{where}; the first to hold {found['value']} is blob '{found['blob']}' of {of_layer}; {help_}"


def _draw(followed: _Followed, log: Path, show: Progress) -> Path | None:
    """The run's picture, drawn from its log; None where that can't be."""
    if not log.is_file():  # a pipe or a device, which was told what there was to tell
        return None
    picture = picture_of(log)
    try:
        drawn = curves.draw(curves.read(log), picture, f"{followed.net} on {followed.device}")
    except (BaristaError, OSError, ValueError) as error:
        show.note(f"picture {picture}: {error}; the run itself is not touched by that")
        return None
    return picture if drawn else None


def _outcome(worker: Worker, followed: _Followed, log: Path, picture: Path | None) -> Outcome:
    assert followed.finished is not None
    finished = followed.finished
    stopped = finished["reason"] == "stopped"
    return Outcome(
        status=_SIGNAL_STATUS + (worker.signal or signal.SIGTERM) if stopped else 0,
        net=followed.net,
        device=followed.device,
        iteration=finished["iteration"],
        seconds=followed.seconds,
        accuracy=followed.accuracy,
        state=Path(finished["state"]) if finished["state"] else None,
        log=log,
        picture=picture,
        stopped=stopped,
    )
