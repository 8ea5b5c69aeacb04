"""`barista env`: with the lines that it prints, the stock `caffe` tool trains a rewritten net."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import small_nets
from processes import barista, run, sentence

from barista import paths


def caffe_tool() -> Path:
    tool = paths.caffe_installation().binary
    assert tool is not None
    return tool


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """A shell in which `barista` is the command, as in an environment that has it installed."""
    return run(["sh", "-ec", f'barista() {{ "{sys.executable}" -m barista "$@"; }}\n{script}'])


@pytest.mark.parametrize("before", ["", "export LD_PRELOAD=libm.so.6"], ids=["alone", "beside another preload"])
def test_the_stock_tool_trains_a_rewritten_net(device: str, tmp_path: Path, before: str) -> None:
    """And comes to the weights that it comes to with stock layers, but for rounding."""
    stock_solver, stock_weights = small_nets.write(tmp_path / "stock", on_device=False)
    solver, weights = small_nets.write(tmp_path / "device", on_device=True)
    done = run([str(caffe_tool()), "train", "-solver", str(stock_solver)])
    assert done.returncode == 0, done.stderr
    done = shell(f'{before}\neval "$(barista env --device {device})"\n"{caffe_tool()}" train -solver "{solver}"')
    assert done.returncode == 0, done.stderr
    assert "Creating Layer conv1" in done.stderr
    assert "Optimization Done" in done.stderr
    expected, found = small_nets.weights(stock_weights), small_nets.weights(weights)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-3, abs=1e-4), name


def test_without_those_lines_the_stock_tool_knows_no_such_layer(tmp_path: Path) -> None:
    """So the test above shows what it says."""
    solver, _ = small_nets.write(tmp_path, on_device=True)
    done = run([str(caffe_tool()), "train", "-solver", str(solver)])
    assert done.returncode != 0
    assert "Unknown layer type: FPGAConvolution" in done.stderr


def test_a_pycaffe_script_has_the_layers_too(device: str) -> None:
    script = "import caffe; print(*caffe.layer_type_list())"
    folder = paths.caffe_installation().python_dir
    done = shell(f'eval "$(barista env --device {device})"\nPYTHONPATH="{folder}" "{sys.executable}" -c "{script}"')
    assert done.returncode == 0, done.stderr
    assert {"FPGAConvolution", "FPGAInnerProduct", "FPGAPooling", "FPGAReLU"} <= set(done.stdout.split())


def test_only_shell_lines_go_to_stdout(tmp_path: Path) -> None:
    """A bitstream that is built first says so on stderr, or the shell would run it as a command."""
    result = barista("env", "--device", "pocl", BARISTA_CACHE=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "building" in result.stderr
    assert all(line.startswith(("export ", "# ")) for line in result.stdout.splitlines())


def test_names_with_spaces_survive_the_shell(tmp_path: Path) -> None:
    cache = tmp_path / "it's a cache"
    result = barista("env", "--device", "pocl", BARISTA_CACHE=str(cache))
    printed = run(["sh", "-ec", f'{result.stdout}\nprintf %s "$BARISTA_BITSTREAM"'], LD_PRELOAD="").stdout
    assert printed.startswith(str(cache))
    assert Path(printed).is_file()


def test_no_plugin_is_one_sentence(tmp_path: Path) -> None:
    assert "not built" in sentence(barista("env", BARISTA_PLUGIN=str(tmp_path / "libbarista.so")))
