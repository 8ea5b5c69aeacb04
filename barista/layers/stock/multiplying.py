"""Layers that are sums of products: convolutions, inner products, recurrent layers."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.layers.layer_type import Example, LayerType, SuiteException, always
from barista.layers.operations import Operation
from barista.layers.tolerances import Tolerance, shrink_all
from barista.layers.window import pair, small_plane
from barista.net.shapes import Shape, Shapes

# --- convolution ---------------------------------------------------------------------------------------------------------------


def _more_axes(layer: Any) -> str:
    param = layer.convolution_param
    axes = max(len(field) for field in (param.kernel_size, param.stride, param.pad, param.dilation))
    return f"{axes}-D: the device convolves up to 2-D" if axes > 2 else ""


def _convolution_parameters(layer: Any) -> int:
    return 1 + int(layer.convolution_param.bias_term)


def _convolution_multiply_adds(_layer: Any, shapes: Shapes) -> int:
    return sum(prod(dst) for dst in shapes.dst) * prod(shapes.weights[0][1:])


def _deconvolution_multiply_adds(_layer: Any, shapes: Shapes) -> int:
    """Each element that comes in goes through as many products."""
    return sum(prod(src) for src in shapes.src) * prod(shapes.weights[0][1:])


def _convolution_operation(layer: Any, shapes: Shapes) -> Operation | None:
    return _operation("convolution", layer.convolution_param, shapes.src[0], shapes.weights[0])


def _deconvolution_operation(layer: Any, shapes: Shapes) -> Operation | None:
    return _operation("deconvolution", layer.convolution_param, shapes.dst[0], shapes.weights[0])


def _operation(op: str, param: Any, image: Shape, weights: Shape) -> Operation | None:
    """A convolution of `image`, of up to two axes: fewer are an image of height 1. Three are stock code's."""
    axes = len(weights) - 2
    if axes > 2:
        return None
    found: dict[str, Any] = {"op": op, "N": prod(image[: -axes - 1]), "C": image[-axes - 1], "O": weights[0], "G": int(param.group)}
    found["bias"] = bool(param.bias_term)
    fields = {"S": ("stride", 1), "P": ("pad", 0), "D": ("dilation", 1)}
    for i, (axis, size, kernel) in enumerate(zip("HW", _plane(image[-axes:]), _plane(weights[2:]), strict=True)):
        found |= {axis: size, f"K{axis}": kernel}
        for letter, (name, default) in fields.items():
            found[letter + axis] = pair(param, name, default)[i] if i >= 2 - axes else default
    return found


def _plane(sizes: Shape) -> Shape:
    return (1,) * (2 - len(sizes)) + sizes


def _convolution_lengths(layer: Any, shapes: Shapes) -> dict[str, int]:
    weights, dst = shapes.weights[0], shapes.dst[0]
    positions = dst[0] * prod(dst[2:]) * len(shapes.src)
    outputs = weights[0] // int(layer.convolution_param.group) * prod(weights[2:])
    return {"dst": prod(weights[1:]) + 1, "diff_src": outputs, "diff_weights": positions + 1, "diff_bias": positions + 1}


def _deconvolution_lengths(layer: Any, shapes: Shapes) -> dict[str, int]:
    """Weights are [inputs][outputs / groups][taps]: a convolution turned round."""
    weights, src, dst = shapes.weights[0], shapes.src[0], shapes.dst[0]
    images = len(shapes.src)
    inputs = weights[0] // int(layer.convolution_param.group) * prod(weights[2:])
    return {
        "dst": inputs + 1,
        "diff_src": prod(weights[1:]),
        "diff_weights": images * src[0] * prod(src[2:]) + 1,
        "diff_bias": images * dst[0] * prod(dst[2:]) + 1,
    }


def _shrink_convolution(layer: Any, shape: Shape) -> Shape:
    """A few channels of as few groups, two images, a few outputs a side; window, stride, pad and dilation as they are."""
    param = layer.convolution_param
    group = int(param.group)
    channels, outputs = shape[1] // group, int(param.num_output) // group
    param.group = min(group, 3)
    param.num_output = param.group * min(outputs, 5)
    return (min(shape[0], 2), param.group * min(channels, 3), *small_plane(shape[2:], param))


def _shrink_deconvolution(layer: Any, shape: Shape) -> Shape:
    plane = tuple(min(size, 4) for size in shape[2:])
    return (*_shrink_convolution(layer, shape)[:2], *plane)


# --- inner product -------------------------------------------------------------------------------------------------------------


def _inner_product_parameters(layer: Any) -> int:
    return 1 + int(layer.inner_product_param.bias_term)


def _inner_product_multiply_adds(layer: Any, shapes: Shapes) -> int:
    return prod(shapes.dst[0]) // int(layer.inner_product_param.num_output) * prod(shapes.weights[0])


def _inner_product_operation(layer: Any, shapes: Shapes) -> Operation:
    param = layer.inner_product_param
    outputs = int(param.num_output)
    inputs, rows = prod(shapes.weights[0]) // outputs, prod(shapes.dst[0]) // outputs
    options = {"transpose": bool(param.transpose), "bias": bool(param.bias_term)}
    return {"op": "inner product", "N": rows, "K": inputs, "O": outputs, **options}


def _inner_product_lengths(layer: Any, shapes: Shapes) -> dict[str, int]:
    outputs = int(layer.inner_product_param.num_output)
    rows = prod(shapes.dst[0]) // outputs
    return {"dst": prod(shapes.weights[0]) // outputs + 1, "diff_src": outputs, "diff_weights": rows + 1, "diff_bias": rows + 1}


def _shrink_inner_product(layer: Any, shape: Shape) -> Shape:
    layer.inner_product_param.num_output = min(int(layer.inner_product_param.num_output), 7)
    return shrink_all(layer, shape)


# --- recurrent layers, and embedding -------------------------------------------------------------------------------------------


def _recurrent_multiply_adds(exposed: int, layer: Any, shapes: Shapes) -> int:
    """A product with each matrix, each step of each sequence; with that of a static input, the second, each sequence.

    `exposed` are the bottoms and tops of hidden state that a layer has where its message asks for them.
    """
    steps, sequences = shapes.src[0][:2]
    matrices = [prod(shape) for shape in shapes.weights if len(shape) == 2]
    hidden = exposed if layer.recurrent_param.expose_hidden else 0
    static = matrices[1] if len(shapes.src) > 2 + hidden else 0
    return sequences * (steps * (sum(matrices) - static) + static)


ROWS = (
    LayerType(
        "Convolution",
        "convolution",
        on_device=True,
        obstacle=_more_axes,
        unless="more than two spatial axes are given",
        remark="2-D; any kernel, stride, padding, dilation and groups; depthwise with a kernel family of its own",
        parameters=_convolution_parameters,
        multiply_adds=_convolution_multiply_adds,
        operation=_convolution_operation,
        takes_post_ops=True,
        tolerance=Tolerance(_convolution_lengths, exact_on_integers=always, shrink=_shrink_convolution),
        example=Example("convolution_param { num_output: 4 kernel_size: 3 }"),
        suites=("convolution_layer", "net"),
        suite_exceptions=(
            SuiteException(
                "convolution_layer",
                "ConvolutionLayerTest/0.*3D*",
                "stock code",
                "three spatial axes; the device convolves up to two, and stock code takes the rest",
            ),
        ),
    ),
    LayerType(
        "Deconvolution",
        "convolution",
        on_device=True,
        obstacle=_more_axes,
        unless="more than two spatial axes are given",
        parameters=_convolution_parameters,
        multiply_adds=_deconvolution_multiply_adds,
        operation=_deconvolution_operation,
        takes_post_ops=True,
        tolerance=Tolerance(_deconvolution_lengths, exact_on_integers=always, shrink=_shrink_deconvolution),
        example=Example("convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 }"),
        suites=("deconvolution_layer",),
        suite_exceptions=(
            SuiteException(
                "deconvolution_layer",
                "DeconvolutionLayerTest/0.TestGradient3D",
                "stock code",
                "three spatial axes, as for convolution",
            ),
        ),
    ),
    LayerType(
        "InnerProduct",
        "inner product",
        on_device=True,
        parameters=_inner_product_parameters,
        multiply_adds=_inner_product_multiply_adds,
        operation=_inner_product_operation,
        takes_post_ops=True,
        tolerance=Tolerance(_inner_product_lengths, exact_on_integers=always, shrink=_shrink_inner_product),
        example=Example("inner_product_param { num_output: 4 }"),
        suites=("inner_product_layer", "net", "gradient_based_solver", "lstm_layer", "rnn_layer"),
    ),
    LayerType(
        "Embed",
        "inner product",
        parameters=lambda layer: 1 + int(layer.embed_param.bias_term),
        chooses=lambda layer, src: (0, layer.embed_param.input_dim),
    ),
    LayerType(
        "LSTM",
        "inner product",
        parameters=lambda layer: 3,
        multiply_adds=lambda layer, shapes: _recurrent_multiply_adds(2, layer, shapes),
    ),
    LayerType(
        "RNN",
        "inner product",
        parameters=lambda layer: 5,
        multiply_adds=lambda layer, shapes: _recurrent_multiply_adds(1, layer, shapes),
    ),
)
