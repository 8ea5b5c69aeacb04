"""Prototxt in and out: no field is lost, every mistake is one sentence with its place, and a write leaves old or new."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import prototxts
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barista import paths
from barista.errors import BaristaError
from barista.net import prototxt, schema
from barista.net.prototxt import Kind


def test_every_prototxt_of_caffe_is_read_as_what_it_is() -> None:
    for path in prototxts.of_caffe():
        expected = Kind.SOLVER if "solver" in path.name else Kind.NET
        assert prototxt.read(path).kind is expected, path


def test_printing_and_parsing_gives_back_every_prototxt_of_caffe() -> None:
    for path in prototxts.of_caffe():
        document = prototxt.read(path)
        assert prototxt.parse(prototxt.to_text(document.message), document.kind, "printed") == document.message, path


@prototxts.drawn(200)
@given(prototxts.messages("NetParameter"))
def test_printing_and_parsing_loses_no_field(net: Any) -> None:
    again = prototxt.parse(prototxt.to_text(net), Kind.NET, "printed")
    assert again.SerializePartialToString(deterministic=True) == net.SerializePartialToString(deterministic=True)


def parsed_by_caffes_parser(text: str, kind: Kind) -> Any:
    """The message that C++ protobuf, which Caffe reads with, makes of `text`."""
    protoc, source = shutil.which("protoc"), paths.caffe_installation().source_dir
    assert protoc is not None, "protoc is not on the PATH; apt install protobuf-compiler"
    assert source is not None, "the Caffe in use has no source tree, where caffe.proto is; test with one that has"
    definition = source / "src" / "caffe" / "proto" / "caffe.proto"
    command = [protoc, f"-I{definition.parent}", f"--encode=caffe.{kind.value}", definition.name]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return schema.message_class(kind.value).FromString(done.stdout)


def test_caffe_reads_every_printed_prototxt_as_the_same_message() -> None:
    for path in prototxts.of_caffe():
        document = prototxt.read(path)
        assert parsed_by_caffes_parser(prototxt.to_text(document.message), document.kind) == document.message, path


@prototxts.drawn(40)
@given(prototxts.messages("SolverParameter"))
def test_caffe_reads_any_printed_message_as_the_same_message(solver: Any) -> None:
    assert parsed_by_caffes_parser(prototxt.to_text(solver), Kind.SOLVER) == solver


@prototxts.drawn(300)
@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")), prototxts.broken_text()))
def test_any_text_gives_a_message_or_one_sentence(text: str) -> None:
    try:
        prototxt.parse(text, Kind.NET, "net.prototxt")
        sentence = "net.prototxt: parsed"
    except BaristaError as error:
        sentence = str(error)
    assert sentence.startswith("net.prototxt:")
    assert "\n" not in sentence


WRONG = [
    ('layer { nme: "x" }', ":1:9: LayerParameter has no field 'nme'; did you mean 'name'?"),
    ('name: "a"\nlayer {\n  include { phase: TRIAN }\n}', ":3:20: field 'phase': Phase has no value TRIAN; did you mean 'TRAIN'?"),
    ("layer { include { phase: 7 } }", ":1:26: field 'phase': Phase has no value 7; it has TRAIN, TEST"),
    ('layer { name: "x" name: "y" }', ":1:25: 'name' is given a second time; LayerParameter takes it once"),
    (
        'layer { convolution_param { num_output: "abc" } }',
        ":1:41: field 'num_output': an integer is expected, not \"abc\"",
    ),
    ("layer { convolution_param { num_output: -3 } }", ":1:41: field 'num_output': -3 is out of range"),
    ("layer { loss_weight: x }", ":1:22: field 'loss_weight': a number is expected, not x"),
    ("name: LeNet", ":1:7: field 'name': a string in quotes is expected, not LeNet"),
    ('name: "LeNet\nlayer { }', ":1:7: field 'name': the string \"LeNet has no closing quote"),
    ("force_backward: maybe", ":1:17: field 'force_backward': true or false is expected"),
    ('name "LeNet"', ":1:6: ':' is expected"),
    ("layer: 3", ":1:8: '{' is expected"),
    ("layer { } }", ":1:11: this '}' closes nothing: no '{' is open"),
    ('layer { name: "x" }\n%%', ":2:1: a field's name is expected, not '%'"),
    (
        "layer {\n  convolution_param {\n    num_output: 3\n",
        ":3:17: the file ends where '}' is expected; the '{' of line 2 is not closed",
    ),
    (
        'layer {\n  name: "a"\nlayer {\n  name: "b"\n}\n',
        ":3:1: LayerParameter has no field 'layer', NetParameter has: is a '}' missing above?",
    ),
    ("layer { clip_param { min: 0 } }", ": required field 'layer[0].clip_param.max' is missing"),
    ("base_lr: 0.1\nsolver_mod: CPU", ":2:1: SolverParameter has no field 'solver_mod'; did you mean 'solver_mode'?"),
    ("", ": is empty, a net or solver prototxt is expected"),
    ("# nothing but a comment\n", ": is empty, a net or solver prototxt is expected"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_a_mistake_is_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    with pytest.raises(BaristaError) as raised:
        prototxt.read(path)
    assert str(raised.value) == f"{path}{sentence}"


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "lenet.prototxt").write_text('name: "LeNet"')
    with pytest.raises(BaristaError, match=r"lenett.prototxt: no such file; did you mean 'lenet.prototxt'\?$"):
        prototxt.read(tmp_path / "lenett.prototxt")
    with pytest.raises(BaristaError, match=r"no such file \(and no folder "):
        prototxt.read(tmp_path / "nowhere" / "lenet.prototxt")


def test_a_folder_and_weights_are_no_prototxt(tmp_path: Path) -> None:
    with pytest.raises(BaristaError, match=r"cannot be read: is a directory$"):
        prototxt.read(tmp_path)
    weights = tmp_path / "lenet.caffemodel"
    weights.write_bytes(b"\x0a\x05LeNet\xa2\x06\x00\x00")
    with pytest.raises(BaristaError, match=r"is binary, a prototxt is text \(trained weights"):
        prototxt.read(weights)


def test_a_solver_is_no_net(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt"\nbase_lr: 0.1\n')
    with pytest.raises(BaristaError, match=r"solver.prototxt: is a solver, a net is expected here$"):
        prototxt.read_net(path)


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ("# The net\n\nBarista trains a net on a device, its type: as the solver says.\n", "Barista", 3),
        ('{"net": "lenet.prototxt", "base_lr": 0.1}', "{", 1),
        ('"""A script."""\nimport caffe\nsolver = caffe.SGDSolver("solver.prototxt")\n', "import", 2),
        ("12 34\n56 78\n", "1", 1),
    ],
    ids=["prose", "JSON", "Python", "numbers"],
)
def test_a_text_that_is_no_prototxt_is_neither_net_nor_solver(text: str, word: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text(text)
    said = f"is no prototxt of a net or a solver: '{word}' in line {line} is no field with a value"
    for reader in (prototxt.read, prototxt.read_net, prototxt.read_solver):
        with pytest.raises(BaristaError) as raised:
            reader(path)
        assert str(raised.value) == f"{path}: {said}"


def test_foreign_characters_may_stand_in_comments_only(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'# caf\xe9\nname: "a" # d\xe9j\xe0 vu\n')
    assert prototxt.read_net(path).name == "a"
    path.write_bytes(b'# caf\xe9\nname: "caf\xe9"\n')
    with pytest.raises(BaristaError, match=r":2:11: byte 0xe9 is not UTF-8; save the file as UTF-8$"):
        prototxt.read(path)


def test_byte_order_marks_windows_lines_and_other_brackets_are_read(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes('\ufeffname: "é"\r\nlayer <\r\n  name: \'a\'; top: ["x", "y"]\r\n>\r\n'.encode())
    net = prototxt.read_net(path)
    assert (net.name, net.layer[0].name, list(net.layer[0].top)) == ("é", "a", ["x", "y"])


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BaristaError, match=r"net.prototxt: cannot be written: no space left on device$"):
        prototxt.write_text(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.prototxt"]


def test_a_write_keeps_mode_and_follows_links(tmp_path: Path) -> None:
    target = tmp_path / "target.prototxt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.prototxt"
    link.symlink_to(target)
    prototxt.write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_write_into_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BaristaError, match=r"net.prototxt: cannot be written: no such file or directory$"):
        prototxt.write_text(tmp_path / "nowhere" / "net.prototxt", "new")


def test_message_types_leave_caffe_importable() -> None:
    """Both orders, in processes of their own: the types are in a pool that the package caffe does not see."""
    python_dir = paths.caffe_installation().python_dir
    for order in ("ours(); theirs()", "theirs(); ours()"):
        script = f"""
import sys
sys.path.insert(0, {str(python_dir)!r})
def ours():
    global net
    from barista.net import schema
    from barista.net import prototxt
    net = prototxt.parse('layer {{ name: "x" type: "Foo" }}', prototxt.Kind.NET, "x")
def theirs():
    global caffe
    import caffe
{order}
assert caffe.proto.caffe_pb2.NetParameter.FromString(net.SerializeToString()).layer[0].type == "Foo"
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_caffe_without_messages_is_one_sentence(tmp_path: Path) -> None:
    generated = tmp_path / "caffe_pb2.py"
    with pytest.raises(BaristaError, match=r"cannot be read from it .*; is pycaffe built\?$"):
        schema._schema(generated)
    generated.write_text("DESCRIPTOR = b'something else'\n")
    with pytest.raises(BaristaError, match=r"caffe_pb2.py: holds no schema of Caffe's messages"):
        schema._schema(generated)
