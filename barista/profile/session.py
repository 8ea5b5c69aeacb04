"""What a profiling session trains: the training net of a net or solver, with random inputs where its data is missing.

What is trained needs no data: where a source is missing, its layer becomes an input of the same shape (barista.net.inputs), which
the process that trains (barista.profile.runner) fills with random pictures and labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.net import data_files, prototxt, solver_rules, source
from barista.net import inputs as net_inputs
from barista.net.schema import NetParameter
from barista.net.shapes import MadeLayer, Shape
from barista.net.source import Solver
from barista.rewrite import placement
from barista.rewrite.placement import Decision, Place, Placed

# Fields of a solver that have it do anything else than train.
_BESIDE_TRAINING = ("test_iter", "test_interval", "test_state", "snapshot", "weights", "debug_info")


@dataclass(frozen=True)
class Task:
    """What the runners of one session train."""

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
    train_net = opened.train_net
    found, moved = data_files.with_found(train_net.message, path, train_net.name)
    net = _training_layers(found, settings.train_state)
    net, inputs = _with_inputs(net, train_net.origin, settings.train_state, shapes or {})
    solver = replace(opened, settings=settings, nets=(replace(train_net, message=net, field="net_param"),))
    return Task(str(path), solver, placement.place(net), tuple(dict.fromkeys([*opened.notes, *moved, *inputs])))


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


def decision_of(task: Task, made: MadeLayer) -> Decision:
    """Where a layer runs; a Split of Caffe's on the device, whose layer takes its place."""
    return task.decisions[made.index] if made.index is not None else Decision(made.name, "Split", Place.DEVICE, "")
