"""Solvers as people have them: every form is normalised to one that this Caffe runs, and every mistake is one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
import prototxts
import pytest
from processes import stock_tool

from barista import cli, paths
from barista.errors import BaristaError
from barista.net import data_files, prototxt, schema, solver, source
from barista.net.prototxt import Kind
from barista.net.schema import SolverParameter
from barista.net.source import Solver
from barista.rewrite import placement
from barista.rewrite.placement import Placed, Selection

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: [2, 1, 4, 4] } shape { dim: 2 } data_filler { type: "gaussian" } data_filler { } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
FIXED = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 2'


@dataclass(frozen=True)
class Made:
    """A solver as the training worker gets it."""

    ready: Solver
    placed: tuple[Placed, ...]

    @property
    def param(self) -> SolverParameter:
        return self.ready.packed([net.net for net in self.placed])

    @property
    def notes(self) -> tuple[str, ...]:
        return self.ready.notes


def made(path: Path, selection: Selection = placement.ALL, **options: Any) -> Made:
    ready = solver.ready(source.open_solver(path), **options)
    return Made(ready, placement.place_nets(ready, selection))


class Folder:
    """A working directory with solvers and nets."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)
        return Path(name)

    def solver(self, text: str, name: str = "solver.prototxt") -> Path:
        return self.write(name, f"{text} {FIXED}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    for name in ("net", "train", "test", "other"):
        folder.write(f"{name}.prototxt", f'name: "{name}" {NET}')
    return folder


def names_inside(param: Any) -> dict[str, Any]:
    """The nets that a normalised solver holds, by their names."""
    found: dict[str, Any] = {}
    for field in ("net_param", "train_net_param"):
        if param.HasField(field):
            found[field] = getattr(param, field).name
    if param.test_net_param:
        found["test_net_param"] = [net.name for net in param.test_net_param]
    return found


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


def test_data_of_a_net_are_found_the_same_way(folder: Folder) -> None:
    make_lmdb(folder.path / "root" / "examples" / "db", [datum(1, 4, 4)])
    folder.write("root/examples/net.prototxt", DATA)
    path = folder.solver('net: "net.prototxt"', "root/examples/solver.prototxt")
    (folder.path / "net.prototxt").unlink()
    read = made(path)
    assert read.param.net_param.layer[0].data_param.source == str(folder.path / "root" / "examples" / "db")
    assert any("layer 'data': source 'examples/db': not there from" in note for note in read.notes)


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


# --- mistakes ------------------------------------------------------------------------------------------------------------------

THE_NET = 'net: "net.prototxt"'
NET_AND = f"{THE_NET} {FIXED}"
MISTAKES = [
    (FIXED, "no train net is given; exactly one of net, net_param, train_net, train_net_param is expected"),
    (f'{NET_AND} train_net: "train.prototxt"', "both net and train_net are given; exactly one of"),
    (f'net: "nowhere.prototxt" {FIXED}', "net 'nowhere.prototxt': no such file from"),
    (f'{NET_AND} type: "Sgd"', "type 'Sgd': Caffe has AdaDelta, AdaGrad, Adam, Nesterov, RMSProp, SGD"),
    (f'{NET_AND} type: "SGD" solver_type: SGD', "both solver_type and type are given; type alone is the present form"),
    (f"{THE_NET} max_iter: 2 base_lr: 0.1", "lr_policy is missing; it is one of fixed, step, exp"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "setp"', "sigmoid; did you mean 'step'?"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "step"', "stepsize is missing: lr_policy 'step' needs one above 0"),
    (
        f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "sigmoid" stepsize: -1',
        "stepsize: -1: lr_policy 'sigmoid' needs one above 0",
    ),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "exp" gamma: -1', "gamma: -1: must not be negative"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "inv" gamma: nan', "gamma: nan: must not be negative"),
    (f"{NET_AND} test_iter: 1", "test_interval: 0: must be above 0 where there are test nets"),
    (f'{NET_AND} test_net: "test.prototxt"', "0 test_iter for 1 test nets; one for each is expected"),
    (
        f'train_net: "train.prototxt" {FIXED} test_iter: 1 test_interval: 1',
        "1 test_iter for 0 test nets; one for each is expected",
    ),
    (
        f"{NET_AND} test_iter: [1, 1] test_interval: 1 test_state {{ }}",
        "1 test_state for 2 test nets; none, or one for each, is expected",
    ),
    (f'{NET_AND} type: "AdaGrad" momentum: 0.9', "momentum: 0.9: AdaGrad takes none"),
    (f'{NET_AND} type: "RMSProp" rms_decay: 1', "rms_decay: 1: must be at least 0 and below 1"),
    (f"{NET_AND} average_loss: 0", "average_loss: 0: must be at least 1"),
    (f"{NET_AND} iter_size: 0", "iter_size: 0: the mean loss of no batches is no number"),
    (f'{NET_AND} regularization_type: "L3" weight_decay: 0.1', "regularization_type 'L3': it is L1 or L2"),
    (f'{NET_AND} snapshot_prefix: "nowhere/snap"', "snapshot_prefix 'nowhere/snap': there is no folder"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES)
def test_a_mistake_in_a_solver_is_one_sentence(folder: Folder, text: str, sentence: str) -> None:
    path = folder.write("solver.prototxt", text)
    with pytest.raises(BaristaError) as raised:
        made(path)
    assert str(raised.value).startswith("solver.prototxt: ")
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


# What stock Caffe trains, and the note on it.
ODD = [
    (f'{THE_NET} max_iter: 2 lr_policy: "fixed"', "base_lr is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "poly"', "power is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "inv" power: 1', "gamma is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "step" stepsize: 1', "gamma is not given: 0 is used"),
    (f'{THE_NET} max_iter: 2 base_lr: 0.1 lr_policy: "multistep"', "gamma is not given: 0 is used"),
    (f"{THE_NET} base_lr: 0.1", ""),  # no iteration, so that no lr_policy is asked for
    (f"{NET_AND} gamma: -1", ""),
    (f"{NET_AND} iter_size: -1", "iter_size: -1: no batch is taken"),
    (f'{NET_AND} regularization_type: "L3"', "regularization_type 'L3': Caffe has L1 and L2"),
    (f"{NET_AND} test_iter: 0 test_interval: 1", "test_iter: 0: test net 0 is given no batch"),
    (f'{NET_AND} snapshot_prefix: "nowhere/snap" snapshot_after_train: false', "nowhere; the solver asks for no snapshot"),
]


@pytest.mark.parametrize(("text", "note"), ODD)
def test_what_stock_caffe_accepts_is_accepted(folder: Folder, text: str, note: str) -> None:
    """The stock tool trains the very same solver, so that this list can't say more than is so."""
    read = made(folder.write("solver.prototxt", text))
    assert any(note in said for said in read.notes) or (not note and not read.notes)
    binary = paths.caffe_installation().binary
    if binary is not None:
        done = subprocess.run([binary, "train", "-solver", "solver.prototxt"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


# What is refused above, as far as the words are not Caffe's own: the stock tool ends with the same solver.
REFUSED = [
    "lr_policy is missing",
    "stepsize is missing",
    "stepsize: -1",
    "gamma: -1",
    "gamma: nan",
    "regularization_type",
    "momentum",
]


@pytest.mark.parametrize("problem", REFUSED)
def test_what_is_refused_stock_caffe_aborts_on(folder: Folder, problem: str) -> None:
    binary = stock_tool()
    [text] = [text for text, sentence in MISTAKES if sentence.startswith(problem)]
    folder.write("solver.prototxt", text)
    done = subprocess.run([binary, "train", "-solver", "solver.prototxt"], capture_output=True, text=True, check=False)
    assert done.returncode < 0


def test_layers_that_no_net_is_made_with_may_be_of_any_type(folder: Folder) -> None:
    folder.write("net.prototxt", NET + 'layer { name: "other" type: "Mine" bottom: "ip" top: "x" include { phase: TEST } }')
    made(folder.solver('net: "net.prototxt"'))
    with pytest.raises(BaristaError, match="layer 'other': this Caffe has no layer type 'Mine'"):
        made(folder.solver('net: "net.prototxt" test_iter: 1 test_interval: 1'))


def test_weights_that_others_take_the_place_of_need_not_be_there(folder: Folder) -> None:
    path = folder.solver('net: "net.prototxt" weights: "gone.caffemodel"')
    assert not made(path, weights=()).param.weights


def test_a_mistake_in_a_net_names_the_net(folder: Folder) -> None:
    folder.write("bad.prototxt", 'layer {\n  name: "a"\n  tpye: "ReLU"\n}')
    with pytest.raises(BaristaError, match=r"^bad.prototxt:3:3: LayerParameter has no field 'tpye'; did you mean 'type'\?$"):
        made(folder.solver('net: "bad.prototxt"'))
    folder.write("bad.prototxt", 'layer { name: "a" type: "Relu" }')
    with pytest.raises(
        BaristaError, match=r"^bad.prototxt: layer 'a': this Caffe has no layer type 'Relu'; did you mean 'ReLU'\?$"
    ):
        made(folder.solver('net: "bad.prototxt"'))


def test_a_pattern_may_match_in_any_net_but_must_in_one(folder: Folder) -> None:
    folder.write("test.prototxt", NET.replace('"ip"', '"fc"'))
    path = folder.solver('train_net: "train.prototxt" test_net: "test.prototxt" test_iter: 1 test_interval: 1')
    made(path, Selection(only=("ip", "fc")))
    with pytest.raises(BaristaError, match=r"^solver.prototxt: --only 'conv1' matches no layer"):
        made(path, Selection(only=("ip", "conv1")))


# --- data ----------------------------------------------------------------------------------------------------------------------

DATA = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
        data_param { source: "examples/db" backend: LMDB batch_size: 1 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
        data_param { source: "examples/testdb" backend: LMDB batch_size: 1 } }
"""


def datum(channels: int, height: int, width: int, size: int | None = None) -> bytes:
    message = schema.new("Datum")
    message.channels, message.height, message.width = channels, height, width
    message.data = bytes(channels * height * width if size is None else size)
    return bytes(message.SerializeToString())


def make_lmdb(path: Path, records: list[bytes]) -> None:
    path.mkdir(parents=True)
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        for index, record in enumerate(records):
            transaction.put(f"{index:08}".encode(), record)


@pytest.fixture
def data_solver(folder: Folder) -> Path:
    folder.write("net.prototxt", DATA)
    return folder.solver('net: "net.prototxt"')


def test_data_are_looked_at_only_where_a_net_uses_them(folder: Folder, data_solver: Path) -> None:
    make_lmdb(folder.path / "examples" / "db", [datum(1, 4, 4)])
    made(data_solver)
    with_test = folder.solver('net: "net.prototxt" test_iter: 1 test_interval: 1')
    with pytest.raises(BaristaError, match=r"^net.prototxt: layer 'data': source 'examples/testdb': there is no such file$"):
        made(with_test)


def corrupt(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "data.mdb").write_bytes(b"not a database" * 1000)


def cut_short(path: Path) -> None:
    make_lmdb(path, [datum(1, 4, 4)] * 50)
    (path / "data.mdb").write_bytes((path / "data.mdb").read_bytes()[:100])


def leveldb(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "CURRENT").write_text("MANIFEST-000001\n")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(parents=True), "is not an LMDB, which is a folder that holds data.mdb"),
        (leveldb, "it is a database of the other kind, say 'backend: LEVELDB'"),
        (corrupt, "is not an LMDB that can be read"),
        (cut_short, "is not an LMDB that can be read"),
        (lambda path: make_lmdb(path, []), "holds no records"),
        (lambda path: make_lmdb(path, [b"\xff\xff\xff"]), "its records are not Caffe's Datum"),
        (lambda path: make_lmdb(path, [b""]), "its first record is empty"),
        (lambda path: make_lmdb(path, [datum(3, 4, 4, size=16)]), "its first record holds 16 bytes for 3x4x4"),
    ],
)
def test_an_lmdb_that_is_none_is_one_sentence(
    folder: Folder, data_solver: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(folder.path / "examples" / "db")
    with pytest.raises(BaristaError) as raised:
        made(data_solver)
    assert str(raised.value).startswith("net.prototxt: layer 'data': source 'examples/db': ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_lmdb_without_its_backend_is_one_sentence(folder: Folder) -> None:
    make_lmdb(folder.path / "db", [datum(1, 4, 4)])
    folder.write("net.prototxt", 'layer { name: "data" type: "Data" data_param { source: "db" } }')
    with pytest.raises(BaristaError, match=r"is not a LevelDB, the backend where none is given; .* say 'backend: LMDB'$"):
        made(folder.solver('net: "net.prototxt"'))


def test_an_hdf5_list_and_a_mean_file_must_be_there(folder: Folder) -> None:
    folder.write("list.txt", "a.h5\n")
    folder.write("net.prototxt", 'layer { name: "data" type: "HDF5Data" hdf5_data_param { source: "list.txt" } }')
    with pytest.raises(BaristaError, match=r"source 'list.txt': lists 'a.h5', and there is no such file$"):
        made(folder.solver('net: "net.prototxt"'))
    folder.write("net.prototxt", 'layer { name: "data" type: "DummyData" transform_param { mean_file: "mean.binaryproto" } }')
    with pytest.raises(BaristaError, match=r"mean_file 'mean.binaryproto': there is no such file$"):
        made(folder.solver('net: "net.prototxt"'))


@pytest.mark.parametrize(
    ("rules", "state", "included"),
    [
        ("", "phase: TRAIN", True),
        ("include { phase: TRAIN }", "phase: TEST", False),
        ("include { phase: TRAIN } include { phase: TEST }", "phase: TEST", True),
        ("exclude { phase: TEST }", "phase: TEST", False),
        ("exclude { phase: TEST }", "phase: TRAIN", True),
        ("include { min_level: 2 }", "level: 1", False),
        ("include { min_level: 2 max_level: 3 }", "level: 3", True),
        ("include { max_level: 2 }", "level: 3", False),
        ('include { stage: ["a", "b"] }', 'stage: "a"', False),
        ('include { stage: ["a", "b"] }', 'stage: ["b", "a"]', True),
        ('include { not_stage: "a" }', 'stage: "a"', False),
        ('exclude { not_stage: "a" }', 'stage: "a"', True),
    ],
)
def test_a_layer_is_included_by_caffes_rules(rules: str, state: str, included: bool) -> None:
    net = prototxt.parse(f'state {{ {state} }} layer {{ name: "x" {rules} }}', Kind.NET, "net")
    assert data_files.includes(net.state, net.layer[0]) is included


# --- barista rewrite SOLVER ----------------------------------------------------------------------------------------------------


def rewrite(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exited:
        cli.run(["rewrite", *map(str, arguments)])
    return int(exited.value.code or 0)


def test_a_rewritten_solver_names_its_rewritten_nets(folder: Folder) -> None:
    path = folder.solver(
        'train_net: "train.prototxt" test_net: ["test.prototxt", "test.prototxt"] test_net_param { name: "here" } '
        "test_iter: [1, 1, 1] test_interval: 1 solver_mode: GPU"
    )
    assert rewrite(path, "-o", "out.prototxt") == 0
    out = prototxt.read_solver(Path("out.prototxt"))
    assert (out.train_net, list(out.test_net)) == ("train.fpga.prototxt", ["test.fpga.prototxt"] * 2)
    assert [net.name for net in out.test_net_param] == ["here"]
    assert out.solver_mode == out.CPU
    assert prototxt.read_net(Path("train.fpga.prototxt")).layer[1].type == "FPGAInnerProduct"
    trained, again = made(path).param, made(Path("out.prototxt")).param
    again.snapshot_prefix = trained.snapshot_prefix  # each is called after its own file
    assert again == trained


def test_a_rewritten_solver_is_rewritten_to_itself_and_restored(folder: Folder) -> None:
    path = folder.solver('net: "net.prototxt"')
    (folder.path / "out").mkdir()
    assert rewrite(path, "-o", "out") == 0
    files = {file: file.read_bytes() for file in (folder.path / "out").iterdir()}
    assert sorted(file.name for file in files) == ["net.fpga.prototxt", "solver.fpga.prototxt"]
    assert rewrite("out/solver.fpga.prototxt", "-o", "out") == 0
    assert {file: file.read_bytes() for file in (folder.path / "out").iterdir()} == files
    assert rewrite("out/solver.fpga.prototxt", "--restore", "-o", "out") == 0
    assert prototxt.read_solver(Path("out/solver.stock.prototxt")).net == "out/net.stock.prototxt"
    assert prototxt.read_net(Path("out/net.stock.prototxt")) == prototxt.read_net(Path("net.prototxt"))


def test_nets_of_one_name_from_two_folders_stay_apart(folder: Folder) -> None:
    folder.write("a/net.prototxt", f'name: "a" {NET}')
    folder.write("b/net.prototxt", f'name: "b" {NET}')
    path = folder.solver('train_net: "a/net.prototxt" test_net: "b/net.prototxt" test_iter: 1 test_interval: 1')
    assert rewrite(path, "-o", "out.prototxt") == 0
    out = prototxt.read_solver(Path("out.prototxt"))
    assert prototxt.read_net(Path(out.train_net)).name == "a"
    assert prototxt.read_net(Path(out.test_net[0])).name == "b"


def test_a_solver_on_stdout_holds_its_nets(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert rewrite(folder.solver('net: "net.prototxt"')) == 0
    param = prototxt.parse(capsys.readouterr().out, Kind.SOLVER, "stdout")
    assert param.net_param.layer[1].type == "FPGAInnerProduct"


def test_a_solver_is_not_written_over_its_net(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder.solver('net: "net.prototxt"')
    assert rewrite(path, "-o", "net.fpga.prototxt") == 1
    assert "net.fpga.prototxt: would hold both the solver and one of its nets" in capsys.readouterr().err
    assert not Path("net.fpga.prototxt").exists()


def test_the_diff_of_a_solver_shows_solver_and_nets(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert rewrite(folder.solver('net: "net.prototxt" solver_mode: GPU'), "--diff") == 0
    out = capsys.readouterr().out
    for line in ("-solver_mode: GPU", "+solver_mode: CPU", '-  type: "InnerProduct"', '+  type: "FPGAInnerProduct"'):
        assert line in out.splitlines()
    assert "FPGA" not in Path("net.prototxt").read_text()
