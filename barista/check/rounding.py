"""How far rounding lets a device layer be from stock Caffe's, and whether it is: on random values, and on whole numbers.

See barista.check.report for what is allowed and why.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from barista.check.elements import compare
from barista.check.one_layer import draw, run, run_stock
from barista.check.result import Comparison
from barista.check.run import Run, absolute, arrays, normal, numbered, plain
from barista.layers import types
from barista.layers.tolerances import Array, Formula
from barista.net.shapes import Shape

UNIT_ROUNDOFF = 2.0**-24  # of single precision
LAMBDA = 6.0  # the bound fails with probability 2 exp(-LAMBDA^2 / 2) = 3e-8 an element, and real errors stay far below it
EXACT_BELOW = 2**24  # whole numbers up to here are exact in single precision
OFF_BY = 4 * UNIT_ROUNDOFF  # how far inputs are moved to see what a function makes of it


def compare_random(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    kind = types.of(layer.type).tolerance
    data, sizes = draw(caffe, layer, bottoms, rng, lambda shape: normal(rng, shape))
    stock = run_stock(caffe, layer, data)
    device = run(caffe, layer, data, on_device=True)
    if kind.exact(layer):
        return compare("random", stock, device, lambda name, array: 0.0)
    if kind.lengths is not None:
        lengths = kind.lengths(layer, sizes)
        magnitudes = dict(arrays(run(caffe, layer, absolute(data), on_device=False)))

        def rounded(name: str, array: Array) -> Any:
            return rounding(lengths.get(name, lengths[plain(name)])) * magnitudes[name]

        return compare("random", stock, device, rounded)
    moved = run(caffe, layer, _moved(data, _chosen(layer, bottoms), rng), on_device=False)
    spread = {name: _spread(array, other) for (name, array), (_, other) in zip(arrays(stock), arrays(moved), strict=True)}
    largest = max(array.size for array in data.src)
    moved_from = {numbered("statistics", i): array for i, array in enumerate(data.weights)}  # which may cancel what is added
    distance = _distance_from_formula(kind.formula, layer, data, stock)

    def allowed(name: str, array: Array) -> Any:
        terms = max(1, largest // max(1, array.size))  # a loss, or the gradient of a shared parameter, sums over its inputs
        rounded = sqrt(terms) * UNIT_ROUNDOFF * abs(array)
        if name == "diff_src" and array.shape == data.diff_dst[0].shape:
            rounded = rounded + UNIT_ROUNDOFF * abs(data.diff_dst[0])  # it may be made of dst, such as of 1 - dst * dst
        if name in moved_from:
            rounded = rounded + UNIT_ROUNDOFF * abs(moved_from[name])
        return 2 * LAMBDA * (spread[name] + rounded) + distance.get(name, 0)

    return compare("random", stock, device, allowed)


def compare_integers(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    kind = types.of(layer.type).tolerance
    if not kind.exact_on_integers(layer):
        return []
    largest = 3

    def integers(shape: Shape) -> Array:
        return np.asarray(rng.integers(-largest, largest, shape, endpoint=True), np.float32)

    data, sizes = draw(caffe, layer, bottoms, rng, integers)
    if kind.lengths is not None:
        longest = max(kind.lengths(layer, sizes).values())
        largest = next((n for n in (3, 2, 1) if n * n * longest < EXACT_BELOW), 0)
        if largest == 0:
            return []  # sums of more than 2^24 products are not exact even for ones
        data, _ = draw(caffe, layer, bottoms, rng, integers)
    stock = run_stock(caffe, layer, data)
    return compare("integers", stock, run(caffe, layer, data, on_device=True), lambda name, array: 0.0)


def _chosen(layer: Any, bottoms: tuple[Shape, ...]) -> int | None:
    """The bottom that holds numbers of classes."""
    chooses = types.of(layer.type).chooses
    return chooses(layer, bottoms)[0] if chooses is not None else None


def _moved(data: Run, chosen: int | None, rng: np.random.Generator) -> Run:
    """The same inputs, each off by up to OFF_BY of itself, but for those of the bottom `chosen`."""

    def move(array: Array) -> Array:
        return np.asarray(array * (1 + rng.uniform(-OFF_BY, OFF_BY, array.shape)), np.float32)

    src = [array if i == chosen else move(array) for i, array in enumerate(data.src)]
    return Run(src, *([move(array) for array in arrays] for arrays in (data.weights, data.diff_dst, data.diff_weights)))


def _distance_from_formula(formula: Formula | None, layer: Any, data: Run, stock: Run) -> dict[str, Array]:
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


def rounding(length: int) -> float:
    """What two sums of `length` products may differ by, as a part of the sum of the products' sizes."""
    return 2 * LAMBDA * sqrt(length) * UNIT_ROUNDOFF
