"""Numbers that choose a class, a row or an item, and are none: stock Caffe reads and writes memory of others there. `barista train`
ends with one sentence, wherever the layer runs."""

from __future__ import annotations

from pathlib import Path

import processes
import pytest
from trainings import dims, inner_product, layer

CLASSES = 4


def train(folder: Path, net: str, *arguments: str, test: str = "") -> processes.Result:
    """Two iterations of `net`; `test` is what the solver says of tests."""
    (folder / "net.prototxt").write_text(net)
    solver = folder / "solver.prototxt"
    solver.write_text(
        f'net: "{folder}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 2 display: 1 random_seed: 1'
        f' snapshot_prefix: "{folder}/run" snapshot_after_train: false {test}'
    )
    return processes.barista("train", solver, *arguments)


def inputs(label: str, *shape: int) -> str:
    """Blobs `scores`, 3 images of CLASSES numbers, and `label`, all of whose numbers are `label`."""
    fields = f"dummy_data_param {{ shape {{ {dims(3, 5)} }} shape {{ {dims(*(shape or (3,)))} }}"
    text = layer(
        "DummyData", "in", "", "x label", f'{fields} data_filler {{ type: "gaussian" }} data_filler {{ value: {label} }} }}'
    )
    return text + layer("InnerProduct", "ip", "x", "scores", inner_product(CLASSES))


def loss(fields: str = "") -> str:
    return layer("SoftmaxWithLoss", "loss", "scores label", "loss", fields)


@pytest.mark.parametrize("label", ["7", "-1", "1000000", "4", "nan"])
def test_label_of_no_class(tmp_path: Path, label: str) -> None:
    for where in ([], ["--except", "*"]):
        said = processes.last_sentence(train(tmp_path, inputs(label) + loss(), *where))
        words = f"layer 'loss': label {label} (value 0 of its batch, from 0) is none of the 4 classes, which are 0 to 3; "
        assert said.startswith(words)
        assert said.endswith(", in iteration 0")


@pytest.mark.parametrize("last", ["loss", "accuracy"])
def test_label_that_only_the_device_has(device: str, tmp_path: Path, last: str) -> None:
    """A Slice made it there. Nothing fetches it until a loss, or the accuracy of a test, is no number."""
    records = layer("DummyData", "in", "", "records", f"dummy_data_param {{ shape {{ {dims(3, 5)} }} data_filler {{ value: 7 }} }}")
    net = records + layer("Slice", "cut", "records", "scores label", f"slice_param {{ axis: 1 slice_point: {CLASSES} }}")
    net += layer("InnerProduct", "ip", "scores", "learnt", inner_product(CLASSES))
    if last == "loss":
        net += loss().replace("scores", "learnt")
    else:
        net += layer("EuclideanLoss", "loss", "learnt scores", "loss") + layer("Accuracy", "odd", "learnt label", "a")
    result = train(tmp_path, net, "--device", device, test="test_iter: 1 test_interval: 1" if last == "accuracy" else "")
    said = processes.last_sentence(result)
    where = "layer 'loss'" if last == "loss" else "layer 'odd' of the test net"
    assert said.startswith(f"{where}: label 7 (value 0 of its batch, from 0) is none of the 4 classes, which are 0 to 3; ")


@pytest.mark.parametrize("where", [[], ["--except", "*"]], ids=["device", "CPU"])
def test_labels_that_stock_caffe_takes(tmp_path: Path, where: list[str]) -> None:
    """Cut to whole numbers, -0.5 and 3.9 are classes; the ignored label may be any."""
    for label, fields in (
        ("-0.5", ""),
        ("3.9", ""),
        ("255", "loss_param { ignore_label: 255 }"),
        ("-1", "loss_param { ignore_label: -1 }"),
    ):
        result = train(tmp_path, inputs(label) + loss(fields), *where)
        assert result.returncode == 0, result.stderr


# The rest of the net, a label that is out of bounds, and what is said of it.
LAYERS = {
    "Accuracy": (
        loss("loss_param { ignore_label: 9 }") + layer("Accuracy", "odd", "scores label", "a"),
        "9",
        "label 9 ",
        "4 classes",
    ),
    "HingeLoss": (layer("HingeLoss", "odd", "scores label", "loss"), "4", "label 4 ", "4 classes"),
    "MultinomialLogisticLoss": (
        layer("Softmax", "prob", "scores", "prob") + layer("MultinomialLogisticLoss", "odd", "prob label", "loss"),
        "-2",
        "label -2 ",
        "4 classes",
    ),
    "InfogainLoss": (
        layer("DummyData", "h", "", "h", f"dummy_data_param {{ shape {{ {dims(1, 1, 4, 4)} }} }}")
        + layer("InfogainLoss", "odd", "scores label h", "loss"),
        "8",
        "label 8 ",
        "4 classes",
    ),
    "Embed": (
        layer("Embed", "odd", "label", "e", 'embed_param { num_output: 4 input_dim: 6 weight_filler { type: "xavier" } }')
        + layer("EuclideanLoss", "loss", "e scores", "loss"),
        "6",
        "number 6 ",
        "6 rows",
    ),
    "BatchReindex": (
        layer("BatchReindex", "odd", "scores label", "r") + layer("Reduction", "sum", "r", "sum", "loss_weight: 1"),
        "3",
        "index 3 ",
        "3 items",
    ),
    "Filter": (
        layer("Filter", "odd", "scores label", "f") + layer("Reduction", "sum", "f", "sum", "loss_weight: 1"),
        "0",
        "its selector, ",
        "none of the 3 items",
    ),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_every_layer_that_chooses_by_a_value(tmp_path: Path, kind: str) -> None:
    rest, label, number, choices = LAYERS[kind]
    said = processes.last_sentence(
        train(tmp_path, inputs(label, *((3, 1, 1, 1) if kind == "MultinomialLogisticLoss" else ())) + rest)
    )
    assert said.startswith(f"layer 'odd': {number}"), said
    assert choices in said
    assert said.endswith(", in iteration 0")


def test_accuracy_on_the_cpu(tmp_path: Path) -> None:
    said = processes.last_sentence(train(tmp_path, inputs("9") + LAYERS["Accuracy"][0], "--except", "odd"))
    assert said.startswith("layer 'odd': label 9 ")


def test_more_labels_of_the_best_than_classes(tmp_path: Path) -> None:
    net = inputs("1") + loss() + layer("Accuracy", "odd", "scores label", "a", "accuracy_param { top_k: 5 }")
    said = processes.last_sentence(train(tmp_path, net))
    assert said.startswith("layer 'odd': top_k must be less than or equal to the number of classes (5 and 4), says Caffe")


def test_a_batch_of_no_items(tmp_path: Path) -> None:
    net = inputs("0") + layer("Filter", "none", "scores label label", "some some_label")
    net += loss().replace('"scores"', '"some"').replace('"label"', '"some_label"')
    assert processes.last_sentence(train(tmp_path, net)) == (
        "layer 'loss': the batch has no labels; did a Filter before it choose no item?, in iteration 0"
    )


def test_a_test_net_is_named(tmp_path: Path) -> None:
    net = "".join(
        inputs(label).partition("\n")[0].replace("layer {", f"layer {{ include {{ phase: {phase} }}", 1) + "\n"
        for phase, label in (("TRAIN", "1"), ("TEST", "6"))
    )
    (tmp_path / "net.prototxt").write_text(net + inputs("").partition("\n")[2] + loss())
    solver = tmp_path / "solver.prototxt"
    solver.write_text(f'net: "{tmp_path}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 2 test_iter: 1 test_interval: 1')
    said = processes.last_sentence(processes.barista("train", solver, "--except", "*"))
    assert said.startswith("layer 'loss' of the test net: label 6 ")


def test_labels_that_the_device_alone_has(device: str, tmp_path: Path) -> None:
    """Cut from others there, they cost no step a copy: the loss, its gradient and the accuracy say NaN."""
    net = inputs("7", 3, 2) + layer("FPGASlice", "cut", "label", "label_a label_b", "slice_param { axis: 1 }")
    net += layer("FPGASoftmaxWithLoss", "loss", "scores label_a", "loss") + layer("FPGAAccuracy", "a", "scores label_b", "a")
    (tmp_path / "net.prototxt").write_text(net)
    result = processes.python(
        """
        import sys
        import numpy as np
        from barista.runtime import plugin

        caffe = plugin.load(sys.argv[2]).caffe
        net = caffe.Net(sys.argv[1], caffe.TRAIN)
        net.forward()
        net.backward()
        print(net.blobs["loss"].data, net.blobs["a"].data, np.isnan(net.blobs["scores"].diff).all())
        """,
        tmp_path / "net.prototxt",
        device,
    )
    assert result.stdout.strip() == "nan nan True", result.stderr


def test_pycaffe_ends_with_the_sentence_too(device: str, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(inputs("7") + loss().replace('"SoftmaxWithLoss"', '"FPGASoftmaxWithLoss"'))
    result = processes.python(
        """
        import sys
        from barista.runtime import plugin

        caffe = plugin.load(sys.argv[2]).caffe
        caffe.Net(sys.argv[1], caffe.TRAIN).forward()
        """,
        tmp_path / "net.prototxt",
        device,
    )
    assert result.returncode != 0
    assert "layer 'loss': label 7 (value 0 of its batch, from 0) is none of the 4 classes" in result.stderr


def test_time_gives_every_such_layer_what_it_can_take(tmp_path: Path) -> None:
    """Inputs are made up there: labels too, also those that are cut from others or are no vectors."""
    (tmp_path / "net.prototxt").write_text(_time_net())
    result = processes.barista("time", tmp_path / "net.prototxt")
    assert result.returncode == 0, result.stderr


def _time_net() -> str:
    shapes = " ".join(f"shape {{ {dims(*shape)} }}" for shape in ((30, 5), (30, 2), (30, 4), (30, 1)))
    text = layer("Input", "in", "", "x pairs words hinge", f"input_param {{ {shapes} }}")
    text += layer("InnerProduct", "ip", "x", "scores", inner_product(CLASSES))
    text += layer("Slice", "cut", "pairs", "first second", "slice_param { axis: 1 }")
    text += layer("SoftmaxWithLoss", "loss", "scores first", "loss") + layer("Flatten", "flat", "hinge", "flat")
    text += layer("HingeLoss", "hinge", "scores flat", "loss2")
    text += layer("Embed", "words", "words", "vectors", "embed_param { num_output: 1 input_dim: 9 }")
    text += layer("Reduction", "sum", "vectors", "sum", "loss_weight: 1") + layer("Silence", "rest", "second", "")
    return text
