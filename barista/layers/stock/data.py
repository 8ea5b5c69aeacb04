"""Layers that bring data in or take it out, and those that no device is for."""

from __future__ import annotations

from typing import Any

from barista.layers.layer_type import LayerType

_READS = "reads and prepares data"
_HOLDS = "holds data that the host makes"


def _is_constant(layer: Any, top: int) -> bool:
    fillers = list(layer.dummy_data_param.data_filler)
    return not fillers or bool(fillers[top if len(fillers) > 1 else 0].type == "constant")


ROWS = (
    LayerType("Data", "data", stays=_READS),
    LayerType("ImageData", "data", stays=_READS),
    LayerType("WindowData", "data", stays=_READS),
    LayerType("HDF5Data", "data", stays=_READS),
    LayerType("DummyData", "data", stays=_HOLDS, makes_once=_is_constant),
    LayerType("Input", "data", stays=_HOLDS),
    LayerType("MemoryData", "data", stays=_HOLDS),
    LayerType("HDF5Output", stays="writes a file"),
    LayerType("Python", stays="is code of your own"),
    LayerType("Silence", stays="computes nothing", reads=0),
)
