"""Nets without their data: each layer that reads data becomes an `Input` layer of the same shape.

What a net's layers compute on can be checked on a machine that does not have the data. A shape comes, in this order, from what the
user says, from the data where it is there, from the layer's own parameters, from another layer of the net that makes the blob, for
training and not for testing, say, or from the deployed net that lies beside a training net (`lenet.prototxt` beside
`lenet_train_test.prototxt`, or `deploy.prototxt`). A layer whose data is there, in a form that only Caffe can read, stays. Any
other layer that takes nothing, code of the user's own for one, becomes an input where the user says the shapes of all its tops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.layers import types
from barista.net import data_files, prototxt
from barista.net.shapes import Shape


@dataclass(frozen=True)
class Replaced:
    net: Any
    notes: tuple[str, ...]  # a sentence for each input: its shape and where that comes from
    kept: tuple[str, ...]  # a sentence for each blob of a data layer that stays

    @property
    def sentences(self) -> list[str]:
        return [f"input {note}" for note in (*self.notes, *self.kept)]


def replace(net: Any, path: Path, shapes: Mapping[str, Shape]) -> Replaced:
    """A copy of `net`, of the file `path`, with Input layers for data. `shapes` says blobs' shapes, batch and all, or one image's.

    Raises BaristaError for a shape that nothing tells.
    """
    copy = type(net)()
    copy.CopyFrom(net)
    data = [layer for layer in copy.layer if _makes_data(layer, shapes)]
    for blob in shapes:
        if not any(blob in layer.top for layer in data):
            raise BaristaError(f"{path}: no data layer makes the blob '{blob}' that --shape names")
    images = _Images(data, path, shapes)
    notes, kept = [], []
    for layer in data:
        if images.only_caffe_can_tell(layer):
            kept += [f"{blob}: as Caffe reads it" for blob in layer.top]
            continue
        found = _blob_shapes(layer, images)
        notes += [f"{blob}: {'x'.join(map(str, shape))}, {origin}" for blob, shape, origin in found]
        _become_input(layer, [shape for _, shape, _ in found])
    return Replaced(copy, tuple(dict.fromkeys(notes)), tuple(dict.fromkeys(kept)))


def made_by_data(net: Any, shapes: Mapping[str, Shape]) -> frozenset[str]:
    """The blobs for which replace() puts inputs, where it is given `shapes`."""
    return frozenset(blob for layer in net.layer if _makes_data(layer, shapes) for blob in layer.top)


def parse_shape(text: str) -> tuple[str, Shape]:
    """`data=3x32x32` is ("data", (3, 32, 32)). Raises BaristaError."""
    blob, equals, sizes = text.partition("=")
    parts = sizes.split("x")
    if not blob or not equals or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise BaristaError(f"--shape '{text}': a blob and its shape are expected, for example data=3x32x32")
    return blob, tuple(int(part) for part in parts)


def _makes_data(layer: Any, shapes: Mapping[str, Shape]) -> bool:
    return types.of(layer.type).source is not None or (not layer.bottom and bool(layer.top) and set(layer.top) <= shapes.keys())


def _blob_shapes(layer: Any, images: _Images) -> list[tuple[str, Shape, str]]:
    shapes = images.shapes
    source = types.of(layer.type).source
    batch = int(getattr(getattr(layer, source.parameter), "batch_size", 1)) or 1 if source else 1
    found = []
    for i, blob in enumerate(layer.top):
        if blob in shapes:
            given = shapes[blob]
            found.append((blob, given if len(given) != 3 else (batch, *given), "as --shape says"))
        elif i == 0:
            image, origin = images.shape(layer)
            found.append((blob, (batch, *image), origin))
        else:
            found.append((blob, (batch,), "one label an image"))
    return found


class _Images:
    """The shapes of images that a net's data layers make."""

    def __init__(self, layers: Sequence[Any], path: Path, shapes: Mapping[str, Shape]) -> None:
        """`layers` are the net's that make data, `path` is its file, `shapes` are what the user says of blobs."""
        self.shapes = shapes
        self._path = path
        self._told: dict[str, tuple[Shape, str]] = {}  # of blobs, by the first layer that tells
        for layer in layers:
            told = self._as_its_data_says(layer) or self._as_its_parameters_say(layer) if types.of(layer.type).source else None
            if told is not None:
                self._told.setdefault(layer.top[0], (told[0], f"as layer '{layer.name}' says"))

    def only_caffe_can_tell(self, layer: Any) -> bool:
        """Whether the layer's data is there, and Caffe must be asked for the shape."""
        if types.of(layer.type).source is None or self.shapes.keys() & set(layer.top):
            return False
        return self._as_its_data_says(layer) is None and data_files.is_readable(layer)

    def shape(self, layer: Any) -> tuple[Shape, str]:
        """Of one image, cropped, and what tells it. Raises BaristaError where nothing does."""
        blob = layer.top[0]
        told = self._as_its_data_says(layer) or self._as_its_parameters_say(layer) or self._told.get(blob)
        if told is not None:
            return told
        beside = _beside(self._path, blob)
        if beside is not None:
            return _cropped(beside[0], layer), f"as {beside[1].name} beside it says"
        raise BaristaError(
            f"{self._path}: layer '{layer.name}': its data{_source_of(layer)} is not here and nothing tells the shape of '{blob}';"
            f" say it with --shape {blob}=CHANNELSxHEIGHTxWIDTH"
        )

    @staticmethod
    def _as_its_data_says(layer: Any) -> tuple[Shape, str] | None:
        source = types.of(layer.type).source
        image = source.image(layer) if source else None
        return (_cropped(image, layer), "as the data says") if image is not None else None

    @staticmethod
    def _as_its_parameters_say(layer: Any) -> tuple[Shape, str] | None:
        crop, means = int(layer.transform_param.crop_size), len(layer.transform_param.mean_value)
        # A single mean value would be for all channels.
        return ((means, crop, crop), "as its crop and mean values say") if crop and means > 1 else None


def _source_of(layer: Any) -> str:
    source = types.of(layer.type).source
    name = getattr(getattr(layer, source.parameter), "source", "") if source else ""
    return f" {name}" if name else ""


def _cropped(image: Shape, layer: Any) -> Shape:
    crop = int(layer.transform_param.crop_size)
    return (image[0], crop, crop) if crop and len(image) == 3 else image


def _become_input(layer: Any, shapes: list[Shape]) -> None:
    kept = type(layer)()
    kept.name, kept.type = layer.name, "Input"
    kept.top.extend(layer.top)
    kept.include.extend(layer.include)
    kept.exclude.extend(layer.exclude)
    for shape in shapes:
        kept.input_param.shape.add().dim.extend(shape)
    layer.CopyFrom(kept)


# --- where a shape comes from --------------------------------------------------------------------------------------------------


def _beside(path: Path, blob: str) -> tuple[Shape, Path] | None:
    """The shape of one image of `blob` in the deployed net beside `path`, and that net's file."""
    candidates = [other for other in path.parent.glob("*.prototxt") if other != path and path.stem.startswith(other.stem)]
    candidates.sort(key=lambda other: len(other.stem), reverse=True)
    candidates.append(path.parent / "deploy.prototxt")
    for candidate in candidates:
        shape = _deployed_shape(candidate, blob) if candidate.is_file() else None
        if shape is not None:
            return shape, candidate
    return None


def _deployed_shape(path: Path, blob: str) -> Shape | None:
    try:
        net = prototxt.read_net(path)
    except BaristaError:
        return None
    for layer in net.layer:
        if layer.type == "Input" and blob in layer.top and layer.input_param.shape:
            shapes = layer.input_param.shape
            return tuple(shapes[min(list(layer.top).index(blob), len(shapes) - 1)].dim[1:])
    if blob in net.input and len(net.input_dim) == 4 * len(net.input):
        first = 4 * list(net.input).index(blob)
        return tuple(net.input_dim[first + 1 : first + 4])
    if blob in net.input and len(net.input_shape) == len(net.input):
        return tuple(net.input_shape[list(net.input).index(blob)].dim[1:])
    return None
