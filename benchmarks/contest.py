"""Runners that train the same net in turns, and what their times say: what all benchmarks share.

A round gives each contestant one turn of some steps; who begins changes from round to round. A ratio is taken within each round, so
that what else the machine does meets both its times, and the median over the rounds is told with its quartiles.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from barista.bitstream import build as bitstreams
from barista.errors import BaristaError
from barista.profile.runner import STOCK, Runner, caffe_runner
from barista.profile.session import Task
from barista.runtime import blas

THREADS = 2  # of each contestant: OpenBLAS's, PyTorch's, compute units
_WARM_UP = 2  # steps in which plans are made and memory is first touched


@dataclass(frozen=True)
class Spread:
    """The median of some numbers and their middle half."""

    median: float
    first_quartile: float
    third_quartile: float

    @staticmethod
    def of(numbers: Sequence[float]) -> Spread:
        ordered = sorted(numbers)
        quarter = len(ordered) // 4
        return Spread(statistics.median(ordered), ordered[quarter], ordered[-1 - quarter])


@dataclass(frozen=True)
class Result:
    """Of one contest: seconds a step by contestant and round, and the most memory that each process had, bytes."""

    seconds: Mapping[str, Sequence[float]]
    peak_bytes: Mapping[str, int]
    versions: Mapping[str, str]  # of what the contestants run

    def ratio(self, slower: str, faster: str) -> Spread:
        """How many times as long `slower` takes as `faster`, round by round."""
        return Spread.of([one / other for one, other in zip(self.seconds[slower], self.seconds[faster], strict=True)])

    def as_json(self) -> dict[str, Any]:
        ratios = {name: asdict(self.ratio(STOCK, name)) for name in self.seconds if STOCK in self.seconds}
        return asdict(self) | {"stock_over": ratios}


Measure = Callable[[Runner], float]  # seconds a step


def contest(contestants: Sequence[Runner], rounds: int, measure: Measure, check: Callable[[Mapping[str, Any]], None]) -> Result:
    """Has each contestant measured once a round. `check` is given what each says of itself when it is ready.

    Raises BaristaError where one can't train.
    """
    seconds: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        for contestant in contestants:
            stack.enter_context(contestant)
        for contestant in contestants:
            ready = contestant.ready()
            check(ready)
            versions |= ready["versions"]
            contestant.run(_WARM_UP)
        for number in range(rounds):
            first = number % len(contestants)
            for contestant in (*contestants[first:], *contestants[:first]):
                seconds[contestant.name].append(measure(contestant))
        peaks = {contestant.name: contestant.peak_bytes() for contestant in contestants}
    return Result(seconds, peaks, versions)


def use_fastest_kernels() -> str | None:
    """Has stock Caffe multiply with the fastest of OpenBLAS's kernels for this machine, unless OPENBLAS_CORETYPE says others.

    Returns the core that they are for; None where Caffe has another BLAS. To be called before contestants start.
    """
    if not os.environ.get(blas.VARIABLE) and (core := blas.fastest()) is not None:
        os.environ[blas.VARIABLE] = core
    return os.environ.get(blas.VARIABLE) or None


def of_caffe(task: Task, devices: Sequence[str]) -> list[Runner]:
    """Stock Caffe and the devices. Raises BaristaError where a device is not there."""
    places = [bitstreams.resolve(device) for device in devices]
    return [caffe_runner(task, place, threads=THREADS) for place in (None, *places)]


def require_same_parameters(task: Task, count: int | None = None) -> Callable[[Mapping[str, Any]], None]:
    """A check() that all contestants learn as many numbers: nets written twice may differ."""
    counts = [count] if count is not None else []

    def check(ready: Mapping[str, Any]) -> None:
        counts.append(ready["parameters"])
        if len(set(counts)) > 1:
            raise BaristaError(
                f"{task.name}: one contestant has {counts[0]:,} parameters, another {counts[-1]:,}: not the same net"
            )

    return check
