"""The process in which Caffe trains: `python -m barista.worker EVENTS`, started by barista.train alone.

It takes its task, one JSON object, on standard input, and writes what happens to the file descriptor EVENTS, a JSON object a line:

    phase      {"phase", "iteration"}: what it begins to do; the last one before a death says where that was
    started    {"device", "bitstream", "net", "solver", "batch", "iteration", "parameters", ...}
    training   {"iteration"}: the first iteration is about to begin, 0 or where a snapshot left off
    iteration  {"iteration", "loss", "smoothed_loss", "learning_rate", "outputs" at displayed ones}
    test       {"iteration", "net", "outputs"}
    snapshot   {"iteration", "state", "model"}
    note       {"text"}
    finished   {"iteration", "reason": "done" or "stopped", "state": the snapshot to go on from, or null}
    failed     {"sentence"}
    fatal      {"message", "layer", "place"}: Caffe's last words, written by C++

All but the last two carry "seconds" since the start. SIGTERM asks it to snapshot and stop within an iteration; so does its parent's
death. SIGINT is for the parent, which a terminal gives it too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from barista import snapshot as snapshots
from barista.errors import BaristaError

_PR_SET_PDEATHSIG = 1
# Batches that are replayed between two looks at whether to stop.
_REPLAY_BATCHES = 16


class Stop:
    """Whether the run was asked to stop. SIGTERM and SIGHUP ask; SIGINT is the parent's business."""

    def __init__(self) -> None:
        self.requested = False
        self._hang_ups_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self.listen()

    def listen(self) -> None:
        """To be called again when libraries were loaded: Intel's OpenCL runtime puts its compiler's handlers in place of ours."""
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A terminal that is closed; under nohup it means nothing, and the run goes on.
        signal.signal(signal.SIGHUP, signal.SIG_IGN if self._hang_ups_ignored else self._request)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True


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


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


class Place:
    """How many batches each net has taken since it was constructed, in order: [[net, batches], ...]. Net 0 is the train net."""

    def __init__(self, batches: list[list[int]] | None = None) -> None:
        self.batches = [list(run) for run in batches or []]

    def add(self, net: int, batches: int) -> None:
        if self.batches and self.batches[-1][0] == net:
            self.batches[-1][1] += batches
        else:
            self.batches.append([net, batches])

    def total(self, net: int) -> int:
        return sum(batches for run_net, batches in self.batches if run_net == net)

    def nets(self) -> list[int]:
        return sorted({net for net, _ in self.batches})


class Run:
    """One training, from its construction to its last snapshot: what Solver::Solve does, in the same order."""

    def __init__(self, solver: Any, param: Any, task: dict[str, Any], events: Events, stop: Stop, aside: snapshots.Aside) -> None:
        self._solver = solver
        self._param = param
        self._task = task
        self._events = events
        self._stop = stop
        self._aside = aside
        self._place = Place()
        self._iteration = 0
        # What to remember where a snapshot falls between a test and the iteration after it: resumed, the test runs again.
        self._before_test: dict[str, Any] | None = None
        self._last_state: str | None = None  # of the present iteration

    def run(self) -> None:
        if self._task["state"] is not None:
            self._resume()
        self._events.send("phase", phase="training", iteration=self._iteration)
        self._events.send("training", iteration=self._iteration)
        while self._iteration < self._param.max_iter and not self._stop.requested:
            self._step()
        if self._stop.requested:
            self._finish_stopped()
        else:
            self._finish_done()

    def _step(self) -> None:
        if self._test_is_due() and (self._iteration > 0 or self._param.test_initialization):
            self._before_test = self._memory()
            self._test_all()
            if self._stop.requested:
                return
        result = self._solver.iterate()
        self._before_test = None
        self._last_state = None
        self._place.add(0, self._param.iter_size)
        self._iteration += 1
        self._events.send("iteration", **result)
        if self._param.snapshot and self._iteration % self._param.snapshot == 0:
            self._snapshot()

    def _finish_stopped(self) -> None:
        if self._last_state is None and self._iteration > 0:
            self._snapshot()
        self._events.send("finished", iteration=self._iteration, reason="stopped", state=self._last_state)

    def _finish_done(self) -> None:
        if self._param.snapshot_after_train and not (self._param.snapshot and self._iteration % self._param.snapshot == 0):
            self._snapshot()
        if self._param.display and self._iteration % self._param.display == 0:
            self._events.send("iteration", **self._solver.last_loss())
        if self._test_is_due():
            self._test_all()
        self._events.send("finished", iteration=self._iteration, reason="done", state=self._last_state)

    # --- tests -------------------------------------------------------------------------------------------------------------------

    def _test_is_due(self) -> bool:
        return bool(self._param.test_interval) and self._iteration % self._param.test_interval == 0

    def _test_all(self) -> None:
        for index, batches in enumerate(self._param.test_iter):
            self._solver.begin_test(index)
            for _ in range(batches):
                if self._stop.requested:
                    return
                self._solver.test_batch(index)
                self._place.add(index + 1, 1)
            self._events.send("test", **self._solver.end_test(index))

    # --- snapshots ---------------------------------------------------------------------------------------------------------------

    def _memory(self) -> dict[str, Any]:
        return {
            "seed": self._task["seed"],
            "iteration": self._iteration,
            "batches": [list(run) for run in self._place.batches],
            "data": self._task["data"],
            "solver": self._solver.memory(),
        }

    def _snapshot(self) -> None:
        self._events.send("phase", phase="snapshot", iteration=self._iteration)
        memory = self._before_test or self._memory()
        with _snapshot_errors(self._task["prefix"], self._iteration), self._aside:
            self._aside.reserve(self._solver.description["snapshot_bytes"])
            written = self._solver.snapshot(self._aside.prefix, self._aside.final_prefix)
            if written["problem"]:
                raise BaristaError(f"snapshot of iteration {self._iteration}: {written['problem']}, read back; is the disk full?")
            state = self._aside.put_in_place(Path(written["model"]), Path(written["state"]), memory)
        self._last_state = str(state)
        model = str(state.with_name(Path(written["model"]).name))
        self._events.send("snapshot", iteration=self._iteration, state=self._last_state, model=model)
        self._events.send("phase", phase="training", iteration=self._iteration)

    # --- resuming ----------------------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        self._events.send("phase", phase="resume", iteration=0)
        self._solver.restore(self._task["state"])
        self._iteration = self._solver.iteration
        memory = self._task["memory"]
        if memory is None:
            return
        self._place = Place(memory["batches"])
        if self._go_to_place():
            self._solver.remember(memory["solver"])
        # Until an iteration has run, the snapshot that was given is the one to go on from.
        self._last_state = self._task["given_state"]

    def _go_to_place(self) -> bool:
        """Brings every net to its place in the data; False where it was stopped on the way."""
        nets = 1 + len(self._param.test_iter)
        for net in self._place.nets():
            if net < nets:
                self._solver.skip(net, self._place.total(net))
        futile: set[int] = set(range(nets, 1 + max(self._place.nets(), default=0)))
        for net, batches in self._place.batches:
            for done in range(0, batches, _REPLAY_BATCHES):
                if self._stop.requested:
                    return False
                if net in futile or not self._solver.replay(net, min(_REPLAY_BATCHES, batches - done)):
                    futile.add(net)
                    break
        return True


@contextmanager
def _snapshot_errors(prefix: str, iteration: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = Path(prefix).absolute().parent
        raise BaristaError(f"snapshot of iteration {iteration}: {error.strerror}, in {folder}") from error


def _work(task: dict[str, Any], events: Events, stop: Stop) -> None:
    # Imported late: a signal that comes during these is heeded already.
    from google.protobuf import text_format

    from barista import caffe_proto, plugin
    from barista.caffe_solver import CaffeSolver

    events.send("phase", phase="device", iteration=0)
    param = text_format.Parse(task["solver"], caffe_proto.new("SolverParameter"))
    # pycaffe brings NumPy and scikit-image: half a second and 50 MB that nothing but a layer of type Python uses.
    nets = (param.net_param, param.train_net_param, *param.test_net_param)
    pycaffe = any(layer.type == "Python" for net in nets for layer in net.layer)
    loaded = plugin.load(task["device"], task["bitstream"], pycaffe=pycaffe)
    CaffeSolver.report_fatal_errors_to(loaded.library, events.descriptor)
    events.send("phase", phase="construction", iteration=0)
    stop.listen()
    solver = CaffeSolver(loaded.library, task["solver"])
    stop.listen()
    events.send("started", device=loaded.device.name, bitstream=str(loaded.bitstream.path), **solver.description)
    run = Run(solver, param, task, events, stop, snapshots.Aside(task["prefix"]))
    run.run()


def _end_with_parent(parent: int) -> None:
    """Has the kernel send SIGTERM when the parent dies: the worker then leaves a snapshot and ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    stop = Stop()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    events = Events(int(sys.argv[1]))
    task = json.load(sys.stdin)
    _end_with_parent(task["parent"])
    try:
        _work(task, events, stop)
    except BaristaError as error:
        events.send("failed", sentence=str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
