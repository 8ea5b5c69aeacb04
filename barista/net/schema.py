"""Caffe's message types, from the Caffe in use, without importing the package `caffe`.

Importing `caffe` loads libcaffe, and libbarista must come before it. So the schema is taken out of the generated
`caffe/proto/caffe_pb2.py` (the serialised FileDescriptorProto is the one long bytes constant in it) and built in a descriptor
pool of our own. A later `import caffe` registers the same file in the default pool and finds it untouched; a second Caffe with
other fields would not disturb it either. The price: these classes are not caffe_pb2's, so a message crosses over serialised.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from barista import paths
from barista.errors import BaristaError

# Generated classes have no static type; these names say which message is meant.
NetParameter: TypeAlias = Any
LayerParameter: TypeAlias = Any
SolverParameter: TypeAlias = Any


def new(name: str) -> Any:
    """An empty message of Caffe's type `name`, for example "NetParameter"."""
    return message_class(name)()


@functools.cache
def message_class(name: str) -> Any:
    """The class of Caffe's message `name`. Raises BaristaError where no Caffe is found."""
    return message_factory.GetMessageClass(descriptor_pool().FindMessageTypeByName(f"caffe.{name}"))


@functools.cache
def descriptor_pool() -> DescriptorPool:
    """The pool that holds Caffe's message and enum types. Raises BaristaError where no Caffe is found."""
    generated = paths.caffe_installation().python_dir / "caffe" / "proto" / "caffe_pb2.py"
    pool = DescriptorPool()
    pool.Add(_schema(generated))
    return pool


def _schema(generated: Path) -> descriptor_pb2.FileDescriptorProto:
    try:
        tree = ast.parse(generated.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise BaristaError(f"{generated}: Caffe's message types cannot be read from it ({error}); is pycaffe built?") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            schema = _as_caffe_schema(node.value)
            if schema is not None:
                return schema
    raise BaristaError(f"{generated}: holds no schema of Caffe's messages; it should be what protoc makes from caffe.proto")


def _as_caffe_schema(serialised: bytes) -> descriptor_pb2.FileDescriptorProto | None:
    try:
        schema = descriptor_pb2.FileDescriptorProto.FromString(serialised)
    except DecodeError:
        return None
    is_caffe = schema.package == "caffe" and any(message.name == "NetParameter" for message in schema.message_type)
    return schema if is_caffe else None
