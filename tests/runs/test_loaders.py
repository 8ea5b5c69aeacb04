"""Layers of type Python that start processes: a run ends, heeds signals, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trainings
from processes import ROOT
from trainings import Project

from barista.train import process, snapshot

FIELDS = {
    "base_lr": "0.1",
    "lr_policy": '"fixed"',
    "max_iter": "5",
    "display": "1",
    "random_seed": "1",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, FIELDS | {"net": f'"{tmp_path / "net.prototxt"}"'})


def with_loader(project: Project, **options: Any) -> None:
    """Gives the project a net whose data layer is a LoaderLayer with these options."""
    parameter = json.dumps({"pids": str(project.folder / "pids"), **options}).replace('"', '\\"')
    module = f'module: "loader_layers" layer: "LoaderLayer" param_str: "{parameter}"'
    project.net = (
        trainings.layer("Python", "loader", "", "data label", f"python_param {{ {module} }}")
        + trainings.layer("InnerProduct", "ip", "data", "ip", trainings.inner_product(3))
        + trainings.layer("SoftmaxWithLoss", "loss", "ip label", "loss")
    )


def start(project: Project, fields: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """`barista train` as a command, on such a net."""
    with_loader(project, **options)
    solver = project.write(snapshot_prefix=project.prefix("run"), **(fields or {}))
    search = os.pathsep.join([str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "barista", "train", str(solver), *trainings.CPU],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": search},
    )


def until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"ended without '{text}'")


def runs(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def left_over(project: Project, wait_s: float = 0) -> list[int]:
    """What of the worker and of what its layer started still runs, after `wait_s` at most."""
    numbers = json.loads((project.folder / "pids").read_text())
    end = time.monotonic() + wait_s
    while any(map(runs, numbers)) and time.monotonic() < end:
        time.sleep(0.05)
    return [number for number in numbers if runs(number)]


def test_a_daemon_is_ended(project: Project) -> None:
    process = start(project, end="daemon", program=True)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    assert "did not end" not in shown
    assert left_over(project) == []


def test_a_loader_that_atexit_terminates_and_joins(project: Project) -> None:
    process = start(project, end="atexit")
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    assert "did not end" not in shown
    assert left_over(project) == []


@pytest.mark.parametrize("options", [{"end": "daemon", "stubborn": True}, {"end": "never"}])
def test_a_loader_that_does_not_end_is_killed_and_said(
    project: Project, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker waits for it, and the run, which has finished, is whole."""
    monkeypatch.setattr(process, "_END_S", 1.5)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "support"))
    with_loader(project, **options)
    show = trainings.Recorder()
    outcome = project.run("run", show)
    assert outcome.status == 0
    assert any("the worker did not end within 1.5 s: it was killed" in note for note in show.notes)
    assert left_over(project) == []
    assert outcome.state == trainings.latest(str(project.folder / "run" / "net"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_snapshot(project: Project, number: int) -> None:
    process = start(project, {"max_iter": "100000"}, end="atexit", slow=0.01)
    until(process, "iteration 3/")
    process.send_signal(number)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 128 + number, shown
    assert left_over(project) == []
    assert trainings.latest(str(project.folder / "run" / "net")) is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_all(project: Project, number: int) -> None:
    """In a layer that never comes back, with a loader that heeds nothing."""
    process = start(project, {"max_iter": "100000"}, end="atexit", stubborn=True, program=True, stuck=3)
    stuck = project.folder / "pids.stuck"
    for _ in range(600):
        if stuck.exists():
            break
        time.sleep(0.05)
    assert stuck.exists()
    process.send_signal(signal.SIGTERM)
    until(process, "SIGTERM")
    time.sleep(0.5)  # nearer together, they would count as one
    process.send_signal(number)
    _, shown = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert "without a snapshot" in shown.splitlines()[-1]
    assert left_over(project) == []


def test_a_killed_worker_takes_its_loaders_along(project: Project) -> None:
    process = start(project, {"max_iter": "100000"}, end="daemon", stubborn=True, program=True, slow=0.01)
    until(process, "iteration 3/")
    os.kill(json.loads((project.folder / "pids").read_text())[0], signal.SIGKILL)
    _, shown = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the worker was killed in iteration" in shown.splitlines()[-1]
    assert left_over(project) == []


def test_a_worker_without_its_parent_leaves_nothing_running(project: Project) -> None:
    process = start(project, {"max_iter": "100000"}, end="atexit", program=True, slow=0.01)
    until(process, "iteration 3/")
    process.kill()
    process.communicate(timeout=30)
    assert left_over(project, wait_s=20) == []
    state = trainings.latest(str(project.folder / "run" / "net"))
    assert state is not None
    snapshot.open_snapshot(state)


def test_ctrl_z_stops_the_worker_too(project: Project) -> None:
    process = start(project, {"max_iter": "100000"}, end="atexit", slow=0.01)
    until(process, "iteration 3/")
    worker = json.loads((project.folder / "pids").read_text())[0]
    process.send_signal(signal.SIGTSTP)
    stopped = [Path(f"/proc/{number}/stat") for number in (process.pid, worker)]
    for _ in range(100):
        states = [path.read_text().rpartition(")")[2].split()[0] for path in stopped]
        if states == ["T", "T"]:
            break
        time.sleep(0.05)
    assert states == ["T", "T"]
    process.send_signal(signal.SIGCONT)
    until(process, "iteration")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
