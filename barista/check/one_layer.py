"""A net of one layer, stock Caffe's or the device's, and its passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from barista.check.run import Run
from barista.layers import types
from barista.layers.tolerances import Array
from barista.net import instances, prototxt, schema
from barista.net.shapes import Shape, Shapes

SEED = 1  # of Caffe's generator before each pass: dropout's masks are the same for both layers
Make = Callable[[Shape], Array]


def by_itself(layer: Any) -> Any:
    """The layer with blobs of its own for all bottoms and tops, but where it works in place.

    Bottoms that are one blob are told apart: to Caffe they are blobs of a Split, each with a gradient of its own. A loss may leave
    out its top, for which Caffe then makes one.
    """
    own = type(layer)()
    own.CopyFrom(layer)
    own.ClearField("bottom")
    own.ClearField("top")
    own.bottom.extend(f"src[{i}]" for i in range(len(layer.bottom)))
    for i, blob in enumerate(layer.top):
        in_place = i < len(layer.bottom) and layer.bottom[i] == blob
        own.top.append(own.bottom[i] if in_place else f"dst[{i}]")
    if not own.top:
        own.top.append("dst[0]")
    return own


class OneLayer:
    """A net of one layer, kept for several passes. Stock layers never work in place, where some have a wrong gradient."""

    def __init__(self, caffe: Any, layer: Any, bottoms: tuple[Shape, ...], on_device: bool) -> None:
        self.caffe = caffe
        self.layer = layer if on_device else _two_blobs(layer)
        self.net = instances.instantiate(caffe, _layer_net(self.layer, bottoms, on_device), caffe.TRAIN)
        self.last = len(self.net._layer_names) - 1
        self.parameters = list(self.net.layers[self.last].blobs)

    def forward(self, data: Run) -> list[Array]:
        for name, array in zip(self.layer.bottom, data.src, strict=True):
            self.net.blobs[name].data[...] = array
        for blob, array in zip(self.parameters, data.weights, strict=True):
            blob.data[...] = array
        self.caffe.set_random_seed(SEED)
        self.net._forward(0, self.last)
        return [self.net.blobs[name].data.copy() for name in self.layer.top]

    def backward(self, data: Run, dst: list[Array]) -> Run:
        """The gradients, of the pass of forward() before."""
        if not types.of(self.layer.type).tolerance.gradient:
            return Run(data.src, data.weights, data.diff_dst, [], dst)
        for name in self.layer.bottom:
            self.net.blobs[name].diff[...] = np.nan  # must be overwritten
        for name, array in zip(self.layer.top, data.diff_dst, strict=True):
            self.net.blobs[name].diff[...] = array
        for blob, array in zip(self.parameters, data.diff_weights, strict=True):
            blob.diff[...] = array
        self.net._backward(self.last, 0)
        diff_src = [self.net.blobs[name].diff.copy() for name in self.layer.bottom]
        diff_weights = [blob.diff.copy() for blob in self.parameters]
        moves = types.of(self.layer.type).statistics
        statistics = [blob.data.copy() for blob in self.parameters] if moves else []
        return Run(data.src, data.weights, data.diff_dst, diff_weights, dst, diff_src, statistics)


def run(caffe: Any, layer: Any, data: Run, on_device: bool) -> Run:
    """Forward and backward of `layer` alone, in a net that is gone afterwards: of a large layer, one at a time fits the memory."""
    one = OneLayer(caffe, layer, tuple(array.shape for array in data.src), on_device)
    return one.backward(data, one.forward(data))


def run_stock(caffe: Any, layer: Any, data: Run) -> Run:
    """The same of stock Caffe's layer, or of what takes its place."""
    instead = types.of(layer.type).tolerance.instead(layer)
    if instead is None:
        return run(caffe, layer, data, on_device=False)
    dst, diff_src = instead(layer, data.src[0], data.diff_dst[0], SEED)
    return Run(data.src, data.weights, data.diff_dst, [], [dst], [diff_src])


def draw(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator, make: Make) -> tuple[Run, Shapes]:
    """Inputs of every kind for `layer`, and its shapes. Labels, where it takes them, are class numbers."""
    one = OneLayer(caffe, layer, bottoms, False)
    weights = tuple(tuple(blob.shape) for blob in one.parameters)
    tops = tuple(tuple(one.net.blobs[name].shape) for name in layer.top)
    src = [make(shape) for shape in bottoms]
    row = types.of(layer.type)
    if row.chooses is not None:
        chosen, count = row.chooses(layer, bottoms)
        src[chosen] = rng.integers(0, count, bottoms[chosen]).astype(np.float32)
    data = Run(src, *([make(shape) for shape in shapes] for shapes in (weights, tops, weights)))
    if row.statistics:
        for array in data.weights:
            array[...] = abs(array) + 0.5
    return data, Shapes(bottoms, tops, weights)


def _two_blobs(layer: Any) -> Any:
    apart = type(layer)()
    apart.CopyFrom(layer)
    apart.ClearField("top")
    apart.top.extend(f"dst[{i}]" for i in range(len(layer.top)))
    return apart


def _layer_net(layer: Any, bottoms: tuple[Shape, ...], on_device: bool) -> str:
    """A net of `layer` and inputs for it. Gradients are made for every input and every parameter."""
    net = schema.new("NetParameter")
    net.force_backward = True
    inputs = net.layer.add()
    inputs.name, inputs.type = "inputs", "Input"
    inputs.top.extend(layer.bottom)
    for shape in bottoms:
        inputs.input_param.shape.add().dim.extend(shape)
    only = net.layer.add()
    only.CopyFrom(layer)
    for unwanted in ("include", "exclude", "param", "propagate_down", "blobs"):
        only.ClearField(unwanted)
    instances.leave_unfilled(only)  # weights are set from outside
    if on_device:
        only.type = types.device_type(layer.type)
    return prototxt.to_text(net)
