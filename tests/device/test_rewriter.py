"""The rewriter: only types change, every decision has its reason, and restoring gives back the net bit for bit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import prototxts
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import stock_tool

from barista.errors import BaristaError
from barista.layers import types
from barista.net import prototxt, source, upgrade
from barista.net.prototxt import Kind
from barista.rewrite import placement
from barista.rewrite.placement import Decision, Place, Selection

ON_DEVICE = [row.name for row in types.of_device()]
PLAIN = [row.name for row in types.of_device() if row.example.bottoms == ("a",)]
TYPES = [*ON_DEVICE, *(f"FPGA{name}" for name in ON_DEVICE), "ArgMax", "Python", "FPGAArgMax", "Foo", ""]


def net_of(text: str) -> Any:
    return prototxt.parse(text, Kind.NET, "net")


def one_layer(text: str) -> Decision:
    return placement.place(net_of(f'layer {{ name: "x" top: "x" {text} }}')).decisions[0]


def upgraded(path: Path) -> Any:
    return upgrade.upgrade_net(prototxt.read_net(path), str(path)).message


def serialised(message: Any) -> bytes:
    return bytes(message.SerializePartialToString(deterministic=True))


# --- on every net of Caffe's tree ----------------------------------------------------------------------------------------------


def test_nets_of_caffe_are_rewritten_and_restored_exactly() -> None:
    for path in prototxts.nets_of_caffe():
        net = upgraded(path)
        rewritten = placement.place(net)
        assert len(rewritten.decisions) == len(net.layer)
        assert serialised(placement.restore(rewritten.net)) == serialised(net), path


def test_rewriting_a_rewritten_net_of_caffe_changes_nothing() -> None:
    for path in prototxts.nets_of_caffe():
        once = placement.place(upgraded(path))
        twice = placement.place(once.net)
        assert serialised(twice.net) == serialised(once.net), path
        assert twice.decisions == once.decisions


def test_lenet_goes_to_the_device_but_for_its_data() -> None:
    lenet = next(path for path in prototxts.nets_of_caffe() if path.name == "lenet_train_test.prototxt")
    decisions = placement.place(upgraded(lenet)).decisions
    on_device = [decision.layer for decision in decisions if decision.on_device]
    assert on_device == ["conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "accuracy", "loss"]


def test_restored_nets_are_read_by_stock_caffe(tmp_path: Path) -> None:
    """The stock tool builds what the rewriter restored, upgraded and printed (deploy nets: they need no data)."""
    binary = stock_tool()
    for name in ("lenet.prototxt", "cifar10_quick.prototxt"):
        net = next(path for path in prototxts.nets_of_caffe() if path.name == name)
        restored = tmp_path / name
        restored.write_text(prototxt.to_text(placement.restore(placement.place(upgraded(net)).net)))
        command = [binary, "time", "-model", str(restored), "-iterations", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


# --- on any net ----------------------------------------------------------------------------------------------------------------


@prototxts.drawn(300)
@given(prototxts.nets(TYPES))
def test_only_types_change(net: Any) -> None:
    rewritten = placement.place(net).net
    for before, after in zip(net.layer, rewritten.layer, strict=True):
        assert after.type.removeprefix("FPGA") == before.type.removeprefix("FPGA")
        after.type = before.type
    assert serialised(rewritten) == serialised(net)


@prototxts.drawn(300)
@given(prototxts.nets(TYPES), st.sampled_from([(), ("*",), ("a*", "x")]), st.sampled_from([(), ("?",)]))
def test_rewriting_twice_is_rewriting_once(net: Any, only: tuple[str, ...], excepted: tuple[str, ...]) -> None:
    selection = Selection(only, excepted)
    once = placement.place(net, selection)
    assert placement.place(once.net, selection) == once


@prototxts.drawn(300)
@given(prototxts.nets([*ON_DEVICE, "ArgMax", "Python", "FPGAArgMax", "Foo", ""]))
def test_restoring_undoes_rewriting(net: Any) -> None:
    assert serialised(placement.restore(placement.place(net).net)) == serialised(net)


@prototxts.drawn(100)
@given(prototxts.nets(TYPES))
def test_the_net_that_is_given_stays_as_it_is(net: Any) -> None:
    before = serialised(net)
    placement.place(net)
    placement.restore(net)
    assert serialised(net) == before


# --- decisions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 }',
        'type: "Convolution" convolution_param { kernel_h: 3 kernel_w: 1 stride: [2, 1] dilation: 2 group: 4 engine: CUDNN }',
        'type: "Convolution" convolution_param { axis: 2 force_nd_im2col: true } python_param { param_str: "{}" }',
        'type: "ReLU" python_param { param_str: \'{"bitstream": "a10.aocx"}\' }',
        'type: "FPGAConvolution"',
        'type: "Pooling" top: "mask"',
        'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 }',
        'type: "Pooling" pooling_param { pool: AVE global_pooling: true round_mode: FLOOR engine: CAFFE }',
        'type: "LRN" bottom: "y" lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL engine: CUDNN }',
        'type: "InnerProduct" inner_product_param { axis: 2 transpose: true bias_term: false }',
        'type: "ReLU" relu_param { negative_slope: 0.1 }',
        'type: "SoftmaxWithLoss" loss_param { ignore_label: 255 normalization: BATCH_SIZE } softmax_param { axis: 2 }',
        'type: "Accuracy" top: "classes" accuracy_param { top_k: 5 axis: 2 ignore_label: 255 }',
        'type: "Concat" concat_param { concat_dim: 0 }',
        'type: "Slice" slice_param { axis: -1 slice_point: [1, 2] }',
        'type: "ReLU" bottom: "x" include { phase: TRAIN }',
        'type: "Eltwise" bottom: "a" bottom: "b" eltwise_param { operation: SUM coeff: 1 coeff: -1 }',
        'type: "PReLU" bottom: "x" prelu_param { channel_shared: true }',
        *(f'type: "{name}" bottom: "y"' for name in PLAIN),
    ],
)
def test_the_device_runs(layer: str) -> None:
    decision = one_layer(layer)
    assert decision.on_device
    assert decision.reason == ""
    assert decision.type in ON_DEVICE


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ('type: "Convolution" convolution_param { kernel_size: [3, 3, 3] }', "3-D: the device convolves up to 2-D"),
        ('type: "Convolution" convolution_param { kernel_size: 3 pad: [1, 1, 1] }', "3-D: the device convolves up to 2-D"),
        ('type: "ReLU" python_param { param_str: "mine" }', "python_param: its param_str is not a device layer's"),
        ('type: "ReLU" python_param { param_str: "[1]" }', "python_param: its param_str is not a device layer's"),
        ('type: "ReLU" python_param { param_str: \'{"bitstream": 7}\' }', "python_param: its param_str is not a device layer's"),
        ('type: "Eltwise" bottom: "x" bottom: "y"', "its top is one of its bottoms: the device keeps them apart"),
        ('type: "LRN" bottom: "x"', "its top is one of its bottoms: the device keeps them apart"),
        ('type: "ArgMax"', "no device layer of this type yet"),
        ('type: "FPGAArgMax"', "no device layer of this type yet"),
        ('type: "Data"', "reads and prepares data"),
        ('type: "Input"', "holds data that the host makes"),
        ('type: "Python" python_param { module: "m" layer: "L" }', "is code of your own"),
    ],
)
def test_the_device_does_not_run(layer: str, reason: str) -> None:
    assert one_layer(layer) == Decision("x", layer.split('"')[1], Place.CPU, reason)


@pytest.mark.parametrize("layer_type", ["Flatten", "Reshape"])
def test_a_view_is_nowhere_and_keeps_its_type(layer_type: str) -> None:
    rewritten = placement.place(net_of(f'layer {{ name: "x" type: "{layer_type}" }}'))
    assert rewritten.decisions == (Decision("x", layer_type, Place.VIEW, ""),)
    assert rewritten.decisions[0].on_device
    assert rewritten.net.layer[0].type == layer_type


STORES = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "late" type: "Bias" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" }
layer { name: "apart" type: "ReLU" bottom: "ip" top: "apart" }
layer { name: "after" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip" top: "ip2" }
layer { name: "leaky" type: "ReLU" bottom: "ip2" top: "ip2" relu_param { negative_slope: 0.1 } }
layer { name: "conv3" type: "Convolution" bottom: "data" top: "conv3" }
layer { name: "rows" type: "Scale" bottom: "conv3" top: "conv3" scale_param { axis: 2 } }
layer { name: "deconv" type: "Deconvolution" bottom: "conv" top: "deconv" }
layer { name: "bias" type: "Bias" bottom: "deconv" top: "deconv" }
layer { name: "up" type: "ReLU" bottom: "deconv" top: "deconv" }
"""


def test_what_goes_into_a_store_is_told() -> None:
    decisions = placement.place(net_of(STORES)).decisions
    assert all(decision.on_device for decision in decisions)
    assert {decision.layer: decision.reason for decision in decisions if decision.reason} == {
        "bn": "fused into conv with the statistics so far, else here",
        "scale": "fused into conv in testing, else here",
        "relu": "fused into conv in testing, else here"  # as what is before it
        "; here its gradient is right, in stock Caffe wrong: 'late' overwrites its top",
        "bias": "fused into deconv",
        "up": "fused into deconv",
    }
    left_out = placement.place(net_of(STORES), Selection(excepted=("conv", "bias"))).decisions
    assert [decision.layer for decision in left_out if "store" in decision.reason] == []


GRADIENTS = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" }
layer { name: "bias" type: "Bias" bottom: "ip" top: "ip" }
layer { name: "square" type: "Power" bottom: "ip" top: "ip" power_param { power: 2 } }
layer { name: "sigmoid" type: "Sigmoid" bottom: "ip" top: "s" }
layer { name: "drop2" type: "Dropout" bottom: "s" top: "s" }
layer { name: "turn" type: "ReLU" bottom: "ip" top: "t" relu_param { negative_slope: -1 } }
layer { name: "log" type: "Log" bottom: "ip" top: "l" }
layer { name: "mvn" type: "MVN" bottom: "l" top: "l" }
layer { name: "tanh" type: "TanH" bottom: "s" top: "h" }
layer { name: "relu2" type: "ReLU" bottom: "s" top: "r" }
layer { name: "relu3" type: "ReLU" bottom: "r" top: "r" }
layer { name: "drop3" type: "Dropout" bottom: "r" top: "r" }
layer { name: "exp" type: "Exp" bottom: "r" top: "e" }
layer { name: "flat" type: "Flatten" bottom: "e" top: "f" }
layer { name: "one" type: "Concat" bottom: "f" top: "o" }
layer { name: "bias2" type: "Bias" bottom: "o" top: "o" }
"""


def test_where_stock_caffes_gradient_is_wrong_is_told() -> None:
    right = "here its gradient is right, in stock Caffe wrong: "
    assert {decision.layer: decision.reason for decision in placement.place(net_of(GRADIENTS)).decisions if decision.reason} == {
        "relu": f"fused into ip; {right}'bias' overwrites its top",
        "square": f"{right}it works in place",
        "sigmoid": f"{right}'drop2' overwrites its top",
        "exp": f"{right}'bias2' overwrites its top",
        "mvn": "no device layer of this type yet",
    }


def test_a_device_layer_that_the_device_cannot_run_goes_back() -> None:
    net = net_of('layer { name: "x" type: "FPGAConvolution" convolution_param { kernel_size: [3, 3, 3] } }')
    assert placement.place(net).net.layer[0].type == "Convolution"


INCEPTION = """
layer { name: "conv1" type: "Convolution" }
layer { name: "inception_3a/1x1" type: "Convolution" }
layer { name: "inception_3a/pool" type: "Pooling" }
layer { name: "a[1]" type: "ReLU" }
"""


@pytest.mark.parametrize(
    ("only", "excepted", "on_device"),
    [
        ((), (), ["conv1", "inception_3a/1x1", "inception_3a/pool", "a[1]"]),
        (("inception*",), (), ["inception_3a/1x1", "inception_3a/pool"]),
        (("conv?", "a[1]"), (), ["conv1", "a[1]"]),
        ((), ("*/*",), ["conv1", "a[1]"]),
        (("inception*",), ("*pool",), ["inception_3a/1x1"]),
    ],
)
def test_only_and_except_select_by_name(only: tuple[str, ...], excepted: tuple[str, ...], on_device: list[str]) -> None:
    decisions = placement.place(net_of(INCEPTION), Selection(only, excepted)).decisions
    assert [decision.layer for decision in decisions if decision.on_device] == on_device


def test_a_layer_left_out_says_by_what() -> None:
    decisions = placement.place(net_of(INCEPTION), Selection(("inception*", "a[1]"), ("*pool",))).decisions
    assert [decision.reason for decision in decisions] == ["not named by --only", "", "left out by --except '*pool'", ""]


def test_a_pattern_that_matches_nothing_is_one_sentence() -> None:
    names = [layer.name for layer in net_of(INCEPTION).layer]
    with pytest.raises(BaristaError, match=r"^net: --only 'conf1' matches no layer; did you mean 'conv1'\?$"):
        Selection(("conf1",)).check(names, "net")
    with pytest.raises(BaristaError, match=r"^net: --except 'fc\*' matches no layer$"):
        Selection((), ("fc*",)).check(names, "net")


@pytest.mark.parametrize(
    ("layer_type", "sentence"),
    [
        ("Convolusion", "this Caffe has no layer type 'Convolusion'; did you mean 'Convolution'?"),
        ("RELU", "this Caffe has no layer type 'RELU'; did you mean 'ReLU'?"),
        ("FPGAArgMax", "this Caffe has no layer type 'FPGAArgMax'; did you mean 'ArgMax'?"),
        ("Quux", "this Caffe has no layer type 'Quux'"),
        ("", "it has no type"),
    ],
)
def test_an_unknown_type_is_one_sentence(layer_type: str, sentence: str) -> None:
    net = net_of(f'layer {{ name: "x" type: "{layer_type}" }}')
    with pytest.raises(BaristaError) as raised:
        source.check_types(net.layer, frozenset({"Convolution", "ReLU", "ArgMax"}), "net.prototxt")
    assert str(raised.value) == f"net.prototxt: layer 'x': {sentence}"
