"""The C interface: Python's prototypes against the header, and libraries of another time."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import small_nets
from processes import ROOT, barista, last_sentence

from barista.runtime.library import ABI_VERSION, PROTOTYPES

HEADER = (ROOT / "caffe_layers" / "capi" / "barista.h").read_text(encoding="utf-8")
TYPES: dict[str, Any] = {
    "void": None,
    "int": ctypes.c_int,
    "unsigned": ctypes.c_uint,
    "size_t": ctypes.c_size_t,
    "uint64_t": ctypes.c_uint64,
    "char*": ctypes.c_char_p,
    "void*": ctypes.c_void_p,
    "uint64_t*": ctypes.POINTER(ctypes.c_uint64),
    "size_t*": ctypes.POINTER(ctypes.c_size_t),
    "void**": ctypes.POINTER(ctypes.c_void_p),
}


def prototypes() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Of each function of the header what it returns, and its arguments."""
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    declared = re.findall(r"^BARISTA_EXPORT ([\w ]+?[ *]+)(barista_\w+)\(([^)]*)\);", code, re.MULTILINE)
    return {name: (_type(result), _arguments(arguments)) for result, name, arguments in declared}


def _arguments(text: str) -> tuple[Any, ...]:
    return () if text == "void" else tuple(_type(re.sub(r"\w+$", "", argument.strip())) for argument in text.split(","))


def _type(text: str) -> Any:
    return TYPES[text.replace("const ", "").replace(" ", "")]


def test_python_has_the_prototypes_of_the_header() -> None:
    assert prototypes() == PROTOTYPES
    assert len(re.findall(r"^BARISTA_EXPORT", HEADER, re.MULTILINE)) == len(PROTOTYPES)


def test_python_has_the_version_of_the_header() -> None:
    assert f"#define BARISTA_ABI_VERSION {ABI_VERSION}\n" in HEADER


STALE = {
    "of another version": ("int barista_version(void) { return 1; }", "its interface is of version 1"),
    "without a version": ("int other(void) { return 1; }", "it has no barista_version()"),
    "without a function": (f"int barista_version(void) {{ return {ABI_VERSION}; }}", "it has no barista_open_device()"),
}


@pytest.mark.parametrize("which", STALE)
@pytest.mark.parametrize("command", ["train", "check"])
def test_a_library_of_another_time_is_one_sentence(which: str, command: str, tmp_path: Path) -> None:
    code, found = STALE[which]
    library = tmp_path / "libbarista.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"], input=code, text=True, check=True)
    solver, _ = small_nets.write(tmp_path, on_device=False)
    file = solver if command == "train" else tmp_path / "net.prototxt"
    said = last_sentence(barista(command, file, "--device", "pocl", BARISTA_PLUGIN=str(library)))
    rule = f"this Barista calls version {ABI_VERSION}; run 'make setup', which builds it anew"
    assert said == f"plugin {library}: {found}, {rule}"
