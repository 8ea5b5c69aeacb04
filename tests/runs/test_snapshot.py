"""A snapshot is whole where it stands, and the one before stays until then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trainings

from barista.errors import BaristaError
from barista.net import schema
from barista.train import snapshot

MEMORY: dict[str, Any] = {"seed": 1, "batches": [[0, 3]], "solver": {}, "data": "", "iteration": 3}


def write_pair(folder: Path, prefix: str, iteration: int = 3, value: float = 1.0) -> tuple[Path, Path]:
    """A model and a state as Caffe writes them, small."""
    name = Path(prefix).name
    model, state = folder / f"{name}_iter_{iteration}.caffemodel", folder / f"{name}_iter_{iteration}.solverstate"
    net = schema.new("NetParameter")
    layer = net.layer.add(name="ip", type="InnerProduct")
    layer.blobs.add(data=[value] * 10).shape.dim.append(10)
    model.write_bytes(net.SerializeToString())
    solver_state = schema.new("SolverState")
    solver_state.iter = iteration
    solver_state.learned_net = f"{prefix}_iter_{iteration}.caffemodel"
    solver_state.history.add(data=[0.5] * 10).shape.dim.append(10)
    state.write_bytes(solver_state.SerializeToString())
    return model, state


def put(prefix: str, iteration: int = 3, value: float = 1.0) -> Path:
    with snapshot.Aside(prefix) as aside:
        model, state = write_pair(Path(aside.prefix).parent, prefix, iteration, value)
        return aside.put_in_place(model, state, MEMORY)


def test_put_in_place_and_opened(tmp_path: Path) -> None:
    state = put(str(tmp_path / "net"))
    opened = snapshot.open_snapshot(state)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "net_iter_3.caffemodel",
        "net_iter_3.solverstate",
        "net_iter_3.solverstate.barista",
    ]
    assert opened.resume_state is not None
    assert opened.resume_state["batches"] == [[0, 3]]
    assert opened.model == tmp_path / "net_iter_3.caffemodel"
    assert not opened.model_moved


def test_what_is_not_put_in_place_leaves_what_was_there(tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    before = put(prefix, value=1.0)
    contents = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with snapshot.Aside(prefix) as aside:
        write_pair(Path(aside.prefix).parent, prefix, value=2.0)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == contents
    snapshot.open_snapshot(before)


def test_same_name_is_replaced(tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    put(prefix, value=1.0)
    state = put(prefix, value=2.0)
    snapshot.open_snapshot(state)
    assert trainings.weights(state)["ip"][0][:4] == b"\x00\x00\x00\x40"


def test_moved_together(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    state = put(str(tmp_path / "old" / "net"))
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tmp_path / "new" / state.name
    opened = snapshot.open_snapshot(moved)
    assert opened.model_moved
    assert opened.model is not None
    snapshot.copy_naming(moved, opened.model, tmp_path / "copy.solverstate")
    copy = schema.new("SolverState")
    copy.ParseFromString((tmp_path / "copy.solverstate").read_bytes())
    assert Path(copy.learned_net) == tmp_path / "new" / "net_iter_3.caffemodel"


def test_weights_changed_since(tmp_path: Path) -> None:
    state = put(str(tmp_path / "net"))
    model = tmp_path / "net_iter_3.caffemodel"
    model.write_bytes(model.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BaristaError, match="SHA-256"):
        snapshot.open_snapshot(state)


def test_memory_of_a_later_version(tmp_path: Path) -> None:
    state = put(str(tmp_path / "net"))
    beside = Path(f"{state}.barista")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"barista_memory": 99}))
    with pytest.raises(BaristaError, match="version 99"):
        snapshot.open_snapshot(state)


def test_stock_snapshot_has_no_memory(tmp_path: Path) -> None:
    _, state = write_pair(tmp_path, str(tmp_path / "net"))
    assert snapshot.open_snapshot(state).resume_state is None


def test_leftovers_of_dead_processes_go(tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    dead, alive = tmp_path / ".net.99999999.aside", tmp_path / ".net.1.aside"
    dead.mkdir()
    alive.mkdir()
    snapshot.remove_stale_asides(prefix)
    assert not dead.exists()
    assert alive.exists()


def test_hdf5_of_the_wrong_length(tmp_path: Path) -> None:
    """A superblock of version 0 that says 4,096 bytes, in a file of 1,000."""
    path = tmp_path / "net_iter_3.solverstate.h5"
    superblock = b"\x89HDF\r\n\x1a\n" + bytes(32) + (4096).to_bytes(8, "little")
    path.write_bytes(superblock.ljust(1000, b"\0"))
    with pytest.raises(BaristaError, match="1000 of 4096 bytes"):
        snapshot.open_snapshot(path)


def test_room_is_asked_for_first(tmp_path: Path) -> None:
    with snapshot.Aside(str(tmp_path / "net")) as aside:
        aside.reserve(1000)
        with pytest.raises(OSError):  # noqa: PT011 - by file system: no space, or too large
            aside.reserve(1 << 60)
