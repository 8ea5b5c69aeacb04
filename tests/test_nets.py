"""The classic nets: they are the published ones, and the command that writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processes import run

from barista import prototxt, solver
from examples import nets


def written(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "examples.nets", *map(str, arguments)])


@pytest.mark.parametrize("name", nets.NETS)
def test_its_solver_is_ready_for_training_but_for_data(name: str, tmp_path: Path) -> None:
    """Read, upgraded and rewritten, with every type, value and file but data's as Caffe takes it."""
    ready = solver.normalise(nets.write(name, tmp_path / "net.prototxt"), data=False)
    assert ready.train_net.file == tmp_path / "net.prototxt"
    data = {layer.top[0] for layer in ready.train_net.net.layer if layer.type == "Data"}
    assert data == set(nets.example(name).images)
    assert ready.param.snapshot_prefix == str(tmp_path / "net")


def test_the_command_writes_net_and_solver(tmp_path: Path) -> None:
    result = written("resnet20", "-o", tmp_path / "mine.prototxt")
    assert (result.returncode, result.stderr) == (0, "")
    assert prototxt.read_net(tmp_path / "mine.prototxt") == nets.resnet20().net
    assert prototxt.read_solver(tmp_path / "mine_solver.prototxt").net == str(tmp_path / "mine.prototxt")


def test_without_a_file_the_net_goes_to_standard_output() -> None:
    result = written("squeezenet")
    assert result.returncode == 0
    assert prototxt.parse(result.stdout, prototxt.Kind.NET, "stdout") == nets.squeezenet().net


def test_the_list_has_a_line_a_net() -> None:
    lines = written("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(nets.NETS)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "no net is named; say one of lenet, "),
        (("resnet5",), "net 'resnet5': there is lenet, "),
        (("lenet", "-o", "/nowhere/net.prototxt"), "/nowhere/net.prototxt: cannot be written: no such file or directory"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = written(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith(f"examples.nets: {sentence}")
