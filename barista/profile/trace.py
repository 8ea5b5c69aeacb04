"""A timeline as a trace: JSON in Chrome's Trace Event Format, which chrome://tracing and Perfetto open.

A complete event (phase X) a kernel, copy, pass or step, times in microseconds, and metadata events that name and order the rows.
Perfetto wants the events of a row to lie apart or inside one another, and threads to have numbers of their own across processes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.net import prototxt
from barista.profile import timeline_plot
from barista.profile.records import UPDATE
from barista.profile.timeline import HOST, Timeline

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


def write(timeline: Timeline, path: Path) -> Path:
    """Writes the trace to `path` and the picture beside it, whose path it returns: the same name with .png. Raises BaristaError."""
    picture = path.with_suffix(".png")
    if picture == path:
        raise BaristaError(f"{path}: the trace is JSON, its picture beside it is called .png; say -o {path.with_suffix('.json')}")
    prototxt.write_text(path, json.dumps(trace(timeline)))
    timeline_plot.draw(timeline, picture)
    return picture
