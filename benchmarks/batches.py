"""How the time of a training step grows with its batch: one net at several batches, which take turns on one device.

What a step costs besides the work on its images (launches, waits, the update, a PE array that a small batch does not fill) shows as
a distance from a straight line. The line goes through the smallest and the largest batch of the same round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from barista.bitstream import build as bitstreams
from barista.profile.runner import Runner, caffe_runner
from barista.profile.session import Task
from benchmarks import contest
from benchmarks.contest import THREADS, Result, Spread

BATCHES = (16, 32, 64, 128, 256)
_IMAGES = 1280  # a turn: as many for each batch, so that turns take about as long


@dataclass(frozen=True)
class Growth:
    """Seconds a step, by batch and round; at least two batches."""

    device: str
    seconds: Mapping[int, list[float]]

    def off_line(self) -> dict[int, Spread]:
        """Of each batch between the ends, by how much of it a step takes longer than the line says."""
        first, last = min(self.seconds), max(self.seconds)
        found = {}
        for batch in sorted(self.seconds):
            if batch not in (first, last):
                share = (batch - first) / (last - first)
                rounds = zip(self.seconds[first], self.seconds[batch], self.seconds[last], strict=True)
                found[batch] = Spread.of([taken / (low + share * (high - low)) - 1 for low, taken, high in rounds])
        return found

    def furthest(self) -> tuple[int, float] | None:
        """The batch whose median lies furthest off the line, and how far; None where there are only ends."""
        medians = {batch: spread.median for batch, spread in self.off_line().items()}
        return max(medians.items(), key=lambda found: abs(found[1]), default=None)

    def as_json(self) -> dict[str, Any]:
        furthest = self.furthest()
        return {
            "device": self.device,
            "seconds": {str(batch): times for batch, times in self.seconds.items()},
            "microseconds_an_image": {str(batch): Spread.of(times).median / batch * 1e6 for batch, times in self.seconds.items()},
            "off_line": {str(batch): asdict(spread) for batch, spread in self.off_line().items()},
            "furthest_off_line": {"batch": furthest[0], "share": furthest[1]} if furthest else None,
        }


def run(tasks: Mapping[int, Task], device: str, rounds: int) -> tuple[Growth, Result]:
    """`tasks` are one net by batch. Raises BaristaError where one can't train."""
    place = bitstreams.resolve(device)
    contestants = []
    for batch, task in tasks.items():
        contestant = caffe_runner(task, place, threads=THREADS)
        contestant.name = str(batch)
        contestants.append(contestant)
    check = contest.require_same_parameters(next(iter(tasks.values())))
    result = contest.contest(contestants, rounds, _seconds, check)
    return Growth(device, {batch: list(result.seconds[str(batch)]) for batch in tasks}), result


def _seconds(contestant: Runner) -> float:
    return contestant.run_warm(max(1, _IMAGES // int(contestant.name)))


def report(title: str, growth: Growth) -> str:
    """A line a batch, and how straight it all is."""
    off_line = growth.off_line()
    lines = [f"{title} on {growth.device}: a step at several batches, {THREADS} threads each"]
    for batch, times in growth.seconds.items():
        taken = Spread.of(times)
        line = f"  {batch:5} {taken.median * 1e3:9.2f} ms ({taken.first_quartile * 1e3:.2f} to {taken.third_quartile * 1e3:.2f})"
        line += f"  {taken.median / batch * 1e6:8.1f} us an image"
        if batch in off_line:
            off = off_line[batch]
            line += f"   {off.median:+.1%} off the line ({off.first_quartile:+.1%} to {off.third_quartile:+.1%})"
        lines.append(line)
    furthest = growth.furthest()
    if furthest:
        lines.append(f"  furthest off a straight line through the ends: {furthest[1]:+.1%}, at {furthest[0]}")
    return "\n".join(lines)
