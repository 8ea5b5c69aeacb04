"""The files that a run leaves beside its snapshots: its log, what Caffe said, and its picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from barista.errors import BaristaError
from barista.train.progress import Progress


def messages_of(log: Path) -> Path:
    """Where all goes that Caffe says."""
    return _beside(log, ".caffe.txt")


def picture_of(log: Path) -> Path:
    return _beside(log, ".png")


class Journal:
    """The log, a JSON line an event, and Caffe's messages.

    A resumed run's are appended. A new run's take the place of those of an earlier run when training begins, and not before: a run
    that is refused leaves them, adds its messages to the earlier ones, and its events only where there was no log. Training goes
    on where the log can't be written any more.
    """

    def __init__(self, log: Path, show: Progress, *, anew: bool) -> None:
        """Raises BaristaError for a file that can't be opened or is something else than a log."""
        has_log = log.is_file() and log.stat().st_size > 0
        if has_log and not _is_log(log):
            raise BaristaError(f"log {log}: there is a file of that name that is not a log of a training; name another with --log")
        self._log, self._show = log, show
        self._file: IO[str] | None = _open(log, "a")
        self._messages = messages_of(log)
        self._held: list[str] | None = [] if anew and has_log else None  # lines of a run that has not begun to train
        aside = anew and self._messages.is_file() and self._messages.stat().st_size > 0
        self._aside = self._messages.with_name(f".{self._messages.name}.aside") if aside else None
        self.messages: IO[bytes] = _open(self._aside, "wb") if self._aside else _open(self._messages, "ab")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.messages.close()
        if self._aside is not None:
            self._add_messages(self._aside)
        self._write("", last=True)

    def event(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "training":
            self._begin()
        if event["event"] != "phase":
            line = json.dumps(event) + "\n"
            if self._held is not None:
                self._held.append(line)
            else:
                self._write(line, flush=event["event"] != "iteration")

    def _begin(self) -> None:
        """Training begins: an earlier run's files give way to this one's."""
        if self._aside is not None:
            self._aside.replace(self._messages)
            self._aside = None
        if self._held is not None:
            held, self._held = self._held, None
            self._write("".join(held), anew=True)

    def _add_messages(self, aside: Path) -> None:
        """Training never began: what Caffe said goes behind what it said in the earlier run."""
        try:
            with self._messages.open("ab") as messages:
                messages.write(aside.read_bytes())
            aside.unlink()
        except OSError as error:
            self._show.note(f"{self._messages}: {error.strerror}; what Caffe said is in {aside}")

    def _write(self, lines: str, *, anew: bool = False, flush: bool = False, last: bool = False) -> None:
        if self._file is None:
            return
        try:
            if anew:
                self._file.truncate(0)
            self._file.write(lines)
            if flush:
                self._file.flush()
            if last:
                self._file.close()
        except OSError as error:
            self._file = None
            self._show.note(f"log {self._log}: {error.strerror}; training goes on without it")


def _beside(log: Path, suffix: str) -> Path:
    file = log.with_suffix(suffix)
    return file if file != log else log.with_name(log.name + suffix)


def _open(path: Path, mode: str) -> IO[Any]:
    try:
        return path.open(mode)
    except OSError as error:
        raise BaristaError(f"log {path}: {error.strerror}") from error


def _is_log(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as lines:
            first = json.loads(lines.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and "event" in first
