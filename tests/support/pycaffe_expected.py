"""What tests of pycaffe's Python package share: Caffe itself, fixtures, and what is expected of pictures. A plugin of pytest.

The tests are those in tests/device/pycaffe, which test_caffe_io.py runs in a process of their own for each Caffe.

BARISTA_TEST_CAFFE names it: "stock", or the device whose layers barista.load() brings and whose types the nets then have. What is
expected is computed here, by NumPy alone, from what scikit-image 0.13 and the NumPy of its time did.
"""

from __future__ import annotations

import os
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


def ten_crops(image: Array, size: int) -> Array:
    height, width = image.shape[:2]
    places = [(y, x) for y in (0, height - size) for x in (0, width - size)] + [((height - size) // 2, (width - size) // 2)]
    crops = [image[y : y + size, x : x + size] for y, x in places]
    return np.stack(crops + [crop[:, ::-1] for crop in crops])
