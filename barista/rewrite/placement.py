"""Which layers of a net the device runs: decides layer by layer, writes the decision as layer types, and takes it back.

A device layer's type is `FPGA` + the stock name and takes the stock parameter message, so rewriting changes `type` and nothing
else, and restoring is exact. Each decision is made anew from the stock type: rewriting a rewritten net with the same options
changes nothing. Nets must be in Caffe's present format (barista.net.upgrade): the upgrade knows stock type names only.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from barista.errors import BaristaError
from barista.net.prototxt import did_you_mean
from barista.net.schema import LayerParameter, NetParameter
from barista.net.source import Net, Solver

PREFIX = "FPGA"
WRONG_IN_STOCK = "here its gradient is right, in stock Caffe wrong"  # in a decision's reason


class Place(Enum):
    """Where a layer's work is done."""

    DEVICE = "device"
    VIEW = "view"  # nowhere: its top is its bottom's memory under another shape, wherever that lies
    CPU = "CPU"


@dataclass(frozen=True)
class Decision:
    """Where one layer runs; `reason` says why not on the device, in what other layer's store, or what is not as in stock Caffe."""

    layer: str
    type: str  # the stock type, whatever the net says now
    place: Place
    reason: str

    @property
    def on_device(self) -> bool:
        """Whether nothing has to leave the device for this layer."""
        return self.place is not Place.CPU


@dataclass(frozen=True)
class Placed:
    """A net whose layers have the types of where they run."""

    net: NetParameter
    decisions: tuple[Decision, ...]  # one a layer, in the net's order


@dataclass(frozen=True)
class Selection:
    """The layers that may go to the device: globs on layer names, `*` matching `/` too. Empty `only` means all."""

    only: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()

    def reason_against(self, layer: str) -> str:
        """Why `layer` is left out, or an empty string."""
        pattern = _first_match(self.excepted, layer)
        if pattern is not None:
            return f"left out by --except '{pattern}'"
        if self.only and _first_match(self.only, layer) is None:
            return "not named by --only"
        return ""

    def check(self, layers: Iterable[str], name: str) -> None:
        """Raises BaristaError for a pattern that matches none of `layers`; `name` is what the sentence calls the net."""
        names = list(layers)
        for option, patterns in (("--only", self.only), ("--except", self.excepted)):
            for pattern in patterns:
                if not any(_matches(pattern, layer) for layer in names):
                    raise BaristaError(f"{name}: {option} '{pattern}' matches no layer{did_you_mean(pattern, names)}")


ALL = Selection()


def place(net: NetParameter, selection: Selection = ALL) -> Placed:
    """A copy of `net` whose layers run on the device where they can and `selection` lets them, and the decision on each."""
    placed = restore(net)
    decisions = tuple(_decide(layer, selection) for layer in placed.layer)
    for layer, decision in zip(placed.layer, decisions, strict=True):
        if decision.place is Place.DEVICE:
            layer.type = PREFIX + layer.type
    return Placed(placed, tuple(_with_gradients(placed, [*_with_stores(placed, decisions)])))


def place_nets(opened: Net | Solver, selection: Selection = ALL) -> tuple[Placed, ...]:
    """Each net of `opened` placed. Raises BaristaError for a pattern of `selection` that matches no layer of any."""
    selection.check([layer.name for net in opened.nets for layer in net.message.layer], str(opened.origin))
    return tuple(place(net.message, selection) for net in opened.nets)


def restore(net: NetParameter) -> NetParameter:
    """A copy of `net` with stock types only."""
    restored = type(net)()
    restored.CopyFrom(net)
    for layer in restored.layer:
        if is_device_type(layer.type):
            layer.type = stock_type(layer.type)
    return restored


def is_device_type(layer_type: str) -> bool:
    return layer_type.startswith(PREFIX) and layer_type.removeprefix(PREFIX) in _OBSTACLES


def stock_type(layer_type: str) -> str:
    """The stock name of a type, device type or not."""
    return layer_type.removeprefix(PREFIX) if is_device_type(layer_type) else layer_type


# --- what the device can run ---------------------------------------------------------------------------------------------------


def _decide(layer: LayerParameter, selection: Selection) -> Decision:
    if layer.type in _VIEWS:
        return Decision(layer.name, layer.type, Place.VIEW, "")
    reason = _reason_against(layer) or selection.reason_against(layer.name)
    return Decision(layer.name, layer.type, Place.CPU if reason else Place.DEVICE, reason)


def _with_stores(net: NetParameter, decisions: Sequence[Decision]) -> Iterator[Decision]:
    """The decisions, with what is left to another layer's store: device layers in place, right after one on the multiply grid."""
    grid, blob = "", ""  # the layer whose store the next one may be put into, and what it makes
    rectified = False
    when = ""  # the store is still to come, if what is before this layer went there as well
    for layer, decision in zip(net.layer, decisions, strict=True):
        on_device = decision.place is Place.DEVICE
        if on_device and decision.type in _ON_GRID:
            grid, blob = layer.name, layer.top[0] if len(layer.top) == 1 else ""
            rectified, when = False, ""
        elif on_device and [*layer.bottom] == [*layer.top] == [blob] and _fits_store(layer, decision.type, rectified):
            rectified = rectified or decision.type == "ReLU"
            when = when or _STORED[decision.type]
            decision = replace(decision, reason=f"in {grid}'s store{when}")
            when = when and _IN_TESTING
        else:
            blob = ""
        yield decision


_ON_GRID = ("Convolution", "Deconvolution", "InnerProduct")
_IN_TESTING = " in testing, else here"
# What the store does in place for who follows, and when.
_STORED = {"ReLU": "", "Bias": "", "BatchNorm": " with the statistics so far, else here", "Scale": _IN_TESTING}


def _fits_store(layer: LayerParameter, stock: str, rectified: bool) -> bool:
    if stock == "ReLU":
        return bool(layer.relu_param.negative_slope == 0)
    # One number a channel.
    axes = {"Scale": layer.scale_param, "Bias": layer.bias_param}
    plain = stock not in axes or (axes[stock].axis == 1 and axes[stock].num_axes == 1)
    return stock in _STORED and not rectified and plain


def _with_gradients(net: NetParameter, decisions: Sequence[Decision]) -> Iterator[Decision]:
    """The decisions, with the device layers whose gradient stock Caffe makes of what work in place has overwritten."""
    layers = list(zip(net.layer, decisions, strict=True))
    for number, (layer, decision) in enumerate(layers):
        if decision.place is Place.DEVICE and layer.top:
            in_place = [*layer.bottom] == [*layer.top]
            over = _overwrites(layer.top[0], layers[number + 1 :], signs_only=decision.type == "ReLU")
            note = ""
            if in_place and _loses_src(layer, decision.type):
                note = f"{WRONG_IN_STOCK}: it works in place"
            elif over and _reads_dst(layer, decision.type, in_place):
                note = f"{WRONG_IN_STOCK}: '{over}' overwrites its top"
            decision = replace(decision, reason="; ".join(filter(None, (decision.reason, note))))
        yield decision


def _overwrites(blob: str, later: Sequence[tuple[LayerParameter, Decision]], *, signs_only: bool) -> str:
    """The first of the `later` layers of the device that overwrites `blob` in place; with `signs_only`, where signs may change."""
    same = {blob}  # blobs of the same memory
    for other, decision in later:
        if [*other.bottom] == [*other.top] and same.issuperset(other.top):
            keeps_signs = decision.type == "Dropout" or (decision.type == "ReLU" and other.relu_param.negative_slope >= 0)
            if decision.place is Place.DEVICE and not (signs_only and keeps_signs):
                return str(other.name)
        elif same.issuperset(other.bottom) and _shares_memory(other, decision.type):
            same.update(other.top)
        else:
            same.difference_update(other.top)
    return ""


def _shares_memory(layer: LayerParameter, stock: str) -> bool:
    alone = (stock == "Concat" and len(layer.bottom) == 1) or (stock == "Slice" and len(layer.top) == 1)
    return bool(layer.bottom) and (stock in _VIEWS or stock == "Split" or alone)


def _loses_src(layer: LayerParameter, stock: str) -> bool:
    """Whether stock Caffe's gradient is wrong in place."""
    power = layer.power_param
    wrong = {
        "BNLL": True,
        "ELU": layer.elu_param.alpha < 0,
        "Log": True,
        "Power": power.power * power.scale != 0,
        "ReLU": layer.relu_param.negative_slope < 0,
    }
    return bool(wrong.get(stock, False))


def _reads_dst(layer: LayerParameter, stock: str, in_place: bool) -> bool:
    """Whether stock Caffe's gradient is made of what the layer made."""
    power, eltwise = layer.power_param, layer.eltwise_param
    reads = {
        "ELU": True,
        "Eltwise": eltwise.operation == eltwise.PROD and not eltwise.stable_prod_grad,
        "Exp": True,
        "LRN": True,
        "Power": power.power not in (0, 1, 2) and power.scale != 0,
        "ReLU": in_place,
        "Sigmoid": True,
        "Softmax": True,
        "TanH": True,
    }
    return bool(reads.get(stock, False))


def _reason_against(layer: Any) -> str:
    obstacle = _OBSTACLES.get(layer.type)
    if obstacle is None:
        return _STAY.get(layer.type, "no device layer of this type yet")
    return obstacle(layer) or _foreign_options(layer)


def _foreign_options(layer: Any) -> str:
    """A device layer reads param_str as its own options, a JSON object, and refuses what it does not know; none has any so far."""
    text = layer.python_param.param_str
    try:
        empty = not text or json.loads(text) == {}
    except (ValueError, RecursionError):
        empty = False
    return "" if empty else "python_param: its param_str is not a device layer's"


def _convolution(layer: Any) -> str:
    param = layer.convolution_param
    axes = max(len(field) for field in (param.kernel_size, param.stride, param.pad, param.dilation))
    return f"{axes}-D: the device convolves up to 2-D" if axes > 2 else ""


def _apart(layer: Any) -> str:
    return "its top is one of its bottoms: the device keeps them apart" if set(layer.top) & set(layer.bottom) else ""


def _nothing(_layer: Any) -> str:
    return ""


# The stock types that have a device layer, and what keeps one such layer from it. A new operation adds a line.
_OBSTACLES: dict[str, Callable[[Any], str]] = {
    "AbsVal": _nothing,
    "Accuracy": _nothing,
    "BatchNorm": _nothing,
    "Bias": _nothing,
    "BNLL": _nothing,
    "Concat": _nothing,
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Dropout": _nothing,
    "Eltwise": _apart,
    "ELU": _nothing,
    "EuclideanLoss": _nothing,
    "Exp": _nothing,
    "InnerProduct": _nothing,
    "Log": _nothing,
    "LRN": _apart,
    "Pooling": _nothing,
    "Power": _nothing,
    "PReLU": _nothing,
    "ReLU": _nothing,
    "Scale": _nothing,
    "Sigmoid": _nothing,
    "SigmoidCrossEntropyLoss": _nothing,
    "Slice": _nothing,
    "Softmax": _nothing,
    "SoftmaxWithLoss": _nothing,
    "Split": _nothing,
    "TanH": _nothing,
    "Threshold": _nothing,
}

# Stock layers that compute nothing: a blob that they make is the memory that they were given.
_VIEWS = frozenset({"Flatten", "Reshape"})

# Types that have no use for a device layer, and why.
_STAY = {
    **dict.fromkeys(("Data", "ImageData", "WindowData", "HDF5Data"), "reads and prepares data"),
    **dict.fromkeys(("DummyData", "Input", "MemoryData"), "holds data that the host makes"),
    "HDF5Output": "writes a file",
    "Python": "is code of your own",
    "Silence": "computes nothing",
}


def _first_match(patterns: Sequence[str], layer: str) -> str | None:
    return next((pattern for pattern in patterns if _matches(pattern, layer)), None)


def _matches(pattern: str, layer: str) -> bool:
    return pattern == layer or fnmatch.fnmatchcase(layer, pattern)  # equal first: a name may hold [ and *
