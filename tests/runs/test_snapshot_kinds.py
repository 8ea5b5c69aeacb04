"""Snapshots and weights of nets as people have them: names that repeat, shared parameters, HDF5, files that can't be verified."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trainings
from trainings import Project, Recorder, dims, inner_product, layer

from barista import paths
from barista.errors import BaristaError
from barista.net import schema
from barista.train import loop, snapshot

DATA = layer(
    "DummyData", "data", "", "data label",
    f"dummy_data_param {{ shape {{ {dims(4, 6)} }} shape {{ {dims(4)} }}"
    ' data_filler { type: "gaussian" std: 1 } data_filler { value: 1 } }',
)  # fmt: skip
LOSS = layer("SoftmaxWithLoss", "loss", "last label", "loss")
FIELDS = {"base_lr": "0.1", "lr_policy": '"fixed"', "momentum": "0.9", "max_iter": "6", "random_seed": "3"}
HDF5 = {"snapshot_format": "HDF5"}

ONE_NAME = DATA + layer("InnerProduct", "c1", "data", "c1", inner_product(3)) + layer("ReLU", "c1", "c1", "last") + LOSS
TWO_WITH_PARAMETERS = (
    DATA
    + layer("InnerProduct", "c1", "data", "c1", inner_product(5))
    + layer("InnerProduct", "c1", "c1", "last", inner_product(3))
    + LOSS
)
SHARED = 'param { name: "w" } param { name: "b" }'
SHARED_PARAMETERS = (
    DATA
    + layer("InnerProduct", "one", "data", "one", SHARED, inner_product(6))
    + layer("InnerProduct", "two", "one", "two", SHARED, inner_product(6))
    + layer("InnerProduct", "three", "two", "last", inner_product(3))
    + LOSS
)


def project_of(folder: Path, net: str, **fields: str) -> Project:
    return Project(folder, FIELDS | {"net": f'"{folder / "net.prototxt"}"'} | fields, net)


def bits(state: Path) -> list[tuple[str, list[bytes]]]:
    """Every layer's parameters in the net's order, of which several may have one name."""
    model = schema.new("NetParameter")
    model.ParseFromString(state.with_name(state.name.replace(".solverstate", ".caffemodel")).read_bytes())
    return [(layer.name, [blob.SerializeToString() for blob in layer.blobs]) for layer in model.layer]


@pytest.mark.parametrize("net", [ONE_NAME, TWO_WITH_PARAMETERS, SHARED_PARAMETERS])
def test_same_bits_as_stock_and_resumed_as_if_never_stopped(tmp_path: Path, net: str) -> None:
    project = project_of(tmp_path, net)
    whole = project.run("whole").state
    half = project.run("half", iterations=3).state
    resumed = project.run("half", snapshot=half).state
    assert whole is not None
    assert resumed is not None
    assert bits(resumed) == bits(whole)
    assert trainings.history(resumed) == trainings.history(whole)
    binary = paths.caffe_installation().binary
    if binary is not None:
        solver = project.write(snapshot_prefix=project.prefix("stock"))
        subprocess.run([binary, "train", "-solver", str(solver)], check=True, capture_output=True)
        assert bits(tmp_path / "stock" / "net_iter_6.solverstate") == bits(whole)


def test_several_layers_of_one_name_with_parameters_are_told(tmp_path: Path) -> None:
    show = Recorder()
    project_of(tmp_path, TWO_WITH_PARAMETERS).run("run", show)
    assert sum("several layers called 'c1' have parameters" in note for note in show.notes) == 1


def test_a_test_that_caffe_would_abort_is_refused_first(tmp_path: Path) -> None:
    """It goes by names: the ReLU's none would be shared with the first layer of that name."""
    tested = {"test_iter": "1", "test_initialization": "false"}
    with pytest.raises(BaristaError, match="layer 'c1' has 0 parameters in the train net.*give each layer a name of its own"):
        project_of(tmp_path, ONE_NAME, test_interval="4", **tested).run("run")
    assert project_of(tmp_path, ONE_NAME, test_interval="7", **tested).run("late").status == 0


def test_hdf5_of_shared_parameters(tmp_path: Path) -> None:
    assert project_of(tmp_path, SHARED_PARAMETERS, **HDF5).run("run").state is not None


@pytest.mark.parametrize(
    ("net", "problem"),
    [
        (ONE_NAME, "layer 'c1': another one has that name"),
        (
            ONE_NAME.replace('name: "c1" type: "ReLU"', 'name: "relu/1" type: "ReLU"'),
            "layer 'relu/1': HDF5 has no group of such a name",
        ),
        (
            ONE_NAME.replace('name: "c1" type: "ReLU"', 'name: "relu/" type: "ReLU"'),
            "layer 'relu/': HDF5 has no group of such a name",
        ),
        (ONE_NAME.replace('name: "c1" type: "ReLU"', 'name: "." type: "ReLU"'), "layer '.': HDF5 has no group of such a name"),
        (ONE_NAME.replace('name: "c1" type: "ReLU"', 'name: "" type: "ReLU"'), "layer '': HDF5 has no group of such a name"),
    ],
)
def test_what_hdf5_cannot_hold_is_said_before_training(tmp_path: Path, net: str, problem: str) -> None:
    project = project_of(tmp_path, net, **HDF5)
    with pytest.raises(BaristaError) as raised:
        project.run("run")
    assert str(raised.value) == f"snapshots can't be written: {problem}; rename the layer, or say 'snapshot_format: BINARYPROTO'"
    assert [event["event"] for event in project.events("run")] == ["started", "failed"]
    show = Recorder()
    unasked = project.run("unasked", show, fields={"snapshot_after_train": "false"})
    assert unasked.status == 0
    assert any(problem in note and "would leave none where it is stopped" in note for note in show.notes)


# --- before training ------------------------------------------------------------------------------------------------------------


def test_a_folder_that_takes_nothing_is_said_before_training(tmp_path: Path) -> None:
    """A file lies where the folder is to be: permissions mean nothing to root."""
    (tmp_path / "file").write_text("")
    solver: Any = type("Solver", (), {"description": DESCRIPTION})
    with pytest.raises(BaristaError, match=r"^snapshot folder .*/file: Not a directory$"):
        loop.foresee(solver, parameters(), snapshot.Aside(str(tmp_path / "file" / "net")), EVENTS)


def test_a_disk_without_room_is_said_before_training(tmp_path: Path) -> None:
    solver: Any = type("Solver", (), {"description": DESCRIPTION | {"snapshot_bytes": 1 << 60}})
    aside = snapshot.Aside(str(tmp_path / "net"))
    with pytest.raises(BaristaError, match="there is no room for a snapshot of 1,152,921,504,606,846,976 bytes: .*, in "):
        loop.foresee(solver, parameters(), aside, EVENTS)
    NOTES.clear()
    loop.foresee(solver, parameters(snapshot_after_train=False), aside, EVENTS)
    assert "no room" in NOTES[0]
    assert list(tmp_path.iterdir()) == []


DESCRIPTION = {"snapshot_bytes": 100, "snapshot_problem": "", "test_problem": "", "repeated_names": []}
NOTES: list[str] = []
EVENTS: Any = type("Events", (), {"send": lambda _event, text: NOTES.append(text)})


def parameters(**fields: Any) -> Any:
    param = schema.new("SolverParameter")
    param.max_iter = 5
    for name, value in fields.items():
        setattr(param, name, value)
    return param


# --- what could not be verified --------------------------------------------------------------------------------------------------


class DamagingSolver:
    """A solver whose snapshot is read back as `problem` says, with what Caffe wrote cut short."""

    description = DESCRIPTION

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def iterate(self) -> dict[str, Any]:
        return {"iteration": 0, "loss": 1.0, "smoothed_loss": 1.0, "learning_rate": 0.1}

    def not_finite_parameter(self) -> None:
        return None

    def resume_state(self) -> dict[str, Any]:
        return {"caffe_random": "x"}

    def snapshot(self, aside_prefix: str, final_prefix: str) -> dict[str, str]:
        model, state = Path(f"{aside_prefix}_iter_1.caffemodel"), Path(f"{aside_prefix}_iter_1.solverstate")
        net = schema.new("NetParameter")
        net.layer.add(name="ip").blobs.add(data=[1.0] * 10)
        written = schema.new("SolverState")
        written.iter, written.learned_net = 1, f"{final_prefix}_iter_1.caffemodel"
        model.write_bytes(net.SerializeToString())
        state.write_bytes(written.SerializeToString())
        return {"model": str(model), "state": str(state), "problem": self.problem}


def run_damaged(prefix: str, problem: str) -> str:
    param = parameters(max_iter=1)
    stop: Any = type("Stop", (), {"requested": False})
    events: Any = type("Events", (), {"send": lambda _event, **_fields: None})
    task: Any = SimpleNamespace(prefix=prefix, seed=1, data="", resume=None)
    with pytest.raises(BaristaError) as raised:
        loop.Run(DamagingSolver(problem), param, task, events, stop, snapshot.Aside(prefix)).run()
    return str(raised.value)


def test_a_snapshot_that_cannot_be_verified_is_kept_and_said(tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    sentence = run_damaged(prefix, "net_iter_1.caffemodel is cut short")
    model, state = tmp_path / "net_iter_1.unverified.caffemodel", tmp_path / "net_iter_1.unverified.solverstate"
    assert "net_iter_1.caffemodel is cut short, read back; is the disk full?" in sentence
    assert sentence.endswith(f"; what was written, unverified, is kept as {model} and {state}")
    assert sorted(tmp_path.iterdir()) == [model, state, Path(f"{state}.barista")]
    assert trainings.latest(prefix) is None
    # It is a snapshot to go on from, for who has looked at it.
    opened = snapshot.open_snapshot(state)
    assert opened.model == model
    assert opened.model_moved
    assert opened.resume_state is not None
    assert opened.resume_state["solver"] == {"caffe_random": "x"}


def test_an_unverified_state_goes_with_the_model_beside_it(tmp_path: Path) -> None:
    """And not with one that an earlier run left under the name that it was to have."""
    (tmp_path / "net_iter_1.caffemodel").write_bytes(b"of another run")
    run_damaged(str(tmp_path / "net"), "holds other values")
    assert (
        snapshot.open_snapshot(tmp_path / "net_iter_1.unverified.solverstate").model
        == tmp_path / "net_iter_1.unverified.caffemodel"
    )
    assert (tmp_path / "net_iter_1.caffemodel").read_bytes() == b"of another run"


def test_a_snapshot_that_cannot_be_put_in_place_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(snapshot, "_flush", fail)
    sentence = run_damaged(str(tmp_path / "net"), "")
    assert "Input/output error" in sentence
    assert "net_iter_1.unverified.solverstate" in sentence
    assert (tmp_path / "net_iter_1.unverified.caffemodel").stat().st_size > 0


# --- weights in HDF5 -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hdf5_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hdf5")
    state = project_of(folder, SHARED_PARAMETERS, **HDF5).run("run").state
    assert state is not None
    return state.with_name(state.name.replace(".solverstate", ".caffemodel"))


def test_hdf5_weights_of_this_net_pass(hdf5_weights: Path, tmp_path: Path) -> None:
    assert snapshot.check_weights(hdf5_weights) == ["one", "three"]  # the second shares those of the first
    project = project_of(tmp_path, SHARED_PARAMETERS)
    assert project.run("option", weights=(hdf5_weights,), iterations=1).status == 0
    assert project.run("field", iterations=1, fields={"weights": f'"{hdf5_weights}"'}).status == 0


def test_what_a_file_is_its_content_says(hdf5_weights: Path, tmp_path: Path) -> None:
    """As in Caffe: HDF5 under any name, and a protocol buffer that is called .h5."""
    renamed = tmp_path / "weights.caffemodel"
    renamed.write_bytes(hdf5_weights.read_bytes())
    assert project_of(tmp_path, SHARED_PARAMETERS).run("run", weights=(renamed,), iterations=1).status == 0
    state = project_of(tmp_path, SHARED_PARAMETERS).run("proto", iterations=1).state
    assert state is not None
    proto = state.with_suffix(".caffemodel").rename(tmp_path / "weights.h5")
    assert project_of(tmp_path, SHARED_PARAMETERS).run("again", weights=(proto,), iterations=1).status == 0


@pytest.mark.parametrize("given", ["option", "field", "second of two"])
def test_hdf5_weights_of_another_net(hdf5_weights: Path, tmp_path: Path, given: str) -> None:
    project = project_of(tmp_path, ONE_NAME)
    own = project.run("own", iterations=1).state
    assert own is not None
    options: dict[str, Any] = {
        "option": {"weights": (hdf5_weights,)},
        "field": {"fields": {"weights": f'"{hdf5_weights}"'}},
        "second of two": {"weights": (own.with_suffix(".caffemodel"), hdf5_weights)},
    }
    with pytest.raises(BaristaError, match="of another net: none of its layers \\('one', 'three' ...\\) has the name of one in"):
        project.run("run", **options[given])


def cut_short(whole: bytes) -> bytes:
    return whole[:-100]


def damaged(whole: bytes) -> bytes:
    return whole[:96] + bytes(len(whole) - 96)


def no_hdf5(_whole: bytes) -> bytes:
    return b"not weights at all" * 10


def nothing(_whole: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("change", [cut_short, damaged, no_hdf5, nothing])
def test_hdf5_weights_that_are_not_whole(hdf5_weights: Path, tmp_path: Path, change: Any) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(change(hdf5_weights.read_bytes()))
    with pytest.raises(BaristaError, match=r"weights\.h5: ") as raised:
        project_of(tmp_path, SHARED_PARAMETERS).run("run", weights=(path,))
    assert "\n" not in str(raised.value)


def test_hdf5_of_something_else(tmp_path: Path) -> None:
    """HDF5 that holds data, as HDF5Data reads them, and no weights."""
    listed = trainings.write_hdf5(tmp_path / "hdf5", files=1).read_text().split()
    with pytest.raises(BaristaError, match="holds no parameters|no group 'data'|hold no parameters"):
        snapshot.check_weights(Path(listed[0]))


# --- a test without batches -------------------------------------------------------------------------------------------------------


def test_a_test_of_no_batches(tmp_path: Path) -> None:
    """Stock Caffe trains, and reports no output."""
    show = Recorder()
    project = project_of(tmp_path, SHARED_PARAMETERS, test_iter="0", test_interval="2", test_compute_loss="true", display="2")
    outcome = project.run("run", show)
    assert outcome.status == 0
    assert outcome.accuracy is None
    assert [test["iteration"] for test in show.tests] == [0, 2, 4, 6]
    assert all(test["outputs"] == [] for test in show.tests)
    assert any("test_iter: 0: test net 0 is given no batch" in note for note in show.notes)
    assert json.dumps(show.tests)
