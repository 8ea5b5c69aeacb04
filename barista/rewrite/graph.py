"""The producers in a net's graph: which layer computes a blob's values and which its gradient, looking through views and Splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from barista.rewrite.placement import Decision, Place


class Node(Protocol):
    """A layer of a net in which a Split stands after each blob that several layers take, as Caffe has it."""

    @property
    def name(self) -> str: ...

    @property
    def bottoms(self) -> tuple[str, ...]: ...

    @property
    def tops(self) -> tuple[str, ...]: ...


class Origin(NamedTuple):
    """Where a blob's values are made."""

    layer: int
    blob: str  # as that layer calls it


Gives = Callable[[int, str], bool]  # whether a layer, by its number, makes a gradient of a bottom


class Graph:
    """Layers by their numbers; `decisions` are one a layer."""

    def __init__(self, layers: Sequence[Node], decisions: Sequence[Decision], gives: Gives = lambda _layer, _blob: True) -> None:
        self._layers = layers
        self._decisions = decisions
        self._gives = gives

    def on_host(self, layer: int) -> bool:
        return self._decisions[layer].place is Place.CPU

    def is_split(self, layer: int) -> bool:
        return self._decisions[layer].type == "Split"

    def is_view(self, layer: int) -> bool:
        return self._decisions[layer].place is Place.VIEW

    def origin(self, layer: int, blob: str) -> Origin | None:
        """Who makes the values of `blob` that `layer` takes; None where no layer does."""
        writer = next((i for i in range(layer - 1, -1, -1) if blob in self._layers[i].tops), None)
        if writer is None:
            return None
        if self.is_split(writer) or self.is_view(writer):
            return self.origin(writer, self._layers[writer].bottoms[0])
        return Origin(writer, blob)

    def maker_of_diff(self, layer: int, blob: str) -> int | None:
        """Who makes the gradient of `blob`, a top of `layer`: the layer that takes it next. None where no layer does.

        Of a Split that adds on the host, it is one of those that made what it adds.
        """
        taker = next((i for i in range(layer + 1, len(self._layers)) if blob in self._layers[i].bottoms), None)
        if taker is None or not self._gives(taker, blob):
            return None
        if self.is_view(taker):
            return self.maker_of_diff(taker, self._layers[taker].tops[0])
        if self.is_split(taker):
            return self._makers_of_diffs(taker)[0] if self.adds_on_host(taker) else taker
        return taker

    def adds_on_host(self, split: int) -> bool:
        """A Split works on the host where all that it adds is there."""
        makers = self._makers_of_diffs(split)
        return bool(makers) and all(self.on_host(maker) for maker in makers)

    def _makers_of_diffs(self, split: int) -> list[int]:
        makers = (self.maker_of_diff(split, top) for top in self._layers[split].tops)
        return [maker for maker in makers if maker is not None]
