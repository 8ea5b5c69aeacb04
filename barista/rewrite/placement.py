"""Which layers of a net the device runs: decides layer by layer, writes the decision as layer types, and takes it back.

A device layer's type is `FPGA` + the stock name and takes the stock parameter message, so rewriting changes `type` and nothing
else, and restoring is exact. Each decision is made anew from the stock type: rewriting a rewritten net with the same options
changes nothing. Nets must be in Caffe's present format (barista.net.upgrade): the upgrade knows stock type names only.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from barista.errors import BaristaError
from barista.layers import types
from barista.layers.layer_type import IN_TESTING
from barista.net.prototxt import did_you_mean
from barista.net.schema import LayerParameter, NetParameter
from barista.net.source import Net, Solver

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
            layer.type = types.device_type(layer.type)
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
        layer.type = types.stock_type(layer.type)
    return restored


# --- what the device can run ---------------------------------------------------------------------------------------------------


def _decide(layer: LayerParameter, selection: Selection) -> Decision:
    if types.of(layer.type).is_view:
        return Decision(layer.name, layer.type, Place.VIEW, "")
    reason = _reason_against(layer) or selection.reason_against(layer.name)
    return Decision(layer.name, layer.type, Place.CPU if reason else Place.DEVICE, reason)


def _reason_against(layer: LayerParameter) -> str:
    row = types.of(layer.type)
    return (row.obstacle(layer) or _foreign_options(layer)) if row.on_device else row.stays


def _foreign_options(layer: LayerParameter) -> str:
    """A device layer reads param_str as its own options, a JSON object, and refuses what it does not know: all but "bitstream"."""
    text = layer.python_param.param_str
    try:
        options = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        options = None
    ours = isinstance(options, dict) and set(options) <= {"bitstream"} and all(isinstance(value, str) for value in options.values())
    return "" if ours else "python_param: its param_str is not a device layer's"


# --- work in place -------------------------------------------------------------------------------------------------------------


def _with_stores(net: NetParameter, decisions: Sequence[Decision]) -> Iterator[Decision]:
    """The decisions, with what is left to another layer's store: device layers in place, right after one on the PE array."""
    grid, blob = "", ""  # the layer whose store the next one may be put into, and what it makes
    rectified = False
    when = ""  # the store is still to come, if what is before this layer went there as well
    for layer, decision in zip(net.layer, decisions, strict=True):
        on_device = decision.place is Place.DEVICE
        row = types.of(decision.type)
        work = row.post_op
        in_place = [*layer.bottom] == [*layer.top] == [blob]
        if on_device and row.takes_post_ops:
            grid, blob = layer.name, layer.top[0] if len(layer.top) == 1 else ""
            rectified, when = False, ""
        elif on_device and in_place and work and work.fits(layer) and (work.rectifies or not rectified):
            rectified = rectified or work.rectifies
            when = when or work.when
            decision = replace(decision, reason=f"fused into {grid}{when}")
            when = when and IN_TESTING
        else:
            blob = ""
        yield decision


def _with_gradients(net: NetParameter, decisions: Sequence[Decision]) -> Iterator[Decision]:
    """The decisions, with the device layers whose gradient stock Caffe makes of what work in place has overwritten."""
    layers = list(zip(net.layer, decisions, strict=True))
    for number, (layer, decision) in enumerate(layers):
        if decision.place is Place.DEVICE and layer.top:
            row = types.of(decision.type)
            in_place = [*layer.bottom] == [*layer.top]
            over = _overwrites(layer.top[0], layers[number + 1 :], signs_only=row.needs_signs)
            note = ""
            if in_place and row.loses_src(layer):
                note = f"{WRONG_IN_STOCK}: it works in place"
            elif over and row.reads_dst(layer, in_place):
                note = f"{WRONG_IN_STOCK}: '{over}' overwrites its top"
            decision = replace(decision, reason="; ".join(filter(None, (decision.reason, note))))
        yield decision


def _overwrites(blob: str, later: Sequence[tuple[LayerParameter, Decision]], *, signs_only: bool) -> str:
    """The first of the `later` layers of the device that overwrites `blob` in place; with `signs_only`, where signs may change."""
    same = {blob}  # blobs of the same memory
    for other, decision in later:
        row = types.of(decision.type)
        if [*other.bottom] == [*other.top] and same.issuperset(other.top):
            if decision.place is Place.DEVICE and not (signs_only and row.keeps_signs(other)):
                return str(other.name)
        elif other.bottom and same.issuperset(other.bottom) and row.shares_memory(other):
            same.update(other.top)
        else:
            same.difference_update(other.top)
    return ""


# --- which layers a selection names --------------------------------------------------------------------------------------------


def _first_match(patterns: Sequence[str], layer: str) -> str | None:
    return next((pattern for pattern in patterns if _matches(pattern, layer)), None)


def _matches(pattern: str, layer: str) -> bool:
    return pattern == layer or fnmatch.fnmatchcase(layer, pattern)  # equal first: a name may hold [ and *
