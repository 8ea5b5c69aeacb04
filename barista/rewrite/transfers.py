"""What of a net has to cross between host and device in each step, as far as its prototxt tells: before anything is made or run.

A layer on the CPU has copied out what it takes of the device's, values forward and gradients backward, and what it makes is copied
in where a device layer takes it. Losses that the device makes are copied out, for Caffe adds them up on the host. Sizes are not
known here; barista.profile.transfers says of a step that was run what each copy was for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from barista.layers import types
from barista.layers.backward import Backward
from barista.net import data_files
from barista.net.shapes import Node
from barista.rewrite.graph import Graph
from barista.rewrite.placement import Decision, Place


@dataclass(frozen=True)
class Transfer:
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
    transfers: tuple[Transfer, ...]  # in the net's order


def plan(net: Any, decisions: Sequence[Decision], state: Any) -> Plan:
    """Of a net of stock or device types, with its decisions, one a layer, in training; `state` is the solver's train_state."""
    effective = data_files.state_of(net, "TRAIN", state)
    kept = [
        (layer, decision) for layer, decision in zip(net.layer, decisions, strict=True) if data_files.includes(effective, layer)
    ]
    layers = [layer for layer, _ in kept]
    nodes, at = _with_splits(kept)
    passes = Backward(nodes, layers, force=net.force_backward)
    return Plan(
        is_training=any(passes.weighs_on_loss(number) for number in range(len(nodes))),
        is_on_device=any(decision.place is Place.DEVICE for _, decision in kept),
        transfers=tuple(_transfers(nodes, layers, at, passes)),
    )


def sentences(found: Plan) -> list[str]:
    step = "each training step" if found.is_training else "each forward pass"
    if not found.is_on_device:
        return [f"{step} copies nothing: no layer is on the device"]
    return [f"{step} copies {_sentence(transfer)}" for transfer in found.transfers] or [f"{step} copies nothing"]


def _sentence(transfer: Transfer) -> str:
    blobs = [*transfer.values, *(f"the gradient of {blob}" for blob in transfer.gradients)]
    if not transfer.layer:
        return f"out {enumerated(blobs)}, which Caffe adds up"
    way, does = ("in", "makes") if transfer.into_device else ("out", "takes")
    return f"{way} {enumerated(blobs)}, which {transfer.layer} {does} ({transfer.reason})"


def enumerated(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


# --- the net as Caffe makes it -------------------------------------------------------------------------------------------------


def _with_splits(layers: Sequence[tuple[Any, Decision]]) -> tuple[list[Node], list[Decision]]:
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
        nodes.append(Node(layer.name, number, taken, tuple(layer.top)))
        decisions.append(decision)
        for blob in dict.fromkeys(layer.top):
            readers = takers.get((number, blob), [])
            if len(readers) > 1:
                nodes.append(Node(f"{blob}_split", None, (blob,), tuple(bottoms[reader] for reader in readers)))
                decisions.append(Decision(f"{blob}_split", "Split", Place.DEVICE, ""))
    return nodes, decisions


# --- what crosses --------------------------------------------------------------------------------------------------------------


def _transfers(nodes: Sequence[Node], layers: Sequence[Any], decisions: Sequence[Decision], passes: Backward) -> Iterator[Transfer]:
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
        for blob in passes.read(number) if not graph.is_split(number) else ():  # a Split's tops are its bottom's memory
            origin = graph.origin(number, blob)
            if origin is not None and not _is_made_once(nodes[origin.layer], layers, origin.blob):
                note(number, origin.layer, origin.blob, gradient=False)
        for blob in node.tops if node.bottoms else ():  # what makes data passes nothing on
            maker = graph.maker_of_diff(number, blob)
            if maker is not None:
                note(number, maker, node.bottoms[0] if graph.is_split(number) else blob, gradient=True)
    for (number, into_device), (values, gradients) in sorted(found.items()):
        yield Transfer(into_device, nodes[number].name, decisions[number].reason, tuple(values), tuple(gradients))
    losses = [node for number, node in enumerate(nodes) if passes.weighs_on_loss(number) and not graph.on_host(number)]
    if losses:
        yield Transfer(False, "", "", tuple(top for node in losses for top in node.tops or (node.name,)), ())


def _is_made_once(node: Node, layers: Sequence[Any], blob: str) -> bool:
    """Whether a layer makes the blob before the first step and never again."""
    if node.index is None:
        return False
    layer = layers[node.index]
    return types.of(types.stock_type(layer.type)).makes_once(layer, node.tops.index(blob))
