"""Layers that join, split, cut and turn blobs."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import Example, LayerType, always
from barista.layers.operations import Operation, of_parts
from barista.layers.tolerances import MOVES, Tolerance, shrink_all
from barista.net.shapes import Shapes


def apart(layer: Any) -> str:
    return "its top is one of its bottoms: the device keeps them apart" if set(layer.top) & set(layer.bottom) else ""


def _reads_quotient(layer: Any, _in_place: bool) -> bool:
    param = layer.eltwise_param
    return bool(param.operation == param.PROD and not param.stable_prod_grad)


def _eltwise_operation(layer: Any, shapes: Shapes) -> Operation:
    param = layer.eltwise_param
    product = "product" if param.stable_prod_grad else "quotient"
    kind = {param.SUM: "sum", param.PROD: product, param.MAX: "maximum"}[param.operation]
    coefficients = list(param.coeff) or [1.0] * len(shapes.src)
    return {"op": "eltwise", "count": prod(shapes.src[0]), "coefficients": coefficients, "kind": kind}


def _axis(param: Any, old_name: str) -> int:
    """The axis of a Concat or a Slice, which has an older name, too."""
    return int(getattr(param, old_name) if param.HasField(old_name) else param.axis)


ROWS = (
    LayerType(
        "Eltwise",
        "joining, splitting",
        on_device=True,
        operation=_eltwise_operation,
        obstacle=apart,
        unless="its top is one of its bottoms",
        reads_dst=_reads_quotient,
        tolerance=Tolerance(
            exact_on_integers=lambda layer: not layer.eltwise_param.coeff, shrink=shrink_all, kinks=True, linear=False
        ),
        example=Example("eltwise_param { operation: SUM coeff: 0.3 coeff: -1.7 }", ("a", "b")),
        suites=("eltwise_layer", "rnn_layer"),
    ),
    LayerType(
        "Concat",
        "joining, splitting",
        on_device=True,
        operation=lambda layer, shapes: of_parts("concat", shapes.src, _axis(layer.concat_param, "concat_dim")),
        shares_memory=lambda layer: len(layer.bottom) == 1,
        tolerance=MOVES,
        example=Example(bottoms=("a", "b")),
        suites=("concat_layer", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Slice",
        "joining, splitting",
        on_device=True,
        operation=lambda layer, shapes: of_parts("slice", shapes.dst, _axis(layer.slice_param, "slice_dim")),
        shares_memory=lambda layer: len(layer.top) == 1,
        keeps_values=True,
        tolerance=MOVES,
        example=Example("slice_param { slice_point: 2 }", tops=2),
        suites=("slice_layer", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Split",
        "joining, splitting",
        on_device=True,
        operation=lambda layer, shapes: {"op": "split", "readers": len(shapes.dst), "count": prod(shapes.src[0])},
        remark="which Caffe inserts by itself",
        shares_memory=always,
        keeps_values=True,
        tolerance=Tolerance(exact_on_integers=always),
        example=Example(tops=2),
        suites=("split_layer", "net"),
    ),
    LayerType("Flatten", "joining, splitting", is_view=True, shares_memory=always, keeps_values=True, tolerance=MOVES),
    LayerType("Reshape", "joining, splitting", is_view=True, shares_memory=always, keeps_values=True, tolerance=MOVES),
    LayerType("BatchReindex", "joining, splitting", chooses=lambda layer, src: (1, src[0][0])),
    LayerType("Crop", "joining, splitting", reads=1),
    LayerType("Reduction", "joining, splitting"),
    LayerType("Tile", "joining, splitting"),
)
