"""One side of the coherence test: a Caffe in a process of its own that does what it is told and says what it sees.

The same commands go to a stock Caffe and to one whose layers run on a device. Whatever either of them is asked for must be equal.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from barista import paths
from barista.bitstream import build as bitstream

ON_DEVICE = ("Convolution", "Pooling", "InnerProduct", "ReLU")
SIDE = 6
CLASSES = 4

# Convolutions with and without groups, in-place work on the device (relu1) and on the CPU (scale1), a blob with two readers (pool1,
# which Caffe splits), a Python layer between the others, weights that two layers share. Divisions are by powers of two.
NET = """
name: "coherence"
layer {{ name: "data" type: "Input" top: "data" top: "label"
  input_param {{ shape {{ dim: 2 dim: 2 dim: {side} dim: {side} }} shape {{ dim: 2 dim: {classes} }} }} }}
layer {{ name: "conv1" type: "{Convolution}" bottom: "data" top: "conv1"
  convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 group: 2 }} }}
layer {{ name: "relu1" type: "{ReLU}" bottom: "conv1" top: "conv1" }}
layer {{ name: "pool1" type: "{Pooling}" bottom: "conv1" top: "pool1" pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "scale1" type: "Power" bottom: "pool1" top: "pool1" power_param {{ scale: -1 }} }}
layer {{ name: "conv2" type: "{Convolution}" bottom: "pool1" top: "conv2"
  convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 bias_term: false }} }}
layer {{ name: "negated" type: "Python" bottom: "conv2" top: "negated"
  python_param {{ module: "coherence_layer" layer: "Negate" }} }}
layer {{ name: "sum" type: "Eltwise" bottom: "pool1" bottom: "negated" top: "sum" }}
layer {{ name: "relu2" type: "{ReLU}" bottom: "sum" top: "relu2" relu_param {{ negative_slope: 0.5 }} }}
layer {{ name: "pool2" type: "{Pooling}" bottom: "relu2" top: "pool2" pooling_param {{ pool: AVE kernel_size: 2 stride: 1 }} }}
layer {{ name: "ip1" type: "{InnerProduct}" bottom: "pool2" top: "ip1" inner_product_param {{ num_output: {classes} }} }}
layer {{ name: "ip2" type: "{InnerProduct}" bottom: "ip1" top: "ip2"
  param {{ name: "w" }} param {{ name: "b" }} inner_product_param {{ num_output: {classes} }} }}
layer {{ name: "ip3" type: "{InnerProduct}" bottom: "ip2" top: "ip3"
  param {{ name: "w" }} param {{ name: "b" }} inner_product_param {{ num_output: {classes} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "ip3" bottom: "label" top: "loss" loss_weight: 2 }}
"""
SOLVER = """
net: "{folder}/net.prototxt"
base_lr: 1 lr_policy: "fixed" momentum: 0 weight_decay: 0 max_iter: 1000000
test_iter: 1 test_interval: 1000000 test_initialization: false
snapshot_prefix: "{folder}/state" random_seed: 1
"""
BLOBS = ("data", "label", "conv1", "pool1", "conv2", "negated", "sum", "relu2", "pool2", "ip1", "ip2", "ip3")
LAYERS = ("conv1", "relu1", "pool1", "scale1", "conv2", "negated", "sum", "relu2", "pool2", "ip1", "ip2", "ip3", "loss")
PARAMETERS = (("conv1", 0), ("conv1", 1), ("conv2", 0), ("ip1", 0), ("ip1", 1), ("ip2", 0), ("ip2", 1), ("ip3", 0), ("ip3", 1))


def serve(connection: Connection, device: str | None, late: bool) -> None:
    """Answers commands, each a tuple of a method's name and its arguments, until there are no more.

    `device` None: stock Caffe. `late`: the plugin comes after libcaffe, whose memory then stays its own.
    """
    os.environ.update(GLOG_minloglevel="2")
    sys.path.insert(0, str(Path(__file__).parent))  # where Caffe finds coherence_layer
    caffe = _load_late(device) if device and late else _load(device)
    types = {name: f"FPGA{name}" if device else name for name in ON_DEVICE}
    actor = None
    try:
        while True:
            name, *arguments = connection.recv()
            if name == "begin":
                actor = Actor(caffe, types)
                connection.send(None)
            else:
                connection.send(getattr(actor, name)(*arguments))
    except EOFError:
        return


def _load(device: str | None) -> Any:
    if device:
        import barista

        barista.load(device=device)
    else:
        sys.path.insert(0, str(paths.caffe_installation().python_dir))
    return importlib.import_module("caffe")


def _load_late(device: str) -> Any:
    os.environ.update(bitstream.environment(*bitstream.resolve(device)))
    caffe = _load(None)
    library = ctypes.CDLL(str(paths.plugin_library()), mode=ctypes.RTLD_GLOBAL)
    assert library.barista_hook_is_live() == 0
    return caffe


class Actor:
    """A solver with a train net and a test net, and everything that a script may do to them."""

    def __init__(self, caffe: Any, types: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="barista-coherence-")
        folder = self._folder.name
        Path(folder, "net.prototxt").write_text(NET.format(side=SIDE, classes=CLASSES, **types))
        solver = Path(folder, "solver.prototxt")
        solver.write_text(SOLVER.format(folder=folder))
        self._caffe = caffe
        self._solver = caffe.SGDSolver(str(solver))
        self._nets = {"train": self._solver.net, "test": self._solver.test_nets[0]}
        self._nets["test"].share_with(self._nets["train"])
        for number, (layer, index) in enumerate(PARAMETERS):
            self.write_parameter("train", layer, index, "data", number)
        self.write_blob("train", "data", "data", 100)

    # The net's work

    def forward(self, net: str, start: str | None, end: str | None) -> None:
        self._nets[net].forward(start=start, end=end)

    def backward(self, start: str | None, end: str | None) -> None:
        self._nets["train"].backward(start=start, end=end)

    def step(self, count: int) -> None:
        self._solver.step(count)

    def update(self) -> None:
        self._solver.apply_update()

    def clear(self) -> None:
        self._nets["train"].clear_param_diffs()

    def reshape(self, net: str, images: int) -> None:
        it = self._nets[net]
        it.blobs["data"].reshape(images, 2, SIDE, SIDE)
        it.blobs["label"].reshape(images, CLASSES)
        it.reshape()
        it.forward()

    # Files

    def snapshot(self) -> list[np.ndarray]:
        self._solver.snapshot()
        return self._read_model(f"{self._folder.name}/state_iter_{self._solver.iter}.caffemodel")

    def restore(self) -> None:
        """From the snapshot of the iteration that it is at, which may be one of before."""
        self._solver.snapshot()
        self._solver.restore(f"{self._folder.name}/state_iter_{self._solver.iter}.solverstate")

    def save(self) -> list[np.ndarray]:
        path = f"{self._folder.name}/saved.caffemodel"
        self._nets["train"].save(path)
        return self._read_model(path)

    def copy_from(self) -> None:
        path = Path(self._folder.name, "saved.caffemodel")
        if path.exists():
            self._nets["train"].copy_from(str(path))

    def _read_model(self, path: str) -> list[np.ndarray]:
        from caffe.proto import caffe_pb2

        model = caffe_pb2.NetParameter()
        model.ParseFromString(Path(path).read_bytes())
        return [np.array(blob.data, np.float32) for layer in model.layer for blob in layer.blobs]

    # Reading and writing

    def read_blob(self, net: str, name: str, part: str) -> np.ndarray:
        return self._view(self._nets[net].blobs[name], part).copy()

    def write_blob(self, net: str, name: str, part: str, seed: int) -> None:
        self._fill(self._view(self._nets[net].blobs[name], part), seed)

    def poke_blob(self, net: str, name: str, part: str, value: int) -> None:
        self._view(self._nets[net].blobs[name], part).flat[0] = value

    def read_parameter(self, net: str, layer: str, index: int, part: str) -> np.ndarray:
        return self._view(self._nets[net].params[layer][index], part).copy()

    def write_parameter(self, net: str, layer: str, index: int, part: str, seed: int) -> None:
        self._fill(self._view(self._nets[net].params[layer][index], part), seed)

    def accumulate(self, layer: str, index: int) -> None:
        self._view(self._nets["train"].params[layer][index], "diff")[...] += 1

    def fold(self) -> None:
        """Brings all weights back to -1, 0 and 1, most of them 0: updates stay exact that way."""
        for layer, index in PARAMETERS:
            weights = self._nets["train"].params[layer][index].data
            remainder = np.mod(np.floor(weights), 9)
            weights[...] = (remainder == 1).astype(np.float32) - (remainder == 8)

    def everything(self) -> list[np.ndarray]:
        parts = ("data", "diff")
        blobs = [self.read_blob(net, name, part) for net in self._nets for name in (*BLOBS, "loss") for part in parts]
        return blobs + [self.read_parameter("train", layer, index, part) for layer, index in PARAMETERS for part in parts]

    def exact(self) -> bool:
        """Whether all values are far from where float would have to round: only then does any order of a sum give the same."""
        return all(_far_from_rounding(values) for values in self.everything())

    @staticmethod
    def _view(blob: Any, part: str) -> np.ndarray:
        values: np.ndarray = blob.data if part == "data" else blob.diff
        return values

    @staticmethod
    def _fill(values: np.ndarray, seed: int) -> None:
        generator = np.random.default_rng(seed)
        values[...] = generator.choice([-1, 0, 1], values.shape, p=[0.1, 0.8, 0.1])


def _far_from_rounding(values: np.ndarray) -> bool:
    """Whole multiples, less than 2**20 of them, of some power of two: float has 2**24, so a sum may swing 16 times as high."""
    largest = float(np.abs(values).max(initial=0))
    unit = next((2.0**-k for k in range(13) if np.array_equal(np.round(values * 2**k), values * 2**k)), None)
    return unit is not None and largest < 2**20 * unit  # not so where it is no number
