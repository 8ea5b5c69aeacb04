"""`barista profile`: what the trace and the picture show of steps, and that viewers can open it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from processes import barista, sentence
from test_time import CONV_BYTES, DATA_BYTES, INPUTS, LABEL_BYTES, NET, write

from barista.layers import types
from barista.layers.layer_type import Family
from barista.profile import timeline_plot
from barista.profile.records import UPDATE
from barista.profile.timeline import HOST, WAITING, Bar, Timeline

LAYERS = ("pictures", "conv", "foreign", "pool", "ip", "loss")


def profiled(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    output = folder / "trace.json"
    result = barista("profile", write(folder, NET % INPUTS), "-o", output, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == f"wrote {output} and {folder / 'trace.png'}"
    assert (folder / "trace.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    trace: dict[str, Any] = json.loads(output.read_text())
    return trace


def test_a_trace_has_every_pass_kernel_and_copy(device: str, tmp_path: Path) -> None:
    trace = profiled(tmp_path, "--device", device, "--from", "2", "--steps", "3")
    complete = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    threads = {
        event["tid"]: event["args"]["name"]
        for event in trace["traceEvents"]
        if (event["ph"], event["name"]) == ("M", "thread_name")
    }
    on = {name: [event for event in complete if threads[event["tid"]] == name] for name in threads.values()}
    assert list(on) == ["Caffe", "compute unit 0", "compute unit 1", "uploads", "downloads"]

    host = Counter(event["name"] for event in on["Caffe"])
    assert host == {
        **{f"{layer} {phase}": 3 for layer in LAYERS for phase in ("forward", "backward")},
        **{f"step {number}": 1 for number in (2, 3, 4)},
        UPDATE: 2 * 3,  # gradients are cleared, parameters moved
        f"foreign {WAITING}": 2 * 3,
        f"loss {WAITING}": 3,
    }
    copies = Counter(
        (event["name"], event["args"]["phase"], event["args"]["bytes"])
        for event in on["uploads"] + on["downloads"]
        if "bytes" in event["args"]
    )
    assert copies == {
        ("conv upload", "forward", DATA_BYTES): 3,
        ("pool upload", "forward", CONV_BYTES): 3,
        ("loss upload", "forward", LABEL_BYTES): 3,
        ("conv upload", "backward", CONV_BYTES): 3,
        ("foreign download", "forward", CONV_BYTES): 3,
        ("foreign download", "backward", CONV_BYTES): 3,
        ("loss download", "forward", 4): 3,
    }
    kernels = {event["name"] for event in on["compute unit 0"]}
    assert {"conv multiply", "ip multiply", "pool pooling_backward", "update solver_update"} <= kernels
    assert {event["args"]["step"] for event in on["compute unit 0"]} == {2, 3, 4}


def test_viewers_can_open_it(device: str, tmp_path: Path) -> None:
    """Chrome wants numbers for times, Perfetto threads that are unique, and a thread's events apart or inside one another."""
    trace = profiled(tmp_path, "--device", device)
    assert trace["displayTimeUnit"] in ("ms", "ns")
    events = trace["traceEvents"]
    assert {event["ph"] for event in events} == {"M", "X"}
    place: dict[int, int] = {}
    for event in events:
        assert {"name", "pid", "tid", "args"} <= event.keys()
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
            assert place.setdefault(event["tid"], event["pid"]) == event["pid"], "a thread of two processes"
    for thread in place:
        open_until: list[int] = []
        on_thread = [event for event in events if event["ph"] == "X" and event["tid"] == thread]
        for began, length in sorted((round(event["ts"] * 1e3), -round(event["dur"] * 1e3)) for event in on_thread):
            while open_until and open_until[-1] <= began:
                open_until.pop()
            assert not open_until or began - length <= open_until[-1], (thread, began)
            open_until.append(began - length)


def test_where_it_can_t_be_written_is_one_sentence(tmp_path: Path) -> None:
    net = write(tmp_path, NET % INPUTS)
    assert "its picture beside it is called .png" in sentence(barista("profile", net, "-o", tmp_path / "x.png"))
    assert "cannot be written" in sentence(barista("profile", net, "-o", tmp_path / "nowhere" / "x.json"))


def test_every_type_that_the_device_runs_has_a_colour() -> None:
    assert {row.family for row in types.of_device()} <= set(timeline_plot.COLOURS) - {"other"}
    assert set(get_args(Family)) | {UPDATE} == set(timeline_plot.COLOURS)


def bar(row: int, began: int, ended: int, name: str = "kernel", layer: str = "conv", phase: str = "forward") -> Bar:
    return Bar(row, name, layer, "convolution", phase, 0, began, ended)


def of_bars(*bars: Bar) -> Timeline:
    return Timeline("net", "device", ("host", "compute unit 0"), ((0, 0, 1000),), bars, 1000)


def test_the_host_is_not_busy_while_it_waits() -> None:
    found = of_bars(bar(HOST, 0, 500, ""), bar(HOST, 100, 300, WAITING), bar(1, 0, 700))
    assert (found.busy(HOST), found.busy(1)) == (300, 700)


def test_names_stand_on_what_one_pass_fills() -> None:
    close, far = 1000 // timeline_plot._SMALLEST_GAP, 20
    found = of_bars(
        bar(1, 500, 600),
        bar(1, 0, 100),
        bar(1, 100 + close, 200, "another"),
        bar(1, 200 + far, 300),
        bar(1, 300, 400, phase="backward"),
        bar(1, 400, 500, layer="pool", phase="backward"),
    )
    assert [(layer, began, ended) for layer, began, ended, _ in timeline_plot._stretches(found, 1)] == [
        ("conv", 0, 200),
        ("conv", 200 + far, 300),
        ("conv", 300, 400),
        ("pool", 400, 500),
        ("conv", 500, 600),
    ]


@pytest.mark.parametrize("family", timeline_plot.COLOURS)
def test_forward_is_lighter_than_backward(family: str) -> None:
    light, dark = (sum(bytes.fromhex(timeline_plot._colour(family, backward)[1:])) for backward in (False, True))
    assert light > dark or family == UPDATE
