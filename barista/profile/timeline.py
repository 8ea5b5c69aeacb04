"""A timeline of training steps: what each queue of the device ran when, and what the host was at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from barista.layers import types
from barista.net.shapes import MadeLayer
from barista.profile.records import UPDATE, Recorded
from barista.profile.session import Task, decision_of
from barista.profile.transfers import DOWNLOAD, PREFETCH, loader

HOST = 0  # the host's row; those of the queues follow
WAITING = "waiting for the device"


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
        self._families = [types.of(decision_of(task, layer).type).family for layer in made]
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
