"""The options that several commands have, with one help text each."""

from __future__ import annotations

from collections.abc import Callable

import click

Decorator = Callable[[click.decorators.FC], click.decorators.FC]


def device(purpose: str) -> Decorator:
    """--device: a device by name, for `purpose`, e.g. "train on"."""
    return click.option("--device", help=f"The device to {purpose}: emulator (the default), pocl, or part of a device's name.")


def bitstream() -> Decorator:
    """--bitstream: what the device is to be, by name or as a file."""
    return click.option("--bitstream", help="A recipe's name, or a file that ends in .aocx.")


def shapes() -> Decorator:
    """--shape, once an input; the command gets them as `shapes`, for barista.net.inputs.parse_shape()."""
    told = "The shape of an input that nothing else tells; may be given several times."
    return click.option("--shape", "shapes", multiple=True, metavar="BLOB=CxHxW", help=told)


def as_json(content: str = "") -> Decorator:
    """--json; the command gets it as `as_json`. `content` is what the object holds beyond what is printed without it."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object{', with ' if content else ''}{content}.")
