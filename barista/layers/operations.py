"""What a layer asks of the device, as the library's plans take it: its operation's name and shape.

Each function takes a LayerParameter of the stock type and its blobs' shapes, in training. The operations and their fields are
those of caffe_layers/plan/operations.hpp; None where the device computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from barista.layers.window import pair
from barista.net.shapes import Shape, Shapes

Operation = Mapping[str, Any]
OfLayer = Callable[[Any, Shapes], Operation | None]


def nothing(_layer: Any, _shapes: Shapes) -> None:
    return None


# --- layers that multiply ------------------------------------------------------------------------------------------------------


def convolution(layer: Any, shapes: Shapes) -> Operation | None:
    return _convolution("convolution", layer.convolution_param, shapes.src[0], shapes.weights[0])


def deconvolution(layer: Any, shapes: Shapes) -> Operation | None:
    """The convolution that it transposes."""
    return _convolution("deconvolution", layer.convolution_param, shapes.dst[0], shapes.weights[0])


def _convolution(op: str, param: Any, image: Shape, weights: Shape) -> Operation | None:
    """Of an `image` of up to two axes: fewer are one of height 1."""
    axes = len(weights) - 2
    if axes > 2:
        return None
    outputs, group = weights[0], int(param.group)
    found = {
        "op": op,
        "N": prod(image[: -axes - 1]),
        "C": image[-axes - 1],
        "O": outputs,
        "G": group,
        "bias": bool(param.bias_term),
    }
    fields = {"S": ("stride", 1), "P": ("pad", 0), "D": ("dilation", 1)}
    for i, (axis, size, kernel) in enumerate(zip("HW", _plane(image[-axes:]), _plane(weights[2:]), strict=True)):
        found |= {axis: size, f"K{axis}": kernel}
        for letter, (name, default) in fields.items():
            found[letter + axis] = pair(param, name, default)[i] if i >= 2 - axes else default
    return found


def _plane(sizes: Shape) -> Shape:
    return (1,) * (2 - len(sizes)) + sizes


def inner_product(layer: Any, shapes: Shapes) -> Operation:
    param = layer.inner_product_param
    outputs = int(param.num_output)
    sizes = {"N": prod(shapes.dst[0]) // outputs, "K": prod(shapes.weights[0]) // outputs, "O": outputs}
    return {"op": "inner product", **sizes, "transpose": bool(param.transpose), "bias": bool(param.bias_term)}


# --- pooling, normalisation ----------------------------------------------------------------------------------------------------


def pooling(layer: Any, shapes: Shapes) -> Operation:
    param, image, result = layer.pooling_param, shapes.src[0], shapes.dst[0]
    methods = {param.MAX: "maximum", param.AVE: "average", param.STOCHASTIC: "stochastic"}
    kernel = image[2:] if param.global_pooling else pair(param, "kernel", 1)
    windows = (("K", kernel), ("S", pair(param, "stride", 1)), ("P", pair(param, "pad", 0)))
    window = {letter + axis: size for letter, sizes in windows for axis, size in zip("HW", sizes, strict=True)}
    planes = dict(zip("NCHWPQ", (*image, *result[2:]), strict=True))
    return {"op": "pooling", **planes, **window, "method": methods[param.pool]}


def lrn(layer: Any, shapes: Shapes) -> Operation:
    param = layer.lrn_param
    region = "across" if param.norm_region == param.ACROSS_CHANNELS else "within"
    image = (*shapes.src[0], 1, 1, 1)[:4]
    return {"op": "lrn", **dict(zip("NCHW", image, strict=True)), "local_size": int(param.local_size), "region": region}


def batch_norm(layer: Any, shapes: Shapes) -> Operation:
    shape = shapes.src[0]
    channels = shape[1] if len(shape) > 1 else 1
    return {
        "op": "batch norm",
        "outer": shape[0],
        "channels": channels,
        "inner": prod(shape[2:]),
        "global": bool(layer.batch_norm_param.use_global_stats),
    }


def scale(layer: Any, shapes: Shapes) -> Operation:
    around, learned = _channels(int(layer.scale_param.axis), shapes), len(shapes.src) == 1
    # Two shapes of which stock Caffe overwrites the gradient: a scale of all of the bottom, several scales from the first axis on.
    overwrites = around["channels"] == prod(shapes.src[0]) or (around["outer"] == 1 and around["channels"] != 1)
    bias = bool(layer.scale_param.bias_term)
    return {
        "op": "scale",
        **around,
        "scale": True,
        "bias": bias,
        "in_place": _in_place(layer),
        "adds_to_scale": learned and not overwrites,
        "adds_to_bias": bias,
    }


def bias(layer: Any, shapes: Shapes) -> Operation:
    return {
        "op": "scale",
        **_channels(int(layer.bias_param.axis), shapes),
        "scale": False,
        "bias": True,
        "in_place": _in_place(layer),
        "adds_to_scale": False,
        "adds_to_bias": len(shapes.src) == 1,
    }


def _channels(axis: int, shapes: Shapes) -> dict[str, int]:
    """The bottom's axes around those of the numbers, its second bottom or its first parameter."""
    shape, numbers = shapes.src[0], (*shapes.src, *shapes.weights)[1]
    first = axis % len(shape) if numbers else 0
    sizes = (prod(shape[:first]), prod(numbers), prod(shape[first + len(numbers) :]))
    return dict(zip(("outer", "channels", "inner"), sizes, strict=True))


def _in_place(layer: Any) -> bool:
    return bool(set(layer.bottom) & set(layer.top))


# --- functions of single elements ----------------------------------------------------------------------------------------------


def function(name: str) -> OfLayer:
    """An elementwise function without parameters that its cost depends on."""
    return lambda _layer, shapes: {"op": "elementwise", "function": name, "count": prod(shapes.src[0])}


def power(layer: Any, shapes: Shapes) -> Operation:
    param = {name: float(getattr(layer.power_param, name)) for name in ("power", "scale", "shift")}
    return {"op": "elementwise", "function": "power", "count": prod(shapes.src[0]), **param}


def prelu(layer: Any, shapes: Shapes) -> Operation:
    images, channels, *elements = shapes.src[0]
    shared = bool(layer.prelu_param.channel_shared)
    return {"op": "prelu", "images": images, "channels": channels, "elements": prod(elements), "shared": shared}


def dropout(_layer: Any, shapes: Shapes) -> Operation:
    return {"op": "dropout", "count": prod(shapes.src[0]), "given": False}


def eltwise(layer: Any, shapes: Shapes) -> Operation:
    param = layer.eltwise_param
    kinds = {param.SUM: "sum", param.MAX: "maximum", param.PROD: "product" if param.stable_prod_grad else "quotient"}
    coefficients = list(param.coeff) or [1.0] * len(shapes.src)
    return {"op": "eltwise", "kind": kinds[param.operation], "coefficients": coefficients, "count": prod(shapes.src[0])}


# --- losses --------------------------------------------------------------------------------------------------------------------


def softmax(layer: Any, shapes: Shapes) -> Operation:
    return {"op": "softmax", **_classes(int(layer.softmax_param.axis), shapes)}


def softmax_loss(layer: Any, shapes: Shapes) -> Operation:
    return {"op": "softmax loss", **_classes(int(layer.softmax_param.axis), shapes)}


def accuracy(layer: Any, shapes: Shapes) -> Operation:
    return {"op": "accuracy", **_classes(int(layer.accuracy_param.axis), shapes), "per_class": len(shapes.dst) > 1}


def _classes(axis: int, shapes: Shapes) -> dict[str, int]:
    shape = shapes.src[0]
    axis %= len(shape)
    return {"outer": prod(shape[:axis]), "classes": shape[axis], "inner": prod(shape[axis + 1 :])}


def euclidean_loss(_layer: Any, shapes: Shapes) -> Operation:
    return {"op": "euclidean loss", "count": prod(shapes.src[0]), "examples": shapes.src[0][0]}


def sigmoid_cross_entropy_loss(_layer: Any, shapes: Shapes) -> Operation:
    return {"op": "sigmoid cross entropy loss", "count": prod(shapes.src[0])}


# --- layers that move ----------------------------------------------------------------------------------------------------------


def concat(layer: Any, shapes: Shapes) -> Operation | None:
    """Nothing is moved of one bottom."""
    return _joined("concat", layer.concat_param, "concat_dim", shapes.src)


def slice_(layer: Any, shapes: Shapes) -> Operation | None:
    """Nothing is moved to one top."""
    return _joined("slice", layer.slice_param, "slice_dim", shapes.dst)


def _joined(op: str, param: Any, old_name: str, parts: Sequence[Shape]) -> Operation | None:
    if len(parts) == 1:
        return None
    axis = int(getattr(param, old_name) if param.HasField(old_name) else param.axis) % len(parts[0])
    return {"op": op, "rows": prod(parts[0][:axis]), "runs": [prod(part[axis:]) for part in parts]}


def split(_layer: Any, shapes: Shapes) -> Operation:
    return {"op": "split", "readers": len(shapes.dst), "count": prod(shapes.src[0])}
