"""Comparing arrays element by element."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from barista.check.result import Comparison
from barista.check.run import Run, arrays
from barista.layers.tolerances import Array


def compare(data: str, expected: Run, found: Run, allowed: Callable[[str, Array], Any]) -> list[Comparison]:
    """Every array of `found` with that of `expected`; `allowed` says by how much its elements may differ."""
    comparisons = []
    for (name, stock), (_, device) in zip(arrays(expected), arrays(found), strict=True):
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
