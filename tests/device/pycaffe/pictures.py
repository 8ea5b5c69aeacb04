"""caffe.io: pictures that are read, resized and cropped. Run by test_caffe_io.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import caffe
import caffe.draw
import numpy as np
import PIL.Image
import pytest
from pycaffe_expected import Array, cubic, interpolated, nearest, stored, stretched, ten_crops, triangle

# caffe.io: pictures


def test_load_image_in_colour(tmp_path: Path, rgb: Array) -> None:
    loaded = caffe.io.load_image(stored(tmp_path, PIL.Image.fromarray(rgb)))
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, rgb / 255, atol=1e-7)


def test_load_image_in_grey(tmp_path: Path, rgb: Array) -> None:
    loaded = caffe.io.load_image(stored(tmp_path, PIL.Image.fromarray(rgb)), color=False)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded[:, :, 0], rgb @ [0.2125, 0.7154, 0.0721] / 255, atol=1e-6)
    assert loaded.shape == (6, 7, 1)


def test_load_image_drops_alpha(tmp_path: Path, rng: np.random.Generator) -> None:
    rgba = rng.integers(0, 256, (6, 7, 4), dtype=np.uint8)
    file = stored(tmp_path, PIL.Image.fromarray(rgba))
    np.testing.assert_allclose(caffe.io.load_image(file), rgba[:, :, :3] / 255, atol=1e-7)
    grey = caffe.io.load_image(file, color=False)
    np.testing.assert_allclose(grey[:, :, 0], rgba[:, :, :3] @ [0.2125, 0.7154, 0.0721] / 255, atol=1e-6)


@pytest.mark.parametrize(("mode", "alpha"), [("L", False), ("1", False), ("LA", True), ("I;16", False)])
def test_load_image_of_a_grey_file(tmp_path: Path, rng: np.random.Generator, mode: str, alpha: bool) -> None:
    values = rng.integers(0, 2, (4, 7)) if mode == "1" else rng.integers(0, 65536 if mode == "I;16" else 256, (4, 7))
    expected = values / {"1": 1, "I;16": 65535}.get(mode, 255)
    if mode == "1":
        picture = PIL.Image.fromarray(values.astype(bool))
    elif alpha:
        picture = PIL.Image.fromarray(np.stack([values, values[::-1]], axis=-1).astype(np.uint8))
    else:
        picture = PIL.Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.uint8))
    assert picture.mode == mode
    file = stored(tmp_path, picture)
    colour, grey = caffe.io.load_image(file), caffe.io.load_image(file, color=False)
    np.testing.assert_allclose(colour, np.stack([expected] * 3, axis=-1), atol=1e-6)
    np.testing.assert_allclose(grey, expected[:, :, None], atol=1e-6)


def test_load_image_turns_cmyk_and_palettes_into_rgb(tmp_path: Path, rgb: Array) -> None:
    picture = PIL.Image.fromarray(np.kron(rgb, np.ones((8, 8, 1), np.uint8)))
    file = stored(tmp_path, picture.convert("CMYK"), "picture.jpg")
    with PIL.Image.open(file) as read:
        assert read.mode == "CMYK"
        expected = np.asarray(read.convert("RGB")) / 255
    np.testing.assert_allclose(caffe.io.load_image(file), expected, atol=1e-7)
    palette = picture.quantize(16)
    file = stored(tmp_path, palette)
    np.testing.assert_allclose(caffe.io.load_image(file), np.asarray(palette.convert("RGB")) / 255, atol=1e-7)


def test_load_image_of_a_tiff(tmp_path: Path, rgb: Array) -> None:
    np.testing.assert_allclose(caffe.io.load_image(stored(tmp_path, PIL.Image.fromarray(rgb), "picture.tif")), rgb / 255, atol=1e-7)


def test_load_image_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        caffe.io.load_image(str(tmp_path / "nowhere.png"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dims", [(3, 4), (12, 13), (6, 14), (1, 1), (2, 9)])
@pytest.mark.parametrize(("order", "kernel"), [(0, nearest), (1, triangle), (3, cubic)])
def test_resize_image_smooths_nothing(
    rng: np.random.Generator, channels: int, dims: tuple[int, int], order: int, kernel: Any
) -> None:
    image = rng.uniform(-50, 300, (5, 7, channels)).astype(np.float32)
    resized = caffe.io.resize_image(image, dims, order)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, stretched(image, dims, kernel), atol=2e-4)


def test_resize_image_takes_integers_and_arrays_of_dimensions(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    expected = stretched(image.astype(float), (3, 4), triangle)
    np.testing.assert_allclose(caffe.io.resize_image(image, np.array([3, 4])), expected, atol=1e-4)


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_resize_image_of_other_channels_puts_corner_on_corner(rng: np.random.Generator, channels: int) -> None:
    image = rng.uniform(-50, 300, (6, 8, channels)).astype(np.float32)
    for dims in ((3, 4), (9, 16)):
        expected = interpolated(image, dims, triangle, corners=True)
        np.testing.assert_allclose(caffe.io.resize_image(image, dims), expected, atol=2e-4)


def test_resize_image_of_one_value() -> None:
    resized = caffe.io.resize_image(np.full((5, 5, 3), -7.5), (2, 3))
    assert resized.dtype == np.float32
    assert np.array_equal(resized, np.full((2, 3, 3), -7.5))


def test_oversample_takes_corners_centre_and_their_mirrors(rng: np.random.Generator) -> None:
    images = [rng.uniform(size=(6, 8, 2)).astype(np.float32) for _ in range(2)]
    crops = caffe.io.oversample(images, (4, 4))
    assert crops.shape == (20, 4, 4, 2)
    assert crops.dtype == np.float32
    assert np.array_equal(crops, np.concatenate([ten_crops(image, 4) for image in images]))
