"""The table of layer types: a row a type (barista.layers.layer_type), the stock ones and those of other distributions.

A distribution adds rows by an entry point of the group `barista.layer_types`: a LayerType, an iterable of them, or a function
without arguments that returns either.

    [project.entry-points."barista.layer_types"]
    mine = "my_layers:ROWS"
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib import metadata

from barista.errors import BaristaError
from barista.layers import stock
from barista.layers.layer_type import LayerType

PREFIX = "FPGA"  # of a device layer's type
ENTRY_POINTS = "barista.layer_types"


def of(layer_type: str) -> LayerType:
    """The row of a stock type; of one that has none, a row in which nothing is known."""
    return table().get(layer_type) or LayerType(layer_type)


def of_device() -> tuple[LayerType, ...]:
    """The rows of types that have a device layer."""
    return tuple(row for row in table().values() if row.on_device)


def device_type(stock: str) -> str:
    """The type of the device layer of a stock type."""
    return PREFIX + stock


def stock_type(layer_type: str) -> str:
    """The stock name of a type, device type or not."""
    return layer_type.removeprefix(PREFIX) if is_device_type(layer_type) else layer_type


def is_device_type(layer_type: str) -> bool:
    return layer_type.startswith(PREFIX) and of(layer_type.removeprefix(PREFIX)).on_device


@functools.cache
def table() -> dict[str, LayerType]:
    """All rows by their stock type. Raises BaristaError for an entry point that gives no rows, or one of a type that has a row."""
    rows = {row.name: row for row in stock.ROWS}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        for row in _of_entry_point(entry):
            if row.name in rows:
                raise BaristaError(f"{_called(entry)}: type '{row.name}' has a row already; name another or uninstall it")
            rows[row.name] = row
    return rows


def _of_entry_point(entry: metadata.EntryPoint) -> Iterator[LayerType]:
    try:
        found = entry.load()
        found = found() if callable(found) else found
        rows = (found,) if isinstance(found, LayerType) else tuple(found)
    except Exception as error:  # whatever code of others raises
        raise BaristaError(f"{_called(entry)}: {type(error).__name__}: {error}; mend it or uninstall it") from error
    for row in rows:
        if not isinstance(row, LayerType):
            raise BaristaError(f"{_called(entry)}: gives a {type(row).__name__}, a barista.layers.layer_type.LayerType is expected")
        yield row


def _called(entry: metadata.EntryPoint) -> str:
    owner = f" of {entry.dist.name}" if entry.dist else ""
    return f"layer types '{entry.name} = {entry.value}'{owner}"
