"""The worker's process, as its parent has it: its events, the signals that come meanwhile, and its end.

The first signal asks the worker for a snapshot and the end, a second one kills it. The worker leads a session of its own; what is
left of that when the worker has gone, such as loaders that a layer of type Python started, is ended too.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

from barista.runtime.process import Process, command
from barista.train.progress import Progress
from barista.train.task import Task

_STOPS = (signal.SIGINT, signal.SIGTERM)
# One Ctrl-C may come twice, from the terminal and from a program that passes it on.
_SAME_SIGNAL_S = 0.3
# How long a worker may take to end when it has said its last, and then what it started, once it was asked to.
_END_S = 10.0
_LEFT_OVER_S = 2.0


class Worker:
    """The process that trains, its events, and the signals that reach us meanwhile."""

    def __init__(self, task: Task, messages: IO[bytes]) -> None:
        """Starts it; what Caffe says goes to `messages`."""
        self.signal: int | None = None  # the first that came
        self._signalled = 0.0  # when
        self.killed_by: int | None = None  # the second
        self.deadline: float | None = None  # when it has to have ended, once it has said its last
        # Signals wait until the worker can heed them: a child inherits what its parent holds back.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            self.process = Process(command("barista.train.worker"), "", {}, log=messages, new_session=True)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        self.process.tell(task.as_json())
        self.process.tell_no_more()

    def events(self, show: Progress) -> Iterator[dict[str, Any]]:
        """Its events, until it has gone. Whether it has, the process tells: what it started may hold the pipe's other end."""
        gone = os.pidfd_open(self.process.pid)
        with _caught_signals() as signals, selectors.DefaultSelector() as selector:
            for descriptor in (self.process.fileno(), signals, gone):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                timeout = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
                ready = {key.fd for key, _ in selector.select(timeout)}
                if signals in ready:
                    for number in os.read(signals, 65536):
                        self._pass_on(number, show)
                if self.process.fileno() in ready or gone in ready:
                    events, closed = self.process.take()
                    if closed and gone not in ready:
                        selector.unregister(self.process)
                    yield from events
                if gone in ready:
                    break
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    self.deadline = None
                    show.note(f"the worker did not end within {_END_S:g} s: it was killed, and all that its layers had started")
                    self._kill()
        os.close(gone)

    def must_end(self) -> None:
        """It has said its last: it is killed unless it ends by itself in time."""
        if self.deadline is None:
            self.deadline = time.monotonic() + _END_S

    def end(self) -> int:
        """Ends what the worker has left running, and returns how it ended itself."""
        # Not reaped before its session is empty, so that no other process can get its number meanwhile.
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + _LEFT_OVER_S
            left_over = _session(self.process.pid)
            for process in left_over:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            while left_over and time.monotonic() < end:
                time.sleep(0.02)
                left_over = _session(self.process.pid)
        return self.process.wait()

    def _pass_on(self, number: int, show: Progress) -> None:
        if number == signal.SIGTSTP:
            self._stop_and_go_on()
        elif self.deadline is not None:
            self._kill()  # there is nothing left to wait for but the end
        elif self.signal is None:
            self.signal = number
            self._signalled = time.monotonic()
            show.note(f"{signal.Signals(number).name}: a snapshot, and the end; Ctrl-C stops at once, without a snapshot")
            self.process.send_signal(signal.SIGTERM)
        elif time.monotonic() - self._signalled > _SAME_SIGNAL_S:
            self.killed_by = number
            self._kill()

    def _kill(self) -> None:
        for process in (self.process.pid, *_session(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _stop_and_go_on(self) -> None:
        """Ctrl-Z: a terminal stops only its own session, so the worker's is stopped by hand until `fg` or `bg`."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.killpg(self.process.pid, signal.SIGCONT)


def _session(leader: int) -> list[int]:
    """The processes of a session that run, without its leader."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # NUMBER (NAME) STATE PARENT GROUP SESSION ...: a name may hold anything, so what follows its last parenthesis counts.
            state, _, _, session, *_ = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(session) == leader and state not in "ZX" and folder.name != str(leader):
                found.append(int(folder.name))
    return found


@contextmanager
def _caught_signals() -> Iterator[int]:
    """A file descriptor from which the numbers of SIGINT, SIGTERM and SIGTSTP can be read, a byte each, as they come."""
    reader, writer = os.pipe()

    def tell(number: int, _frame: FrameType | None) -> None:
        os.write(writer, bytes([number]))

    before = {number: signal.signal(number, tell) for number in (*_STOPS, signal.SIGTSTP)}
    try:
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
