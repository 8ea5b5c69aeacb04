"""How worker and parent reach each other, on the worker's side: signals that ask it to stop, and events that it sends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


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
    """The line to the parent."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._start = time.monotonic()

    def send(self, event: str, **fields: Any) -> None:
        line = {"event": event, **fields, "seconds": round(time.monotonic() - self._start, 6)}
        try:
            _write_all(self.descriptor, (json.dumps(line) + "\n").encode())
        except BrokenPipeError:
            pass  # the parent is gone; its death has asked for the last snapshot

    def close(self) -> None:
        """Nothing reaches the parent any more. The descriptor stays taken: C++ knows it by its number."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.descriptor)
        os.close(nowhere)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
