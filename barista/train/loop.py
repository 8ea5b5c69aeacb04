"""One training in the worker's process, iteration by iteration: what Solver::Solve does, with tests, snapshots and resuming."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from barista.errors import BaristaError
from barista.net.schema import SolverParameter
from barista.train import snapshot as snapshots
from barista.train.channel import Events, Stop
from barista.train.task import Resume, Task

if TYPE_CHECKING:
    from barista.train.solver import CaffeSolver

# Batches that are replayed between two looks at whether to stop.
_REPLAY_BATCHES = 16


class BatchesTaken:
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


class _DivergedError(Exception):
    """The run has ended, and its event was sent."""


class Run:
    """One training, from its construction to its last snapshot: what Solver::Solve does, in the same order."""

    def __init__(self, solver: Any, param: SolverParameter, task: Task, events: Events, stop: Stop, aside: snapshots.Aside) -> None:
        self._solver = solver
        self._param = param
        self._task = task
        self._events = events
        self._stop = stop
        self._aside = aside
        self._taken = BatchesTaken()
        self._iteration = 0
        # What to remember where a snapshot falls between a test and the iteration after it: resumed, the test runs again.
        self._before_test: dict[str, Any] | None = None
        self._last_state: str | None = None  # of the present iteration
        self._told_not_finite: set[tuple[int, str]] = set()  # test nets' outputs

    def run(self) -> None:
        """Until the last iteration, a signal, or a loss that is no number."""
        with contextlib.suppress(_DivergedError):
            self._train()

    def _train(self) -> None:
        if self._task.resume is not None:
            self._resume(self._task.resume)
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
            self._before_test = self._resume_state()
            self._test_all()
            if self._stop.requested:
                return
        result = self._solver.iterate()
        self._end_where_diverged(result)
        self._before_test = None
        self._last_state = None
        self._taken.add(0, max(0, self._param.iter_size))
        self._iteration += 1
        self._events.send("iteration", **result)
        if self._param.snapshot and self._iteration % self._param.snapshot == 0:
            self._snapshot()

    def _finish_stopped(self) -> None:
        if self._last_state is None and self._iteration > 0:
            self._snapshot()
        self._events.send("finished", iteration=self._iteration, reason="stopped", state=self._last_state)

    def _finish_done(self) -> None:
        self._end_where_diverged({"not_finite": self._solver.not_finite_parameter()})
        if self._param.snapshot_after_train and not (self._param.snapshot and self._iteration % self._param.snapshot == 0):
            self._snapshot()
        if self._param.display and self._iteration % self._param.display == 0:
            result = self._solver.last_loss()
            self._end_where_diverged(result)
            self._events.send("iteration", **result)
        if self._test_is_due():
            self._test_all()
        self._events.send("finished", iteration=self._iteration, reason="done", state=self._last_state)

    def _end_where_diverged(self, result: Mapping[str, Any]) -> None:
        """Raises _DivergedError where `result` of the solver says that its numbers are none any more."""
        found = result.get("not_finite")
        if found is not None or ("not_finite" in result and "loss" in result):
            self._events.send("diverged", iteration=self._iteration, loss=result.get("loss"), not_finite=found)
            raise _DivergedError

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
                self._taken.add(index + 1, 1)
            result = self._solver.end_test(index)
            self._look_at_outputs(index, result["outputs"])
            self._events.send("test", **result)

    def _look_at_outputs(self, index: int, outputs: Sequence[Mapping[str, Any]]) -> None:
        """Tests may meet what training did not: where all weights are numbers, an output that is none is only told, once."""
        names = [output["name"] for output in outputs if None in output["values"]]
        if names:
            self._end_where_diverged({"not_finite": self._solver.not_finite_parameter()})
        for name in names:
            if (index, name) not in self._told_not_finite:
                self._told_not_finite.add((index, name))
                self._events.send(
                    "note", text=f"iteration {self._iteration:,}: output '{name}' of test net {index} is no number; all weights are"
                )

    # --- snapshots ---------------------------------------------------------------------------------------------------------------

    def _resume_state(self) -> dict[str, Any]:
        return {
            "seed": self._task.seed,
            "iteration": self._iteration,
            "batches": [list(run) for run in self._taken.batches],
            "data": self._task.data,
            "solver": self._solver.resume_state(),
        }

    def _snapshot(self) -> None:
        self._events.send("phase", phase="snapshot", iteration=self._iteration)
        resume_state = self._before_test or self._resume_state()
        if problem := self._solver.description["snapshot_problem"]:
            raise BaristaError(f"snapshot of iteration {self._iteration}: {problem}")
        with _snapshot_errors(f"snapshot of iteration {self._iteration}", self._task.prefix), self._aside:
            self._aside.reserve(self._solver.description["snapshot_bytes"])
            written = self._solver.snapshot(self._aside.prefix, self._aside.final_prefix)
            self._end_where_diverged(written)
            if written["problem"]:
                self._keep_unverified(f"{written['problem']}, read back; is the disk full?", resume_state)
            try:
                state = self._aside.put_in_place(Path(written["model"]), Path(written["state"]), resume_state)
            except OSError as error:
                self._keep_unverified(f"{error.strerror}, in {Path(self._task.prefix).absolute().parent}", resume_state)
        self._last_state = str(state)
        model = str(state.with_name(Path(written["model"]).name))
        self._events.send("snapshot", iteration=self._iteration, state=self._last_state, model=model)
        self._events.send("phase", phase="training", iteration=self._iteration)

    def _keep_unverified(self, problem: str, resume_state: dict[str, Any]) -> NoReturn:
        kept = self._aside.keep_unverified(resume_state)
        raise BaristaError(f"snapshot of iteration {self._iteration}: {problem}{snapshots.told_of(kept)}")

    # --- resuming ----------------------------------------------------------------------------------------------------------------

    def _resume(self, snapshot: Resume) -> None:
        self._events.send("phase", phase="resume", iteration=0)
        self._solver.restore(snapshot.state)
        self._iteration = self._solver.iteration
        resume_state = snapshot.resume_state
        if resume_state is None:
            return
        self._taken = BatchesTaken(resume_state["batches"])
        if self._replay():
            self._solver.resume(resume_state["solver"])
        # Until an iteration has run, the snapshot that was given is the one to go on from.
        self._last_state = snapshot.given

    def _replay(self) -> bool:
        """Brings every net to its place in the data; False where it was stopped on the way."""
        nets = 1 + len(self._param.test_iter)
        for net in self._taken.nets():
            if net < nets:
                self._solver.skip(net, self._taken.total(net))
        futile: set[int] = set(range(nets, 1 + max(self._taken.nets(), default=0)))
        for net, batches in self._taken.batches:
            for done in range(0, batches, _REPLAY_BATCHES):
                if self._stop.requested:
                    return False
                if net in futile or not self._solver.replay(net, min(_REPLAY_BATCHES, batches - done)):
                    futile.add(net)
                    break
        return True


@contextlib.contextmanager
def _snapshot_errors(what: str, prefix: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BaristaError(f"{what}: {error.strerror}, in {Path(prefix).absolute().parent}") from error


def foresee(solver: CaffeSolver, param: SolverParameter, aside: snapshots.Aside, events: Events) -> None:
    """Raises BaristaError for what would only end the run when a test begins or a snapshot is written."""
    said = solver.description
    last, tests = param.max_iter, bool(param.test_iter)
    if tests and said["test_problem"] and (param.test_initialization or last == 0 or last >= param.test_interval):
        raise BaristaError(f"{said['test_problem']}: Caffe, which goes by names, can't test it; give each layer a name of its own")
    for name, counts in said["repeated_names"]:
        if sum(count > 0 for count in counts) > 1:
            rule = "Caffe, which goes by names, tests the first with those of the last"
            events.send("note", text=f"several layers called '{name}' have parameters: {rule}")
    try:
        _foresee_snapshots(said, aside)
    except BaristaError as error:
        if param.snapshot_after_train or 0 < abs(param.snapshot) <= last:
            raise
        events.send("note", text=f"{error}; the solver asks for no snapshot, and the run would leave none where it is stopped")


def _foresee_snapshots(said: Mapping[str, Any], aside: snapshots.Aside) -> None:
    if problem := said["snapshot_problem"]:
        raise BaristaError(f"snapshots can't be written: {problem}")
    size = said["snapshot_bytes"]
    with _snapshot_errors(f"there is no room for a snapshot of {size:,} bytes", aside.final_prefix), aside:
        aside.reserve(size)
