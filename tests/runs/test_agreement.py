"""Nets train on the device as in stock Caffe, and what would differ is seen: the quick part of `python -m conformance.nets`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from math import inf
from pathlib import Path

import numpy as np
import pytest
from processes import Result, run

from barista.check.report import Report
from barista.check.result import Comparison, LayerResult
from barista.zoo import catalog as nets
from conformance import nets as tried
from conformance import trials
from conformance.agreement import LOSS, UPDATE, Agreement, Difference, Training, part_of_update, relative

QUICK = ("lenet", "cifar10_quick", "cifar10_full", "mnist_autoencoder", "mnist_siamese", "resnet20", "squeezenet")

# Stock Caffe comes no nearer to itself: a rounding decides on the gradients of ResNet-20's rectifiers (conformance.trials), and is
# all that there is of the gradient of the siamese net's ip2's bias, to which the halves of a pair contribute opposite numbers.
DECIDED_BY_ROUNDING = ("resnet20", "mnist_siamese")


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Training]:
    """A net's training in stock Caffe, run once."""
    made: dict[str, Training] = {}

    def of(name: str) -> Training:
        if name not in made:
            made[name] = trained(trials.prepare(name), tmp_path_factory.mktemp(name))
        return made[name]

    return of


def trained(prepared: trials.Prepared, folder: Path) -> Training:
    return Training(prepared.name, prepared.net, prepared.solver, prepared.inputs(), folder, prepared.trial.seed)


@pytest.mark.parametrize("name", QUICK)
def test_three_steps_on_the_device_are_stock_caffe_s(training: Callable[[str], Training], name: str, device: str) -> None:
    agreement = training(name).agreement(device)
    assert agreement.passed, agreement
    assert agreement.difference.update < inf
    if name not in DECIDED_BY_ROUNDING:
        assert agreement.itself is None


# Of what a wrong layer, update or mask would do, the least that three steps of LeNet must show.
@pytest.mark.parametrize("field", ["base_lr", "momentum"])
def test_a_training_that_differs_by_a_hundredth_is_seen(training: Callable[[str], Training], field: str, tmp_path: Path) -> None:
    other = trials.prepare("lenet")
    setattr(other.solver, field, getattr(other.solver, field) * 1.01)
    difference = training("lenet").difference(trained(other, tmp_path).stock)
    assert difference.update > 2 * UPDATE
    assert difference.loss > LOSS


def test_stock_caffe_agrees_with_itself_after_a_jitter(training: Callable[[str], Training]) -> None:
    itself = training("lenet").itself()
    assert 0 < itself.update < UPDATE / 10
    assert itself.loss < LOSS / 10


@pytest.mark.parametrize(
    ("after", "found", "expected"),
    [
        ([3.0, 1.0], [3.0, 1.0], 0.0),
        ([3.0, 1.0], [3.25, 1.0], 0.125),
        ([-1.0, 1.0], [-1.0, 5.0], 2.0),
        ([1.0, 1.0], [1.0, 1.0], 0.0),  # nothing was learned
        ([1.0, 1.0], [1.5, 1.0], inf),  # where nothing should be
        ([2.0, 1.0], [np.nan, 1.0], inf),
        ([np.inf, 1.0], [np.inf, 1.0], inf),
    ],
)
def test_a_difference_is_a_part_of_the_largest_update(after: list[float], found: list[float], expected: float) -> None:
    before, ours, theirs = (np.array(values, np.float32) for values in ([1.0, 1.0], after, found))
    assert part_of_update(before, ours, before, theirs, 1) == pytest.approx(expected, rel=1e-6)


def test_a_unit_in_the_last_place_a_step_is_no_difference() -> None:
    before, after = np.array([1], np.float32), np.array([1.001], np.float32)
    found = after + 3 * np.spacing(after)
    assert part_of_update(before, after, before, found, 3) == 0
    assert part_of_update(before, after, before, found, 2) > 1e-5


def test_losses_are_compared_by_their_size() -> None:
    pairs = [(2.0, 2.0), (2.0, 2.5), (-4.0, -3.0), (0.0, 0.0), (0.0, 1e-9), (np.nan, np.nan), (1.0, np.nan)]
    assert [relative(*pair) for pair in pairs] == [0, 0.25, 0.25, 0, inf, inf, inf]


# --- trials --------------------------------------------------------------------------------------------------------------------


def test_every_example_has_its_trial() -> None:
    assert set(trials.TRIALS) == set(nets.NETS)
    assert all(trial.batch > 1 for trial in trials.TRIALS.values())


@pytest.mark.parametrize("name", nets.NETS)
def test_data_is_plausible_and_the_same_each_time(name: str) -> None:
    prepared = trials.prepare(name)
    steps = prepared.inputs()
    assert len(steps) == trials.STEPS
    for step, again in zip(steps, prepared.inputs(), strict=True):
        assert {blob: array.shape for blob, array in step.items()} == prepared.shapes
        for blob, array in step.items():
            assert np.array_equal(array, again[blob])
            if blob in ("label", "sim"):
                assert set(np.unique(array)) <= {*range(prepared.trial.classes), 255}
            else:
                assert array.std() > 0.1 * (array.max() - array.min())
    first, second = (next(iter(step.values())) for step in steps[:2])
    assert not np.array_equal(first, second)


def test_a_map_of_labels_has_pixels_of_no_class() -> None:
    labels = trials.prepare("fcn8s").inputs()[0]["label"]
    assert (labels == 255).any()
    assert (labels < 21).any()


# --- the command ---------------------------------------------------------------------------------------------------------------


def command(*arguments: str) -> Result:
    return run([sys.executable, "-m", "conformance.nets", *arguments])


def test_the_command_tries_a_net(tmp_path: Path) -> None:
    result = command("lenet", "--device", "pocl", "--json", str(tmp_path / "result.json"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("every layer and every training agrees with stock Caffe's\n")
    [row] = [line for line in result.stdout.splitlines() if line.startswith("lenet  ") and line.rstrip().endswith("ok")]
    assert row.split()[1] == "16"
    assert (tmp_path / "result.json").is_file()


def test_a_net_that_is_none_is_a_usage_error() -> None:
    result = command("lenett")
    assert result.returncode == 2
    assert "net lenett: there is lenet, " in result.stderr


def result_of(error: float, update: float) -> tried.Result:
    layer = LayerResult("conv1", "FPGAConvolution", ((1,),), (Comparison("random", "dst", error, 1e-6, (0,)),), 0.1)
    agreement = Agreement("device", Difference(1e-7, update, "conv1 0"), Difference(1e-7, 1e-4, "ip1 0"), 1.0, 1.0)
    return tried.Result("net", 2, Report("net", "device", "bitstream", (layer,), (), ()), 1.0, agreement)


def test_what_differs_is_a_complaint() -> None:
    assert list(result_of(1e-7, 1e-5).complaints()) == []
    assert list(result_of(1e-5, 1e-5).complaints()) == ["layer conv1: dst of random data is off by 1.0e-05, 1.0e-06 is allowed"]
    [said] = result_of(1e-7, 1e-2).complaints()
    assert said.endswith("conv1 0 by 1.0e-02 of its update, 1.0e-03 is allowed")
    assert not result_of(1e-7, 1e-2).passed


def test_more_is_allowed_only_where_stock_caffe_differs_from_itself() -> None:
    agreement = result_of(1e-7, 1e-2).agreement
    assert agreement.allowed == (LOSS, UPDATE)
    chaotic = dataclasses.replace(agreement, itself=Difference(1e-7, 0.04, "ip1 0"))
    assert chaotic.passed
    assert not dataclasses.replace(chaotic, difference=Difference(2 * LOSS, 1e-5, "ip1 0")).passed
