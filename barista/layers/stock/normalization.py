"""Layers that normalise, and those with a number a channel."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import IN_TESTING, Example, LayerType, PostOp, always
from barista.layers.operations import Operation, around_axis, of_channels
from barista.layers.stock.structure import apart
from barista.layers.tolerances import Array, Tolerance, shrink_all
from barista.net.shapes import Shapes


def _lengths(_layer: Any, shapes: Shapes) -> dict[str, int]:
    """The numbers are the second bottom's, or parameters; each is read at so many positions."""
    numbers = (*shapes.src, *shapes.weights)[1]
    positions = prod(shapes.src[0]) // max(1, prod(numbers)) + 1
    return {"dst": 2, "diff_src": 1, **dict.fromkeys(("diff_src[1]", "diff_weights", "diff_bias"), positions)}


def _has_own_numbers(layer: Any) -> int:
    return int(len(layer.bottom) == 1)  # else they are the second bottom


def _is_of_channels(param: Any) -> bool:
    return bool(param.axis == 1 and param.num_axes == 1)


def _scale_operation(layer: Any, shapes: Shapes) -> Operation:
    outer, channels, inner = _around_numbers(int(layer.scale_param.axis), shapes)
    # Two shapes of which stock Caffe overwrites the gradient: a scale of all of the bottom, and several from the first axis on.
    overwrites = channels == prod(shapes.src[0]) or (outer == 1 and channels != 1)
    bias = bool(layer.scale_param.bias_term)
    adds = {"adds_to_scale": bool(_has_own_numbers(layer)) and not overwrites, "adds_to_bias": bias}
    return of_channels("scale", outer, channels, inner, scale=True, bias=bias, in_place=_in_place(layer), **adds)


def _bias_operation(layer: Any, shapes: Shapes) -> Operation:
    outer, channels, inner = _around_numbers(int(layer.bias_param.axis), shapes)
    adds = {"adds_to_scale": False, "adds_to_bias": bool(_has_own_numbers(layer))}
    return of_channels("scale", outer, channels, inner, scale=False, bias=True, in_place=_in_place(layer), **adds)


def _around_numbers(axis: int, shapes: Shapes) -> tuple[int, int, int]:
    """The bottom's axes around those of the numbers; one number without axes is for all of it."""
    src, numbers = shapes.src[0], (*shapes.src, *shapes.weights)[1]
    first = axis % len(src) if numbers else 0
    return around_axis(src, first, first + len(numbers))


def _in_place(layer: Any) -> bool:
    return bool(layer.bottom[0] == layer.top[0])


def _batch_norm_operation(layer: Any, shapes: Shapes) -> Operation:
    src = shapes.src[0]
    outer, channels, inner = around_axis(src, 1) if len(src) > 1 else (src[0], 1, 1)
    return {**of_channels("batch norm", outer, channels, inner), "global": bool(layer.batch_norm_param.use_global_stats)}


def _lrn_operation(layer: Any, shapes: Shapes) -> Operation:
    param, (n, c, h, w) = layer.lrn_param, shapes.src[0]
    region = "across" if param.norm_region == param.ACROSS_CHANNELS else "within"
    return {"op": "lrn", "N": n, "C": c, "H": h, "W": w, "local_size": int(param.local_size), "region": region}


def _lrn_formula(layer: Any, src: Array, diff_dst: Array) -> Any:
    from barista.layers import formulas

    return formulas.lrn(layer, src, diff_dst)


ROWS = (
    LayerType(
        "LRN",
        "normalization",
        on_device=True,
        obstacle=apart,
        unless="its top is one of its bottoms",
        remark="across channels and within each",
        operation=_lrn_operation,
        reads_dst=lambda layer, in_place: True,
        tolerance=Tolerance(shrink=shrink_all, linear=False, formula=_lrn_formula),
        example=Example("lrn_param { local_size: 3 alpha: 0.5 k: 2 }"),
        suites=("lrn_layer",),
    ),
    LayerType(
        "BatchNorm",
        "normalization",
        on_device=True,
        remark="with its moving statistics",
        parameters=lambda layer: 3,
        statistics=True,
        operation=_batch_norm_operation,
        post_op=PostOp(when=" with the statistics so far, else here"),
        tolerance=Tolerance(shrink=shrink_all, linear=False),
        suites=("batch_norm_layer",),
    ),
    LayerType(
        "Scale",
        "normalization",
        on_device=True,
        parameters=lambda layer: _has_own_numbers(layer) + int(layer.scale_param.bias_term),
        operation=_scale_operation,
        post_op=PostOp(lambda layer: _is_of_channels(layer.scale_param), IN_TESTING),
        tolerance=Tolerance(_lengths, exact_on_integers=always, shrink=shrink_all),
        example=Example("scale_param { bias_term: true }"),
        suites=("scale_layer", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Bias",
        "normalization",
        on_device=True,
        parameters=_has_own_numbers,
        operation=_bias_operation,
        post_op=PostOp(lambda layer: _is_of_channels(layer.bias_param)),
        tolerance=Tolerance(_lengths, exact_on_integers=always, shrink=shrink_all),
        suites=("bias_layer",),
    ),
    LayerType("MVN", "normalization"),
)
