"""Nets in old formats, upgraded by Caffe's own code."""

from __future__ import annotations

from typing import Any

import prototxts
import pytest

from barista.errors import BaristaError
from barista.layers import types
from barista.net import prototxt, upgrade
from barista.net.prototxt import Kind
from barista.rewrite import placement

ON_DEVICE = [row.name for row in types.of_device()]


def net_of(text: str) -> Any:
    return prototxt.parse(text, Kind.NET, "net")


V1 = """
name: "v1" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
         convolution_param { num_output: 4 kernel_size: 3 engine: CAFFE } include { phase: TRAIN } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
"""
V0 = """
name: "v0"
layers { layer { name: "data" type: "data" source: "db" meanfile: "mean" batchsize: 4 } top: "data" top: "label" }
layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 4 kernelsize: 5 } bottom: "pad" top: "conv" }
layers { layer { name: "ip" type: "innerproduct" num_output: 4 } bottom: "conv" top: "ip" }
"""


def test_a_v1_net_is_upgraded_with_all_it_says() -> None:
    net = upgrade.upgrade_net(net_of(V1), "v1")
    assert net.changed
    rewritten = placement.place(net.message).net
    assert [layer.type for layer in rewritten.layer] == ["Input", "FPGAConvolution", "FPGAReLU"]
    conv = rewritten.layer[1]
    assert [(param.lr_mult, param.decay_mult) for param in conv.param] == [(1, 1), (2, 0)]
    assert (conv.convolution_param.engine, conv.include[0].phase) == (conv.convolution_param.CAFFE, 0)
    assert list(rewritten.layer[0].input_param.shape[0].dim) == [1, 3, 8, 8]


def test_a_v0_net_is_upgraded_with_all_it_says() -> None:
    rewritten = placement.place(upgrade.upgrade_net(net_of(V0), "v0").message).net
    assert [layer.type for layer in rewritten.layer] == ["Data", "FPGAConvolution", "FPGAInnerProduct"]
    assert rewritten.layer[0].transform_param.mean_file == "mean"
    assert list(rewritten.layer[1].convolution_param.pad) == [2]
    assert list(rewritten.layer[1].bottom) == ["data"]


def test_a_present_net_is_not_upgraded() -> None:
    for path in prototxts.nets_of_caffe():
        net = prototxt.read_net(path)
        result = upgrade.upgrade_net(net, str(path))
        assert result.changed == (result.message != net)


def test_what_caffe_cannot_carry_over_is_said() -> None:
    net = net_of('layers { layer { name: "r" type: "relu" kernelsize: 3 } }')
    assert upgrade.upgrade_net(net, "net").problems == ("Unknown parameter kernelsize for layer type relu",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('layers { layer { name: "r" type: "foo" } }', "Unknown layer name: foo"),
        ('layers { name: "x" } layer { name: "y" }', "Refusing to upgrade inconsistent NetParameter input"),
    ],
)
def test_a_net_that_caffe_cannot_upgrade_is_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(BaristaError) as raised:
        upgrade.upgrade_net(net_of(text), "old.prototxt")
    assert str(raised.value).startswith(f"old.prototxt: Caffe cannot upgrade this net from its old format: {reason}")
    assert "\n" not in str(raised.value)


def test_the_library_lists_its_types() -> None:
    assert set(ON_DEVICE) - (upgrade.layer_types() or frozenset()) == set()
    assert upgrade.solver_types() == frozenset({"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"})


def test_an_old_net_without_the_plugin_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARISTA_PLUGIN", "/nowhere/libbarista.so")
    with pytest.raises(BaristaError, match=r"^plugin /nowhere/libbarista.so: not built"):
        upgrade.upgrade_net(net_of(V1), "v1")
    assert not upgrade.upgrade_net(net_of('layer { name: "x" }'), "present").changed
