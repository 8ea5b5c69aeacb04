"""What comparing a layer with stock Caffe's comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from barista.net.shapes import Shape


@dataclass(frozen=True)
class Comparison:
    """The worst element of one array."""

    data: str  # "random", "integers" or "differences"
    array: str  # "dst", "diff_src", "diff_weights", "diff_bias", "statistics"; "dst[1]" of a second top
    error: float  # the absolute difference there
    allowed: float
    at: tuple[int, ...]  # its index

    @property
    def ratio(self) -> float:
        """Error over what is allowed: 1 is the limit."""
        if self.error == 0:
            return 0.0
        return self.error / self.allowed if self.allowed > 0 and self.error < inf else inf

    @property
    def passed(self) -> bool:
        return self.ratio <= 1


@dataclass(frozen=True)
class LayerResult:
    layer: str
    type: str  # the device's type, e.g. "FPGAConvolution"
    bottoms: tuple[Shape, ...]
    comparisons: tuple[Comparison, ...]
    seconds: float
    note: str = ""  # a sentence, where stock Caffe was not what it was compared with

    @property
    def passed(self) -> bool:
        return all(comparison.passed for comparison in self.comparisons)

    def worst(self, *data: str) -> Comparison | None:
        """The comparison nearest to its limit, or farthest beyond it, among those of `data` (default: all); None where none is."""
        return max((c for c in self.comparisons if not data or c.data in data), key=lambda c: c.ratio, default=None)


def from_json(raw: Mapping[str, Any]) -> LayerResult:
    """From the fields of a LayerResult as the worker (barista.check.worker) sends them."""
    comparisons = tuple(Comparison(**{**c, "at": tuple(c["at"])}) for c in raw["comparisons"])
    bottoms = tuple(tuple(shape) for shape in raw["bottoms"])
    return LayerResult(raw["layer"], raw["type"], bottoms, comparisons, raw["seconds"], raw["note"])
