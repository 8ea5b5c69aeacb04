"""Losses, and what else takes labels."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers import operations
from barista.layers.layer_type import Example, LayerType, always
from barista.layers.tolerances import SMOOTH, Tolerance, shrink_all
from barista.net.shapes import Shape

_LABELS = Example(bottoms=("a", "l"))
_TWO = Example(bottoms=("a", "b"))


def _classes(axis: int, src: tuple[Shape, ...]) -> tuple[int, int]:
    return 1, src[0][axis] if src[0] else 1


def _all_of_an_image(_layer: Any, src: tuple[Shape, ...]) -> tuple[int, int]:
    return 1, prod(src[0][1:])


ROWS = (
    LayerType(
        "Softmax",
        "loss",
        on_device=True,
        operation=operations.softmax,
        reads_dst=lambda layer, in_place: True,
        tolerance=SMOOTH,
        suites=("softmax_layer", "infogain_loss_layer"),
    ),
    LayerType(
        "SoftmaxWithLoss",
        "loss",
        on_device=True,
        operation=operations.softmax_loss,
        chooses=lambda layer, src: _classes(layer.softmax_param.axis, src),
        tolerance=Tolerance(shrink=shrink_all, linear=False),
        example=_LABELS,
        suites=("softmax_with_loss_layer",),
    ),
    LayerType(
        "EuclideanLoss",
        "loss",
        on_device=True,
        operation=operations.euclidean_loss,
        tolerance=SMOOTH,
        example=_TWO,
        suites=("euclidean_loss_layer", "net", "gradient_based_solver"),
    ),
    LayerType(
        "SigmoidCrossEntropyLoss",
        "loss",
        on_device=True,
        operation=operations.sigmoid_cross_entropy_loss,
        tolerance=SMOOTH,
        example=_TWO,
        suites=("sigmoid_cross_entropy_loss_layer",),
    ),
    LayerType(
        "Accuracy",
        "loss",
        on_device=True,
        operation=operations.accuracy,
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
