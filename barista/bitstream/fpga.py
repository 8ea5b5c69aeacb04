"""FPGAs as their data sheets describe them: `bitstreams/devices/NAME.json`."""

from __future__ import annotations

from dataclasses import dataclass

from barista import paths
from barista.bitstream.checked_json import CheckedObject, read_json
from barista.errors import BaristaError


@dataclass(frozen=True)
class FpgaDevice:
    """What a recipe has to fit into, as the maker's data sheet counts it."""

    name: str  # e.g. "arria10-gx1150"
    description: str
    dsp_blocks: int  # each one single-precision multiply-add a clock; e.g. 1518
    m20k_blocks: int  # on-chip memories of 512 words by 40 bits, one read and one write a clock; e.g. 2713
    alms: int  # adaptive logic modules; e.g. 427200
    source: str  # the document that says so


def load(name: str) -> FpgaDevice:
    """The device description `bitstreams/devices/NAME.json`. Raises BaristaError where it is missing or wrong."""
    path = paths.recipes_dir() / "devices" / f"{name}.json"
    if not path.is_file():
        raise BaristaError(f"no device description {name}: {path} is not a file")
    check = CheckedObject(read_json(path), path.name, "a device description")
    return FpgaDevice(
        name=check.text("name"),
        description=check.text("description"),
        dsp_blocks=check.number("dsp_blocks"),
        m20k_blocks=check.number("m20k_blocks"),
        alms=check.number("alms"),
        source=check.text("source"),
    )
