"""Caffe's own tests against the layers: the quick part on each device, and that the harness can't pass what did not happen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream
from barista.layers.layer_type import SuiteException
from barista.opencl.devices import Device
from conformance import table
from conformance.programs import Calls, Programs, Result
from conformance.verdict import judge

SUITE, TEST = "relu_layer", "ReLULayerTest/0.TestForward"
ON_DEVICE = {"ReLU": Calls(made=1, forward=2, forward_on_device=2, backward=1, backward_on_device=1)}
ON_STOCK = {"ReLU": Calls(made=1, forward=2, stock=2)}


@pytest.fixture(scope="module")
def programs() -> Programs:
    assert paths.caffe_installation().source_dir is not None, "the Caffe in use has no source tree; test with one that has"
    built = Programs()
    built.build(table.QUICK, jobs=2)
    return built


@pytest.mark.timeout(600)  # the first compiles
@pytest.mark.parametrize("suite", table.QUICK)
def test_quick_suite_passes_on_device(suite: str, programs: Programs, bitstream: Bitstream, opencl_device: Device) -> None:
    variables = {**os.environ, **bitstreams.environment(bitstream, opencl_device)}
    results = programs.run(suite, programs.tests(suite), variables)
    verdict = judge(results, table.layers(), table.exceptions(), whole=False)
    assert verdict.complaints == []
    assert verdict.total.passed == len(results) > 0
    assert verdict.total.calls.stock == 0


def test_without_a_device_every_test_fails_with_what_caffe_said(programs: Programs, tmp_path: Path) -> None:
    tests = programs.tests("inner_product_layer")[:2]
    results = programs.run("inner_product_layer", tests, {"BARISTA_BITSTREAM": str(tmp_path / "none.aocx")})
    assert [result.test for result in results] == tests
    assert [result.outcome for result in results] == ["failure", "failure"]
    assert "none.aocx" in "".join(results[0].failures)


def test_quick_part_is_of_the_table() -> None:
    assert set(table.QUICK) <= set(table.suites())


def test_every_exception_has_its_reason() -> None:
    for entry in table.exceptions():
        assert entry.suite in table.suites()
        assert entry.outcome in ("stock code", "failure")
        assert entry.why


def complaints(*results: Result, known: tuple[SuiteException, ...] = (), whole: bool = True) -> list[str]:
    return judge(results, {"ReLU": [SUITE]}, known, whole).complaints


def test_a_pass_on_the_device_is_right() -> None:
    assert complaints(Result(SUITE, TEST, True, 0.1, layers=ON_DEVICE)) == []


def test_a_pass_on_stock_code_is_not() -> None:
    (said, missing) = complaints(Result(SUITE, TEST, True, 0.1, layers=ON_STOCK))
    assert said == f"{SUITE}: {TEST}: it passes, but stock Caffe's code ran: ReLU"
    assert missing == f"{SUITE}: no call of FPGAReLU ran on the device"


def test_a_suite_that_never_met_the_layer_is_not() -> None:
    assert complaints(Result(SUITE, TEST, True, 0.1)) == [f"{SUITE}: no call of FPGAReLU ran on the device"]


def test_a_failure_is_told_in_the_test_s_words() -> None:
    (said,) = complaints(Result(SUITE, TEST, False, 0.1, ["expected 1, got 2"], ON_DEVICE))
    assert said == f"{SUITE}: {TEST}: expected 1, got 2"


@pytest.mark.parametrize(("layers", "outcome"), [(ON_STOCK, "stock code"), (ON_DEVICE, "passed")])
def test_a_listed_test_must_do_what_the_list_says(layers: dict[str, Calls], outcome: str) -> None:
    known = SuiteException(SUITE, "*.TestForward", "stock code", "for a reason")
    other = Result(SUITE, "ReLULayerTest/0.TestBackward", True, 0.1, layers=ON_DEVICE)
    said = complaints(other, Result(SUITE, TEST, True, 0.1, layers=layers), known=(known,))
    wrong = [f"{SUITE}: {TEST}: is listed for stock code, but the outcome is {outcome}"]
    assert said == ([] if outcome == "stock code" else wrong)


def test_a_listed_test_that_is_gone_is_said() -> None:
    known = SuiteException(SUITE, "*.TestGone", "failure", "for a reason")
    result = Result(SUITE, TEST, True, 0.1, layers=ON_DEVICE)
    assert complaints(result, known=(known,)) == [f"{SUITE}: *.TestGone: is listed, but there is no such test"]
    assert complaints(result, known=(known,), whole=False) == []
