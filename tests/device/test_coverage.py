"""`barista coverage`: what is counted, layer by layer, and what it says of nets, solvers and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lmdb
import pytest
from processes import barista, sentence

from barista.cli import coverage as command
from barista.net import schema
from barista.plan import coverage
from barista.plan.coverage import Coverage
from barista.rewrite.placement import Place


def write(folder: Path, text: str, name: str = "net.prototxt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def cover(folder: Path, text: str, **shapes: tuple[int, ...]) -> Coverage:
    [found] = coverage.cover([write(folder, text)], shapes)
    return found


INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 6 dim: 9 dim: 7 } } }\n'


@pytest.mark.parametrize(
    ("layer", "multiply_adds", "parameters"),
    [
        # Two images of 4 x 7 x 5: each element is the sum of 6 x 9 products.
        ('type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 }', 2 * 4 * 7 * 5 * 6 * 9, 4 * 6 * 9 + 4),
        (
            'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 group: 2 stride: 2 bias_term: false }',
            2 * 4 * 4 * 3 * 3 * 9,
            4 * 3 * 9,
        ),
        ('type: "Convolution" convolution_param { num_output: 6 kernel_size: 3 group: 6 }', 2 * 6 * 7 * 5 * 9, 6 * 9 + 6),
        ('type: "Convolution" top: "z" bottom: "x" convolution_param { num_output: 4 kernel_size: 3 }', 2 * 15120, 220),
        # Each of 2 x 6 x 9 x 7 elements goes into 4 x 16.
        ('type: "Deconvolution" convolution_param { num_output: 4 kernel_size: 4 stride: 2 }', 2 * 6 * 63 * 64, 6 * 64 + 4),
        ('type: "InnerProduct" inner_product_param { num_output: 5 }', 2 * 6 * 63 * 5, 6 * 63 * 5 + 5),
        ('type: "InnerProduct" inner_product_param { num_output: 5 axis: 3 transpose: true }', 2 * 6 * 9 * 7 * 5, 7 * 5 + 5),
        ('type: "BatchNorm"', 0, 0),
        ('type: "Scale" scale_param { bias_term: true }', 0, 12),
        ('type: "PReLU"', 0, 6),
        ('type: "LRN"', 0, 0),
    ],
)
def test_a_layer_s_products_and_parameters(layer: str, multiply_adds: int, parameters: int, tmp_path: Path) -> None:
    found = cover(tmp_path, f'{INPUT} layer {{ name: "y" {layer} bottom: "x" top: "y" }}')
    assert (found.layers[1].multiply_adds, found.layers[1].parameters) == (multiply_adds, parameters)


SEQUENCES = """
layer { name: "in" type: "Input" top: "x" top: "more" top: "still"
  input_param { shape { dim: 5 dim: 2 dim: 3 } shape { dim: 5 dim: 2 } shape { dim: 2 dim: 7 } } }
layer { name: "y" type: "%s" bottom: "x" bottom: "more" %s top: "y" recurrent_param { num_output: 4 } }
"""


@pytest.mark.parametrize(
    ("layer_type", "bottom", "multiply_adds"),
    [
        # Five steps of two sequences. An LSTM has four gates.
        ("LSTM", "", 5 * 2 * (16 * 3 + 16 * 4)),
        ("LSTM", 'bottom: "still"', 5 * 2 * (16 * 3 + 16 * 4) + 2 * 16 * 7),
        ("RNN", "", 5 * 2 * (4 * 3 + 4 * 4 + 4 * 4)),
        ("RNN", 'bottom: "still"', 5 * 2 * (4 * 3 + 4 * 4 + 4 * 4) + 2 * 4 * 7),
    ],
)
def test_recurrent_layers_multiply_at_each_step(layer_type: str, bottom: str, multiply_adds: int, tmp_path: Path) -> None:
    found = cover(tmp_path, SEQUENCES % (layer_type, bottom))
    assert (found.multiply_adds, found.share) == (multiply_adds, 0)


TRAINED = """
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TRAIN } transform_param { %(transform)s }
  data_param { source: "nowhere" backend: LMDB batch_size: 4 } }
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TEST } transform_param { %(transform)s }
  data_param { source: "nowhere" backend: LMDB batch_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" param { name: "w" } inner_product_param { num_output: 10 } }
layer { name: "flat" type: "Flatten" bottom: "ip" top: "flat" }
layer { name: "same" type: "InnerProduct" bottom: "x" top: "same" param { name: "w" } inner_product_param { num_output: 10 } }
layer { name: "head" type: "InnerProduct" bottom: "flat" top: "h" include { phase: TRAIN } inner_product_param { num_output: 2 } }
layer { name: "head" type: "InnerProduct" bottom: "flat" top: "h" include { phase: TEST } inner_product_param { num_output: 5 } }
layer { name: "most" type: "ArgMax" bottom: "h" top: "most" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "h" bottom: "label" top: "loss" }
"""


def test_each_layer_is_counted_in_its_phase(tmp_path: Path) -> None:
    """Batches are 4 and 3, images 12 numbers; the two heads are two layers, shared weights are one parameter."""
    found = cover(tmp_path, TRAINED % {"transform": ""}, x=(3, 2, 2))
    products = [(layer.layer, layer.multiply_adds, layer.parameters) for layer in found.layers]
    assert products == [
        ("data", 0, 0),
        ("data", 0, 0),
        ("ip", 4 * 12 * 10, 12 * 10 + 10),
        ("flat", 0, 0),
        ("same", 4 * 12 * 10, 10),
        ("head", 4 * 10 * 2, 10 * 2 + 2),
        ("head", 3 * 10 * 5, 10 * 5 + 5),
        ("most", 0, 0),
        ("loss", 0, 0),
    ]


def test_where_layers_run_is_what_the_rewriter_decides(tmp_path: Path) -> None:
    found = cover(tmp_path, TRAINED % {"transform": ""}, x=(3, 2, 2))
    assert [(layer.place, layer.reason) for layer in found.layers[2:4]] == [(Place.DEVICE, ""), (Place.VIEW, "")]
    assert found.layers[7].reason == "no device layer of this type yet"
    assert (found.on_device, found.share) == (6, 1)


def test_the_share_is_the_device_s_part_of_the_products(tmp_path: Path) -> None:
    stays = 'python_param { param_str: "mine" } convolution_param { num_output: 4 kernel_size: 3 }'
    goes = "convolution_param { num_output: 12 kernel_size: 3 }"
    found = cover(
        tmp_path,
        f'{INPUT} layer {{ name: "a" type: "Convolution" bottom: "x" top: "a" {stays} }}'
        f'layer {{ name: "b" type: "Convolution" bottom: "x" top: "b" {goes} }}',
    )
    assert (found.on_device, found.share) == (1, 0.75)
    assert found.multiply_adds_on_device == 2 * 12 * 7 * 5 * 6 * 9


def test_a_rewritten_net_is_covered_as_the_one_before(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "y" type: "%s" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 3 } }'
    assert cover(tmp_path, text % "FPGAConvolution") == cover(tmp_path, text % "Convolution")


# --- shapes of inputs ----------------------------------------------------------------------------------------------------------


def test_crop_and_mean_values_tell_an_image_s_shape(tmp_path: Path) -> None:
    found = cover(tmp_path, TRAINED % {"transform": "crop_size: 5 mean_value: 1 mean_value: 2 mean_value: 3"})
    assert found.notes[0] == "input x: 4x3x5x5, as its crop and mean values say"


@pytest.mark.parametrize("transform", ["crop_size: 5 mean_value: 1", "mean_value: 1 mean_value: 2"])
def test_one_mean_value_or_no_crop_tells_nothing(transform: str, tmp_path: Path) -> None:
    said = sentence(barista("coverage", write(tmp_path, TRAINED % {"transform": transform})))
    assert said.endswith("nothing tells the shape of 'x'; say it with --shape x=CHANNELSxHEIGHTxWIDTH")


def test_code_of_one_s_own_is_replaced_where_all_its_shapes_are_said(tmp_path: Path) -> None:
    text = """
    layer { name: "mine" type: "Python" top: "x" top: "label" python_param { module: "nowhere" layer: "Mine" } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 10 } }
    """
    assert cover(tmp_path, text, x=(2, 3, 4, 5), label=(2,)).multiply_adds == 2 * 60 * 10
    assert "No module named 'nowhere'" in sentence(barista("coverage", write(tmp_path, text)))


def an_lmdb(folder: Path, *, encoded: bool) -> None:
    """Of one picture of 3 x 6 x 7."""
    datum = schema.new("Datum")
    datum.label = 0
    if encoded:
        datum.encoded = True
        datum.data = b"P6 7 6 255 " + bytes(3 * 6 * 7)  # a portable pixmap
    else:
        datum.channels, datum.height, datum.width, datum.data = 3, 6, 7, bytes(3 * 6 * 7)
    with lmdb.open(str(folder)) as database, database.begin(write=True) as transaction:
        transaction.put(b"0", datum.SerializeToString())


ELSEWHERE = """
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TRAIN }
  data_param { source: "examples/train" backend: LMDB batch_size: 4 } }
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TEST }
  data_param { source: "examples/test" backend: LMDB batch_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.mark.parametrize("encoded", [False, True])
def test_data_is_looked_for_where_a_training_looks(encoded: bool, tmp_path: Path) -> None:
    """The net's file lies deeper than the folder from which its data is named; what only Caffe can read, Caffe reads."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "models").mkdir()
    an_lmdb(tmp_path / "examples" / "train", encoded=encoded)
    if encoded:
        an_lmdb(tmp_path / "examples" / "test", encoded=encoded)
    net = write(tmp_path / "models", ELSEWHERE)
    solver = write(tmp_path, 'train_net: "models/net.prototxt" base_lr: 1 lr_policy: "fixed"', "solver.prototxt")
    for path in (net, solver):
        [found] = coverage.cover([path])
        assert found.layers[2].multiply_adds == 4 * 3 * 6 * 7 * 10
        assert any("'examples/train': not there from" in note for note in found.notes)
        shape = "as Caffe reads it" if encoded else "4x3x6x7, as the data says"
        assert f"input x: {shape}" in found.notes
        if not encoded:
            assert "input x: 3x3x6x7, as layer 'data' says" in found.notes


# --- the command ---------------------------------------------------------------------------------------------------------------


def reported(*arguments: str | Path) -> list[dict[str, Any]]:
    result = barista("coverage", "--json", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    nets: list[dict[str, Any]] = json.loads(result.stdout)["nets"]
    return nets


def test_one_net_is_a_table_of_layers_and_a_sentence(tmp_path: Path) -> None:
    net = write(tmp_path, TRAINED % {"transform": ""})
    result = barista("coverage", net, "--shape", "x=3x2x2")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.stdout.startswith("input x: 4x3x2x2, as --shape says\n")
    assert ["ip", "InnerProduct", "device", "480"] in lines
    assert ["flat", "Flatten", "view"] in lines
    assert ["data", "Data", "CPU", "reads", "and", "prepares", "data"] in lines
    assert result.stdout.endswith(f"\n{net}: 6 of 9 layers on the device, with 100 % of 1.19 k multiply-adds; 217 parameters\n")


def test_several_files_are_one_table_with_a_row_a_net(tmp_path: Path) -> None:
    first = write(tmp_path, TRAINED % {"transform": ""}, "first.prototxt")
    second = write(tmp_path, INPUT.replace('"x"', '"y"'), "second.prototxt")
    result = barista("coverage", first, second, "--shape", "x=3x2x2")
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1:] == [[str(first), "9", "6", "1.19", "k", "100", "%", "217"], [str(second), "1", "0", "0", "0"]]


def test_a_solver_s_nets_are_covered_each_by_itself(tmp_path: Path) -> None:
    net = write(tmp_path, INPUT)
    solver = write(tmp_path, f'train_net: "{net}" test_net: "{net}" test_net_param {{ {INPUT} }}', "solver.prototxt")
    assert [found["net"] for found in reported(solver)] == [str(net), f"{solver}: test_net_param 1", str(net)]


def test_json_has_every_layer_and_the_sums(tmp_path: Path) -> None:
    [net] = reported(write(tmp_path, TRAINED % {"transform": ""}), "--shape", "x=3x2x2")
    sums = {"on_device": 6, "multiply_adds": 1190, "multiply_adds_on_device": 1190, "share": 1, "parameters": 217}
    assert {name: net[name] for name in sums} == sums
    assert net["layers"][2] == {
        "layer": "ip",
        "type": "InnerProduct",
        "place": "device",
        "reason": "",
        "on_device": True,
        "multiply_adds": 480,
        "parameters": 130,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            INPUT
            + 'layer { name: "conv" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 2 kernel_size: 10 } }',
            "layer 'conv': an extent of its output would be -2; its kernel does not fit its input, says Caffe",
        ),
        ('layer { name: "odd" type: "Odd" bottom: "x" top: "y" }', "layer 'odd': this Caffe has no layer type 'Odd'"),
        ('layer { name: "relu" type: "ReLU" bottom: "nowhere" top: "y" }', "Unknown bottom blob 'nowhere'"),
        ("layer { nme: 'x' }", "LayerParameter has no field 'nme'"),
    ],
)
def test_a_net_that_is_none_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    told = sentence(barista("coverage", path))
    assert told.startswith(str(path))
    assert said in told


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert sentence(barista("coverage", tmp_path / "net.prototxt")).startswith(f"{tmp_path / 'net.prototxt'}: no such file")


def test_a_shape_for_a_blob_of_no_net_is_one_sentence(tmp_path: Path) -> None:
    nets = (write(tmp_path, INPUT, "a.prototxt"), write(tmp_path, INPUT, "b.prototxt"))
    assert "no data layer makes the blob 'dta'" in sentence(barista("coverage", *nets, "--shape", "dta=3x6x7"))


def test_without_a_net_it_shows_its_usage() -> None:
    assert barista("coverage").returncode == 2


def test_a_share_is_rounded_to_all_or_nothing_only_where_it_is() -> None:
    shares = (None, 0.0, 1e-9, 0.99, 0.99999, 1.0)
    assert [command.percent(share) for share in shares] == ["", "0 %", "0.01 %", "99.00 %", "99.99 %", "100 %"]


def test_counts_have_a_prefix() -> None:
    counts = (0, 999, 1000, 105_415_200, 495_048_458_240, 2 * 10**12)
    assert [command.scaled(count) for count in counts] == ["0", "999", "1 k", "105.4 M", "495 G", "2 T"]
