"""`barista rewrite SOLVER`: which files are written, and what they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from solver_folder import NET, Folder, made

from barista import cli
from barista.net import prototxt
from barista.net.prototxt import Kind


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
