"""Runs commands with their output in a log file, while a line on the terminal shows how far they are."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tools.set_up.setting import SetUpError

_TICK_S = 0.5
_TAIL_BYTES = 4096
_TAIL_LINES = 20
_NINJA_COUNT = re.compile(rb"\[(\d+)/(\d+)\]")


class Runner:
    """One step's log, and its line of progress; a context manager.

    On a terminal the line is written over and over with the time, and ninja's count where there is one. Elsewhere there is one line
    when the step first runs a command and one when it is done. A step that runs no command says nothing.
    """

    def __init__(self, title: str, expected: str, log: Path, lock: BinaryIO) -> None:
        self._title = title
        self._expected = expected
        self._log_path = log
        self._lock = lock
        self._started = time.monotonic()
        self._shown = False
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self._log_path.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._log.close()
        if self._shown:
            self._show("done" if kind is None else "failed" if issubclass(kind, Exception) else "stopped", last=True)

    def note(self, text: str) -> None:
        """Says on the step's line what is being done, for work that is no command."""
        if not self._shown or self._live:
            self._show(text)
        self._shown = True

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        quick: bool = False,
        hold_lock: bool = False,
    ) -> None:
        """Runs `command` to its end; a failure raises SetUpError with the log's last lines.

        `quick` shows the line only once the command takes longer than a moment: for what usually has nothing to do. `hold_lock`
        lets the command inherit the set-up's lock, so that where we are killed and it goes on, the next set-up waits for it.
        """
        arguments = [str(part) for part in command]
        self._log.write(f"$ {' '.join(arguments)}\n".encode())
        self._log.flush()
        try:
            process = subprocess.Popen(
                arguments,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock.fileno()] if hold_lock else [],
            )
        except OSError as error:
            raise SetUpError(f"{arguments[0]}: {error.strerror}") from error
        try:
            status = self._wait(process, quick)
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
        if status != 0:
            raise SetUpError(f"{' '.join(arguments)}\nended with status {status}. The end of {self._log_path}:\n{self._tail()}")

    def output(self, *command: str | Path) -> str:
        """Standard output of a short command that must succeed."""
        arguments = [str(part) for part in command]
        try:
            return subprocess.run(arguments, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetUpError(f"{' '.join(arguments)}: {error}") from error

    def _wait(self, process: subprocess.Popen[bytes], quick: bool) -> int:
        if not quick and not self._shown:
            self.note(self._expected)
        while True:
            try:
                return process.wait(_TICK_S)
            except subprocess.TimeoutExpired:
                self.note(self._count() or self._expected)

    def _count(self) -> str:
        """The newest "[done/all]" of ninja in the log, as text, or nothing."""
        found = _NINJA_COUNT.findall(self._read_end())
        return f"{int(found[-1][0])} of {int(found[-1][1])}" if found else ""

    def _read_end(self) -> bytes:
        with self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return log.read()

    def _tail(self) -> str:
        lines = self._read_end().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines)

    def _show(self, text: str, last: bool = False) -> None:
        line = f"{self._title}: {text}"
        if self._live or last:
            line += f", {_clock(time.monotonic() - self._started)}"
        # Erase what is left of a longer line that stood here.
        print(f"\r{line}\x1b[K" if self._live else line, end="" if self._live and not last else "\n", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
