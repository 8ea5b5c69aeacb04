"""What a comparison of a device layer with stock Caffe's has to know of each type of layer.

Two layers that compute the same thing differ by rounding. How far they may is known best for sums of products, whose length is
known; every other function is judged by what it makes of inputs that are slightly off (see barista.check.report).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from barista.layers import formulas

Array = npt.NDArray[np.float32]
Shape = tuple[int, ...]
Make = Callable[[Shape], Array]
# Products in one sum of each array that a layer makes; those of a second bottom's gradient, diff_src[1], where they are others.
Lengths = Callable[["Sizes"], Mapping[str, int]]
# dst and diff_src of one image, of a layer, its src and its diff_dst; None where stock Caffe is as good.
Formula = Callable[[Any, Array, Array], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None]


# dst and diff_src, to the bit what the device must make of them, of a layer, its src and its diff_dst, and the seed of Caffe's
# generator.
Instead = Callable[[Any, Array, Array, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Sizes:
    """A layer and the shapes that it works on."""

    layer: Any  # LayerParameter
    src: tuple[Shape, ...]
    dst: tuple[Shape, ...]
    weights: tuple[Shape, ...]


@dataclass(frozen=True)
class Kind:
    """How a type of layer is compared."""

    lengths: Lengths | None = None  # products in a sum of dst, diff_src, diff_weights, diff_bias; None: no sums of products
    exact: Callable[[Any], bool] = lambda layer: False  # equal to the bit on any data: one rounding an element, or none
    exact_on_integers: Callable[[Any], bool] = lambda layer: False  # sums of whole numbers below 2^24 have no rounding at all
    shrink: Callable[[Any, Shape], Shape] | None = None  # to a size for finite differences; may change the message
    kinks: bool = False  # where values meet, or meet zero; finite differences then take values that are far apart
    linear: bool = True  # in each input: a difference has no error but rounding
    formula: Formula | None = None  # where stock Caffe may be far off, what it should be; its distance from that is allowed, too
    instead: Callable[[Any], Instead | None] = lambda layer: None  # where stock Caffe has no code: what its layer would have to be
    labels: bool = False  # the second bottom holds class numbers
    statistics: bool = False  # its parameters are averages, above zero: forward moves them, and they have no gradient
    gradient: bool = True


def of(layer_type: str) -> Kind:
    """The kind of a stock type; for one that is not listed, a function of which nothing is known."""
    return _KINDS.get(layer_type, Kind(linear=False))


def choices(layer: Any, src: tuple[Shape, ...]) -> tuple[int, int] | None:
    """The number of the bottom whose values choose from something, and from how many; None of a layer that has none.

    As in caffe_layers/layers/label_check.hpp.
    """
    match layer.type:
        case "SoftmaxWithLoss" | "Accuracy":
            return 1, classes(src[0], layer)
        case "InfogainLoss":
            return 1, src[0][layer.infogain_loss_param.axis]
        case "MultinomialLogisticLoss" | "HingeLoss":
            return 1, prod(src[0][1:])
        case "Embed":
            return 0, layer.embed_param.input_dim
        case "BatchReindex":
            return 1, src[0][0]
    return None


def classes(sizes_of_first_bottom: Shape, layer: Any) -> int:
    """How many classes the labels of a layer may be of."""
    axis = layer.accuracy_param.axis if layer.type == "Accuracy" else layer.softmax_param.axis
    return sizes_of_first_bottom[axis] if sizes_of_first_bottom else 1


# --- sums of products ----------------------------------------------------------------------------------------------------------


def _convolution_lengths(sizes: Sizes) -> dict[str, int]:
    weights, dst = sizes.weights[0], sizes.dst[0]
    positions = dst[0] * prod(dst[2:]) * len(sizes.src)
    outputs = weights[0] // int(sizes.layer.convolution_param.group) * prod(weights[2:])
    return {"dst": prod(weights[1:]) + 1, "diff_src": outputs, "diff_weights": positions + 1, "diff_bias": positions + 1}


def _deconvolution_lengths(sizes: Sizes) -> dict[str, int]:
    """Weights are [inputs][outputs / groups][taps]: a convolution turned round."""
    weights, src, dst = sizes.weights[0], sizes.src[0], sizes.dst[0]
    images = len(sizes.src)
    inputs = weights[0] // int(sizes.layer.convolution_param.group) * prod(weights[2:])
    return {
        "dst": inputs + 1,
        "diff_src": prod(weights[1:]),
        "diff_weights": images * src[0] * prod(src[2:]) + 1,
        "diff_bias": images * dst[0] * prod(dst[2:]) + 1,
    }


def _inner_product_lengths(sizes: Sizes) -> dict[str, int]:
    outputs = int(sizes.layer.inner_product_param.num_output)
    rows = prod(sizes.dst[0]) // outputs
    return {"dst": prod(sizes.weights[0]) // outputs + 1, "diff_src": outputs, "diff_weights": rows + 1, "diff_bias": rows + 1}


def _pooling_lengths(sizes: Sizes) -> dict[str, int]:
    param = sizes.layer.pooling_param
    window = prod(sizes.src[0][2:]) if param.global_pooling else prod(pair(param, "kernel", 1))
    # A maximum is chosen, not computed. A mean's quotient adds a rounding, and its divisor's reciprocal may add one more.
    return {"dst": 0 if _is_maximum(sizes.layer) else window + 2, "diff_src": window + 2}


def _scale_lengths(sizes: Sizes) -> dict[str, int]:
    """Scale or Bias: the numbers are the second bottom's, or parameters; each is read at so many positions."""
    numbers = (*sizes.src, *sizes.weights)[1]
    positions = prod(sizes.src[0]) // max(1, prod(numbers)) + 1
    return {"dst": 2, "diff_src": 1, **dict.fromkeys(("diff_src[1]", "diff_weights", "diff_bias"), positions)}


def _is_maximum(layer: Any) -> bool:
    return bool(layer.pooling_param.pool == layer.pooling_param.MAX)


def _is_stochastic(layer: Any) -> bool:
    return bool(layer.pooling_param.pool == layer.pooling_param.STOCHASTIC)


def _drawn(layer: Any) -> Instead | None:
    return formulas.stochastic_pooling if _is_stochastic(layer) else None


# --- small sizes ---------------------------------------------------------------------------------------------------------------


def pair(param: Any, name: str, default: int) -> tuple[int, int]:
    """Height and width of a window's property, in any of the ways in which prototxt says it."""
    short = {"kernel": ("kernel_h", "kernel_w"), "stride": ("stride_h", "stride_w"), "pad": ("pad_h", "pad_w")}.get(name)
    if short and (param.HasField(short[0]) or param.HasField(short[1])):
        return int(getattr(param, short[0])), int(getattr(param, short[1]))
    plain = getattr(param, "kernel_size" if name == "kernel" else name, 0)
    values = ([plain] if plain else []) if isinstance(plain, int) else list(plain)
    values = values or [default]
    return int(values[0]), int(values[-1])


def _small_plane(sizes: Shape, param: Any) -> Shape:
    """The axes of a plane, which may be any number, no larger than `sizes`, that give up to three outputs a side."""
    kernel, dilation, stride, pad = (
        pair(param, name, 0 if name == "pad" else 1) for name in ("kernel", "dilation", "stride", "pad")
    )
    small = []
    for axis, size in enumerate(sizes):
        i = min(axis, 1)
        extent = (kernel[i] - 1) * dilation[i] + 1
        small.append(min(size, max(1, extent + 2 * stride[i] - 2 * pad[i])))
    return tuple(small)


def _shrink_convolution(layer: Any, shape: Shape) -> Shape:
    """A few channels of as few groups, two images, a few outputs a side; window, stride, pad and dilation as they are."""
    param = layer.convolution_param
    group = int(param.group)
    channels, outputs = shape[1] // group, int(param.num_output) // group
    param.group = min(group, 3)
    param.num_output = param.group * min(outputs, 5)
    return (min(shape[0], 2), param.group * min(channels, 3), *_small_plane(shape[2:], param))


def _shrink_deconvolution(layer: Any, shape: Shape) -> Shape:
    plane = tuple(min(size, 4) for size in shape[2:])
    return (*_shrink_convolution(layer, shape)[:2], *plane)


def _shrink_pooling(layer: Any, shape: Shape) -> Shape:
    param = layer.pooling_param
    if param.global_pooling:
        plane: Shape = tuple(min(size, 5) for size in shape[2:])
    else:
        plane = _small_plane(shape[2:], param)
    return (min(shape[0], 2), min(shape[1], 3), *plane)


def _shrink_inner_product(layer: Any, shape: Shape) -> Shape:
    layer.inner_product_param.num_output = min(int(layer.inner_product_param.num_output), 7)
    return _shrink_all(layer, shape)


def _shrink_all(_layer: Any, shape: Shape) -> Shape:
    return tuple(min(size, 4) for size in shape)


def _no_coefficients(layer: Any) -> bool:
    return not layer.eltwise_param.coeff


def _always(_layer: Any) -> bool:
    return True


_SMOOTH = Kind(shrink=_shrink_all, linear=False)
_MOVES = Kind(exact=_always, exact_on_integers=_always)

# To check a further type of layer is to add it here, or to leave it to what is said of no type in particular.
_KINDS = {
    "Convolution": Kind(_convolution_lengths, exact_on_integers=_always, shrink=_shrink_convolution),
    "Deconvolution": Kind(_deconvolution_lengths, exact_on_integers=_always, shrink=_shrink_deconvolution),
    "InnerProduct": Kind(_inner_product_lengths, exact_on_integers=_always, shrink=_shrink_inner_product),
    "Pooling": Kind(_pooling_lengths, _is_stochastic, _is_maximum, _shrink_pooling, kinks=True, instead=_drawn),
    "ReLU": Kind(exact=_always, exact_on_integers=_always, shrink=_shrink_all, kinks=True),
    "AbsVal": Kind(exact=_always, exact_on_integers=_always, shrink=_shrink_all, kinks=True),
    "Concat": _MOVES,
    "Flatten": _MOVES,
    "Reshape": _MOVES,
    "Slice": _MOVES,
    "Split": Kind(exact_on_integers=_always),
    "BatchNorm": Kind(shrink=_shrink_all, linear=False, statistics=True),
    "Bias": Kind(_scale_lengths, exact_on_integers=_always, shrink=_shrink_all),
    "BNLL": _SMOOTH,
    "Dropout": Kind(shrink=_shrink_all),
    "Eltwise": Kind(exact_on_integers=_no_coefficients, shrink=_shrink_all, kinks=True, linear=False),
    "ELU": _SMOOTH,
    "EuclideanLoss": _SMOOTH,
    "Exp": _SMOOTH,
    "LRN": Kind(shrink=_shrink_all, linear=False, formula=formulas.lrn),
    "PReLU": Kind(shrink=_shrink_all, kinks=True),
    "Scale": Kind(_scale_lengths, exact_on_integers=_always, shrink=_shrink_all),
    "Sigmoid": _SMOOTH,
    "SigmoidCrossEntropyLoss": _SMOOTH,
    "Softmax": _SMOOTH,
    "SoftmaxWithLoss": Kind(shrink=_shrink_all, linear=False, labels=True),
    "TanH": _SMOOTH,
    "Accuracy": Kind(exact=_always, labels=True, gradient=False),
    "Threshold": Kind(exact=_always, exact_on_integers=_always, gradient=False),
}
