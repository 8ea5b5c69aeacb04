"""caffe.Classifier, Detector and draw, net_spec, coord_map, and what pycaffe adds to a net. Run by test_caffe_io.py."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import caffe
import caffe.draw
import numpy as np
import PIL.Image
import pytest
from caffe import coord_map, net_spec, pycaffe
from caffe import layers as L  # noqa: N812
from caffe import params as P  # noqa: N812
from caffe.proto import caffe_pb2
from google.protobuf import text_format
from pycaffe_expected import MEAN, OPTIONS, PHASES, Array, judged, prepared, stored, stretched, ten_crops, triangle

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
