"""The transfers that `barista rewrite` lists for a step, with their causes, are those that the device does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from processes import barista

from barista.net import prototxt, schema
from barista.net.prototxt import Kind
from barista.rewrite import placement, transfers
from barista.rewrite.placement import Selection
from barista.zoo import catalog as nets

# Who copies: a direction, a layer on the CPU (none of losses), values, gradients.
Copies = list[tuple[str, str, str, str]]

DATA = 'layer { name: "data" type: "Data" top: "x" top: "label" }'
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "%s" top: "ip" inner_product_param { num_output: 4 } }'
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "%s" bottom: "label" top: "loss" }'
CONV = (
    'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {more}\n'
    "  convolution_param {{ num_output: 2 kernel_size: 3 pad: 1 }} }}"
)


def conv(name: str, bottom: str, more: str = "") -> str:
    return CONV.format(name=name, bottom=bottom, more=more)


def layer(kind: str, name: str, bottoms: str, tops: str, more: str = "") -> str:
    blobs = " ".join([*(f'bottom: "{blob}"' for blob in bottoms.split()), *(f'top: "{blob}"' for blob in tops.split())])
    return f'layer {{ name: "{name}" type: "{kind}" {blobs} {more} }}'


def plan(*layers: str, excepted: tuple[str, ...] = ()) -> transfers.Plan:
    net = prototxt.parse("\n".join(layers), Kind.NET, "net")
    rewritten = placement.place(net, Selection(excepted=excepted))
    return transfers.plan(rewritten.net, rewritten.decisions, schema.new("NetState"))


def copies(*layers: str, excepted: tuple[str, ...] = ()) -> Copies:
    found = plan(*layers, excepted=excepted).transfers
    return [("in" if one.into_device else "out", one.layer, " ".join(one.values), " ".join(one.gradients)) for one in found]


DATA_IN, LOSS_OUT = ("in", "data", "x label", ""), ("out", "", "loss", "")


def test_a_net_wholly_on_the_device_has_data_in_and_the_loss_out() -> None:
    example = nets.example("lenet")
    rewritten = placement.place(example.net)
    found = transfers.plan(rewritten.net, rewritten.decisions, schema.new("NetState"))
    assert transfers.sentences(found) == [
        "each training step copies in data and label, which digits makes (reads and prepares data)",
        "each training step copies out loss, which Caffe adds up",
    ]


def test_a_layer_on_the_cpu_in_the_middle_has_both_ways_copied() -> None:
    net = DATA, conv("conv", "x"), layer("MVN", "norm", "conv", "norm"), IP % "norm", LOSS % "ip"
    assert copies(*net) == [
        DATA_IN,
        ("out", "norm", "conv", "norm"),
        ("in", "norm", "norm", "conv"),
        LOSS_OUT,
    ]
    said = transfers.sentences(plan(*net))
    assert said[1:3] == [
        "each training step copies out conv and the gradient of norm, which norm takes (no device layer of this type yet)",
        "each training step copies in norm and the gradient of conv, which norm makes (no device layer of this type yet)",
    ]


def test_what_needs_no_gradient_has_none_copied() -> None:
    frozen = conv("conv", "x", "param { lr_mult: 0 } param { lr_mult: 0 }")
    norm = layer("MVN", "norm", "conv", "norm")
    assert copies(DATA, frozen, norm, IP % "norm", LOSS % "ip")[1:3] == [("out", "norm", "conv", ""), ("in", "norm", "norm", "")]
    # Of parameters that a prototxt does not mention, the rate is 1: the bias here.
    half = conv("conv", "x", "param { lr_mult: 0 }")
    assert copies(DATA, half, norm, IP % "norm", LOSS % "ip")[1:3] == [
        ("out", "norm", "conv", "norm"),
        ("in", "norm", "norm", "conv"),
    ]
    # Unless the net asks for all gradients, of its inputs too: nobody takes those.
    forced = copies("force_backward: true", DATA, frozen, norm, IP % "norm", LOSS % "ip")
    assert forced == [DATA_IN, ("out", "norm", "conv", "norm"), ("in", "norm", "norm", "conv"), LOSS_OUT]
    # Caffe runs the backward pass all the same.
    stops = layer("MVN", "norm", "conv", "norm", "propagate_down: false")
    assert copies(DATA, conv("conv", "x"), stops, IP % "norm", LOSS % "ip")[1:3] == [
        ("out", "norm", "conv", "norm"),
        ("in", "norm", "norm", ""),
    ]
    below = conv("first", "x"), layer("MVN", "before", "first", "before"), conv("conv", "before")
    assert copies(DATA, *below, stops, IP % "norm", LOSS % "ip")[1:3] == [
        ("out", "before", "first", ""),
        ("in", "before", "before", ""),
    ]
    # A layer that nothing of the loss depends on is no reason for gradients.
    beside = layer("ArgMax", "best", "ip", "best")
    assert copies(DATA, conv("conv", "x"), IP % "conv", LOSS % "ip", beside) == [DATA_IN, ("out", "best", "ip", ""), LOSS_OUT]


def test_a_shortcut_over_a_layer_on_the_cpu() -> None:
    """The gradients that meet before the block are added on the device; its input is copied out once."""
    block = conv("a", "x"), layer("MVN", "norm", "a", "norm"), layer("Eltwise", "sum", "a norm", "sum")
    assert copies(DATA, *block, IP % "sum", LOSS % "ip") == [
        DATA_IN,
        ("out", "norm", "a", "norm"),
        ("in", "norm", "norm", "a"),
        LOSS_OUT,
    ]


def test_gradients_that_meet_on_the_cpu_are_added_there() -> None:
    branches = layer("MVN", "one", "conv", "one"), layer("TanH", "two", "conv", "two"), layer("Eltwise", "sum", "one two", "sum")
    found = copies(DATA, conv("conv", "x"), *branches, IP % "sum", LOSS % "ip", excepted=("two",))
    assert found == [
        DATA_IN,
        ("out", "one", "conv", "one"),
        ("in", "one", "one", "conv"),  # the sum
        ("out", "two", "", "two"),  # what it takes forward was copied for the other
        ("in", "two", "two", ""),
        LOSS_OUT,
    ]


def test_views_are_followed_and_in_place_layers_have_the_last_word() -> None:
    flat = layer("Flatten", "flat", "conv", "flat")
    norm = layer("MVN", "norm", "flat", "norm")
    assert copies(DATA, conv("conv", "x"), flat, norm, layer("Flatten", "again", "norm", "again"), IP % "again", LOSS % "ip")[
        1:3
    ] == [
        ("out", "norm", "conv", "norm"),
        ("in", "norm", "norm", "conv"),
    ]
    tanh, relu = layer("TanH", "tanh", "conv", "conv"), layer("ReLU", "relu", "conv", "conv")
    assert copies(DATA, conv("conv", "x"), tanh, relu, IP % "conv", LOSS % "ip", excepted=("tanh",))[1:3] == [
        ("out", "tanh", "conv", "conv"),
        ("in", "tanh", "conv", "conv"),
    ]


def test_layers_of_tests_do_not_count() -> None:
    tests = layer("ArgMax", "best", "ip", "best", "include { phase: TEST }")
    assert copies(DATA, conv("conv", "x"), IP % "conv", LOSS % "ip", tests) == [DATA_IN, LOSS_OUT]


def test_nothing_is_copied_where_nothing_is_on_the_device() -> None:
    found = plan(DATA, conv("conv", "x"), IP % "conv", LOSS % "ip", excepted=("conv", "ip", "loss"))
    assert transfers.sentences(found) == ["each training step copies nothing: no layer is on the device"]


def test_a_loss_on_the_cpu_takes_what_it_is_of() -> None:
    loss = layer("HingeLoss", "loss", "ip label", "loss")
    assert copies(DATA, conv("conv", "x"), IP % "conv", loss) == [
        ("in", "data", "x", ""),
        ("out", "loss", "ip", ""),
        ("in", "loss", "", "ip"),
    ]


def test_a_net_without_a_loss_is_not_trained() -> None:
    said = transfers.sentences(plan('layer { name: "in" type: "Input" top: "x" }', conv("conv", "x")))
    assert said == ["each forward pass copies in x, which in makes (holds data that the host makes)"]


def test_what_nobody_reads_anew_is_not_copied() -> None:
    """What DummyData has made once, and the blob whose size a Crop takes."""
    fillers = 'dummy_data_param { data_filler { type: "uniform" } data_filler { type: "constant" } }'
    dummy = layer("DummyData", "data", "", "x label", fillers)
    crop = layer("Crop", "crop", "wide conv", "crop"), layer("Silence", "silence", "wide", "")
    found = copies(dummy, conv("conv", "x"), conv("wide", "x"), *crop, IP % "crop", LOSS % "ip")
    assert found == [
        ("in", "data", "x", ""),
        ("out", "crop", "wide", "crop"),
        ("in", "crop", "crop", "wide"),
        LOSS_OUT,
    ]


# Nets after INPUT, for Caffe to run.
INPUT = layer("Input", "data", "", "x label", "input_param { shape { dim: 3 dim: 2 dim: 6 dim: 6 } shape { dim: 3 } }")
RUN = {
    "shortcut": (
        conv("a", "x"),
        layer("MVN", "norm", "a", "norm"),
        layer("Eltwise", "sum", "a norm", "sum"),
        layer("Flatten", "flat", "sum", "flat"),
        IP % "flat",
        LOSS % "ip",
    ),
    "two on the cpu": (
        conv("a", "x"),
        layer("MVN", "norm", "a", "norm"),
        layer("TanH", "tanh", "a", "tanh", 'python_param { param_str: "mine" }'),
        layer("Eltwise", "sum", "norm tanh", "sum"),
        layer("TanH", "again", "sum", "sum", 'python_param { param_str: "mine" }'),
        IP % "sum",
        LOSS % "ip",
    ),
    "stopped": (
        conv("a", "x"),
        layer("MVN", "norm", "a", "norm", "propagate_down: false"),
        conv("b", "norm"),
        layer("TanH", "tanh", "b", "b", 'python_param { param_str: "mine" }'),
        IP % "b",
        LOSS % "ip",
    ),
    "frozen": (
        conv("a", "x", "param { lr_mult: 0 } param { lr_mult: 0 }"),
        layer("MVN", "norm", "a", "norm"),
        IP % "norm",
        layer("HingeLoss", "loss", "ip label", "loss"),
    ),
}


@pytest.mark.parametrize("name", RUN)
def test_what_is_said_beforehand_is_what_is_done(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("\n".join((INPUT, *RUN[name])))
    result = barista("time", path, "--iterations", "1", "--json")
    assert result.returncode == 0, result.stderr
    done = {_copied(copy) for copy in json.loads(result.stdout)["copies"]}
    said = set()
    for way, who, values, gradients in copies(INPUT, *RUN[name]):
        for phase, blobs in (("forward", values), ("backward", gradients)):
            if blobs:
                said.add((phase, way, who))
    assert done == said


def _copied(copy: dict[str, Any]) -> tuple[str, str, str]:
    who = "" if copy["who"] == "the loss" else copy["who"]
    return copy["phase"], "in" if copy["direction"] == "upload" else "out", who


def test_the_command_says_it_after_its_table(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("\n".join((DATA, conv("conv", "x"), IP % "conv", LOSS % "ip")))
    sentences = [
        "each training step copies in x and label, which data makes (reads and prepares data)",
        "each training step copies out loss, which Caffe adds up",
    ]
    result = barista("rewrite", path)
    assert result.stderr.splitlines()[-2:] == sentences
    assert "copies" not in barista("rewrite", path, "--restore").stderr
    # Of a solver, the net that is trained; its state chooses layers.
    staged = layer("MVN", "norm", "ip", "norm", 'include { phase: TRAIN stage: "late" }')
    (tmp_path / "train.prototxt").write_text("\n".join((path.read_text(), staged)))
    solver = tmp_path / "solver.prototxt"
    solver.write_text(
        'train_net: "train.prototxt" test_net: "net.prototxt" test_iter: 1 test_interval: 9 base_lr: 1 lr_policy: "fixed"\n'
    )
    assert [line for line in barista("rewrite", solver).stderr.splitlines() if "copies" in line] == sentences
    solver.write_text(f'{solver.read_text()} train_state {{ stage: "late" }}')
    out = "each training step copies out ip, which norm takes (no device layer of this type yet)"
    assert [line for line in barista("rewrite", solver).stderr.splitlines() if "copies" in line] == [
        sentences[0],
        out,
        sentences[1],
    ]
