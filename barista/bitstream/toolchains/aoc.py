"""Intel's offline compiler, for a recipe that names a board. Takes hours. Not yet run: no machine with aoc was at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barista.bitstream import cache
from barista.bitstream.job import Job
from barista.bitstream.recipe import Recipe
from barista.bitstream.source import Source, program_text, read_source
from barista.errors import BaristaError
from barista.opencl.devices import CompileError

BOARD_PLATFORM = "Intel(R) FPGA SDK for OpenCL(TM)"


def job(recipe: Recipe) -> Job:
    """The build of `recipe` for its board. Raises BaristaError where there is no aoc."""
    board = str(recipe.board)
    aoc = shutil.which("aoc")
    if aoc is None:
        raise BaristaError(
            f"recipe {recipe.name} is for the board {board} and needs Intel's offline compiler: aoc is not on the PATH;"
            " install the Intel FPGA SDK for OpenCL and the board's support package"
        )
    source = read_source()
    options = [f"-I{source.folder}", "-DFOR_BOARD", *recipe.defines()]
    version = _aoc_version(aoc)

    def compile_(source_file: Path, binary: Path) -> Mapping[str, Any]:
        command = [aoc, f"-board={board}", *options, str(source_file), "-o", str(binary)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=binary.parent, check=False)
        if done.returncode != 0 or not binary.is_file():
            raise CompileError(f"aoc ended with status {done.returncode} for board {board}", done.stdout + done.stderr)
        return {"kernels": kernel_signatures(source, options), **_quartus_report(binary.with_suffix(""))}

    identity = {"platform": BOARD_PLATFORM, "device": board, "driver": version, "tool": f"aoc {version}"}
    path = cache.path_of(recipe, board, [BOARD_PLATFORM, board, version], source, ())
    return Job(path, source, identity, compile_)


def _aoc_version(aoc: str) -> str:
    done = subprocess.run([aoc, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"Version\s+([\w.]+)", done.stdout + done.stderr)
    return found.group(1) if found else "unknown"


def kernel_signatures(source: Source, options: list[str]) -> list[dict[str, Any]]:
    """Kernels and their arguments as the source states them once macros are expanded, for a compiler that does not tell.

    Uses the C preprocessor. Raises BaristaError where there is none or where it fails.
    """
    command = ["cc", "-E", "-P", "-x", "c", *options, "-"]
    try:
        done = subprocess.run(command, input=program_text(source), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BaristaError("the C preprocessor cc is not on the PATH; install Debian's package gcc") from error
    if done.returncode != 0:
        raise BaristaError(f"the C preprocessor fails on {source.folder}: {done.stderr.strip().splitlines()[0]}")
    found = []
    for match in re.finditer(r"\b(?:__)?kernel\s+void\s+(\w+)\s*\(([^)]*)\)", done.stdout):
        arguments = [_plain_argument(argument) for argument in match.group(2).split(",") if argument.strip()]
        found.append({"name": match.group(1), "arguments": arguments})
    return sorted(found, key=lambda kernel: str(kernel["name"]))


def _plain_argument(text: str) -> str:
    """An argument without qualifiers, as clGetKernelArgInfo words it: "global float* src"."""
    text = re.sub(r"\b__(global|local|constant)\b", r"\1", text)
    text = re.sub(r"\b(restrict|const|volatile)\b", " ", text)
    return re.sub(r"\s*\*\s*", "* ", " ".join(text.split()))


def _quartus_report(folder: Path) -> dict[str, Any]:
    """Clock and resource use from the report that aoc leaves beside its output; null where it has none."""
    report = folder / "acl_quartus_report.txt"
    if not report.is_file():
        return {"clock_mhz": None, "resources": None}
    entries = dict(re.findall(r"^\s*([^:\n]+?)\s*:\s*(.+?)\s*$", report.read_text(errors="replace"), flags=re.MULTILINE))
    clock = entries.pop("Kernel fmax", None)
    return {"clock_mhz": float(clock) if clock else None, "resources": entries or None}
