"""Layers that normalise, and those with a number a channel."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers import operations
from barista.layers.layer_type import IN_TESTING, Example, LayerType, PostOp, always
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


def _lrn_formula(layer: Any, src: Array, diff_dst: Array) -> Any:
    from barista.layers import formulas

    return formulas.lrn(layer, src, diff_dst)


ROWS = (
    LayerType(
        "LRN",
        "normalization",
        on_device=True,
        operation=operations.lrn,
        obstacle=apart,
        unless="its top is one of its bottoms",
        remark="across channels and within each",
        reads_dst=lambda layer, in_place: True,
        tolerance=Tolerance(shrink=shrink_all, linear=False, formula=_lrn_formula),
        example=Example("lrn_param { local_size: 3 alpha: 0.5 k: 2 }"),
        suites=("lrn_layer",),
    ),
    LayerType(
        "BatchNorm",
        "normalization",
        on_device=True,
        operation=operations.batch_norm,
        remark="with its moving statistics",
        parameters=lambda layer: 3,
        statistics=True,
        post_op=PostOp(when=" with the statistics so far, else here"),
        tolerance=Tolerance(shrink=shrink_all, linear=False),
        suites=("batch_norm_layer",),
    ),
    LayerType(
        "Scale",
        "normalization",
        on_device=True,
        operation=operations.scale,
        parameters=lambda layer: _has_own_numbers(layer) + int(layer.scale_param.bias_term),
        post_op=PostOp(lambda layer: _is_of_channels(layer.scale_param), IN_TESTING),
        tolerance=Tolerance(_lengths, exact_on_integers=always, shrink=shrink_all),
        example=Example("scale_param { bias_term: true }"),
        suites=("scale_layer", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Bias",
        "normalization",
        on_device=True,
        operation=operations.bias,
        parameters=_has_own_numbers,
        post_op=PostOp(lambda layer: _is_of_channels(layer.bias_param)),
        tolerance=Tolerance(_lengths, exact_on_integers=always, shrink=shrink_all),
        suites=("bias_layer",),
    ),
    LayerType("MVN", "normalization"),
)
