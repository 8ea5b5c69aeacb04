"""What a person can get wrong, or a machine do to a run: one sentence, an exit status, no trace, and nothing lost."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trainings
from trainings import CPU, Project

from barista import cli
from barista.train import snapshot


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trainings.database_project(tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def trained(project: Project) -> Path:
    state = project.run("trained", iterations=2).state
    assert state is not None
    return state


@pytest.fixture
def complain(project: Project, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `barista train`, which must fail with one sentence; returns it."""

    def run(*arguments: str, solver: Path | None = None, status: int = 1, **fields: str) -> str:
        path = solver or project.write(**{"snapshot_prefix": project.prefix("bad"), **fields})
        with pytest.raises(SystemExit) as ended:
            cli.run(["train", str(path), *CPU, *arguments])
        shown = capsys.readouterr().err
        assert ended.value.code == status, shown
        assert "Traceback" not in shown
        sentences = [line for line in shown.splitlines() if line.startswith("barista: ")]
        assert len(sentences) == 1, shown
        return sentences[0]

    return run


@contextlib.contextmanager
def edited(project: Project, old: str, new: str) -> Iterator[None]:
    """The project's net with `old` replaced by `new`, for a while."""
    before = project.net
    assert old in before
    project.net = before.replace(old, new)
    try:
        yield
    finally:
        project.net = before


def test_missing_solver(complain: Callable[..., str]) -> None:
    assert "nowhere.prototxt" in complain(solver=Path("nowhere.prototxt"))


def test_folder_as_solver(complain: Callable[..., str], tmp_path: Path) -> None:
    assert str(tmp_path) in complain(solver=tmp_path)


def test_solver_that_does_not_parse(complain: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text("base_lr: 0.1\nmomentum: : 3\n")
    assert re.search(r"solver\.prototxt.*2.*1[01]", complain(solver=path))


def test_missing_net(complain: Callable[..., str]) -> None:
    assert "nowhere.prototxt" in complain(net='"nowhere.prototxt"')


def test_unknown_layer_type(project: Project, complain: Callable[..., str]) -> None:
    with edited(project, '"InnerProduct"', '"InnerProducd"'):
        sentence = complain()
    assert "InnerProducd" in sentence
    assert "db_ip1" in sentence


def test_a_shape_that_cannot_be(project: Project, complain: Callable[..., str]) -> None:
    impossible = trainings.layer(
        "Convolution", "wide", "db_data", "db_wide", "convolution_param { num_output: 2 kernel_size: 11 }"
    )  # the images are 9 x 9
    with edited(project, 'layer { name: "db_ip1"', impossible + 'layer { name: "db_ip1"'):
        sentence = complain()
    assert "layer 'wide'" in sentence
    assert "does not fit its input" in sentence


def test_shapes_that_do_not_go_together(project: Project, complain: Callable[..., str]) -> None:
    odd = trainings.layer("Eltwise", "sum", "db_data db_label", "sum")
    with edited(project, 'layer { name: "db_ip1"', odd + 'layer { name: "db_ip1"'):
        assert "layer 'sum'" in complain()


def test_missing_blob(project: Project, complain: Callable[..., str]) -> None:
    with edited(project, 'bottom: "db_data"', 'bottom: "nothing"'):
        assert "'nothing'" in complain()


def test_weights_of_another_net(project: Project, trained: Path, complain: Callable[..., str]) -> None:
    model = trained.with_name(trained.name.replace(".solverstate", ".caffemodel"))
    with edited(project, '"db_ip', '"other_ip'):
        assert "of another net" in complain("--weights", str(model))


def test_weights_of_another_shape(project: Project, trained: Path, complain: Callable[..., str]) -> None:
    model = trained.with_name(trained.name.replace(".solverstate", ".caffemodel"))
    with edited(project, "num_output: 8", "num_output: 9"):
        sentence = complain("--weights", str(model))
    assert "db_ip1" in sentence
    assert "8 x 243 in the file, 9 x 243 in the net" in sentence


def test_missing_weights(complain: Callable[..., str]) -> None:
    assert "nowhere.caffemodel" in complain("--weights", "nowhere.caffemodel")


def test_snapshot_of_another_net(project: Project, trained: Path, complain: Callable[..., str]) -> None:
    with edited(project, "num_output: 8", "num_output: 9"):
        assert "db_ip1" in complain("--snapshot", str(trained))


def test_snapshot_of_another_solver(trained: Path, complain: Callable[..., str]) -> None:
    assert "another type of solver" in complain("--snapshot", str(trained), type='"Adam"')


def test_snapshot_and_weights(trained: Path, complain: Callable[..., str]) -> None:
    model = trained.with_name(trained.name.replace(".solverstate", ".caffemodel"))
    assert "give one of the two" in complain("--snapshot", str(trained), "--weights", str(model))


def test_missing_snapshot(complain: Callable[..., str]) -> None:
    assert "nowhere.solverstate" in complain("--snapshot", "nowhere.solverstate")


def test_weights_as_snapshot(trained: Path, complain: Callable[..., str]) -> None:
    model = trained.with_name(trained.name.replace(".solverstate", ".caffemodel"))
    assert "give the .solverstate" in complain("--snapshot", str(model))


@pytest.mark.parametrize(
    ("part", "remembered"),
    [
        (".solverstate", True),
        (".solverstate", False),
        (".caffemodel", True),
        (".caffemodel", False),
        (".solverstate.barista", True),
    ],
)
def test_snapshot_cut_short(trained: Path, complain: Callable[..., str], tmp_path: Path, part: str, remembered: bool) -> None:
    """Whether the hashes beside it tell, or only the file itself."""
    copy = tmp_path / "cut"
    copy.mkdir()
    for file in trained.parent.glob(f"{trained.stem}.*"):
        (copy / file.name).write_bytes(file.read_bytes())
    damaged = copy / f"{trained.stem}{part}"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    if not remembered:
        (copy / f"{trained.name}.barista").unlink()
    # The state names the model where it was written; it is to be found beside it.
    original = trained.with_suffix(".caffemodel")
    aside = original.rename(original.with_suffix(".aside"))
    try:
        assert damaged.name in complain("--snapshot", str(copy / trained.name))
    finally:
        aside.rename(original)


def test_a_file_that_is_no_snapshot(complain: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "text.solverstate"
    path.write_text("not a snapshot")
    assert "text.solverstate" in complain("--snapshot", str(path))


def test_lmdb_that_is_not_one(project: Project, complain: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"nothing of the kind" * 1000)
    with edited(project, str(project.folder / "lmdb"), str(tmp_path)):
        sentence = complain()
    assert str(tmp_path) in sentence
    assert "LMDB" in sentence


def test_missing_lmdb(project: Project, complain: Callable[..., str]) -> None:
    with edited(project, str(project.folder / "lmdb"), "/nowhere_lmdb"):
        assert "/nowhere_lmdb" in complain()


def test_missing_snapshot_folder(complain: Callable[..., str]) -> None:
    assert "/nowhere" in complain(snapshot_prefix='"/nowhere/net"')


def test_log_in_no_folder(complain: Callable[..., str]) -> None:
    assert "/nowhere/log" in complain("--log", "/nowhere/log")


def test_log_that_would_overwrite_something_else(complain: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("years of work\n")
    assert "not a log" in complain("--log", str(path))
    assert path.read_text() == "years of work\n"


def test_full_disk_under_the_log(project: Project, tmp_path: Path) -> None:
    """/dev/full takes nothing: training goes on, and says so."""
    log = tmp_path / "log.jsonl"
    log.symlink_to("/dev/full")
    show = trainings.Recorder()
    outcome = project.run("logless", show, iterations=3, log=log)
    assert outcome.status == 0
    assert outcome.state is not None
    assert any("No space left on device; training goes on" in note for note in show.notes)


def test_device_that_is_not_there(complain: Callable[..., str]) -> None:
    assert "no-such-board" in complain("--device", "no-such-board")


def test_corrupt_bitstream(complain: Callable[..., str], copied: Path) -> None:
    copied.write_bytes(copied.read_bytes()[:-1] + b"?")
    assert copied.name in complain("--bitstream", str(copied))


# --- what happens to a run ------------------------------------------------------------------------------------------------------


def until(process: subprocess.Popen[str], text: str) -> None:
    """Reads the command's lines until one has `text`."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"ended without '{text}'")


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """One, or none where it has ended."""
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def worker_of(process: subprocess.Popen[str]) -> int:
    [worker] = workers_of(process)
    return worker


LONG = {"max_iter": "1000000", "snapshot": "50", "test_interval": "1000000"}


def test_killed_worker(project: Project) -> None:
    process = project.start("killed", fields=LONG)
    until(process, "snapshot ")
    os.kill(worker_of(process), signal.SIGKILL)
    _, rest = process.communicate(timeout=30)
    sentence = rest.splitlines()[-1]
    assert process.returncode == 1
    assert "Traceback" not in rest
    assert "the worker was killed" in sentence
    state = Path(sentence.rpartition("--snapshot ")[2])
    assert state == trainings.latest(str(project.folder / "killed" / "net"))
    snapshot.open_snapshot(state)
    assert not list(state.parent.glob(".*")), "nothing is left over"


def test_crashed_worker(project: Project) -> None:
    process = project.start("crashed", fields=LONG)
    until(process, "iteration 10/")
    # Twice: a handler of an OpenCL runtime's takes the first that no fault caused.
    for _ in range(2):
        for worker in workers_of(process):
            os.kill(worker, signal.SIGSEGV)
        time.sleep(0.5)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "SIGSEGV" in rest.splitlines()[-1]


def test_second_interrupt_stops_at_once(project: Project) -> None:
    process = project.start("twice", fields=LONG)
    until(process, "snapshot ")
    os.kill(worker_of(process), signal.SIGSTOP)  # so that it cannot heed the first
    process.send_signal(signal.SIGINT)
    until(process, "SIGINT")
    time.sleep(0.5)  # nearer together, they would count as one
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "without a snapshot" in rest.splitlines()[-1]
    assert "--snapshot" in rest.splitlines()[-1]


def test_interrupt_of_the_whole_group(project: Project) -> None:
    """As a terminal does it: worker and parent get the signal."""
    solver = project.write(snapshot_prefix=project.prefix("group"), **LONG)
    command = [sys.executable, "-m", "barista", "train", str(solver), *CPU]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until(process, "iteration 10/")
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert trainings.latest(str(project.folder / "group" / "net")) == Path(out.split("--snapshot ")[1].strip())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_worker_ends_with_its_parent(project: Project, number: int) -> None:
    """And with the terminal: a hang-up reaches both."""
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where these tests run under nohup, and then by the run too
    process = project.start(f"orphan{number}", fields=LONG | {"snapshot": ""})
    signal.signal(signal.SIGHUP, hang_up)
    until(process, "iteration 10/")
    worker = worker_of(process)
    if number == signal.SIGHUP:
        os.kill(worker, number)
    process.send_signal(number)
    process.communicate(timeout=30)
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            break
        time.sleep(0.1)
    else:
        os.kill(worker, signal.SIGKILL)
        pytest.fail("the worker lives on")
    state = trainings.latest(str(project.folder / f"orphan{number}" / "net"))
    assert state is not None, "it left a snapshot"
    snapshot.open_snapshot(state)


def test_no_room_for_one_snapshot(project: Project) -> None:
    """Said before the first iteration. The limit leaves room for the log."""
    solver = project.write(snapshot_prefix=project.prefix("roomless"))
    command = ["prlimit", "--fsize=60000", sys.executable, "-m", "barista", "train", str(solver), *CPU]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "there is no room for a snapshot of " in done.stderr.splitlines()[-1]
    assert "File too large" in done.stderr.splitlines()[-1]
    assert [event["event"] for event in project.events("roomless")] == ["started", "failed"]


def test_full_disk(project: Project) -> None:
    """A limit on the size of files stands for the disk, which fills up after the first snapshot."""
    process = project.start("full", fields=LONG)
    until(process, "snapshot ")
    resource.prlimit(worker_of(process), resource.RLIMIT_FSIZE, (1000, 1000))
    _, rest = process.communicate(timeout=60)
    sentence = rest.splitlines()[-1]
    assert process.returncode == 1, rest
    assert "Traceback" not in rest
    assert "File too large" in sentence
    assert not list((project.folder / "full").glob(".*"))
    state = Path(sentence.rpartition("--snapshot ")[2])
    assert snapshot.open_snapshot(state).resume_state is not None
