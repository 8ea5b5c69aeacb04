"""Training steps that were recorded: the host's passes, and the device's commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from barista.runtime.records import Command

UPDATE = "update"  # what lies outside the layers' passes


@dataclass(frozen=True)
class Span:
    """One pass of one layer on the host. Times are nanoseconds of time.monotonic_ns()."""

    step: int
    layer: int
    backward: bool
    began: int
    ended: int
    first: int  # of the commands that it enqueued,
    last: int  # and one beyond


@dataclass(frozen=True)
class StepTime:
    """One step on the host: clearing gradients, the layers' passes, and the update. Its fields are those of a span."""

    began: int
    ended: int
    first: int
    last: int


@dataclass(frozen=True)
class Recorded:
    """Some steps, one after the other."""

    steps: tuple[StepTime, ...]
    spans: tuple[Span, ...]
    commands: tuple[Command, ...]  # on the device; none of stock Caffe
    finished: int  # when the device had done all
    counters: Mapping[str, int]  # of runtime.records.COUNTERS, over all steps; empty of stock Caffe

    @property
    def seconds(self) -> float:
        """A step."""
        return (self.finished - self.steps[0].began) / len(self.steps) / 1e9


def recorded(raw: Mapping[str, Any]) -> Recorded:
    """From what a worker answers to "record"."""
    steps = tuple(StepTime(*step) for step in raw["steps"])
    spans = tuple(Span(*span) for span in raw["spans"])
    commands = tuple(Command(*command) for command in raw["commands"])
    return Recorded(steps, spans, commands, raw["finished"], raw["counters"])
