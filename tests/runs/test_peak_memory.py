"""The most memory that a process has in training, beside stock Caffe's: the emulator adds little to what a net takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from barista.bitstream import build as bitstreams
from barista.profile.runner import STOCK, caffe_runner
from benchmarks.suite import CONTESTS, task_of

# Of small nets the most is Intel's runtime: LeNet has 1.24 times what stock Caffe has, CIFAR-10 quick 1.20.
MOST = 1.3


@pytest.mark.parametrize("net", ["lenet", "cifar10_quick"])
def test_the_emulator_s_process_has_little_more_than_stock_caffe_s(net: str, tmp_path: Path) -> None:
    [entry] = [entry for entry in CONTESTS if entry.net == net]
    task = task_of(entry, tmp_path)
    peaks = {}
    for place in (None, bitstreams.resolve("emulator")):
        with caffe_runner(task, place, threads=2) as runner:
            runner.ready()
            runner.run(5)
            peaks[runner.name] = runner.peak_bytes()
    assert peaks["emulator"] <= MOST * peaks[STOCK]
