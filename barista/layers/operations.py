"""The operations that plan layers' passes, as caffe_layers/plan/operations.hpp names them and their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from barista.net.shapes import Shape, Shapes

Operation = Mapping[str, Any]


def elementwise(function: str) -> Callable[[Any, Shapes], Operation]:
    """A function of single elements without parameters that matter to its cost."""
    return lambda layer, shapes: {"op": "elementwise", "function": function, "count": prod(shapes.src[0])}


def around_axis(shape: Shape, axis: int, end: int | None = None) -> tuple[int, int, int]:
    """The elements before the axes from `axis` to `end` (default: the next), along them, and after them."""
    axis = axis if axis >= 0 else axis + len(shape)
    end = axis + 1 if end is None else end
    return prod(shape[:axis]), prod(shape[axis:end]), prod(shape[end:])


def of_classes(op: str, shape: Shape, axis: int, **more: Any) -> Operation:
    outer, classes, inner = around_axis(shape, axis) if shape else (1, 1, 1)
    return {"op": op, "outer": outer, "classes": classes, "inner": inner, **more}


def of_channels(op: str, outer: int, channels: int, inner: int, **more: Any) -> Operation:
    return {"op": op, "outer": outer, "channels": channels, "inner": inner, **more}


def of_parts(op: str, parts: tuple[Shape, ...], axis: int) -> Operation | None:
    """Blobs that are joined along an axis, or cut. Of a single one nothing is moved."""
    if len(parts) == 1:
        return None
    axis = axis if axis >= 0 else axis + len(parts[0])
    return {"op": op, "runs": [prod(shape[axis:]) for shape in parts], "rows": prod(parts[0][:axis])}
