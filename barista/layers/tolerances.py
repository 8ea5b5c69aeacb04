"""How far a device layer may be from stock Caffe's: what a comparison has to know of each type of layer.

Two layers that compute the same thing differ by rounding. How far they may is known best for sums of products, whose length is
known; every other function is judged by what it makes of inputs that are slightly off (see barista.check.report).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from barista.net.shapes import Shape, Shapes

if TYPE_CHECKING:  # CMake reads the rows with whatever Python there is, without NumPy
    import numpy as np
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[np.float32]"
# dst and diff_src of one image, of a layer, its src and its diff_dst; None where stock Caffe is as good.
Formula: TypeAlias = "Callable[[Any, Array, Array], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None]"
# dst and diff_src, to the bit what the device must make of them, of a layer, its src and its diff_dst, and the seed of Caffe's
# generator.
Instead: TypeAlias = "Callable[[Any, Array, Array, int], tuple[Array, Array]]"
# Products in one sum of each array that a layer makes; those of a second bottom's gradient, diff_src[1], where they are others.
Lengths = Callable[[Any, Shapes], Mapping[str, int]]


@dataclass(frozen=True)
class Tolerance:
    """How a type of layer is compared. `layer` is a LayerParameter."""

    lengths: Lengths | None = None  # products in a sum of dst, diff_src, diff_weights, diff_bias; None: no sums of products
    exact: Callable[[Any], bool] = lambda layer: False  # equal to the bit on any data: one rounding an element, or none
    exact_on_integers: Callable[[Any], bool] = lambda layer: False  # sums of whole numbers below 2^24 have no rounding at all
    shrink: Callable[[Any, Shape], Shape] | None = None  # to a size for finite differences; may change the message
    kinks: bool = False  # where values meet, or meet zero; finite differences then take values that are far apart
    linear: bool = True  # in each input: a difference has no error but rounding
    formula: Formula | None = None  # where stock Caffe may be far off, what it should be; its distance from that is allowed, too
    instead: Callable[[Any], Instead | None] = lambda layer: None  # where stock Caffe has no code: what its layer would have to be
    gradient: bool = True


def shrink_all(_layer: Any, shape: Shape) -> Shape:
    return tuple(min(size, 4) for size in shape)


def _always(_layer: Any) -> bool:
    return True


SMOOTH = Tolerance(shrink=shrink_all, linear=False)
PIECEWISE_LINEAR = Tolerance(exact=_always, exact_on_integers=_always, shrink=shrink_all, kinks=True)
MOVES = Tolerance(exact=_always, exact_on_integers=_always)  # no arithmetic
