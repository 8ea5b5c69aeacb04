"""`barista rewrite NET`: where the net and the report go, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from barista import cli
from barista.net import prototxt
from barista.net.prototxt import Kind


def net_of(text: str) -> Any:
    return prototxt.parse(text, Kind.NET, "net")


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def barista(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """`barista rewrite` with the given arguments."""

    def run(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as exited:
            cli.run(["rewrite", *map(str, arguments)])
        out, err = capsys.readouterr()
        return Result(int(exited.value.code or 0), out, err)

    return run


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    path = tmp_path / "lenet.prototxt"
    path.write_text(
        'name: "tiny"\n'
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 1, 8, 8] } } }\n'
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"\n'
        '        convolution_param { num_output: 2 kernel_size: 3 engine: CUDNN } python_param { param_str: "{}" } }\n'
        'layer { name: "argmax" type: "ArgMax" bottom: "conv" top: "argmax" }  # to the CPU\n'
    )
    return path


def test_without_output_the_net_goes_to_stdout_and_the_report_to_stderr(barista: Callable[..., Result], lenet: Path) -> None:
    result = barista(lenet)
    assert result.exit_code == 0
    net = net_of(result.stdout)
    assert [layer.type for layer in net.layer] == ["Input", "FPGAConvolution", "ArgMax"]
    assert net.layer[1].python_param.param_str == "{}"
    assert "1 of 3 layers on the device" in result.stderr
    assert "no device layer of this type yet" in result.stderr


def test_with_output_the_report_goes_to_stdout(barista: Callable[..., Result], lenet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.prototxt"
    result = barista(lenet, "-o", out)
    assert (result.exit_code, result.stderr) == (0, "")
    assert prototxt.read_net(out).layer[1].type == "FPGAConvolution"
    assert f"wrote {out}" in result.stdout


def test_into_a_folder_goes_name_fpga_prototxt_and_back_name_stock_prototxt(
    barista: Callable[..., Result], lenet: Path, tmp_path: Path
) -> None:
    assert barista(lenet, "-o", tmp_path).exit_code == 0
    rewritten = tmp_path / "lenet.fpga.prototxt"
    assert barista(rewritten, "--restore", "-o", tmp_path).exit_code == 0
    assert prototxt.read_net(tmp_path / "lenet.stock.prototxt") == prototxt.read_net(lenet)
    before = rewritten.read_bytes()
    assert barista(rewritten, "-o", tmp_path).exit_code == 0
    assert rewritten.read_bytes() == before


def test_diff_shows_the_types_that_change_and_nothing_else(barista: Callable[..., Result], lenet: Path) -> None:
    result = barista(lenet, "--diff")
    changes = [line for line in result.stdout.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")]
    assert [line for line in changes if not line.startswith("+#")] == [
        '-  type: "Convolution"',
        '+  type: "FPGAConvolution"',
    ]
    assert barista(lenet, "--diff", "--restore").stdout == ""


def test_only_and_except_reach_the_rewriter(barista: Callable[..., Result], lenet: Path) -> None:
    assert net_of(barista(lenet, "--except", "c*").stdout).layer[1].type == "Convolution"
    assert net_of(barista(lenet, "--only", "conv").stdout).layer[1].type == "FPGAConvolution"
    assert barista(lenet, "--restore", "--only", "conv").exit_code == 2


@pytest.mark.parametrize(
    ("text", "arguments", "sentence"),
    [
        ('layer { name: "x" type: "Convolusion" }', (), "layer 'x': this Caffe has no layer type 'Convolusion'; did you mean"),
        ('layer { nme: "x" }', (), ":1:9: LayerParameter has no field 'nme'"),
        ('layer { name: "x" type: "ReLU" }', ("--only", "y"), "--only 'y' matches no layer"),
        ('layer { name: "x" type: "ReLU" }', ("-o", "/nowhere/net"), "/nowhere/net: cannot be written: no such file or directory"),
        ('net: "nowhere.prototxt" base_lr: 1', (), "net 'nowhere.prototxt': no such file from"),
        ("base_lr: 1 lr_policy: 'fixed'", (), "no train net is given; exactly one of net, net_param"),
        ("net: 'a' train_net: 'b'", (), "both net and train_net are given"),
        ("", (), "is empty"),
    ],
)
def test_bad_input_is_one_sentence_and_status_1(
    barista: Callable[..., Result], tmp_path: Path, text: str, arguments: tuple[str, ...], sentence: str
) -> None:
    path = tmp_path / "bad.prototxt"
    path.write_text(text)
    result = barista(path, *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.prototxt"]


def test_unknown_types_are_kept_where_that_is_asked_for(barista: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('layer { name: "x" type: "MyOwn" python_param { param_str: "keep" } }')
    result = barista(path, "--keep-unknown")
    assert result.exit_code == 0
    assert net_of(result.stdout) == prototxt.read_net(path)
