"""Nets made of a prototxt by Caffe: one a phase, and one a stage that the prototxt names."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from barista.net import data_files, prototxt

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Made:
    """One layer of an instance, at its shapes there."""

    index: int  # of the layer in the prototxt
    src: tuple[Shape, ...]
    dst: tuple[Shape, ...]
    weights: tuple[Shape, ...]


def of_phases(caffe: Any, net: Any) -> Iterator[list[Made]]:
    """The layers of the training net, then those of each test net, in the net's order.

    Where the net names stages, each of them is a test net: without one it may have no data. One instance lives at a time.
    """
    stages = dict.fromkeys(stage for layer in net.layer for rule in layer.include for stage in rule.stage)
    tests = [(caffe.TEST, [stage]) for stage in stages] or [(caffe.TEST, [])]
    unfilled = type(net)()
    unfilled.CopyFrom(net)
    for layer in unfilled.layer:
        leave_unfilled(layer)
    text = prototxt.to_text(unfilled)
    for phase, stage in [(caffe.TRAIN, []), *tests]:
        yield list(_layers(net, phase, stage, instantiate(caffe, text, phase, stage)))


def leave_unfilled(layer: Any) -> None:
    """Has the weights of a layer's products begin as zeros: to draw millions of them from a distribution takes seconds."""
    for name in ("convolution_param", "inner_product_param"):
        if layer.HasField(name):
            getattr(layer, name).ClearField("weight_filler")
            getattr(layer, name).ClearField("bias_filler")


def instantiate(caffe: Any, text: str, phase: int, stages: Sequence[str] = ()) -> Any:
    """The net of a prototxt's `text`. Ends the process where Caffe can't make it."""
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, phase, stages=list(stages))


def _layers(net: Any, phase: int, stages: Sequence[str], instance: Any) -> Iterator[Made]:
    """The prototxt's layers that the instance has. Between them stand the Splits that Caffe puts in."""
    state = type(net.state)()
    state.CopyFrom(net.state)
    state.phase = phase
    state.stage.extend(stages)
    included = [index for index, layer in enumerate(net.layer) if data_files.includes(state, layer)]
    for number, name in enumerate(instance._layer_names):
        if included and name == net.layer[included[0]].name:
            src, dst = (
                tuple(tuple(instance._blobs[blob].shape) for blob in blobs(number))
                for blobs in (instance._bottom_ids, instance._top_ids)
            )
            weights = tuple(tuple(blob.shape) for blob in instance.layers[number].blobs)
            yield Made(included.pop(0), src, dst, weights)
