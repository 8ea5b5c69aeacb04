"""Functions of single elements."""

from __future__ import annotations

from typing import Any

from barista.layers import operations
from barista.layers.layer_type import Example, LayerType, PostOp, SuiteException, always
from barista.layers.tolerances import PIECEWISE_LINEAR, SMOOTH, Tolerance, shrink_all

NEURON = ("neuron_layer",)


def _reads_power(layer: Any, _in_place: bool) -> bool:
    return bool(layer.power_param.power not in (0, 1, 2) and layer.power_param.scale != 0)


def _reads(_layer: Any, _in_place: bool) -> bool:
    return True


ROWS = (
    LayerType(
        "ReLU",
        "activation",
        on_device=True,
        operation=operations.function("relu"),
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
        operation=operations.prelu,
        parameters=lambda layer: 1,
        tolerance=Tolerance(shrink=shrink_all, kinks=True),
        suites=NEURON,
    ),
    LayerType(
        "ELU",
        "activation",
        on_device=True,
        operation=operations.function("elu"),
        loses_src=lambda layer: bool(layer.elu_param.alpha < 0),
        reads_dst=_reads,
        tolerance=SMOOTH,
        example=Example("elu_param { alpha: 0.5 }"),
        suites=NEURON,
    ),
    LayerType(
        "Sigmoid",
        "activation",
        on_device=True,
        operation=operations.function("sigmoid"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        suites=NEURON,
    ),
    LayerType(
        "TanH",
        "activation",
        on_device=True,
        operation=operations.function("tanh"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        suites=("neuron_layer", "tanh_layer", "rnn_layer"),
    ),
    LayerType(
        "BNLL",
        "activation",
        on_device=True,
        operation=operations.function("bnll"),
        loses_src=always,
        tolerance=SMOOTH,
        suites=NEURON,
    ),
    LayerType(
        "AbsVal", "activation", on_device=True, operation=operations.function("absval"), tolerance=PIECEWISE_LINEAR, suites=NEURON
    ),
    LayerType(
        "Power",
        "activation",
        on_device=True,
        operation=operations.power,
        loses_src=lambda layer: bool(layer.power_param.power * layer.power_param.scale != 0),
        reads_dst=_reads_power,
        example=Example("power_param { power: 3 scale: 0.5 shift: 1 }"),
        suites=("power_layer",),
    ),
    LayerType(
        "Exp",
        "activation",
        on_device=True,
        operation=operations.function("exp"),
        reads_dst=_reads,
        tolerance=SMOOTH,
        example=Example("exp_param { base: 2 scale: 0.5 shift: 1 }"),
        suites=NEURON,
    ),
    LayerType(
        "Log",
        "activation",
        on_device=True,
        operation=operations.function("log"),
        loses_src=always,
        example=Example("log_param { shift: 10 }"),
        suites=NEURON,
    ),
    LayerType(
        "Threshold",
        "activation",
        on_device=True,
        operation=operations.function("threshold"),
        tolerance=Tolerance(exact=always, exact_on_integers=always, gradient=False),
        example=Example("threshold_param { threshold: 0.3 }"),
        suites=("threshold_layer",),
    ),
    LayerType(
        "Dropout",
        "activation",
        on_device=True,
        operation=operations.dropout,
        keeps_signs=always,
        tolerance=Tolerance(shrink=shrink_all),
        example=Example("dropout_param { dropout_ratio: 0.3 }"),
        suites=("neuron_layer", "maxpool_dropout_layers"),
    ),
    LayerType("Clip", "activation"),
    LayerType(
        "Swish",
        "activation",
        suite_exceptions=(
            SuiteException(
                "neuron_layer",
                "NeuronLayerTest/0.TestSwish*",
                "stock code",
                "stock Caffe's Swish layer makes a Sigmoid layer of its own, and Swish has no FPGA layer",
            ),
        ),
    ),
)
