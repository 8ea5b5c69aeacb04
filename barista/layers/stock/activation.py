"""Functions of single elements."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import Example, LayerType, PostOp, always
from barista.layers.operations import Operation, around_axis, elementwise
from barista.layers.tolerances import PIECEWISE_LINEAR, SMOOTH, Tolerance, shrink_all
from barista.net.shapes import Shapes

NEURON = ("neuron_layer",)


def _reads_power(layer: Any, _in_place: bool) -> bool:
    return bool(layer.power_param.power not in (0, 1, 2) and layer.power_param.scale != 0)


def _power_operation(layer: Any, shapes: Shapes) -> Operation:
    numbers = {name: float(getattr(layer.power_param, name)) for name in ("power", "scale", "shift")}
    return {"op": "elementwise", "function": "power", "count": prod(shapes.src[0]), **numbers}


def _prelu_operation(layer: Any, shapes: Shapes) -> Operation:
    images, channels, elements = around_axis(shapes.src[0], 1)
    shared = bool(layer.prelu_param.channel_shared)
    return {"op": "prelu", "images": images, "channels": channels, "elements": elements, "shared": shared}


def _reads(_layer: Any, _in_place: bool) -> bool:
    return True


ROWS = (
    LayerType(
        "ReLU",
        "activation",
        on_device=True,
        operation=elementwise("relu"),
        post_op=PostOp(lambda layer: bool(layer.relu_param.negative_slope == 0), rectifies=True),
        loses_src=lambda layer: bool(layer.relu_param.negative_slope < 0),
        reads_dst=lambda layer, in_place: in_place,
        needs_signs=True,
        keeps_signs=lambda layer: bool(layer.relu_param.negative_slope >= 0),
        tolerance=PIECEWISE_LINEAR,
        suites=("neuron_layer", "net"),
    ),
    LayerType(
        "PReLU",
        "activation",
        on_device=True,
        operation=_prelu_operation,
        parameters=lambda layer: 1,
        tolerance=Tolerance(shrink=shrink_all, kinks=True),
        suites=NEURON,
    ),
    LayerType(
        "ELU",
        "activation",
        on_device=True,
        operation=elementwise("elu"),
        loses_src=lambda layer: bool(layer.elu_param.alpha < 0),
        reads_dst=_reads,
        tolerance=SMOOTH,
        example=Example("elu_param { alpha: 0.5 }"),
        suites=NEURON,
    ),
    LayerType(
        "Sigmoid", "activation", on_device=True, operation=elementwise("sigmoid"), reads_dst=_reads, tolerance=SMOOTH, suites=NEURON
    ),
    LayerType(
        "TanH",
        "activation",
        on_device=True,
        operation=elementwise("tanh"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        suites=("neuron_layer", "tanh_layer", "rnn_layer"),
    ),
    LayerType(
        "BNLL", "activation", on_device=True, operation=elementwise("bnll"), loses_src=always, tolerance=SMOOTH, suites=NEURON
    ),
    LayerType("AbsVal", "activation", on_device=True, operation=elementwise("absval"), tolerance=PIECEWISE_LINEAR, suites=NEURON),
    LayerType(
        "Power",
        "activation",
        on_device=True,
        operation=_power_operation,
        loses_src=lambda layer: bool(layer.power_param.power * layer.power_param.scale != 0),
        reads_dst=_reads_power,
        example=Example("power_param { power: 3 scale: 0.5 shift: 1 }"),
        suites=("power_layer",),
    ),
    LayerType(
        "Exp",
        "activation",
        on_device=True,
        operation=elementwise("exp"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        example=Example("exp_param { base: 2 scale: 0.5 shift: 1 }"),
        suites=NEURON,
    ),
    LayerType(
        "Log",
        "activation",
        on_device=True,
        operation=elementwise("log"),
        loses_src=always,
        example=Example("log_param { shift: 10 }"),
        suites=NEURON,
    ),
    LayerType(
        "Threshold",
        "activation",
        on_device=True,
        operation=elementwise("threshold"),
        tolerance=Tolerance(exact=always, exact_on_integers=always, gradient=False),
        example=Example("threshold_param { threshold: 0.3 }"),
        suites=("threshold_layer",),
    ),
    LayerType(
        "Dropout",
        "activation",
        on_device=True,
        operation=lambda layer, shapes: {"op": "dropout", "count": prod(shapes.src[0]), "given": False},
        keeps_signs=always,
        tolerance=Tolerance(shrink=shrink_all),
        example=Example("dropout_param { dropout_ratio: 0.3 }"),
        suites=("neuron_layer", "maxpool_dropout_layers"),
    ),
    LayerType(
        "Clip",
        "activation",
        on_device=True,
        operation=elementwise("clip"),
        loses_src=always,
        tolerance=PIECEWISE_LINEAR,
        example=Example("clip_param { min: -1 max: 0.5 }"),
        suites=NEURON,
    ),
    LayerType(
        "Swish",
        "activation",
        on_device=True,
        operation=elementwise("swish"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        example=Example("swish_param { beta: 1.5 }"),
        suites=NEURON,
    ),
)
