"""What follows the PE array in place is fused into it, and nobody can tell: each blob is what its layer makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

from processes import python

# Each layer in place that can be put into a store, and one that can't: a ReLU with a slope.
_LAYERS = """
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 5 dim: 4 dim: 9 dim: 8 }} }} }}
layer {{ name: "conv1" type: "{0}Convolution" bottom: "data" top: "conv1"
  convolution_param {{ num_output: 18 kernel_size: 3 pad: 1 bias_filler {{ type: "uniform" min: -1 max: 1 }} {1} }} }}
layer {{ name: "bn1" type: "{0}BatchNorm" bottom: "conv1" top: "conv1" }}
layer {{ name: "scale1" type: "{0}Scale" bottom: "conv1" top: "conv1"
  scale_param {{ bias_term: true filler {{ type: "uniform" min: 0.5 max: 2 }} bias_filler {{ type: "uniform" min: -1 max: 1 }} }} }}
layer {{ name: "relu1" type: "{0}ReLU" bottom: "conv1" top: "conv1" }}
layer {{ name: "conv2" type: "{0}Convolution" bottom: "conv1" top: "conv2"
  convolution_param {{ num_output: 10 kernel_size: 3 stride: 2 group: 2 bias_term: false {1} }} }}
layer {{ name: "scale2" type: "{0}Scale" bottom: "conv2" top: "conv2"
  scale_param {{ filler {{ type: "uniform" min: -2 max: 2 }} }} }}
layer {{ name: "bias2" type: "{0}Bias" bottom: "conv2" top: "conv2"
  bias_param {{ filler {{ type: "uniform" min: -1 max: 1 }} }} }}
layer {{ name: "relu2" type: "{0}ReLU" bottom: "conv2" top: "conv2" relu_param {{ negative_slope: 0.25 }} }}
layer {{ name: "deconv3" type: "{0}Deconvolution" bottom: "conv2" top: "deconv3"
  convolution_param {{ num_output: 3 kernel_size: 4 stride: 2 pad: 1 {1} }} }}
layer {{ name: "bn3" type: "{0}BatchNorm" bottom: "deconv3" top: "deconv3" }}
layer {{ name: "relu3" type: "{0}ReLU" bottom: "deconv3" top: "deconv3" }}
layer {{ name: "ip4" type: "{0}InnerProduct" bottom: "deconv3" top: "ip4"
  inner_product_param {{ num_output: 7 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu4" type: "{0}ReLU" bottom: "ip4" top: "ip4" }}
layer {{ name: "relu4again" type: "{0}ReLU" bottom: "ip4" top: "ip4" }}
"""
_FILLER = 'weight_filler { type: "xavier" }'

# Both nets in one process, with the same numbers. `blobs` is what each layer leaves when somebody looks after each, `whole` what a
# forward pass leaves; `launches` are those of that pass.
_SCRIPT = """
import json, sys
import numpy as np
import barista
plugin = barista.load(sys.argv[1])
import caffe
phase = caffe.TEST if sys.argv[4] == "TEST" else caffe.TRAIN
caffe.set_random_seed(5)
stock, net = caffe.Net(sys.argv[2], phase), caffe.Net(sys.argv[3], phase)
rng = np.random.default_rng(3)
for name, params in stock.params.items():
    for i, param in enumerate(params):
        if name.startswith("bn"):
            param.data[...] = 1 if i == 2 else rng.uniform(0.1, 0.4, param.data.shape)
        net.params[name][i].data[...] = param.data
        net.params[name][i].diff[...] = param.diff[...] = 0
x = rng.uniform(-1, 1, stock.blobs["data"].data.shape)
for each in stock, net:
    each.blobs["data"].data[...] = x

def off(found, expected):
    # Batch normalisation takes the mean off, and so all that a bias before it does: what is left is rounding.
    return float(np.abs(found - expected).max() / max(0.05, np.abs(expected).max()))

def backward(each):
    each.blobs["ip4"].diff[...] = np.linspace(-1, 1, each.blobs["ip4"].count).reshape(each.blobs["ip4"].diff.shape)
    each.backward()

def launches(work):
    before = plugin.counters()["launches"]
    work()
    net.blobs["ip4"].data[...]  # nothing is deferred any more
    return plugin.counters()["launches"] - before

report = {}
stock.forward(); net.forward()  # weights are packed
report["launches"] = launches(net.forward)
report["whole"] = {name: off(net.blobs[name].data, stock.blobs[name].data) for name in net.blobs}
last = net.blobs["ip4"].data.copy()
net.forward()
report["repeated"] = bool((net.blobs["ip4"].data == last).all())
backward(stock); backward(net)
report["gradients"] = {f"{name} {i}": off(net.params[name][i].diff, stock.params[name][i].diff)
                       for name in net.params for i in range(len(net.params[name])) if not name.startswith("bn")}
report["data"] = off(net.blobs["data"].diff, stock.blobs["data"].diff)

def layer_by_layer():
    for name in list(net._layer_names)[1:]:
        top = net.top_names[name][0]
        for each in stock, net:
            each.forward(start=name, end=name)
        report["blobs"][name] = off(net.blobs[top].data, stock.blobs[top].data)

report["blobs"] = {}
report["launches apart"] = launches(layer_by_layer)
print(json.dumps(report))
"""


def _report(device: str, folder: Path, phase: str) -> dict[str, Any]:
    files = []
    for prefix in "", "FPGA":
        files.append(folder / f"{prefix}net.prototxt")
        files[-1].write_text("force_backward: true\n" + _LAYERS.format(prefix, _FILLER))
    done = python(dedent(_SCRIPT), device, *files, phase)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _check(report: dict[str, Any]) -> None:
    for what in "whole", "blobs", "gradients":
        values = report[what]
        assert isinstance(values, dict)
        assert {name: value for name, value in values.items() if not value < 2e-5} == {}, what
    assert report["data"] < 2e-5
    assert report["repeated"]


def test_a_net_for_testing_with_all_that_can_be_put_into_a_store(device: str, tmp_path: Path) -> None:
    """The gradient of a scale that was fused, too: what it multiplied is made again."""
    report = _report(device, tmp_path, "TEST")
    _check(report)
    # Once looked at, each runs by itself, on every unit.
    assert report["launches"] < report["launches apart"]


def test_a_net_for_training(device: str, tmp_path: Path) -> None:
    report = _report(device, tmp_path, "TRAIN")
    _check(report)
    assert report["launches"] < report["launches apart"]
