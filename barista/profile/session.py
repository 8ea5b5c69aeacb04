"""What a profiling session trains: the training net of a net or solver, with random inputs where its data is missing.

What is trained needs no data: where a source is missing, its layer becomes an input of the same shape (barista.net.inputs), which
the process that trains (barista.profile.runner) fills with random pictures and labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.net import data_files, prototxt
from barista.net import inputs as net_inputs
from barista.net import solver as solvers
from barista.net.shapes import MadeLayer, Shape
from barista.rewrite import placement as rewriter
from barista.rewrite.placement import Decision, Place

# Fields of a solver that have it do anything else than train.
_BESIDE_TRAINING = ("test_iter", "test_interval", "test_state", "snapshot", "weights", "debug_info")


@dataclass(frozen=True)
class Task:
    """What the runners of one session train."""

    name: str  # what sentences call it
    solver: Any  # SolverParameter, its training net inside, of stock layers
    decisions: tuple[Decision, ...]  # one a layer of the net, in its order
    notes: tuple[str, ...]

    @property
    def net(self) -> Any:
        return self.solver.net_param

    def text(self, *, on_device: bool) -> str:
        """The solver as Caffe reads it."""
        if not on_device:
            return prototxt.to_text(self.solver)
        rewritten = type(self.solver)()
        rewritten.CopyFrom(self.solver)
        rewritten.net_param.CopyFrom(rewriter.rewrite(self.net).net)
        return prototxt.to_text(rewritten)


def prepare(path: Path, shapes: Mapping[str, Shape] | None = None) -> Task:
    """The training net of the net or solver in `path`; `shapes` are of inputs, as for net_inputs.replace. Raises BaristaError."""
    is_net = prototxt.read(path).kind is prototxt.Kind.NET
    solver = solvers.of_net(path) if is_net else solvers.read(path)
    notes = [] if is_net else list(solver.notes)
    solvers.check_values(solver.param, str(path))
    solvers.check_types(solver)
    param = type(solver.param)()
    param.CopyFrom(solver.param)
    net = _training_layers(solvers.with_found_files(solver.train_net, path, notes), param.train_state)
    net, inputs = _with_inputs(net, solver.train_net.file or path, param.train_state, shapes or {})
    for field in ("train_net_param", "test_net_param", *_BESIDE_TRAINING):
        param.ClearField(field)
    param.net_param.CopyFrom(net)
    param.display = 0
    param.random_seed = param.random_seed if param.random_seed >= 0 else 1
    return Task(str(path), param, rewriter.rewrite(net).decisions, tuple(dict.fromkeys([*notes, *inputs])))


def _training_layers(net: Any, state: Any) -> Any:
    """A copy of the net, of stock layers, without those that are for testing alone."""
    trained = rewriter.restore(net)
    del trained.layer[:]
    in_training = data_files.state_of(net, "TRAIN", state)
    trained.layer.extend(layer for layer in rewriter.restore(net).layer if data_files.includes(in_training, layer))
    return trained


def _with_inputs(net: Any, path: Path, state: Any, shapes: Mapping[str, Shape]) -> tuple[Any, tuple[str, ...]]:
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
