"""Layers of random nets, other than losses: each method adds one, or says that nothing fits it."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from barista.layers import types
from barista.net import prototxt
from conformance.net_generator.drawing import MOST_NUMBERS, Blob, Drawing


class Layers(Drawing):
    """Draws layers."""

    def convolution(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) in (3, 4) and prod(blob.shape) > 0)
        if blob is None:
            return False
        kind = self.rng.choice(("Convolution", "Convolution", "Convolution", "Deconvolution"))
        channels, plane = blob.shape[1], blob.shape[2:]
        groups = self.rng.choice([group for group in (1, 1, 1, 2, 3, channels) if channels % group == 0])
        outputs = groups * self.rng.choice((1, 1, 2, 3, 4))
        kernel = [self.rng.choice((1, 1, 2, 3, 3, 5)) for _ in plane]
        if self.chance(0.5):
            kernel = [kernel[0]] * len(plane)
        stride = [self.rng.choice((1, 1, 1, 2, 3)) for _ in plane]
        dilation = [self.rng.choice((1, 1, 1, 1, 2)) for _ in plane]
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        pad = [self.rng.randint(0, min(2, e - 1)) for e in extent]
        if kind == "Convolution":
            made = tuple((n + 2 * p - e) // s + 1 for n, p, e, s in zip(plane, pad, extent, stride, strict=True))
        else:
            made = tuple(s * (n - 1) + e - 2 * p for n, p, e, s in zip(plane, pad, extent, stride, strict=True))
        shape = (blob.shape[0], outputs, *made)
        if min(made) < 1 or prod(shape) > MOST_NUMBERS:
            return False
        if kind == "Convolution" and any(n + 2 * p < e for n, p, e in zip(plane, pad, extent, strict=True)):
            return False
        bottoms = [blob, self.like(blob)] if self.chance(0.1) else [blob]
        bias = self.chance(0.7)
        layer = self.add(kind, bottoms, [shape] * len(bottoms), parameters=1 + bias)
        param = layer.convolution_param
        param.num_output, param.group = outputs, groups
        param.kernel_size.extend(kernel)
        param.stride.extend(stride)
        param.dilation.extend(dilation)
        param.pad.extend(pad)
        param.bias_term = bias
        self.fill(param.weight_filler, prod(kernel) * channels // groups)
        self.offset(param.bias_filler)
        self.specify(layer, 1 + bias, (channels, outputs, groups, *kernel))
        self.stop_gradient(layer)
        return self.done(layer)

    def inner_product(self) -> bool:
        blob = self.pick()
        if blob is None:
            return False
        axis = self.rng.choice((1, 1, 1, 1, len(blob.shape) - 1)) if len(blob.shape) > 1 else 0
        outputs = self.rng.choice((1, 2, 3, 4, 5, 7, 10))
        inputs = prod(blob.shape[axis:])
        bias, transpose = self.chance(0.7), self.chance(0.2)
        layer = self.add("InnerProduct", [blob], [(*blob.shape[:axis], outputs)], parameters=1 + bias)
        param = layer.inner_product_param
        param.num_output, param.axis, param.bias_term, param.transpose = outputs, axis, bias, transpose
        self.fill(param.weight_filler, inputs)
        self.offset(param.bias_filler)
        self.specify(layer, 1 + bias, (inputs, outputs, transpose))
        self.stop_gradient(layer)
        return self.done(layer)

    # --- functions ---

    def activation(self) -> bool:
        kind = self.rng.choice(list(_ACTIVATIONS))
        if _BY_EXAMPLE and self.others.random() < 0.05:
            kind = self.others.choice(_BY_EXAMPLE)
        blob = self.pick(lambda blob: kind not in ("Log", "Exp") or bool(blob.within))
        if blob is None:
            return False
        within = {"Sigmoid": "positive", "TanH": "unit"}.get(kind, "")
        if kind in ("ReLU", "Dropout", "AbsVal") and blob.within:
            within = "" if kind == "Dropout" else blob.within
        in_place = blob.may_be_overwritten and not blob.uses and kind != "AbsVal" and self.chance(0.6)
        layer = self.add(kind, [blob], [blob.shape], in_place=in_place, within=within)
        _ACTIVATIONS.get(kind, Layers._as_in_its_example)(self, layer, blob)
        if not in_place:
            self.stop_gradient(layer)
        return self.done(layer)

    def _relu(self, layer: Any, _blob: Blob) -> None:
        layer.relu_param.negative_slope = self.rng.choice((0, 0, 0, 0.1, -0.3))

    def _elu(self, layer: Any, _blob: Blob) -> None:
        layer.elu_param.alpha = self.rng.choice((1, 0.5, -0.3))

    def _exp(self, layer: Any, _blob: Blob) -> None:
        layer.exp_param.base = self.rng.choice((-1, 2))
        layer.exp_param.scale = self.rng.choice((1, -0.5))
        layer.exp_param.shift = self.rng.choice((0, 0.5))

    def _log(self, layer: Any, _blob: Blob) -> None:
        layer.log_param.base = self.rng.choice((-1, 2))
        layer.log_param.scale, layer.log_param.shift = self.rng.choice((0.5, -0.5)), 2

    def _power(self, layer: Any, blob: Blob) -> None:
        powers = (0, 1, 1, 2, 2, 3) if not blob.within else (0, 1, 2, 3, 0.5, -1, -1.5)
        layer.power_param.power = self.rng.choice(powers)
        layer.power_param.scale = self.rng.choice((0.5, 0.3, -0.5, 0))
        layer.power_param.shift = 1.7
        self.blobs[-1].is_constant |= layer.power_param.power * layer.power_param.scale == 0

    def _dropout(self, layer: Any, _blob: Blob) -> None:
        layer.dropout_param.dropout_ratio = self.rng.choice((0.5, 0.2))

    def _nothing(self, _layer: Any, _blob: Blob) -> None:
        pass

    def _as_in_its_example(self, layer: Any, _blob: Blob) -> None:
        layer.MergeFrom(
            prototxt.parse(f"layer {{ {types.of(layer.type).example.parameters} }}", prototxt.Kind.NET, layer.type).layer[0]
        )

    def a_channel(self) -> bool:
        """Scale, Bias, PReLU or BatchNorm, with numbers of their own."""
        kind = self.rng.choice(("Scale", "Bias", "PReLU", "BatchNorm", "BatchNorm"))
        blob = self.pick(lambda blob: len(blob.shape) > 1)
        if blob is None or (kind == "BatchNorm" and (blob.is_constant or prod(blob.shape) // blob.shape[1] < 4)):
            return False
        in_place = blob.may_be_overwritten and not blob.uses and self.chance(0.6)
        bias = kind == "Scale" and self.chance(0.5)
        count = {"BatchNorm": 3, "Scale": 1 + bias}.get(kind, 1)
        layer = self.add(kind, [blob], [blob.shape], parameters=count, in_place=in_place, learns=kind != "BatchNorm")
        if kind == "BatchNorm":
            if self.chance(0.3):
                layer.batch_norm_param.moving_average_fraction = 0.8
            for _ in range(3 if self.chance(0.5) else 0):
                layer.param.add().lr_mult = 0
        elif kind == "PReLU":
            layer.prelu_param.channel_shared = self.chance(0.3)
            layer.prelu_param.filler.value = self.rng.choice((0.25, -0.25))
        else:
            param = layer.scale_param if kind == "Scale" else layer.bias_param
            param.axis = self.rng.choice((1, 1, 1, 0, -1))
            param.num_axes = self.rng.choice((1, 1, 0, -1))
            param.filler.type, param.filler.min, param.filler.max = "uniform", self.rng.choice((0.5, -1)), 1.2
            if bias:
                param.bias_term = True
                self.offset(param.bias_filler)
        return self.done(layer)

    def softmax(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) > 1)
        if blob is None:
            return False
        in_place = blob.may_be_overwritten and not blob.uses and self.chance(0.3)
        layer = self.add("Softmax", [blob], [blob.shape], in_place=in_place, within="positive")
        layer.softmax_param.axis = self.rng.choice((1, 1, -1))
        return self.done(layer)

    def lrn(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) == 4)
        if blob is None:
            return False
        layer = self.add("LRN", [blob], [blob.shape])
        param = layer.lrn_param
        param.local_size = self.rng.choice((3, 5))
        param.alpha, param.beta = self.rng.choice((0.1, 1)), self.rng.choice((0.75, 0.5))
        if self.chance(0.3):
            param.norm_region = param.WITHIN_CHANNEL
        elif self.chance(0.5):
            param.k = 2
        return self.done(layer)

    def pooling(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) == 4)
        if blob is None:
            return False
        plane = blob.shape[2:]
        whole = self.chance(0.15)
        kernel = [self.rng.choice((1, 2, 2, 3, 3)) for _ in plane]
        stride = [self.rng.choice((1, 2, 2, 3)) for _ in plane]
        pad = [self.rng.randint(0, k - 1) if self.chance(0.4) else 0 for k in kernel]
        if not whole and any(n + 2 * p < k for n, p, k in zip(plane, pad, kernel, strict=True)):
            return False
        made = [1, 1] if whole else [_pooled(*sizes, any(pad)) for sizes in zip(plane, kernel, stride, pad, strict=True)]
        # Caffe has windows that lie beyond the picture, and their averages are no numbers.
        if not whole and any((m - 1) * s - p >= n for m, s, p, n in zip(made, stride, pad, plane, strict=True)):
            return False
        layer = self.add("Pooling", [blob], [(*blob.shape[:2], *made)], within=blob.within)
        param = layer.pooling_param
        param.pool = self.rng.choice((param.MAX, param.AVE))
        if whole:
            param.global_pooling = True
        else:
            param.kernel_h, param.kernel_w = kernel
            param.stride_h, param.stride_w = stride
            param.pad_h, param.pad_w = pad
        return self.done(layer)

    # --- several blobs ---

    def eltwise(self) -> bool:
        blob = self.pick()
        if blob is None:
            return False
        bottoms = [blob, *(self.like(blob) for _ in range(self.rng.choice((1, 1, 2))))]
        layer = self.add("Eltwise", bottoms, [blob.shape])
        param = layer.eltwise_param
        param.operation = self.rng.choice((param.SUM, param.SUM, param.PROD, param.MAX))
        if param.operation == param.SUM and self.chance(0.5):
            param.coeff.extend(self.rng.choice((1, -0.5, 0.7)) for _ in bottoms)
        # Without it, a factor of 0 divides 0 by 0.
        if param.operation == param.PROD and self.chance(0.3) and all(other.within == "positive" for other in bottoms):
            param.stable_prod_grad = False
        self.stop_gradient(layer)
        return self.done(layer)

    def two_bottoms(self) -> bool:
        """Scale or Bias by another blob."""
        blob = self.pick()
        if blob is None:
            return False
        kind = self.rng.choice(("Scale", "Bias"))
        layer = self.add(kind, [blob, self.like(blob)], [blob.shape])
        (layer.scale_param if kind == "Scale" else layer.bias_param).axis = 0
        return self.done(layer)

    def concat(self) -> bool:
        blob = self.pick()
        if blob is None:
            return False
        bottoms = [blob, *(self.like(blob) for _ in range(self.rng.choice((0, 1, 1, 2))))]
        axis = self.rng.randrange(1, len(blob.shape)) if len(blob.shape) > 1 else 0
        shape = list(blob.shape)
        shape[axis] *= len(bottoms)
        if prod(shape) > MOST_NUMBERS:
            return False
        layer = self.add("Concat", bottoms, [tuple(shape)], shares=len(bottoms) == 1)
        layer.concat_param.axis = axis if self.chance(0.7) else axis - len(shape)
        return self.done(layer)

    def slice(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) > 1 and max(blob.shape[1:]) > 1)
        if blob is None:
            return False
        axis = self.rng.choice([axis for axis in range(1, len(blob.shape)) if blob.shape[axis] > 1])
        size = blob.shape[axis]
        points = sorted(self.rng.sample(range(1, size), min(size - 1, self.rng.choice((1, 1, 2)))))
        sizes = [end - begin for begin, end in zip([0, *points], [*points, size], strict=True)]
        layer = self.add("Slice", [blob], [(*blob.shape[:axis], n, *blob.shape[axis + 1 :]) for n in sizes])
        layer.slice_param.axis = axis
        layer.slice_param.slice_point.extend(points)
        return self.done(layer)

    def split(self) -> bool:
        blob = self.pick()
        if blob is None:
            return False
        layer = self.add("Split", [blob], [blob.shape] * self.rng.choice((1, 2, 3)), shares=True, within=blob.within)
        for made in self.blobs[-len(layer.top) :]:
            made.may_be_overwritten = False
        return self.done(layer)

    # --- what stays on the CPU, and views ---

    def view(self) -> bool:
        blob = self.pick(lambda blob: len(blob.shape) > 1)
        if blob is None:
            return False
        if self.chance(0.5) and not blob.is_reshaped:
            axis = self.rng.randrange(1, len(blob.shape))
            layer = self.add("Flatten", [blob], [(*blob.shape[:axis], prod(blob.shape[axis:]))], shares=True, within=blob.within)
            layer.flatten_param.axis = axis
        else:
            rest = prod(blob.shape[1:])
            first = self.rng.choice([n for n in range(1, rest + 1) if rest % n == 0])
            shape = (blob.shape[0], first, rest // first, 1)
            layer = self.add("Reshape", [blob], [shape], shares=True, within=blob.within)
            self.blobs[-1].is_reshaped = True
            layer.reshape_param.shape.dim.extend((0, first, -1, 1))
        return self.done(layer)

    def on_cpu(self) -> bool:
        kind = self.rng.choice(("MVN", "Reduction", "Tile"))
        blob = self.pick(lambda blob: kind != "MVN" or (len(blob.shape) == 4 and prod(blob.shape[2:]) > 3))
        if blob is None:
            return False
        if kind == "MVN":
            layer = self.add(kind, [blob], [blob.shape])
            self.blobs[-1].may_be_overwritten = False  # on the CPU its gradient is stock Caffe's, which reads its top
            layer.mvn_param.normalize_variance = self.chance(0.7)
        elif kind == "Reduction":
            axis = self.rng.randrange(1, len(blob.shape)) if len(blob.shape) > 1 else 0
            layer = self.add(kind, [blob], [blob.shape[:axis]] if axis else [()])
            if not axis:
                self.blobs.pop()  # of no axes: few layers take it
            layer.reduction_param.axis = axis
            layer.reduction_param.operation = self.rng.choice((1, 2, 3, 4))
            layer.reduction_param.coeff = 0.3
        else:
            axis = self.rng.randrange(1, len(blob.shape)) if len(blob.shape) > 1 else 0
            shape = list(blob.shape)
            shape[axis] *= 2
            if prod(shape) > MOST_NUMBERS:
                return False
            layer = self.add(kind, [blob], [tuple(shape)])
            layer.tile_param.axis, layer.tile_param.tiles = axis, 2
        return self.done(layer)


def _pooled(size: int, kernel: int, stride: int, pad: int, is_padded: bool) -> int:
    """As Caffe has it: rounded up; where there is padding on any side, no window begins beyond the picture."""
    made = -((size + 2 * pad - kernel) // -stride) + 1
    if is_padded and (made - 1) * stride >= size + pad:
        made -= 1
    return made


_ACTIVATIONS: dict[str, Callable[[Layers, Any, Blob], None]] = {
    "AbsVal": Layers._nothing,
    "BNLL": Layers._nothing,
    "Dropout": Layers._dropout,
    "ELU": Layers._elu,
    "Exp": Layers._exp,
    "Log": Layers._log,
    "Power": Layers._power,
    "ReLU": Layers._relu,
    "Sigmoid": Layers._nothing,
    "TanH": Layers._nothing,
}
# Activations that are drawn nowhere else in this module, with the parameters of their row's example.
_DRAWN_ELSEWHERE = {*_ACTIVATIONS, "PReLU", "Threshold"}
_BY_EXAMPLE = [row.name for row in types.of_device() if row.family == "activation" and row.name not in _DRAWN_ELSEWHERE]
