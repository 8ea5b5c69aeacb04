"""The process in which Caffe trains: `python -m barista.train.worker`, started by barista.train.process alone.

It is asked for one Task (see barista.runtime.process), and answers with what happens:

    phase      {"phase", "iteration"}: what it begins to do; the last one before a death says where that was
    started    {"barista": its version, "device", "bitstream", "net", "solver", "batch", "iteration", "parameters",
               "stock_code": [[layer, type, reason], ...] of device layers that run in stock Caffe, ...}
    training   {"iteration"}: the first iteration is about to begin, 0 or where a snapshot left off
    iteration  {"iteration", "loss", "smoothed_loss", "learning_rate", "outputs" at displayed ones}
    test       {"iteration", "net", "outputs"}
    snapshot   {"iteration", "state", "model"}
    note       {"text"}
    diverged   {"iteration", "loss": "nan", "inf", "-inf" or null where only weights are not finite, "not_finite": see CaffeSolver}
    finished   {"iteration", "reason": "done" or "stopped", "state": the snapshot to go on from, or null}
    failed     {"sentence"}
    fatal      {"message", "layer", "place"}: Caffe's last words, written by C++

All but the last two carry "seconds" since the start. SIGTERM asks it to snapshot and stop within an iteration; so does its parent's
death. SIGINT is for the parent. It leads a session of its own, so that whatever layers of type Python start can be ended with it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

from barista import __version__
from barista.errors import BaristaError
from barista.runtime.process import Answer
from barista.train.channel import Events, Stop
from barista.train.task import Task

# Without a parent nobody else ends a worker that waits for ever: within an iteration, or at its end for what its layers started.
_ORPHAN_S = 600
_ORPHAN_END_S = 15


def _work(task: Task, answer: Answer, events: Events, stop: Stop) -> None:
    # Imported late: a signal that comes during these is heeded already.
    from google.protobuf import text_format

    from barista.net import schema
    from barista.runtime import plugin
    from barista.train import loop, snapshot
    from barista.train.solver import CaffeSolver

    events.send("phase", phase="device", iteration=0)
    param = text_format.Parse(task.solver, schema.new("SolverParameter"))
    # pycaffe brings NumPy and scikit-image: half a second and 50 MB that nothing but a layer of type Python uses.
    nets = (param.net_param, param.train_net_param, *param.test_net_param)
    pycaffe = any(layer.type == "Python" for net in nets for layer in net.layer)
    loaded = plugin.load_resolved(task.bitstream, task.device, pycaffe=pycaffe)
    loaded.library.report_fatal_to(answer.fileno())
    events.send("phase", phase="construction", iteration=0)
    stop.listen()
    solver = CaffeSolver(loaded.library, task.solver)
    stop.listen()

    def limit_orphan() -> None:
        if _is_orphan(task.parent):
            solver.end_within(_ORPHAN_S)

    stop.when_requested = limit_orphan
    bitstream = str(loaded.bitstream.path)
    events.send("started", barista=__version__, device=loaded.device.name, bitstream=bitstream, **solver.description)
    aside = snapshot.Aside(task.prefix)
    loop.foresee(solver, param, aside, events)
    try:
        loop.Run(solver, param, task, events, stop, aside).run()
    finally:
        if _is_orphan(task.parent):
            solver.end_within(_ORPHAN_END_S)


def _end_with_parent(parent: int) -> None:
    """Has the kernel send SIGTERM when the parent dies: the worker then leaves a snapshot and ends, and all that it started."""
    from barista.runtime.library import signal_at_parents_death

    worker = os.getpid()

    def end_all() -> None:
        if os.getpid() == worker and _is_orphan(parent) and os.getpgrp() == worker:
            os.killpg(worker, signal.SIGKILL)

    atexit.register(end_all)  # the first to be registered is the last to be called
    signal_at_parents_death(signal.SIGTERM)
    if _is_orphan(parent):
        os.kill(worker, signal.SIGTERM)


def _is_orphan(parent: int) -> bool:
    return os.getppid() != parent


def main() -> int:
    stop = Stop()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    answer = Answer()
    events = Events(answer)
    task = Task.from_json(next(answer.requests()))
    _end_with_parent(task.parent)
    # Loaders that a layer of type Python forks are not the worker: their terminate() is SIGTERM, and events are this process's own.
    os.register_at_fork(after_in_child=stop.reset)
    os.register_at_fork(after_in_child=answer.close)
    try:
        _work(task, answer, events, stop)
    except BaristaError as error:
        events.send("failed", sentence=str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
