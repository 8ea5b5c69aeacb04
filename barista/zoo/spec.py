"""Nets as they are written here: in the manner of caffe.net_spec, where a call adds a layer and returns its top.

net_spec itself brings libcaffe into the process, where libbarista has to come first; messages alone do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from barista.net import schema

Fields = dict[str, Any]

XAVIER: Fields = {"type": "xavier"}
MSRA: Fields = {"type": "msra"}
ZERO: Fields = {"type": "constant"}
ONCE: Fields = {"lr_mult": 1, "decay_mult": 1}
TWICE: Fields = {"lr_mult": 2, "decay_mult": 0}


@dataclass(frozen=True)
class Example:
    """A net as it is trained."""

    net: Any  # NetParameter
    solver: Any  # SolverParameter that names no net
    images: Mapping[str, tuple[int, ...]]  # one item of each blob that data layers make, labels of one number left out


class Spec:
    """A net to which each call adds a layer. It takes and returns the names of blobs."""

    def __init__(self, name: str, rates: Sequence[Fields] = (ONCE, TWICE)) -> None:
        """`rates` are those of weights and biases of a layer that has both; without, Caffe's defaults."""
        self._net = schema.new("NetParameter")
        self._net.name = name
        self._rates = list(rates)

    def add(self, kind: str, name: str, *bottoms: str, tops: Sequence[str] = (), **fields: Any) -> str:
        """A layer with any fields of LayerParameter; the first of its tops, which is called like the layer where none is given."""
        layer = {"name": name, "type": kind, "bottom": list(bottoms), "top": list(tops or [name]), **fields}
        json_format.ParseDict(layer, self._net.layer.add())
        return tops[0] if tops else name

    def data(self, source: str, parts: Sequence[str], means: Sequence[float], crop: int, *batches: int) -> str:
        """Images and labels to train and to test with, from the LMDBs that end in `parts`; mirrored at random in training."""
        for phase, part, batch in zip(("TRAIN", "TEST"), parts, batches, strict=True):
            self.add(
                "Data",
                "data",
                tops=["data", "label"],
                include=[{"phase": phase}],
                transform_param={"mirror": phase == "TRAIN", "crop_size": crop, "mean_value": list(means)},
                data_param={"source": f"{source}_{part}_lmdb", "batch_size": batch, "backend": "LMDB"},
            )
        return "data"

    def imagenet(self, crop: int, batch: int, test_batch: int) -> str:
        return self.data("examples/imagenet/ilsvrc12", ("train", "val"), [104, 117, 123], crop, batch, test_batch)

    def conv(self, src: str, name: str, outputs: int, kernel: int = 1, *, filler: Fields = XAVIER, **window: int) -> str:
        param = {"num_output": outputs, "kernel_size": [kernel], "weight_filler": filler, **_lists(window)}
        return self.add("Convolution", name, src, param=self._rates, convolution_param=param)

    def normalised(
        self, src: str, name: str, outputs: int, kernel: int = 1, suffix: str = "", *, decay: float = 1, **window: int
    ) -> str:
        """A convolution without bias, and BatchNorm and Scale in its place, which are called bn and scale with `suffix`."""
        suffix = suffix or f"_{name}"
        param = {"num_output": outputs, "kernel_size": [kernel], "weight_filler": MSRA, "bias_term": False, **_lists(window)}
        top = self.add("Convolution", name, src, param=[{"lr_mult": 1, "decay_mult": decay}], convolution_param=param)
        self.add("BatchNorm", f"bn{suffix}", top, tops=[top])
        return self.add("Scale", f"scale{suffix}", top, tops=[top], scale_param={"bias_term": True})

    def upsample(self, src: str, name: str, channels: int, factor: int) -> str:
        """Deconvolution by `factor`, not learned."""
        param = {"num_output": channels, "kernel_size": [2 * factor], "stride": [factor], "bias_term": False}
        return self.add("Deconvolution", name, src, param=[{"lr_mult": 0}], convolution_param=param)

    def crop(self, src: str, name: str, like: str, offset: int) -> str:
        """Rows and columns from `offset` on, as many as `like` has."""
        return self.add("Crop", name, src, like, crop_param={"axis": 2, "offset": [offset]})

    def inner_product(self, src: str, name: str, outputs: int, filler: Fields = XAVIER) -> str:
        param = {"num_output": outputs, "weight_filler": filler}
        return self.add("InnerProduct", name, src, param=self._rates, inner_product_param=param)

    def pool(self, src: str, name: str, kernel: int, stride: int, **more: Any) -> str:
        return self.add("Pooling", name, src, pooling_param={"pool": "MAX", "kernel_size": kernel, "stride": stride, **more})

    def mean_over_image(self, src: str, name: str) -> str:
        return self.add("Pooling", name, src, pooling_param={"pool": "AVE", "global_pooling": True})

    def relu(self, src: str, name: str) -> str:
        return self.add("ReLU", name, src, tops=[src])

    def dropout(self, src: str, name: str, ratio: float) -> str:
        return self.add("Dropout", name, src, tops=[src], dropout_param={"dropout_ratio": ratio})

    def classify(self, scores: str, *, top_5: bool = True) -> None:
        """The loss, and in tests how often the label is first, or among the first five."""
        test: Fields = {"include": [{"phase": "TEST"}]}
        self.add("Accuracy", "accuracy", scores, "label", **test)
        if top_5:
            self.add("Accuracy", "accuracy_top5", scores, "label", accuracy_param={"top_k": 5}, **test)
        self.add("SoftmaxWithLoss", "loss", scores, "label")

    def example(self, images: Mapping[str, tuple[int, ...]], **solver: Any) -> Example:
        """The net and its solver: `solver` are fields of SolverParameter, SGD with momentum 0.9 where they say nothing else."""
        param = schema.new("SolverParameter")
        json_format.ParseDict({"momentum": 0.9, "display": 20, "solver_mode": "CPU", **solver}, param)
        return Example(self._net, param, images)


def _lists(window: Mapping[str, int]) -> Fields:
    """A window's fields as the message has them: repeated, but for the number of groups."""
    return {field: value if field == "group" else [value] for field, value in window.items()}
