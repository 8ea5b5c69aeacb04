"""pycaffe's Python package, function by function: tests that test_caffe_io.py runs in a process of their own for each Caffe.

BARISTA_TEST_CAFFE names it: "stock", or the device whose layers barista.load() brings and whose types the nets then have. What is
expected is computed here, by NumPy alone, from what scikit-image 0.13 and the NumPy of its time did.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from google.protobuf import text_format
from numpy.lib.stride_tricks import sliding_window_view

import barista
from barista.net import schema
from barista.rewrite import placement
from barista.runtime.plugin import load_stock_caffe

CAFFE = os.environ["BARISTA_TEST_CAFFE"]
if CAFFE == "stock":
    load_stock_caffe()
else:
    barista.load(CAFFE)

import caffe  # noqa: E402
import caffe.draw  # noqa: E402
from caffe import coord_map, net_spec, pycaffe  # noqa: E402
from caffe import layers as L  # noqa: E402, N812
from caffe import params as P  # noqa: E402, N812
from caffe.proto import caffe_pb2  # noqa: E402

Array = np.ndarray[Any, Any]

NET = """
name: "judge"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
PHASES = """
name: "phases"
layer { name: "train" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { batch_size: 64 } }
layer { name: "test" type: "Data" top: "data" top: "label" include { phase: TEST } data_param { batch_size: 100 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 20 kernel_size: 5 stride: 2 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" param { lr_mult: 3 } inner_product_param { num_output: 10 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
  exclude { phase: TRAIN } include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
MEAN = np.array([10.0, 20.0, 30.0])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(13)


# What is expected


def triangle(x: Array) -> Array:
    result: Array = np.maximum(0, 1 - abs(x))
    return result


def nearest(x: Array) -> Array:
    return ((x >= -0.5) & (x < 0.5)).astype(float)


def cubic(x: Array) -> Array:
    """Catmull and Rom's."""
    x = abs(x)
    return np.where(x < 1, 1 + x * x * (1.5 * x - 2.5), np.where(x < 2, 2 + x * (-4 + x * (2.5 - 0.5 * x)), 0))


def interpolated(image: Array, dims: tuple[int, int], kernel: Any, corners: bool = False) -> Array:
    """`image` [H, W, K] resized, 0 beyond its edges; centre on centre of the pixels, or corner pixel on corner pixel."""

    def matrix(new: int, old: int) -> Array:
        places = np.arange(new) * (old - 1) / (new - 1) if corners else (np.arange(new) + 0.5) * old / new - 0.5
        result: Array = kernel(places[:, None] - np.arange(old))
        return result

    result: Array = np.einsum("ih,jw,hwk->ijk", matrix(dims[0], image.shape[0]), matrix(dims[1], image.shape[1]), image)
    return result


def stretched(image: Array, dims: tuple[int, int], kernel: Any) -> Array:
    """resize_image of 1 or 3 channels: its 0 beyond the edges is the picture's minimum, and it stays within the picture's range."""
    low, high = image.min(), image.max()
    result: Array = np.clip(interpolated((image - low) / (high - low), dims, kernel), 0, 1) * (high - low) + low
    return result


def judged(pictures: Array, net: Any) -> Array:
    """`prob` of NET, for pictures [N, 3, 4, 4]."""
    weights, bias = (blob.data for blob in net.params["conv"])
    conv = np.einsum("nchwij,ocij->nohw", sliding_window_view(pictures, (3, 3), axis=(2, 3)), weights) + bias[:, None, None]
    ip = np.maximum(conv, 0).reshape(len(pictures), -1) @ net.params["ip"][0].data.T + net.params["ip"][1].data
    powers = np.exp(ip - ip.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


def prepared(picture: Array) -> Array:
    """What Transformer makes of a picture [H, W, 3] with the options of `judge`: BGR, 255 times, less the mean, a hundredth."""
    result: Array = ((picture[:, :, ::-1] * 255 - MEAN) / 100).transpose(2, 0, 1)
    return result


OPTIONS = {"mean": MEAN, "raw_scale": 255, "channel_swap": (2, 1, 0), "input_scale": 0.01}


@pytest.fixture
def net_files(tmp_path: Path, rng: np.random.Generator) -> tuple[str, str]:
    """NET, of this Caffe's layer types, and weights for it."""
    net = text_format.Parse(NET, schema.new("NetParameter"))
    if CAFFE != "stock":
        net = placement.place(net).net
        assert [layer.type for layer in net.layer if "FPGA" in layer.type], net
    file, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    file.write_text(text_format.MessageToString(net))
    made = caffe.Net(str(file), caffe.TEST)
    for blobs in made.params.values():
        for blob in blobs:
            blob.data[...] = rng.uniform(-0.5, 0.5, blob.data.shape)
    made.save(str(weights))
    return str(file), str(weights)


def stored(folder: Path, picture: PIL.Image.Image, name: str = "picture.png") -> str:
    picture.save(folder / name)
    return str(folder / name)


@pytest.fixture
def rgb(rng: np.random.Generator) -> Array:
    return rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)


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


def ten_crops(image: Array, size: int) -> Array:
    height, width = image.shape[:2]
    places = [(y, x) for y in (0, height - size) for x in (0, width - size)] + [((height - size) // 2, (width - size) // 2)]
    crops = [image[y : y + size, x : x + size] for y, x in places]
    return np.stack(crops + [crop[:, ::-1] for crop in crops])


# caffe.io: Transformer


@pytest.fixture
def transformer() -> Any:
    return caffe.io.Transformer({"data": (1, 3, 4, 5)})


def test_transformer_changes_nothing_unasked(transformer: Any, rng: np.random.Generator) -> None:
    image = rng.uniform(size=(4, 5, 3))
    np.testing.assert_array_equal(caffe.io.Transformer({"data": (1, 3, 4, 5)}).preprocess("data", image), image.astype(np.float32))
    np.testing.assert_array_equal(transformer.deprocess("data", image), image)


def test_transformer_preprocesses_and_deprocesses(transformer: Any, rng: np.random.Generator) -> None:
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 0, 1))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", MEAN)
    transformer.set_input_scale("data", 0.5)
    image = rng.uniform(size=(4, 5, 3))
    blob = transformer.preprocess("data", image)
    assert blob.dtype == np.float32
    expected = (image.transpose(2, 0, 1)[[2, 0, 1]] * 255 - MEAN[:, None, None]) * 0.5
    np.testing.assert_allclose(blob, expected, atol=1e-4)
    np.testing.assert_allclose(transformer.deprocess("data", blob[None]), image, atol=1e-6)
    larger = rng.uniform(size=(9, 6, 3))
    resized = stretched(larger.astype(np.float32), (4, 5), triangle).transpose(2, 0, 1)[[2, 0, 1]]
    np.testing.assert_allclose(transformer.preprocess("data", larger), (resized * 255 - MEAN[:, None, None]) * 0.5, atol=1e-3)


def test_transformer_resizes_a_mean_picture(transformer: Any, rng: np.random.Generator) -> None:
    mean = rng.uniform(0, 255, (3, 8, 10))
    transformer.set_mean("data", mean)
    # Stretched to 0..1 twice: by set_mean and by resize_image.
    expected = stretched(mean.transpose(1, 2, 0), (4, 5), triangle).transpose(2, 0, 1)
    np.testing.assert_allclose(transformer.mean["data"], expected, atol=1e-3)
    right = rng.uniform(0, 255, (3, 4, 5))
    transformer.set_mean("data", right)
    assert transformer.mean["data"] is right
    one = caffe.io.Transformer({"data": (1, 1, 4, 5)})
    one.set_mean("data", right[0])
    assert np.array_equal(one.mean["data"], right[0])


def test_transformer_refuses_what_does_not_fit(transformer: Any) -> None:
    calls = (
        ("set_transpose", (2, 0, 1)), ("set_channel_swap", (2, 1, 0)), ("set_raw_scale", 255), ("set_mean", MEAN),
        ("set_input_scale", 1), ("preprocess", np.zeros((4, 5, 3))), ("deprocess", np.zeros((3, 4, 5))),
    )  # fmt: skip
    for name, value in calls:
        with pytest.raises(Exception, match="label is not one of the net inputs"):
            getattr(transformer, name)("label", value)
    with pytest.raises(Exception, match="Transpose order needs"):
        transformer.set_transpose("data", (1, 0))
    with pytest.raises(Exception, match="Channel swap needs"):
        transformer.set_channel_swap("data", (1, 0))
    with pytest.raises(ValueError, match="Mean channels incompatible"):
        transformer.set_mean("data", np.zeros(2))
    with pytest.raises(ValueError, match="Mean shape invalid"):
        transformer.set_mean("data", np.zeros((1, 3, 4, 5)))


# caffe.io: messages


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (6,), (2, 1, 3)])
def test_blobproto_keeps_shape_data_and_diff(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    data, diff = rng.uniform(size=(2, *shape)).astype(np.float32)
    blob = caffe.io.array_to_blobproto(data, diff)
    assert tuple(blob.shape.dim) == shape
    assert np.array_equal(caffe.io.blobproto_to_array(blob), data)
    assert np.array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), diff)
    assert not caffe.io.array_to_blobproto(data).diff


def test_blobproto_of_four_old_fields_is_read() -> None:
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    assert np.array_equal(caffe.io.blobproto_to_array(blob), np.arange(6).reshape(1, 2, 1, 3))


def test_blobprotovector_keeps_every_array(rng: np.random.Generator) -> None:
    arrays = [rng.uniform(size=shape).astype(np.float32) for shape in ((2, 3), (4,), (1, 2, 3, 4))]
    text = caffe.io.arraylist_to_blobprotovector_str(arrays)
    assert isinstance(text, bytes)
    back = caffe.io.blobprotovector_str_to_arraylist(text)
    assert [array.shape for array in back] == [array.shape for array in arrays]
    assert all(np.array_equal(*pair) for pair in zip(arrays, back, strict=True))


def test_datum_of_bytes(rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    datum = caffe.io.array_to_datum(array, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 4, 5, 7)
    assert datum.data == array.tobytes()
    assert not datum.float_data
    back = caffe.io.datum_to_array(caffe_pb2.Datum.FromString(datum.SerializeToString()))
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)
    back += 1  # a copy that can be written to
    assert datum.data == array.tobytes()
    assert caffe.io.array_to_datum(array.transpose(2, 1, 0)).data == array.transpose(2, 1, 0).tobytes()


def test_datum_of_floats(rng: np.random.Generator) -> None:
    array = rng.normal(size=(3, 4, 5)).astype(np.float32)
    datum = caffe.io.array_to_datum(array)
    assert not datum.HasField("label")
    assert not datum.data
    back = caffe.io.datum_to_array(datum)
    assert back.dtype == np.float64
    assert np.array_equal(back, array)
    with pytest.raises(ValueError, match="Incorrect array shape"):
        caffe.io.array_to_datum(array[0])


# Classifier and Detector


@pytest.mark.parametrize("size", [6, 9])
def test_classifier_averages_ten_crops_or_takes_the_centre(net_files: tuple[str, str], rng: np.random.Generator, size: int) -> None:
    classifier = caffe.Classifier(*net_files, image_dims=(6, 6), **OPTIONS)
    images = [rng.uniform(size=(size, size, 3)).astype(np.float32) for _ in range(3)]
    resized = [stretched(image, (6, 6), triangle) for image in images]
    crops = [np.stack([prepared(crop) for crop in ten_crops(image, 4)]) for image in resized]
    expected = np.stack([judged(of_one, classifier).mean(axis=0) for of_one in crops])
    np.testing.assert_allclose(classifier.predict(images), expected, atol=2e-6)
    expected = judged(np.stack([of_one[4] for of_one in crops]), classifier)
    np.testing.assert_allclose(classifier.predict(images, oversample=False), expected, atol=2e-6)
    assert np.ptp(expected, axis=0).max() > 0.01  # answers that depend on the picture


def test_classifier_takes_the_whole_picture_unasked(net_files: tuple[str, str], rng: np.random.Generator) -> None:
    classifier = caffe.Classifier(*net_files)
    image = rng.uniform(size=(8, 8, 3)).astype(np.float32)
    whole = stretched(image, (4, 4), triangle).transpose(2, 0, 1)
    np.testing.assert_allclose(classifier.predict([image], oversample=False), judged(whole[None], classifier), atol=2e-6)


def test_detector_judges_windows(net_files: tuple[str, str], tmp_path: Path, rgb: Array) -> None:
    detector = caffe.Detector(*net_files, **OPTIONS)
    files = [stored(tmp_path, PIL.Image.fromarray(picture), f"{i}.png") for i, picture in enumerate((rgb, rgb[::-1]))]
    windows = np.array([[0, 0, 4, 4], [1, 2, 5, 7]])
    found = detector.detect_windows([(files[0], windows), (files[1], windows[:1])])
    assert [Path(one["filename"]).name for one in found] == ["0.png", "0.png", "1.png"]
    assert [one["window"].tolist() for one in found] == [[0, 0, 4, 4], [1, 2, 5, 7], [0, 0, 4, 4]]
    crops = [rgb[0:4, 0:4], rgb[1:5, 2:7], rgb[::-1][0:4, 0:4]]
    expected = judged(np.stack([prepared(stretched(crop / 255, (4, 4), triangle)) for crop in crops]), detector)
    np.testing.assert_allclose([one["prediction"] for one in found], expected, atol=2e-6)


@pytest.mark.parametrize("window", [(0, 0, 1, 1), (2, 2, 3, 3)])
def test_detector_pads_windows_with_context_and_mean(
    net_files: tuple[str, str], tmp_path: Path, rgb: Array, window: tuple[int, ...]
) -> None:
    detector = caffe.Detector(*net_files, context_pad=1, **OPTIONS)
    # The net's 4 pixels are 2 of the window and 1 of context on each side: a window of 2 gets 2 more on every side of its centre.
    expected = np.zeros((4, 4, 3)) + MEAN[::-1] / 255
    if window[0] == 0:
        expected[1:, 1:] = rgb[:3, :3] / 255  # one row and one column are beyond the picture
    else:
        expected[...] = rgb[1:5, 1:5] / 255
    crop = detector.crop(rgb / 255, np.array(window))
    np.testing.assert_allclose(crop, expected, atol=1e-6)
    found = detector.detect_windows([(stored(tmp_path, PIL.Image.fromarray(rgb)), np.array([window]))])
    np.testing.assert_allclose(found[0]["prediction"], judged(prepared(expected)[None], detector)[0], atol=2e-6)


def test_detector_pads_with_zero_where_there_is_no_mean(net_files: tuple[str, str], rgb: Array) -> None:
    crop = caffe.Detector(*net_files, context_pad=1).crop(rgb / 255, np.array([0, 0, 1, 1]))
    assert not crop[0].any()
    assert not crop[:, 0].any()
    np.testing.assert_allclose(crop[1:, 1:], rgb[:3, :3] / 255, atol=1e-6)


def test_detector_judges_what_selective_search_proposes(
    net_files: tuple[str, str], tmp_path: Path, rgb: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search itself is a MATLAB program of others; here it proposes one window a picture."""
    asked = []

    def get_windows(files: list[str], cmd: str) -> list[Array]:
        asked.append((files, cmd))
        return [np.array([[0, 0, 4, 4]])] * len(files)

    search = types.ModuleType("selective_search_ijcv_with_python")
    monkeypatch.setattr(search, "get_windows", get_windows, raising=False)
    monkeypatch.setitem(sys.modules, search.__name__, search)
    detector = caffe.Detector(*net_files, **OPTIONS)
    file = stored(tmp_path, PIL.Image.fromarray(rgb))
    found = detector.detect_selective_search([file])
    assert asked == [([file], "selective_search_rcnn")]
    assert [one["filename"] for one in found] == [file]
    np.testing.assert_allclose(found[0]["prediction"], judged(prepared(rgb[:4, :4] / 255)[None], detector)[0], atol=2e-6)


# caffe.draw


@pytest.fixture
def phases() -> Any:
    return text_format.Parse(PHASES, caffe_pb2.NetParameter())


def test_draw_labels(phases: Any) -> None:
    layers = {layer.name: layer for layer in phases.layer}
    draw = caffe.draw
    assert draw.get_pooling_types_dict() == {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}
    assert draw.get_edge_label(layers["test"]) == "Batch 100"
    assert draw.get_edge_label(layers["conv"]) == "20"
    assert draw.get_edge_label(layers["ip"]) == "10"
    assert draw.get_edge_label(layers["loss"]) == '""'
    assert draw.get_layer_lr_mult(layers["conv"]) == (1, 2)
    assert draw.get_layer_lr_mult(layers["ip"]) == (3, 1)
    with pytest.raises(ValueError, match="Pooling layers do not have"):
        draw.get_layer_lr_mult(layers["pool"])
    assert draw.get_layer_label(layers["pool"], "TB") == '"pool (Pooling AVE) kernel size: 3 stride: 1 pad: 0"'
    expected = r'"conv\n(Convolution)\nkernel size: 5\nstride: 2\npad: 1\nlr mult: 1.0, 2.0"'
    assert draw.get_layer_label(layers["conv"], "LR", display_lrm=True) == expected
    assert len({draw.choose_color_by_layertype(kind) for kind in ("Convolution", "Pooling", "InnerProduct", "ReLU")}) == 4


@pytest.mark.parametrize("label_edges", [True, False])
def test_graph_has_the_layers_and_edges_of_a_phase(phases: Any, label_edges: bool) -> None:
    everything = edges(phases, None, label_edges)
    test = edges_without_accuracy(phases, caffe.TEST, label_edges)
    train = edges_without_accuracy(phases, caffe.TRAIN, label_edges)
    batches = {"Batch 64", "Batch 100"} if label_edges else {'""'}
    assert {label for start, _, label in everything if start in ("train", "test")} == batches
    assert {start for start, _, _ in test} & {"train", "test"} == {"test"}
    assert {start for start, _, _ in train} & {"train", "test"} == {"train"}
    rest = {("data", "conv"), ("conv", "conv"), ("conv", "relu"), ("relu", "conv"), ("conv", "pool"), ("pool", "pool")}
    end = {("pool", "ip"), ("ip", "ip"), ("ip", "loss"), ("label", "loss"), ("loss", "loss")}
    for found in (test, train):
        assert rest | end <= {edge[:2] for edge in found}
    assert ("accuracy", "accuracy") in {edge[:2] for edge in everything}
    with pytest.raises(ValueError, match="accuracy has both include and exclude"):
        edges(phases, caffe.TEST, label_edges)


def edges_without_accuracy(net: Any, phase: int, label_edges: bool) -> set[tuple[str, str, str]]:
    rest = caffe_pb2.NetParameter(name=net.name, layer=[layer for layer in net.layer if layer.name != "accuracy"])
    return edges(rest, phase, label_edges)


def edges(net: Any, phase: int | None, label_edges: bool) -> set[tuple[str, str, str]]:
    """Start, end and label; of a layer's label the name."""
    graph = caffe.draw.get_pydot_graph(net, "TB", label_edges=label_edges, phase=phase)
    assert (graph.get_name(), graph.get_rankdir()) == (net.name, "TB")
    return {
        (edge.get_source().strip('"').split()[0], edge.get_destination().strip('"').split()[0], edge.get_label())
        for edge in graph.get_edges()
    }


def test_net_is_drawn_as_png_and_svg(phases: Any, tmp_path: Path) -> None:
    file = tmp_path / "net.png"
    caffe.draw.draw_net_to_file(phases, str(file), "TB", None, display_lrm=True)
    with PIL.Image.open(file) as picture:
        assert picture.format == "PNG"
        assert picture.height > picture.width > 100
    del phases.layer[6]
    drawn = caffe.draw.draw_net(phases, "LR", ext="svg", phase=caffe.TRAIN).decode()
    assert "(Convolution)" in drawn
    assert "Batch 64" in drawn
    assert "Batch 100" not in drawn


# caffe.net_spec and caffe.coord_map


def test_net_spec_writes_the_net() -> None:
    spec = caffe.NetSpec()
    spec.data, spec.label = L.DummyData(shape=[{"dim": [2, 3, 8, 8]}, {"dim": [2]}], ntop=2)
    spec.conv = L.Convolution(
        spec.data,
        kernel_size=3,
        num_output=np.int64(4),
        weight_filler={"type": "xavier"},
        param=[{"lr_mult": 1}, {"lr_mult": 2}],
    )
    spec.relu = L.ReLU(spec.conv, in_place=True)
    spec["pool"] = L.Pooling(spec.relu, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    spec.loss = L.SoftmaxWithLoss(L.InnerProduct(spec.pool, num_output=10), spec["label"])
    net = spec.to_proto()
    expected = """
    layer { name: "data" type: "DummyData" top: "data" top: "label"
      dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
      convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
    layer { name: "InnerProduct1" type: "InnerProduct" bottom: "pool" top: "InnerProduct1" inner_product_param { num_output: 10 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "InnerProduct1" bottom: "label" top: "loss" }
    """
    assert net == text_format.Parse(expected, caffe_pb2.NetParameter())
    alone = caffe.to_proto(L.Python(module="m", layer="C", param_str="{}"))
    assert [(layer.name, layer.type, layer.python_param.layer) for layer in alone.layer] == [("Python1", "Python", "C")]
    assert spec.pool.to_proto().layer[-1].pooling_param.pool == caffe_pb2.PoolingParameter.AVE
    assert net_spec.param_name_dict()["InnerProduct"] == "inner_product"
    with pytest.raises(TypeError, match="ReLU input 0 is not a Top"):
        L.ReLU("data")


def test_coord_map_of_convolution_pooling_and_deconvolution() -> None:
    data = L.Input()
    conv = L.Convolution(data, kernel_size=5, stride=2, pad=1, num_output=1)
    axis, scale, shift = coord_map.coord_map_from_to(L.ReLU(conv), data)
    assert (axis, scale, shift) == (1, 2, 1)  # output pixel i has its centre on input pixel 2 i + 1
    pool = L.Pooling(conv, kernel_size=2, stride=2)
    assert coord_map.coord_map_from_to(pool, data) == (1, 4, 2)
    up = L.Deconvolution(pool, convolution_param={"kernel_size": 8, "stride": 4, "pad": 0, "num_output": 1})
    assert coord_map.coord_map_from_to(up, data) == (1, 1, -1.5)
    with pytest.raises(RuntimeError, match="Could not compute map between tops"):
        coord_map.coord_map_from_to(L.InnerProduct(data, num_output=1), data)


def test_crop_layer_of_coord_map_is_cut_as_caffe_cuts(tmp_path: Path, rng: np.random.Generator) -> None:
    spec = caffe.NetSpec()
    spec.data = L.Input(shape={"dim": [1, 1, 9, 9]})
    spec.conv = L.Convolution(spec.data, kernel_size=3, num_output=1)
    spec.crop = coord_map.crop(spec.data, spec.conv)
    net = spec.to_proto()
    assert (net.layer[-1].crop_param.axis, list(net.layer[-1].crop_param.offset)) == (2, [1])
    file = tmp_path / "crop.prototxt"
    file.write_text(text_format.MessageToString(net))
    data = rng.uniform(size=(1, 1, 9, 9)).astype(np.float32)
    assert np.array_equal(caffe.Net(str(file), caffe.TEST).forward(data=data)["crop"], data[:, :, 1:8, 1:8])


# caffe.pycaffe


def test_net_names_its_parts(net_files: tuple[str, str]) -> None:
    net = caffe.Net(*net_files, caffe.TEST)
    assert isinstance(net, pycaffe.Net)
    assert (net.inputs, net.outputs) == (["data"], ["prob"])
    assert list(net.blobs) == ["data", "conv", "ip", "prob"]
    assert list(net.params) == ["conv", "ip"]
    assert list(net.layer_dict) == ["data", "conv", "relu", "ip", "prob"]
    assert net.top_names["relu"] == net.bottom_names["relu"] == ["conv"]
    assert dict(net.blob_loss_weights) == {"data": 0, "conv": 0, "ip": 0, "prob": 0}


def test_net_runs_more_pictures_than_a_batch(net_files: tuple[str, str], rng: np.random.Generator) -> None:
    net = caffe.Net(*net_files, caffe.TEST)
    pictures = rng.uniform(-1, 1, (10, 3, 4, 4)).astype(np.float32)
    found = net.forward_all(blobs=["ip"], data=pictures)
    np.testing.assert_allclose(found["prob"], judged(pictures, net), atol=2e-6)
    assert found["ip"].shape == (10, 5)
    with pytest.raises(Exception, match="Input is not batch sized"):
        net.forward(data=pictures)
    with pytest.raises(Exception, match="do not match net inputs"):
        net.forward(picture=pictures[:4])


def test_net_runs_back_more_pictures_than_a_batch(tmp_path: Path, net_files: tuple[str, str], rng: np.random.Generator) -> None:
    file = tmp_path / "back.prototxt"
    file.write_text("force_backward: true\n" + Path(net_files[0]).read_text())
    net = caffe.Net(str(file), net_files[1], caffe.TRAIN)
    pictures = rng.uniform(-1, 1, (8, 3, 4, 4)).astype(np.float32)
    above = rng.uniform(-1, 1, (8, 5)).astype(np.float32)
    blobs, diffs = net.forward_backward_all(data=pictures, prob=above)
    prob = judged(pictures, net)
    np.testing.assert_allclose(blobs["prob"], prob, atol=2e-6)
    step = 1e-3 * rng.uniform(-1, 1, pictures.shape)
    risen = (judged(pictures + step, net) - judged(pictures - step, net)) / 2
    np.testing.assert_allclose((diffs["data"] * step).sum(axis=(1, 2, 3)), (risen * above).sum(axis=1), atol=2e-6)


def test_memory_data_takes_arrays(tmp_path: Path, rng: np.random.Generator) -> None:
    file = tmp_path / "memory.prototxt"
    file.write_text(
        'layer { name: "data" type: "MemoryData" top: "data" top: "label" '
        "memory_data_param { batch_size: 2 channels: 1 height: 3 width: 4 } }"
    )
    net = caffe.Net(str(file), caffe.TEST)
    data = rng.uniform(size=(4, 1, 3, 4)).astype(np.float32)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    for first in (0, 2):
        found = net.forward()
        assert np.array_equal(found["data"], data[first : first + 2])
        assert found["label"].ravel().tolist() == [first, first + 1]
