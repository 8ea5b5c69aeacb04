"""The report of timed steps: a row a pass of a layer, the copies, and the steps themselves."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from barista.bitstream.manifest import Bitstream
from barista.bitstream.recipe import Recipe
from barista.net.shapes import MadeLayer
from barista.plan.costs import ArrayPlan
from barista.profile import work
from barista.profile.copies import Copy, of_steps
from barista.profile.records import UPDATE, Recorded
from barista.profile.session import Task, decision_of
from barista.profile.step import Key, Step, keys
from barista.profile.transfers import DOWNLOAD, UPLOAD
from barista.rewrite.placement import Decision, Place

_IDLE_MS = 0.005  # to call a pass that does nothing


@dataclass(frozen=True)
class Row:
    """One pass of one layer, or the update. Times and counts are of a step."""

    layer: str
    type: str
    place: str  # a Place's value
    phase: str  # "forward", "backward" or "update"
    device_ms: float
    host_ms: float
    stock_ms: float | None  # in stock Caffe; None where that can't run the net
    upload_bytes: float
    download_bytes: float
    launches: float
    multiply_adds: int
    gflops: float | None  # reached, two operations a multiply-add, over device_ms; None where nothing is multiplied there
    share_of_peak: float | None  # the same of what the PE array can do at its clock; None where the device has none
    pe_utilization: float | None  # of the PE array, what its plan fills with products; None where the array is not used

    @property
    def is_idle(self) -> bool:
        """Whether neither does anything, as in a data layer's backward pass."""
        used = (self.launches, self.upload_bytes, self.download_bytes)
        return not any(used) and max(self.host_ms, self.stock_ms or 0) < _IDLE_MS


@dataclass(frozen=True)
class StepTimes:
    """Of the steps of one runner: their median, and the quartiles."""

    ms: float
    first_quartile_ms: float
    third_quartile_ms: float


@dataclass(frozen=True)
class Report:
    net: str
    device: str
    bitstream: str
    steps: int
    step: StepTimes
    stock: StepTimes | None
    device_ms: float  # of a step, with any compute unit at work
    rows: tuple[Row, ...]
    copies: tuple[Copy, ...]
    counters: Mapping[str, float]  # of runtime.records.COUNTERS, a step
    notes: tuple[str, ...]

    @property
    def ratio(self) -> float | None:
        """How many times as long stock Caffe takes."""
        return self.stock.ms / self.step.ms if self.stock else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def of(
    task: Task,
    made: Sequence[MadeLayer],
    plans: Mapping[int, Sequence[ArrayPlan]],
    bitstream: Bitstream,
    device: str,
    recorded: Sequence[Recorded],
    beside: Sequence[Recorded],
    notes: Iterable[str],
) -> Report:
    """What single steps that were recorded say: `recorded` on the device, `beside` in stock Caffe.

    `plans` are of the layers of `made`, by number, that multiply on the array.
    """
    decisions = [decision_of(task, layer) for layer in made]
    ours = [Step(one, bitstream.recipe.compute_units, made) for one in recorded]
    theirs = [Step(one, 0, made) for one in beside]
    clock_mhz = bitstream.manifest.get("clock_mhz")
    passes = work.backward(task, made)
    products = work.multiply_adds(task, made, passes)
    pe_utilization = work.pe_utilization(task, made, plans, passes)
    rows = []
    for key in keys(len(made)):
        row = replace(
            _row(key, made, decisions, ours, theirs), multiply_adds=products.get(key, 0), pe_utilization=pe_utilization.get(key)
        )
        rows.append(_with_rate(row, bitstream.recipe, clock_mhz))
    counters = {name: statistics.mean(one.counters[name] for one in recorded) for name in recorded[0].counters}
    return Report(
        net=task.name,
        device=device,
        bitstream=bitstream.path.name,
        steps=len(recorded),
        step=_step_times(recorded),
        stock=_step_times(beside) if beside else None,
        device_ms=statistics.median(step.device_ms() for step in ours),
        rows=tuple(row for row in rows if not row.is_idle or row.phase == UPDATE),
        copies=of_steps(made, decisions, ours),
        counters=counters,
        notes=tuple(notes),
    )


def _row(
    key: Key,
    made: Sequence[MadeLayer],
    decisions: Sequence[Decision],
    ours: Sequence[Step],
    theirs: Sequence[Step],
) -> Row:
    if key is None:
        on_device = any(step.launches(None) for step in ours)
        layer, kind, place, phase = UPDATE, "", Place.DEVICE if on_device else Place.CPU, UPDATE
    else:
        decision = decisions[key[0]]
        layer, kind, place, phase = made[key[0]].name, decision.type, decision.place, "backward" if key[1] else "forward"
    return Row(
        layer=layer,
        type=kind,
        place=place.value,
        phase=phase,
        device_ms=statistics.median(step.device_ms(key) for step in ours),
        host_ms=statistics.median(step.host_ms(key) for step in ours),
        stock_ms=statistics.median(step.host_ms(key) for step in theirs) if theirs else None,
        upload_bytes=statistics.mean(sum(command.bytes for command in step.crossed(key, UPLOAD)) for step in ours),
        download_bytes=statistics.mean(sum(command.bytes for command in step.crossed(key, DOWNLOAD)) for step in ours),
        launches=statistics.mean(step.launches(key) for step in ours),
        multiply_adds=0,
        gflops=None,
        share_of_peak=None,
        pe_utilization=None,
    )


def _with_rate(row: Row, recipe: Recipe, clock_mhz: float | None) -> Row:
    if row.multiply_adds == 0 or row.device_ms == 0:
        return row
    a_second = row.multiply_adds / (row.device_ms / 1e3)
    multipliers = recipe.pe_rows * recipe.pe_columns * recipe.pe_depth * recipe.compute_units
    share = a_second / (multipliers * clock_mhz * 1e6) if clock_mhz else None
    return replace(row, gflops=2 * a_second / 1e9, share_of_peak=share)


def _step_times(recorded: Sequence[Recorded]) -> StepTimes:
    times = sorted(one.seconds * 1e3 for one in recorded)
    quarter = len(times) // 4
    return StepTimes(statistics.median(times), times[quarter], times[-1 - quarter])
