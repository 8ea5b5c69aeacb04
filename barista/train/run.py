"""Trains a solver: the parent's side. Caffe runs in its own process (barista.train.worker), so that its aborts become sentences.

The parent prepares all that a person may have got wrong, follows the worker's events, writes them to the log, and hands signals on:
the first asks the worker for a snapshot and the end, a second one kills it. The worker leads a session of its own; what is left of
that when the worker has gone, such as loaders that a layer of type Python started, is ended too.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any

from barista.bitstream import build as bitstreams
from barista.errors import BaristaError
from barista.net import prototxt
from barista.net import solver as solvers
from barista.rewrite import placement
from barista.runtime import blas, failures
from barista.train import curves, progress
from barista.train import snapshot as snapshots
from barista.train.progress import Progress
from barista.train.snapshot import Snapshot

_DIVERGED_STATUS = 3
_STOPS = (signal.SIGINT, signal.SIGTERM)
_SIGNAL_STATUS = 128  # a shell's status of a process that a signal ended is this and the signal's number
# One Ctrl-C may come twice, from the terminal and from a program that passes it on.
_SAME_SIGNAL_S = 0.3
# How long a worker may take to end when it has said its last, and then what it started, once it was asked to.
_END_S = 10.0
_LEFT_OVER_S = 2.0
# Fields of a data layer that say where the data lies, not what it is.
_PLACES = ("source", "mean_file", "root_folder")


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
    task, solver = _prepare(request, show)
    log = request.log or Path(f"{task['prefix']}_log.jsonl")
    snapshots.remove_stale_asides(task["prefix"])
    with ExitStack() as stack:
        if request.snapshot is not None:
            _have_state_name_its_model(task, stack)
        journal = stack.enter_context(_Journal(log, show, anew=request.snapshot is None))
        messages = stack.enter_context(_open(_messages_of(log), "wb" if request.snapshot is None else "ab"))
        stack.enter_context(show)
        worker = _Worker(task, messages)
        followed = _follow(worker, solver, show, journal)
        return_code = worker.end()
    aside = snapshots.Aside(task["prefix"], worker.process.pid)
    kept = aside.keep_unverified() if followed.phase["phase"] == "snapshot" and not worker.killed_by else []
    aside.remove()
    picture = _draw(followed, log, show) if followed.finished or followed.diverged else None
    if followed.finished is None:
        raise _failure(worker, followed, return_code, _messages_of(log), task, kept)
    return _outcome(worker, followed, log, picture)


# --- before ----------------------------------------------------------------------------------------------------------------------


def _prepare(request: Request, show: Progress) -> tuple[dict[str, Any], solvers.Solver]:
    """The worker's task, everything in it checked."""
    if request.snapshot is not None and request.weights:
        raise BaristaError("--snapshot and --weights: a snapshot has its own weights; give one of the two")
    # A snapshot has its own weights, and the command line's take the place of the solver's, as in the stock tool.
    solver = solvers.normalise(
        request.solver,
        placement.Selection(request.only, request.excepted),
        weights=request.snapshot is None and not request.weights,
        iterations=request.iterations,
    )
    for note in solver.notes:
        show.note(note)
    param = solver.param
    snapshot = snapshots.open_snapshot(request.snapshot) if request.snapshot is not None else None
    _choose_weights(param, request, solver)
    data = _data_fingerprint(solver)
    seed = _choose_seed(param, snapshot, data, show)
    if slow := blas.note():
        show.note(slow)
    found, _ = bitstreams.resolve(request.device, request.bitstream, note=lambda text: show.note(f"{text} ..."))
    task = {
        "parent": os.getpid(),
        "device": request.device,
        "bitstream": str(found.path),
        "solver": prototxt.to_text(param),
        "prefix": param.snapshot_prefix,
        "seed": seed,
        "data": data,
        "state": str(snapshot.state) if snapshot else None,
        "given_state": str(snapshot.state) if snapshot else None,
        "memory": snapshot.memory if snapshot else None,
        "model_to_name": str(snapshot.model) if snapshot and snapshot.model_moved else None,
    }
    return task, solver


def _choose_weights(param: Any, request: Request, solver: solvers.Solver) -> None:
    param.weights.extend(str(file) for file in request.weights)
    net = solver.train_net
    layers = {layer.name for layer in net.net.layer}
    for names in param.weights:
        for name in names.split(","):
            _check_weights_fit(Path(name.strip()), layers, net.name)


def _check_weights_fit(file: Path, layers: set[str], net: str) -> None:
    """Caffe takes weights by the names of layers and ignores all others: another net's would pass as a training from scratch."""
    trained = snapshots.check_weights(file)
    if trained and not layers.intersection(trained):
        few = ", ".join(f"'{name}'" for name in trained[:3])
        raise BaristaError(f"weights {file}: of another net: none of its layers ({few} ...) has the name of one in {net}")


def _data_fingerprint(solver: solvers.Solver) -> str:
    """A hash of what decides which batches the train net takes, except for where the data lies."""
    digest = hashlib.sha256(str(solver.param.iter_size).encode())
    for layer in solver.train_net.net.layer:
        if not layer.bottom:
            copy = type(layer)()
            copy.CopyFrom(layer)
            for _, message in copy.ListFields():
                for place in _PLACES:
                    if hasattr(message, "DESCRIPTOR") and place in message.DESCRIPTOR.fields_by_name:
                        message.ClearField(place)
            digest.update(copy.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _choose_seed(param: Any, snapshot: Snapshot | None, data: str, show: Progress) -> int:
    """The seed from which nets are constructed: the solver's, or one of ours; for a resumed run, that of its first run."""
    asked = int(param.random_seed)
    memory = snapshot.memory if snapshot else None
    if memory is not None:
        seed = int(memory["seed"])
        if asked not in (-1, seed):
            show.note(f"random_seed: {asked}: the snapshot's run began with {seed}, which is used")
        if memory["data"] != data:
            show.note("data layers or iter_size are not as they were at the snapshot: training goes on with other batches")
    elif asked >= 0:
        seed = asked
    else:
        seed = secrets.randbelow(2**31)
        show.note(f"random_seed is not set: {seed} is used")
    if snapshot is not None and memory is None:
        show.note(
            f"{snapshot.state} has no {snapshots.MEMORY_SUFFIX} file beside it: the run goes on as in stock Caffe, with the data"
            " from its beginning and new random numbers"
        )
    param.random_seed = seed
    return seed


def _have_state_name_its_model(task: dict[str, Any], stack: ExitStack) -> None:
    """Where snapshot and weights were moved together, Caffe gets a copy of the state that says where the weights are now."""
    if task["model_to_name"] is None:
        return
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="barista-")))
    given = Path(task["given_state"])
    snapshots.copy_naming(given, Path(task["model_to_name"]), folder / given.name)
    task["state"] = str(folder / given.name)


# --- the log -------------------------------------------------------------------------------------------------------------------


def _messages_of(log: Path) -> Path:
    """Where all goes that Caffe says."""
    return _beside(log, ".caffe.txt")


def _picture_of(log: Path) -> Path:
    return _beside(log, ".png")


def _beside(log: Path, suffix: str) -> Path:
    file = log.with_suffix(suffix)
    return file if file != log else log.with_name(log.name + suffix)


def _open(path: Path, mode: str) -> IO[Any]:
    try:
        return path.open(mode)
    except OSError as error:
        raise BaristaError(f"log {path}: {error.strerror}") from error


class _Journal:
    """The log: emptied for a new run, continued for a resumed one. Training goes on where it can't be written any more."""

    def __init__(self, path: Path, show: Progress, *, anew: bool) -> None:
        """Raises BaristaError for a file that can't be opened or is something else than a log."""
        if path.is_file() and path.stat().st_size and not _is_log(path):
            raise BaristaError(f"log {path}: there is a file of that name that is not a log of a training; name another with --log")
        self._path, self._show = path, show
        self._file: IO[str] | None = _open(path, "w" if anew else "a")

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._write("", last=True)

    def event(self, event: Mapping[str, Any]) -> None:
        if event["event"] != "phase":
            self._write(json.dumps(event) + "\n", flush=event["event"] != "iteration")

    def _write(self, line: str, *, flush: bool = False, last: bool = False) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line)
            if flush:
                self._file.flush()
            if last:
                self._file.close()
        except OSError as error:
            self._file = None
            self._show.note(f"log {self._path}: {error.strerror}; training goes on without it")


def _is_log(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as lines:
            first = json.loads(lines.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and "event" in first


# --- the worker ----------------------------------------------------------------------------------------------------------------


class _Worker:
    """The process that trains, its events, and the signals that reach us meanwhile."""

    def __init__(self, task: Mapping[str, Any], messages: IO[bytes]) -> None:
        self.signal: int | None = None  # the first that came
        self._signalled = 0.0  # when
        self.killed_by: int | None = None  # the second
        self.deadline: float | None = None  # when it has to have ended, once it has said its last
        self._events, events = os.pipe()
        # Signals wait until the worker can heed them: a child inherits what its parent holds back.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "barista.train.worker", str(events)],
                stdin=subprocess.PIPE,
                stdout=messages,
                stderr=messages,
                pass_fds=[events],
                start_new_session=True,
                env=os.environ | blas.environment() | {"GLOG_minloglevel": "0", "GLOG_logtostderr": "1"},
            )
        finally:
            os.close(events)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(task).encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it died at once, and will say why

    def events(self, show: Progress) -> Iterator[dict[str, Any]]:
        """Its events, until it has gone. Whether it has, the process tells: what it started may hold the pipe's other end."""
        buffered, gone = b"", os.pidfd_open(self.process.pid)
        os.set_blocking(self._events, False)
        with _caught_signals() as signals, selectors.DefaultSelector() as selector:
            for descriptor in (self._events, signals, gone):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                timeout = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
                ready = {key.fd for key, _ in selector.select(timeout)}
                if signals in ready:
                    for number in os.read(signals, 65536):
                        self._pass_on(number, show)
                if self._events in ready or gone in ready:
                    data, closed = _read_all(self._events)
                    if closed and gone not in ready:
                        selector.unregister(self._events)
                    *lines, buffered = (buffered + data).split(b"\n")
                    yield from (json.loads(line) for line in lines)
                if gone in ready:
                    break
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    self.deadline = None
                    show.note(f"the worker did not end within {_END_S:g} s: it was killed, and all that its layers had started")
                    self._kill()
        os.close(gone)

    def end(self) -> int:
        """Ends what the worker has left running, and returns how it ended itself."""
        os.close(self._events)
        # Not reaped before its session is empty, so that no other process can get its number meanwhile.
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + _LEFT_OVER_S
            left_over = _session(self.process.pid)
            for process in left_over:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            while left_over and time.monotonic() < end:
                time.sleep(0.02)
                left_over = _session(self.process.pid)
        return self.process.wait()

    def _pass_on(self, number: int, show: Progress) -> None:
        if number == signal.SIGTSTP:
            self._stop_and_go_on()
        elif self.deadline is not None:
            self._kill()  # there is nothing left to wait for but the end
        elif self.signal is None:
            self.signal = number
            self._signalled = time.monotonic()
            show.note(f"{signal.Signals(number).name}: a snapshot, and the end; Ctrl-C stops at once, without a snapshot")
            self.process.send_signal(signal.SIGTERM)
        elif time.monotonic() - self._signalled > _SAME_SIGNAL_S:
            self.killed_by = number
            self._kill()

    def _kill(self) -> None:
        for process in (self.process.pid, *_session(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _stop_and_go_on(self) -> None:
        """Ctrl-Z: a terminal stops only its own session, so the worker's is stopped by hand until `fg` or `bg`."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.killpg(self.process.pid, signal.SIGCONT)


def _read_all(descriptor: int) -> tuple[bytes, bool]:
    """What a pipe that does not block holds now, and whether nothing more can come."""
    data = b""
    with suppress(BlockingIOError):
        while more := os.read(descriptor, 65536):
            data += more
        return data, True
    return data, False


def _session(leader: int) -> list[int]:
    """The processes of a session that run, without its leader."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # NUMBER (NAME) STATE PARENT GROUP SESSION ...: a name may hold anything, so what follows its last parenthesis counts.
            state, _, _, session, *_ = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(session) == leader and state not in "ZX" and folder.name != str(leader):
                found.append(int(folder.name))
    return found


@contextmanager
def _caught_signals() -> Iterator[int]:
    """A file descriptor from which the numbers of SIGINT, SIGTERM and SIGTSTP can be read, a byte each, as they come."""
    reader, writer = os.pipe()

    def tell(number: int, _frame: FrameType | None) -> None:
        os.write(writer, bytes([number]))

    before = {number: signal.signal(number, tell) for number in (*_STOPS, signal.SIGTSTP)}
    try:
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


# --- during --------------------------------------------------------------------------------------------------------------------


def _follow(worker: _Worker, solver: solvers.Solver, show: Progress, journal: _Journal) -> _Followed:
    followed = _Followed()
    for event in worker.events(show):
        _take(followed, event, solver, show)
        journal.event(event)
        if followed.ended and worker.deadline is None:
            worker.deadline = time.monotonic() + _END_S
    return followed


def _take(followed: _Followed, event: dict[str, Any], solver: solvers.Solver, show: Progress) -> None:
    followed.seconds = event.get("seconds", followed.seconds)
    match event["event"]:
        case "phase":
            followed.phase = event
        case "started":
            followed.net = event["net"] or solver.path.stem
            followed.device = _device_name(event["device"], solver)
            followed.images = event["batch"] * max(0, solver.param.iter_size)
        case "training":
            followed.iteration = event["iteration"]
            show.begin(followed.net, followed.device, event["iteration"], solver.param.max_iter, followed.images)
        case "iteration":
            followed.iteration = event["iteration"] + 1
            show.iteration(event)
        case "test":
            accuracy = progress.accuracy_of(event["outputs"])
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


def _device_name(device: str, solver: solvers.Solver) -> str:
    """The device, or that no layer runs on it."""
    on_device = any(decision.on_device for net in solver.nets for decision in net.decisions)
    return device if on_device else "the CPU, which all layers were left to"


# --- after ---------------------------------------------------------------------------------------------------------------------


def _failure(
    worker: _Worker, followed: _Followed, return_code: int, messages: Path, task: Mapping[str, Any], kept: list[Path]
) -> BaristaError:
    state = followed.state or task["given_state"]
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
    picture = _picture_of(log)
    try:
        drawn = curves.draw(curves.read(log), picture, f"{followed.net} on {followed.device}")
    except (BaristaError, OSError, ValueError) as error:
        show.note(f"picture {picture}: {error}; the run itself is not touched by that")
        return None
    return picture if drawn else None


def _outcome(worker: _Worker, followed: _Followed, log: Path, picture: Path | None) -> Outcome:
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
