"""Processes that take training steps (forward, backward, update) of a net, in stock Caffe or on a device, to be timed and compared.

A runner is the parent's end of such a process (barista.profile.worker). Runners of one comparison hold the same net from the same
seed, and their steps are interleaved, to cancel the machine's noise. A device is given the inputs anew in each step, as data would
be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream, resolved_as_json
from barista.errors import BaristaError
from barista.net import instances
from barista.net.shapes import MadeLayer
from barista.opencl import devices
from barista.profile.records import Recorded, recorded
from barista.profile.session import Task
from barista.runtime import process

STOCK = "stock Caffe"
# Threads of OpenBLAS look out for more work, at full speed, for some 30 ms after they had some: not while another's time is taken.
_SETTLE_SECONDS = 0.06


class Runner:
    """A process that trains. To be left as a context; raises BaristaError where it can't go on."""

    def __init__(self, name: str, command: Sequence[str], task: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        """`task` is the first request: see barista.profile.worker. It is answered by ready()."""
        self.name = name
        self._process = process.Process(command, task["name"], variables)
        self._process.tell(task)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.__exit__(kind, error, trace)

    def _request(self, **task: Any) -> process.Event:
        self._process.tell(task)
        return self._response()

    def _response(self) -> process.Event:
        event = self._process.hear()
        if event is None:
            raise BaristaError(f"{self.name}: its process ended too early")
        return event

    def ready(self) -> process.Event:
        """Waits until it can train; what it says of itself. To be called once, before all others."""
        return self._response()

    def run(self, steps: int) -> float:
        """Seconds a step."""
        time.sleep(_SETTLE_SECONDS)
        return float(self._request(do="run", steps=steps)["seconds"]) / steps

    def run_warm(self, steps: int) -> float:
        """The same after one more step, which is not timed: in it caches and threads come back from what another process did."""
        time.sleep(_SETTLE_SECONDS)
        self._request(do="run", steps=1)
        return float(self._request(do="run", steps=steps)["seconds"]) / steps

    def record(self, steps: int, *, warm: int = 1) -> Recorded:
        """Records steps, after `warm` others: the first one starts the threads that record."""
        time.sleep(_SETTLE_SECONDS)
        return recorded(self._request(do="record", steps=steps, warm=warm))

    def peak_bytes(self) -> int:
        """The most memory that the process has had so far."""
        return int(self._request(do="peak")["bytes"])


def caffe_runner(
    task: Task, place: tuple[Bitstream, devices.Device] | None, *, threads: int | None = None, seed: int = 1
) -> Runner:
    """Stock Caffe, or Caffe with the plugin on the device of `place`, as bitstream.resolve gives it.

    `threads` are OpenBLAS's (default: what the environment says); a device has as many as compute units.
    """
    variables = {} if threads is None else {"OPENBLAS_NUM_THREADS": str(threads)}
    if place is not None:
        variables |= bitstreams.environment(*place)
    command = [sys.executable, "-m", "barista.profile.worker"]
    resolved = resolved_as_json(*place) if place else None
    request = {"name": task.name, "solver": task.text(on_device=place is not None), "seed": seed, "resolved": resolved}
    return Runner(place[1].short_name if place else STOCK, command, request, variables)


def made_layers(ready: process.Event) -> tuple[MadeLayer, ...]:
    """The layers of the net that a runner made, from what its ready() says."""
    return tuple(instances.from_json(raw) for raw in ready["layers"])
