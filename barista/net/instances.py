"""Nets made of a prototxt by Caffe: one a phase, and one a stage that the prototxt names."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from barista.net import data_files, prototxt
from barista.net.shapes import MadeLayer, Shape, Shapes


def of_phases(caffe: Any, net: Any) -> Iterator[list[MadeLayer]]:
    """The prototxt's layers of the training net, then those of each test net, in the net's order.

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
        made = layers(instantiate(caffe, text, phase, stage), _included(net, phase, stage))
        yield [layer for layer in made if layer.index is not None]
        made.close()


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


def layers(instance: Any, names: Sequence[tuple[int, str]]) -> Generator[MadeLayer]:
    """All layers of a net of pycaffe's.

    `names` are the number and name of each layer of the prototxt that the net has, in its order. Between them stand the Splits that
    Caffe puts in.
    """
    blob_names, waiting = instance._blob_names, list(names)
    losses = {blob_names[i] for i, weight in enumerate(instance._blob_loss_weights) if weight != 0}

    def shapes(blobs: Sequence[int]) -> tuple[Shape, ...]:
        return tuple(tuple(instance._blobs[blob].shape) for blob in blobs)

    for number, name in enumerate(instance._layer_names):
        bottoms, tops = instance._bottom_ids(number), instance._top_ids(number)
        is_given = bool(waiting) and name == waiting[0][1]
        weights = tuple(tuple(blob.shape) for blob in instance.layers[number].blobs)
        made = tuple(blob_names[blob] for blob in tops)
        yield MadeLayer(
            name=name,
            index=waiting.pop(0)[0] if is_given else None,
            bottoms=tuple(blob_names[blob] for blob in bottoms),
            tops=made,
            shapes=Shapes(shapes(bottoms), shapes(tops), weights),
            losses=tuple(blob for blob in made if blob in losses),
        )


def _included(net: Any, phase: int, stages: Sequence[str]) -> list[tuple[int, str]]:
    state = type(net.state)()
    state.CopyFrom(net.state)
    state.phase = phase
    state.stage.extend(stages)
    return [(index, layer.name) for index, layer in enumerate(net.layer) if data_files.includes(state, layer)]


def as_json(made: MadeLayer) -> dict[str, Any]:
    """For a process that asks which layers Caffe made; read by from_json()."""
    return asdict(made)


def from_json(raw: Mapping[str, Any]) -> MadeLayer:
    shapes = Shapes(**{field: tuple(tuple(shape) for shape in raw["shapes"][field]) for field in ("src", "dst", "weights")})
    return MadeLayer(raw["name"], raw["index"], tuple(raw["bottoms"]), tuple(raw["tops"]), shapes, tuple(raw["losses"]))
