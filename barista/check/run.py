"""One forward and backward pass of one layer: what goes into it, what comes out, and the names of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from barista.layers.tolerances import Array
from barista.net.shapes import Shape


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


def arrays(run: Run) -> Iterator[tuple[str, Array]]:
    """Name and value of each array that a pass makes; a second bottom's is called diff_src[1]."""
    for name in ("dst", "diff_src"):
        for i, array in enumerate(getattr(run, name)):
            yield numbered(name, i), array
    yield from _of_weights(run.diff_weights)
    for i, array in enumerate(run.statistics):
        yield numbered("statistics", i), array


def inputs(run: Run, statistics: bool) -> Iterator[tuple[str, Array]]:
    """Each array that a pass takes, under the name of its gradient; statistics have none."""
    for i, array in enumerate(run.src):
        yield numbered("diff_src", i), array
    if not statistics:
        yield from _of_weights(run.weights)


def _of_weights(arrays: list[Array]) -> Iterator[tuple[str, Array]]:
    names = ("diff_weights", "diff_bias")
    for i, array in enumerate(arrays):
        yield names[i] if i < len(names) else f"diff_weights[{i}]", array


def numbered(name: str, i: int) -> str:
    return name if i == 0 else f"{name}[{i}]"


def plain(name: str) -> str:
    return name.partition("[")[0]


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.standard_normal(shape, dtype=np.float32), np.float32)  # of no axes too, for which NumPy draws a number


def absolute(data: Run) -> Run:
    return Run(
        *([np.asarray(abs(array)) for array in arrays] for arrays in (data.src, data.weights, data.diff_dst, data.diff_weights))
    )
