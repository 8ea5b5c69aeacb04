"""Random nets that stock Caffe takes, each from its seed: layers of all types that the device runs and of some that it does not.

What is drawn: the graph (bottoms that are one blob, several tops, tops that nobody takes, layers in place), layers' parameters, odd
shapes, names (with spaces and slashes, of two layers, of none), parameters with rates of 0 and shared by name, losses with
weights, layers of one phase, stage or level, where gradients stop, and the solver. Values stay small enough for three steps.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from barista.layers import types
from barista.net import prototxt, schema
from barista.net.shapes import Shape

_NAMES = ("conv1/3x3", "two words", "a.b-c", "слой", "層", "x", "fc#8", "it's", "100%", "..", "A_split_0", "loss", "")
_NEW_LAYERS = (3, 14)
_MOST_NUMBERS = 2500  # of one blob


@dataclass
class Blob:
    """A blob as it is after the layer that made it, or last worked on it in place."""

    name: str
    apart: str  # its name in the net where no layer works in place
    shape: Shape
    learned: bool  # whether a gradient goes up from it
    within: str = ""  # "unit": in -1 .. 1, "positive": in 0 .. 1
    is_constant: bool = False  # made of constants alone: normalised, nothing is left of it but rounding
    is_reshaped: bool = False  # by a Reshape, whose gradient a Flatten after it loses in stock Caffe
    uses: int = 0
    may_be_overwritten: bool = True


@dataclass(frozen=True)
class RandomNet:
    seed: int
    net: Any  # NetParameter
    apart: Any  # the same with two blobs in the place of each that a layer works on in place
    solver: Any  # SolverParameter without a net
    apart_names: dict[str, str]  # what blobs are called there at last, where that is another name
    inputs: dict[str, dict[str, int]]  # blobs of Input layers; {"classes": n} where they are labels


def random_net(seed: int) -> RandomNet:
    return _Generator(seed).make()


@dataclass
class _Generator:
    seed: int
    inputs: dict[str, dict[str, int]] = field(default_factory=dict)
    apart_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.others = random.Random(self.seed)  # apart, so that a further type leaves most nets as they are
        self.net, self.apart = schema.new("NetParameter"), schema.new("NetParameter")
        self.blobs: list[Blob] = []
        self.names: dict[str, bool] = {}  # of layers, and whether one of them has parameters
        self.shared: list[tuple[str, tuple[Any, ...]]] = []  # parameters by name, and what they are of
        self.count = 0
        self.losses = 0
        self.tested = self.chance(0.6)
        self.iter_size = self.rng.choice((1, 1, 1, 1, 2))
        self.batch = self.rng.choice((1, 2, 2, 3, 4, 5))

    def make(self) -> RandomNet:
        if self.chance(0.5):
            self.net.name = self.apart.name = self.rng.choice(_NAMES)
        self.data()
        for _ in range(self.rng.randint(*_NEW_LAYERS)):
            for _ in range(20):
                if self.rng.choices(_OPERATIONS, _WEIGHTS)[0](self):
                    break
        if not any(blob.learned for blob in self.blobs):
            self.inner_product()
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            for _ in range(20):
                if self.rng.choice(_LOSSES)(self):
                    break
        if not self.losses:
            self.weighted()
        self.dead_ends()
        return RandomNet(self.seed, self.net, self.apart, self.solver(), self.apart_names, self.inputs)

    # --- draws ---

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, fits: Callable[[Blob], bool] = lambda _: True, *, new: float = 0.7) -> Blob | None:
        """A blob that fits; with the probability `new` one of those that nobody takes so far, the latest first."""
        found = [blob for blob in self.blobs if fits(blob)]
        if not found:
            return None
        fresh = [blob for blob in found if not blob.uses]
        return self.rng.choice(fresh[-3:] if fresh and self.chance(new) else found)

    def like(self, blob: Blob) -> Blob:
        """A blob of the same shape, which may be the same."""
        return self.pick(lambda other: other.shape == blob.shape, new=0.4) or blob

    def layer_name(self, plain: str, *, has_parameters: bool) -> str:
        """Layers of one name share their parameters with the test net by that name, so there must be none."""
        self.count += 1
        name = f"{plain}{self.count}"
        if self.chance(0.25):
            name = self.rng.choice((*_NAMES, *(blob.name for blob in self.blobs)))
        elif self.chance(0.1) and self.names:
            name = self.rng.choice(list(self.names))
        if self.tested and name in self.names and (has_parameters or self.names[name]):
            name = f"{plain}{self.count}"
        self.names[name] = self.names.get(name, False) or has_parameters
        return name

    def blob_name(self, plain: str) -> str:
        taken = {blob for layer in self.net.layer for blob in layer.top}
        candidates = [f"{plain}{self.count}"]
        if self.chance(0.25):
            candidates.insert(0, self.rng.choice((*_NAMES, *self.names)))
        return next(name for name in (*candidates, f"blob {self.count} {len(taken)}") if name and name not in taken)

    # --- layers ---

    def add(
        self,
        kind: str,
        bottoms: Sequence[Blob],
        shapes: Sequence[Shape] = (),
        *,
        parameters: int = 0,
        in_place: bool = False,
        within: str = "",
        learns: bool = True,
        shares: bool = False,
    ) -> Any:
        """A new layer, for its parameters to be set, and its tops: of `shapes`, or the bottom where it works in place.

        `shares`: its top is its bottom's memory.
        """
        layer = self.net.layer.add()
        layer.type = kind
        layer.name = self.layer_name(kind.lower(), has_parameters=parameters > 0)
        layer.bottom.extend(blob.name for blob in bottoms)
        apart = self.apart.layer.add()
        bottoms_apart = [blob.apart for blob in bottoms]
        learned = any(blob.learned for blob in bottoms) or (parameters > 0 and learns)
        for blob in bottoms:
            blob.uses += 1
        tops = []
        if in_place:
            [old] = bottoms
            self.blobs.remove(old)
            layer.top.append(old.name)
            self.apart_names[old.name] = f"{old.name} in place {self.count}"
            tops = [Blob(old.name, self.apart_names[old.name], old.shape, learned, within, is_reshaped=old.is_reshaped)]
        else:
            for shape in shapes:
                name = self.blob_name(kind.lower())
                layer.top.append(name)
                tops.append(Blob(name, name, shape, learned, within))
        if shares:
            for blob in tops:
                blob.may_be_overwritten = all(bottom.may_be_overwritten for bottom in bottoms)
            for blob in bottoms:
                blob.may_be_overwritten = False
            if any(blob.uses > 1 for blob in bottoms):
                for blob in tops:
                    blob.may_be_overwritten = False
            else:  # nobody else may take what might be overwritten under him
                self.blobs = [blob for blob in self.blobs if all(blob is not bottom for bottom in bottoms)]
        self.blobs += tops
        for blob in tops:
            blob.is_constant = bool(bottoms) and all(bottom.is_constant for bottom in bottoms)
        self._apart = (apart, bottoms_apart, [blob.apart for blob in tops])
        return layer

    def done(self, layer: Any) -> bool:
        """To be called when the layer's parameters are set. For use as an operation's answer: true."""
        apart, bottoms, tops = self._apart
        apart.CopyFrom(layer)
        apart.ClearField("bottom")
        apart.ClearField("top")
        apart.bottom.extend(bottoms)
        apart.top.extend(tops)
        return True

    def specify(self, layer: Any, count: int, shape: tuple[Any, ...]) -> None:
        """What the solver does with the layer's parameters. `shape` is equal where two layers may share them."""
        if self.chance(0.6):
            return
        same = [name for name, of in self.shared if of == (layer.type, *shape)]
        name = self.rng.choice(same) if same and self.chance(0.7) else f"w{self.count}" if self.chance(0.6) else ""
        for number in range(count):
            spec = layer.param.add()
            if name:
                spec.name = f"{name} {number}"
            else:
                spec.lr_mult = self.rng.choice((0, 0, 0.5, 1, 2))
                spec.decay_mult = self.rng.choice((0, 1, 1))
        if name and name not in same:
            self.shared.append((name, (layer.type, *shape)))

    def fill(self, filler: Any, fan_in: int = 4) -> None:
        kind = self.rng.choice(("xavier", "gaussian", "uniform", "msra"))
        filler.type = kind
        if kind == "gaussian":
            filler.std = 1 / (fan_in + 1) ** 0.5
        elif kind == "uniform":
            filler.min, filler.max = -1.5 / (fan_in + 1) ** 0.5, 1.5 / (fan_in + 1) ** 0.5

    def offset(self, filler: Any) -> None:
        filler.type, filler.min, filler.max = "uniform", self.rng.choice((-0.5, 0.1)), 0.5

    def stop_gradient(self, layer: Any) -> None:
        if self.chance(0.04):
            layer.propagate_down.extend(self.chance(0.3) for _ in layer.bottom)

    # --- data ---

    def data(self) -> None:
        for _ in range(self.rng.choice((1, 1, 2))):
            axes = self.rng.choice((2, 4, 4, 4, 4, 3))
            sizes = [self.rng.choice((1, 2, 3, 4, 6, 8)), *(self.rng.choice((1, 3, 5, 6, 7, 9)) for _ in range(axes - 2))]
            shape = (self.batch, *sizes)
            if self.chance(0.2):
                self.dummy(shape)
            else:
                self.input(shape, {})

    def input(self, shape: Shape, what: dict[str, int]) -> Blob:
        """An Input of both phases, or one for each."""
        layer = self.add("Input", (), (shape,))
        blob = self.blobs[-1]
        blob.may_be_overwritten = self.iter_size == 1  # it is filled once an iteration
        self.inputs[layer.top[0]] = what
        layer.input_param.shape.add().dim.extend(shape)
        if self.chance(0.3):
            self.phase(layer, "TRAIN")
            self.done(layer)
            for net in (self.net, self.apart):
                twin = net.layer.add()
                twin.CopyFrom(layer)
                twin.ClearField("include")
                twin.ClearField("exclude")
                self.phase(twin, "TEST")
        else:
            self.done(layer)
        return blob

    def phase(self, layer: Any, phase: str) -> None:
        numbers = {"TRAIN": 0, "TEST": 1}
        if self.chance(0.5):
            layer.include.add().phase = numbers[phase]
        else:
            layer.exclude.add().phase = 1 - numbers[phase]

    def dummy(self, shape: Shape) -> None:
        layer = self.add("DummyData", (), (shape,))
        self.blobs[-1].may_be_overwritten = False  # constants are made once
        layer.dummy_data_param.shape.add().dim.extend(shape)
        filler = layer.dummy_data_param.data_filler.add()
        if self.chance(0.6):
            filler.type, filler.std = "gaussian", 0.7
        else:
            filler.value = self.rng.choice((0, 0.5, -1))
            self.blobs[-1].is_constant = True
        self.done(layer)

    # --- products ---

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
        if min(made) < 1 or prod(shape) > _MOST_NUMBERS:
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
        _ACTIVATIONS.get(kind, _Generator._as_in_its_example)(self, layer, blob)
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
        if prod(shape) > _MOST_NUMBERS:
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
            if prod(shape) > _MOST_NUMBERS:
                return False
            layer = self.add(kind, [blob], [tuple(shape)])
            layer.tile_param.axis, layer.tile_param.tiles = axis, 2
        return self.done(layer)

    # --- losses ---

    def weigh(self, layer: Any) -> bool:
        self.losses += 1
        if self.chance(0.4):
            layer.loss_weight.append(self.rng.choice((0.3, 2, 1, -0.5)))
        if not layer.loss_weight and self.chance(0.2):
            layer.ClearField("top")
        if self.chance(0.15) and not (layer.include or layer.exclude):
            rule = layer.include.add() if self.chance(0.5) else layer.exclude.add()
            self.rng.choice((lambda: rule.stage.append("with"), lambda: rule.not_stage.append("without"), lambda: _level(rule)))()
        return True

    def softmax_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned and len(blob.shape) > 1 and blob.shape[1] > 1)
        if blob is None:
            return False
        labels = (blob.shape[0], *blob.shape[2:]) if self.chance(0.5) else (blob.shape[0], 1, *blob.shape[2:])
        label = self.labels(labels, blob.shape[1])
        layer = self.add("SoftmaxWithLoss", [blob, label], [()])
        self.blobs.pop()
        self.normalize(layer, blob.shape[1])
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        if self.chance(0.4):
            layer = self.add("Accuracy", [blob, label], [()])
            self.blobs.pop()
            layer.accuracy_param.top_k = self.rng.randint(1, min(3, blob.shape[1]))
            if self.chance(0.5):
                self.phase(layer, "TEST")
            self.done(layer)
        return True

    def labels(self, shape: Shape, classes: int) -> Blob:
        blob = self.input(shape, {"classes": classes})
        self.blobs.remove(blob)
        return blob

    def without_top(self, layer: Any) -> None:
        if not layer.top:
            self.apart.layer[-1].ClearField("top")

    def normalize(self, layer: Any, classes: int) -> None:
        if self.chance(0.3):
            layer.loss_param.ignore_label = self.rng.randrange(classes)
        if self.chance(0.5):
            layer.loss_param.normalization = self.rng.choice((0, 1, 2, 3))

    def euclidean_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        other = self.like(blob) if self.chance(0.5) else self.target(blob.shape)
        layer = self.add("EuclideanLoss", [blob, other], [()])
        self.blobs.pop()
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def target(self, shape: Shape) -> Blob:
        blob = self.input(shape, {})
        self.blobs.remove(blob)
        return blob

    def cross_entropy_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        layer = self.add("SigmoidCrossEntropyLoss", [blob, self.labels(blob.shape, 2)], [()])
        self.blobs.pop()
        self.normalize(layer, 2)
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def hinge_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned and len(blob.shape) == 2 and blob.shape[1] > 1)
        if blob is None:
            return False
        layer = self.add("HingeLoss", [blob, self.labels((blob.shape[0],), blob.shape[1])], [()])
        self.blobs.pop()
        layer.hinge_loss_param.norm = self.rng.choice((1, 2))
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def weighted(self) -> bool:
        """Any layer may be a loss where it has a weight."""
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        kind = self.rng.choice(("Power", "Reduction", "Eltwise"))
        bottoms = [blob, self.like(blob)] if kind == "Eltwise" else [blob]
        layer = self.add(kind, bottoms, [blob.shape if kind != "Reduction" else ()])
        self.blobs.pop()
        if kind == "Power":
            layer.power_param.power, layer.power_param.scale = 2, 0.5
        elif kind == "Reduction":
            layer.reduction_param.operation = 3
        layer.loss_weight.append(self.rng.choice((0.1, 0.3)) / prod(blob.shape))
        self.losses += 1
        return self.done(layer)

    def dead_ends(self) -> None:
        """What gets no gradient: blobs that nobody takes, and layers that have none."""
        for blob in [blob for blob in self.blobs if not blob.uses]:
            draw = self.rng.random()
            if draw < 0.3:
                self.done(self.add("Silence", [blob]))
            elif draw < 0.6:  # silenced, since the least rounding may decide what they make
                is_threshold = draw < 0.5 or len(blob.shape) == 1
                layer = self.add("Threshold" if is_threshold else "ArgMax", [blob], [blob.shape])
                if is_threshold:
                    layer.threshold_param.threshold = 0.1
                self.done(layer)
                self.done(self.add("Silence", [self.blobs.pop()]))

    # --- the solver ---

    def solver(self) -> Any:
        param = schema.new("SolverParameter")
        param.type = kind = self.rng.choice(("SGD", "SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"))
        param.base_lr = self.rng.choice((0.01, 0.003)) if kind != "AdaDelta" else 1
        param.lr_policy = self.rng.choice(("fixed", "step", "exp", "inv", "poly", "multistep"))
        param.gamma, param.power, param.stepsize = 0.9, 0.75, 2
        param.stepvalue.extend((1, 2))
        param.max_iter = 100
        if kind in ("SGD", "Nesterov", "Adam", "AdaDelta"):
            param.momentum = self.rng.choice((0.9, 0.5)) if kind != "SGD" or self.chance(0.7) else 0
        if kind == "RMSProp":
            param.rms_decay = self.rng.choice((0.98, 0.5))
        if kind == "Adam":
            param.momentum2 = 0.99
        if kind in ("AdaDelta", "AdaGrad", "RMSProp", "Adam"):
            param.delta = self.rng.choice((1e-3, 1e-2))  # a gradient that is rounding alone would move a parameter as far as any
        if self.chance(0.6):
            param.weight_decay = self.rng.choice((0.001, 0.1))
            param.regularization_type = self.rng.choice(("L2", "L2", "L1"))
        if self.chance(0.3):
            param.clip_gradients = self.rng.choice((0.1, 1, 10))
        if self.iter_size > 1:
            param.iter_size = self.iter_size
        for state in (param.train_state, *((param.test_state.add(),) if self.tested else ())):
            if self.chance(0.3):
                state.stage.append(self.rng.choice(("with", "without")))
            if self.chance(0.2):
                state.level = self.rng.choice((1, -1))
        if self.tested:
            param.test_iter.append(1)
            param.test_interval = 1000
            param.test_initialization = False
        return param


def _level(rule: Any) -> None:
    rule.min_level = 0


def _pooled(size: int, kernel: int, stride: int, pad: int, is_padded: bool) -> int:
    """As Caffe has it: rounded up; where there is padding on any side, no window begins beyond the picture."""
    made = -((size + 2 * pad - kernel) // -stride) + 1
    if is_padded and (made - 1) * stride >= size + pad:
        made -= 1
    return made


_ACTIVATIONS: dict[str, Callable[[_Generator, Any, Blob], None]] = {
    "AbsVal": _Generator._nothing,
    "BNLL": _Generator._nothing,
    "Dropout": _Generator._dropout,
    "ELU": _Generator._elu,
    "Exp": _Generator._exp,
    "Log": _Generator._log,
    "Power": _Generator._power,
    "ReLU": _Generator._relu,
    "Sigmoid": _Generator._nothing,
    "TanH": _Generator._nothing,
}
# Activations that are drawn nowhere else in this module, with the parameters of their row's example.
_DRAWN_ELSEWHERE = {*_ACTIVATIONS, "PReLU", "Threshold"}
_BY_EXAMPLE = [row.name for row in types.of_device() if row.family == "activation" and row.name not in _DRAWN_ELSEWHERE]
_DRAWN: dict[Callable[[_Generator], bool], int] = {
    _Generator.convolution: 6,
    _Generator.inner_product: 4,
    _Generator.activation: 9,
    _Generator.a_channel: 5,
    _Generator.pooling: 3,
    _Generator.softmax: 1,
    _Generator.lrn: 1,
    _Generator.eltwise: 3,
    _Generator.two_bottoms: 1,
    _Generator.concat: 2,
    _Generator.slice: 2,
    _Generator.split: 1,
    _Generator.view: 2,
    _Generator.on_cpu: 1,
}
_OPERATIONS, _WEIGHTS = list(_DRAWN), list(_DRAWN.values())
_LOSSES = (
    _Generator.softmax_loss,
    _Generator.softmax_loss,
    _Generator.euclidean_loss,
    _Generator.cross_entropy_loss,
    _Generator.hinge_loss,
    _Generator.weighted,
)
