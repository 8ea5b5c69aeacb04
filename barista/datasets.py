"""Handwritten digits as LMDBs that Caffe's `Data` layer reads: scikit-learn's bundled scans, or MNIST from its four files.

A record is a Datum of one 28x28 grey image, 0 to 255, ink bright, as in MNIST; its key is the record's number in eight digits. A
database is written aside and renamed, so one that is there is whole.

**digits** is what scikit-learn carries: the test half of UCI's "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak,
1998), 1,797 scans of thirteen people's digits, counted down to 8x8 cells of 0 to 16. They are framed as in MNIST: brought to 20x20
by bicubic interpolation, in the middle of 28x28. Shuffled with a fixed seed, the last 400 are the test, the other 1,397 to train
with. The split is not by writer, and 400 are few: with other seeds LeNet's accuracy was 97 to 99 %.

**mnist** is written in the order of its files, as Caffe's own convert_mnist_data does.
"""

import gzip
import math
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from barista import extras
from barista.errors import BaristaError

Bytes = npt.NDArray[np.uint8]

SIDE = 28  # pixels
DIGITS_INNER_SIDE = 20  # pixels
DIGITS_TEST_IMAGES = 400
DIGITS_SEED = 0
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_IDX_UNSIGNED_BYTE = 0x08


@dataclass(frozen=True)
class Dataset:
    """Images [N, height, width], uint8, and their labels [N], 0 to 9."""

    images: Bytes
    labels: Bytes

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Database:
    """One LMDB; `made` is False where it was there already."""

    path: Path
    records: int
    made: bool


def make_digits(folder: Path, force: bool = False) -> list[Database]:
    """Writes `digits_train_lmdb` and `digits_test_lmdb` into `folder`; keeps those that are there unless `force`."""
    return _make(folder, "digits", digits, force)


def make_mnist(files: Path, folder: Path, force: bool = False) -> list[Database]:
    """Writes `mnist_train_lmdb` and `mnist_test_lmdb` into `folder`, from MNIST's four IDX files, gzipped or not, in `files`.

    Raises BaristaError for a file that is missing or is not what its name says.
    """
    return _make(folder, "mnist", lambda: mnist(files), force)


def digits() -> dict[str, Dataset]:
    """The splits "train" and "test" of scikit-learn's digits, the same on every machine."""
    extras.require("sklearn", "barista data digits")
    from skimage.transform import resize
    from sklearn.datasets import load_digits

    scans = load_digits()
    cells = np.moveaxis(scans.images / 16.0, 0, -1)  # [8, 8, N]: skimage resizes the first two axes
    pixels = np.moveaxis(resize(cells, (DIGITS_INNER_SIDE, DIGITS_INNER_SIDE), order=3, mode="edge"), -1, 0)
    margin = (SIDE - DIGITS_INNER_SIDE) // 2
    framed = np.pad(pixels, ((0, 0), (margin, margin), (margin, margin)))
    images = np.rint(np.clip(framed, 0.0, 1.0) * 255.0).astype(np.uint8)
    labels = scans.target.astype(np.uint8)
    order = np.random.default_rng(DIGITS_SEED).permutation(len(labels))
    train, test = order[:-DIGITS_TEST_IMAGES], order[-DIGITS_TEST_IMAGES:]
    return {"train": Dataset(images[train], labels[train]), "test": Dataset(images[test], labels[test])}


def mnist(files: Path) -> dict[str, Dataset]:
    """The splits "train" and "test" from the IDX files in the folder `files`. Raises BaristaError."""
    if not files.is_dir():
        raise BaristaError(f"MNIST {files}: no such folder; it should hold {', '.join(sum(MNIST_FILES.values(), ()))}")
    return {split: _mnist_split(files, *names) for split, names in MNIST_FILES.items()}


def _mnist_split(files: Path, images_name: str, labels_name: str) -> Dataset:
    images_file, labels_file = _find(files, images_name), _find(files, labels_name)
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if len(images) != len(labels):
        raise BaristaError(f"{images_file}: {len(images)} images, but {labels_file.name} has {len(labels)} labels; they must agree")
    if len(labels) == 0:
        raise BaristaError(f"{labels_file}: no labels; a data set needs at least one")
    if labels.max() > 9:
        raise BaristaError(f"{labels_file}: label {labels.max()} at {labels.argmax()}; labels are 0 to 9")
    return Dataset(images, labels)


def _find(folder: Path, name: str) -> Path:
    """The file as its publishers name it, or with the dot that some unpackers put before `idx`; gzipped or not."""
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    raise BaristaError(f"MNIST {folder}: {name} (or {name}.gz) is not there; all four files are needed")


def read_idx(path: Path, dimensions: int) -> Bytes:
    """An IDX file of unsigned bytes with that many dimensions, gzipped or not. Raises BaristaError where it is something else.

    The format: two zero bytes, the type (8 is unsigned byte), the number of dimensions, each dimension as a big-endian 32-bit
    number, and then the values, last dimension fastest.
    """
    content = _read_gzipped_or_not(path)
    header_bytes = 4 + 4 * dimensions
    if len(content) < header_bytes or content[:2] != b"\0\0":
        raise BaristaError(f"{path}: not an IDX file; it should begin with two zero bytes and a header of {header_bytes} bytes")
    if (content[2], content[3]) != (_IDX_UNSIGNED_BYTE, dimensions):
        raise BaristaError(f"{path}: type {content[2]} in {content[3]} dimensions; this file should be type 8 in {dimensions}")
    shape = struct.unpack(f">{dimensions}I", content[4:header_bytes])
    expected_bytes = header_bytes + math.prod(shape)
    if len(content) != expected_bytes:
        raise BaristaError(f"{path}: {len(content)} bytes, but its header asks for {expected_bytes}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)


def _read_gzipped_or_not(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BaristaError(f"{path}: damaged gzip file ({error}); fetch it again") from error
    except OSError as error:
        raise BaristaError(f"{path}: {error.strerror}") from error


def _make(folder: Path, name: str, load: Callable[[], dict[str, Dataset]], force: bool) -> list[Database]:
    targets = {split: folder / f"{name}_{split}_lmdb" for split in ("train", "test")}
    for target in targets.values():
        if target.exists() and not (target / "data.mdb").is_file():
            raise BaristaError(f"{target}: is there and is not an LMDB; move it away")
    if not force and all(target.exists() for target in targets.values()):
        return [Database(target, _count(target), made=False) for target in targets.values()]
    splits = load()
    for split, target in targets.items():
        write_lmdb(target, splits[split])
    return [Database(target, len(splits[split]), made=True) for split, target in targets.items()]


def write_lmdb(target: Path, data: Dataset) -> None:
    """Writes `data` as an LMDB of Datums to the folder `target`, in place of what is there. Raises BaristaError."""
    import lmdb

    with _disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.partial")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            # The size is a limit, not a reservation; LMDB fills its pages to about a half at worst.
            with lmdb.open(str(aside), map_size=(1 << 20) + 4 * data.images.nbytes + 256 * len(data)) as environment:
                with environment.begin(write=True) as transaction:
                    for key, datum in _records(data):
                        transaction.put(key, datum, append=True)
                environment.sync(True)
            shutil.rmtree(target, ignore_errors=True)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _records(data: Dataset) -> Iterator[tuple[bytes, bytes]]:
    from barista.net import schema

    height, width = data.images.shape[1:]
    datum = schema.new("Datum")
    datum.channels, datum.height, datum.width = 1, height, width
    for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        datum.data, datum.label = image.tobytes(), int(label)
        yield b"%08d" % number, datum.SerializeToString()


def _count(path: Path) -> int:
    """Records of the LMDB at `path`."""
    import lmdb

    with _disk_errors(path), lmdb.open(str(path), readonly=True, lock=False) as environment:
        return int(environment.stat()["entries"])


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Says as a BaristaError what the disk or LMDB refuses."""
    import lmdb

    try:
        yield
    except lmdb.InvalidError as error:
        raise BaristaError(f"{path}: not an LMDB; make it again with --force") from error
    except lmdb.Error as error:
        raise BaristaError(f"{path}: {error}") from error
    except OSError as error:
        raise BaristaError(f"{error.filename or path}: {error.strerror}") from error
