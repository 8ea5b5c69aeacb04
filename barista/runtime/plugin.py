"""The FPGA layers in this process's Caffe. The only module that imports `caffe`.

libbarista.so defines members of Caffe's SyncedMemory in libcaffe's place, so it must be in the process first: it is opened with
RTLD_GLOBAL, and only then is caffe imported. What OpenCL runtimes and Caffe's log read from the environment is set before either.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream
from barista.errors import BaristaError
from barista.opencl import devices
from barista.runtime import views
from barista.runtime.library import Library
from barista.runtime.records import Command

# glog's levels: 0 info, 1 warning, 2 error. Caffe tells at level 0 of every blob of every net.
QUIET = "1"


@dataclass(frozen=True)
class Plugin:
    """What load() brought into the process."""

    library: Library
    caffe: Any  # the module; None where the process trains without pycaffe
    bitstream: Bitstream
    device: devices.Device
    hook_is_live: bool  # False: Caffe's own memory is in use, and layers copy always
    asked: tuple[str | None, str | None]  # device and bitstream as load() was asked for them

    def record(self) -> Recording:
        """Keeps the times of every command on the device from here to the recording's end()."""
        return Recording(self.library)

    def counters(self) -> dict[str, int]:
        """What this process has done on the device so far: the difference of two of these measures what lies between."""
        return self.library.counters()


class Recording:
    """The commands between its making and end()."""

    def __init__(self, library: Library) -> None:
        self._library = library
        library.begin_recording()

    def __len__(self) -> int:
        """How many commands there are so far."""
        return self._library.recorded()

    def end(self) -> list[Command]:
        """Waits for the device; the commands in the order in which they were enqueued."""
        return self._library.end_recording()


_loaded: Plugin | None = None


def load(device: str | None = None, bitstream: str | Path | None = None, *, pycaffe: bool = True) -> Plugin:
    """See barista.load(). Without `pycaffe` the library and Caffe's C++ are there, and nets can't have layers of type Python."""
    global _loaded
    asked = (device, str(bitstream) if bitstream is not None else None)
    if _loaded is None:
        _loaded = _load(asked, pycaffe)
    elif not _is_loaded(*asked, _loaded):
        raise BaristaError(
            f"Barista runs on {_loaded.device.name} with {_loaded.bitstream.path.name} in this process already;"
            " another device or bitstream takes another process"
        )
    return _loaded


def load_resolved(bitstream: Bitstream, device: devices.Device, *, pycaffe: bool = True) -> Plugin:
    """The same in a new process, with what another one resolved: no device is looked for, and none but C++ hashes the bitstream."""
    global _loaded
    assert _loaded is None
    _loaded = _load((device.short_name, str(bitstream.path)), pycaffe, (bitstream, device))
    return _loaded


def load_without_device() -> tuple[Library, Any]:
    """The library and caffe, in a process that makes nets and runs none: no device is opened. Raises BaristaError."""
    library_path = paths.plugin_library()
    installation = paths.caffe_installation()
    _require_caffe_unloaded(library_path)
    os.environ.setdefault("GLOG_minloglevel", QUIET)
    return Library(library_path), _import_caffe(installation)


def load_stock_caffe() -> Any:
    """caffe as it is without Barista, in a process of its own: to compare with. Raises BaristaError."""
    installation = paths.caffe_installation()
    os.environ.setdefault("GLOG_minloglevel", QUIET)
    return _import_caffe(installation)


def _is_loaded(device: str | None, bitstream: str | None, loaded: Plugin) -> bool:
    """Whether load() with these would bring what is there."""
    if device not in (None, loaded.asked[0], loaded.device.short_name):
        return False
    if bitstream in (None, loaded.asked[1], loaded.bitstream.recipe.name):
        return True
    return bitstream is not None and Path(bitstream).resolve() == loaded.bitstream.path


def _load(asked: tuple[str | None, str | None], pycaffe: bool, resolved: tuple[Bitstream, devices.Device] | None = None) -> Plugin:
    library_path = paths.plugin_library()
    installation = paths.caffe_installation()
    _require_caffe_unloaded(library_path)
    found, device = resolved or bitstreams.resolve(*asked, note=lambda text: print(f"barista: {text} ...", file=sys.stderr))
    os.environ.update(bitstreams.environment(found, device))
    os.environ.setdefault("GLOG_minloglevel", QUIET)
    library = Library(library_path)
    # Before pycaffe, which takes 44 MB: what a driver's compiler takes for a moment does not come on top of that.
    library.open_device()  # now: a layer that finds out later can only end the process
    caffe = _import_caffe(installation) if pycaffe else None
    if caffe is not None:
        views.track(caffe._caffe)
    return Plugin(library, caffe, found, device, library.hook_is_live(), asked)


def _require_caffe_unloaded(library: Path) -> None:
    """Raises BaristaError where libcaffe came before the plugin: the plugin's memory would silently never be used."""
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    if "caffe" in sys.modules or ("libcaffe.so" in mapped and library.name not in mapped):
        raise BaristaError("caffe was imported before barista.load(): call barista.load() first, it imports caffe itself")


def _import_caffe(installation: paths.CaffeInstallation) -> Any:
    """Imports pycaffe from the Caffe in use, whatever else is called caffe on sys.path.

    Its folder then goes to the end: beside the package lie scripts with names like `train` and `detect`.
    """
    folder = str(installation.python_dir)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("caffe")
    except ImportError as error:
        raise BaristaError(f"pycaffe in {folder} can't be imported: {error}") from error
    finally:
        sys.path.remove(folder)
        sys.path.append(folder)
