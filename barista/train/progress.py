"""What a person sees while a net trains: one live line on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

# Weight of the newest iteration in the running mean of its time: about the last twenty count.
_SMOOTHING = 0.1


class Rates:
    """Images a second, and the time left, from the seconds of events."""

    def __init__(self, first: int, last: int, images: int) -> None:
        """`images` a iteration, from iteration `first` to `last`."""
        self._first, self._last, self._images = first, last, images
        self._begin: float | None = None
        self._previous: float | None = None
        self._mean: float | None = None

    def iteration(self, seconds: float, done: int) -> None:
        """An iteration ended at `seconds`; `done` are complete."""
        if self._previous is not None:
            took = seconds - self._previous
            self._mean = took if self._mean is None else (1 - _SMOOTHING) * self._mean + _SMOOTHING * took
        if self._begin is None:
            self._begin, self._first = seconds, done
        self._previous = seconds
        self._done = done

    def pause(self, seconds: float) -> None:
        """Something else than an iteration ended at `seconds`: a test, a snapshot."""
        if self._previous is not None:
            self._previous = seconds

    @property
    def images_per_second(self) -> float | None:
        return self._images / self._mean if self._mean else None

    @property
    def seconds_left(self) -> float | None:
        """Tests and snapshots included, as far as there were any."""
        if self._begin is None or self._previous is None or self._done <= self._first:
            return None
        return (self._previous - self._begin) / (self._done - self._first) * (self._last - self._done)


class Progress(Protocol):
    """Shows a run; a context manager."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None: ...

    def note(self, text: str) -> None:
        """One sentence that stays."""

    def begin(self, net: str, device: str, iteration: int, last: int, images: int) -> None:
        """Training begins at `iteration`, of `last`, with `images` an iteration."""

    def iteration(self, event: Mapping[str, Any]) -> None: ...

    def test(self, event: Mapping[str, Any], accuracy: float | None) -> None: ...

    def snapshot(self, event: Mapping[str, Any]) -> None: ...


def duration(seconds: float | None) -> str:
    return "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))


def number(value: float | None) -> str:
    """A loss; one that is not finite comes as None."""
    return "nan" if value is None else f"{value:.4g}"


class _Run:
    """The state that both ways of showing share."""

    def __init__(self) -> None:
        self.last = 0
        self.done = 0
        self.loss: str | None = None  # before the first iteration
        self.accuracy: float | None = None
        self.rates: Rates | None = None

    def begin(self, iteration: int, last: int, images: int) -> None:
        self.last, self.done = last, iteration
        self.rates = Rates(iteration, last, images)

    def iteration(self, event: Mapping[str, Any]) -> None:
        self.loss = number(event["smoothed_loss"])
        if "learning_rate" in event:  # the pass after the last update has none
            self.done = event["iteration"] + 1
            if self.rates is not None:
                self.rates.iteration(event["seconds"], self.done)

    def pause(self, event: Mapping[str, Any]) -> None:
        if self.rates is not None:
            self.rates.pause(event["seconds"])

    def fields(self) -> list[str]:
        fields = [f"loss {self.loss}"] if self.loss is not None else []
        if self.accuracy is not None:
            fields.append(f"accuracy {self.accuracy:.2%}")
        if self.rates is not None and self.rates.images_per_second is not None:
            fields.append(f"{self.rates.images_per_second:,.0f} images/s")
            fields.append(f"{duration(self.rates.seconds_left)} left")
        return fields


class PlainProgress:
    """Lines on standard error: at the iterations that the solver displays, tests and snapshots."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._run = _Run()

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def begin(self, net: str, device: str, iteration: int, last: int, images: int) -> None:
        self._run.begin(iteration, last, images)
        start = f" from iteration {iteration:,}" if iteration else ""
        self.note(f"training {net} on {device}, {last:,} iterations of {images:,} images{start}")

    def iteration(self, event: Mapping[str, Any]) -> None:
        self._run.iteration(event)
        if "outputs" in event:
            self.note(f"iteration {event['iteration']:,}/{self._run.last:,}, " + ", ".join(self._run.fields()))

    def test(self, event: Mapping[str, Any], accuracy: float | None) -> None:
        self._run.pause(event)
        self._run.accuracy = accuracy if accuracy is not None else self._run.accuracy
        values = ", ".join(
            f"{output['name']} {number(output['values'][0])}" for output in event["outputs"] if len(output["values"]) == 1
        )
        self.note(f"iteration {event['iteration']:,}/{self._run.last:,}, test: {values or 'no output'}")

    def snapshot(self, event: Mapping[str, Any]) -> None:
        self._run.pause(event)
        self.note(f"iteration {event['iteration']:,}/{self._run.last:,}, snapshot {event['state']}")


class LiveProgress:
    """One line that is drawn anew, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._run = _Run()
        self._status = "opening the device"
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=5, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, net: str, device: str, iteration: int, last: int, images: int) -> None:
        self._status = ""
        self._run.begin(iteration, last, images)
        self.note(f"training {net} on {device}")

    def iteration(self, event: Mapping[str, Any]) -> None:
        self._run.iteration(event)

    def test(self, event: Mapping[str, Any], accuracy: float | None) -> None:
        self._run.pause(event)
        self._run.accuracy = accuracy if accuracy is not None else self._run.accuracy

    def snapshot(self, event: Mapping[str, Any]) -> None:
        self._run.pause(event)

    def _render(self) -> Table | Text:
        if self._run.rates is None:
            return Text(f"{self._status} ...", style="dim")
        line = Table.grid(padding=(0, 2))
        done = f"{self._run.done:,}/{self._run.last:,}"
        bar = ProgressBar(total=self._run.last, completed=self._run.done, width=24)
        line.add_row(bar, Text(done, style="bold"), *(Text(field) for field in self._run.fields()))
        return line


def on(console: Console) -> Progress:
    """The way to show that suits `console`."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console.file)
