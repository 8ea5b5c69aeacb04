"""`barista check`: real nets are clean on every device, and a kernel that is wrong is found, where it is wrong."""

from __future__ import annotations

import functools
import json
import shutil
from math import inf
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from processes import barista, sentence

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream import recipe as recipes
from barista.check import elements, worker
from barista.check.result import Comparison
from barista.errors import BaristaError
from barista.layers import types
from barista.net import inputs, prototxt, schema


def of_caffe(name: str) -> Path:
    source = paths.caffe_installation().source_dir
    assert source is not None
    return source / name


LENET = "examples/mnist/lenet_train_test.prototxt"
CIFAR = "examples/cifar10/cifar10_quick_train_test.prototxt"


def reported(net: Path, *arguments: str | Path, status: int = 0) -> dict[str, Any]:
    result = barista("check", net, "--json", *arguments)
    assert result.returncode == status, result.stdout + result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["passed"] == (status == 0)
    return report


@functools.cache
def of_clean_net(net: str, device: str) -> dict[str, Any]:
    return reported(of_caffe(net), "--device", device)


@pytest.mark.parametrize(
    ("net", "layers"),
    [(LENET, {"conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2"}), (CIFAR, {"conv1", "pool1", "relu1", "conv3", "pool3"})],
    ids=["LeNet", "CIFAR-10 quick"],
)
def test_nets_of_caffe_are_clean(device: str, net: str, layers: set[str]) -> None:
    report = of_clean_net(net, device)
    assert layers <= {layer["layer"] for layer in report["layers"]}
    for layer in report["layers"]:
        arrays = {(c["data"], c["array"]) for c in layer["comparisons"]}
        gradients = {"diff_src", "diff_weights", "diff_bias"} if layer["layer"].startswith(("conv", "ip")) else {"diff_src"}
        if layer["layer"] in layers:
            assert {array for data, array in arrays if data == "random"} == {"dst"} | gradients
            assert {array for data, array in arrays if data == "differences"} == gradients
    exact = [layer["layer"] for layer in report["layers"] if any(c["data"] == "integers" for c in layer["comparisons"])]
    assert {"conv1", "conv2", "ip1", "relu1", "pool1"} <= set(exact)


def test_all_that_a_layer_s_message_may_say(device: str, tmp_path: Path) -> None:
    """Groups, strides, dilation, no bias, transposed weights, a slope in place, global and clipped pooling, two bottoms,
    normalisation within a channel."""
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" top: "b"
          input_param { shape { dim: 3 dim: 4 dim: 11 dim: 9 } shape { dim: 3 dim: 4 dim: 11 dim: 9 } } }
        layer { name: "two" type: "Convolution" bottom: "a" bottom: "b" top: "c" top: "d"
          convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0 group: 2 } }
        layer { name: "dilated" type: "Convolution" bottom: "c" top: "e"
          convolution_param { num_output: 5 kernel_size: 3 dilation: 2 pad: 2 bias_term: false } }
        layer { name: "depthwise" type: "Convolution" bottom: "d" top: "f"
          convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 6 } }
        layer { name: "leaky" type: "ReLU" bottom: "f" top: "f" relu_param { negative_slope: 0.1 } }
        layer { name: "clipped" type: "Pooling" bottom: "f" top: "g" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
        layer { name: "whole" type: "Pooling" bottom: "e" top: "h" pooling_param { pool: MAX global_pooling: true } }
        layer { name: "turned" type: "InnerProduct" bottom: "h" top: "i" inner_product_param { num_output: 7 transpose: true } }
        layer { name: "plain" type: "InnerProduct" bottom: "g" top: "j"
          inner_product_param { num_output: 3 bias_term: false axis: 2 } }
        layer { name: "within" type: "LRN" bottom: "g" top: "k"
          lrn_param { local_size: 5 alpha: 0.5 beta: 1.5 norm_region: WITHIN_CHANNEL } }
        """,
    )
    report = reported(net, "--device", device)
    assert [layer["layer"] for layer in report["layers"]] == [
        "two", "dilated", "depthwise", "leaky", "clipped", "whole", "turned", "plain", "within",
    ]  # fmt: skip
    two = report["layers"][0]
    assert {c["array"] for c in two["comparisons"]} == {"dst", "dst[1]", "diff_src", "diff_src[1]", "diff_weights", "diff_bias"}


def test_every_type_that_the_device_runs_is_clean(device: str, tmp_path: Path) -> None:
    shapes = " ".join(f"shape {{ dim: 6 dim: {channels} dim: 7 dim: 6 }}" for channels in (5, 5, 1))
    text = f'layer {{ name: "in" type: "Input" top: "a" top: "b" top: "l" input_param {{ {shapes} }} }}\n'
    text += "".join(row.example.layer(row.name) for row in types.of_device())
    report = reported(write(tmp_path, text), "--device", device)
    assert sorted(layer["layer"] for layer in report["layers"]) == sorted(row.name for row in types.of_device())


def test_bottoms_that_are_one_blob_and_tops_that_are_left_out_are_clean(device: str, tmp_path: Path) -> None:
    """A difference in one bottom must not move the other, whatever the net calls them, and a loss needs no top."""
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" top: "l"
          input_param { shape { dim: 3 dim: 4 dim: 5 dim: 6 } shape { dim: 3 dim: 1 dim: 5 dim: 6 } } }
        layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "a" top: "sum" }
        layer { name: "product" type: "Eltwise" bottom: "a" bottom: "a" bottom: "a" top: "product"
          eltwise_param { operation: PROD } }
        layer { name: "maximum" type: "Eltwise" bottom: "a" bottom: "a" top: "maximum" eltwise_param { operation: MAX } }
        layer { name: "concat" type: "Concat" bottom: "a" bottom: "a" top: "concat" }
        layer { name: "scale" type: "Scale" bottom: "a" bottom: "a" top: "scale" scale_param { axis: 0 } }
        layer { name: "bias" type: "Bias" bottom: "a" bottom: "a" top: "bias" bias_param { axis: 0 } }
        layer { name: "conv" type: "Convolution" bottom: "a" bottom: "a" top: "c" top: "d"
          convolution_param { num_output: 3 kernel_size: 3 } }
        layer { name: "deconv" type: "Deconvolution" bottom: "a" bottom: "a" top: "e" top: "f"
          convolution_param { num_output: 3 kernel_size: 3 } }
        layer { name: "distance" type: "EuclideanLoss" bottom: "a" bottom: "a" }
        layer { name: "entropy" type: "SigmoidCrossEntropyLoss" bottom: "a" bottom: "a" loss_weight: 2 }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "a" bottom: "l" }
        """,
    )
    layers = {layer["layer"]: layer for layer in reported(net, "--device", device)["layers"]}
    assert len(layers) == 11
    differences = {c["array"] for c in layers["product"]["comparisons"] if c["data"] == "differences"}
    assert differences == {"diff_src", "diff_src[1]", "diff_src[2]"}
    assert "dst" in {c["array"] for c in layers["loss"]["comparisons"]}


def test_layers_of_one_name_are_checked_each_by_itself(device: str, tmp_path: Path) -> None:
    """Of a layer and its ReLU, of a layer that stays on the CPU, and of a training and a test net."""
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 3 dim: 4 dim: 5 dim: 6 } } }
        layer { name: "c1" type: "Convolution" bottom: "a" top: "c1" convolution_param { num_output: 3 kernel_size: 3 } }
        layer { name: "c1" type: "ReLU" bottom: "c1" top: "c1" }
        layer { name: "head" type: "MVN" bottom: "c1" top: "m" }
        layer { name: "head" type: "InnerProduct" bottom: "c1" top: "head" include { phase: TRAIN }
          inner_product_param { num_output: 2 } }
        layer { name: "head" type: "InnerProduct" bottom: "c1" top: "head" include { phase: TEST }
          inner_product_param { num_output: 5 } }
        """,
    )
    layers = reported(net, "--device", device)["layers"]
    assert [(layer["layer"], layer["type"]) for layer in layers] == [
        ("c1", "FPGAConvolution"), ("c1", "FPGAReLU"), ("head", "FPGAInnerProduct"), ("head", "FPGAInnerProduct"),
    ]  # fmt: skip


def test_what_stock_caffe_has_no_code_for_is_held_against_its_formula(device: str, tmp_path: Path) -> None:
    """Stochastic pooling, with windows cut off at the border, windows outside the image, and one of the whole image."""
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 6 dim: 5 dim: 11 dim: 10 } } }
        layer { name: "cut" type: "Pooling" bottom: "a" top: "b" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 } }
        layer { name: "apart" type: "Pooling" bottom: "a" top: "c"
          pooling_param { pool: STOCHASTIC kernel_h: 2 kernel_w: 1 stride_h: 4 stride_w: 5 } }
        layer { name: "whole" type: "Pooling" bottom: "b" top: "d" pooling_param { pool: STOCHASTIC global_pooling: true } }
        """,
    )
    for layer in reported(net, "--device", device)["layers"]:
        assert layer["note"] == worker.NO_STOCK_CODE
        assert {(c["data"], c["array"], c["allowed"]) for c in layer["comparisons"]} == {
            ("random", "dst", 0), ("random", "diff_src", 0),
        }  # fmt: skip
    table = barista("check", net, "--device", device).stdout
    assert " ".join(table.split()).count("ok: stock Caffe has no code for it") == 3


def test_what_stock_caffe_itself_is_off_by_is_allowed(device: str, tmp_path: Path) -> None:
    """Its sums across 256 channels drift; so strong a power shows it."""
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 4 dim: 256 dim: 27 dim: 27 } } }
        layer { name: "norm" type: "LRN" bottom: "a" top: "b" lrn_param { alpha: 30 beta: 2 } }
        """,
    )
    [norm] = reported(net, "--device", device)["layers"]
    errors = {c["array"]: c["error"] for c in norm["comparisons"] if c["data"] == "random"}
    assert errors["dst"] > 1e-6, "there was nothing to allow for"


# What is right in a kernel's source, and what is put in its place.
MISTAKES = {
    "w[k][v], sum[v])": "w[k][v] * 1.0002f, sum[v])",  # products nearly right
    "int_lanes greater = value > sum": "int_lanes greater = value >= sum",  # the last maximum wins
    "0 ? (accumulate_lanes)1 :": "0 ? (accumulate_lanes)1.000001f :",  # a slope of nearly 1
    "inside ? *limit * *sum :": "inside ? *limit * *sum * 0.99f :",  # what is drawn a little too early in its window
    "rule.correction * spread": "spread",  # the moving variance is of all values, not of one less
}


def test_wrong_kernels_are_found_where_they_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that cannot fail is a defect. Each layer is checked alone, so that one build can hold all mistakes."""
    kernels = tmp_path / "kernels"
    shutil.copytree(paths.kernels_dir(), kernels)
    for right, wrong in MISTAKES.items():
        [file] = [path for path in kernels.rglob("*.[ch]*") if right in path.read_text()]
        file.write_text(file.read_text().replace(right, wrong))
    with monkeypatch.context() as patch:
        patch.setattr(paths, "kernels_dir", lambda: kernels)
        patch.setenv("BARISTA_CACHE", str(tmp_path / "cache"))
        made = bitstreams.build(recipes.load("emulator"), "pocl")
    net = write(
        tmp_path,
        """
        layer { name: "in" type: "Input" top: "a" input_param { shape { dim: 3 dim: 4 dim: 9 dim: 8 } } }
        layer { name: "conv" type: "Convolution" bottom: "a" top: "b" convolution_param { num_output: 5 kernel_size: 3 } }
        layer { name: "relu" type: "ReLU" bottom: "b" top: "c" }
        layer { name: "norm" type: "BatchNorm" bottom: "b" top: "g" }
        layer { name: "max" type: "Pooling" bottom: "c" top: "d" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
        layer { name: "mean" type: "Pooling" bottom: "c" top: "e" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
        layer { name: "ip" type: "InnerProduct" bottom: "d" top: "f" inner_product_param { num_output: 6 } }
        layer { name: "drawn" type: "Pooling" bottom: "c" top: "h" pooling_param { pool: STOCHASTIC kernel_size: 2 } }
        """,
    )
    report = reported(net, "--bitstream", made.path, status=1)
    products = {"dst", "diff_src", "diff_weights"}
    assert {layer["layer"]: {c["array"] for c in layer["comparisons"] if not c["passed"]} for layer in report["layers"]} == {
        "conv": products,
        "relu": {"diff_src"},
        "norm": {"statistics[1]"},
        "max": {"diff_src"},
        "mean": set(),
        "ip": products,
        "drawn": {"dst", "diff_src"},
    }


def test_the_worst_element_is_found_with_its_place() -> None:
    expected = np.zeros((3, 2, 4), np.float32)
    found = expected.copy()
    found[1, 0, 2] = 0.5
    found[2, 1, 3] = 0.25
    allowed = np.full_like(expected, 0.5)
    allowed[2, 1, 3] = 0.125
    assert elements.worst_element("random", "dst", expected, found, allowed) == Comparison("random", "dst", 0.25, 0.125, (2, 1, 3))


def test_nan_is_an_error_wherever_it_is() -> None:
    expected, found = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    found[1, 1] = np.nan
    worst = elements.worst_element("random", "dst", expected, found, np.full((2, 3), 1e9))
    assert (worst.error, worst.at, worst.passed) == (inf, (1, 1), False)


def test_where_nothing_is_allowed_any_error_fails() -> None:
    assert not Comparison("integers", "dst", 1e-30, 0.0, (0,)).passed
    assert Comparison("integers", "dst", 0.0, 0.0, (0,)).passed


def test_rounding_that_is_allowed_is_near_what_rounding_does(device: str) -> None:
    """A bound that is a thousand times too wide would hide a thousandfold error: some layer must come within a factor of 500."""
    report = of_clean_net(CIFAR, device)
    ratios = [c["ratio"] for layer in report["layers"] for c in layer["comparisons"] if c["data"] == "random"]
    assert 1 / 500 < max(ratios) < 1


def write(folder: Path, text: str) -> Path:
    path = folder / "net.prototxt"
    path.write_text(text)
    return path


DATA = """
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: %d }
  data_param { source: "%s" backend: LMDB batch_size: 2 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3 } }
"""


def an_lmdb(folder: Path, channels: int, height: int, width: int) -> Path:
    datum = schema.new("Datum")
    datum.channels, datum.height, datum.width, datum.label = channels, height, width, 0
    datum.data = bytes(channels * height * width)
    with lmdb.open(str(folder / "lmdb")) as database, database.begin(write=True) as transaction:
        transaction.put(b"0", datum.SerializeToString())
    return folder / "lmdb"


def shape_of_data(net: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> tuple[tuple[int, ...], str]:
    replaced = inputs.replace(prototxt.read_net(net), net, shapes or {})
    assert replaced.net.layer[0].type == "Input"
    return tuple(replaced.net.layer[0].input_param.shape[0].dim), replaced.notes[0]


def test_a_test_net_that_has_data_only_in_a_stage_is_instantiated_in_it(tmp_path: Path) -> None:
    net = write(
        tmp_path,
        """
        layer { name: "train" type: "Input" top: "a" include { phase: TRAIN } input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "test" type: "Input" top: "a" include { phase: TEST stage: "mine" } input_param { shape { dim: 4 dim: 3 } } }
        layer { name: "both" type: "ReLU" bottom: "a" top: "b" }
        layer { name: "only" type: "ReLU" bottom: "b" top: "c" include { phase: TEST stage: "mine" } }
        """,
    )
    report = reported(net, "--device", "pocl")
    assert {layer["layer"]: layer["bottoms"] for layer in report["layers"]} == {"both": [[2, 3]], "only": [[4, 3]]}


def test_an_input_s_shape_comes_from_the_data(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (0, an_lmdb(tmp_path, 3, 6, 7)))
    assert shape_of_data(net) == ((2, 3, 6, 7), "data: 2x3x6x7, as the data says")


def test_it_is_cropped_as_the_layer_crops(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (5, an_lmdb(tmp_path, 3, 6, 7)))
    assert shape_of_data(net)[0] == (2, 3, 5, 5)


def test_without_data_it_comes_from_the_deployed_net_beside(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (0, "nowhere")).rename(tmp_path / "mine_train_test.prototxt")
    (tmp_path / "mine.prototxt").write_text('input: "data" input_dim: 9 input_dim: 1 input_dim: 5 input_dim: 4\n')
    assert shape_of_data(net) == ((2, 1, 5, 4), "data: 2x1x5x4, as mine.prototxt beside it says")


def test_what_the_user_says_comes_first(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (0, an_lmdb(tmp_path, 3, 6, 7)))
    assert shape_of_data(net, {"data": (1, 8, 8)})[0] == (2, 1, 8, 8)
    assert shape_of_data(net, {"data": (4, 1, 8, 8)})[0] == (4, 1, 8, 8)


def test_a_shape_that_nothing_tells_is_one_sentence(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (0, "nowhere"))
    said = sentence(barista("check", net))
    assert said.endswith("nothing tells the shape of 'data'; say it with --shape data=CHANNELSxHEIGHTxWIDTH")
    assert barista("check", net, "--shape", "data=1x5x5", "--device", "pocl").returncode == 0


@pytest.mark.parametrize("shape", ["data", "data=", "data=3x", "data=axb", "data=0x3", "=3x3"])
def test_a_shape_that_is_none_is_one_sentence(shape: str) -> None:
    with pytest.raises(BaristaError, match="a blob and its shape are expected"):
        inputs.parse_shape(shape)


def test_a_shape_for_a_blob_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    net = write(tmp_path, DATA % (5, an_lmdb(tmp_path, 3, 6, 7)))
    assert "no data layer makes the blob 'dta'" in sentence(barista("check", net, "--shape", "dta=3x6x7"))


def test_an_lmdb_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lmdb").mkdir()
    (tmp_path / "lmdb" / "data.mdb").write_bytes(b"not a database" * 1000)
    assert "is not an LMDB" in sentence(barista("check", write(tmp_path, DATA % (0, tmp_path / "lmdb"))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'layer { name: "conv" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 2 kernel_size: 9 } }',
            "layer 'conv': an extent of its output would be -3; its kernel does not fit its input",
        ),
        ('layer { name: "odd" type: "Odd" bottom: "x" top: "y" }', "layer 'odd': this Caffe has no layer type 'Odd'"),
        ('layer { name: "relu" type: "ReLU" bottom: "nowhere" top: "y" }', "Unknown bottom blob 'nowhere'"),
        ('layer { name: "most" type: "ArgMax" bottom: "x" top: "y" }', "no layer of it runs on the device"),
        ('layer { name: "conv" type: "Convolution" ', "is not closed"),
    ],
    ids=["kernel larger than image", "unknown type", "unknown bottom", "nothing to check", "no prototxt"],
)
def test_a_net_that_cannot_be_run_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    head = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 5 dim: 5 } } }\n'
    relu = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n' if "ArgMax" not in text else ""
    found = sentence(barista("check", write(tmp_path, head + relu + text), "--device", "pocl"))
    assert said in found, found


def test_a_net_that_is_not_there_is_one_sentence() -> None:
    assert "no such file" in sentence(barista("check", "nowhere.prototxt"))
