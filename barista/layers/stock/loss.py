"""Losses, and what else takes labels."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import Example, LayerType, always
from barista.layers.operations import Operation, of_classes
from barista.layers.tolerances import SMOOTH, Tolerance, shrink_all
from barista.net.shapes import Shape, Shapes

_LABELS = Example(bottoms=("a", "l"))
_TWO = Example(bottoms=("a", "b"))


def _classes(axis: int, src: tuple[Shape, ...]) -> tuple[int, int]:
    return 1, src[0][axis] if src[0] else 1


def _accuracy_operation(layer: Any, shapes: Shapes) -> Operation:
    return of_classes("accuracy", shapes.src[0], layer.accuracy_param.axis, per_class=len(layer.top) > 1)


def _euclidean_operation(_layer: Any, shapes: Shapes) -> Operation:
    return {"op": "euclidean loss", "count": prod(shapes.src[0]), "examples": shapes.src[0][0]}


def _all_of_an_image(_layer: Any, src: tuple[Shape, ...]) -> tuple[int, int]:
    return 1, prod(src[0][1:])


ROWS = (
    LayerType(
        "Softmax",
        "loss",
        on_device=True,
        operation=lambda layer, shapes: of_classes("softmax", shapes.src[0], layer.softmax_param.axis),
        reads_dst=lambda layer, in_place: True,
        tolerance=SMOOTH,
        suites=("softmax_layer", "infogain_loss_layer"),
    ),
    LayerType(
        "SoftmaxWithLoss",
        "loss",
        on_device=True,
        operation=lambda layer, shapes: of_classes("softmax loss", shapes.src[0], layer.softmax_param.axis),
        chooses=lambda layer, src: _classes(layer.softmax_param.axis, src),
        tolerance=Tolerance(shrink=shrink_all, linear=False),
        example=_LABELS,
        suites=("softmax_with_loss_layer",),
    ),
    LayerType(
        "EuclideanLoss",
        "loss",
        on_device=True,
        operation=_euclidean_operation,
        tolerance=SMOOTH,
        example=_TWO,
        suites=("euclidean_loss_layer", "net", "gradient_based_solver"),
    ),
    LayerType(
        "SigmoidCrossEntropyLoss",
        "loss",
        on_device=True,
        operation=lambda layer, shapes: {"op": "sigmoid cross entropy loss", "count": prod(shapes.src[0])},
        tolerance=SMOOTH,
        example=_TWO,
        suites=("sigmoid_cross_entropy_loss_layer",),
    ),
    LayerType(
        "Accuracy",
        "loss",
        on_device=True,
        operation=_accuracy_operation,
        chooses=lambda layer, src: _classes(layer.accuracy_param.axis, src),
        tolerance=Tolerance(exact=always, gradient=False),
        example=_LABELS,
        suites=("accuracy_layer",),
    ),
    LayerType("ContrastiveLoss", "loss"),
    LayerType("HingeLoss", "loss", chooses=_all_of_an_image),
    LayerType("InfogainLoss", "loss", chooses=lambda layer, src: (1, src[0][layer.infogain_loss_param.axis])),
    LayerType("MultinomialLogisticLoss", "loss", chooses=_all_of_an_image),
)
