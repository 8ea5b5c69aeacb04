"""Layers that join, split, cut and turn blobs."""

from __future__ import annotations

from typing import Any

from barista.layers import operations
from barista.layers.layer_type import Example, LayerType, always
from barista.layers.tolerances import MOVES, Tolerance, shrink_all


def apart(layer: Any) -> str:
    return "its top is one of its bottoms: the device keeps them apart" if set(layer.top) & set(layer.bottom) else ""


def _reads_quotient(layer: Any, _in_place: bool) -> bool:
    param = layer.eltwise_param
    return bool(param.operation == param.PROD and not param.stable_prod_grad)


ROWS = (
    LayerType(
        "Eltwise",
        "joining, splitting",
        on_device=True,
        operation=operations.eltwise,
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
        operation=operations.concat,
        shares_memory=lambda layer: len(layer.bottom) == 1,
        tolerance=MOVES,
        example=Example(bottoms=("a", "b")),
        suites=("concat_layer", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Slice",
        "joining, splitting",
        on_device=True,
        operation=operations.slice_,
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
        operation=operations.split,
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
