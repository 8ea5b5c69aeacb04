"""Nets without their data: each layer that reads data becomes an `Input` layer of the same shape.

What a net's layers compute on can be checked on a machine that does not have the data. A shape comes, in this order, from what the
user says, from the data where it is there, from the layer's own parameters, or from the deployed net that lies beside a training
net (`lenet.prototxt` beside `lenet_train_test.prototxt`, or `deploy.prototxt`). Any other layer that takes nothing, code of the
user's own for one, becomes an input where the user says the shapes of all its tops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb

from barista import caffe_proto, prototxt
from barista.errors import BaristaError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Replaced:
    net: Any
    notes: tuple[str, ...]  # a sentence for each blob: its shape and where that comes from


@dataclass(frozen=True)
class _Source:
    """How a type of data layer says its batch and the shape of one image."""

    parameter: str  # the field of LayerParameter
    image: Callable[[Any, Path], Shape | None]  # C x H x W before cropping, None where it can't be told


def replace(net: Any, path: Path, shapes: Mapping[str, Shape]) -> Replaced:
    """A copy of `net`, of the file `path`, with Input layers for data. `shapes` says blobs' shapes, batch and all, or one image's.

    Raises BaristaError for a shape that nothing tells.
    """
    copy = type(net)()
    copy.CopyFrom(net)
    notes = []
    unused = set(shapes)
    for layer in copy.layer:
        if _makes_data(layer, shapes):
            found = _blob_shapes(layer, path, shapes)
            notes += [f"{blob}: {'x'.join(map(str, shape))}, {origin}" for blob, shape, origin in found]
            unused -= {blob for blob, _, _ in found}
            _become_input(layer, [shape for _, shape, _ in found])
    if unused:
        raise BaristaError(f"{path}: no data layer makes the blob '{min(unused)}' that --shape names")
    return Replaced(copy, tuple(dict.fromkeys(notes)))


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
    return layer.type in _SOURCES or (not layer.bottom and bool(layer.top) and set(layer.top) <= shapes.keys())


def _blob_shapes(layer: Any, path: Path, shapes: Mapping[str, Shape]) -> list[tuple[str, Shape, str]]:
    source = _SOURCES.get(layer.type)
    batch = int(getattr(getattr(layer, source.parameter), "batch_size", 1)) or 1 if source else 1
    found = []
    for i, blob in enumerate(layer.top):
        if blob in shapes:
            given = shapes[blob]
            found.append((blob, given if len(given) != 3 else (batch, *given), "as --shape says"))
        elif i == 0:
            image, origin = _image_shape(layer, blob, path)
            found.append((blob, (batch, *image), origin))
        else:
            found.append((blob, (batch,), "one label an image"))
    return found


def _image_shape(layer: Any, blob: str, path: Path) -> tuple[Shape, str]:
    crop = int(layer.transform_param.crop_size)
    image = _SOURCES[layer.type].image(layer, path)
    if image is not None:
        return _cropped(image, crop), "as the data says"
    means = len(layer.transform_param.mean_value)
    if crop and means > 1:  # one for each channel; a single one would be for all
        return (means, crop, crop), "as its crop and mean values say"
    beside = _beside(path, blob)
    if beside is not None:
        return _cropped(beside[0], crop), f"as {beside[1].name} beside it says"
    raise BaristaError(
        f"{path}: layer '{layer.name}': its data{_source_of(layer)} is not here and nothing tells the shape of '{blob}';"
        f" say it with --shape {blob}=CHANNELSxHEIGHTxWIDTH"
    )


def _source_of(layer: Any) -> str:
    source = getattr(getattr(layer, _SOURCES[layer.type].parameter), "source", "")
    return f" {source}" if source else ""


def _cropped(image: Shape, crop: int) -> Shape:
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


def _of_database(layer: Any, _path: Path) -> Shape | None:
    """The shape of the first record. Caffe reads a path from the working directory, so this does."""
    source = Path(layer.data_param.source)
    if layer.data_param.backend != layer.data_param.LMDB or not (source / "data.mdb").is_file():
        return None
    try:
        with lmdb.open(str(source), readonly=True, lock=False) as database, database.begin() as transaction:
            record = next(iter(transaction.cursor()), None)
    except lmdb.Error as error:
        raise BaristaError(f"layer '{layer.name}': {source} is not an LMDB: {error}") from error
    if record is None:
        return None
    datum = caffe_proto.new("Datum")
    datum.ParseFromString(record[1])
    size = (int(datum.channels), int(datum.height), int(datum.width))
    return size if not datum.encoded and all(size) else None


def _of_image_files(layer: Any, _path: Path) -> Shape | None:
    param = layer.image_data_param
    size = (int(param.new_height), int(param.new_width))
    return (3 if param.is_color else 1, *size) if all(size) else None


def _of_memory(layer: Any, _path: Path) -> Shape | None:
    param = layer.memory_data_param
    return int(param.channels), int(param.height), int(param.width)


def _of_windows(layer: Any, _path: Path) -> Shape | None:
    crop = int(layer.window_data_param.crop_size or layer.transform_param.crop_size)
    return (3, crop, crop) if crop else None


def _unknown(_layer: Any, _path: Path) -> Shape | None:
    return None


_SOURCES = {
    "Data": _Source("data_param", _of_database),
    "HDF5Data": _Source("hdf5_data_param", _unknown),
    "ImageData": _Source("image_data_param", _of_image_files),
    "MemoryData": _Source("memory_data_param", _of_memory),
    "WindowData": _Source("window_data_param", _of_windows),
}


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
