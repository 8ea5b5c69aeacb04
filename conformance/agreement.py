"""Whether a net trains on the device as in stock Caffe: a few steps of both from the same weights, on the same data.

The stock process has no plugin in it. Both get the same solver but for the types of layers, and draw the same dropout masks. What
is compared is each step's losses, and what all steps added to each parameter: the worst element's difference, as a part of the
largest that stock Caffe added to an element of that blob. Statistics of BatchNorm are parameters here.

Runs that round differently drift apart, the more the deeper the net: where a sum lies at a threshold, a rounding decides whether
a gradient passes. So where a net differs by more than is allowed, stock Caffe is run against itself from weights that are off by
about one rounding (JITTER). What that makes of a net, rounding may make of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barista.bitstream import build as bitstreams
from barista.net import prototxt
from barista.rewrite import placement
from barista.runtime import process

JITTER = 1e-7
JITTERS = 3
LOSS = 1e-4
UPDATE = 1e-3
AMPLIFIED = 2  # times what stock Caffe differs from itself: which gradients a rounding decides is chance

Array = npt.NDArray[np.float32]
Inputs = list[dict[str, Array]]  # a step's value of each input blob


@dataclass(frozen=True)
class Task:
    """What conformance.agreement_worker is to do."""

    name: str
    solver: str  # file, with the net inside
    inputs: str  # .npz, "STEP BLOB" to array
    before: str  # .npz of the parameters, written
    after: str  # .npz likewise
    steps: int
    seed: int
    device: str | None = None  # None: stock Caffe
    bitstream: str | None = None
    start: str | None = None  # .npz of the parameters to begin with; None: what the net's fillers make
    jitter: float = 0.0
    jitter_seed: int = 0


@dataclass(frozen=True)
class Trained:
    parameters: tuple[str, ...]  # "LAYER NUMBER" of each
    losses: tuple[dict[str, float], ...]  # a step's outputs of one number
    seconds: tuple[float, ...]  # of each step
    before: Path  # .npz of the parameters
    after: Path


@dataclass(frozen=True)
class Difference:
    """Between two trainings, the first of which is stock Caffe's."""

    loss: float  # of any output in any step, as a part of stock Caffe's
    update: float  # of an element of a parameter, as a part of the blob's largest
    parameter: str  # "LAYER NUMBER" of that blob


@dataclass(frozen=True)
class Agreement:
    device: str
    difference: Difference
    itself: Difference | None  # stock Caffe's from itself, jittered, where the difference is beyond LOSS or UPDATE
    stock_seconds: float
    device_seconds: float

    @property
    def allowed(self) -> tuple[float, float]:
        """Differences in loss and update."""
        if self.itself is None:
            return LOSS, UPDATE
        return max(LOSS, AMPLIFIED * self.itself.loss), max(UPDATE, AMPLIFIED * self.itself.update)

    @property
    def passed(self) -> bool:
        loss, update = self.allowed
        return self.difference.loss <= loss and self.difference.update <= update

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"allowed": self.allowed, "passed": self.passed}


class Training:
    """A net's training in stock Caffe, with which others are compared."""

    def __init__(self, name: str, net: Any, solver: Any, inputs: Inputs, folder: Path, seed: int) -> None:
        """Runs it. `net` has Input layers for data, `solver` says no net; `folder` takes files of the net's size."""
        self.name = name
        self._net = net
        self._solver = solver
        self._folder = folder
        self._seed = seed
        self._steps = len(inputs)
        arrays: dict[str, Any] = {f"{step} {blob}": array for step, of in enumerate(inputs) for blob, array in of.items()}
        np.savez(folder / "inputs.npz", **arrays)
        self._itself: Difference | None = None
        self.stock = self._train("stock")

    def agreement(self, device: str | None) -> Agreement:
        """The device's training against stock Caffe's. Raises BaristaError where it can't be run."""
        built, picked = bitstreams.resolve(device, None)
        variables = bitstreams.environment(built, picked)
        start = str(self.stock.before)
        trained = self._train("device", variables, start=start, device=picked.short_name, bitstream=str(built.path))
        difference = self.difference(trained)
        itself = self.itself() if difference.loss > LOSS or difference.update > UPDATE else None
        return Agreement(picked.short_name, difference, itself, sum(self.stock.seconds), sum(trained.seconds))

    def itself(self) -> Difference:
        """Stock Caffe from itself where weights are off by JITTER: the worst of JITTERS tries."""
        if self._itself is None:
            start = str(self.stock.before)
            tries = (self._train("jittered", start=start, jitter=JITTER, jitter_seed=seed) for seed in range(JITTERS))
            found = [self.difference(trained) for trained in tries]
            most = max(found, key=lambda difference: difference.update)
            self._itself = Difference(max(difference.loss for difference in found), most.update, most.parameter)
        return self._itself

    def difference(self, other: Trained) -> Difference:
        pairs = zip(self.stock.losses, other.losses, strict=True)
        loss = max(relative(stock[name], step[name]) for stock, step in pairs for name in stock)
        worst, parameter = 0.0, ""
        with _values(self.stock) as stock, _values(other) as found:
            for name, (before, after), theirs in zip(self.stock.parameters, stock, found, strict=True):
                ratio = part_of_update(before, after, *theirs, self._steps)
                if not ratio <= worst:
                    worst, parameter = ratio, name
        return Difference(loss, worst, parameter)

    def _train(self, what: str, variables: Mapping[str, str] | None = None, **more: Any) -> Trained:
        param = type(self._solver)()
        param.CopyFrom(self._solver)
        param.net_param.CopyFrom(placement.place(self._net).net if "device" in more else placement.restore(self._net))
        file, inputs = self._folder / f"{what}.prototxt", self._folder / "inputs.npz"
        before, after = self._folder / f"{what}_before.npz", self._folder / f"{what}_after.npz"
        prototxt.write_text(file, prototxt.to_text(param))
        task = Task(self.name, str(file), str(inputs), str(before), str(after), self._steps, self._seed, **more)
        masks = {"BARISTA_MASKS": "caffe"}
        parameters, *steps = process.ask("conformance.agreement_worker", (), asdict(task), {**(variables or {}), **masks})
        losses, seconds = (tuple(step[field] for step in steps) for field in ("losses", "seconds"))
        return Trained(tuple(parameters["parameters"]), losses, seconds, before, after)


@contextmanager
def _values(trained: Trained) -> Iterator[Iterator[tuple[Array, Array]]]:
    """Each parameter before and after, one at a time."""
    with np.load(trained.before) as before, np.load(trained.after) as after:
        keys = [f"arr_{number}" for number in range(len(trained.parameters))]
        yield ((before[key], after[key]) for key in keys)


def part_of_update(before: Array, after: Array, other_before: Array, other_after: Array, steps: int) -> float:
    """The worst difference between two updates of a parameter, as a part of the largest element of the first.

    A unit in the last place of the element itself a step does not count: each addition to it rounds.
    """
    update, found = after.astype(np.float64) - before, other_after.astype(np.float64) - other_before
    with np.errstate(invalid="ignore"):
        difference = np.abs(found - update)
    if not np.isfinite(difference).all():
        return inf
    beyond = np.max(difference - steps * np.spacing(np.abs(after)), initial=0)
    largest = np.max(np.abs(update), initial=0)
    if beyond <= 0:
        return 0.0
    return float(beyond / largest) if largest > 0 else inf


def relative(expected: float, found: float) -> float:
    """The difference of two numbers as a part of the first."""
    if expected == found:
        return 0.0
    return abs(found - expected) / abs(expected) if expected and isfinite(expected) and isfinite(found) else inf
