"""What of a net has to cross between host and device in each step, as far as its prototxt tells: before anything is made or run.

A layer on the CPU has copied out what it takes of the device's, values forward and gradients backward, and what it makes is copied
in where a device layer takes it. Losses that the device makes are copied out, for Caffe adds them up on the host. Sizes are not
known here; barista.profile.transfers says of a step that was run what each copy was for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from barista.net import data_files
from barista.rewrite.graph import Graph
from barista.rewrite.placement import Decision, Place


@dataclass(frozen=True)
class Crossing:
    """What one layer on the CPU has copied in one direction, or the copies of losses."""

    into_device: bool
    layer: str  # the layer on the CPU; empty of losses
    reason: str  # why it is there
    values: tuple[str, ...]  # blobs
    gradients: tuple[str, ...]  # of these blobs


@dataclass(frozen=True)
class Plan:
    is_training: bool  # whether there is a loss: else a pass is forward only
    is_on_device: bool  # whether any layer is
    crossings: tuple[Crossing, ...]  # in the net's order


def plan(net: Any, decisions: Sequence[Decision], state: Any) -> Plan:
    """Of a net of stock or device types, with its decisions, one a layer, in training; `state` is the solver's train_state."""
    effective = data_files.state_of(net, "TRAIN", state)
    kept = [
        (layer, decision) for layer, decision in zip(net.layer, decisions, strict=True) if data_files.includes(effective, layer)
    ]
    nodes, at = _with_splits(kept)
    passes = _Backward(nodes, force=net.force_backward)
    return Plan(
        is_training=any(_weighs_on_loss(node) for node in nodes),
        is_on_device=any(decision.place is Place.DEVICE for _, decision in kept),
        crossings=tuple(_crossings(nodes, at, passes)),
    )


def sentences(found: Plan) -> list[str]:
    step = "each training step" if found.is_training else "each forward pass"
    if not found.is_on_device:
        return [f"{step} copies nothing: no layer is on the device"]
    return [f"{step} copies {_sentence(crossing)}" for crossing in found.crossings] or [f"{step} copies nothing"]


def _sentence(crossing: Crossing) -> str:
    blobs = [*crossing.values, *(f"the gradient of {blob}" for blob in crossing.gradients)]
    if not crossing.layer:
        return f"out {enumerated(blobs)}, which Caffe adds up"
    way, does = ("in", "makes") if crossing.into_device else ("out", "takes")
    return f"{way} {enumerated(blobs)}, which {crossing.layer} {does} ({crossing.reason})"


def enumerated(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


# --- the net as Caffe makes it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Node:
    """A layer, or a Split that Caffe puts in."""

    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    param: Any  # LayerParameter; None of a Split of Caffe's


def _with_splits(layers: Sequence[tuple[Any, Decision]]) -> tuple[list[_Node], list[Decision]]:
    """The layers with a Split after each blob that several take, and the decisions on all."""
    source: dict[str, tuple[int, str]] = {}  # of each blob, the layer that wrote it last
    takers: dict[
        tuple[int, str], list[tuple[int, int]]
    ] = {}  # of each such writing, who reads it: layers, and which of their bottoms
    for number, (layer, _) in enumerate(layers):
        for i, blob in enumerate(layer.bottom):
            if blob in source:
                takers.setdefault(source[blob], []).append((number, i))
        source.update({blob: (number, blob) for blob in layer.top})
    bottoms = {}
    for (_, blob), readers in takers.items():
        for turn, reader in enumerate(readers):
            bottoms[reader] = f"{blob}_split_{turn}" if len(readers) > 1 else blob
    nodes, decisions = [], []
    for number, (layer, decision) in enumerate(layers):
        taken = tuple(bottoms.get((number, i), blob) for i, blob in enumerate(layer.bottom))
        nodes.append(_Node(layer.name, taken, tuple(layer.top), layer))
        decisions.append(decision)
        for blob in dict.fromkeys(layer.top):
            readers = takers.get((number, blob), [])
            if len(readers) > 1:
                nodes.append(_Node(f"{blob}_split", (blob,), tuple(bottoms[reader] for reader in readers), None))
                decisions.append(Decision(f"{blob}_split", "Split", Place.DEVICE, ""))
    return nodes, decisions


class _Backward:
    """Which layers have a backward pass, and of which bottoms they make a gradient: by the rules of Caffe's Net::Init."""

    def __init__(self, nodes: Sequence[_Node], *, force: bool) -> None:
        self._nodes = nodes
        self._gives: list[set[str]] = []  # of each layer, the bottoms
        self._is_run: list[bool] = []
        learned: set[str] = set()
        for node in nodes:
            asked = node.param.propagate_down if node.param is not None else ()
            wants = asked or [blob in learned for blob in node.bottoms]
            self._gives.append({blob for blob, wanted in zip(node.bottoms, wants, strict=False) if wanted})
            runs = bool(learned & set(node.bottoms)) or _learns(node)
            self._is_run.append(runs)
            learned = learned | set(node.tops) if runs else learned - set(node.tops)
        under_loss: set[str] = set()
        unwanted: set[str] = set()  # blobs of which somebody who takes them makes no gradient
        for number in reversed(range(len(nodes))):
            node = nodes[number]
            matters = _weighs_on_loss(node) or bool(under_loss & set(node.tops))
            if (node.tops and unwanted.issuperset(node.tops)) or not matters:
                self._is_run[number] = False
                self._gives[number].clear()
            if matters:
                under_loss.update(node.bottoms)
            unwanted.update(set(node.bottoms) - self._gives[number])
        if force:
            for number, node in enumerate(nodes):
                self._is_run[number] = True
                self._gives[number].update(node.bottoms)

    def gives(self, layer: int, blob: str) -> bool:
        return self._is_run[layer] and blob in self._gives[layer] and blob in _read(self._nodes[layer])


def _weighs_on_loss(node: _Node) -> bool:
    if node.param is None:
        return False
    weights = node.param.loss_weight or [1.0 if node.param.type.endswith("Loss") else 0.0]
    return any(weights)


def _learns(node: _Node) -> bool:
    """Whether it has parameters that move."""
    if node.param is None:
        return False
    rates = [spec.lr_mult for spec in node.param.param]
    return any([*rates, *[1.0] * (_parameters(node.param) - len(rates))])


def _parameters(layer: Any) -> int:
    """How many blobs of parameters a layer has; of types of which it is not known here, those that its prototxt mentions."""
    kind = layer.type.removeprefix("FPGA")
    own_numbers = len(layer.bottom) == 1  # else they are the second bottom
    known = {
        "Convolution": 1 + layer.convolution_param.bias_term,
        "Deconvolution": 1 + layer.convolution_param.bias_term,
        "InnerProduct": 1 + layer.inner_product_param.bias_term,
        "Embed": 1 + layer.embed_param.bias_term,
        "Scale": own_numbers + layer.scale_param.bias_term,
        "Bias": int(own_numbers),
        "PReLU": 1,
        "LSTM": 3,
        "RNN": 5,
        "BatchNorm": 0,  # statistics, which are not learned
    }
    return int(known.get(kind, len(layer.param)))


# --- what crosses --------------------------------------------------------------------------------------------------------------


def _crossings(nodes: Sequence[_Node], decisions: Sequence[Decision], passes: _Backward) -> Iterator[Crossing]:
    graph = Graph(nodes, decisions, passes.gives)
    found: dict[tuple[int, bool], tuple[list[str], list[str]]] = {}  # of a layer on the CPU and a direction, values and gradients
    copied: set[tuple[int, str, bool]] = set()

    def note(taker: int, maker: int, blob: str, *, gradient: bool) -> None:
        """`taker` reads what `maker` wrote: it is copied for the first one on the other side that does."""
        if graph.on_host(taker) != graph.on_host(maker) and (maker, blob, gradient) not in copied:
            copied.add((maker, blob, gradient))
            into_device = graph.on_host(maker)
            found.setdefault((maker if into_device else taker, into_device), ([], []))[gradient].append(blob)

    for number, node in enumerate(nodes):
        if graph.is_view(number) or (graph.is_split(number) and graph.adds_on_host(number)):
            continue
        for blob in _read(node) if not graph.is_split(number) else ():  # a Split's tops are its bottom's memory
            origin = graph.origin(number, blob)
            if origin is not None and not _is_made_once(nodes[origin.layer], origin.blob):
                note(number, origin.layer, origin.blob, gradient=False)
        for blob in node.tops if node.bottoms else ():  # what makes data passes nothing on
            maker = graph.maker_of_diff(number, blob)
            if maker is not None:
                note(number, maker, node.bottoms[0] if graph.is_split(number) else blob, gradient=True)
    for (number, into_device), (values, gradients) in sorted(found.items()):
        yield Crossing(into_device, nodes[number].name, decisions[number].reason, tuple(values), tuple(gradients))
    losses = [node for number, node in enumerate(nodes) if _weighs_on_loss(node) and not graph.on_host(number)]
    if losses:
        yield Crossing(False, "", "", tuple(top for node in losses for top in node.tops or (node.name,)), ())


def _read(node: _Node) -> Sequence[str]:
    """Bottoms of which more is taken than their shape."""
    kind = node.param.type if node.param is not None else ""
    return {"Crop": node.bottoms[:1], "Silence": ()}.get(kind, node.bottoms)


def _is_made_once(node: _Node, blob: str) -> bool:
    """Whether a layer makes the blob before the first step and never again."""
    if node.param is None or node.param.type != "DummyData":
        return False
    fillers = list(node.param.dummy_data_param.data_filler)
    number = node.tops.index(blob)
    return not fillers or fillers[number if len(fillers) > 1 else 0].type == "constant"
