"""What fails in the thread that loads data is told of the data layer, with what it read: other layers are being made meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import lmdb
import numpy as np
import processes
import pytest
import trainings
from PIL import Image
from trainings import inner_product, layer

from barista.net import schema


def records(folder: Path, sizes: Iterable[int], channels: Mapping[int, int] | None = None, broken: int = -1) -> Path:
    """An LMDB of square images; record `broken` says that it is encoded, and is not."""
    with lmdb.open(str(folder), map_size=1 << 20) as database, database.begin(write=True) as transaction:
        for i, size in enumerate(sizes):
            datum = schema.new("Datum")
            datum.channels, datum.height, datum.width = (channels or {}).get(i, 3), size, size
            datum.data = bytes(datum.channels * size * size)
            if i == broken:
                datum.encoded, datum.data = True, b"no image"
            transaction.put(f"{i:08}".encode(), datum.SerializeToString())
    return folder


def images(folder: Path, sizes: Iterable[int], missing: int = -1, broken: int = -1) -> Path:
    """PNG files and the list of them."""
    folder.mkdir()
    lines = []
    for i, size in enumerate(sizes):
        file = folder / f"{i}.png"
        if i == broken:
            file.write_bytes(b"no image")
        elif i != missing:
            Image.fromarray(np.zeros((size, size, 3), np.uint8)).save(file)
        lines.append(f"{file} {i % 4}\n")
    (folder / "list.txt").write_text("".join(lines))
    return folder / "list.txt"


def mean_file(file: Path, *extents: int) -> Path:
    mean = schema.new("BlobProto")
    mean.num, (mean.channels, mean.height, mean.width) = 1, extents
    mean.data.extend([0.0] * int(np.prod(extents)))
    file.write_bytes(mean.SerializeToString())
    return file


def train(folder: Path, kind: str, fields: str, transform: str = "", tops: str = "data label") -> str:
    """What `barista train` says of a data layer called 'source'."""
    net = layer(kind, "source", "", tops, fields, f"transform_param {{ {transform} }}" if transform else "")
    net += layer("InnerProduct", "ip", "data", "ip", inner_product(4)) + layer("SoftmaxWithLoss", "loss", "ip label", "loss")
    (folder / "net.prototxt").write_text(net)
    solver = folder / "solver.prototxt"
    solver.write_text(
        f'net: "{folder}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 40 random_seed: 1 snapshot_prefix: "{folder}/r"'
    )
    said = processes.last_sentence(processes.barista("train", solver, "--except", "*"))
    assert said.startswith("layer 'source': "), said
    return said.removeprefix("layer 'source': ")


def of_lmdb(source: Path) -> str:
    return f'data_param {{ source: "{source}" backend: LMDB batch_size: 2 }}'


def of_files(source: Path) -> str:
    return f'image_data_param {{ source: "{source}" batch_size: 2 }}'


@pytest.mark.parametrize(
    ("extents", "words"),
    [
        ((3, 6, 8), "an image is 8 high, its mean_file 6; resize one of the two"),
        ((3, 8, 10), "an image is 8 wide, its mean_file 10; resize one of the two"),
        ((1, 8, 8), "an image has 3 channels, its mean_file 1"),
    ],
)
def test_mean_file_of_another_size(tmp_path: Path, extents: tuple[int, ...], words: str) -> None:
    source, mean = records(tmp_path / "lmdb", [8] * 4), mean_file(tmp_path / "mean", *extents)
    said = train(tmp_path, "Data", of_lmdb(source), f'mean_file: "{mean}"')
    sizes = " x ".join(map(str, extents))
    assert said.startswith(f"{words} (record '00000000', 3 x 8 x 8; source {source}; mean_file {mean}, {sizes}), says Caffe"), said


def test_mean_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "mean").write_bytes(b"no mean")
    said = train(tmp_path, "Data", of_lmdb(records(tmp_path / "lmdb", [8] * 4)), f'mean_file: "{tmp_path}/mean"')
    assert said.startswith("a file can't be read: it is of another kind, or broken")
    assert f"mean_file {tmp_path}/mean)" in said


@pytest.mark.parametrize(("odd", "transform", "size"), [(6, "", 8), (9, "", 8), (5, "crop_size: 7", 7)])
def test_images_of_several_sizes(tmp_path: Path, odd: int, transform: str, size: int) -> None:
    words = f"an image is {odd} high in a batch of {size}; give all images of a batch one size, or a crop_size that none is below"
    source = records(tmp_path / "lmdb", [8, 8, 8, odd])
    said = train(tmp_path, "Data", of_lmdb(source), transform)
    assert said.startswith(f"{words} (record '00000003', 3 x {odd} x {odd}; source {source}), says Caffe"), said
    source = images(tmp_path / "images", [8, 8, 8, odd])
    said = train(tmp_path, "ImageData", of_files(source), transform)
    assert said.startswith(f"{words} (image {tmp_path}/images/3.png; source {source}), says Caffe"), said


def test_crop_larger_than_the_images(tmp_path: Path) -> None:
    said = train(tmp_path, "Data", of_lmdb(records(tmp_path / "lmdb", [8] * 4)), "crop_size: 12")
    assert said.startswith("an image is 8 high, less than crop_size: 12 (record '00000000', 3 x 8 x 8; ")


def test_more_mean_values_than_channels(tmp_path: Path) -> None:
    said = train(tmp_path, "Data", of_lmdb(records(tmp_path / "lmdb", [8] * 4)), "mean_value: 1 mean_value: 2")
    assert said.startswith("Specify either 1 mean_value or as many as channels: 3 (record '00000000', 3 x 8 x 8; ")


def test_a_record_of_other_channels(tmp_path: Path) -> None:
    said = train(tmp_path, "Data", of_lmdb(records(tmp_path / "lmdb", [8] * 4, channels={3: 1})))
    assert said.startswith("an image has 1 channels in a batch of 3 (record '00000003', 1 x 8 x 8; ")


@pytest.mark.parametrize("broken", [0, 3])
def test_a_record_that_can_not_be_decoded(tmp_path: Path, broken: int) -> None:
    said = train(tmp_path, "Data", of_lmdb(records(tmp_path / "lmdb", [8] * 4, broken=broken)))
    assert said.startswith(f"an encoded image can't be decoded (record '0000000{broken}', encoded; ")


@pytest.mark.parametrize("number", [0, 3])
def test_an_image_that_can_not_be_read(tmp_path: Path, number: int) -> None:
    said = train(tmp_path, "ImageData", of_files(images(tmp_path / "missing", [8] * 4, missing=number)))
    assert said.startswith(f"there is no such image (image {tmp_path}/missing/{number}.png; ")
    said = train(tmp_path, "ImageData", of_files(images(tmp_path / "broken", [8] * 4, broken=number)))
    assert said.startswith(f"an image can't be decoded (image {tmp_path}/broken/{number}.png; ")


WINDOWS = {
    "# 0\n{0}\n3 8 8\n1\n1 0.9 0 0 4 4\n": "none of its windows is background: an overlap below bg_threshold (",
    "# 0\n{0}\n3 8 8\n1\n0 0.1 0 0 4 4\n": "none of its windows is an object's: an overlap of fg_threshold or more (",
    "# 0\n{0}\n3 8 8\n2\n1 0.9 0 0 4 4\n0 0.1 0 0 4 4\n# 7\n{1}\n3 8 8\n1\n1 0.9 0 0 4 4\n": (
        "image number 7 of a window is none of its 2 images, which must be numbered from 0 in the order of the file ("
    ),
    "# 0\n{none}\n3 8 8\n2\n1 0.9 0 0 4 4\n0 0.1 0 0 4 4\n": "image {none} can't be read: No such file or directory (",
    "# 0\n{0}\n3 8 8\n2\n1 0.9 0 0 40 4\n0 0.1 0 0 4 4\n": "OpenCV(",  # beyond the image
}


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_windows(tmp_path: Path, number: int) -> None:
    folder = images(tmp_path / "images", [8, 8]).parent
    files = {"0": folder / "0.png", "1": folder / "1.png", "none": folder / "none.png"}
    text, words = list(WINDOWS.items())[number]
    for name, file in files.items():
        text, words = text.replace(f"{{{name}}}", str(file)), words.replace(f"{{{name}}}", str(file))
    (tmp_path / "windows.txt").write_text(text)
    fields = f'window_data_param {{ source: "{tmp_path}/windows.txt" batch_size: 4 fg_fraction: 0.5 }}'
    assert train(tmp_path, "WindowData", fields, "crop_size: 4").startswith(words)


def test_an_hdf5_file_that_is_none(tmp_path: Path) -> None:
    """It is opened when its turn comes, within a forward pass."""
    listed = trainings.write_hdf5(tmp_path / "hdf5")
    (tmp_path / "hdf5" / "1.h5").write_bytes(b"no HDF5")
    said = train(tmp_path, "HDF5Data", f'hdf5_data_param {{ source: "{listed}" batch_size: 2 }}')
    assert said.startswith(f"Failed opening HDF5 file: {tmp_path}/hdf5/1.h5 (source {listed}), says Caffe"), said
