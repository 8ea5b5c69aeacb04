"""A run that was stopped and resumed ends as one that was not, bit for bit."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trainings
from trainings import Project, Recorder, history, memory, weights


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trainings.every_source_project(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def unbroken(sources: Project) -> tuple[Path, Recorder]:
    show = Recorder()
    state = sources.run("unbroken", show, fields={"iter_size": "2"}).state
    assert state is not None
    return state, show


def assert_same(state: Path, expected: Path) -> None:
    for layer, blobs in weights(expected).items():
        assert weights(state)[layer] == blobs, f"weights of {layer} differ"
    assert history(state) == history(expected)
    assert memory(state) == memory(expected), "random state or place in the data differ"


@pytest.mark.parametrize("at", [1, 15])
def test_resumed_run_ends_with_the_same_bits(sources: Project, unbroken: tuple[Path, Recorder], at: int) -> None:
    """Crops, mirrors, dropout, shuffled files and records, noise, hidden state; 15 is an iteration with a test before it."""
    first, second = Recorder(), Recorder()
    stopped = sources.run(f"at{at}", first, iterations=at, fields={"iter_size": "2"})
    resumed = sources.run(f"at{at}", second, snapshot=stopped.state, fields={"iter_size": "2"})
    assert resumed.state is not None
    assert_same(resumed.state, unbroken[0])
    assert second.losses == unbroken[1].losses[at:], "smoothed losses differ"
    assert second.tests[-1]["outputs"] == unbroken[1].tests[-1]["outputs"], "test results differ"


def test_resumed_twice(sources: Project, unbroken: tuple[Path, Recorder]) -> None:
    state = None
    for iterations in (4, 13, 20):
        state = sources.run("twice", iterations=iterations, snapshot=state, fields={"iter_size": "2"}).state
    assert state is not None
    assert_same(state, unbroken[0])


def test_a_different_seed_ends_differently(sources: Project, unbroken: tuple[Path, Recorder]) -> None:
    """The comparison above can fail."""
    other = sources.run("seed", fields={"iter_size": "2", "random_seed": "6"})
    assert other.state is not None
    assert all(blobs != weights(unbroken[0])[layer] for layer, blobs in weights(other.state).items())


def test_stock_resume_would_differ(sources: Project, unbroken: tuple[Path, Recorder]) -> None:
    """What the file beside the snapshot is for: without it every branch goes on with other numbers, and a note says so."""
    stopped = sources.run("forgotten", iterations=9, fields={"iter_size": "2"})
    assert stopped.state is not None
    stopped.state.with_name(stopped.state.name + ".barista").unlink()
    show = Recorder()
    resumed = sources.run("forgotten", show, snapshot=stopped.state, fields={"iter_size": "2"})
    assert any("as in stock Caffe" in note for note in show.notes)
    assert resumed.state is not None
    same = [layer for layer, blobs in weights(resumed.state).items() if blobs == weights(unbroken[0])[layer]]
    assert not same


def test_what_is_drawn_on_the_device(tmp_path: Path) -> None:
    """The elements of a stochastic pooling's windows and dropout's masks; and tests in between, in which nothing is drawn."""
    project = trainings.database_project(tmp_path)
    data, first_ip, rest = project.net.replace('top: "db_data"', 'top: "db_pixels"').partition('layer { name: "db_ip1"')
    pooling = "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }"
    project.net = data + trainings.layer("Pooling", "pool", "db_pixels", "db_data", pooling) + first_ip + rest
    whole = project.run("whole", excepted=()).state
    half = project.run("half", excepted=(), iterations=7).state
    resumed = project.run("half", excepted=(), snapshot=half).state
    other = project.run("other", excepted=(), fields={"random_seed": "6"}).state
    assert whole is not None
    assert resumed is not None
    assert other is not None
    assert_same(resumed, whole)
    assert weights(other) != weights(whole)


COUNTING_LAYER = """
import caffe
import numpy as np

class Counting(caffe.Layer):
    def setup(self, bottom, top):
        self.batches = 0

    def reshape(self, bottom, top):
        top[0].reshape(4, 3)
        top[1].reshape(4)

    def forward(self, bottom, top):
        self.batches += 1
        top[0].data[...] = np.sin(np.arange(12).reshape(4, 3) * self.batches)
        top[1].data[...] = np.arange(4)

    def backward(self, top, propagate_down, bottom):
        pass
"""


def test_data_from_a_python_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer in Python that knows how many batches it has given."""
    (tmp_path / "counting.py").write_text(COUNTING_LAYER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    data = trainings.layer("Python", "count", "", "count_data count_label", 'python_param { module: "counting" layer: "Counting" }')
    fields = trainings.SOLVER | {"net": f'"{tmp_path / "net.prototxt"}"'}
    project = Project(tmp_path, fields, 'name: "python"\n' + data + trainings.branch("count"))
    whole = project.run("whole").state
    half = project.run("half", iterations=7).state
    resumed = project.run("half", snapshot=half).state
    assert whole is not None
    assert resumed is not None
    assert_same(resumed, whole)


LONG = {"max_iter": "400", "test_interval": "100"}


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    project = trainings.database_project(tmp_path_factory.mktemp("long"))
    state = project.run("unbroken", fields=LONG).state
    assert state is not None
    return project, state


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_leaves_a_snapshot_to_go_on_from(long_run: tuple[Project, Path], number: int, status: int) -> None:
    project, unbroken = long_run
    process = project.start("stopped", fields=LONG)
    assert process.stderr is not None
    for line in process.stderr:
        if "iteration 20/" in line:
            process.send_signal(number)
            break
    out, rest = process.communicate(timeout=60)
    assert process.returncode == status, rest
    assert "Traceback" not in rest
    assert "go on with --snapshot" in out
    state = Path(out.split("--snapshot ")[1].strip())
    assert 20 <= memory(state)["iteration"] < 400
    resumed = project.run("stopped", snapshot=state, fields=LONG).state
    assert resumed is not None
    assert_same(resumed, unbroken)
