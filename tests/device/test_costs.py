"""What a net costs on a recipe's hardware, asked of the library without a device: all of it is there, and nothing of OpenCL."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from barista import paths
from barista.bitstream import recipe as recipes
from barista.errors import BaristaError
from barista.layers import types
from barista.layers.layer_type import LayerType
from barista.net import inputs, instances, prototxt
from barista.plan import costs, made
from barista.zoo import catalog

RECIPE = recipes.load("arria10-gx1150")
BLOBS = """
layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 6 dim: 5 dim: 7 dim: 6 } } }
layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 6 dim: 5 dim: 7 dim: 6 } } }
layer { name: "l" type: "Input" top: "l" input_param { shape { dim: 6 dim: 1 dim: 7 dim: 6 } } }
"""


def of_alexnet() -> tuple[Any, list[Any]]:
    example = catalog.example("alexnet")
    net = inputs.replace(example.net, Path("alexnet"), example.images).net
    return net, made.layers(net, "alexnet")


@pytest.mark.parametrize("row", types.of_device(), ids=lambda row: row.name)
def test_every_device_layer_has_costs(row: LayerType) -> None:
    net = prototxt.parse(BLOBS + row.example.layer(row.name), prototxt.Kind.NET, row.name)
    (layer,) = (layer for layer in costs.of_net(RECIPE, net, made.layers(net, row.name)) if layer.type == row.name)
    assert not layer.unsupported
    assert layer.passes, row.name
    assert all(cost.launches > 0 and cost.steps > 0 and cost.stored > 0 for cost in layer.passes)


def test_the_multiply_adds_of_a_net_are_those_of_its_layers() -> None:
    """Once forward, and once more for each gradient; those with padding, which papers count, left out."""
    net, layers = of_alexnet()
    shapes = {layer.index: layer.shapes for layer in layers}
    for layer in costs.of_net(RECIPE, net, layers):
        message = net.layer[layer.index]
        with_padding = types.of(layer.type).multiply_adds(message, shapes[layer.index])
        by_pass = {cost.name: cost.multiply_adds for cost in layer.passes}
        forward = by_pass.get("forward", 0)
        assert forward == with_padding or (message.convolution_param.pad and 0.8 * with_padding < forward < with_padding), (
            layer.name
        )
        assert not forward or by_pass["backward weights"] == by_pass["backward data"] == forward, layer.name


def test_layers_that_learn_are_updated() -> None:
    net, layers = of_alexnet()
    with_update = costs.of_net(RECIPE, net, layers, method="SGD")
    without = costs.of_net(RECIPE, net, layers)
    learned = {layer.name: sum(cost.stored for cost in layer.passes if cost.name == "update") for layer in with_update}
    assert not any(cost.name == "update" for layer in without for cost in layer.passes)
    # Weights, gradients and a history of each of AlexNet's 60,965,224 parameters.
    assert sum(learned.values()) == 3 * 60965224
    assert [name for name, elements in learned.items() if elements] == [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]


def test_a_shape_that_the_recipe_can_t_take_is_an_answer() -> None:
    pooling = {"op": "pooling", "N": 1, "C": 1, "H": 5000, "W": 5000, "P": 1, "Q": 1, "KH": 5000, "KW": 5000}
    pooling |= {"SH": 1, "SW": 1, "PH": 0, "PW": 0, "method": "average"}
    (found,) = costs.of_operations(RECIPE, [pooling])
    assert found.unsupported == (
        "pooling of 1x1x5000x5000 to 1x1, window 5000x5000, stride 1x1, padding 0x0:"
        " a row of a window takes 5000 words, the bitstream has room for 2048"
    )
    assert found.passes == ()


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ({"op": "poling"}, 'operation 1: op is "poling"; it must be one of accuracy, batch norm, .*'),
        ({"op": "dropout", "given": False}, "operation 1: count is missing"),
        (
            {"op": "dropout", "count": -1, "given": False},
            "operation 1: count is -1; it must be a whole number from 0 to 2147483647",
        ),
        ({"op": "dropout", "count": 1, "given": 0}, "operation 1: given is 0; it must be true or false"),
        (
            {"op": "update", "count": 1, "clips": False, "method": "Momentum"},
            'operation 1: method is "Momentum"; it must be one of AdaDelta, AdaGrad, Adam, Nesterov, RMSProp, SGD',
        ),
    ],
)
def test_an_operation_that_is_none_is_refused(operation: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BaristaError, match=f"^{sentence}$"):
        costs.of_operations(RECIPE, [{"op": "split", "readers": 1, "count": 1}, operation])


ALONE = """
import json, sys

class Refuse:
    def find_spec(self, name, *others):
        if name.partition(".")[0] in ("pyopencl", "caffe"):
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Refuse())
from barista.bitstream import recipe
from barista.net import instances, prototxt
from barista.plan import costs

task = json.load(sys.stdin)
net = prototxt.parse(task["net"], prototxt.Kind.NET, "net")
layers = [instances.from_json(layer) for layer in task["layers"]]
planned = costs.of_net(recipe.load("arria10-gx1150"), net, layers)
found = [(layer.name, cost.name, cost.steps) for layer in planned for cost in layer.passes]
print(json.dumps({"costs": found, "maps": open("/proc/self/maps").read()}))
"""


def test_costs_need_neither_opencl_nor_caffe_in_the_process() -> None:
    net, layers = of_alexnet()
    task = json.dumps({"net": prototxt.to_text(net), "layers": [instances.as_json(layer) for layer in layers]})
    done = subprocess.run([sys.executable, "-c", ALONE], input=task, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert ["conv1", "forward"] in [cost[:2] for cost in told["costs"]]
    assert ["norm1", "backward"] in [cost[:2] for cost in told["costs"]]
    assert "libbarista_plan.so" in told["maps"]
    assert not any(name in told["maps"] for name in ("libOpenCL", "libbarista.so", "libcaffe", "libpocl", "libintelocl"))


def test_the_library_of_plans_links_neither_opencl_nor_caffe() -> None:
    done = subprocess.run(["readelf", "-d", paths.plan_library()], capture_output=True, text=True, check=True)
    needed = {line.partition("[")[2].rstrip("]") for line in done.stdout.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2"}
    shown = subprocess.run(["nm", "-D", "--defined-only", paths.plan_library()], capture_output=True, text=True, check=True)
    functions = {line.split()[-1] for line in shown.stdout.splitlines() if " T " in line}
    assert functions == {"barista_plan", "barista_version"}
