"""Layers that were meant for the device and run in stock Caffe: each is said, and the run no longer claims the device for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from trainings import Recorder

from barista.train import run as train

STOCK = [[f"conv{number}", "FPGAConvolution", "no tile of it fits the on-chip memory"] for number in range(1, 5)]


def started(stock: list[list[str]], *, on_device: bool = True) -> tuple[str, list[str]]:
    """What a run calls its device once the worker has started, and what was noted."""
    show = Recorder()
    prepared: Any = SimpleNamespace(name="solver", batches=1, on_device=on_device)
    event = {"event": "started", "net": "lenet", "device": "a board", "batch": 64, "stock_code": stock}
    followed = train._Followed()
    train._take(followed, event, prepared, show)
    return followed.device, show.notes


def test_each_layer_and_its_reason_are_noted() -> None:
    _, notes = started(STOCK[:2])
    assert notes == [f"layer 'conv{n}' runs in stock Caffe: no tile of it fits the on-chip memory" for n in (1, 2)]


@pytest.mark.parametrize(
    ("stock", "expected"),
    [
        ([], "a board"),
        (STOCK[:1], "a board, with 'conv1' in stock Caffe"),
        (STOCK[:3], "a board, with 'conv1', 'conv2', 'conv3' in stock Caffe"),
        (STOCK, "a board, with 4 layers in stock Caffe"),
    ],
)
def test_the_device_is_not_claimed_for_them(stock: list[list[str]], expected: str) -> None:
    assert started(stock)[0] == expected


def test_a_run_without_device_layers_names_none() -> None:
    assert started([], on_device=False)[0] == "the CPU, which all layers were left to"
