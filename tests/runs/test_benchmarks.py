"""The benchmarks: contestants meet on equal terms, and what is written says all that is needed to judge it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small_nets
from processes import run

from barista.errors import BaristaError
from barista.profile import session
from barista.profile.runner import STOCK
from barista.runtime import blas
from benchmarks import batches, contest
from benchmarks import suite as benchmark
from benchmarks.batches import Growth
from benchmarks.contest import Result, Spread

LENET_PARAMETERS = 20 * 25 + 20 + 50 * 20 * 25 + 50 + 500 * 800 + 500 + 10 * 500 + 10


def imitation(folder: Path, parameters: int) -> Path:
    """What stands in for a Python that has PyTorch: it says what a worker says, and has a step take one second."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "task = json.loads(sys.stdin.readline())\n"
        "assert (task['net'], task['batch'], task['threads']) == ('lenet', 64, 2), task\n"
        "assert sys.argv[1].endswith('benchmarks/torch_worker.py'), sys.argv\n"
        f"print(json.dumps({{'parameters': {parameters}, 'versions': {{'PyTorch': 'imitated'}}}}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    task = json.loads(line)\n"
        "    print(json.dumps({'seconds': float(task['steps'])} if task['do'] == 'run' else {'bytes': 5}), flush=True)\n"
    )
    path.chmod(0o755)
    return path


def test_all_that_is_measured_is_written(device: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--net", "lenet", "--net", "product", "--device", device, "--rounds", "2"]
    torch = imitation(tmp_path, LENET_PARAMETERS)
    result = run([*command, "--torch", str(torch), "-o", str(tmp_path / "results")])
    assert result.returncode == 0, result.stderr
    written = json.loads((tmp_path / "results" / "steps.json").read_text())
    assert (tmp_path / "results" / "steps.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    lenet = written["contests"]["lenet"]
    assert list(lenet["seconds"]) == [STOCK, device, "PyTorch"]
    assert {len(times) for times in lenet["seconds"].values()} == {2}
    assert lenet["seconds"]["PyTorch"] == [1, 1]
    assert all(seconds > 0 for name in (STOCK, device) for seconds in lenet["seconds"][name])
    assert lenet["peak_bytes"]["PyTorch"] == 5
    assert lenet["peak_bytes"][device] > lenet["peak_bytes"][STOCK] > 50e6
    core = written["versions"]["OpenBLAS"].rpartition(" ")[2]
    assert f"OpenBLAS's kernels for {core}\n" in result.stdout
    assert f"PyTorch takes {Result(lenet['seconds'], {}, {}).ratio('PyTorch', device).median:.2f} times as long" in result.stdout

    assert list(written["products"]) == ["inner product", "1x1 convolution"]
    for product in written["products"].values():
        seconds = Spread.of(product["seconds"][STOCK]).median
        assert product["gflops"][STOCK] == pytest.approx(2 * 1024**3 / seconds / 1e9)
        assert product["gflops"][device] > 1
    assert {"Caffe", "OpenBLAS", "PyTorch"} < written["versions"].keys()
    assert written["surroundings"].keys() >= {"cpu", "cores", "commit", "when", "load_before", "threads"}


def test_another_net_than_caffe_s_is_no_contestant(tmp_path: Path) -> None:
    torch = imitation(tmp_path, LENET_PARAMETERS + 1)
    command = [sys.executable, "-m", "benchmarks", "--net", "lenet", "--device", "emulator", "--rounds", "1", "-o", str(tmp_path)]
    result = run([*command, "--torch", str(torch)])
    assert result.returncode == 1
    assert result.stderr.strip() == (
        f"benchmark: LeNet: one contestant has {LENET_PARAMETERS:,} parameters, another {LENET_PARAMETERS + 1:,}: not the same net"
    )
    assert not (tmp_path / "steps.json").exists()


def test_a_python_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = run([sys.executable, "-m", "benchmarks", "--torch", str(tmp_path / "python"), "-o", str(tmp_path)])
    assert result.returncode == 1
    assert result.stderr == f"benchmark: --torch {tmp_path / 'python'}: no such file; a Python that has PyTorch is expected\n"


def test_a_solver_by_itself(device: str, tmp_path: Path) -> None:
    solver, _ = small_nets.write(tmp_path, on_device=False)
    command = [sys.executable, "-m", "benchmarks.step", str(solver), "--device", device, "--rounds", "1", "--steps", "1"]
    result = run([*command, "--json", str(tmp_path / "times.json")])
    assert result.returncode == 0, result.stderr
    assert list(json.loads((tmp_path / "times.json").read_text())["seconds"]) == [STOCK, device]
    assert f"{STOCK} takes " in result.stdout


def test_a_straight_line_through_the_ends() -> None:
    """3 ms and 1 ms an image in every round, on a machine that is twice as slow in the second; one batch takes a tenth longer."""
    fast = {batch: 3 + 1.0 * batch for batch in (16, 32, 64)}
    fast[32] *= 1.1
    growth = Growth("emulator", {batch: [taken / 1e3, 2 * taken / 1e3, taken / 1e3] for batch, taken in fast.items()})
    [(batch, off)] = growth.off_line().items()
    assert batch == 32
    assert [off.first_quartile, off.third_quartile] == pytest.approx([0.1, 0.1])
    written = growth.as_json()
    assert written["microseconds_an_image"]["64"] == pytest.approx(67e3 / 64)
    assert written["furthest_off_line"] == {"batch": 32, "share": pytest.approx(0.1)}
    said = batches.report("Net", growth).splitlines()
    assert said[2].split()[:4] == ["32", "38.50", "ms", "(38.50"]
    assert said[-1].strip() == "furthest off a straight line through the ends: +10.0%, at 32"
    below = Growth("emulator", {16: [1.0], 32: [1.5], 64: [3.9], 128: [8.0]})
    assert below.as_json()["furthest_off_line"] == {"batch": 32, "share": pytest.approx(-0.25)}
    assert Growth("emulator", {16: [1.0], 32: [1.5]}).furthest() is None


def test_batches_of_a_net_take_turns(device: str, tmp_path: Path) -> None:
    solver, _ = small_nets.write(tmp_path, on_device=False)
    task = session.prepare(solver)
    growth, result = batches.run({640: task, 1280: task}, device, 2)
    assert {batch: len(times) for batch, times in growth.seconds.items()} == {640: 2, 1280: 2}
    assert all(seconds > 0 for times in growth.seconds.values() for seconds in times)
    assert next(iter(result.versions)) == "Caffe"


def test_batches_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(batches, "BATCHES", (16, 32, 48))
    monkeypatch.setattr(batches, "_IMAGES", 96)
    monkeypatch.setenv(blas.VARIABLE, "")  # which it sets
    monkeypatch.setattr(
        sys, "argv", ["benchmarks", "--net", "batches", "--device", "emulator", "--rounds", "1", "-o", str(tmp_path)]
    )
    assert benchmark.main() == 0
    written = json.loads((tmp_path / "steps.json").read_text())
    assert list(written["batches"]) == ["lenet", "cifar10_quick"]
    assert all(list(net["seconds"]) == ["16", "32", "48"] for net in written["batches"].values())
    assert {"Caffe", "OpenBLAS"} < written["versions"].keys()
    assert not (tmp_path / "steps.png").exists()
    assert "LeNet on emulator: a step at several batches" in capsys.readouterr().out


class Racer:
    """A contestant that notes when it ran."""

    def __init__(self, name: str, log: list[str], parameters: int = 1) -> None:
        self.name, self._log, self._parameters = name, log, parameters

    def __enter__(self) -> Racer:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.append(f"{self.name} left")

    def ready(self) -> dict[str, Any]:
        return {"parameters": self._parameters, "versions": {self.name: "1"}}

    def run(self, _steps: int) -> float:
        return 0

    def peak_bytes(self) -> int:
        return 1

    def measure(self) -> float:
        self._log.append(self.name)
        return 1


def test_who_begins_changes() -> None:
    log: list[str] = []
    racers: Any = [Racer(name, log) for name in "abc"]
    result = contest.contest(racers, 3, lambda racer: racer.measure(), lambda _: None)  # type: ignore[attr-defined]
    assert "".join(log[:9]) == "abcbcacab"
    assert {name: len(times) for name, times in result.seconds.items()} == {"a": 3, "b": 3, "c": 3}
    assert result.versions == {"a": "1", "b": "1", "c": "1"}


def test_nets_of_another_size_are_refused() -> None:
    log: list[str] = []
    racers: Any = [Racer("a", log, 1000), Racer("b", log, 1001)]
    task: Any = SimpleNamespace(name="net")
    with pytest.raises(BaristaError, match="net: one contestant has 1,000 parameters, another 1,001: not the same net"):
        contest.contest(racers, 1, lambda _: 1, contest.require_same_parameters(task))
    assert log == ["b left", "a left"]


def test_ratios_are_taken_within_rounds() -> None:
    """Both are twice as slow in every other round, as on a machine that others use: their ratio is not."""
    seconds = {STOCK: [2.0, 4.0, 2.0, 4.0], "device": [1.0, 2.0, 1.0, 2.0]}
    assert Result(seconds, {}, {}).ratio(STOCK, "device") == Spread(2, 2, 2)
    assert Spread.of([5, 1, 2, 3, 4, 100, 0, 6]) == Spread(3.5, 2, 5)
