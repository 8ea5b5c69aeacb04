"""The causes of host-device transfers in a step.

A blob is copied when one side reads it and the valid contents are on the other. A CPU layer's pass downloads that layer's inputs.
What a device layer's pass uploads, a CPU layer produced: for values, the nearest producer before the device layer; for a gradient,
the nearest consumer of the blob after it. Where a pass uploads several blobs, their sizes tell the copies apart. A prefetch, in
whatever pass it falls, is the next batch of a layer that loads data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from barista.net.shapes import MadeLayer
from barista.rewrite.graph import Graph
from barista.rewrite.placement import Decision
from barista.runtime.records import Command

COPIES = UPLOAD, PREFETCH, DOWNLOAD = "upload", "prefetch", "download"  # names of commands
_VALUE_BYTES = 4


@dataclass(frozen=True)
class Cause:
    """For whom a copy is made."""

    blob: str  # empty where that can't be told
    who: str  # a layer, or one of the three below
    why: str  # of a layer, why it works on the host; else empty


SOLVER = "the solver"  # outside the layers' passes: gradients cleared, parameters moved
LOSS = "the loss"  # which Caffe adds up
HOST = "the host"  # what wrote a blob can't be told


def causes(
    layers: Sequence[MadeLayer], decisions: Sequence[Decision], layer: int, backward: bool, copies: Sequence[Command]
) -> list[Cause]:
    """Of each of the `copies` in one pass of `layer`, its cause. `decisions` are one a layer."""
    step = _Step(layers, decisions)
    if step.on_host(layer):
        return [step.doing_of(layer, _loaded(layers[layer], command)) for command in copies]
    sources = list(step.read_from_host(layer, backward))
    found = []
    for command in copies:
        if command.name == UPLOAD:
            source = _source_of(command, sources)
            found.append(step.doing_of(source.writer, source.blob) if source else Cause("", HOST, ""))
        elif layers[layer].losses and not backward:
            found.append(Cause(layers[layer].losses[0], LOSS, ""))
        else:
            found.append(Cause("", layers[layer].name, "runs Caffe's own code"))  # as a device layer does for what it can't do
    return found


def loader(layers: Sequence[MadeLayer], prefetched: Command) -> int:
    """The layer whose next batch was copied: one that takes nothing and makes a blob of that size."""
    makers = [number for number, layer in enumerate(layers) if not layer.bottoms]
    return next((number for number in makers if _loaded(layers[number], prefetched)), makers[0])


def _loaded(layer: MadeLayer, copy: Command) -> str:
    """The blob that a layer that takes nothing had copied, as its size tells."""
    tops = () if layer.bottoms else zip(layer.tops, layer.shapes.dst, strict=True)
    return next((top for top, shape in tops if _VALUE_BYTES * prod(shape) == copy.bytes), "")


@dataclass(frozen=True)
class _Source:
    """A blob that a pass reads and a layer on the host wrote."""

    blob: str
    bytes: int
    writer: int


def _source_of(upload: Command, sources: list[_Source]) -> _Source | None:
    """The one that `upload` copies, which is taken out of `sources`; a blob may use a part of its memory, which is copied whole."""
    exact = (source for source in sources if source.bytes == upload.bytes)
    parts = (source for source in sources if source.bytes < upload.bytes)
    found = next(exact, None) or next(parts, None)
    if found:
        sources.remove(found)
    return found


class _Step:
    """The passes of a net that was made."""

    def __init__(self, layers: Sequence[MadeLayer], decisions: Sequence[Decision]) -> None:
        self._layers = layers
        self._decisions = decisions
        self._graph = Graph(layers, decisions)

    def on_host(self, layer: int) -> bool:
        return self._graph.on_host(layer)

    def doing_of(self, layer: int, blob: str = "") -> Cause:
        return Cause(blob, self._layers[layer].name, self._decisions[layer].reason)

    def read_from_host(self, layer: int, backward: bool) -> Iterator[_Source]:
        """What a pass may read that a layer on the host wrote."""
        made = self._layers[layer]
        if backward:
            for blob, shape in zip(made.tops, made.shapes.dst, strict=True):
                yield from self._source(blob, shape, self._graph.maker_of_diff(layer, blob))
        for blob, shape in zip(made.bottoms, made.shapes.src, strict=True):
            origin = self._graph.origin(layer, blob)
            yield from self._source(blob, shape, origin.layer if origin else None)

    def _source(self, blob: str, shape: Sequence[int], writer: int | None) -> Iterator[_Source]:
        if writer is not None and self.on_host(writer):
            yield _Source(blob, _VALUE_BYTES * prod(shape), writer)
