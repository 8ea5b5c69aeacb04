"""The table of layer types: that its rows say what Caffe and the plugin do, that others may add rows, and what is made of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import ROOT, barista, python, run, sentence

from barista.errors import BaristaError
from barista.layers import types
from barista.layers.backward import learned_blobs
from barista.net import instances, prototxt
from barista.net.prototxt import Kind
from barista.runtime import process
from tools import layer_tables

# --- rows say what is there ----------------------------------------------------------------------------------------------------


def test_the_plugin_has_a_layer_of_each_type_on_the_device_and_no_other() -> None:
    done = python("import barista\nbarista.load()\nimport caffe\nprint(*caffe.layer_type_list())")
    assert done.returncode == 0, done.stderr
    registered = {name for name in done.stdout.split() if name.startswith(types.PREFIX)}
    # A Split is registered under its stock name: it takes the place of those that Caffe puts in.
    assert registered | {"FPGASplit"} == {types.device_type(row.name) for row in types.of_device()}


def test_a_type_has_one_row() -> None:
    names = [row.name for row in types.stock.ROWS]
    assert sorted(names) == sorted(set(names))


def test_each_type_on_the_device_is_under_caffe_s_own_tests() -> None:
    assert [row.name for row in types.of_device() if not row.suites] == []


def test_rows_know_parameters_and_operations_of_what_caffe_makes() -> None:
    """Of the example of each type, and with the options that change their number."""
    inputs = " ".join(f"shape {{ dim: 6 dim: {channels} dim: 7 dim: 6 }}" for channels in (5, 5, 1))
    text = f'layer {{ name: "in" type: "Input" top: "a" top: "b" top: "l" input_param {{ {inputs} }} }}\n'
    text += "".join(row.example.layer(row.name) for row in types.of_device())
    text += """
    layer { name: "c" type: "Convolution" bottom: "a" top: "c" convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
    layer { name: "i" type: "InnerProduct" bottom: "a" top: "i" inner_product_param { num_output: 2 bias_term: false } }
    layer { name: "s" type: "Scale" bottom: "a" top: "s" }
    layer { name: "s2" type: "Scale" bottom: "a" bottom: "b" top: "s2" scale_param { axis: 0 bias_term: true } }
    layer { name: "b2" type: "Bias" bottom: "a" bottom: "b" top: "b2" bias_param { axis: 0 } }
    layer { name: "e" type: "Embed" bottom: "l" top: "e" embed_param { num_output: 2 input_dim: 3 bias_term: false } }
    layer { name: "rows" type: "Reshape" bottom: "a" top: "rows" reshape_param { shape { dim: 6 dim: 5 dim: 42 } } }
    layer { name: "goes on" type: "Input" top: "goes on" input_param { shape { dim: 6 dim: 5 } } }
    layer { name: "lstm" type: "LSTM" bottom: "rows" bottom: "goes on" top: "lstm" recurrent_param { num_output: 2 } }
    layer { name: "rnn" type: "RNN" bottom: "rows" bottom: "goes on" top: "rnn" recurrent_param { num_output: 2 } }
    """
    net = prototxt.parse(text, Kind.NET, "net")
    made = [
        instances.from_json(event["layer"])
        for event in process.ask("barista.plan.made_worker", (), {"net": text, "name": "net"}, {})
    ]
    assert len(made) == len(net.layer)
    for there in made:
        assert there.index is not None
        layer = net.layer[there.index]
        row = types.of(layer.type)
        blobs = row.parameters(layer) if row.parameters else 0
        assert (layer.type, len(there.shapes.weights)) == (layer.type, blobs)
        assert learned_blobs(layer) == (0 if row.statistics else blobs)
        assert (layer.type, row.operation(layer, there.shapes) is not None) == (layer.type, row.on_device)


# --- rows of others ------------------------------------------------------------------------------------------------------------

ROWS = """
from barista.layers.layer_type import LayerType

FOO = LayerType("Foo", on_device=True, obstacle=lambda layer: "it has two tops" if len(layer.top) > 1 else "")
RELU = LayerType("ReLU")

def several():
    return [FOO, LayerType("Bar", stays="is slow anyway")]

def broken():
    raise ValueError("no licence")

WRONG = 3
"""
NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "one" type: "Foo" bottom: "x" top: "one" }
layer { name: "two" type: "Foo" bottom: "one" top: "two" top: "three" }
layer { name: "other" type: "%s" bottom: "two" top: "other" }
"""


def distribution(folder: Path, entry: str) -> Path:
    """A folder with a package `foreign_layers` that is installed there, as far as Python can tell."""
    (folder / "foreign_layers.py").write_text(ROWS)
    info = folder / "foreign_layers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-layers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{types.ENTRY_POINTS}]\nmine = foreign_layers:{entry}\n")
    return folder


@pytest.fixture
def own_table() -> Iterator[None]:
    types.table.cache_clear()
    yield
    types.table.cache_clear()


def test_a_foreign_type_goes_to_the_device(tmp_path: Path) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text(NET % "Bar")
    search = f"{ROOT}:{distribution(tmp_path, 'several')}"
    done = barista("rewrite", net, PYTHONPATH=search)
    assert done.returncode == 0, done.stderr
    assert [layer.type for layer in prototxt.parse(done.stdout, Kind.NET, "net").layer] == ["Input", "FPGAFoo", "Foo", "Bar"]
    assert "it has two tops" in done.stderr
    assert "is slow anyway" in done.stderr
    assert "this Caffe has no layer type 'Foo'" in sentence(barista("rewrite", net))


def test_its_rewritten_net_is_restored(tmp_path: Path) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text((NET % "Foo").replace('"Foo"', '"FPGAFoo"'))
    search = f"{ROOT}:{distribution(tmp_path, 'FOO')}"
    done = barista("rewrite", net, "--restore", PYTHONPATH=search)
    assert [layer.type for layer in prototxt.parse(done.stdout, Kind.NET, "net").layer] == ["Input", "Foo", "Foo", "Foo"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("RELU", "type 'ReLU' has a row already; name another or uninstall it"),
        ("broken", "ValueError: no licence; mend it or uninstall it"),
        ("nowhere", "AttributeError: module 'foreign_layers' has no attribute 'nowhere'; mend it or uninstall it"),
        ("WRONG", "TypeError: 'int' object is not iterable; mend it or uninstall it"),
        ("__name__", "gives a str, a barista.layers.layer_type.LayerType is expected"),
    ],
)
def test_rows_that_are_none_are_one_sentence(
    entry: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_table: None
) -> None:
    monkeypatch.syspath_prepend(distribution(tmp_path, entry))
    monkeypatch.delitem(sys.modules, "foreign_layers", raising=False)
    with pytest.raises(BaristaError) as raised:
        types.table()
    assert str(raised.value) == f"layer types 'mine = foreign_layers:{entry}' of foreign-layers: {said}"


# --- what is made of the rows --------------------------------------------------------------------------------------------------


def test_the_documents_tables_are_what_the_rows_say() -> None:
    found = layer_tables.files()
    assert {path.name for path in found} == {"README.md", "rewriting.md"}
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert layer_tables.with_tables(text) == text, "run 'python -m tools.layer_tables --write'"


def test_the_table_names_each_type_that_the_device_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("<!-- table of layers: families -->")[1].split("<!-- end of table -->")[0]
    assert [
        row.name for row in types.of_device() if row.name not in table.replace("(", " ").replace(",", " ").replace(";", " ").split()
    ] == []


def test_cmake_s_table_needs_the_standard_library_alone() -> None:
    done = run([sys.executable, "-S", "-m", "conformance.table"])
    assert done.stdout.splitlines()[0] == "Convolution convolution_layer net", done.stderr
