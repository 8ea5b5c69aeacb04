"""Trains Caffe networks on Intel FPGAs through unmodified Caffe.

`barista.load()` puts the FPGA layers into this process's Caffe; after it, plain pycaffe works. What is named in `__all__` is
public, and so are the packages of the API reference; importing `barista` imports none of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from barista.errors import BaristaError

if TYPE_CHECKING:
    from barista.runtime.plugin import Plugin

__all__ = ["BaristaError", "__version__", "load"]

# The one place: the package's metadata, `barista --version`, manifests, logs and snapshots take it from here.
__version__ = "0.1.0"


def load(device: str | None = None, bitstream: str | Path | None = None) -> Plugin:
    """Opens the FPGA layers and then Caffe in this process; call it before `import caffe`.

    `device` is as on the command line: "emulator" (the default), "pocl" or part of a device's name. `bitstream` is a recipe's name
    or an .aocx file; a recipe's bitstream is built where the cache lacks it. Calling it again is harmless. Raises BaristaError
    where something is missing, or where caffe was imported earlier.
    """
    from barista.runtime import blas, plugin

    os.environ.update(blas.environment())  # the Caffe that is loaded now reads it
    return plugin.load(device, bitstream)
