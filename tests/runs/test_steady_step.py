"""A step of training after the first ones: what crosses, what is waited for and made, and how many kernels are launched.

Pictures and labels go in and the loss comes out, and nothing else crosses: what layers work on is there from the first step on.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import pytest
from processes import Devices

from barista.net import instances
from barista.net.shapes import MadeLayer
from barista.profile import session
from barista.profile.records import Recorded
from barista.profile.runner import caffe_runner, made_layers
from barista.profile.session import Task
from barista.zoo import catalog as nets

STEPS = 2
WARM = 2
MOST_LAUNCHES = 3  # of a pass of a layer, on each compute unit

# Classifiers at two places, as GoogLeNet has them.
TWO_LOSSES = """
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 6 dim: 3 dim: 8 dim: 8 } shape { dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "conv2" type: "Convolution" bottom: "conv" top: "conv2" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "side" type: "InnerProduct" bottom: "conv2" top: "side" inner_product_param { num_output: 5 } }
layer { name: "side_loss" type: "SoftmaxWithLoss" bottom: "side" bottom: "label" top: "side_loss" loss_weight: 0.3 }
layer { name: "ip" type: "InnerProduct" bottom: "conv2" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "right" type: "Accuracy" bottom: "ip" bottom: "label" top: "right" }
"""
# Each net, and the batch at which it is trained here.
NETS = {"lenet": 64, "cifar10_full": 100, "alexnet": 2, "two losses": 6}


@dataclass(frozen=True)
class Steady:
    """Steps of a net after the first ones."""

    made: tuple[MadeLayer, ...]
    units: int
    recorded: Recorded

    @property
    def input_bytes(self) -> list[int]:
        return sorted(4 * prod(shape) for layer in self.made if not layer.bottoms for shape in layer.shapes.dst)

    def crossed(self, way: str) -> list[int]:
        """Bytes of each copy in each step."""
        return sorted(command.bytes for command in self.recorded.commands if command.name == way)

    def launches(self) -> dict[tuple[str, str], int]:
        """Of each pass of each layer, the most on one compute unit in a step."""
        found: dict[tuple[str, str], int] = {}
        for span in self.recorded.spans:
            queues = [command.queue for command in self.recorded.commands[span.first : span.last]]
            key = self.made[span.layer].name, "backward" if span.backward else "forward"
            found[key] = max(found.get(key, 0), *(queues.count(unit) for unit in range(self.units)))
        return found


@pytest.fixture(scope="module", params=NETS)
def steady(request: pytest.FixtureRequest, device: str, devices: Devices, tmp_path_factory: pytest.TempPathFactory) -> Steady:
    task = task_of(request.param, tmp_path_factory.mktemp("net") / "net.prototxt")
    place = devices.of(device)
    with caffe_runner(task, place) as runner:
        made = made_layers(runner.ready())
        return Steady(made, place[0].recipe.compute_units, runner.record(STEPS, warm=WARM))


def task_of(name: str, path: Path) -> Task:
    """The net as it is trained, weights unfilled."""
    if name == "two losses":
        path.write_text(TWO_LOSSES)
        return session.prepare(path)
    [(blob, image)] = nets.example(name).images.items()
    batch = NETS[name]
    task = session.prepare(nets.write(name, path), {blob: (batch, *image), "label": (batch,)})
    for layer in task.net.layer:
        instances.leave_unfilled(layer)
    return task


def test_nothing_crosses_but_inputs_and_losses(steady: Steady) -> None:
    losses = sum(len(layer.losses) for layer in steady.made)
    assert losses == (2 if any(layer.name == "side_loss" for layer in steady.made) else 1)
    assert len(steady.input_bytes) == 2
    assert steady.crossed("upload") == sorted(STEPS * steady.input_bytes)
    assert steady.crossed("download") == STEPS * losses * [4]
    counters = steady.recorded.counters
    assert (counters["uploads"], counters["upload_bytes"]) == (2 * STEPS, STEPS * sum(steady.input_bytes))
    assert (counters["downloads"], counters["download_bytes"]) == (losses * STEPS, 4 * losses * STEPS)
    assert counters["buffers_created"] == 0
    assert counters["waits"] == losses * STEPS, "one for each loss that the host adds up"


def test_a_pass_is_launched_in_few_kernels(steady: Steady) -> None:
    too_many = {key: count for key, count in steady.launches().items() if count > MOST_LAUNCHES}
    assert not too_many
