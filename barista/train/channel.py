"""How worker and parent reach each other, on the worker's side: signals that ask it to stop, and events that it sends."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from barista.runtime.process import Answer


class Stop:
    """Whether the run was asked to stop. SIGTERM and SIGHUP ask; SIGINT is the parent's business."""

    def __init__(self) -> None:
        self.requested = False
        self.when_requested: Callable[[], None] = lambda: None
        self._hang_ups_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self.listen()

    def listen(self) -> None:
        """To be called again when libraries were loaded: Intel's OpenCL runtime puts its compiler's handlers in place of ours."""
        signal.signal(signal.SIGTERM, self._request)
        # A handler, since what is ignored stays so in programs that layers start.
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
        # A terminal that is closed; under nohup it means nothing, and the run goes on.
        signal.signal(signal.SIGHUP, signal.SIG_IGN if self._hang_ups_ignored else self._request)

    def reset(self) -> None:
        """As in a process that never listened."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if self._hang_ups_ignored else signal.SIG_DFL)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self.when_requested()


class Events:
    """What happens, told to the parent."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._start = time.monotonic()

    def send(self, event: str, **fields: Any) -> None:
        with suppress(BrokenPipeError):  # the parent is gone; its death has asked for the last snapshot
            self._answer.tell(event=event, **fields, seconds=round(time.monotonic() - self._start, 6))
