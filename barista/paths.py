"""Where things lie: the cache, the kernels and recipes, the plugin, and the Caffe in use.

A checkout keeps kernels and recipes beside the package and the plugin in `build/`; `pip install` puts all three into
`barista/installed/`. Whoever asks here need not know which of the two it is.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from barista.errors import BaristaError

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "installed"


def checkout() -> Path | None:
    """The checkout that this package is part of, or None when it was installed."""
    root = _PACKAGE.parent
    return root if (root / "CMakeLists.txt").is_file() and (root / "opencl_kernels").is_dir() else None


def cache_dir() -> Path:
    """What is built on this machine: $BARISTA_CACHE, else $XDG_CACHE_HOME/barista, else ~/.cache/barista. May not exist yet."""
    if own := os.environ.get("BARISTA_CACHE"):
        return Path(own).expanduser().absolute()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().absolute() / "barista"
    return Path.home() / ".cache" / "barista"


def bitstreams_dir() -> Path:
    """Where `barista build` puts binaries and their manifests. May not exist yet."""
    return cache_dir() / "bitstreams"


def kernels_dir() -> Path:
    """The OpenCL sources, `*.cl` and the headers that they include."""
    return _data_dir("opencl_kernels")


def recipes_dir() -> Path:
    """The recipes, `NAME.json`, from which bitstreams are built."""
    return _data_dir("bitstreams")


def _data_dir(name: str) -> Path:
    root = checkout() or _INSTALLED
    folder = root / name
    if not folder.is_dir():
        raise BaristaError(f"{folder}: not there, though Barista carries it; install Barista anew")
    return folder


def plugin_library() -> Path:
    """libbarista.so: $BARISTA_PLUGIN, else the installed package's, else the one in the checkout's `build/`."""
    named = os.environ.get("BARISTA_PLUGIN")
    return _library("libbarista.so", Path(named) if named else None)


def plan_library() -> Path:
    """libbarista_plan.so, which plans without a device: the installed package's, else the one in the checkout's `build/`."""
    return _library("libbarista_plan.so")


def _library(name: str, named: Path | None = None) -> Path:
    candidates = [named] if named else [_INSTALLED / name]
    if not named and (root := checkout()):
        candidates.append(root / "build" / name)
    for library in candidates:
        if library.is_file():
            return library
    mend = "run 'make setup'" if checkout() else "install Barista anew"
    raise BaristaError(f"plugin {candidates[-1]}: not built; {mend}")


@dataclass(frozen=True)
class CaffeInstallation:
    """A Caffe 1.0, wherever its files are."""

    root: Path  # what was named
    include_dirs: tuple[Path, ...]  # caffe/caffe.hpp and caffe/proto/caffe.pb.h are under these
    library: Path  # libcaffe.so
    python_dir: Path  # the folder to put on sys.path: it holds the package `caffe`
    binary: Path | None  # the `caffe` tool
    source_dir: Path | None  # the source tree: example nets, and Caffe's own tests


def caffe_root() -> Path:
    """The folder in which Caffe is looked for: $CAFFE_ROOT, else the cache's. May not exist."""
    named = os.environ.get("CAFFE_ROOT")
    return Path(named).expanduser().absolute() if named else cache_dir() / "caffe"


def caffe_installation(root: Path | None = None) -> CaffeInstallation:
    """Finds the parts of the Caffe at `root` (default: caffe_root()): a prefix, a built source tree, or a CMake build tree.

    Raises BaristaError that names the part that is missing.
    """
    root = root or caffe_root()
    if not root.is_dir():
        raise BaristaError(f"Caffe {root}: no such folder; run 'make setup', or set CAFFE_ROOT to a Caffe 1.0 that you have")
    source = _caffe_source(root)
    bases = [root, root / "build"] + ([source] if source else [])

    def one(what: str, *names: str) -> Path:
        found = _first(base / name for base in bases for name in names)
        if found is None:
            raise BaristaError(f"Caffe {root}: {what} is not there; CAFFE_ROOT wants a prefix or a built source tree of Caffe 1.0")
        return found

    header = one("include/caffe/caffe.hpp", "include/caffe/caffe.hpp")
    messages = one("caffe/proto/caffe.pb.h", "include/caffe/proto/caffe.pb.h", "src/caffe/proto/caffe.pb.h")
    module = one("the Python package caffe with _caffe.so", *_python_modules())
    return CaffeInstallation(
        root=root,
        include_dirs=tuple(dict.fromkeys([header.parents[1], messages.parents[2]])),
        library=one("libcaffe.so", "lib/libcaffe.so", f"lib/{sys.implementation._multiarch}/libcaffe.so"),
        python_dir=module.parents[1],
        binary=_first(base / name for base in bases for name in ("bin/caffe", "tools/caffe") if not (base / name).is_dir()),
        source_dir=source,
    )


def _python_modules() -> Iterator[str]:
    for folder in ("python", "lib/python3/dist-packages", f"lib/python3.{sys.version_info.minor}/site-packages"):
        yield f"{folder}/caffe/_caffe.so"


def _caffe_source(root: Path) -> Path | None:
    """The source tree of the Caffe at `root`: itself, `source/` in it, or what a CMake build tree says that it was made from."""
    candidates = [root, root / "source"]
    cmake_cache = root / "CMakeCache.txt"
    if cmake_cache.is_file():
        lines = cmake_cache.read_text(encoding="utf-8", errors="replace").splitlines()
        candidates += [Path(line.split("=", 1)[1]) for line in lines if line.startswith("CMAKE_HOME_DIRECTORY:")]
    return _first(c for c in candidates if (c / "src" / "caffe" / "proto" / "caffe.proto").is_file())


def _first(candidates: Iterator[Path]) -> Path | None:
    return next((c for c in candidates if c.exists()), None)
