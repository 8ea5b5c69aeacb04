"""caffe.io: Transformer, and arrays as messages. Run by test_caffe_io.py."""

from __future__ import annotations

from typing import Any

import caffe
import caffe.draw
import numpy as np
import pytest
from caffe.proto import caffe_pb2
from pycaffe_expected import MEAN, stretched, triangle

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
