"""NaN and infinity go through every layer and every solver as they go through stock Caffe's.

One element, some elements or all of an input, of a parameter or of a gradient are NaN or infinite, or one is so large that a
function overflows. Forward and backward of stock Caffe, in a process of its own, say what must come of it: NaN for NaN, infinity
for infinity of the same sign, and numbers for numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import not_finite_actor
import numpy as np
import numpy.typing as npt
import pytest
from not_finite_actor import Array, Values
from not_finite_cases import CASES, SOLVED, SOLVERS, STOCHASTIC, Case
from processes import Remote

from barista.layers import formulas
from barista.net import prototxt

NAN, INF = np.float32(np.nan), np.float32(np.inf)
LARGE = tuple(map(np.float32, (1e30, -1e30, 200, -200)))  # squares overflow, and exponentials
ALL = (NAN, INF, -INF, *LARGE)
TOLERANCE = 1e-4  # of numbers, as a part of the largest in their array: that they are right is what other tests are for


@pytest.fixture(scope="module")
def stock() -> Iterator[Remote]:
    remote = Remote(not_finite_actor.serve, None)
    yield remote
    remote.close()


@pytest.fixture(scope="module")
def on_device(device: str) -> Iterator[Remote]:
    remote = Remote(not_finite_actor.serve, device)
    yield remote
    remote.close()


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_finite_passes_as_in_stock_caffe(name: str, stock: Remote, on_device: Remote) -> None:
    case = CASES[name]
    whats, filled = fillings(case, drawn(case, *stock.ask("shapes", case.net)))
    if case.chooses:
        forward = stock.ask("run", replace(case.net, forward_only=True), filled)
        filled = [chosen_alone(values, found["y"]) for values, found in zip(filled, forward, strict=True)]
    wrong, instead = [], set()
    for what, expected, found in zip(whats, *(remote.ask("run", case.net, filled) for remote in (stock, on_device)), strict=True):
        for array, right in expected.items():
            it = found[array]
            same = agreement(right, it)
            if case.nan_instead and array in case.nan_instead.arrays:
                excused = ~same & np.isnan(it) & ~np.isnan(right)
                same |= excused
                instead.update([array] if excused.any() else [])
            wrong += [f"{what}: {line}" for line in disagreements(array, right, it, same)]
    assert not wrong, f"{len(wrong)} of {len(whats)}\n" + "\n".join(wrong[:40])
    assert instead == set(case.nan_instead.arrays if case.nan_instead else ()), "nothing is excused that need not be"


@pytest.mark.parametrize("name", SOLVERS)
def test_what_is_not_finite_moves_weights_as_in_stock_caffe(name: str, stock: Remote, on_device: Remote) -> None:
    """Three updates, of which the second has something in its gradients or its weights, and a fourth after new weights are set."""
    rng = np.random.default_rng(7)
    _, shapes = stock.ask("shapes", SOLVED.net)
    begin, *diffs = ({parameter: eighths(shape, rng) for parameter, shape in shapes.items()} for _ in range(5))
    solver = f'{SOLVERS[name]} lr_policy: "fixed" max_iter: 9 display: 0'
    for of_weights in (True, False):
        for parameter, array in (begin if of_weights else diffs[1]).items():
            for what, copy in altered(array, ALL, rng):
                weights: list[dict[str, Array]] = [begin, {}, {}, begin]
                gradients = list(diffs)
                (weights if of_weights else gradients)[1] = {**diffs[1], parameter: copy}
                updates = list(zip(weights, gradients, strict=True))
                found = (remote.ask("steps", solver, SOLVED.net, updates) for remote in (stock, on_device))
                for step, (expected, ours) in enumerate(zip(*found, strict=True)):
                    for moved, right in expected.items():
                        wrong = disagreements(moved, right, ours[moved], agreement(right, ours[moved]))
                        assert not wrong, f"{what} in {parameter}{'' if of_weights else ' gradient'}, step {step}: {wrong[0]}"


def test_what_is_not_finite_is_drawn_by_the_formula(on_device: Remote) -> None:
    whats, filled = fillings(STOCHASTIC, drawn(STOCHASTIC, *on_device.ask("shapes", STOCHASTIC.net)))
    layer = prototxt.parse(STOCHASTIC.net.layers, prototxt.Kind.NET, "net").layer[0]
    for what, values, found in zip(whats, filled, on_device.ask("run", STOCHASTIC.net, filled), strict=True):
        with np.errstate(all="ignore"):
            expected = formulas.stochastic_pooling(layer, values.data["x"], values.diffs["y"], not_finite_actor.SEED)
        for array, right in zip(("y", "x'"), expected, strict=True):
            assert not disagreements(array, right, found[array], agreement(right, found[array])), what


# --- values ----------------------------------------------------------------------------------------------------------------------


def eighths(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """From -2 to 2, zeros among them."""
    return (rng.integers(-16, 17, shape) / 8).astype(np.float32)


def drawn(case: Case, tops: dict[str, tuple[int, ...]], parameters: dict[str, tuple[int, ...]]) -> Values:
    rng = np.random.default_rng(7)

    def filled(name: str, shape: tuple[int, ...]) -> Array:
        if name in case.labels:
            return rng.integers(0, case.classes, shape).astype(np.float32)
        values = eighths(shape, rng)
        if name in case.positive:
            values = np.abs(values) + np.float32(0.5)
        return np.where(values == 0, np.float32(1), values) if name in case.scalars else values

    data, weights, diffs = (
        {name: filled(name, shape) for name, shape in shapes.items()} for shapes in (case.net.bottoms, parameters, tops)
    )
    return Values(data, weights, {} if case.net.forward_only else diffs)


def altered(array: Array, specials: tuple[np.float32, ...], rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """Copies of an array in which something is not as usual, and what it is."""
    for value in specials:
        for where in sorted({0, array.size // 2, array.size - 1, int(rng.integers(array.size))}):
            copy = array.copy()
            copy.flat[where] = value
            yield f"{value:g} at {where}", copy
        if not np.isfinite(value):
            yield f"{value:g} throughout", np.full_like(array, value)
    for _ in range(3):
        copy = array.copy()
        for value in specials:
            if not np.isfinite(value):
                copy.flat[rng.integers(0, array.size, max(1, array.size // 12))] = value
        yield "some", copy


def fillings(case: Case, values: Values) -> tuple[list[str], list[Values]]:
    """What is altered, and all values with it."""
    rng = np.random.default_rng(8)
    whats, filled = [], []
    for part in ("data", "parameters", "diffs"):
        arrays = getattr(values, part)
        for name in (name for name in arrays if name not in case.labels):
            specials = [
                value for value in ALL if not (np.isnan(value) and name in case.scalars) and (case.large or value not in LARGE)
            ]
            for what, copy in altered(arrays[name], tuple(specials), rng):
                whats.append(f"{what} in {name} ({part})")
                filled.append(replace(values, **{part: {**arrays, name: copy}}))
    return whats, filled


def chosen_alone(values: Values, maxima: Array) -> Values:
    """Without gradients of windows of which nothing is chosen."""
    nothing = maxima == -np.finfo(np.float32).max
    return replace(values, diffs={top: np.where(nothing, np.float32(0), diff) for top, diff in values.diffs.items()})


def agreement(right: Array, it: Array) -> npt.NDArray[np.bool_]:
    """Where two arrays have the same, numbers but for rounding."""
    with np.errstate(all="ignore"):
        finite = np.isfinite(right)
        scale = np.abs(right[finite]).max(initial=1e-3)
        near = finite & (np.abs(it - right) <= TOLERANCE * scale)
    return np.asarray((np.isnan(right) & np.isnan(it)) | (right == it) | near)


def disagreements(array: str, right: Array, it: Array, same: npt.NDArray[np.bool_]) -> list[str]:
    """A line on the first element that is not the same, if there is one."""
    if same.all():
        return []
    at = np.unravel_index(np.argmin(same), same.shape)
    return [f"{array}{[int(i) for i in at]} is {it[at]}, not {right[at]} ({np.sum(~same)} of {same.size})"]
