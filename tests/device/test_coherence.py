"""Coherent memory: whatever a script does to a net, it sees what it would see with stock Caffe.

Hypothesis draws sequences of forward, backward, update, reads, writes, reshapes, snapshots and the like. The same sequence goes to
a stock Caffe and to one whose layers run on the device, each in a process of its own (in one they would share the memory under
test), and every value that comes back must be the same float: data are small integers, so that no order of a sum can differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import coherence_actor
import numpy as np
import pytest
from coherence_actor import BLOBS, LAYERS, PARAMETERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processes import Remote

Command = tuple[Any, ...]


@pytest.fixture(scope="module")
def stock() -> Iterator[Remote]:
    remote = Remote(coherence_actor.serve, None, False)
    yield remote
    remote.close()


@pytest.fixture(scope="module")
def on_device(device: str) -> Iterator[Remote]:
    remote = Remote(coherence_actor.serve, device, False)
    yield remote
    remote.close()


@pytest.fixture(scope="module")
def copying(device: str) -> Iterator[Remote]:
    """Loaded too late to replace libcaffe's memory: layers copy always."""
    remote = Remote(coherence_actor.serve, device, True)
    yield remote
    remote.close()


def commands() -> st.SearchStrategy[Command]:
    seeds = st.integers(0, 1000)
    nets = st.sampled_from(["train", "test"])
    parts = st.sampled_from(["data", "diff"])
    blobs = st.sampled_from(BLOBS)
    parameters = st.sampled_from(PARAMETERS)
    spans = st.tuples(st.integers(0, len(LAYERS) - 1), st.integers(0, len(LAYERS) - 1)).map(sorted)

    def call(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
        return st.tuples(st.just(name), *arguments)

    work = st.one_of(
        call("forward", nets, st.none(), st.none()),
        call("forward", nets, st.none(), st.sampled_from(LAYERS)),
        st.tuples(nets, spans).map(lambda drawn: ("forward", drawn[0], LAYERS[drawn[1][0]], LAYERS[drawn[1][1]])),
        call("backward", st.none(), st.none()),
        spans.map(lambda span: ("backward", LAYERS[span[1]], LAYERS[span[0]])),
        call("step", st.integers(1, 2)),
        call("update"),
        call("clear"),
    )
    access = st.one_of(
        call("read_blob", nets, blobs, parts),
        call("write_blob", nets, blobs, parts, seeds),
        call("poke_blob", nets, blobs, parts, st.integers(-2, 2)),
        parameters.flatmap(lambda p: call("read_parameter", nets, st.just(p[0]), st.just(p[1]), parts)),
        parameters.flatmap(lambda p: call("write_parameter", nets, st.just(p[0]), st.just(p[1]), parts, seeds)),
        parameters.map(lambda p: ("accumulate", *p)),
        call("fold"),
    )
    rare = st.one_of(
        call("reshape", nets, st.sampled_from([1, 2, 4])),
        call("snapshot"),
        call("restore"),
        call("save"),
        call("copy_from"),
        call("everything"),
    )
    return st.one_of(work, work, access, access, rare)


def assert_same(command: Command, expected: Any, found: Any) -> None:
    if isinstance(expected, list):
        assert len(expected) == len(found)
        for one, other in zip(expected, found, strict=True):
            assert_same(command, one, other)
    elif expected is not None:
        np.testing.assert_array_equal(found, expected, err_msg=f"after {command}")


def run(sequence: list[Command], stock: Remote, other: Remote) -> int:
    """Gives both the same commands for as long as stock Caffe's values stay exact; how many those were."""
    for remote in (stock, other):
        remote.ask("begin")
        remote.ask("forward", "train", None, None)
        remote.ask("forward", "test", None, None)
    for done, command in enumerate(sequence):
        expected = stock.ask(*command)
        if not stock.ask("exact"):
            return done
        assert_same(command, expected, other.ask(*command))
    assert_same(("everything",), stock.ask("everything"), other.ask("everything"))
    return len(sequence)


def settings_for(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@settings_for(80)
@given(st.lists(commands(), min_size=20, max_size=60))
def test_any_sequence_of_commands_gives_stock_caffes_values(stock: Remote, on_device: Remote, sequence: list[Command]) -> None:
    run(sequence, stock, on_device)


@settings_for(15)
@given(st.lists(commands(), min_size=20, max_size=60))
def test_the_same_without_the_hook(stock: Remote, copying: Remote, sequence: list[Command]) -> None:
    run(sequence, stock, copying)


def test_a_training_loop_stays_exact_long_enough_to_prove_something(stock: Remote, on_device: Remote) -> None:
    """The drawn sequences end where values grow too large; this one does not."""
    loop: list[Command] = []
    for seed in range(6):
        loop += [
            ("write_blob", "train", "data", "data", seed),
            ("write_blob", "train", "label", "data", seed + 50),
            ("clear",),
            ("forward", "train", None, None),
            ("backward", None, None),
            ("read_parameter", "train", "conv1", 0, "diff"),
            ("backward", None, None),  # accumulates, as iter_size does
            ("read_parameter", "train", "conv1", 0, "diff"),
            ("update",),
            ("fold",),
            ("forward", "test", None, None),
            ("read_blob", "test", "ip3", "data"),
            ("snapshot",),
        ]
    assert run(loop, stock, on_device) == len(loop)
