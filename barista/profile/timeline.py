"""A timeline of training steps: what each queue of the device ran when, and what the host was at, as a trace and as a picture.

The trace is JSON in Chrome's Trace Event Format, which chrome://tracing and Perfetto open: a complete event (phase X) a kernel,
copy, pass or step, times in microseconds, and metadata events that name and order the rows. Perfetto wants the events of a row to
lie apart or inside one another, and threads to have numbers of their own across processes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.net import prototxt
from barista.profile import session as steps
from barista.profile.session import MadeLayer, Recorded, Task
from barista.profile.transfers import DOWNLOAD, PREFETCH, loader

HOST = 0  # the host's row; those of the queues follow
UPDATE = "update"  # what lies outside the layers' passes
WAITING = "waiting for the device"

# Layers of one family share a colour. Most hues are those that people with any colour vision tell apart (Okabe and Ito, "Color
# Universal Design", 2008); light and dark of one stand side by side, so its light blue is left out.
_FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "convolution": ("#0072B2", ("Convolution", "Deconvolution")),
    "inner product": ("#D55E00", ("InnerProduct", "Embed", "LSTM", "RNN")),
    "pooling": ("#E69F00", ("Pooling", "SPP")),
    "activation": (
        "#009E73",
        tuple("AbsVal BNLL Dropout ELU Exp Log Power PReLU ReLU Sigmoid Swish TanH Threshold".split()),
    ),
    "normalization": ("#CC79A7", ("BatchNorm", "Bias", "LRN", "MVN", "Scale")),
    "loss": (
        "#5E3C99",
        tuple(
            "Accuracy ContrastiveLoss EuclideanLoss HingeLoss InfogainLoss MultinomialLogisticLoss SigmoidCrossEntropyLoss Softmax"
            " SoftmaxWithLoss".split()
        ),
    ),
    "joining, splitting": (
        "#F0E442",
        tuple("BatchReindex Concat Crop Eltwise Flatten Reduction Reshape Slice Split Tile".split()),
    ),
    "data": ("#999999", tuple("Data DummyData HDF5Data ImageData Input MemoryData WindowData".split())),
    "other": ("#BBBBBB", ()),
    UPDATE: ("#333333", ()),
}
_DARK = ("convolution", "inner product", "activation", "loss")  # on which letters are white
_FAMILY_OF = {layer_type: family for family, (_, types) in _FAMILIES.items() for layer_type in types}


@dataclass(frozen=True)
class Bar:
    """Something that took time on one row. Times are nanoseconds since the first step began."""

    row: int
    name: str  # a kernel's without its unit's number, upload, prefetch, download, zero; of the host's, empty for a pass, or WAITING
    layer: str  # or UPDATE
    family: str
    phase: str  # "forward", "backward" or "update"
    step: int
    began: int
    ended: int
    bytes: int = 0
    queued: int = 0  # from the host's enqueueing to its beginning


@dataclass(frozen=True)
class Timeline:
    net: str
    device: str
    rows: tuple[str, ...]  # their names: the host, then the device's queues
    steps: tuple[tuple[int, int, int], ...]  # number, and when it began and ended on the host
    bars: tuple[Bar, ...]
    length: int  # until the device had done all

    def busy(self, row: int) -> int:
        """Nanoseconds in which something ran there; of the host, in which it did not wait."""
        sign = {WAITING: -1}
        return sum((bar.ended - bar.began) * sign.get(bar.name, 1) for bar in self.bars if bar.row == row)


def of(task: Task, made: Sequence[MadeLayer], recorded: Recorded, device: str, units: int, first_step: int) -> Timeline:
    """The timeline of recorded steps, of which the first is number `first_step` of the training."""
    rows = ("host", *(f"compute unit {unit}" for unit in range(units)), "uploads", "downloads")
    bars = tuple(_Bars(task, made, recorded, first_step))
    start = recorded.steps[0].began
    times = tuple((first_step + i, step.began - start, step.ended - start) for i, step in enumerate(recorded.steps))
    return Timeline(task.name, device, rows, times, bars, recorded.finished - start)


class _Bars:
    """Iterates over the bars of all rows."""

    def __init__(self, task: Task, made: Sequence[MadeLayer], recorded: Recorded, first_step: int) -> None:
        self._made = made
        self._names = [layer.name for layer in made]
        self._families = [_FAMILY_OF.get(steps.decision_of(task, layer).type, "other") for layer in made]
        self._recorded = recorded
        self._first_step = first_step
        self._start = recorded.steps[0].began

    def __iter__(self) -> Iterator[Bar]:
        for number, step in enumerate(self._recorded.steps, self._first_step):
            spans = [span for span in self._recorded.spans if self._first_step + span.step == number]
            outside = (UPDATE, UPDATE, UPDATE, number)
            yield from self._stretch(outside, step.began, spans[0].began, step.first, spans[0].first)
            for span in spans:
                phase = "backward" if span.backward else "forward"
                owner = (self._names[span.layer], self._families[span.layer], phase, number)
                yield from self._stretch(owner, span.began, span.ended, span.first, span.last)
            yield from self._stretch(outside, spans[-1].ended, step.ended, spans[-1].last, step.last)

    def _stretch(self, owner: tuple[str, str, str, int], began: int, ended: int, first: int, last: int) -> Iterator[Bar]:
        """The host from `began` to `ended`, and the commands that it enqueued meanwhile."""
        yield Bar(HOST, "", *owner, began - self._start, ended - self._start)
        for command in self._recorded.commands[first:last]:
            whose = owner
            if command.name == PREFETCH:  # by another thread, whatever Caffe's own is at
                source = loader(self._made, command)
                whose = (self._names[source], self._families[source], "forward", owner[3])
            if command.name == DOWNLOAD:  # the host waits from when it asks
                until = min(command.ended, ended)
                yield Bar(HOST, WAITING, *owner, command.enqueued - self._start, max(until, command.enqueued) - self._start)
            yield Bar(
                1 + command.queue,
                re.sub(r"_\d+$", "", command.name),
                *whose,
                command.began - self._start,
                command.ended - self._start,
                command.bytes,
                command.began - command.enqueued,
            )


# --- the trace -----------------------------------------------------------------------------------------------------------------

_HOST_PROCESS, _DEVICE_PROCESS = 1, 2


def trace(timeline: Timeline) -> dict[str, Any]:
    """The trace as an object for JSON."""
    events = list(_metadata(timeline))
    for number, began, ended in timeline.steps:
        events.append(_event(f"step {number}", "step", HOST, began, ended, {}))
    for bar in timeline.bars:
        arguments: dict[str, Any] = {"layer": bar.layer, "phase": bar.phase, "step": bar.step, "type": bar.family}
        if bar.row != HOST:
            arguments["queued_us"] = bar.queued / 1e3
        if bar.bytes:
            arguments["bytes"] = bar.bytes
        name = f"{bar.layer} {bar.name or bar.phase}" if bar.layer != UPDATE or bar.name else UPDATE
        events.append(_event(name, bar.phase, bar.row, bar.began, bar.ended, arguments))
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"net": timeline.net, "device": timeline.device, "written by": "barista profile"},
    }


def _metadata(timeline: Timeline) -> Iterator[dict[str, Any]]:
    for process, name in ((_HOST_PROCESS, "host"), (_DEVICE_PROCESS, timeline.device)):
        yield {"ph": "M", "pid": process, "tid": 0, "name": "process_name", "args": {"name": name}}
        yield {"ph": "M", "pid": process, "tid": 0, "name": "process_sort_index", "args": {"sort_index": process}}
    for row, name in enumerate(timeline.rows):
        thread = {"ph": "M", **_place(row)}
        yield {**thread, "name": "thread_name", "args": {"name": "Caffe" if row == HOST else name}}
        yield {**thread, "name": "thread_sort_index", "args": {"sort_index": row}}


def _event(name: str, category: str, row: int, began: int, ended: int, arguments: dict[str, Any]) -> dict[str, Any]:
    times = {"ts": began / 1e3, "dur": (ended - began) / 1e3}
    return {"ph": "X", "name": name, "cat": category, **_place(row), **times, "args": arguments}


def _place(row: int) -> dict[str, int]:
    return {"pid": _HOST_PROCESS if row == HOST else _DEVICE_PROCESS, "tid": 1 + row}


# --- the picture ---------------------------------------------------------------------------------------------------------------

_INK = "#333333"
_GRID_COLOUR = "#DDDDDD"
_WIDTH_INCHES, _DPI = 16, 150
_BAR_HEIGHT = 0.8
_LEGEND_COLUMNS = 7
_SMALLEST_GAP = 400  # into which part of the whole a gap must fit that is no gap
_LETTER_POINTS = 4.1  # the width of a letter at _FONT_POINTS
_FONT_POINTS = 7


def draw(timeline: Timeline, picture: Path) -> None:
    """Writes the picture, a PNG: a row a queue, bars coloured by the layer's family, dark in backward passes."""
    # Imported here: it takes longer than the rest of the command, and the Figure alone does without a window system.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, 1.9 + 0.62 * len(timeline.rows)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    last = timeline.steps[-1][0]
    which = f"step {last}" if len(timeline.steps) == 1 else f"steps {timeline.steps[0][0]} to {last}"
    figure.suptitle(f"{Path(timeline.net).name}: {which} on {timeline.device}", fontsize=11, color=_INK)
    _draw_bars(axes, timeline)
    _draw_labels(axes, timeline)
    for number, began, ended in timeline.steps:
        for edge in (began, ended):
            axes.plot([edge / 1e6] * 2, [-0.72, -_BAR_HEIGHT / 2], color=_INK, linewidth=1, clip_on=False)
        axes.text((began + ended) / 2e6, -0.48, f"step {number}", ha="center", va="bottom", fontsize=8, color=_INK)
    axes.set_yticks(range(len(timeline.rows)), [_row_label(timeline, row) for row in range(len(timeline.rows))])
    axes.set_ylim(len(timeline.rows) - 0.5, -0.72)
    axes.set_xlim(0, timeline.length / 1e6)
    axes.set_xlabel("ms", color=_INK)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    axes.grid(True, axis="x", color=_GRID_COLOUR, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _draw_legend(figure, timeline)
    aside = picture.with_name(f".{picture.name}.aside")
    figure.savefig(aside, format="png")
    aside.replace(picture)


def _row_label(timeline: Timeline, row: int) -> str:
    return f"{timeline.rows[row]}\n{timeline.busy(row) / timeline.length:.0%} busy"


def _draw_bars(axes: Any, timeline: Timeline) -> None:
    """A collection for each row and colour: thousands of bars are drawn as quickly as ten."""
    shortest = timeline.length / 1e6 / (_WIDTH_INCHES * _DPI)  # a pixel: the shortest kernel can still be seen
    groups: dict[tuple[int, str, bool], list[tuple[float, float]]] = {}
    for bar in timeline.bars:
        colour = _colour(bar.family, bar.phase == "backward")
        width = max((bar.ended - bar.began) / 1e6, shortest)
        groups.setdefault((bar.row, colour, bar.name == WAITING), []).append((bar.began / 1e6, width))
    for (row, colour, waiting), spans in groups.items():
        style = {"facecolors": "#FFFFFF", "hatch": "////", "edgecolor": colour} if waiting else {"facecolors": colour}
        axes.broken_barh(spans, (row - _BAR_HEIGHT / 2, _BAR_HEIGHT), linewidth=0, zorder=3 if waiting else 2, **style)


def _colour(family: str, backward: bool) -> str:
    """The family's, lighter in forward passes."""
    colour = _FAMILIES[family][0]
    if backward or family == UPDATE:
        return colour
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - 0.55 * (255 - part)):02X}" for part in parts)


def _draw_labels(axes: Any, timeline: Timeline) -> None:
    """Layers' names on the stretches of a row that one pass of theirs fills, where there is room."""
    points_a_ns = 0.9 * _WIDTH_INCHES * 72 / timeline.length
    waiting = [bar for bar in timeline.bars if bar.name == WAITING]
    for row in range(len(timeline.rows)):
        for layer, began, ended, dark in _stretches(timeline, row):
            waits = any(began <= bar.began < ended for bar in waiting) and row == HOST
            room = (ended - began) * points_a_ns
            size = _LETTER_POINTS * len(layer) + 4
            upright = size > room >= 2 * _LETTER_POINTS and size < 30
            if size <= room or upright:
                axes.text(
                    (began + ended) / 2e6,
                    row,
                    layer,
                    rotation=90 if upright else 0,
                    ha="center",
                    va="center",
                    fontsize=_FONT_POINTS,
                    color="#FFFFFF" if dark and not waits else _INK,
                    zorder=4,
                    bbox={"facecolor": "#FFFFFF", "alpha": 0.85, "linewidth": 0, "pad": 1} if waits else None,
                )


def _stretches(timeline: Timeline, row: int) -> Iterator[tuple[str, int, int, bool]]:
    """Runs of bars of one pass on a row, with next to no gaps: layer, from when to when, and whether its colour is dark."""
    run: list[Bar] = []
    for bar in sorted((bar for bar in timeline.bars if bar.row == row and bar.name != WAITING), key=lambda bar: bar.began):
        gap = bar.began - run[-1].ended if run else 0
        if run and ((run[0].layer, run[0].phase) != (bar.layer, bar.phase) or gap * _SMALLEST_GAP > timeline.length):
            yield _stretch(run)
            run = []
        run.append(bar)
    if run:
        yield _stretch(run)


def _stretch(run: Sequence[Bar]) -> tuple[str, int, int, bool]:
    bar = run[0]
    dark = bar.family == UPDATE or (bar.phase == "backward" and bar.family in _DARK)
    return bar.layer, bar.began, run[-1].ended, dark


def _draw_legend(figure: Any, timeline: Timeline) -> None:
    from matplotlib.patches import Patch

    on_device: dict[str, int] = {}
    for bar in timeline.bars:
        on_device[bar.family] = on_device.get(bar.family, 0) + (bar.ended - bar.began if bar.row != HOST else 0)
    entries = []
    for family in _FAMILIES:
        if family in on_device:
            each = on_device[family] / len(timeline.steps) / 1e6
            entries.append(Patch(color=_FAMILIES[family][0], label=f"{family} {each:.2f} ms" if each else family))
    if any(bar.name == WAITING for bar in timeline.bars):
        entries.append(Patch(facecolor="#FFFFFF", edgecolor=_INK, hatch="////", linewidth=0, label=WAITING))
    title = "light: forward, dark: backward. Times are of a step, all queues of the device added up"
    columns = len(entries) if len(entries) <= _LEGEND_COLUMNS else (len(entries) + 1) // 2
    figure.legend(
        handles=entries, loc="outside lower center", ncols=columns, frameon=False, fontsize=8, title=title, title_fontsize=8
    )


def write(timeline: Timeline, path: Path) -> Path:
    """Writes the trace to `path` and the picture beside it, whose path it returns: the same name with .png. Raises BaristaError."""
    picture = path.with_suffix(".png")
    if picture == path:
        raise BaristaError(f"{path}: the trace is JSON, its picture beside it is called .png; say -o {path.with_suffix('.json')}")
    prototxt.write_text(path, json.dumps(trace(timeline)))
    draw(timeline, picture)
    return picture
