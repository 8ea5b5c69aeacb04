"""The time of each layer's passes and of the solver's update, on the device and beside stock Caffe's, and what crosses for them.

Both train the same net from the same seed, each in a process of its own (barista.profile.session), and take turns of one step.
Times are medians over the steps. A layer's time on the device is that during which a kernel of its runs, on one compute unit or
several; its time on the host is that from the call of its pass to the return, in which it enqueues kernels, waits for data, or
computes.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream
from barista.bitstream.recipe import Recipe
from barista.errors import BaristaError
from barista.net.inputs import Shape
from barista.net.shapes import Made
from barista.plan import coverage, grid
from barista.profile import session as steps
from barista.profile import transfers as crossings
from barista.profile.session import MadeLayer, Recorded, Span, Task
from barista.profile.transfers import COPIES, DOWNLOAD, PREFETCH, UPLOAD, Cause, loader
from barista.rewrite.placement import Decision, Place
from barista.runtime.plugin import Command, GridPlan

UPDATE = "update"  # the row of what lies outside the layers' passes
_IDLE_MS = 0.005  # to call a pass that does nothing
_WARM_UP = 2  # steps in which plans are made and memory is first touched


@dataclass(frozen=True)
class Copy:
    """A copy that each step makes."""

    layer: str  # in whose pass
    phase: str  # "forward", "backward" or "update"
    direction: str  # "upload" or "download"
    blob: str  # empty where it can't be told
    bytes: int
    count: float  # a step
    who: str  # for whom: a layer on the CPU, or barista.profile.transfers.SOLVER, LOSS, HOST
    why: str  # of a layer on the CPU, why it is there


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
    share_of_peak: float | None  # the same of what the multiply grid can do at its clock; None where the device has none
    of_grid: float | None  # of the multiply grid, what its plan fills with products; None where the grid is not used

    @property
    def is_idle(self) -> bool:
        """Whether neither does anything, as in a data layer's backward pass."""
        used = (self.launches, self.upload_bytes, self.download_bytes)
        return not any(used) and max(self.host_ms, self.stock_ms or 0) < _IDLE_MS


@dataclass(frozen=True)
class StepTimes:
    """Of the steps of one contestant: their median, and the quartiles."""

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
    counters: Mapping[str, float]  # of plugin.COUNTERS, a step
    notes: tuple[str, ...]

    @property
    def ratio(self) -> float | None:
        """How many times as long stock Caffe takes."""
        return self.stock.ms / self.step.ms if self.stock else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio}


def measure(
    path: Path,
    device: str | None = None,
    bitstream: str | None = None,
    shapes: Mapping[str, Shape] | None = None,
    *,
    iterations: int = 10,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Times the training net of the net or solver in `path`. `progress` is told what is under way.

    Raises BaristaError where the net can't be read, made or run on the device; where stock Caffe can't run it, a note says why.
    """
    task = steps.prepare(path, shapes)
    built, picked = bitstreams.resolve(device, bitstream, note=progress)
    with ExitStack() as stack:
        progress("making the nets")
        ours = stack.enter_context(steps.caffe_contestant(task, (built, picked)))
        made = steps.made_layers(task, ours.ready())
        plans = _plans(task, made, ours)
        ours.run(_WARM_UP)
        stock, complaint = _stock(task, stack)
        recorded: list[Recorded] = []
        beside: list[Recorded] = []
        for number in range(iterations):
            progress(f"step {number + 1} of {iterations}")
            recorded.append(ours.record(1))
            if stock:
                beside.append(stock.record(1))
    notes = [*task.notes, *([complaint] if complaint else [])]
    return report(task, made, plans, built, picked.name, recorded, beside, notes)


def _plans(task: Task, made: Sequence[MadeLayer], ours: steps.Contestant) -> dict[int, list[GridPlan]]:
    """How the grid is used, by the number of the layer in `made`."""
    shapes = {}
    for number, layer in enumerate(made):
        if layer.index is not None and steps.decision_of(task, layer).place is Place.DEVICE:
            shapes[number] = grid.shape(task.net.layer[layer.index], _sizes(layer, layer.index))
    used = {number: shape for number, shape in shapes.items() if shape}
    return dict(zip(used, ours.grid_plans(list(used.values())), strict=True))


def _stock(task: Task, stack: ExitStack) -> tuple[steps.Contestant | None, str]:
    """Stock Caffe, warm; or why it can't run the net."""
    try:
        contestant = stack.enter_context(steps.caffe_contestant(task, None))
        contestant.ready()
        contestant.run(_WARM_UP)
    except BaristaError as error:
        return None, f"stock Caffe does not run it: {error}"
    return contestant, ""


def report(
    task: Task,
    made: Sequence[MadeLayer],
    plans: Mapping[int, Sequence[GridPlan]],
    bitstream: Bitstream,
    device: str,
    recorded: Sequence[Recorded],
    beside: Sequence[Recorded],
    notes: Iterable[str],
) -> Report:
    """What single steps that were recorded say: `recorded` on the device, `beside` in stock Caffe.

    `plans` are of the layers of `made`, by number, that multiply on the grid.
    """
    decisions = [steps.decision_of(task, layer) for layer in made]
    ours = [_Step(one, bitstream.recipe.compute_units, made) for one in recorded]
    theirs = [_Step(one, 0, made) for one in beside]
    clock_mhz = bitstream.manifest.get("clock_mhz")
    gradients = _gradients(task, made)
    products = _multiply_adds(task, made, gradients)
    of_grid = _of_grid(task, made, plans, gradients)
    rows = []
    for key in _keys(len(made)):
        row = replace(_row(key, made, decisions, ours, theirs), multiply_adds=products.get(key, 0), of_grid=of_grid.get(key))
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
        copies=_copies(made, decisions, ours),
        counters=counters,
        notes=tuple(notes),
    )


# --- rows ----------------------------------------------------------------------------------------------------------------------

Key = tuple[int, bool] | None  # a layer and whether it is its backward pass; None: the update


def _keys(layers: int) -> list[Key]:
    return [*((layer, backward) for layer in range(layers) for backward in (False, True)), None]


class _Step:
    """A recorded step, its commands by the pass that enqueued them."""

    def __init__(self, recorded: Recorded, units: int, made: Sequence[MadeLayer]) -> None:
        self.units = units
        self.recorded = recorded
        self.spans: dict[Key, list[Span]] = {}
        self.commands: dict[Key, list[Command]] = {}
        inside: set[int] = set()
        for span in recorded.spans:
            key = (span.layer, span.backward)
            self.spans.setdefault(key, []).append(span)
            self.commands.setdefault(key, []).extend(recorded.commands[span.first : span.last])
            inside.update(range(span.first, span.last))
        self.commands[None] = [command for i, command in enumerate(recorded.commands) if i not in inside]
        self.prefetched = list(self._move_prefetched(made))
        step, spans = recorded.steps[0], recorded.spans
        # Gradients are cleared before the first pass, parameters moved after the last.
        self._outside_ns = spans[0].began - step.began + step.ended - spans[-1].ended

    def _move_prefetched(self, made: Sequence[MadeLayer]) -> Iterator[tuple[int, Command]]:
        """To the passes for which they are: uploads of a layer, which are left out where they were."""
        for key, commands in list(self.commands.items()):
            self.commands[key] = [command for command in commands if command.name != PREFETCH]
        for command in self.recorded.commands:
            if command.name == PREFETCH:
                layer, upload = loader(made, command), replace(command, name=UPLOAD)
                self.commands.setdefault((layer, False), []).append(upload)
                yield layer, upload

    def host_ms(self, key: Key) -> float:
        return (self._outside_ns if key is None else sum(span.ended - span.began for span in self.spans.get(key, ()))) / 1e6

    def device_ms(self, *keys: Key) -> float:
        """While any kernel of these passes ran, of all where none is given."""
        chosen = keys or tuple(self.commands)
        return covered(command for key in chosen for command in self.commands.get(key, ()) if command.name not in COPIES) / 1e6

    def launches(self, key: Key) -> int:
        return sum(command.queue < self.units for command in self.commands.get(key, ()))

    def crossed(self, key: Key, direction: str) -> list[Command]:
        return [command for command in self.commands.get(key, ()) if command.name == direction]


def covered(commands: Iterable[Command]) -> int:
    """Nanoseconds in which at least one of the commands ran."""
    total, until = 0, 0
    for command in sorted(commands, key=lambda command: command.began):
        if command.ended > until:
            total += command.ended - max(command.began, until)
            until = command.ended
    return total


def _row(
    key: Key,
    made: Sequence[MadeLayer],
    decisions: Sequence[Decision],
    ours: Sequence[_Step],
    theirs: Sequence[_Step],
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
        of_grid=None,
    )


def _with_rate(row: Row, recipe: Recipe, clock_mhz: float | None) -> Row:
    if row.multiply_adds == 0 or row.device_ms == 0:
        return row
    a_second = row.multiply_adds / (row.device_ms / 1e3)
    multipliers = recipe.pe_rows * recipe.pe_columns * recipe.pe_depth * recipe.compute_units
    share = a_second / (multipliers * clock_mhz * 1e6) if clock_mhz else None
    return replace(row, gflops=2 * a_second / 1e9, share_of_peak=share)


@dataclass(frozen=True)
class _Gradients:
    """What a layer's backward pass makes."""

    weights: bool
    data: bool


def _gradients(task: Task, made: Sequence[MadeLayer]) -> dict[int, _Gradients]:
    """Of each layer of the prototxt, by its number in `made`."""
    found: dict[int, _Gradients] = {}
    learned: set[str] = set()  # blobs that depend on something that is learned
    for number, layer in enumerate(made):
        if layer.index is None:
            learned.update(layer.tops if learned & set(layer.bottoms) else ())
            continue
        param = task.net.layer[layer.index]
        rates = [param.param[i].lr_mult if i < len(param.param) else 1.0 for i in range(len(layer.weights))]
        wants = param.propagate_down or [bottom in learned or task.net.force_backward for bottom in layer.bottoms]
        found[number] = _Gradients(weights=bool(rates) and rates[0] != 0, data=any(wants))
        if any(rates) or any(wants):
            learned.update(layer.tops)
    return found


def _multiply_adds(task: Task, made: Sequence[MadeLayer], gradients: Mapping[int, _Gradients]) -> dict[Key, int]:
    """Of each pass, in a step. A backward pass makes as many for the weights' gradient, and again as many for the input's."""
    found: dict[Key, int] = {}
    for number, makes in gradients.items():
        index = made[number].index
        assert index is not None
        products = task.solver.settings.iter_size * coverage.multiply_adds(task.net.layer[index], _sizes(made[number], index))
        found[number, False] = products
        found[number, True] = products * (makes.weights + makes.data)
    return found


def _of_grid(
    task: Task, made: Sequence[MadeLayer], plans: Mapping[int, Sequence[GridPlan]], gradients: Mapping[int, _Gradients]
) -> dict[Key, float | None]:
    """Of each pass, the part of the multiply grid that it fills."""
    found: dict[Key, float | None] = {}
    for number, of_layer in plans.items():
        forward = [plan for plan in of_layer if plan.name == "forward"]
        weights = [plan for plan in of_layer if plan.name == "weights"]
        data = [plan for plan in of_layer if plan.name.startswith("data")]
        if steps.decision_of(task, made[number]).type == "Deconvolution":  # the plans are of the convolution that it transposes
            forward, data = data, forward
        makes = gradients[number]
        found[number, False] = grid.filled(forward)
        found[number, True] = grid.filled([*(weights if makes.weights else ()), *(data if makes.data else ())])
    return found


def _sizes(layer: MadeLayer, index: int) -> Made:
    return Made(index, layer.src, layer.dst, layer.weights)


def _step_times(recorded: Sequence[Recorded]) -> StepTimes:
    times = sorted(one.seconds * 1e3 for one in recorded)
    quarter = len(times) // 4
    return StepTimes(statistics.median(times), times[quarter], times[-1 - quarter])


# --- copies --------------------------------------------------------------------------------------------------------------------


def _copies(made: Sequence[MadeLayer], decisions: Sequence[Decision], ours: Sequence[_Step]) -> tuple[Copy, ...]:
    """Every copy of the steps, those that are alike counted together, in the order in which they are first made."""
    counts: dict[tuple[Key, str, int, Cause], int] = {}
    for step in ours:
        for key, command, cause in _crossings(made, decisions, step):
            copy = (key, command.name, command.bytes, cause)
            counts[copy] = counts.get(copy, 0) + 1
    return tuple(
        Copy(
            layer=UPDATE if key is None else made[key[0]].name,
            phase=UPDATE if key is None else "backward" if key[1] else "forward",
            direction=direction,
            blob=cause.blob,
            bytes=size,
            count=count / len(ours),
            who=cause.who,
            why=cause.why,
        )
        for (key, direction, size, cause), count in counts.items()
    )


def _crossings(made: Sequence[MadeLayer], decisions: Sequence[Decision], step: _Step) -> Iterator[tuple[Key, Command, Cause]]:
    for span in step.recorded.spans:
        copied = [command for command in step.recorded.commands[span.first : span.last] if command.name in (UPLOAD, DOWNLOAD)]
        for command, cause in zip(copied, crossings.causes(made, decisions, span.layer, span.backward, copied), strict=True):
            yield (span.layer, span.backward), command, cause
    for layer, command in step.prefetched:
        [cause] = crossings.causes(made, decisions, layer, False, [command])
        yield (layer, False), command, cause
    for command in step.commands[None]:
        if command.name in COPIES:
            yield None, command, Cause("", crossings.SOLVER, "")
