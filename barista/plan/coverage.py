"""How much of a net the device runs: layer by layer, and as a share of its multiply-adds.

A multiply-add is one product that is added to a sum, counted as papers count them: those of convolutions, deconvolutions, inner
products and recurrent layers, forward, at the net's own shapes and batch; biases and what other layers multiply are left out.
The shapes are Caffe's own, from a process that makes the net (barista.plan.made_worker). Nothing is computed, and data need not
be there. Where it is, it is looked for as `barista train` looks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.layers import types
from barista.net import data_files, source
from barista.net import inputs as net_inputs
from barista.net.schema import LayerParameter, NetParameter
from barista.net.shapes import Shape, Shapes
from barista.net.source import Net
from barista.plan import made
from barista.rewrite import placement
from barista.rewrite.placement import Place


@dataclass(frozen=True)
class CoveredLayer:
    """A layer, at its shapes in the training net, or in the first test net that has it."""

    layer: str
    type: str  # the stock type
    place: Place
    reason: str  # why not on the device; empty where it is
    multiply_adds: int
    parameters: int  # numbers that are learned; those that an earlier layer shares are counted there

    @property
    def on_device(self) -> bool:
        return self.place is not Place.CPU


@dataclass(frozen=True)
class Coverage:
    net: str
    layers: tuple[CoveredLayer, ...]
    notes: tuple[str, ...]  # what was upgraded, where data was found, and inputs' shapes come from

    @property
    def on_device(self) -> int:
        """Layers on the device."""
        return sum(layer.on_device for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def multiply_adds_on_device(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers if layer.on_device)

    @property
    def share(self) -> float | None:
        """The part of the multiply-adds that is the device's, 0 to 1; None of a net that has none."""
        return self.multiply_adds_on_device / self.multiply_adds if self.multiply_adds else None

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        layers = [asdict(layer) | {"place": layer.place.value, "on_device": layer.on_device} for layer in self.layers]
        sums = ("on_device", "multiply_adds", "multiply_adds_on_device", "share", "parameters")
        return asdict(self) | {"layers": layers} | {name: getattr(self, name) for name in sums}


def cover(paths: Sequence[Path], shapes: Mapping[str, Shape] | None = None) -> Iterator[Coverage]:
    """The coverage of each net in `paths`, and of each net of a solver there. `shapes` are of inputs, as for net_inputs.replace.

    Raises BaristaError where a net can't be read or instantiated, and for a shape that is of no net's input.
    """
    nets = [net for path in paths for net in _nets(path)]
    given = dict(shapes or {})
    made = [net_inputs.made_by_data(net.message, given) for net in nets]
    for blob in given:
        if not any(blob in blobs for blobs in made):
            raise BaristaError(f"{paths[0]}: no data layer makes the blob '{blob}' that --shape names")
    for net, blobs in zip(nets, made, strict=True):
        yield _cover(net, {blob: shape for blob, shape in given.items() if blob in blobs})


def _nets(path: Path) -> Iterator[Net]:
    """The nets that a file holds or names, with their data files where they are; the notes say what was not as they say."""
    for net in source.open(path).nets:
        found, moved = data_files.with_found(net.message, path, net.name)
        yield replace(net, message=found, notes=(*net.notes, *moved))


def _cover(net: Net, shapes: Mapping[str, Shape]) -> Coverage:
    inputs = net_inputs.replace(placement.restore(net.message), net.origin, shapes)
    sizes = _shapes(inputs.net, net.name)
    decisions = placement.place(net.message).decisions
    shared: set[str] = set()
    layers = []
    for decision, layer, there in zip(decisions, inputs.net.layer, sizes, strict=True):
        products = types.of(layer.type).multiply_adds(layer, there) if there else 0
        learned = _new_numbers(layer, there.weights, shared) if there else 0
        layers.append(CoveredLayer(decision.layer, decision.type, decision.place, decision.reason, products, learned))
    return Coverage(net.name, tuple(layers), (*net.notes, *inputs.sentences))


def _shapes(net: NetParameter, name: str) -> list[Shapes | None]:
    """The shapes of each layer of the net as Caffe makes it; None of one that no phase has."""
    found: list[Shapes | None] = [None] * len(net.layer)
    for layer in made.layers(net, name):
        assert layer.index is not None
        found[layer.index] = layer.shapes
    return found


def _new_numbers(layer: LayerParameter, weights: Sequence[Shape], shared: set[str]) -> int:
    """The numbers that a layer learns. `shared` are the names of parameters that were counted, to which it adds."""
    count = 0
    for number, shape in enumerate(() if types.of(layer.type).statistics else weights):
        name = layer.param[number].name if number < len(layer.param) else ""
        if not name or name not in shared:
            count += prod(shape)
        if name:
            shared.add(name)
    return count
