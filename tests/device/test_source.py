"""The door for nets and solvers: whatever comes in is in Caffe's present format, checked, and no layer of it is placed."""

from __future__ import annotations

from pathlib import Path

import pytest

from barista.errors import BaristaError
from barista.net import prototxt, schema, source
from barista.net.prototxt import Kind
from barista.net.source import Net, Solver

OLD = 'layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 2 } }'
NET = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }'
TEST_ONLY = 'layer { name: "other" type: "Mine" bottom: "ip" top: "x" include { phase: TEST } }'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.prototxt").write_text(OLD)
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text('net: "old.prototxt" base_lr: 0.1 solver_mode: GPU')
    return tmp_path


def test_what_a_file_holds_decides_what_is_opened(folder: Path) -> None:
    net, solver = source.open(Path("old.prototxt")), source.open(Path("solver.prototxt"))
    assert isinstance(net, Net)
    assert isinstance(solver, Solver)
    assert [layer.type for layer in net.message.layer] == ["InnerProduct"]
    assert [inside.message for inside in solver.nets] == [net.message]


def test_an_opened_file_keeps_what_was_written_and_says_what_became_of_it(folder: Path) -> None:
    solver = source.open_solver(Path("solver.prototxt"))
    assert (solver.original.solver_mode, solver.settings.solver_mode) == (schema.new("SolverParameter").GPU, solver.settings.CPU)
    assert solver.train_net.original.layers
    assert solver.notes == (
        "old.prototxt: was in an old format; Caffe's own upgrade made it a present one",
        "solver.prototxt: solver_mode: GPU becomes CPU; layers run on Barista's device, the others on the CPU",
    )


@pytest.mark.parametrize(
    ("opener", "file", "sentence"),
    [
        (source.open_net, "solver.prototxt", "solver.prototxt: is a solver, a net is expected here"),
        (source.open_solver, "net.prototxt", "net.prototxt: is a net, a solver is expected here"),
    ],
)
def test_the_other_kind_is_refused(folder: Path, opener: type, file: str, sentence: str) -> None:
    with pytest.raises(BaristaError) as raised:
        opener(Path(file))
    assert str(raised.value) == sentence


def test_a_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    kind_of = prototxt._kind_of

    def kind(text: str, path: Path) -> Kind:
        read.append(path)
        return kind_of(text, path)

    monkeypatch.setattr(prototxt, "_kind_of", kind)
    source.open_training(Path("net.prototxt"))
    source.open_solver(Path("solver.prototxt"))
    assert read == [Path("net.prototxt"), Path("solver.prototxt"), Path("old.prototxt")]


def test_a_net_alone_is_trained_by_a_solver_that_moves_nothing(folder: Path) -> None:
    solver = source.open_training(Path("net.prototxt"))
    assert (solver.settings.base_lr, solver.settings.type, solver.train_net.name) == (0, "SGD", "net.prototxt")
    assert solver.packed().net_param == prototxt.read_net(Path("net.prototxt"))


def test_types_count_where_a_net_is_made(folder: Path) -> None:
    """A net alone may be made in any phase; what trains it makes none for testing."""
    Path("net.prototxt").write_text(NET + TEST_ONLY)
    with pytest.raises(BaristaError, match=r"^net.prototxt: layer 'other': this Caffe has no layer type 'Mine'"):
        source.open(Path("net.prototxt"))
    source.open(Path("net.prototxt"), check_types=False)
    source.open_training(Path("net.prototxt"))


def test_a_solver_in_memory_is_opened_as_one_in_a_file(folder: Path) -> None:
    param = prototxt.read_solver(Path("solver.prototxt"))
    param.ClearField("net")
    param.net_param.CopyFrom(prototxt.read_net(Path("old.prototxt")))
    made, read = source.of_solver(param, Path("memory")), source.open_solver(Path("solver.prototxt"))
    assert made.packed() == read.packed()
    assert made.train_net.name == "memory: net_param"


def test_packing_names_the_files_that_are_given_and_holds_the_others(folder: Path) -> None:
    Path("solver.prototxt").write_text('train_net: "net.prototxt" test_net: "old.prototxt" test_net_param { name: "here" }')
    solver = source.open(Path("solver.prototxt"), check_types=False)
    assert isinstance(solver, Solver)
    packed = solver.packed(files={Path("net.prototxt"): Path("out/net.prototxt")})
    assert packed.train_net == "out/net.prototxt"
    assert [net.name for net in packed.test_net_param] == ["here", ""]
    assert not packed.test_net
