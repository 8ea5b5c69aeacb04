"""One side of the test of NaN and infinity: a Caffe in a process of its own that runs small nets on the values that it is given.

The same nets and values go to a stock Caffe and to one whose layers run on a device.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
SEED = 1  # of Caffe's generator before each forward pass: dropout's masks are the same on both sides


@dataclass(frozen=True)
class Net:
    """What is run: `layers` is a prototxt of stock types, `bottoms` the shapes of its inputs by name, `tops` what is read."""

    layers: str
    bottoms: dict[str, tuple[int, ...]]
    tops: tuple[str, ...]
    test: bool = False  # the phase
    forward_only: bool = False


@dataclass
class Values:
    """Of the inputs and of the tops' gradients by name, of the layers' parameters and their gradients by layer and number."""

    data: dict[str, Array]
    parameters: dict[str, Array]
    diffs: dict[str, Array] = field(default_factory=dict)


def parameter_name(layer: str, index: int) -> str:
    return f"{layer}[{index}]"


def serve(connection: Connection, device: str | None) -> None:
    """Answers commands, each a tuple of a method's name and its arguments, until there are no more. `device` None: stock Caffe."""
    os.environ.update(GLOG_minloglevel="2", BARISTA_MASKS="caffe")
    actor = Actor(_load(device), bool(device))
    try:
        while True:
            name, *arguments = connection.recv()
            connection.send(getattr(actor, name)(*arguments))
    except EOFError:
        return


def _load(device: str | None) -> Any:
    if device:
        import barista

        barista.load(device=device)
    else:
        from barista import paths

        sys.path.insert(0, str(paths.caffe_installation().python_dir))
    return importlib.import_module("caffe")


class Actor:
    def __init__(self, caffe: Any, on_device: bool) -> None:
        self._caffe, self._on_device = caffe, on_device
        self._made: tuple[Net, Any] | None = None

    def shapes(self, net: Net) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Of the tops, and of the parameters."""
        made = self._of(net)
        return {name: tuple(made.blobs[name].shape) for name in net.tops}, {
            name: tuple(blob.shape) for name, blob in _parameters(made).items()
        }

    def run(self, net: Net, all_values: list[Values]) -> list[dict[str, Array]]:
        """What forward and backward make of each: tops, gradients (NAME') of inputs and parameters, moved parameters."""
        made = self._of(net)
        return [self._run(net, made, values) for values in all_values]

    def _run(self, net: Net, made: Any, values: Values) -> dict[str, Array]:
        for name, array in values.data.items():
            made.blobs[name].data[...] = array
        parameters = _parameters(made)
        for name, array in values.parameters.items():
            parameters[name].data[...] = array
        self._caffe.set_random_seed(SEED)
        made.forward()
        found = {name: made.blobs[name].data.copy() for name in net.tops}
        found |= {name: blob.data.copy() for name, blob in parameters.items()}
        if net.forward_only:
            return found
        for name in net.bottoms:
            made.blobs[name].diff[...] = 0
        for name, array in values.diffs.items():
            made.blobs[name].diff[...] = array
        for blob in parameters.values():
            blob.diff[...] = 0.5  # gradients of parameters are added to
        made._backward(len(made._layer_names) - 1, 0)
        found |= {f"{name}'": made.blobs[name].diff.copy() for name in net.bottoms}
        return found | {f"{name}'": blob.diff.copy() for name, blob in parameters.items()}

    def steps(self, solver: str, net: Net, updates: list[tuple[dict[str, Array], dict[str, Array]]]) -> list[dict[str, Array]]:
        """What each of several updates makes of the parameters that it is given and of their gradients; at last the histories."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "net.prototxt")
            path.write_text(self._typed(_text(net)))
            Path(folder, "solver.prototxt").write_text(f'net: "{path}" snapshot_prefix: "{folder}/state" {solver}')
            made = self._caffe.get_solver(str(Path(folder, "solver.prototxt")))
            parameters = _parameters(made.net)
            found = []
            for values, diffs in updates:
                for name, array in values.items():
                    parameters[name].data[...] = array
                made.net.forward()  # takes the parameters to the device
                for name, array in diffs.items():
                    parameters[name].diff[...] = array
                made.apply_update()
                found.append({name: blob.data.copy() for name, blob in parameters.items()})
                found[-1] |= {f"{name}'": blob.diff.copy() for name, blob in parameters.items()}
            made.snapshot()
            state = importlib.import_module("caffe.proto.caffe_pb2").SolverState()
            state.ParseFromString(next(Path(folder).glob("*.solverstate")).read_bytes())
            found.append({f"history[{i}]": np.array(blob.data, np.float32) for i, blob in enumerate(state.history)})
            return found

    def _of(self, net: Net) -> Any:
        if self._made is None or self._made[0] != net:
            self._made = (net, self._make(net))
        return self._made[1]

    def _make(self, net: Net) -> Any:
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
            file.write(self._typed(_text(net)))
            file.flush()
            return self._caffe.Net(file.name, self._caffe.TEST if net.test else self._caffe.TRAIN)

    def _typed(self, text: str) -> str:
        """The net with device types where there are any, of the process that has them."""
        if not self._on_device:
            return text
        from barista.layers import types
        from barista.net import prototxt

        net = prototxt.parse(text, prototxt.Kind.NET, "net")
        for layer in net.layer:
            if types.of(layer.type).on_device:
                layer.type = types.device_type(layer.type)
        return prototxt.to_text(net)


def _text(net: Net) -> str:
    inputs = (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for name, shape in net.bottoms.items()
    )
    return "\n".join(("force_backward: true", *inputs, net.layers))


def _parameters(net: Any) -> dict[str, Any]:
    return {parameter_name(layer, i): blob for layer, blobs in net.params.items() for i, blob in enumerate(blobs)}
