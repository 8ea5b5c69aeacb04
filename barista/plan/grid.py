"""How much of the multiply grid the passes of a layer fill, as the library plans them."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from barista.layers import tolerances
from barista.net.shapes import Made, Shape
from barista.runtime.records import GridPlan


def filled(plans: Iterable[GridPlan]) -> float | None:
    """The utilization of plans that are carried out one after the other; None where there are none."""
    used = list(plans)
    cycles = sum(plan.cycles for plan in used)
    return sum(plan.cycles * plan.utilization for plan in used) / cycles if cycles else None


def shape(layer: Any, made: Made) -> dict[str, Any] | None:
    """What plugin.Plugin.grid_plans() takes of a layer on the device; None of one that does not work on the grid."""
    if layer.type == "InnerProduct":
        return _inner_product(layer.inner_product_param, made)
    if layer.type == "Convolution":
        return _convolution(layer.convolution_param, made.src[0], made.weights[0])
    if layer.type == "Deconvolution":  # the convolution that it transposes; its data pass is forward here
        return _convolution(layer.convolution_param, made.dst[0], made.weights[0])
    return None


def _inner_product(param: Any, made: Made) -> dict[str, Any]:
    outputs = int(param.num_output)
    inputs = prod(made.weights[0]) // outputs
    return {"op": "inner product", "N": prod(made.dst[0]) // outputs, "K": inputs, "O": outputs, "transpose": bool(param.transpose)}


def _convolution(param: Any, image: Shape, weights: Shape) -> dict[str, Any] | None:
    """A convolution of `image`, of up to two axes: fewer are an image of height 1."""
    axes = len(weights) - 2
    channels, group = image[-axes - 1], int(param.group)
    if axes > 2 or channels == group == weights[0]:  # three are Caffe's own code's, a depthwise one has kernels of its own
        return None
    found = {"op": "convolution", "N": prod(image[: -axes - 1]), "C": channels, "O": weights[0], "G": group}
    fields = {"S": ("stride", 1), "P": ("pad", 0), "D": ("dilation", 1)}
    for i, (axis, size, kernel) in enumerate(zip("HW", _plane(image[-axes:]), _plane(weights[2:]), strict=True)):
        found |= {axis: size, f"K{axis}": kernel}
        for letter, (name, default) in fields.items():
            found[letter + axis] = tolerances.pair(param, name, default)[i] if i >= 2 - axes else default
    return found


def _plane(sizes: Shape) -> Shape:
    return (1,) * (2 - len(sizes)) + sizes
