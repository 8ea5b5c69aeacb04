"""Which layers of a net run backward, and what of: by the rules of Caffe's Net::Init."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from barista.layers import types
from barista.net.shapes import Node


class Backward:
    """The backward passes of a net's layers, by number."""

    def __init__(self, nodes: Sequence[Node], layers: Sequence[Any], *, force: bool) -> None:
        """`layers` are the prototxt's, to which the nodes' indices point; `force` is the net's force_backward."""
        self._nodes = nodes
        self._layers = [None if node.index is None else layers[node.index] for node in nodes]
        self._gives: list[set[str]] = []  # of each layer, the bottoms
        self._is_run: list[bool] = []
        learned: set[str] = set()
        for number, node in enumerate(nodes):
            layer = self._layers[number]
            wants = (layer.propagate_down if layer is not None else ()) or [blob in learned for blob in node.bottoms]
            self._gives.append({blob for blob, wanted in zip(node.bottoms, wants, strict=False) if wanted})
            runs = bool(learned & set(node.bottoms)) or any(self._rates(number))
            self._is_run.append(runs)
            learned = learned | set(node.tops) if runs else learned - set(node.tops)
        under_loss: set[str] = set()
        unwanted: set[str] = set()  # blobs of which somebody who takes them makes no gradient
        for number in reversed(range(len(nodes))):
            node = nodes[number]
            matters = self.weighs_on_loss(number) or bool(under_loss & set(node.tops))
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

    def gives(self, number: int, blob: str) -> bool:
        """Whether a layer makes the gradient of a bottom."""
        return self._is_run[number] and blob in self._gives[number] and blob in self.read(number)

    def gives_any(self, number: int) -> bool:
        return any(self.gives(number, blob) for blob in self._nodes[number].bottoms)

    def gives_weights(self, number: int) -> bool:
        """Whether a layer makes the gradient of its weights, its first parameter."""
        rates = self._rates(number)
        return self._is_run[number] and bool(rates) and rates[0] != 0

    def read(self, number: int) -> Sequence[str]:
        """Bottoms of which more is taken than their shape."""
        layer, bottoms = self._layers[number], self._nodes[number].bottoms
        return bottoms if layer is None else bottoms[: types.of(types.stock_type(layer.type)).reads]

    def weighs_on_loss(self, number: int) -> bool:
        layer = self._layers[number]
        if layer is None:
            return False
        return any(layer.loss_weight or [1.0 if layer.type.endswith("Loss") else 0.0])

    def _rates(self, number: int) -> list[float]:
        """How fast each of a layer's parameters moves, as a part of the solver's rate."""
        layer = self._layers[number]
        if layer is None:
            return []
        given = [spec.lr_mult for spec in layer.param]
        return [*given, *[1.0] * (learned_blobs(layer) - len(given))]


def learned_blobs(layer: Any) -> int:
    """How many blobs of parameters a layer learns; of a type that does not say, those that the prototxt mentions."""
    row = types.of(types.stock_type(layer.type))
    if row.statistics:
        return 0
    return len(layer.param) if row.parameters is None else row.parameters(layer)
