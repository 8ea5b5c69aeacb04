"""Compares single layers on the device with stock Caffe's: `python -m barista.check.worker DEVICE BITSTREAM`, for check.report.

Its answer (barista.runtime.process) is a {"result": ...} a layer.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from math import inf, prod, sqrt
from typing import Any

import numpy as np

from barista.check.report import Comparison, LayerResult
from barista.errors import BaristaError
from barista.layers import tolerances as layer_kinds
from barista.layers.tolerances import Array, Make, Shape, Sizes
from barista.net import prototxt, schema
from barista.net import shapes as net_instances
from barista.rewrite import placement
from barista.runtime.process import Answer

UNIT_ROUNDOFF = 2.0**-24  # of single precision
LAMBDA = 6.0  # the bound fails with probability 2 exp(-LAMBDA^2 / 2) = 3e-8 an element, and real errors stay far below it
EXACT_BELOW = 2**24  # whole numbers up to here are exact in single precision
COORDINATES = 24  # of each array, for finite differences: two forward passes each
OFF_BY = 4 * UNIT_ROUNDOFF  # how far inputs are moved to see what a function makes of it
NO_STOCK_CODE = "stock Caffe has no code for it on the CPU, so it was compared with its formula"
SEED = 1  # of Caffe's generator before each pass: dropout's masks are the same for both layers


@dataclass(frozen=True)
class Run:
    """What goes into one forward and backward pass of one layer, and what comes out; arrays by blob's number."""

    src: list[Array]
    weights: list[Array]
    diff_dst: list[Array]
    diff_weights: list[Array]  # before backward: what the weights' gradients hold, and are added to
    dst: list[Array] = field(default_factory=list)
    diff_src: list[Array] = field(default_factory=list)
    statistics: list[Array] = field(default_factory=list)  # what forward made of the weights, where they are statistics


def main(device: str, bitstream: str) -> None:
    """Does the task on standard input."""
    answer = Answer()
    from barista.runtime import plugin

    task = json.load(sys.stdin)
    try:
        loaded = plugin.load(device, bitstream)
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    loaded.library.barista_training_report_to(answer.fileno())  # Caffe's last words, should it come to that
    caffe = loaded.caffe
    net = prototxt.parse(task["net"], prototxt.Kind.NET, task["name"])
    with answer.python_layers(task["name"], loaded.library):
        shapes = bottom_shapes(caffe, net, set(task["layers"]))
    for index, bottoms in shapes.items():
        layer = net.layer[index]
        answer.tell(begin=layer.name)
        answer.tell(result=asdict(check_layer(caffe, layer, bottoms, np.random.default_rng(task["seed"]))))


def check_layer(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> LayerResult:
    """All comparisons of one layer, of stock type, with its device layer. `bottoms` are its inputs' shapes."""
    start = time.monotonic()
    layer = _by_itself(layer)
    comparisons = [
        *_compare_random(caffe, layer, bottoms, rng),
        *_compare_integers(caffe, layer, bottoms, rng),
        *_compare_differences(caffe, layer, bottoms, rng),
    ]
    seconds = time.monotonic() - start
    note = NO_STOCK_CODE if layer_kinds.of(layer.type).instead(layer) else ""
    return LayerResult(layer.name, placement.PREFIX + layer.type, bottoms, tuple(comparisons), round(seconds, 3), note)


def bottom_shapes(caffe: Any, net: Any, wanted: set[int]) -> dict[int, tuple[Shape, ...]]:
    """The shapes of the wanted layers' bottoms, by the layers' places: the training net's layers, then those of test nets alone."""
    shapes: dict[int, tuple[Shape, ...]] = {}
    for layers in net_instances.of_phases(caffe, net):
        for made in layers:
            if made.index in wanted:
                shapes.setdefault(made.index, made.src)
        if wanted <= shapes.keys():
            break
    return shapes


def _by_itself(layer: Any) -> Any:
    """The layer with blobs of its own for all bottoms and tops, but where it works in place.

    Bottoms that are one blob are told apart: to Caffe they are blobs of a Split, each with a gradient of its own. A loss may leave
    out its top, for which Caffe then makes one.
    """
    own = type(layer)()
    own.CopyFrom(layer)
    own.ClearField("bottom")
    own.ClearField("top")
    own.bottom.extend(f"src[{i}]" for i in range(len(layer.bottom)))
    for i, blob in enumerate(layer.top):
        in_place = i < len(layer.bottom) and layer.bottom[i] == blob
        own.top.append(own.bottom[i] if in_place else f"dst[{i}]")
    if not own.top:
        own.top.append("dst[0]")
    return own


# --- the three comparisons -----------------------------------------------------------------------------------------------------


def _compare_random(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    kind = layer_kinds.of(layer.type)
    data, sizes = _draw(caffe, layer, bottoms, rng, lambda shape: _normal(rng, shape))
    stock = _run_stock(caffe, layer, data)
    device = _run(caffe, layer, data, on_device=True)
    if kind.exact(layer):
        return _compare("random", stock, device, lambda name, array: 0.0)
    if kind.lengths is not None:
        lengths = kind.lengths(sizes)
        magnitudes = dict(_arrays(_run(caffe, layer, _absolute(data), on_device=False)))

        def rounded(name: str, array: Array) -> Any:
            return _rounding(lengths.get(name, lengths[_plain(name)])) * magnitudes[name]

        return _compare("random", stock, device, rounded)
    moved = _run(caffe, layer, _moved(data, kind.labels, rng), on_device=False)
    spread = {name: _spread(array, other) for (name, array), (_, other) in zip(_arrays(stock), _arrays(moved), strict=True)}
    largest = max(array.size for array in data.src)
    moved_from = {_numbered("statistics", i): array for i, array in enumerate(data.weights)}  # which may cancel what is added
    distance = _distance_from_formula(kind.formula, layer, data, stock)

    def allowed(name: str, array: Array) -> Any:
        terms = max(1, largest // max(1, array.size))  # a loss, or the gradient of a shared parameter, sums over its inputs
        rounded = sqrt(terms) * UNIT_ROUNDOFF * abs(array)
        if name == "diff_src" and array.shape == data.diff_dst[0].shape:
            rounded = rounded + UNIT_ROUNDOFF * abs(data.diff_dst[0])  # it may be made of dst, such as of 1 - dst * dst
        if name in moved_from:
            rounded = rounded + UNIT_ROUNDOFF * abs(moved_from[name])
        return 2 * LAMBDA * (spread[name] + rounded) + distance.get(name, 0)

    return _compare("random", stock, device, allowed)


def _compare_integers(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    kind = layer_kinds.of(layer.type)
    if not kind.exact_on_integers(layer):
        return []
    largest = 3

    def integers(shape: Shape) -> Array:
        return np.asarray(rng.integers(-largest, largest, shape, endpoint=True), np.float32)

    data, sizes = _draw(caffe, layer, bottoms, rng, integers)
    if kind.lengths is not None:
        longest = max(kind.lengths(sizes).values())
        largest = next((n for n in (3, 2, 1) if n * n * longest < EXACT_BELOW), 0)
        if largest == 0:
            return []  # sums of more than 2^24 products are not exact even for ones
        data, _ = _draw(caffe, layer, bottoms, rng, integers)
    stock = _run_stock(caffe, layer, data)
    return _compare("integers", stock, _run(caffe, layer, data, on_device=True), lambda name, array: 0.0)


def _compare_differences(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    """The device layer's gradients against differences of its own forward pass, at a size at which that takes milliseconds."""
    kind = layer_kinds.of(layer.type)
    if kind.shrink is None or not kind.gradient or kind.instead(layer):
        return []
    shapes = []
    for shape in bottoms:
        small = type(layer)()
        small.CopyFrom(layer)
        shapes.append(kind.shrink(small, shape))
    step, make = _steps(kind, rng)
    data, sizes = _draw(caffe, small, tuple(shapes), rng, make)
    for array in data.diff_weights:
        array[...] = 0
    one = _OneLayer(caffe, small, tuple(shapes), True)
    gradients = one.backward(data, one.forward(data))
    rounding = _rounding(max(kind.lengths(sizes).values()) if kind.lengths else 4)
    magnitudes = _run(caffe, small, _absolute(data), on_device=False) if kind.lengths else gradients
    differentiate = _Differences(one, data, step, [abs(array) for array in magnitudes.dst])
    comparisons = []
    for name, inputs in _inputs(data, kind.statistics):
        gradient, magnitude = (dict(_arrays(run))[name] for run in (gradients, magnitudes))
        if np.isnan(gradient).all():
            continue  # there is none, as for labels
        found = []
        for c in rng.choice(inputs.size, min(COORDINATES, inputs.size), replace=False):
            numeric, slack, moved = differentiate(inputs.reshape(-1), c)
            error = abs(float(gradient.flat[c]) - numeric)
            truncation = 0.0 if kind.linear else step * step * moved
            allowed = rounding * (slack + abs(float(magnitude.flat[c]))) + truncation
            if error > allowed and not kind.linear:
                # Of a function that bends more than most the error goes with the square of the step: half the step shows it.
                allowed += 2 * abs(numeric - differentiate(inputs.reshape(-1), c, step / 2)[0])
            at = tuple(int(k) for k in np.unravel_index(c, inputs.shape))
            found.append(Comparison("differences", name, inf if np.isnan(error) else error, allowed, at))
        comparisons.append(max(found, key=lambda comparison: comparison.ratio))
    return comparisons


def _steps(kind: layer_kinds.Kind, rng: np.random.Generator) -> tuple[float, Make]:
    """The step of a difference, and values that suit it."""

    bottoms = itertools.count()

    def normal(shape: Shape) -> Array:
        """An eighth or more from zero, where a slope may change."""
        values = _normal(rng, shape)
        return np.asarray(values + np.copysign(np.float32(0.125), values), np.float32)

    def apart(shape: Shape) -> Array:
        """A quarter apart or more; and a step, the first bottom's two, from zero and from those of two other bottoms."""
        ranks = rng.permutation(prod(shape)).reshape(shape)
        offset = (0.125, 0.0625, 0.1875)[next(bottoms) % 3]
        return np.asarray((ranks - prod(shape) // 2) * 0.25 + offset, np.float32)

    if kind.kinks:
        return 2.0**-4, apart
    # For a function that is linear in each input the difference has no error but rounding: a large step makes that small.
    return (0.5, normal) if kind.linear else (2.0**-6, normal)


class _Differences:
    """(F(x + h) - F(x - h)) / 2h in one coordinate, F = sum of diff_dst * dst.

    Only elements of dst that change take part; the others are equal to the bit. The sum is kept in double precision.
    """

    def __init__(self, one: _OneLayer, data: Run, step: float, magnitudes: list[Array]) -> None:
        self.one, self.data, self.step, self.magnitudes = one, data, step, magnitudes

    def __call__(self, inputs: Array, coordinate: int, step: float | None = None) -> tuple[float, float, float]:
        """The difference; what its rounding scales with; and the size of diff_dst where dst changed.

        `inputs` is a view of one of the data's arrays, and holds what it held afterwards.
        """
        step = step or self.step
        value = inputs[coordinate]
        passes = []
        for sign in (1, -1):
            inputs[coordinate] = value + np.float32(sign * step)
            passes.append(self.one.forward(self.data))
        inputs[coordinate] = value
        difference = slack = moved = 0.0
        for above, below, g, size in zip(*passes, self.data.diff_dst, self.magnitudes, strict=True):
            changed = (above != below) & ~(np.isnan(above) & np.isnan(below))
            difference += float(np.vdot(above.astype(np.float64)[changed] - below[changed], g[changed]))
            slack += float(np.vdot(size[changed], abs(g[changed])))
            moved += float(abs(g[changed]).sum())
        if moved == 0:  # a change that is less than the rounding of what it is added to
            slack = max(
                float(np.max(size * abs(g), initial=0)) for g, size in zip(self.data.diff_dst, self.magnitudes, strict=True)
            )
        return difference / (2 * step), slack / step, moved


# --- one layer as a net --------------------------------------------------------------------------------------------------------


class _OneLayer:
    """A net of one layer, kept for several passes. Stock layers never work in place, where some have a wrong gradient."""

    def __init__(self, caffe: Any, layer: Any, bottoms: tuple[Shape, ...], on_device: bool) -> None:
        self.caffe = caffe
        self.layer = layer if on_device else _two_blobs(layer)
        self.net = net_instances.instantiate(caffe, _layer_net(self.layer, bottoms, on_device), caffe.TRAIN)
        self.last = len(self.net._layer_names) - 1
        self.parameters = list(self.net.layers[self.last].blobs)

    def forward(self, data: Run) -> list[Array]:
        for name, array in zip(self.layer.bottom, data.src, strict=True):
            self.net.blobs[name].data[...] = array
        for blob, array in zip(self.parameters, data.weights, strict=True):
            blob.data[...] = array
        self.caffe.set_random_seed(SEED)
        self.net._forward(0, self.last)
        return [self.net.blobs[name].data.copy() for name in self.layer.top]

    def backward(self, data: Run, dst: list[Array]) -> Run:
        """The gradients, of the pass of forward() before."""
        if not layer_kinds.of(self.layer.type).gradient:
            return Run(data.src, data.weights, data.diff_dst, [], dst)
        for name in self.layer.bottom:
            self.net.blobs[name].diff[...] = np.nan  # must be overwritten
        for name, array in zip(self.layer.top, data.diff_dst, strict=True):
            self.net.blobs[name].diff[...] = array
        for blob, array in zip(self.parameters, data.diff_weights, strict=True):
            blob.diff[...] = array
        self.net._backward(self.last, 0)
        diff_src = [self.net.blobs[name].diff.copy() for name in self.layer.bottom]
        diff_weights = [blob.diff.copy() for blob in self.parameters]
        moves = layer_kinds.of(self.layer.type).statistics
        statistics = [blob.data.copy() for blob in self.parameters] if moves else []
        return Run(data.src, data.weights, data.diff_dst, diff_weights, dst, diff_src, statistics)


def _run(caffe: Any, layer: Any, data: Run, on_device: bool) -> Run:
    """Forward and backward of `layer` alone, in a net that is gone afterwards: of a large layer, one at a time fits the memory."""
    one = _OneLayer(caffe, layer, tuple(array.shape for array in data.src), on_device)
    return one.backward(data, one.forward(data))


def _run_stock(caffe: Any, layer: Any, data: Run) -> Run:
    """The same of stock Caffe's layer, or of what takes its place."""
    instead = layer_kinds.of(layer.type).instead(layer)
    if instead is None:
        return _run(caffe, layer, data, on_device=False)
    dst, diff_src = instead(layer, data.src[0], data.diff_dst[0], SEED)
    return Run(data.src, data.weights, data.diff_dst, [], [dst], [diff_src])


def _draw(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator, make: Make) -> tuple[Run, Sizes]:
    """Inputs of every kind for `layer`, and its shapes. Labels, where it takes them, are class numbers."""
    one = _OneLayer(caffe, layer, bottoms, False)
    weights = tuple(tuple(blob.shape) for blob in one.parameters)
    tops = tuple(tuple(one.net.blobs[name].shape) for name in layer.top)
    src = [make(shape) for shape in bottoms]
    if layer_kinds.of(layer.type).labels:
        src[1] = rng.integers(0, layer_kinds.classes(bottoms[0], layer), bottoms[1]).astype(np.float32)
    data = Run(src, *([make(shape) for shape in shapes] for shapes in (weights, tops, weights)))
    if layer_kinds.of(layer.type).statistics:
        for array in data.weights:
            array[...] = abs(array) + 0.5
    return data, Sizes(layer, bottoms, tops, weights)


def _two_blobs(layer: Any) -> Any:
    apart = type(layer)()
    apart.CopyFrom(layer)
    apart.ClearField("top")
    apart.top.extend(f"dst[{i}]" for i in range(len(layer.top)))
    return apart


def _layer_net(layer: Any, bottoms: tuple[Shape, ...], on_device: bool) -> str:
    """A net of `layer` and inputs for it. Gradients are made for every input and every parameter."""
    net = schema.new("NetParameter")
    net.force_backward = True
    inputs = net.layer.add()
    inputs.name, inputs.type = "inputs", "Input"
    inputs.top.extend(layer.bottom)
    for shape in bottoms:
        inputs.input_param.shape.add().dim.extend(shape)
    only = net.layer.add()
    only.CopyFrom(layer)
    for unwanted in ("include", "exclude", "param", "propagate_down", "blobs"):
        only.ClearField(unwanted)
    net_instances.leave_unfilled(only)  # weights are set from outside
    if on_device:
        only.type = placement.PREFIX + layer.type
    return prototxt.to_text(net)


# --- arrays --------------------------------------------------------------------------------------------------------------------


def _arrays(run: Run) -> Iterator[tuple[str, Array]]:
    """Name and value of each array that a pass makes; a second bottom's is called diff_src[1]."""
    for name in ("dst", "diff_src"):
        for i, array in enumerate(getattr(run, name)):
            yield _numbered(name, i), array
    yield from _of_weights(run.diff_weights)
    for i, array in enumerate(run.statistics):
        yield _numbered("statistics", i), array


def _inputs(run: Run, statistics: bool) -> Iterator[tuple[str, Array]]:
    """Each array that a pass takes, under the name of its gradient; statistics have none."""
    for i, array in enumerate(run.src):
        yield _numbered("diff_src", i), array
    if not statistics:
        yield from _of_weights(run.weights)


def _of_weights(arrays: list[Array]) -> Iterator[tuple[str, Array]]:
    names = ("diff_weights", "diff_bias")
    for i, array in enumerate(arrays):
        yield names[i] if i < len(names) else f"diff_weights[{i}]", array


def _numbered(name: str, i: int) -> str:
    return name if i == 0 else f"{name}[{i}]"


def _plain(name: str) -> str:
    return name.partition("[")[0]


def _normal(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.standard_normal(shape, dtype=np.float32), np.float32)  # of no axes too, for which NumPy draws a number


def _absolute(data: Run) -> Run:
    return Run(
        *([np.asarray(abs(array)) for array in arrays] for arrays in (data.src, data.weights, data.diff_dst, data.diff_weights))
    )


def _moved(data: Run, labels: bool, rng: np.random.Generator) -> Run:
    """The same inputs, each off by up to OFF_BY of itself."""

    def move(array: Array) -> Array:
        return np.asarray(array * (1 + rng.uniform(-OFF_BY, OFF_BY, array.shape)), np.float32)

    src = [array if labels and i == 1 else move(array) for i, array in enumerate(data.src)]
    return Run(src, *([move(array) for array in arrays] for arrays in (data.weights, data.diff_dst, data.diff_weights)))


def _distance_from_formula(formula: layer_kinds.Formula | None, layer: Any, data: Run, stock: Run) -> dict[str, Array]:
    """How far each element of stock Caffe's result is from the formula's; empty without one. Image by image, to save memory."""
    if formula is None:
        return {}
    found = {"dst": stock.dst[0], "diff_src": stock.diff_src[0]}
    distance = {name: np.zeros_like(array) for name, array in found.items()}
    for n in range(len(data.src[0])):
        expected = formula(layer, data.src[0][n], data.diff_dst[0][n])
        if expected is None:
            return {}
        for name, array in zip(found, expected, strict=True):
            distance[name][n] = abs(found[name][n] - array)
    return distance


def _spread(array: Array, other: Array) -> float:
    """How far the elements of two arrays are apart, root mean square; where both are not numbers, they agree."""
    difference = (array.astype(np.float64) - other)[np.isfinite(array) & np.isfinite(other)]
    return float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0


def _rounding(length: int) -> float:
    """What two sums of `length` products may differ by, as a part of the sum of the products' sizes."""
    return 2 * LAMBDA * sqrt(length) * UNIT_ROUNDOFF


def _compare(data: str, expected: Run, found: Run, allowed: Callable[[str, Array], Any]) -> list[Comparison]:
    """Every array of `found` with that of `expected`; `allowed` says by how much its elements may differ."""
    comparisons = []
    for (name, stock), (_, device) in zip(_arrays(expected), _arrays(found), strict=True):
        comparisons.append(worst_element(data, name, stock, device, np.broadcast_to(allowed(name, stock), stock.shape)))
    return comparisons


def worst_element(data: str, name: str, expected: Array, found: Array, allowed: Any) -> Comparison:
    """The element of `found` that is nearest to its limit, or farthest beyond. Goes by slices of the first axis, to save memory.

    Where both arrays hold no number, or the same infinity, they agree; where one does, nothing allows for it.
    """
    if expected.ndim == 0:
        expected, found, allowed = expected.reshape(1), found.reshape(1), np.reshape(allowed, 1)
    worst = Comparison(data, name, 0.0, float(np.min(allowed)) if allowed.size else 0.0, ())
    for n in range(len(expected)):
        part = slice(n, n + 1)
        with np.errstate(all="ignore"):
            error = np.abs(found[part].astype(np.float64) - expected[part])
            error[(found[part] == expected[part]) | (np.isnan(found[part]) & np.isnan(expected[part]))] = 0
            error[np.isnan(error)] = inf
            ratio = np.where(error == 0, 0.0, error / np.nan_to_num(allowed[part]))
        at = np.unravel_index(np.argmax(ratio), ratio.shape)
        here = Comparison(data, name, float(error[at]), float(np.nan_to_num(allowed[part])[at]), (n, *(int(i) for i in at[1:])))
        if worst.at == () or here.ratio > worst.ratio:
            worst = here
    return worst


if __name__ == "__main__":
    main(*sys.argv[1:])
