"""A loss that is no longer a number ends a run, with what was first not finite, a status of its own and the last good snapshot."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trainings
from trainings import Project, Recorder, dims, inner_product, layer

from barista.errors import BaristaError

# Distances between what is learnt and ones: they grow without bound where the rate is too high.
DATA = layer(
    "DummyData", "data", "", "data label",
    f"dummy_data_param {{ shape {{ {dims(4, 6)} }} shape {{ {dims(4, 3)} }}"
    ' data_filler { type: "gaussian" std: 1 } data_filler { value: 1 } }',
)  # fmt: skip
BODY = layer("InnerProduct", "ip", "data", "ip", inner_product(3))
LOSS = layer("EuclideanLoss", "loss", "ip label", "loss")
FIELDS = {"base_lr": "0.01", "lr_policy": '"fixed"', "max_iter": "8", "display": "1", "random_seed": "3"}
# The rate is next to nothing, 10 in iteration 6 and infinite in iteration 7.
INFINITE_UPDATE = {"lr_policy": '"multistep"', "base_lr": "1e-37", "gamma": "1e38", "stepvalue": "6 stepvalue: 7"}


@pytest.fixture
def diverge(tmp_path: Path) -> Callable[..., tuple[str, list[dict[str, Any]], Path | None]]:
    """Trains a net, which must end with status 3; returns the sentence, the log's events and the last snapshot."""

    def run(net: str, **options: Any) -> tuple[str, list[dict[str, Any]], Path | None]:
        project = Project(tmp_path, FIELDS | {"net": f'"{tmp_path / "net.prototxt"}"'}, net)
        fields = options.pop("fields", {})
        with pytest.raises(BaristaError) as raised:
            project.run("run", options.pop("show", None), fields=fields, **options)
        assert raised.value.exit_status == 3
        assert "\n" not in str(raised.value)
        return str(raised.value), project.events("run"), trainings.latest(str(tmp_path / "run" / "net"))

    return run


def finite(state: Path) -> bool:
    return all(np.isfinite(np.frombuffer(blob, np.float32)).all() for blobs in trainings.weights(state).values() for blob in blobs)


def test_the_sentence_says_where_and_names_the_last_snapshot(diverge: Any) -> None:
    sentence, events, state = diverge(DATA + BODY + LOSS, fields={"base_lr": "1e10", "snapshot": "1"})
    assert state is not None
    iteration = int(state.name.removeprefix("net_iter_").removesuffix(".solverstate"))
    assert sentence.startswith(f"iteration {iteration}: the loss is no longer a number (inf); the first to hold ")
    assert "a smaller base_lr, or clip_gradients, may help" in sentence
    assert sentence.endswith(f"; go on with --snapshot {state}")
    assert finite(state)
    assert events[-1]["event"] == "diverged"
    assert events[-1]["iteration"] == iteration
    assert all(event["loss"] is not None for event in events if event["event"] == "iteration")


def test_the_layer_that_made_it_is_named_and_not_those_that_passed_it_on(diverge: Any) -> None:
    logarithm = layer("Log", "logarithm", "ip", "logarithm")
    sentence, _, _ = diverge(DATA + BODY + logarithm + LOSS.replace('"ip"', '"logarithm"'))
    assert "the loss is no longer a number (nan); the first to hold " in sentence
    assert "is blob 'logarithm' of layer 'logarithm' (Log);" in sentence


def test_layers_that_worked_in_place_are_named_too(diverge: Any) -> None:
    sentence, _, _ = diverge(DATA + BODY + layer("Log", "logarithm", "ip", "ip") + LOSS)
    assert "is blob 'ip' of layer 'ip' (InnerProduct), in which 'logarithm' worked in place;" in sentence


def test_data_that_are_not_finite(diverge: Any) -> None:
    sentence, _, _ = diverge(DATA.replace('type: "gaussian" std: 1', "value: inf") + BODY + LOSS)
    assert "the first to hold inf is blob 'data' of layer 'data' (DummyData); look at its data" in sentence


def test_a_parameter_that_is_not_finite(diverge: Any) -> None:
    """An update made the weights so, and the next pass meets them."""
    sentence, _, state = diverge(DATA + BODY + LOSS, fields=INFINITE_UPDATE | {"max_iter": "12"})
    assert "iteration 8: the loss is no longer a number (" in sentence
    assert "is parameter 0 of layer 'ip' (InnerProduct); a smaller base_lr" in sentence
    assert state is None


def test_weights_of_the_last_update(diverge: Any) -> None:
    """They stand in no loss any more: the snapshot that would hold them is not written, and the one before stays."""
    sentence, events, state = diverge(DATA + BODY + LOSS, fields=INFINITE_UPDATE | {"snapshot": "3"})
    assert "iteration 8: the weights are no longer numbers; the first to hold " in sentence
    assert state is not None
    assert state.name == "net_iter_6.solverstate"
    assert str(state) in sentence
    assert finite(state)
    assert not [path for path in state.parent.iterdir() if "iter_8" in path.name or path.name.startswith(".")]
    assert [event["loss"] for event in events if event["event"] == "diverged"] == [None]


def test_each_pass_of_an_iteration_counts(diverge: Any) -> None:
    sentence, _, _ = diverge(DATA + BODY + LOSS, fields={"base_lr": "1e10", "iter_size": "3"})
    assert "the loss is no longer a number" in sentence


def test_the_end_looks_at_weights_that_nobody_asks_for(diverge: Any) -> None:
    """There is no display, no snapshot and no test that would meet them."""
    sentence, _, _ = diverge(DATA + BODY + LOSS, fields=INFINITE_UPDATE | {"display": "", "snapshot_after_train": "false"})
    assert "iteration 8: the weights are no longer numbers" in sentence


def test_an_output_of_a_test_is_only_told(tmp_path: Path) -> None:
    """Where the weights are finite: the test's data alone hold an infinity."""
    bad = DATA.replace('type: "gaussian" std: 1', "value: inf").replace(
        "dummy_data_param", "include { phase: TEST } dummy_data_param"
    )
    good = DATA.replace("dummy_data_param", "include { phase: TRAIN } dummy_data_param")
    fields = FIELDS | {"net": f'"{tmp_path / "net.prototxt"}"', "test_iter": "1", "test_interval": "2"}
    show = Recorder()
    outcome = Project(tmp_path, fields, bad + good + BODY + LOSS).run("run", show)
    assert outcome.status == 0
    assert outcome.state is not None
    notes = [note for note in show.notes if "is no number" in note]
    assert notes == ["iteration 0: output 'loss' of test net 0 is no number; all weights are"]


def test_a_diverged_run_goes_on_from_the_snapshot_it_names(diverge: Any, tmp_path: Path) -> None:
    _, _, state = diverge(DATA + BODY + LOSS, fields={"base_lr": "1e10", "snapshot": "1"})
    project = Project(tmp_path, FIELDS | {"net": f'"{tmp_path / "net.prototxt"}"'}, DATA + BODY + LOSS)
    with pytest.raises(BaristaError, match="the loss is no longer a number"):
        project.run("run", snapshot=state, fields={"base_lr": "1e10"})


def test_on_a_device(diverge: Any, device: str) -> None:
    sentence, events, _ = diverge(DATA + BODY + LOSS, fields={"base_lr": "1e10"}, excepted=(), device=device)
    assert "the loss is no longer a number" in sentence
    assert "FPGA" not in sentence
    losses = [event["loss"] for event in events if event["event"] == "iteration"]
    assert json.loads(json.dumps(losses)) == losses
    assert all(math.isfinite(loss) for loss in losses)
