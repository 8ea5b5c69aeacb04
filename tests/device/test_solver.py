"""Solvers as people have them: every form is normalised to one that this Caffe runs, and every mistake is one sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import prototxts
import pytest
from processes import stock_tool
from solver_folder import NET, Folder, Made, made, names_inside

from barista.errors import BaristaError
from barista.net import prototxt, solver, source
from barista.rewrite.placement import Selection

# --- on every solver of Caffe's tree -------------------------------------------------------------------------------------------


def read_solvers_of_caffe() -> list[Made]:
    """All but the one whose nets a notebook writes."""
    files = [path for path in prototxts.solvers_of_caffe() if path.name != "lenet_auto_solver.prototxt"]
    return [made(path, data=False) for path in files]


def test_solvers_of_caffe_are_normalised_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for read in read_solvers_of_caffe():
        param = read.param
        assert param.solver_mode == param.CPU
        assert set(names_inside(param)) <= {"net_param", "train_net_param", "test_net_param"}
        assert not any((param.net, param.train_net, param.test_net))
        assert any(layer.type.startswith("FPGA") for layer in read.placed[0].net.layer), read.ready.origin
        original = read.ready.original
        said_gpu = original.HasField("solver_mode") and original.solver_mode == param.GPU
        assert any("solver_mode: GPU becomes CPU" in note for note in read.notes) == said_gpu


def test_a_normalised_solver_of_caffe_keeps_every_other_field() -> None:
    nets = ("net", "net_param", "train_net", "train_net_param", "test_net", "test_net_param")
    for read in read_solvers_of_caffe():
        before, after = read.ready.original, read.param
        for field in before.DESCRIPTOR.fields:
            if field.name not in (*nets, "solver_mode", "solver_type", "type", "snapshot_prefix"):
                assert getattr(before, field.name) == getattr(after, field.name), (read.ready.origin, field.name)


def test_a_normalised_solver_of_caffe_survives_printing_and_normalising_again(tmp_path: Path) -> None:
    for read in read_solvers_of_caffe():
        printed = tmp_path / "printed.prototxt"
        printed.write_text(prototxt.to_text(read.param))
        again = made(printed, data=False)
        assert again.param == read.param
        assert not any("becomes CPU" in note for note in again.notes)


def test_the_stock_tool_trains_a_solver_that_was_normalised_without_rewriting(folder: Folder) -> None:
    binary = stock_tool()
    path = folder.solver('net: "net.prototxt" test_iter: 1 test_interval: 1 solver_mode: GPU solver_type: ADAM momentum: 0.9')
    printed = folder.write("ready.prototxt", prototxt.to_text(solver.ready(source.open_solver(path)).packed()))
    done = subprocess.run([binary, "train", "-solver", str(printed)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder.path / "solver_iter_2.solverstate").exists()


# --- nets in six ways ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('net: "net.prototxt"', {"net_param": "net"}),
        ('net_param { name: "here" }', {"net_param": "here"}),
        ('train_net: "train.prototxt"', {"train_net_param": "train"}),
        ('train_net_param { name: "here" }', {"train_net_param": "here"}),
        (
            'train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 1 test_interval: 1',
            {"train_net_param": "train", "test_net_param": ["test"]},
        ),
        (
            'net: "net.prototxt" test_net: ["test.prototxt", "other.prototxt"] test_net_param { name: "here" } '
            "test_iter: [1, 1, 1, 1] test_interval: 1",
            {"net_param": "net", "test_net_param": ["here", "test", "other"]},  # in the order in which Caffe makes them
        ),
    ],
)
def test_every_way_to_name_nets(folder: Folder, text: str, inside: dict[str, Any]) -> None:
    assert names_inside(made(folder.solver(text)).param) == inside


def test_each_net_is_rewritten_and_reported(folder: Folder) -> None:
    read = made(
        folder.solver('train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 1 test_interval: 1'),
        Selection(excepted=("data",)),
    )
    assert [net.field for net in read.ready.nets] == ["train_net", "test_net"]
    assert [net.name for net in read.ready.nets] == ["train.prototxt", "test.prototxt"]
    for net in read.placed:
        assert [layer.type for layer in net.net.layer] == ["DummyData", "FPGAInnerProduct", "FPGASoftmaxWithLoss"]
        assert [decision.on_device for decision in net.decisions] == [False, True, True]
    assert read.ready.train_net.name == "train.prototxt"


def test_what_is_opened_keeps_its_types(folder: Folder) -> None:
    folder.write("mixed.prototxt", NET.replace('type: "InnerProduct"', 'type: "FPGAInnerProduct"'))
    for name, expected in (("mixed", "FPGAInnerProduct"), ("net", "InnerProduct")):
        opened = source.open_solver(folder.solver(f'net: "{name}.prototxt"'))
        assert opened.packed().net_param.layer[1].type == expected


def test_states_and_stages_stay(folder: Folder) -> None:
    states = 'train_state { stage: "a" level: 1 } test_state { stage: ["b", "c"] } test_iter: 1 test_interval: 1'
    param = made(folder.solver(f'net: "net.prototxt" {states}')).param
    assert (list(param.train_state.stage), param.train_state.level) == (["a"], 1)
    assert [list(state.stage) for state in param.test_state] == [["b", "c"]]


def test_an_old_net_and_an_old_solver_type_are_upgraded_and_said(folder: Folder) -> None:
    folder.write("old.prototxt", 'layers { name: "ip" type: INNER_PRODUCT inner_product_param { num_output: 2 } }')
    read = made(folder.solver('net: "old.prototxt" solver_type: NESTEROV'))
    assert (read.param.type, read.param.HasField("solver_type")) == ("Nesterov", False)
    assert read.param.net_param.layer[0].type == "FPGAInnerProduct"
    assert 'solver.prototxt: the old solver_type became type: "Nesterov"' in read.notes
    assert "old.prototxt: was in an old format; Caffe's own upgrade made it a present one" in read.notes


@pytest.mark.parametrize("kind", ["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM"])
def test_every_old_solver_type_becomes_one_that_caffe_has(folder: Folder, kind: str) -> None:
    param = made(folder.solver(f'net: "net.prototxt" solver_type: {kind}')).param
    assert param.type.upper() == kind


# --- paths ---------------------------------------------------------------------------------------------------------------------


def test_a_path_counts_from_the_working_directory_first(folder: Folder) -> None:
    folder.write("sub/net.prototxt", f'name: "beside" {NET}')
    path = folder.solver('net: "net.prototxt" snapshot_prefix: "snap"', "sub/solver.prototxt")
    read = made(path)
    assert read.param.net_param.name == "net"
    assert read.param.snapshot_prefix == "snap"
    assert read.notes == ()


def test_a_path_counts_from_the_solvers_folder_or_above_where_nothing_else_is(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("root/examples/mnist/lenet.prototxt", f'name: "above" {NET}')
    folder.write("root/examples/mnist/beside.prototxt", f'name: "beside" {NET}')
    monkeypatch.chdir(folder.path)
    for name, expected in (("examples/mnist/lenet.prototxt", "above"), ("beside.prototxt", "beside")):
        path = folder.solver(f'net: "{name}" snapshot_prefix: "examples/mnist/snap"', "root/examples/mnist/solver.prototxt")
        read = made(path)
        assert read.param.net_param.name == expected
        assert any(f"net '{name}': not there from {Path.cwd()}; " in note for note in read.notes)
        assert read.param.snapshot_prefix == str(folder.path / "root/examples/mnist/snap")


def test_the_snapshot_prefix_is_caffes(folder: Folder) -> None:
    (folder.path / "snaps").mkdir()
    for said, meant in (("", "solver"), ('snapshot_prefix: "snaps"', "snaps/solver"), ('snapshot_prefix: "snaps/a"', "snaps/a")):
        assert made(folder.solver(f'net: "net.prototxt" {said}')).param.snapshot_prefix == meant


def test_weights_may_be_several_with_commas(folder: Folder) -> None:
    for name in ("a", "b", "c"):
        folder.write(f"{name}.caffemodel", "weights")
    assert solver.weights_files(["a.caffemodel,b.caffemodel", " c.caffemodel"]) == [Path(f"{name}.caffemodel") for name in "abc"]
    read = made(folder.solver('net: "net.prototxt" weights: "a.caffemodel, b.caffemodel" weights: "c.caffemodel"'))
    assert list(read.param.weights) == ["a.caffemodel,b.caffemodel", "c.caffemodel"]
    with pytest.raises(BaristaError, match=r"^--weights d.caffemodel: no such file$"):
        solver.weights_files(["a.caffemodel,d.caffemodel"])
    with pytest.raises(BaristaError, match=r"solver.prototxt: weights 'd.caffemodel': no such file from"):
        made(folder.solver('net: "net.prototxt" weights: "d.caffemodel"'))
