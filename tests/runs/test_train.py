"""`barista train` computes what stock Caffe computes, and tells what it does."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trainings
from processes import stock_tool
from rich.console import Console
from trainings import Project, Recorder, history, weights

from barista.runtime import failures
from barista.train import curves, events, loop, progress, snapshot


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trainings.database_project(tmp_path_factory.mktemp("train"))


def stock(project: Project, prefix: str, *arguments: str, **fields: str) -> Path:
    """The state that the stock tool ends with."""
    binary = stock_tool()
    solver = project.write(snapshot_prefix=project.prefix(prefix), **fields)
    done = subprocess.run([binary, "train", "-solver", str(solver), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    state = trainings.latest(str(project.folder / prefix / "net"))
    assert state is not None
    return state


# --- the same computation ------------------------------------------------------------------------------------------------------

SOLVERS = {
    "SGD": {"type": '"SGD"', "iter_size": "2", "clip_gradients": "1", "weight_decay": "0.01"},
    "SGD multistep": {"type": '"SGD"', "lr_policy": '"multistep"', "gamma": "0.5", "stepvalue": "4 stepvalue: 9"},
    "SGD poly": {"type": '"SGD"', "lr_policy": '"poly"', "regularization_type": '"L1"', "weight_decay": "0.01"},
    "Nesterov": {"type": '"Nesterov"', "snapshot": "6"},
    "AdaGrad": {"type": '"AdaGrad"', "momentum": "", "test_initialization": "false"},
    "RMSProp": {"type": '"RMSProp"', "momentum": "", "rms_decay": "0.9"},
    "AdaDelta": {"type": '"AdaDelta"', "delta": "1e-6", "base_lr": "1"},
    "Adam": {"type": '"Adam"', "momentum2": "0.99", "base_lr": "0.01"},
}


@pytest.mark.parametrize("name", SOLVERS)
def test_same_bits_as_the_stock_tool(project: Project, name: str) -> None:
    state = project.run("ours", fields=SOLVERS[name]).state
    expected = stock(project, "stock", **SOLVERS[name])
    assert state is not None
    assert state.name == expected.name
    assert weights(state) == weights(expected)
    assert history(state) == history(expected)


def test_same_bits_from_given_weights(project: Project) -> None:
    first = project.run("first", iterations=3).state
    assert first is not None
    model = first.with_suffix(".caffemodel")
    tuned = project.run("tuned", weights=(model,)).state
    assert tuned is not None
    assert weights(tuned) == weights(stock(project, "stock_tuned", "-weights", str(model)))


def test_stock_tool_resumes_our_snapshot(project: Project) -> None:
    """The two files are stock Caffe's: the tool goes on from ours as from its own."""
    ours = project.run("half", iterations=8).state
    theirs = stock(project, "stock_half", max_iter="8")
    assert ours is not None
    from_ours = stock(project, "from_ours", "-snapshot", str(ours))
    from_theirs = stock(project, "from_theirs", "-snapshot", str(theirs))
    assert weights(from_ours) == weights(from_theirs)


def test_hdf5_snapshots(project: Project) -> None:
    """Their files hold dates, so the losses are compared: equal to the last bit only where all weights and history are."""
    fields = {"snapshot_format": "HDF5"}
    first, second = Recorder(), Recorder()
    whole = project.run("whole", first, fields=fields).state
    half = project.run("halved", fields=fields, iterations=8).state
    assert half is not None
    assert half.name == "net_iter_8.solverstate.h5"
    resumed = project.run("halved", second, fields=fields, snapshot=half).state
    assert resumed is not None
    assert whole is not None
    assert resumed.name == whole.name
    assert second.losses == first.losses[8:]


def test_a_seed_is_chosen_and_remembered(project: Project) -> None:
    show = Recorder()
    fields = {"random_seed": ""}
    half = project.run("seedless", show, fields=fields, iterations=8)
    assert any("random_seed is not set" in note for note in show.notes)
    assert half.state is not None
    seed = trainings.memory(half.state)["seed"]
    resumed = project.run("seedless", fields=fields, snapshot=half.state)
    seeded = project.run("seeded", fields={"random_seed": str(seed)})
    assert resumed.state is not None
    assert seeded.state is not None
    assert weights(resumed.state) == weights(seeded.state)


def test_no_snapshot_after_training_where_the_solver_wants_none(project: Project) -> None:
    outcome = project.run("none", fields={"snapshot_after_train": "false"}, iterations=3)
    assert outcome.state is None
    assert trainings.latest(str(project.folder / "none" / "net")) is None


def test_on_a_device(tmp_path: Path, device: str) -> None:
    """Layers on the device: training learns, and a resumed run ends with the same bits."""
    project = trainings.database_project(tmp_path)
    filler = 'weight_filler { type: "xavier" }'
    convolution = trainings.layer(
        "Convolution", "conv", "db_data", "conv", f"convolution_param {{ num_output: 4 kernel_size: 3 {filler} }}"
    )
    pooling = trainings.layer("Pooling", "pool", "conv", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
    head, tail = project.net.split('layer { name: "db_ip1"')
    project.net = head + convolution + pooling + 'layer { name: "db_ip1"' + tail.replace('"db_data"', '"pool"', 1)
    options: dict[str, Any] = {"device": device, "excepted": ()}
    fields = {"max_iter": "60"}
    whole = project.run("whole", fields=fields, **options)
    half = project.run("half", fields=fields, iterations=23, **options)
    resumed = project.run("half", fields=fields, snapshot=half.state, **options)
    assert resumed.state is not None
    assert whole.state is not None
    assert weights(resumed.state) == weights(whole.state)
    losses = [event["loss"] for event in project.events("whole") if event["event"] == "iteration"]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    assert whole.accuracy is not None
    assert "CPU, which" not in whole.device


# --- what it tells -------------------------------------------------------------------------------------------------------------


def test_log_and_picture(project: Project) -> None:
    half = project.run("log", iterations=8)
    resumed = project.run("log", snapshot=half.state)
    events = project.events("log")
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["started", "training"]
    assert kinds[-1] == "finished"
    assert kinds.count("training") == 2
    drawn = curves.of_events(events)
    assert [iteration for iteration, _ in drawn.loss] == list(range(21))
    assert [iteration for iteration, _ in drawn.accuracy] == [0, 5, 10, 15, 20]
    assert resumed.accuracy == drawn.accuracy[-1][1]
    assert resumed.picture is not None
    assert resumed.picture.read_bytes().startswith(b"\x89PNG")


def test_accuracy_is_what_stock_reports(project: Project) -> None:
    """The means over a test's batches, against the numbers in the stock tool's log."""
    show = Recorder()
    project.run("reported", show)
    binary = stock_tool()
    solver = project.write(snapshot_prefix=project.prefix("reported_stock"))
    log = subprocess.run([binary, "train", "-solver", str(solver)], capture_output=True, text=True).stderr
    reported = [float(line.split(" = ")[1]) for line in log.splitlines() if "Test net output #0: db_accuracy" in line]
    ours = [output["values"][0] for test in show.tests for output in test["outputs"] if output["name"] == "db_accuracy"]
    assert ours == pytest.approx(reported, rel=1e-5)


def test_command_ends_with_what_it_made(project: Project) -> None:
    process = project.start("command", fields={"max_iter": "5"})
    out, shown = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    for word in ("device", "accuracy", "snapshot", "log", "picture"):
        assert f"\n  {word}" in out
    for line in out.splitlines():
        name, _, path = line.strip().partition(" ")
        if name in ("snapshot", "log", "picture"):
            assert Path(path.strip()).is_file()


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.PlainProgress() as show:
        show.begin("tiny", "board", 0, 100, 64)
        for i in range(3):
            show.iteration({"iteration": i, "smoothed_loss": 1.5, "learning_rate": 0.1, "seconds": 2.0 * i, "outputs": []})
    assert capsys.readouterr().err.splitlines()[-1] == "iteration 2/100, loss 1.5, 32 images/s, 0:03:14 left"


def test_live_line() -> None:
    console = Console(force_terminal=True, width=120, file=open(os.devnull, "w"), record=True)  # noqa: SIM115
    show = progress.on(console)
    assert isinstance(show, progress.LiveProgress)
    show.begin("tiny", "board", 0, 100, 64)
    for i in range(3):
        show.iteration({"iteration": i, "smoothed_loss": 1.5, "learning_rate": 0.1, "seconds": 2.0 * i})
    show.test({"iteration": 3, "seconds": 9.0}, 0.975)
    console.print(show._render())
    text = console.export_text()
    for part in ("3/100", "loss 1.5", "accuracy 97.50%", "32 images/s", "left"):
        assert part in text


def test_rates_leave_tests_out_of_images_and_in_time() -> None:
    rates = progress.Rates(0, 10, 100)
    rates.iteration(1.0, 1)
    rates.iteration(2.0, 2)
    rates.pause(5.0)  # a test of 3 s
    rates.iteration(6.0, 3)
    assert rates.images_per_second == pytest.approx(100)
    assert rates.seconds_left == pytest.approx((6 - 1) / 2 * 7)


def test_accuracy_among_outputs() -> None:
    def accuracy(name: str, top_k: int, value: float, first: bool = True) -> dict[str, Any]:
        return {"name": name, "type": "Accuracy", "top_k": top_k, "first_top": first, "values": [value], "loss_weight": 0}

    loss = {"name": "loss", "type": "SoftmaxWithLoss", "values": [0.3], "loss_weight": 1}
    assert events.accuracy_of([loss]) is None
    assert events.accuracy_of([accuracy("a", 5, 0.9), accuracy("b", 1, 0.7), loss]) == 0.7
    assert events.accuracy_of([accuracy("loss1", 1, 0.5), accuracy("loss3", 1, 0.6), accuracy("loss3", 5, 0.8)]) == 0.6
    assert events.accuracy_of([accuracy("a", 1, 0.5), accuracy("per class", 1, 0.1, first=False)]) == 0.5


WORDS = {
    "Check failed: registry.count(type) == 1 (0 vs. 1) Unknown layer type: Foo (known types: AbsVal, Accuracy)": (
        "Unknown layer type: Foo"
    ),
    "Check failed: shape[i] >= 0 (-3 vs. 0) ": "an extent of its output would be -3; its kernel does not fit its input",
    "Check failed: mdb_status == 0 (2 vs. 0) No such file or directory": "No such file or directory",
    "Check failed: a->b() == c ": "the check 'a->b() == c' failed",
    "Check failed: count == n (4 vs. 5) ": "the check 'count == n' failed (4 and 5)",
    "Check failed: Read(file, param) Failed to parse NetParameter file: x": "Failed to parse NetParameter file: x",
    "Unknown regularization type: L3": "Unknown regularization type: L3",
    "Cannot copy param 0 weights from layer 'ip'; shape mismatch.  Source param shape is 8 9 (72); target param shape is 9 9 (81)."
    " To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer.": (
        "weights of layer 'ip', blob 0: 8 x 9 in the file, 9 x 9 in the net"
    ),
    "Check failed: state.history_size() == history_.size() (4 vs. 8) Incorrect length of history blobs.": (
        "the solver state is of another net, or of another type of solver"
    ),
}


@pytest.mark.parametrize(("message", "sentence"), WORDS.items())
def test_words_for_checks(message: str, sentence: str) -> None:
    assert failures.explain(message) == sentence


# --- the loop, with a solver that only counts ------------------------------------------------------------------------------------


class CountingSolver:
    """Stands for Caffe: counts calls; `stop_at` names the call at which the run is asked to stop."""

    def __init__(self, stop: Any, stop_at: str = "") -> None:
        self.stop, self.stop_at = stop, stop_at
        self.calls: list[str] = []
        self.description = {"snapshot_bytes": 100, "snapshot_problem": ""}
        self.iteration = 0

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if f"{name} {self.calls.count(name)}" == self.stop_at:
            self.stop.requested = True

    def iterate(self) -> dict[str, Any]:
        self._call("iterate")
        self.iteration += 1
        return {"iteration": self.iteration - 1, "loss": 1.0, "smoothed_loss": 1.0, "learning_rate": 0.1}

    def last_loss(self) -> dict[str, Any]:
        self._call("last_loss")
        return {"iteration": self.iteration, "loss": 1.0, "smoothed_loss": 1.0}

    def not_finite_parameter(self) -> None:
        return None

    def begin_test(self, index: int) -> None:
        self._call("begin_test")

    def test_batch(self, index: int) -> None:
        self._call("test_batch")

    def end_test(self, index: int) -> dict[str, Any]:
        self._call("end_test")
        return {"iteration": self.iteration, "net": index, "outputs": []}

    def resume_state(self) -> dict[str, Any]:
        return {"drawn": len(self.calls)}

    def snapshot(self, aside_prefix: str, final_prefix: str) -> dict[str, str]:
        self._call("snapshot")
        model, state = (f"{aside_prefix}_iter_{self.iteration}{kind}" for kind in (".caffemodel", ".solverstate"))
        Path(model).write_text("model")
        Path(state).write_text("state")
        return {"model": model, "state": state, "problem": ""}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Runs the worker's loop; returns the solver, the resume state and the last event."""

    def start(stop_at: str = "", **fields: Any) -> tuple[CountingSolver, dict[str, Any] | None, dict[str, Any]]:
        values = {
            "max_iter": 10, "test_interval": 4, "test_initialization": True, "test_iter": [3], "iter_size": 1, "snapshot": 0,
            "snapshot_after_train": True, "display": 0,
        } | fields  # fmt: skip
        stop = SimpleNamespace(requested=False)
        solver = CountingSolver(stop, stop_at)
        sent: list[dict[str, Any]] = []
        channel = SimpleNamespace(send=lambda event, **more: sent.append({"event": event, **more}))
        prefix = str(tmp_path / "net")
        task = SimpleNamespace(prefix=prefix, seed=1, data="", resume=None)
        loop.Run(solver, SimpleNamespace(**values), task, channel, stop, snapshot.Aside(prefix)).run()  # type: ignore[arg-type]
        state = sent[-1]["state"]
        return solver, json.loads(Path(f"{state}.barista").read_text()) if state else None, sent[-1]

    return start


def test_order_is_that_of_stock(run: Any) -> None:
    solver, memory, last = run(max_iter=5, snapshot=2, display=5)
    test = ["begin_test", "test_batch", "test_batch", "test_batch", "end_test"]
    iterations = ["iterate", "iterate", "snapshot"]
    assert solver.calls == [*test, *iterations, *iterations, *test, "iterate", "snapshot", "last_loss"]
    assert memory["batches"] == [[1, 3], [0, 4], [1, 3], [0, 1]]
    assert last["reason"] == "done"


def test_stopped_within_a_test(run: Any) -> None:
    """The test runs again after resuming, so what is remembered is from before it."""
    solver, memory, last = run("test_batch 5")
    assert last == {"event": "finished", "iteration": 4, "reason": "stopped", "state": last["state"]}
    assert memory["batches"] == [[1, 3], [0, 4]]
    assert memory["solver"]["drawn"] == solver.calls.index("begin_test", 1)


def test_stopped_after_a_test(run: Any) -> None:
    _, memory, _ = run("end_test 2")
    assert memory["batches"] == [[1, 3], [0, 4]]


def test_stopped_at_a_snapshot_writes_no_second(run: Any) -> None:
    solver, _, last = run("snapshot 1", snapshot=3)
    assert solver.calls.count("snapshot") == 1
    assert last["iteration"] == 3


def test_stopped_before_the_first_iteration(run: Any) -> None:
    solver, memory, last = run("test_batch 1")
    assert "snapshot" not in solver.calls
    assert memory is None
    assert last["state"] is None
