"""Trains Caffe networks on Intel FPGAs through unmodified Caffe.

`barista.load()` puts the FPGA layers into this process's Caffe; after it, plain pycaffe works.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barista.runtime.plugin import Plugin

__all__ = ["load"]


def load(device: str | None = None, bitstream: str | Path | None = None) -> Plugin:
    """Opens the FPGA layers and then Caffe in this process; call it before `import caffe`.

    `device` is as on the command line: "emulator" (the default), "pocl" or part of a device's name. `bitstream` is a recipe's name
    or an .aocx file; a recipe's bitstream is built where the cache lacks it. Calling it again is harmless. Raises
    barista.errors.BaristaError where something is missing, or where caffe was imported earlier.
    """
    from barista.runtime import plugin

    return plugin.load(device, bitstream)
