"""Stock Caffe 1.0 with pycaffe, built from Debian's source package into the cache.

What comes out is a prefix: include/, lib/, python/, bin/, and source/, the tree with Caffe's own tests and example nets. It is put
together aside and renamed, with a stamp that says how it was made; without the stamp it does not count. The work folder stays when
the build is cut off, and ninja goes on from there.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from barista import paths
from barista.errors import BaristaError
from tools.set_up import pycaffe
from tools.set_up.commands import Runner, cores
from tools.set_up.debian import fetch_caffe_source
from tools.set_up.setting import Setting, SetUpError

# Raise it when this file changes what is built.
_RECIPE = 1
_STAMP = "barista.json"
_TARGETS = ("caffe", "pycaffe", "caffe.bin")
# Since Protobuf 3.21 the function takes one argument.
_MEND_FILE = "src/caffe/util/io.cpp"
_MEND_OLD = "SetTotalBytesLimit(kProtoReadBytesLimit, 536870912)"
_MEND_NEW = "SetTotalBytesLimit(kProtoReadBytesLimit)"


def build(setting: Setting, runner: Runner) -> None:
    """Leaves a whole Caffe in the cache, unless CAFFE_ROOT names one."""
    if os.environ.get("CAFFE_ROOT"):
        _check_named()
        return
    prefix = setting.cache / "caffe"
    if not _is_current(prefix):
        work = setting.cache / "caffe.work"
        _drop_other_recipe(work, prefix)
        source = _source(work, runner)
        _compile(source, work / "build", prefix, setting, runner)
        _put_in_place(source, work / "build", prefix)
        shutil.rmtree(work)
    # Each time: a Caffe that is already there gets the mends of today without being built anew.
    pycaffe.mend(prefix / "source" / "python", prefix / "python")


def _check_named() -> None:
    try:
        paths.caffe_installation()
    except BaristaError as error:
        raise SetUpError(str(error)) from error


def _stamp_text(prefix: Path) -> str:
    # The libraries hold the prefix as their search path, and _caffe.so is for one Python.
    return json.dumps({"recipe": _RECIPE, "prefix": str(prefix), "python": _python_version()})


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _is_current(prefix: Path) -> bool:
    stamp = prefix / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _stamp_text(prefix)


def _drop_other_recipe(work: Path, prefix: Path) -> None:
    """Keeps the work of a run that was cut off only where it was the same work."""
    stamp = work / _STAMP
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == _stamp_text(prefix)):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        stamp.write_text(_stamp_text(prefix), encoding="utf-8")


def _source(work: Path, runner: Runner) -> Path:
    """The mended source tree; it has this name only once it is whole."""
    source = work / "source"
    if not source.is_dir():
        unpacked = fetch_caffe_source(work, runner)
        _mend(unpacked / _MEND_FILE)
        unpacked.rename(source)
    return source


def _mend(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if _MEND_NEW not in text and _MEND_OLD not in text:
        raise SetUpError(f"{file}: {_MEND_OLD} is not there; Debian's source package is another than expected")
    file.write_text(text.replace(_MEND_OLD, _MEND_NEW), encoding="utf-8")


def _compile(source: Path, build_dir: Path, prefix: Path, setting: Setting, runner: Runner) -> None:
    flags = {
        "CMAKE_BUILD_TYPE": "Release",
        "CPU_ONLY": "ON",
        "BLAS": "Open",
        "BUILD_docs": "OFF",
        "BUILD_matlab": "OFF",
        "BUILD_python": "ON",
        "BUILD_python_layer": "ON",
        "python_version": _python_version(),
        "PYTHON_EXECUTABLE": setting.python,  # the one that has NumPy
        # The libraries are copied out of the build folder: they must look for each other where they will lie.
        "CMAKE_INSTALL_PREFIX": prefix,
        "CMAKE_INSTALL_LIBDIR": "lib",
        "CMAKE_BUILD_WITH_INSTALL_RPATH": "ON",
    }
    definitions = [f"-D{name}={value}" for name, value in flags.items()]
    runner.run("cmake", "-G", "Ninja", "-Wno-dev", "-S", source, "-B", build_dir, *definitions, hold_lock=True)
    runner.run("ninja", "-C", build_dir, "-j", str(cores()), *_TARGETS, hold_lock=True)


def _put_in_place(source: Path, build_dir: Path, prefix: Path) -> None:
    aside = prefix.with_name("caffe.new")
    old = prefix.with_name("caffe.old")
    for folder in (aside, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source / "include", aside / "include")
    messages = aside / "include" / "caffe" / "proto"
    messages.mkdir(exist_ok=True)
    shutil.copy2(build_dir / "include" / "caffe" / "proto" / "caffe.pb.h", messages)
    shutil.copytree(build_dir / "lib", aside / "lib", symlinks=True, ignore=shutil.ignore_patterns("_caffe.so"))
    # Follows the link to _caffe.so in the build folder.
    shutil.copytree(source / "python", aside / "python")
    (aside / "bin").mkdir()
    shutil.copy2(build_dir / "tools" / "caffe", aside / "bin")
    built_in_source = shutil.ignore_patterns("_caffe.so", ".pc")
    shutil.copytree(source, aside / "source", symlinks=True, ignore=built_in_source)
    (aside / _STAMP).write_text(_stamp_text(prefix), encoding="utf-8")
    os.sync()  # the stamp must not reach the disk before what it vouches for
    if prefix.exists():
        prefix.rename(old)
    aside.rename(prefix)
    shutil.rmtree(old, ignore_errors=True)
