"""A device layer's gradients against differences of its own forward pass."""

from __future__ import annotations

import itertools
from math import inf, prod
from typing import Any

import numpy as np

from barista.check.one_layer import Make, OneLayer, draw, run
from barista.check.result import Comparison
from barista.check.rounding import rounding
from barista.check.run import Run, absolute, arrays, inputs, normal
from barista.layers import types
from barista.layers.tolerances import Array, Tolerance
from barista.net.shapes import Shape

COORDINATES = 24  # of each array: two forward passes each


def compare_differences(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> list[Comparison]:
    """The device layer's gradients against differences of its own forward pass, at a size at which that takes milliseconds."""
    row = types.of(layer.type)
    kind = row.tolerance
    if kind.shrink is None or not kind.gradient or kind.instead(layer):
        return []
    shapes = []
    for shape in bottoms:
        small = type(layer)()
        small.CopyFrom(layer)
        shapes.append(kind.shrink(small, shape))
    step, make = _steps(kind, rng)
    data, sizes = draw(caffe, small, tuple(shapes), rng, make)
    for array in data.diff_weights:
        array[...] = 0
    one = OneLayer(caffe, small, tuple(shapes), True)
    gradients = one.backward(data, one.forward(data))
    unit = rounding(max(kind.lengths(small, sizes).values()) if kind.lengths else 4)
    magnitudes = run(caffe, small, absolute(data), on_device=False) if kind.lengths else gradients
    differentiate = _Differences(one, data, step, [abs(array) for array in magnitudes.dst])
    comparisons = []
    for name, values in inputs(data, row.statistics):
        gradient, magnitude = (dict(arrays(run))[name] for run in (gradients, magnitudes))
        if np.isnan(gradient).all():
            continue  # there is none, as for labels
        found = []
        for c in rng.choice(values.size, min(COORDINATES, values.size), replace=False):
            numeric, slack, moved = differentiate(values.reshape(-1), c)
            error = abs(float(gradient.flat[c]) - numeric)
            truncation = 0.0 if kind.linear else step * step * moved
            allowed = unit * (slack + abs(float(magnitude.flat[c]))) + truncation
            if error > allowed and not kind.linear:
                # Of a function that bends more than most the error goes with the square of the step: half the step shows it.
                allowed += 2 * abs(numeric - differentiate(values.reshape(-1), c, step / 2)[0])
            at = tuple(int(k) for k in np.unravel_index(c, values.shape))
            found.append(Comparison("differences", name, inf if np.isnan(error) else error, allowed, at))
        comparisons.append(max(found, key=lambda comparison: comparison.ratio))
    return comparisons


def _steps(kind: Tolerance, rng: np.random.Generator) -> tuple[float, Make]:
    """The step of a difference, and values that suit it."""

    bottoms = itertools.count()

    def off_zero(shape: Shape) -> Array:
        """An eighth or more from zero, where a slope may change."""
        values = normal(rng, shape)
        return np.asarray(values + np.copysign(np.float32(0.125), values), np.float32)

    def apart(shape: Shape) -> Array:
        """A quarter apart or more; and a step, the first bottom's two, from zero and from those of two other bottoms."""
        ranks = rng.permutation(prod(shape)).reshape(shape)
        offset = (0.125, 0.0625, 0.1875)[next(bottoms) % 3]
        return np.asarray((ranks - prod(shape) // 2) * 0.25 + offset, np.float32)

    if kind.kinks:
        return 2.0**-4, apart
    # For a function that is linear in each input the difference has no error but rounding: a large step makes that small.
    return (0.5, off_zero) if kind.linear else (2.0**-6, off_zero)


class _Differences:
    """(F(x + h) - F(x - h)) / 2h in one coordinate, F = sum of diff_dst * dst.

    Only elements of dst that change take part; the others are equal to the bit. The sum is kept in double precision.
    """

    def __init__(self, one: OneLayer, data: Run, step: float, magnitudes: list[Array]) -> None:
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
