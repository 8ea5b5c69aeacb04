"""The data that a solver's nets name: looked at where a net uses them, and no further."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest
from solver_folder import Folder, made

from barista.errors import BaristaError
from barista.net import data_files, prototxt, schema
from barista.net.prototxt import Kind

DATA = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
        data_param { source: "examples/db" backend: LMDB batch_size: 1 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
        data_param { source: "examples/testdb" backend: LMDB batch_size: 1 } }
"""


def datum(channels: int, height: int, width: int, size: int | None = None) -> bytes:
    message = schema.new("Datum")
    message.channels, message.height, message.width = channels, height, width
    message.data = bytes(channels * height * width if size is None else size)
    return bytes(message.SerializeToString())


def make_lmdb(path: Path, records: list[bytes]) -> None:
    path.mkdir(parents=True)
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        for index, record in enumerate(records):
            transaction.put(f"{index:08}".encode(), record)


@pytest.fixture
def data_solver(folder: Folder) -> Path:
    folder.write("net.prototxt", DATA)
    return folder.solver('net: "net.prototxt"')


def test_data_are_looked_at_only_where_a_net_uses_them(folder: Folder, data_solver: Path) -> None:
    make_lmdb(folder.path / "examples" / "db", [datum(1, 4, 4)])
    made(data_solver)
    with_test = folder.solver('net: "net.prototxt" test_iter: 1 test_interval: 1')
    with pytest.raises(BaristaError, match=r"^net.prototxt: layer 'data': source 'examples/testdb': there is no such file$"):
        made(with_test)


def corrupt(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "data.mdb").write_bytes(b"not a database" * 1000)


def cut_short(path: Path) -> None:
    make_lmdb(path, [datum(1, 4, 4)] * 50)
    (path / "data.mdb").write_bytes((path / "data.mdb").read_bytes()[:100])


def leveldb(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "CURRENT").write_text("MANIFEST-000001\n")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(parents=True), "is not an LMDB, which is a folder that holds data.mdb"),
        (leveldb, "it is a database of the other kind, say 'backend: LEVELDB'"),
        (corrupt, "is not an LMDB that can be read"),
        (cut_short, "is not an LMDB that can be read"),
        (lambda path: make_lmdb(path, []), "holds no records"),
        (lambda path: make_lmdb(path, [b"\xff\xff\xff"]), "its records are not Caffe's Datum"),
        (lambda path: make_lmdb(path, [b""]), "its first record is empty"),
        (lambda path: make_lmdb(path, [datum(3, 4, 4, size=16)]), "its first record holds 16 bytes for 3x4x4"),
    ],
)
def test_an_lmdb_that_is_none_is_one_sentence(
    folder: Folder, data_solver: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(folder.path / "examples" / "db")
    with pytest.raises(BaristaError) as raised:
        made(data_solver)
    assert str(raised.value).startswith("net.prototxt: layer 'data': source 'examples/db': ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_lmdb_without_its_backend_is_one_sentence(folder: Folder) -> None:
    make_lmdb(folder.path / "db", [datum(1, 4, 4)])
    folder.write("net.prototxt", 'layer { name: "data" type: "Data" data_param { source: "db" } }')
    with pytest.raises(BaristaError, match=r"is not a LevelDB, the backend where none is given; .* say 'backend: LMDB'$"):
        made(folder.solver('net: "net.prototxt"'))


def test_an_hdf5_list_and_a_mean_file_must_be_there(folder: Folder) -> None:
    folder.write("list.txt", "a.h5\n")
    folder.write("net.prototxt", 'layer { name: "data" type: "HDF5Data" hdf5_data_param { source: "list.txt" } }')
    with pytest.raises(BaristaError, match=r"source 'list.txt': lists 'a.h5', and there is no such file$"):
        made(folder.solver('net: "net.prototxt"'))
    folder.write("net.prototxt", 'layer { name: "data" type: "DummyData" transform_param { mean_file: "mean.binaryproto" } }')
    with pytest.raises(BaristaError, match=r"mean_file 'mean.binaryproto': there is no such file$"):
        made(folder.solver('net: "net.prototxt"'))


@pytest.mark.parametrize(
    ("rules", "state", "included"),
    [
        ("", "phase: TRAIN", True),
        ("include { phase: TRAIN }", "phase: TEST", False),
        ("include { phase: TRAIN } include { phase: TEST }", "phase: TEST", True),
        ("exclude { phase: TEST }", "phase: TEST", False),
        ("exclude { phase: TEST }", "phase: TRAIN", True),
        ("include { min_level: 2 }", "level: 1", False),
        ("include { min_level: 2 max_level: 3 }", "level: 3", True),
        ("include { max_level: 2 }", "level: 3", False),
        ('include { stage: ["a", "b"] }', 'stage: "a"', False),
        ('include { stage: ["a", "b"] }', 'stage: ["b", "a"]', True),
        ('include { not_stage: "a" }', 'stage: "a"', False),
        ('exclude { not_stage: "a" }', 'stage: "a"', True),
    ],
)
def test_a_layer_is_included_by_caffes_rules(rules: str, state: str, included: bool) -> None:
    net = prototxt.parse(f'state {{ {state} }} layer {{ name: "x" {rules} }}', Kind.NET, "net")
    assert data_files.includes(net.state, net.layer[0]) is included


def test_data_of_a_net_are_found_the_same_way(folder: Folder) -> None:
    make_lmdb(folder.path / "root" / "examples" / "db", [datum(1, 4, 4)])
    folder.write("root/examples/net.prototxt", DATA)
    path = folder.solver('net: "net.prototxt"', "root/examples/solver.prototxt")
    (folder.path / "net.prototxt").unlink()
    read = made(path)
    assert read.param.net_param.layer[0].data_param.source == str(folder.path / "root" / "examples" / "db")
    assert any("layer 'data': source 'examples/db': not there from" in note for note in read.notes)
