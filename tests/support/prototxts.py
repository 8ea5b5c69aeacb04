"""Prototxts for tests: those in Caffe's source tree, and messages and texts drawn at random."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from barista import paths
from barista.net import prototxt, schema


def of_caffe() -> list[Path]:
    """Every net and solver in the source tree of the Caffe in use; a Caffe without its sources fails the test."""
    source = paths.caffe_installation().source_dir
    assert source is not None, "the Caffe in use has no source tree; test with one that has"
    found = sorted(path for folder in ("examples", "models") for path in (source / folder).rglob("*.prototxt"))
    assert len(found) > 40, found
    return found


def nets_of_caffe() -> list[Path]:
    return [path for path in of_caffe() if prototxt.read(path).kind is prototxt.Kind.NET]


def solvers_of_caffe() -> list[Path]:
    return [path for path in of_caffe() if prototxt.read(path).kind is prototxt.Kind.SOLVER]


def drawn(examples: int) -> settings:
    """A test on messages drawn at random: the same on every run, and indifferent to how busy the machine is."""
    return settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


# Text that protobuf takes: no lone surrogates. NUL is left out, it is nobody's name.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_FLOAT32 = st.floats(width=32, allow_nan=False) | st.just(math.inf)
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
}


@functools.cache
def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if kind in _INTEGERS:
        return _INTEGERS[kind]
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if kind == FieldDescriptor.CPPTYPE_FLOAT:
        return _FLOAT32
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return st.floats(allow_nan=False)
    return st.binary(max_size=8) if field.type == FieldDescriptor.TYPE_BYTES else _TEXT


@st.composite
def messages(draw: st.DrawFn, name: str, depth: int = 3) -> Any:
    """A message of Caffe's type `name` with any of its fields set, required ones always."""
    return _fill(draw, schema.new(name), depth)


def _fill(draw: st.DrawFn, message: Any, depth: int) -> Any:
    fields = [field for field in message.DESCRIPTOR.fields if depth > 0 or field.message_type is None]
    chosen = draw(st.lists(st.sampled_from(fields), max_size=5, unique_by=lambda field: field.number)) if fields else []
    required = [field for field in message.DESCRIPTOR.fields if field.is_required and field not in chosen]
    for field in [*chosen, *required]:
        count = draw(st.integers(1, 3)) if field.is_repeated else 1
        for _ in range(count):
            _set(draw, message, field, depth)
    return message


def _set(draw: st.DrawFn, message: Any, field: FieldDescriptor, depth: int) -> None:
    value = getattr(message, field.name)
    if field.message_type is not None:
        inner = value.add() if field.is_repeated else value
        inner.SetInParent()
        _fill(draw, inner, depth - 1)
    elif field.is_repeated:
        value.append(draw(_values(field)))
    else:
        setattr(message, field.name, draw(_values(field)))


@st.composite
def layers(draw: st.DrawFn, layer_type: str) -> Any:
    """A layer of `layer_type` with any other fields."""
    layer = draw(messages("LayerParameter", depth=2))
    layer.type = layer_type
    return layer


@st.composite
def nets(draw: st.DrawFn, types: list[str]) -> Any:
    """A net in the present format whose layers are of `types`, with any fields."""
    net = draw(messages("NetParameter", depth=1))
    for field in ("layer", "layers", "input", "input_shape", "input_dim"):
        net.ClearField(field)
    net.layer.extend(draw(st.lists(st.sampled_from(types).flatmap(layers), max_size=4)))
    return net


@st.composite
def broken_text(draw: st.DrawFn) -> str:
    """A printed net with a piece taken out, doubled, or replaced."""
    text = prototxt.to_text(draw(messages("NetParameter")))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    return text[:start] + draw(st.sampled_from(["", text[start:end] * 2, "}", "{", '"', "'", "#", ":", "\n", "é"])) + text[end:]
