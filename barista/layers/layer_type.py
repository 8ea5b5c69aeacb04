"""What a row of the table of layer types holds: all that Barista knows of one stock layer type.

`layer` is a LayerParameter of the stock type everywhere. A field that is left out says what holds of most types, or of one of which
nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from barista.layers.tolerances import Tolerance
from barista.net.shapes import Shape, Shapes

# Layers of one family share a colour in a timeline, and a line in the documents.
Family = Literal[
    "convolution",
    "inner product",
    "pooling",
    "activation",
    "normalization",
    "loss",
    "joining, splitting",
    "data",
    "other",
]


IN_TESTING = " in testing, else here"  # a post-op's `when`


def never(_layer: Any) -> bool:
    return False


def always(_layer: Any) -> bool:
    return True


@dataclass(frozen=True)
class PostOp:
    """Work of a layer in place that the layer before it can do in the store of its results."""

    fits: Callable[[Any], bool] = always
    when: str = ""  # the passes in which it is done there, where that is not all of them
    rectifies: bool = False  # nothing else is done in the store after it


@dataclass(frozen=True)
class Example:
    """A layer that stands for its type in tests. Bottoms a and b are of 6 x 5 x 7 x 6, labels l of 6 x 1 x 7 x 6."""

    parameters: str = ""  # prototxt
    bottoms: tuple[str, ...] = ("a",)
    tops: int = 1

    def layer(self, layer_type: str) -> str:
        """Prototxt of a layer of that name and type."""
        tops = [layer_type, *(f"{layer_type} {i}" for i in range(1, self.tops))]
        blobs = [*(f'bottom: "{blob}"' for blob in self.bottoms), *(f'top: "{blob}"' for blob in tops)]
        return f'layer {{ name: "{layer_type}" type: "{layer_type}" {" ".join(blobs)} {self.parameters} }}\n'


@dataclass(frozen=True)
class DataSource:
    """How a type of data layer says its batch and the shape of one image."""

    parameter: str  # the field of LayerParameter that holds `batch_size`
    image: Callable[[Any], Shape | None] = lambda layer: (
        None
    )  # channels x height x width before cropping, None where it can't be told


@dataclass(frozen=True)
class SuiteException:
    """Tests of Caffe's that are known not to pass on the device."""

    suite: str
    test: str  # GoogleTest's name, with * and ? as in file names
    outcome: Literal["stock code", "failure"]  # they pass, on stock Caffe's code; they fail
    why: str


@dataclass(frozen=True)
class LayerType:
    name: str  # the stock type
    family: Family = "other"

    # --- where a layer of the type runs
    on_device: bool = False  # whether there is a device layer of the type: FPGA and its name
    obstacle: Callable[[Any], str] = lambda layer: ""  # what keeps one such layer off the device; empty: nothing
    stays: str = "no device layer of this type yet"  # why no layer of the type is on the device
    is_view: bool = False  # it computes nothing: its top is its bottom's memory under another shape
    unless: str = ""  # for the documents: what keeps a layer off the device
    remark: str = ""  # for the documents: what is done of it, or left out

    # --- blobs
    source: DataSource | None = None  # of a type that reads data
    parameters: Callable[[Any], int] | None = None  # blobs of them, as the message says; None: those that `param` mentions
    statistics: bool = False  # its parameters are averages, above zero: measured, not learned, so without a gradient
    reads: int | None = None  # of how many bottoms it takes more than the shape; None: of all
    makes_once: Callable[[Any, int], bool] = lambda layer, top: False  # whether a top, by its number, is made once and never again
    shares_memory: Callable[[Any], bool] = never  # its tops are its bottom's memory
    keeps_values: bool = False  # its tops hold its bottom's values, or some of them
    # The number of the bottom whose values choose from something, and from how many; as in caffe_layers/layers/label_check.hpp.
    chooses: Callable[[Any, tuple[Shape, ...]], tuple[int, int]] | None = None

    # --- work
    multiply_adds: Callable[[Any, Shapes], int] = lambda layer, shapes: 0  # products added to a sum, in one forward pass
    # The operation that plans the layer's passes in training, as in caffe_layers/plan/operations.hpp; None of one that has none.
    operation: Callable[[Any, Shapes], Mapping[str, Any] | None] = lambda layer, shapes: None
    takes_post_ops: bool = False  # its results go through the store that can do other layers' work
    post_op: PostOp | None = None  # its own work in such a store

    # --- gradients, where layers work in place
    loses_src: Callable[[Any], bool] = never  # stock Caffe's gradient is wrong where the layer works in place
    reads_dst: Callable[[Any, bool], bool] = lambda layer, in_place: False  # stock Caffe's gradient is made of what the layer made
    needs_signs: bool = False  # of what the layer made, its gradient takes no more than signs
    keeps_signs: Callable[[Any], bool] = never  # in place, it leaves all signs as they are

    # --- comparisons with stock Caffe
    tolerance: Tolerance = field(default_factory=lambda: Tolerance(linear=False))  # of a function of which nothing is known
    example: Example = Example()
    suites: tuple[str, ...] = ()  # test_NAME.cpp of Caffe in which it must run on the device, forward and backward
    suite_exceptions: tuple[SuiteException, ...] = ()
