"""Exceptions in layers of type Python: every command that runs Caffe says the layer, the exception's own words, and the line."""

from __future__ import annotations

import sys
from pathlib import Path

import processes
import pytest
from trainings import dims, inner_product, layer

LAYERS = """
import json
import sys

import caffe


class Bad(caffe.Layer):
    def setup(self, bottom, top):
        self.batches = 0
        self.fail("setup")

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)
        self.fail("reshape")

    def forward(self, bottom, top):
        self.batches += 1
        top[0].data[...] = bottom[0].data
        if self.batches == 3:
            self.fail("forward")

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff
        self.fail("backward")

    def fail(self, where):
        if self.param_str == where:
            raise ValueError(where + " has\\nits own words")  # HERE


class Settings(Bad):
    def setup(self, bottom, top):
        self.settings = json.loads(self.param_str)  # SETTINGS


class Incomplete(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)


class Constructor(caffe.Layer):
    def __init__(self, param):
        raise OSError("no camera")  # CONSTRUCTOR


class Exit(Bad):
    def forward(self, bottom, top):
        sys.exit(0)  # EXIT


class NoLayer:
    def __init__(self, param):
        pass
"""
LINES = {line.partition("# ")[2]: number for number, line in enumerate(LAYERS.splitlines(), 1) if "# " in line}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_layers.py").write_text(LAYERS)
    (tmp_path / "my_typo.py").write_text("import os\ndef broken(:\n")
    (tmp_path / "my_import.py").write_text("import os\nimport nothing_of_that_name\n")
    return tmp_path


def command(folder: Path, name: str, module: str, class_: str, param: str = "", *arguments: str) -> processes.Result:
    """`barista NAME` of a net with a layer of type Python, in a process that finds the modules."""
    shapes = f"shape {{ {dims(3, 5)} }} shape {{ {dims(3)} }}"
    net = layer(
        "DummyData", "in", "", "x label", f'dummy_data_param {{ {shapes} data_filler {{ type: "gaussian" }} data_filler {{ }} }}'
    )
    net += layer("InnerProduct", "ip", "x", "ip", inner_product(4))
    net += layer("Python", "mine", "ip", "y", f"python_param {{ module: '{module}' layer: '{class_}' param_str: '{param}' }}")
    net += layer("SoftmaxWithLoss", "loss", "y label", "loss")
    (folder / "net.prototxt").write_text(net)
    solver = folder / "solver.prototxt"
    solver.write_text(
        f'net: "{folder}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 5 display: 1 random_seed: 1'
        f' snapshot_prefix: "{folder}/run" snapshot: 2'
    )
    file = folder / "net.prototxt" if name in ("check", "coverage") else solver
    search = f"{processes.ROOT}:{folder}"
    return processes.run([sys.executable, "-m", "barista", name, str(file), *arguments], PYTHONPATH=search)


def place(folder: Path, line: str) -> str:
    return f"at {folder}/my_layers.py:{LINES[line]} in "


@pytest.mark.parametrize("method", ["setup", "reshape", "forward", "backward"])
def test_a_method_that_raises(folder: Path, method: str) -> None:
    said = processes.last_sentence(command(folder, "train", "my_layers", "Bad", method, "--except", "*"))
    assert said.startswith(f"layer 'mine' of type Python: ValueError: {method} has its own words, {place(folder, 'HERE')}fail()")


def test_on_a_device_what_was_learnt_is_kept(folder: Path, device: str) -> None:
    said = processes.last_sentence(command(folder, "train", "my_layers", "Bad", "forward", "--device", device))
    assert said == (
        f"layer 'mine' of type Python: ValueError: forward has its own words, {place(folder, 'HERE')}fail(), in iteration 2;"
        f" go on with --snapshot {folder}/run_iter_2.solverstate"
    )


CONSTRUCTION = {
    ("my_nowhere", "Bad", ""): "ModuleNotFoundError: No module named 'my_nowhere'; is its folder in PYTHONPATH?",
    ("my_layers", "Bda", ""): "AttributeError: module 'my_layers' has no attribute 'Bda', at {folder}/my_layers.py",
    ("my_layers", "NoLayer", ""): "its class is no caffe.Layer",
    ("my_layers", "Constructor", ""): "OSError: no camera, at {folder}/my_layers.py:{CONSTRUCTOR} in __init__()",
    ("my_layers", "Settings", "{oops"): (
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1),"
        " at {folder}/my_layers.py:{SETTINGS} in setup()"
    ),
    ("my_typo", "Bad", ""): "SyntaxError: invalid syntax, at {folder}/my_typo.py:2",
    (
        "my_import",
        "Bad",
        "",
    ): ("ModuleNotFoundError: No module named 'nothing_of_that_name'; is its folder in PYTHONPATH?, at {folder}/my_import.py:2"),
}


@pytest.mark.parametrize("given", CONSTRUCTION, ids=" ".join)
def test_a_layer_that_can_not_be_made(folder: Path, given: tuple[str, str, str]) -> None:
    said = processes.last_sentence(command(folder, "train", *given, "--except", "*"))
    expected = CONSTRUCTION[given].format(folder=folder, **LINES)
    assert said.startswith(f"layer 'mine' of type Python: {expected}"), said


def test_a_missing_method(folder: Path) -> None:
    said = processes.last_sentence(command(folder, "train", "my_layers", "Incomplete", "", "--except", "*"))
    assert said == "layer 'mine' of type Python: AttributeError: 'Incomplete' object has no attribute 'forward', in iteration 0"


def test_a_layer_that_ends_the_process(folder: Path) -> None:
    said = processes.last_sentence(command(folder, "train", "my_layers", "Exit", "", "--except", "*"))
    assert said.startswith(f"layer 'mine' of type Python: SystemExit: 0, {place(folder, 'EXIT')}forward()")


@pytest.mark.parametrize("name", ["check", "coverage", "time", "profile"])
def test_commands_that_make_the_net(folder: Path, name: str) -> None:
    for module, param in (("my_nowhere", ""), ("my_layers", "setup")):
        said = processes.last_sentence(command(folder, name, module, "Bad", param))
        assert ": layer 'mine' of type Python: " in said
        assert ("No module named 'my_nowhere'" if module == "my_nowhere" else place(folder, "HERE")) in said


@pytest.mark.parametrize("name", ["time", "profile"])
def test_commands_that_train_steps(folder: Path, name: str) -> None:
    for class_, words in (("Bad", "ValueError: forward has its own words"), ("Incomplete", "has no attribute 'forward'")):
        said = processes.last_sentence(command(folder, name, "my_layers", class_, "forward"))
        assert ": layer 'mine' of type Python: " in said
        assert words in said
