"""`barista time`: what is counted of a step, to whom each copy is put down, and what it says of nets, solvers and mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from processes import barista, sentence

from barista.bitstream import build as bitstreams
from barista.bitstream.recipe import VECTOR
from barista.layers import types
from barista.net import prototxt, schema
from barista.net.shapes import MadeLayer, Shapes
from barista.plan.costs import ArrayPlan
from barista.profile import layer_times, report, session, step, transfers
from barista.profile.records import Recorded, Span, StepTime
from barista.profile.transfers import Cause
from barista.rewrite.placement import Decision, Place
from barista.runtime.records import Command

# `foreign` stays on the CPU in the middle of the net: its options are not a device layer's. Sizes in bytes tell blobs apart.
NET = """
name: "mixed"
layer { name: "tests" type: "Data" top: "data" top: "label" include { phase: TEST } data_param { source: "nowhere" batch_size: 1 } }
layer { name: "pictures" type: "%s" top: "data" top: "label" %s }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "foreign" type: "TanH" bottom: "conv" top: "tanh" python_param { param_str: "mine" } }
layer { name: "pool" type: "Pooling" bottom: "tanh" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "right" type: "Accuracy" bottom: "ip" bottom: "label" top: "right" include { phase: TEST } }
"""
INPUTS = ("Input", "input_param { shape { dim: 5 dim: 2 dim: 8 dim: 8 } shape { dim: 5 } }")
DATA_BYTES, LABEL_BYTES, CONV_BYTES = 4 * 5 * 2 * 8 * 8, 4 * 5, 4 * 5 * 6 * 6 * 6
CONV_PRODUCTS = 5 * 6 * 6 * 6 * 2 * 9
IP_PRODUCTS = 5 * 4 * 6 * 3 * 3


def write(folder: Path, text: str, name: str = "net.prototxt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def timed(path: Path, *arguments: str | Path) -> dict[str, Any]:
    result = barista("time", path, "--json", "--iterations", "2", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def rows(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["layer"], row["phase"]): row for row in report["rows"]}


def copies(report: dict[str, Any]) -> set[tuple[Any, ...]]:
    fields = ("layer", "phase", "direction", "blob", "bytes", "count", "who")
    return {tuple(copy[field] for field in fields) for copy in report["copies"]}


def test_a_net_with_a_layer_on_the_cpu(device: str, tmp_path: Path) -> None:
    report = timed(write(tmp_path, NET % INPUTS), "--device", device)
    found = rows(report)
    assert {(row["layer"], row["place"]) for row in report["rows"]} >= {("conv", "device"), ("foreign", "CPU"), ("loss", "device")}
    assert ("right", "forward") not in found, "a layer of tests alone"

    assert copies(report) == {
        ("conv", "forward", "upload", "data", DATA_BYTES, 1, "pictures"),
        ("foreign", "forward", "download", "", CONV_BYTES, 1, "foreign"),
        ("pool", "forward", "upload", "tanh", CONV_BYTES, 1, "foreign"),
        ("loss", "forward", "upload", "label", LABEL_BYTES, 1, "pictures"),
        ("loss", "forward", "download", "loss", 4, 1, "the loss"),
        ("foreign", "backward", "download", "", CONV_BYTES, 1, "foreign"),
        ("conv", "backward", "upload", "conv", CONV_BYTES, 1, "foreign"),
    }
    counters = report["counters"]
    for direction, copied in (("upload", "in"), ("download", "out")):
        assert sum(row[f"{direction}_bytes"] for row in report["rows"]) == counters[f"{direction}_bytes"], copied
    assert sum(row["launches"] for row in report["rows"]) == counters["launches"] > 0
    assert (counters["uploads"], counters["downloads"], counters["buffers_created"]) == (4, 3, 0)

    # The first convolution's input has no gradient; a rate is two operations a product.
    products = {key: row["multiply_adds"] for key, row in found.items() if row["multiply_adds"]}
    assert products == {
        ("conv", "forward"): CONV_PRODUCTS,
        ("conv", "backward"): CONV_PRODUCTS,
        ("ip", "forward"): IP_PRODUCTS,
        ("ip", "backward"): 2 * IP_PRODUCTS,
    }
    conv = found["conv", "forward"]
    assert conv["gflops"] == pytest.approx(2 * CONV_PRODUCTS / conv["device_ms"] / 1e6)

    assert found["foreign", "forward"]["device_ms"] == found["foreign", "forward"]["launches"] == 0
    assert 0 < report["device_ms"] < report["step"]["ms"]
    assert all(row["stock_ms"] > 0 for row in report["rows"])
    assert sum(row["stock_ms"] for row in report["rows"]) < report["stock"]["ms"] * 1.5
    assert found["update", "update"]["launches"] >= 1


def test_sentences_name_the_layers_on_the_cpu(tmp_path: Path) -> None:
    result = barista("time", write(tmp_path, NET % INPUTS), "--iterations", "1")
    assert result.returncode == 0, result.stderr
    said = result.stdout.splitlines()
    reason = "python_param: its param_str is not a device layer's"
    size = f"{2 * CONV_BYTES / 1000:.4g} kB"
    assert f"  {size} in and {size} out for foreign on the CPU ({reason})" in said
    assert "  4 B out for the loss, which Caffe adds up" in said
    assert [line.split()[:3] for line in said if line.startswith("foreign")] == [
        ["foreign", "forward", "CPU"],
        ["foreign", "backward", "CPU"],
    ]


def solver(folder: Path, net: str, more: str = "") -> Path:
    write(folder, net)
    return write(
        folder, f'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 display: 1 {more}\n', "solver.prototxt"
    )


def database(folder: Path) -> Path:
    """Twelve pictures of 2 x 8 x 8."""
    path = folder / "pictures_lmdb"
    rng = np.random.default_rng(1)
    with lmdb.open(str(path), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for i in range(12):
            datum = schema.new("Datum")
            datum.channels, datum.height, datum.width, datum.label = 2, 8, 8, i % 4
            datum.data = rng.integers(0, 256, 128, np.uint8).tobytes()
            transaction.put(b"%08d" % i, datum.SerializeToString())
    return path


def data_layer(source: Path) -> tuple[str, str]:
    return "Data", f'data_param {{ source: "{source}" backend: LMDB batch_size: 5 }} transform_param {{ scale: 0.01 }}'


def test_a_solver_with_its_data_reads_it(tmp_path: Path) -> None:
    """Two passes an iteration, each with a batch of its own; tests, snapshots and displays are left out."""
    net = NET % data_layer(database(tmp_path))
    more = 'iter_size: 2 type: "Adam" test_iter: 1 test_interval: 1 snapshot: 1 snapshot_prefix: "nowhere/x"'
    report = timed(solver(tmp_path, net, more))
    assert [note for note in report["notes"] if "random" in note] == []
    found = rows(report)
    assert found["conv", "backward"]["multiply_adds"] == 2 * CONV_PRODUCTS
    # Batches cross ahead of their steps, so that a step may copy those of the next.
    batches = {copy[3:5]: copy[5] for copy in copies(report) if copy[:3] == ("pictures", "forward", "upload")}
    assert set(batches) == {("data", DATA_BYTES), ("label", LABEL_BYTES)}
    assert all(0 < count <= 6 for count in batches.values())
    assert not list(tmp_path.glob("*.caffemodel"))


def test_data_that_is_missing_is_random(tmp_path: Path) -> None:
    net = NET % data_layer(tmp_path / "nowhere_lmdb")
    path = solver(tmp_path, net)
    source = tmp_path / "nowhere_lmdb"
    said = f"layer 'pictures': its data {source} is not here and nothing tells the shape of 'data'; say it with --shape data="
    assert sentence(barista("time", path)).startswith(f"{tmp_path / 'net.prototxt'}: {said}")
    report = timed(path, "--shape", "data=2x8x8")
    assert "random input data: 5x2x8x8, as --shape says" in report["notes"]
    assert report["counters"]["upload_bytes"] == DATA_BYTES + LABEL_BYTES + 2 * CONV_BYTES  # in each step, as data would be


def test_what_neither_can_run_is_one_sentence(tmp_path: Path) -> None:
    net = NET % INPUTS
    assert "no such file" in sentence(barista("time", tmp_path / "nowhere.prototxt"))
    wrong = write(tmp_path, net.replace("kernel_size: 3", "kernel_size: 3 group: 3"), "wrong.prototxt")
    said = sentence(barista("time", wrong))
    assert said.startswith(f"{wrong}: layer 'conv': the check 'channels_ % group_ == 0' failed"), said
    assert "no data layer makes the blob 'x'" in sentence(barista("time", write(tmp_path, net), "--shape", "x=1x2x3"))


def test_only_stock_caffe_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's times are told all the same, and why there are no others."""
    task = session.prepare(write(tmp_path, NET % INPUTS))
    text = type(task).text
    broken = text(task, on_device=False).replace('type: "TanH"', 'type: "Nonsense"')
    monkeypatch.setattr(type(task), "text", lambda self, on_device: text(self, on_device=True) if on_device else broken)
    report = layer_times.measure(tmp_path / "net.prototxt", iterations=1)
    assert report.stock is None
    assert report.ratio is None
    assert {row.stock_ms for row in report.rows} == {None}
    assert [note for note in report.notes if note.startswith(f"stock Caffe does not run it: {tmp_path / 'net.prototxt'}: ")]


# --- counted without a device --------------------------------------------------------------------------------------------------


def command(name: str, queue: int, began: int, ended: int, size: int = 0) -> Command:
    return Command(name, queue, size, began, began, ended)


def test_time_in_which_several_units_work_counts_once() -> None:
    overlapping = [command("a", 0, 10, 20), command("b", 1, 12, 18), command("c", 1, 19, 25), command("d", 0, 40, 41)]
    assert step.covered(overlapping[::-1]) == 15 + 1
    assert step.covered([]) == 0


def test_what_lies_outside_the_passes_is_the_update(tmp_path: Path) -> None:
    """And a device with a clock has a peak."""
    task = session.prepare(write(tmp_path, NET % INPUTS))
    on_device = tuple(replace(decision, place=Place.DEVICE) for decision in task.decisions)
    task = replace(task, placed=replace(task.placed, decisions=on_device))
    made = [
        MadeLayer(layer.name, i, ("x",), ("y",), Shapes(((5, 2, 8, 8),), ((5, 6, 6, 6),), ((6, 2, 3, 3), (6,))))
        for i, layer in enumerate(task.net.layer)
    ]
    ran = [
        command("zero", 2, 0, 1_000_000),
        command("multiply_0", 0, 2_000_000, 5_000_000),
        command("multiply_1", 1, 3_000_000, 6_000_000),
        command("solver_update_0", 0, 7_000_000, 9_500_000),
        command("upload", 2, 9_500_000, 9_600_000, 24),
    ]
    spans = (Span(0, 1, False, 1_000_000, 1_500_000, 1, 3), Span(0, 1, True, 1_600_000, 1_700_000, 3, 3))
    recorded = Recorded((StepTime(100_000, 2_000_000, 0, 5),), spans, tuple(ran), 10_000_000, {"launches": 3})
    built, _ = bitstreams.resolve("emulator")
    board = replace(built, manifest={**built.manifest, "clock_mhz": 200.0})
    plans = {1: [ArrayPlan("forward", 10, 0.5), ArrayPlan("weights", 30, 0.2), ArrayPlan("data", 10, 0.9)]}
    said = report.of(task, made, plans, board, "a board", [recorded], [recorded], [])
    found = {(row.layer, row.phase): row for row in said.rows}

    update = found["update", "update"]
    assert (update.device_ms, update.host_ms, update.launches, update.upload_bytes) == (3.5, 1.2, 1, 24)
    assert [(copy.who, copy.bytes) for copy in said.copies] == [("the solver", 24)]
    conv = found["conv", "forward"]
    assert (conv.device_ms, conv.host_ms, conv.stock_ms, conv.launches) == (4.0, 0.5, 0.5, 2)
    recipe = board.recipe
    a_second = recipe.compute_units * recipe.pe_rows * recipe.pe_columns * recipe.pe_depth * 200e6
    assert conv.share_of_peak == pytest.approx(CONV_PRODUCTS / 4e-3 / a_second)
    assert (said.step.ms, said.device_ms) == (9.9, 1 + 4 + 2.5)
    assert conv.pe_utilization == 0.5
    assert {row.pe_utilization for row in said.rows if row.layer != "conv"} == {None}


# --- how full the array is ------------------------------------------------------------------------------------------------------

# Its 20 channels lie in 24 lanes of the array, its 50 outputs in 64 columns.
GRID_NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 16 dim: 20 dim: 32 dim: 32 } } }
layer { name: "mix" type: "Convolution" bottom: "x" top: "mix" convolution_param { num_output: 50 kernel_size: 1 } }
layer { name: "depthwise" type: "Convolution" bottom: "mix" top: "apart"
  convolution_param { num_output: 50 group: 50 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "apart" top: "apart" }
layer { name: "ip" type: "InnerProduct" bottom: "apart" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "foreign" type: "InnerProduct" bottom: "ip" top: "out" loss_weight: 1 inner_product_param { num_output: 3 }
  python_param { param_str: "mine" } }
"""


def test_the_column_of_the_grid_is_what_products_fill(tmp_path: Path) -> None:
    path = write(tmp_path, GRID_NET)
    found = rows(timed(path))
    recipe = bitstreams.resolve("emulator")[0].recipe
    lanes, columns, pixels, images = 24, 64, 32 * 32, 16 // recipe.compute_units
    assert (lanes - recipe.pe_depth, columns - recipe.pe_columns) < (20, 50), "no fewer would do"
    load = 20 * images * pixels / recipe.load_words
    steps = lanes / recipe.pe_depth * columns / recipe.pe_columns * images / recipe.pe_rows * pixels
    store = images * pixels * columns / VECTOR
    beside = max(load, steps)
    least = beside + store + lanes * columns / VECTOR  # of these the last loads the weights
    a_cycle = recipe.compute_units * recipe.pe_rows * recipe.pe_columns * recipe.pe_depth
    # Before the first tile there is a load that no step hides, and each tile takes what loops take to fill and to drain.
    products = 16 * 20 * 50 * pixels / a_cycle
    assert products / (least + beside) < found["mix", "forward"]["pe_utilization"] < products / least
    assert 0 < found["mix", "backward"]["pe_utilization"] < 1
    assert 0 < found["ip", "backward"]["pe_utilization"] < 1
    assert {found[key]["pe_utilization"] for key in found if key[0] not in ("mix", "ip")} == {None}

    said = barista("time", path, "--iterations", "1").stdout.splitlines()
    heading = next(line for line in said if line.startswith("layer "))
    row = next(line for line in said if line.split()[:2] == ["mix", "forward"])
    assert row[: heading.index("PE use") + len("PE use")].endswith(f" {found['mix', 'forward']['pe_utilization']:.0%}")


@pytest.mark.parametrize(
    ("kind", "rates", "wants", "forward", "backward"),
    [
        ("Convolution", "", "true", 0.5, (30 * 0.2 + 5 * 0.9 + 5 * 0.5) / 40),
        ("Convolution", "", "false", 0.5, 0.2),
        ("Convolution", "param { lr_mult: 0 }", "true", 0.5, 0.7),
        ("Deconvolution", "", "true", 0.7, (30 * 0.2 + 10 * 0.5) / 40),
        ("Deconvolution", "", "false", 0.7, 0.2),
        ("Convolution", "param { lr_mult: 0 }", "false", 0.5, None),
    ],
)
def test_a_pass_fills_what_its_plans_fill_in_their_cycles(
    kind: str, rates: str, wants: str, forward: float, backward: float | None, tmp_path: Path
) -> None:
    window = f"propagate_down: {wants} convolution_param {{ num_output: 6 kernel_size: 3 }}"
    layer = f'layer {{ name: "c" type: "{kind}" bottom: "x" top: "c" loss_weight: 1 {rates} {window} }}'
    inputs = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 5 dim: 6 dim: 8 dim: 8 } } }'
    task = session.prepare(write(tmp_path, f"{inputs}\n{layer}"))
    shapes = ((5, 6, 8, 8),), ((5, 6, 6, 6),), ((6, 6, 3, 3), (6,))
    made = [MadeLayer("in", 0, (), ("x",), Shapes((), shapes[0])), MadeLayer("c", 1, ("x",), ("c",), Shapes(*shapes))]
    plans = {
        1: [
            ArrayPlan("forward", 10, 0.5),
            ArrayPlan("weights", 30, 0.2),
            ArrayPlan("data phase 0,0", 5, 0.9),
            ArrayPlan("data phase 0,1", 5, 0.5),
        ]
    }
    passes = (Span(0, 1, False, 0, 10**6, 0, 0), Span(0, 1, True, 10**6, 2 * 10**6, 0, 0))
    recorded = Recorded((StepTime(0, 3 * 10**6, 0, 0),), passes, (), 3 * 10**6, {})
    built, _ = bitstreams.resolve("emulator")
    said = report.of(task, made, plans, built, "a board", [recorded], [], [])
    found = {row.phase: row.pe_utilization for row in said.rows if row.layer == "c"}
    assert found == {"forward": pytest.approx(forward), "backward": backward and pytest.approx(backward)}


def test_shapes_of_layers_as_the_planner_takes_them() -> None:
    def shape(text: str, src: tuple[int, ...], dst: tuple[int, ...], weights: tuple[int, ...]) -> Mapping[str, Any] | None:
        layer = prototxt.parse(f"layer {{ {text} }}", prototxt.Kind.NET, "net").layer[0]
        return types.of(layer.type).operation(layer, Shapes((src,), (dst,), (weights,)))

    strided = "stride_h: 2 stride_w: 3 pad: 1 dilation: 2 dilation: 1 group: 2"
    convolution = shape(
        f'type: "Convolution" convolution_param {{ num_output: 6 kernel_h: 3 kernel_w: 5 {strided} }}',
        (7, 4, 20, 30), (7, 6, 9, 10), (6, 2, 3, 5),
    )  # fmt: skip
    assert convolution == {
        "op": "convolution", "N": 7, "C": 4, "O": 6, "G": 2, "H": 20, "W": 30, "KH": 3, "KW": 5,
        "SH": 2, "SW": 3, "PH": 1, "PW": 1, "DH": 2, "DW": 1, "bias": True,
    }  # fmt: skip
    transposed = shape(
        'type: "Deconvolution" convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 }',
        (7, 3, 5, 5), (7, 6, 10, 10), (3, 6, 4, 4),
    )  # fmt: skip
    assert transposed is not None
    assert {key: transposed[key] for key in ("N", "C", "O", "H", "W")} == {"N": 7, "C": 6, "O": 3, "H": 10, "W": 10}
    line = shape(
        'type: "Convolution" convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 2 }', (2, 4, 9), (2, 6, 5), (6, 4, 3)
    )
    assert line is not None
    assert [line[key] for key in ("H", "KH", "SH", "PH", "W", "KW", "SW", "PW")] == [1, 1, 1, 0, 9, 3, 2, 1]
    solid = 'type: "Convolution" convolution_param { num_output: 6 kernel_size: 3 }'
    assert shape(solid, (2, 4, 9, 9, 9), (2, 6, 7, 7, 7), (6, 4, 3, 3, 3)) is None
    product = shape('type: "InnerProduct" inner_product_param { num_output: 5 transpose: true }', (2, 3, 4), (2, 5), (12, 5))
    assert product == {"op": "inner product", "N": 2, "K": 12, "O": 5, "transpose": True, "bias": True}
    assert shape('type: "ReLU"', (2,), (2,), ()) == {"op": "elementwise", "function": "relu", "count": 2}


# --- causes ---------------------------------------------------------------------------------------------------------------------


class Graph:
    """A net of layers over blobs of given sizes, all on the device until said otherwise."""

    def __init__(self, **sizes: int) -> None:
        self.sizes = sizes
        self.layers: list[MadeLayer] = []
        self.decisions: list[Decision] = []

    def add(self, name: str, bottoms: str, tops: str, place: Place = Place.DEVICE, kind: str = "") -> None:
        src, dst = (tuple((self.sizes[blob],) for blob in blobs.split()) for blobs in (bottoms, tops))
        losses = tuple(tops.split()) if kind == "loss" else ()
        self.layers.append(MadeLayer(name, len(self.layers), tuple(bottoms.split()), tuple(tops.split()), Shapes(src, dst), losses))
        self.decisions.append(Decision(name, kind, place, "stays" if place is Place.CPU else ""))

    def causes(self, layer: str, *sizes: int, backward: bool = False, way: str = "upload") -> list[tuple[str, str]]:
        """Blob and culprit of copies of so many values."""
        number = [made.name for made in self.layers].index(layer)
        commands = [command(way, 2, 0, 1, 4 * size) for size in sizes]
        found = transfers.causes(self.layers, self.decisions, number, backward, commands)
        return [(cause.blob, cause.who) for cause in found]


def test_a_split_and_a_view_pass_on_what_they_share() -> None:
    net = Graph(x=8, x1=8, x2=8, flat=8, y=3, z=3)
    net.add("data", "", "x", Place.CPU)
    net.add("x_split", "x", "x1 x2", kind="Split")
    net.add("flatten", "x1", "flat", Place.VIEW)
    net.add("one", "flat", "y")
    net.add("two", "x2", "z")
    assert net.causes("one", 8) == [("flat", "data")]
    assert net.causes("two", 8) == [("x2", "data")]


def test_sizes_tell_blobs_apart_and_each_is_copied_once() -> None:
    net = Graph(a=8, b=8, c=5, y=21)
    for blob in "abc":
        net.add(f"make_{blob}", "", blob, Place.CPU)
    net.add("concat", "a b c", "y")
    assert net.causes("concat", 5, 8, 8) == [("c", "make_c"), ("a", "make_a"), ("b", "make_b")]
    assert net.causes("concat", 6) == [("c", "make_c")]  # memory that is larger than the blob
    assert net.causes("concat", 4) == [("", "the host")]


def test_in_place_the_last_writer_counts() -> None:
    net = Graph(x=8, y=8)
    net.add("data", "", "x", Place.CPU)
    net.add("norm", "x", "x", Place.CPU)
    net.add("relu", "x", "x")
    net.add("next", "x", "y")
    assert net.causes("relu", 8) == [("x", "norm")]
    assert net.causes("next", 8) == [("", "the host")]  # relu wrote it on the device


def test_gradients_come_from_the_next_taker() -> None:
    net = Graph(x=8, y=8, flat=8, z=8)
    net.add("conv", "", "x")
    net.add("reshape", "x", "flat", Place.VIEW)
    net.add("norm", "flat", "y", Place.CPU)
    net.add("after", "y", "z")
    assert net.causes("conv", 8, backward=True) == [("x", "norm")]
    assert net.causes("norm", 8, backward=True, way="download") == [("", "norm")]
    assert net.causes("after", 8, backward=True) == [("y", "norm")]  # its input, where forward did not ask for it


@pytest.mark.parametrize(("place", "culprit"), [(Place.CPU, ("x", "one")), (Place.DEVICE, ("", "the host"))])
def test_a_split_adds_on_the_host_what_is_there(place: Place, culprit: tuple[str, str]) -> None:
    net = Graph(x=8, x1=8, x2=8, y=8, z=8)
    net.add("conv", "", "x")
    net.add("x_split", "x", "x1 x2", kind="Split")
    net.add("one", "x1", "y", Place.CPU)
    net.add("two", "x2", "z", place)
    assert net.causes("conv", 8, backward=True) == [culprit]
    if place is Place.DEVICE:
        assert net.causes("x_split", 8, backward=True) == [("x1", "one")]


def test_a_device_layer_that_copies_out_runs_caffe_s_code_or_is_a_loss() -> None:
    net = Graph(x=8, y=8, l=1)
    net.add("conv", "x", "y")
    net.add("loss", "y", "l", kind="loss")
    assert net.causes("conv", 8, way="download") == [("", "conv")]
    assert net.causes("loss", 1, way="download") == [("l", "the loss")]
    assert transfers.causes(net.layers, net.decisions, 0, False, [command("download", 3, 0, 1, 32)]) == [
        Cause("", "conv", "runs Caffe's own code")
    ]
