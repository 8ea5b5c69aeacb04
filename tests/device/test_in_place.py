"""A net in place has the gradient of the same net with two blobs, also where stock Caffe's is another."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from processes import python

# Layers that follow a convolution, each in place. What is named first is what stock Caffe's gradient is wrong of.
CHAINS = {
    "Power": ['type: "Power" power_param { power: 3 scale: 0.5 shift: 2 }'],
    "a square": ['type: "Power" power_param { power: 2 shift: 0.5 }'],
    "Power without power": ['type: "Power" power_param { scale: 0.3 shift: 1 }'],
    "Log": ['type: "Log" log_param { shift: 9 scale: 0.5 }'],
    "BNLL": ['type: "BNLL"'],
    "a ReLU that turns signs": ['type: "ReLU" relu_param { negative_slope: -0.5 }'],
    "an ELU that turns signs": ['type: "ELU" elu_param { alpha: -0.5 }'],
    "Exp and Power": ['type: "Exp"', 'type: "Power" power_param { power: 2 }'],
    "Sigmoid and ReLU of less": ['type: "Sigmoid"', 'type: "Power" power_param { shift: -0.6 }', 'type: "ReLU"'],
    "TanH and Scale": ['type: "TanH"', 'type: "Scale" scale_param { filler { value: -3 } bias_term: true }'],
    "ELU and Dropout": ['type: "ELU" elu_param { alpha: 0.7 }', 'type: "Dropout"'],
    "Softmax and BatchNorm": ['type: "Softmax"', 'type: "BatchNorm"'],
    "ReLU and BatchNorm": ['type: "ReLU"', 'type: "BatchNorm"'],
    "ReLU, Dropout and Bias": ['type: "ReLU"', 'type: "Dropout"', 'type: "Bias" bias_param { filler { value: -2 } }'],
    "two ReLUs and Scale": [
        'type: "ReLU" relu_param { negative_slope: 0.2 }', 'type: "ReLU" relu_param { negative_slope: 0.1 }',
        'type: "Scale" scale_param { filler { value: -3 } }',
    ],
    "PReLU and TanH": ['type: "PReLU"', 'type: "TanH"', 'type: "PReLU"'],
    "all": [
        'type: "Sigmoid"', 'type: "Log" log_param { shift: 1 }', 'type: "BNLL"', 'type: "Exp"', 'type: "Softmax"', 'type: "TanH"',
    ],
}  # fmt: skip
# The same, and a layer with two bottoms or a view before it.
HEADS = {
    "conv": "",
    "product": 'layer { name: "head" type: "%sEltwise" bottom: "conv" bottom: "data" top: "head"'
    " eltwise_param { operation: PROD stable_prod_grad: false } }",
    "sigmoid": 'layer { name: "head" type: "%sSigmoid" bottom: "conv" top: "head" }',
    "view": 'layer { name: "tanh" type: "%sTanH" bottom: "conv" top: "tanh" }'
    ' layer { name: "flat" type: "Flatten" bottom: "tanh" top: "head" flatten_param { axis: 2 } }',
}

_SCRIPT = """
import json, sys
import numpy as np
import barista
barista.load(sys.argv[1])
import caffe
phase = caffe.TEST if sys.argv[2] == "TEST" else caffe.TRAIN
report = {}
for name, files in json.load(open(sys.argv[3])).items():
    caffe.set_random_seed(5)
    stock, net = (caffe.Net(file, phase) for file in files)
    rng = np.random.default_rng(3)
    for layer, params in stock.params.items():
        for i, param in enumerate(params):
            net.params[layer][i].data[...] = param.data[...] = np.abs(param.data) + 0.5 if len(params) == 3 else param.data
    x = rng.uniform(-1, 1, stock.blobs["data"].data.shape)
    g = rng.uniform(-1, 1, stock.blobs[stock.outputs[0]].data.shape)
    for each in stock, net:
        for _ in range(2):
            caffe.set_random_seed(8)
            each.blobs["data"].data[...] = x
            each.forward()
            each.blobs[each.outputs[0]].diff[...] = g
            for params in each.params.values():
                for param in params:
                    param.diff[...] = 0
            each.backward()
    off = {"out": (net.blobs[net.outputs[0]].data, stock.blobs[stock.outputs[0]].data)}
    off["data"] = (net.blobs["data"].diff, stock.blobs["data"].diff)
    for layer, params in stock.params.items():
        if len(params) < 3:
            for i, param in enumerate(params):
                off[f"{layer} {i}"] = (net.params[layer][i].diff, param.diff)
    report[name] = {what: float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)) for what, (a, b) in off.items()}
print(json.dumps(report))
"""


def net_of(chain: list[str], head: str, prefix: str, *, in_place: bool) -> str:
    text = f"""
    force_backward: true
    layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 3 dim: 4 dim: 5 dim: 4 }} }} }}
    layer {{ name: "conv" type: "{prefix}Convolution" bottom: "data" top: "conv"
      convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 weight_filler {{ type: "gaussian" std: 0.4 }} }} }}
    {head.replace("%s", prefix)}
    """
    bottom = "head" if head else "conv"
    for number, layer in enumerate(chain):
        top = bottom if in_place else f"blob {number}"
        text += f'layer {{ name: "{number}" bottom: "{bottom}" top: "{top}" {layer} }}\n'.replace('type: "', f'type: "{prefix}')
        bottom = top
    return text


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_the_gradient_in_place_is_that_of_two_blobs(device: str, phase: str, tmp_path: Path) -> None:
    nets: dict[str, list[str]] = {}
    for chain, layers in CHAINS.items():
        for head, before in HEADS.items():
            name = f"{chain} after {head}"
            nets[name] = []
            for prefix, in_place in (("", False), ("FPGA", True)):
                file = tmp_path / f"{len(nets)}{prefix}.prototxt"
                file.write_text(net_of(layers, before, prefix, in_place=in_place))
                nets[name].append(str(file))
    files = tmp_path / "nets.json"
    files.write_text(json.dumps(nets))
    done = python(dedent(_SCRIPT), device, phase, files, BARISTA_MASKS="caffe")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == len(CHAINS) * len(HEADS)
    wrong = {name: off for name, off in report.items() if not max(off.values()) < 2e-4}
    assert wrong == {}
