"""Layers that pool."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import Example, LayerType
from barista.layers.operations import Operation
from barista.layers.tolerances import Instead, Tolerance
from barista.layers.window import pair, small_plane
from barista.net.shapes import Shape, Shapes


def _lengths(layer: Any, shapes: Shapes) -> dict[str, int]:
    param = layer.pooling_param
    window = prod(shapes.src[0][2:]) if param.global_pooling else prod(pair(param, "kernel", 1))
    # A maximum is chosen, not computed. A mean's quotient adds a rounding, and its divisor's reciprocal may add one more.
    return {"dst": 0 if _is_maximum(layer) else window + 2, "diff_src": window + 2}


def _operation(layer: Any, shapes: Shapes) -> Operation | None:
    src, dst = shapes.src[0], shapes.dst[0]
    if len(src) != 4:
        return None
    param = layer.pooling_param
    windows = {"K": src[2:], "S": (1, 1), "P": (0, 0)}
    if not param.global_pooling:
        windows = {"K": pair(param, "kernel", 1), "S": pair(param, "stride", 1), "P": pair(param, "pad", 0)}
    fields = {letter + axis: size for letter, sizes in windows.items() for axis, size in zip("HW", sizes, strict=True)}
    method = {param.MAX: "maximum", param.AVE: "average", param.STOCHASTIC: "stochastic"}[param.pool]
    plane = {"N": src[0], "C": src[1], "H": src[2], "W": src[3], "P": dst[2], "Q": dst[3]}
    return {"op": "pooling", **plane, **fields, "method": method}


def _is_maximum(layer: Any) -> bool:
    return bool(layer.pooling_param.pool == layer.pooling_param.MAX)


def _is_stochastic(layer: Any) -> bool:
    return bool(layer.pooling_param.pool == layer.pooling_param.STOCHASTIC)


def _drawn(layer: Any) -> Instead | None:
    from barista.layers import formulas

    return formulas.stochastic_pooling if _is_stochastic(layer) else None


def _shrink(layer: Any, shape: Shape) -> Shape:
    param = layer.pooling_param
    if param.global_pooling:
        plane: Shape = tuple(min(size, 5) for size in shape[2:])
    else:
        plane = small_plane(shape[2:], param)
    return (min(shape[0], 2), min(shape[1], 3), *plane)


ROWS = (
    LayerType(
        "Pooling",
        "pooling",
        on_device=True,
        remark="MAX, with its mask, AVE, and STOCHASTIC, for which stock Caffe has CUDA code only",
        operation=_operation,
        tolerance=Tolerance(_lengths, _is_stochastic, _is_maximum, _shrink, kinks=True, instead=_drawn),
        example=Example("pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
        suites=("pooling_layer", "maxpool_dropout_layers", "net"),
    ),
    LayerType("SPP", "pooling"),
)
