"""Training steps (forward, backward, update) of a net, as stock Caffe takes them and as a device does: to be timed and compared.

A contestant is a process that trains (barista.profile.worker). Those of one comparison train the same net from the same seed, and
their steps are interleaved, so that background load slows all of them alike. No data is needed: where a source is missing, its
layer becomes an input of the same shape (barista.net.inputs), which the process fills with random pictures and labels. A device
is given the inputs anew in each step, as data would be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream
from barista.errors import BaristaError
from barista.net import data_files, prototxt, solver_rules, source
from barista.net import inputs as net_inputs
from barista.net import solver as solvers
from barista.net.inputs import Shape
from barista.net.schema import NetParameter
from barista.net.source import Solver
from barista.opencl import devices
from barista.rewrite import placement
from barista.rewrite.placement import Decision, Place, Placed
from barista.runtime import process
from barista.runtime.plugin import Command, GridPlan

STOCK = "stock Caffe"
# Threads of OpenBLAS look out for more work, at full speed, for some 30 ms after they had some: not while another's time is taken.
_SETTLE_SECONDS = 0.06
# Fields of a solver that have it do anything else than train.
_BESIDE_TRAINING = ("test_iter", "test_interval", "test_state", "snapshot", "weights", "debug_info")


@dataclass(frozen=True)
class Task:
    """What contestants train."""

    name: str  # what sentences call it
    solver: Solver  # with its training net alone, of stock layers
    placed: Placed  # the same net as the device runs it
    notes: tuple[str, ...]

    @property
    def net(self) -> NetParameter:
        return self.solver.train_net.message

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """One a layer of the net, in its order."""
        return self.placed.decisions

    def text(self, *, on_device: bool) -> str:
        """The solver as Caffe reads it."""
        return prototxt.to_text(self.solver.packed([self.placed.net] if on_device else None))


def prepare(path: Path, shapes: Mapping[str, Shape] | None = None) -> Task:
    """The training net of the net or solver in `path`; `shapes` are of inputs, as for net_inputs.replace. Raises BaristaError."""
    opened = source.open_training(path)
    solver_rules.check(opened)
    settings = type(opened.settings)()
    settings.CopyFrom(opened.settings)
    for field in _BESIDE_TRAINING:
        settings.ClearField(field)
    settings.display = 0
    settings.random_seed = settings.random_seed if settings.random_seed >= 0 else 1
    notes = list(opened.notes)
    train_net = solvers.with_found_files(opened.train_net, path, notes)
    net = _training_layers(train_net.message, settings.train_state)
    net, inputs = _with_inputs(net, train_net.origin, settings.train_state, shapes or {})
    solver = replace(opened, settings=settings, nets=(replace(train_net, message=net, field="net_param"),))
    return Task(str(path), solver, placement.place(net), tuple(dict.fromkeys([*notes, *inputs])))


def _training_layers(net: NetParameter, state: Any) -> NetParameter:
    """A copy of the net, of stock layers, without those that are for testing alone."""
    trained = placement.restore(net)
    in_training = data_files.state_of(net, "TRAIN", state)
    layers = [layer for layer in trained.layer if data_files.includes(in_training, layer)]
    del trained.layer[:]
    trained.layer.extend(layers)
    return trained


def _with_inputs(net: NetParameter, path: Path, state: Any, shapes: Mapping[str, Shape]) -> tuple[NetParameter, tuple[str, ...]]:
    """The net itself where all its data is there, else with inputs in the place of data; and what is to be said of them."""
    missing = ""
    try:
        data_files.check(net, "TRAIN", state, str(path))
    except BaristaError as error:
        missing = str(error)
    if not missing and not shapes and not any(layer.type == "MemoryData" for layer in net.layer):
        return net, ()
    replaced = net_inputs.replace(net, path, shapes)
    return replaced.net, tuple(f"random input {note}" for note in replaced.notes)


# --- what a process tells ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MadeLayer:
    """A layer of the net that Caffe made: of the prototxt, or a Split that Caffe put in."""

    name: str
    index: int | None  # in the prototxt; None: a Split of Caffe's
    bottoms: tuple[str, ...]  # blobs
    tops: tuple[str, ...]
    src: tuple[Shape, ...]
    dst: tuple[Shape, ...]
    weights: tuple[Shape, ...]
    losses: tuple[str, ...]  # those of its tops that are added up to the loss


@dataclass(frozen=True)
class Span:
    """One pass of one layer on the host. Times are nanoseconds of time.monotonic_ns()."""

    step: int
    layer: int
    backward: bool
    began: int
    ended: int
    first: int  # of the commands that it enqueued,
    last: int  # and one beyond


@dataclass(frozen=True)
class StepTime:
    """One step on the host: clearing gradients, the layers' passes, and the update. Its fields are those of a span."""

    began: int
    ended: int
    first: int
    last: int


@dataclass(frozen=True)
class Recorded:
    """Some steps, one after the other."""

    steps: tuple[StepTime, ...]
    spans: tuple[Span, ...]
    commands: tuple[Command, ...]  # on the device; none of stock Caffe
    finished: int  # when the device had done all
    counters: Mapping[str, int]  # of plugin.COUNTERS, over all steps; empty of stock Caffe

    @property
    def seconds(self) -> float:
        """A step."""
        return (self.finished - self.steps[0].began) / len(self.steps) / 1e9


def _recorded(raw: Mapping[str, Any]) -> Recorded:
    steps = tuple(StepTime(*step) for step in raw["steps"])
    spans = tuple(Span(*span) for span in raw["spans"])
    commands = tuple(Command(*command) for command in raw["commands"])
    return Recorded(steps, spans, commands, raw["finished"], raw["counters"])


def _made_layer(raw: Mapping[str, Any], index: int | None) -> MadeLayer:
    src, dst, weights = (tuple(tuple(shape) for shape in raw[field]) for field in ("src", "dst", "weights"))
    return MadeLayer(raw["name"], index, tuple(raw["bottoms"]), tuple(raw["tops"]), src, dst, weights, tuple(raw["losses"]))


# --- contestants ---------------------------------------------------------------------------------------------------------------


class Contestant:
    """A process that trains. To be left as a context; raises BaristaError where it can't go on."""

    def __init__(self, name: str, command: Sequence[str], task: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        """`task` is what the process is told first: see barista.profile.worker. It is answered by ready()."""
        self.name = name
        self._process = process.Process(command, task["name"], variables)
        self._process.tell(task)

    def __enter__(self) -> Contestant:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.__exit__(kind, error, trace)

    def _ask(self, **task: Any) -> process.Event:
        self._process.tell(task)
        return self._hear()

    def _hear(self) -> process.Event:
        event = self._process.hear()
        if event is None:
            raise BaristaError(f"{self.name}: its process ended before it was told to")
        return event

    def ready(self) -> process.Event:
        """Waits until it can train; what it says of itself. To be called once, before all others."""
        return self._hear()

    def run(self, steps: int) -> float:
        """Seconds a step."""
        time.sleep(_SETTLE_SECONDS)
        return float(self._ask(do="run", steps=steps)["seconds"]) / steps

    def run_warm(self, steps: int) -> float:
        """The same after one more step, which is not timed: in it caches and threads come back from what another process did."""
        time.sleep(_SETTLE_SECONDS)
        self._ask(do="run", steps=1)
        return float(self._ask(do="run", steps=steps)["seconds"]) / steps

    def record(self, steps: int, *, warm: int = 1) -> Recorded:
        """Records steps, after `warm` others: the first one starts the threads that record."""
        time.sleep(_SETTLE_SECONDS)
        return _recorded(self._ask(do="record", steps=steps, warm=warm))

    def grid_plans(self, operations: Sequence[Mapping[str, Any]]) -> list[list[GridPlan]]:
        """Plugin.grid_plans() of a contestant on a device."""
        return [[GridPlan(*fields) for fields in plans] for plans in self._ask(do="plans", operations=operations)["plans"]]

    def peak_bytes(self) -> int:
        """The most memory that the process has had so far."""
        return int(self._ask(do="peak")["bytes"])


def caffe_contestant(
    task: Task, place: tuple[Bitstream, devices.Device] | None, *, threads: int | None = None, seed: int = 1
) -> Contestant:
    """Stock Caffe, or Caffe with the plugin on the device of `place`, as bitstream.resolve gives it.

    `threads` are OpenBLAS's (default: what the environment says); a device has as many as compute units.
    """
    variables = {} if threads is None else {"OPENBLAS_NUM_THREADS": str(threads)}
    arguments: tuple[str, ...] = ()
    if place is not None:
        bitstream, device = place
        arguments = (device.short_name, str(bitstream.path))
        variables |= bitstreams.environment(bitstream, device)
    command = [sys.executable, "-m", "barista.profile.worker", *arguments]
    told = {"name": task.name, "solver": task.text(on_device=place is not None), "seed": seed}
    return Contestant(place[1].short_name if place else STOCK, command, told, variables)


def made_layers(task: Task, ready: process.Event) -> tuple[MadeLayer, ...]:
    """The layers of the net that a contestant made, from what its ready() says."""
    names = [layer.name for layer in task.net.layer]
    made, index = [], 0
    for raw in ready["layers"]:
        if index < len(names) and raw["name"] == names[index]:
            made.append(_made_layer(raw, index))
            index += 1
        else:
            made.append(_made_layer(raw, None))
    return tuple(made)


def decision_of(task: Task, made: MadeLayer) -> Decision:
    """Where a layer runs; a Split of Caffe's on the device, whose layer takes its place."""
    return task.decisions[made.index] if made.index is not None else Decision(made.name, "Split", Place.DEVICE, "")
