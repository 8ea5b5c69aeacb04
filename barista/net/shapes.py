"""A net's layers as Caffe makes them, without Caffe: names, blobs and shapes."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shapes:
    """Of a layer's blobs: what it takes, what it makes, and its parameters."""

    src: tuple[Shape, ...]
    dst: tuple[Shape, ...]
    weights: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Node:
    """A layer of a net in which a Split stands after each blob that several layers take, as Caffe has it."""

    name: str
    index: int | None  # of the layer in the prototxt; None of a Split that Caffe put in
    bottoms: tuple[str, ...]  # blobs
    tops: tuple[str, ...]


@dataclass(frozen=True)
class MadeLayer(Node):
    """A layer of a net that Caffe made."""

    shapes: Shapes
    losses: tuple[str, ...] = ()  # those of its tops that are added up to the loss
