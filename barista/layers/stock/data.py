"""Layers that bring data in or take it out, and those that no device is for."""

from __future__ import annotations

from typing import Any

from barista.layers.layer_type import DataSource, LayerType
from barista.net.shapes import Shape

_READS = "reads and prepares data"
_HOLDS = "holds data that the host makes"


def _is_constant(layer: Any, top: int) -> bool:
    fillers = list(layer.dummy_data_param.data_filler)
    return not fillers or bool(fillers[top if len(fillers) > 1 else 0].type == "constant")


def _of_database(layer: Any) -> Shape | None:
    from barista.net import data_files

    return data_files.image_of_database(layer)


def _of_image_files(layer: Any) -> Shape | None:
    param = layer.image_data_param
    size = (int(param.new_height), int(param.new_width))
    return (3 if param.is_color else 1, *size) if all(size) else None


def _of_memory(layer: Any) -> Shape | None:
    param = layer.memory_data_param
    return int(param.channels), int(param.height), int(param.width)


def _of_windows(layer: Any) -> Shape | None:
    crop = int(layer.window_data_param.crop_size or layer.transform_param.crop_size)
    return (3, crop, crop) if crop else None


ROWS = (
    LayerType("Data", "data", stays=_READS, source=DataSource("data_param", _of_database)),
    LayerType("ImageData", "data", stays=_READS, source=DataSource("image_data_param", _of_image_files)),
    LayerType("WindowData", "data", stays=_READS, source=DataSource("window_data_param", _of_windows)),
    LayerType("HDF5Data", "data", stays=_READS, source=DataSource("hdf5_data_param")),
    LayerType("DummyData", "data", stays=_HOLDS, makes_once=_is_constant),
    LayerType("Input", "data", stays=_HOLDS),
    LayerType("MemoryData", "data", stays=_HOLDS, source=DataSource("memory_data_param", _of_memory)),
    LayerType("HDF5Output", stays="writes a file"),
    LayerType("Python", stays="is code of your own"),
    LayerType("Silence", stays="computes nothing", reads=0),
)
