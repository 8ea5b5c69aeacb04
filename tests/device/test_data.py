"""Handwritten digits: what is written is what was meant, whole or not at all, and Caffe reads it."""

import gzip
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from click.testing import CliRunner

from barista import datasets as data
from barista import paths
from barista.cli.data import command
from barista.errors import BaristaError
from barista.net import schema

IMAGES = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
LABELS = np.array([3, 0, 9, 1, 1], np.uint8)


@pytest.fixture(scope="module")
def digits() -> dict[str, data.Dataset]:
    return data.digits()


def idx(values: data.Bytes) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def mnist_files(tmp_path: Path) -> Path:
    """MNIST's four files, with five images to train and two to test; some gzipped, one with the dot."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS)))
    (folder / "t10k-images.idx3-ubyte").write_bytes(idx(IMAGES[3:]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[3:]))
    return folder


def read(path: Path) -> list[tuple[bytes, Any]]:
    """The records of an LMDB, each as key and Datum."""
    with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return [(key, schema.message_class("Datum").FromString(value)) for key, value in transaction.cursor()]


def test_digits_are_all_there_once(digits: dict[str, data.Dataset]) -> None:
    from sklearn.datasets import load_digits

    assert (len(digits["train"]), len(digits["test"])) == (1397, 400)
    labels = np.concatenate([digits["train"].labels, digits["test"].labels])
    assert np.array_equal(np.bincount(labels), np.bincount(load_digits().target))
    pictures = {image.tobytes() for split in digits.values() for image in split.images}
    assert len(pictures) == 1797


def test_digits_are_framed_as_in_mnist(digits: dict[str, data.Dataset]) -> None:
    for split in digits.values():
        assert split.images.shape[1:] == (28, 28)
        assert split.images.max() == 255
        framed = split.images.copy()
        framed[:, 4:24, 4:24] = 0
        assert not framed.any()


def test_digits_resemble_the_scans_they_come_from(digits: dict[str, data.Dataset]) -> None:
    """Counted down again to 8x8, each picture is closest to its own scan: none is mirrored, turned or misnamed."""
    from sklearn.datasets import load_digits

    scans = load_digits()
    order = np.random.default_rng(data.DIGITS_SEED).permutation(1797)[-400:]
    # Samples at the middle of each of the 8x8 cells; 20 pixels hold 8 cells of 2.5.
    middles = 4 + np.floor((np.arange(8) + 0.5) * 2.5).astype(int)
    small = digits["test"].images[:, middles][:, :, middles].reshape(400, 64) / 255.0
    distance = ((small[:, None, :] - scans.images[order].reshape(1, 400, 64) / 16.0) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == np.arange(400)).mean() > 0.99
    assert np.array_equal(scans.target[order], digits["test"].labels)


def test_digits_are_the_same_each_time(digits: dict[str, data.Dataset]) -> None:
    again = data.digits()
    for split in ("train", "test"):
        assert np.array_equal(again[split].images, digits[split].images)
        assert np.array_equal(again[split].labels, digits[split].labels)


def test_records_are_datums_in_order(tmp_path: Path) -> None:
    data.write_lmdb(tmp_path / "some_lmdb", data.Dataset(IMAGES, LABELS))
    records = read(tmp_path / "some_lmdb")
    assert [key for key, _ in records] == [b"%08d" % n for n in range(5)]
    for (_, datum), image, label in zip(records, IMAGES, LABELS, strict=True):
        assert (datum.channels, datum.height, datum.width, datum.label) == (1, 4, 3, label)
        assert datum.data == image.tobytes()
        assert not datum.encoded


def test_second_call_keeps_and_force_makes_anew(tmp_path: Path) -> None:
    made = data.make_digits(tmp_path)
    kept = data.make_digits(tmp_path)
    assert [(d.records, d.made) for d in made] == [(1397, True), (400, True)]
    assert [(d.records, d.made) for d in kept] == [(1397, False), (400, False)]
    assert [d.made for d in data.make_digits(tmp_path, force=True)] == [True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits_test_lmdb", "digits_train_lmdb"]


def test_cut_off_writing_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes, at any record, nothing is there that a next run trusts; the next run makes it."""

    def records_that_end(dataset: data.Dataset) -> Iterator[tuple[bytes, bytes]]:
        yield from [(b"0", b"half")]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(data, "_records", records_that_end)
        with pytest.raises(KeyboardInterrupt):
            data.make_digits(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".digits_train_lmdb.partial").mkdir()
    (tmp_path / ".digits_train_lmdb.partial" / "data.mdb").write_bytes(b"of a killed process")
    assert [d.records for d in data.make_digits(tmp_path)] == [1397, 400]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits_test_lmdb", "digits_train_lmdb"]


def test_stock_caffe_trains_on_them(tmp_path: Path) -> None:
    """The stock tool, on the example's own net, from the folder that the example names."""
    data.make_digits(tmp_path / "data")
    example = Path(__file__).resolve().parents[2] / "examples" / "lenet"
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{example / "net.prototxt"}" test_iter: 4 test_interval: 60 max_iter: 60 base_lr: 0.03 momentum: 0.9 '
        'lr_policy: "fixed" random_seed: 1 solver_mode: CPU snapshot_after_train: false'
    )
    tool = paths.caffe_installation().binary
    assert tool is not None
    done = subprocess.run([tool, "train", "-solver", "solver.prototxt"], cwd=tmp_path, capture_output=True, text=True, check=True)
    accuracies = [float(line.rsplit(" = ", 1)[1]) for line in done.stderr.splitlines() if " accuracy = " in line]
    assert accuracies[0] < 0.3
    assert accuracies[-1] > 0.9


def test_mnist_from_gzipped_and_plain_files(tmp_path: Path, mnist_files: Path) -> None:
    train, test = data.make_mnist(mnist_files, tmp_path)
    assert (train.records, test.records) == (5, 2)
    assert [(datum.label, datum.data) for _, datum in read(train.path)] == list(
        zip(LABELS, (image.tobytes() for image in IMAGES), strict=True)
    )


def broken_files() -> dict[str, tuple[bytes | None, str]]:
    whole = idx(IMAGES)
    return {
        "missing": (None, "train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) is not there"),
        "empty": (b"", "not an IDX file"),
        "text": (b"<html>not found</html>", "not an IDX file"),
        "labels in its place": (idx(LABELS), "not an IDX file|type 8 in 1 dimensions; this file should be type 8 in 3"),
        "floats": (b"\0\0\x0d\x03" + whole[4:], "type 13 in 3 dimensions"),
        "cut short": (whole[:-1], "75 bytes, but its header asks for 76"),
        "too long": (whole + b"\0", "77 bytes, but its header asks for 76"),
        "fewer images": (idx(IMAGES[:4]), "4 images, but train-labels-idx1-ubyte.gz has 5 labels"),
        "cut gzip": (gzip.compress(whole)[:-6], "damaged gzip file"),
        "spoilt gzip": (gzip.compress(whole)[:12] + b"spoilt" + gzip.compress(whole)[18:], "damaged gzip file"),
    }


@pytest.mark.parametrize("what", broken_files())
def test_broken_idx_file_is_refused_in_a_sentence(tmp_path: Path, mnist_files: Path, what: str) -> None:
    content, sentence = broken_files()[what]
    file = mnist_files / "train-images-idx3-ubyte"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(BaristaError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        data.make_mnist(mnist_files, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_label_above_nine_is_refused(tmp_path: Path, mnist_files: Path) -> None:
    (mnist_files / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([1, 11], np.uint8)))
    with pytest.raises(BaristaError, match="label 11 at 1; labels are 0 to 9"):
        data.make_mnist(mnist_files, tmp_path / "out")


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "digits_train_lmdb").mkdir()
    (tmp_path / "digits_train_lmdb" / "thesis.txt").write_text("years of work")
    with pytest.raises(BaristaError, match="is there and is not an LMDB"):
        data.make_digits(tmp_path, force=True)
    assert (tmp_path / "digits_train_lmdb" / "thesis.txt").read_text() == "years of work"


def test_damaged_database_is_named(tmp_path: Path) -> None:
    data.make_digits(tmp_path)
    (tmp_path / "digits_test_lmdb" / "data.mdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(BaristaError, match="digits_test_lmdb: not an LMDB; make it again with --force"):
        data.make_digits(tmp_path)


def test_command_line_ends_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    for arguments in (["mnist", str(tmp_path / "nowhere")], ["digits", "-o", str(tmp_path / "a file" / "below")]):
        result = CliRunner().invoke(command, arguments)
        assert isinstance(result.exception, BaristaError)
        assert "\n" not in str(result.exception)
