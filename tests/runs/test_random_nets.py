"""Random nets train as in stock Caffe: the quick part of `python -m conformance.random_nets`, and seeds that found something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from barista.layers import types
from barista.net import prototxt
from conformance.net_generator import random_net
from conformance.random_nets import Sides

# What `barista check` called wrong, or died of: a convolution of two bottoms in groups (1173), one of a single axis (13), a
# scale of one number without axes (44), a maximum of values that meet (33), normalisation of eight numbers (34), and a loss that
# a step of one number does not move (1410). And an ELU whose top is overwritten in place through views (2019).
FOUND = (1173, 13, 44, 33, 34, 1410, 2019)
QUICK = range(1, 26)


@pytest.fixture(scope="module")
def sides_of(device: str) -> Iterator[Sides]:
    with Sides(device) as sides:
        yield sides


def test_a_net_depends_on_its_seed_alone() -> None:
    first, again, other = random_net(7), random_net(7), random_net(8)
    assert first.net == again.net
    assert first.solver == again.solver
    assert first.net != other.net


def test_the_nets_have_every_type_that_the_device_runs() -> None:
    nets = [random_net(seed).net for seed in range(300)]
    drawn = {layer.type for net in nets for layer in net.layer}
    assert {row.name for row in types.of_device()} - drawn == set()
    names = [[layer.name for layer in net.layer] for net in nets]
    assert any("" in of and "two words" in of for of in names)
    assert any(len(set(of)) < len(of) for of in names)
    text = "".join(prototxt.to_text(net) for net in nets)
    for field in ("propagate_down", "loss_weight", "lr_mult: 0.0", "stage", "min_level", 'name: "w', "exclude", "group: 3"):
        assert field in text, field


def test_random_nets_train_as_in_stock_caffe(sides_of: Sides) -> None:
    results = [sides_of.examine(seed) for seed in (*QUICK, *FOUND)]
    assert [(result.seed, result.why) for result in results if result.verdict == "differs"] == []
    assert sum(result.verdict == "skipped" for result in results) <= 2
    assert sum(result.layers for result in results) > 150
