"""What Barista needs on this machine, what of it is there, and what to type where something is missing.

Each check is a function that returns one finding; a later one may fail because an earlier did, and says what it found itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream import recipe as recipes
from barista.errors import BaristaError
from barista.opencl import devices as opencl
from barista.opencl import emulator
from barista.runtime import blas, process

NEEDED_FREE_BYTES = 200 << 20  # a bitstream, a data set and some snapshots
ENOUGH_FREE_BYTES = 2 << 30  # Caffe's build as well


class State(Enum):
    OK = "ok"
    ABSENT = "absent"  # can be done without
    MISSING = "missing"  # needed


@dataclass(frozen=True)
class Finding:
    name: str
    state: State
    detail: str
    fix: str = ""  # what to type, or to do

    def as_json(self) -> dict[str, str]:
        return asdict(self) | {"state": self.state.value}


def examine(device: str | None = None, progress: Callable[[str], None] | None = None) -> list[Finding]:
    """Every finding, in the order in which things build on each other. `device` is what training would be told."""
    findings = []
    for name, look in _CHECKS.items():
        if progress:
            progress(name)
        try:
            findings.append(look(name, device))
        except BaristaError as error:
            sentence, _, fix = str(error).partition("; ")
            findings.append(Finding(name, State.MISSING, sentence, fix or "see docs/bitstreams.md"))
    return findings


def _python(name: str, _device: str | None) -> Finding:
    """Python's version and the packages that the installed `barista`, or the checkout's requirements, ask for."""
    version = ".".join(map(str, sys.version_info[:3]))
    lacking = [package for package in _requirements() if not _is_installed(package)]
    if lacking:
        fix = "make setup" if paths.checkout() else f"pip install {' '.join(lacking)}"
        return Finding(name, State.MISSING, f"Python {version} lacks {', '.join(lacking)}", fix)
    return Finding(name, State.OK, f"{version} in {sys.prefix}")


def _requirements() -> list[str]:
    """The names of the packages that Barista needs when it runs."""
    try:
        lines = [line for line in metadata.requires("barista") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        root = paths.checkout()
        file = root / "requirements.txt" if root else None
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.is_file() else []
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith(("#", "-")))
    return [match.group() for match in names if match]


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _build_tools(name: str, _device: str | None) -> Finding:
    lacking = [tool for tool in ("cmake", "ninja", "g++") if shutil.which(tool) is None]
    if lacking:
        return Finding(name, State.ABSENT, f"{', '.join(lacking)} not on the PATH; needed to build the plugin", "make setup")
    return Finding(name, State.OK, "cmake, ninja, g++")


def _caffe(name: str, _device: str | None) -> Finding:
    found = paths.caffe_installation()
    unresolved = _unresolved_libraries(found.library)
    if unresolved:
        return Finding(name, State.MISSING, f"{found.library} needs {', '.join(unresolved)}", _install_fix())
    package = found.python_dir / "caffe" / "io.py"
    if package.is_file() and "as_grey" in package.read_text(encoding="utf-8"):
        # That name is no longer scikit-image's. All but caffe.io, and what uses it, works.
        fix = "make setup, with CAFFE_ROOT unset" if os.environ.get("CAFFE_ROOT") else "make setup"
        return Finding(name, State.ABSENT, f"{found.root}: its caffe.io is for an older NumPy and scikit-image", fix)
    tool = "" if found.binary else ", without the caffe tool"
    return Finding(name, State.OK, f"{found.root}{tool}")


def _openblas(name: str, _device: str | None) -> Finding:
    """Whether OpenBLAS, with which stock Caffe multiplies, picked kernels that use the processor's vector units."""
    found = blas.choice()
    if found is None:
        return Finding(name, State.OK, "not used: the Caffe in use has another BLAS")
    if found.better is None:
        return Finding(name, State.OK, f"kernels for {found.core}")
    fix = f"unset {blas.VARIABLE}" if found.asked else f"export {blas.VARIABLE}={found.better}, for what is not started by Barista"
    return Finding(name, State.ABSENT, found.sentence(), fix)


def _plugin(name: str, _device: str | None) -> Finding:
    library = paths.plugin_library()
    unresolved = _unresolved_libraries(library)
    if unresolved:
        return Finding(name, State.MISSING, f"{library} needs {', '.join(unresolved)}", _install_fix())
    return Finding(name, State.OK, str(library))


def _install_fix() -> str:
    return "make setup" if paths.checkout() else "install the Debian packages that carry them"


def _unresolved_libraries(library: Path) -> list[str]:
    """The shared libraries that the dynamic linker does not find for `library`."""
    done = subprocess.run(["ldd", str(library)], capture_output=True, text=True, check=False)
    return re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)


def _emulator(name: str, _device: str | None) -> Finding:
    """Intel's wheel, and the link and the configuration file that make it the emulator."""
    library = emulator.runtime_library()
    pinned = "pip install intel-opencl-rt==2024.2.1"
    if library is None:
        return Finding(name, State.MISSING, f"the package {emulator.DISTRIBUTION} is not installed", pinned)
    emulator.prepare()
    version = metadata.version(emulator.DISTRIBUTION)
    if not any(device.is_emulator for device in opencl.devices()):
        detail = f"{emulator.DISTRIBUTION} {version} shows no FPGA emulation platform; releases from 2025.3 on have none"
        return Finding(name, State.MISSING, detail, pinned)
    return Finding(name, State.OK, f"{emulator.DISTRIBUTION} {version}, {library.parent}")


def _drivers(name: str, _device: str | None) -> Finding:
    folder = emulator.prepare()
    icds = sorted(icd.name for icd in folder.glob("*.icd"))
    return Finding(
        name, State.OK if icds else State.MISSING, f"{', '.join(icds) or 'none'} in {folder}", "" if icds else "make setup"
    )


def _device(name: str, device: str | None) -> Finding:
    choice = opencl.pick(device)
    return Finding(name, State.OK, f"{choice.device.name}: {choice.reason}")


def _bitstream(name: str, device: str | None) -> Finding:
    recipe = recipes.load(bitstreams.DEFAULT_RECIPE)
    found = bitstreams.find(recipe, opencl.pick(device).device)
    build = f"barista build {recipe.name}" + (f" --device {device}" if device else "")
    if found is None:
        return Finding(name, State.ABSENT, "not built yet; training builds it when it is first needed", build)
    return Finding(name, State.OK, str(found.path))


def _hook(name: str, device: str | None) -> Finding:
    """Loads it all in a process of its own, and asks whether Caffe's memory is the one that knows of the device."""
    try:
        [answer] = process.ask("barista.doctor", (device or "",), {"name": ""}, {})
    except process.DiedError as error:
        return Finding(name, State.MISSING, str(error), "make setup")
    if not answer["hook_is_live"]:
        detail = "not live: this Caffe reaches its own SyncedMemory; layers copy at every use, results are the same"
        return Finding(name, State.ABSENT, detail, "use a Caffe that is a shared library and was not linked with -Bsymbolic")
    return Finding(name, State.OK, "live: layers keep data on the device")


def _second_device(name: str, _device: str | None) -> Finding:
    present = {device.short_name for device in opencl.devices()}
    if "pocl" not in present:
        return Finding(
            name, State.ABSENT, "PoCL, the second device that tests use, is not installed", "apt install pocl-opencl-icd"
        )
    return Finding(name, State.OK, "PoCL")


def _race_checker(name: str, _device: str | None) -> Finding:
    if not opencl.OCLGRIND_LIBRARY.exists():
        return Finding(name, State.ABSENT, "oclgrind, under which tests run the kernels, is not installed", "apt install oclgrind")
    return Finding(name, State.OK, "oclgrind")


def _board_compiler(name: str, _device: str | None) -> Finding:
    aoc = shutil.which("aoc")
    if aoc is None:
        return Finding(name, State.ABSENT, "Intel's aoc is not on the PATH; only recipes for boards need it")
    return Finding(name, State.OK, aoc)


def _disk(name: str, _device: str | None) -> Finding:
    cache = paths.cache_dir()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 2**30:.1f} GiB free for {cache}"
    if free < NEEDED_FREE_BYTES:
        return Finding(name, State.MISSING, detail, "free some, or set BARISTA_CACHE to a folder on another disk")
    if free < ENOUGH_FREE_BYTES:
        return Finding(name, State.ABSENT, f"{detail}; building Caffe takes 2 GiB", "set BARISTA_CACHE to a folder on another disk")
    return Finding(name, State.OK, detail)


_CHECKS: dict[str, Callable[[str, str | None], Finding]] = {
    "Python": _python,
    "build tools": _build_tools,
    "disk": _disk,
    "Caffe": _caffe,
    "OpenBLAS": _openblas,
    "plugin": _plugin,
    "emulator": _emulator,
    "OpenCL drivers": _drivers,
    "device": _device,
    "bitstream": _bitstream,
    "memory hook": _hook,
    "second device": _second_device,
    "race checker": _race_checker,
    "board compiler": _board_compiler,
}


def _load_and_tell(device: str) -> None:
    """The process in which _hook() loads everything."""
    from barista.runtime import plugin

    answer = process.Answer()
    try:
        answer.tell(hook_is_live=plugin.load(device or None).hook_is_live)
    except BaristaError as error:
        answer.tell(error=str(error))


if __name__ == "__main__":
    _load_and_tell(sys.argv[1])
