"""Bitstreams: made from a recipe and the kernels, cached by what they are made of, refused where they do not fit.

A bitstream is two files side by side: NAME.aocx, the program binary, and NAME.json, its manifest (recipe, platform, device and
driver it was built for, hashes of binary and sources, kernels and their arguments; from a board build, clock and resources).
For an OpenCL device that compiles source, the emulator among them, this module compiles all of opencl_kernels/*.cl as one
program; for a recipe that names a board it calls Intel's `aoc`. The plugin loads nothing but the result.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista import __version__, paths
from barista.bitstream import recipe as recipes
from barista.bitstream.recipe import Recipe
from barista.errors import BaristaError
from barista.opencl import devices as opencl
from barista.opencl import emulator

MANIFEST_VERSION = 1
DEFAULT_RECIPE = "emulator"
# Oclgrind judges what the source says, not what an optimiser made of it: that merges reads of memory that nobody wrote, and makes
# shuffles of element by element moves, which oclgrind 21.10 takes for uninitialised.
_DEVICE_OPTIONS = {"oclgrind": ("-cl-opt-disable",)}
# As on an FPGA, whose multiply-adders take numbers below 2^-126 for zero; a processor would take a hundred times as long over each.
_OPTIONS = ("-cl-denorms-are-zero",)
BOARD_PLATFORM = "Intel(R) FPGA SDK for OpenCL(TM)"


@dataclass(frozen=True)
class Bitstream:
    """A binary and its manifest, checked against each other."""

    path: Path  # of the binary
    manifest: Mapping[str, Any]
    recipe: Recipe

    @property
    def device(self) -> str:
        return str(self.manifest["device"])

    @property
    def kernels(self) -> list[str]:
        return [str(kernel["name"]) for kernel in self.manifest["kernels"]]

    def mend(self) -> str:
        """What to type to have it built anew."""
        return f"rebuild it with 'barista build {self.recipe.name}'"


@dataclass(frozen=True)
class Source:
    """The kernels: what is compiled, and the hash of every file that takes part."""

    folder: Path
    files: tuple[Path, ...]  # *.cl, in the order in which they are compiled
    sha256: str


def build(
    recipe: Recipe, device: str | None = None, *, force: bool = False, note: Callable[[str], None] | None = None
) -> Bitstream:
    """The bitstream of `recipe` for `device` (see opencl.pick), from the cache or built into it.

    `force` builds even where the cache has it. `note` is told when a build starts. Safe to call from several processes at once.
    Raises BaristaError: no such device, source that does not compile (with the log's path), no aoc for a board's recipe.
    """
    if recipe.board is not None:
        return _build(recipe, _board_job(recipe), force, note)
    environment_ = opencl.environment(device)
    picked = opencl.pick(device, opencl.devices(environment_)).device
    return _build(recipe, _online_job(recipe, picked, environment_), force, note)


def find(recipe: Recipe, device: opencl.Device) -> Bitstream | None:
    """The bitstream that build() would return, where the cache has it and it is intact."""
    return _intact(_online_path(recipe, device, read_source()))


def open_bitstream(path: Path) -> Bitstream:
    """Reads manifest and binary and checks them against each other.

    Raises BaristaError where one is missing, cut short or changed since it was built.
    """
    manifest_path = path.with_suffix(".json")
    manifest = _read_manifest(path, manifest_path)
    recipe = Recipe.from_dict(manifest["recipe"], manifest_path.name)
    bitstream = Bitstream(path, manifest, recipe)
    if _file_sha256(path) != manifest["binary_sha256"]:
        raise BaristaError(f"bitstream {path} is corrupt: its SHA-256 is not the one in its manifest; {bitstream.mend()}")
    return bitstream


def require_device(bitstream: Bitstream, device: opencl.Device) -> None:
    """Raises BaristaError where `bitstream` was built for anything but `device`."""
    built_for = {key: bitstream.manifest[key] for key in ("platform", "device", "driver")}
    here = {"platform": device.platform, "device": device.name, "driver": device.driver}
    for key, value in built_for.items():
        if value != here[key]:
            raise BaristaError(f"bitstream {bitstream.path.name}: built for {key} {value}, this is {here[key]}; {bitstream.mend()}")


def resolve(
    device: str | None = None, bitstream: str | Path | None = None, *, note: Callable[[str], None] | None = None
) -> tuple[Bitstream, opencl.Device]:
    """The bitstream to load and the device to load it on.

    `bitstream` is a file that ends in .aocx, or a recipe's name (None: "emulator"), which is built where the cache lacks it.
    Without `device`, a file's own device is taken. Raises BaristaError as build(), open_bitstream() and opencl.pick() do.
    """
    if bitstream is not None and str(bitstream).endswith(".aocx"):
        opened = open_bitstream(Path(bitstream).resolve())
        present = opencl.devices(opencl.environment(device or _short_name_of(opened)))
        picked = opencl.pick(device, present).device if device else _device_of(opened, present)
        require_device(opened, picked)
        return opened, picked
    recipe = recipes.load(bitstream or DEFAULT_RECIPE)
    environment_ = opencl.environment(device)
    present = opencl.devices(environment_)
    if recipe.board is not None:
        built = _build(recipe, _board_job(recipe), False, note)
        return built, _device_of(built, present)
    picked = opencl.pick(device, present).device
    return _build(recipe, _online_job(recipe, picked, environment_), False, note), picked


def environment(bitstream: Bitstream, device: opencl.Device) -> dict[str, str]:
    """Variables with which a process that has the plugin loads `bitstream` on `device`."""
    return {
        **opencl.environment_of(device),
        **(emulator.threads(bitstream.recipe.compute_units) if device.is_emulator else {}),
        "BARISTA_BITSTREAM": str(bitstream.path),
        "BARISTA_DEVICE_INDEX": str(device.index),
    }


def read_source(folder: Path | None = None) -> Source:
    """The kernels in `folder` (default: Barista's own). Raises BaristaError where there are none."""
    folder = folder or paths.kernels_dir()
    files = tuple(sorted(folder.glob("*.cl")))
    if not files:
        raise BaristaError(f"no kernels: {folder} has no .cl file")
    digest = hashlib.sha256()
    for path in (*files, *sorted(folder.glob("*.h"))):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return Source(folder, files, digest.hexdigest())


def program_text(source: Source) -> str:
    """One program of all kernels: an include line a file."""
    return "".join(f'#include "{path.name}"\n' for path in source.files)


@dataclass(frozen=True)
class _Job:
    """How one build goes: where its result lies, what it is for, and the function that writes the binary."""

    path: Path
    source: Source
    identity: Mapping[str, str]  # platform, device, driver and tool of the manifest
    compile: Callable[[Path, Path], Mapping[str, Any]]  # (source file, binary) -> kernels, clock_mhz, resources


def _online_job(recipe: Recipe, device: opencl.Device, environment_: Mapping[str, str]) -> _Job:
    """A build by the device's own runtime. Takes seconds."""
    needed = recipe.estimate().bytes // recipe.compute_units
    if device.local_memory_bytes < needed:
        raise BaristaError(
            f"recipe {recipe.name}: a compute unit of its grid has {needed:,} bytes of on-chip memory,"
            f" {device.name} lets a kernel have {device.local_memory_bytes:,};"
            " build a recipe of your own with fewer x_words, vec_words or acc_words"
        )
    source = read_source()
    options = [f"-I{source.folder}", *recipe.defines(), *_DEVICE_OPTIONS.get(device.short_name, _OPTIONS)]

    def compile_(source_file: Path, binary: Path) -> Mapping[str, Any]:
        kernels = opencl.compile_program(device, source_file, options, binary, environment_)
        return {"kernels": kernels, "clock_mhz": None, "resources": None}

    identity = {"platform": device.platform, "device": device.name, "driver": device.driver, "tool": device.platform_version}
    return _Job(_online_path(recipe, device, source), source, identity, compile_)


def _online_path(recipe: Recipe, device: opencl.Device, source: Source) -> Path:
    """Where a binary of the device's own runtime lies. The runtimes at hand compile for the processor that they run on."""
    identity = [device.platform, device.name, device.driver, emulator.processor()]
    return _cache_path(recipe, device.short_name, identity, source)


def _board_job(recipe: Recipe) -> _Job:
    """A board's build by Intel's offline compiler. Takes hours. Not yet run: no machine with aoc was at hand."""
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
            raise opencl.CompileError(f"aoc ended with status {done.returncode} for board {board}", done.stdout + done.stderr)
        return {"kernels": kernel_signatures(source, options), **_quartus_report(binary.with_suffix(""))}

    identity = {"platform": BOARD_PLATFORM, "device": board, "driver": version, "tool": f"aoc {version}"}
    return _Job(_cache_path(recipe, board, [BOARD_PLATFORM, board, version], source), source, identity, compile_)


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


def _build(recipe: Recipe, job: _Job, force: bool, note: Callable[[str], None] | None) -> Bitstream:
    ready = None if force else _intact(job.path)
    if ready:
        return ready
    with _lock(job.path):
        ready = None if force else _intact(job.path)  # another process may have built it while this one waited
        if ready:
            return ready
        if note:
            note(f"building bitstream {recipe.name} for {job.identity['device']}")
        return _make(recipe, job)


def _make(recipe: Recipe, job: _Job) -> Bitstream:
    """Builds in a folder aside; manifest first and binary last are renamed into place."""
    folder = job.path.parent
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as aside:
        source_file = Path(aside) / f"{recipe.name}.cl"
        source_file.write_text(program_text(job.source), encoding="utf-8")
        binary = Path(aside) / job.path.name
        try:
            result = job.compile(source_file, binary)
        except opencl.CompileError as error:
            raise BaristaError(f"recipe {recipe.name}: {error}; the compiler's log is {_keep_log(job.path, error.log)}") from error
        manifest = {
            "manifest_version": MANIFEST_VERSION,
            "barista": __version__,
            "recipe": recipe.raw,
            **job.identity,
            "binary_sha256": _file_sha256(binary),
            "source_sha256": job.source.sha256,
            **result,
        }
        manifest_aside = binary.with_suffix(".json")
        manifest_aside.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        manifest_aside.replace(job.path.with_suffix(".json"))
        binary.replace(job.path)
    return open_bitstream(job.path)


def _keep_log(path: Path, text: str) -> Path:
    log = path.with_suffix(".log")
    log.write_text(text, encoding="utf-8")
    return log


def _cache_path(recipe: Recipe, short_name: str, identity: list[str], source: Source) -> Path:
    """Where the bitstream lies: the name says recipe and device, the digits change with anything that could change it."""
    options = _DEVICE_OPTIONS.get(short_name, _OPTIONS)
    made_of = json.dumps([MANIFEST_VERSION, source.sha256, recipe.raw, identity, options], sort_keys=True)
    digits = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder = paths.bitstreams_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{recipe.name}-{short_name}-{digits}.aocx"


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go of it when its process ends, however it ends."""
    recipe_and_device = path.name.rpartition("-")[0]
    with open(path.with_name(f".{recipe_and_device}.lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _intact(path: Path) -> Bitstream | None:
    if not path.is_file():
        return None
    try:
        return open_bitstream(path)
    except BaristaError:
        return None


def _read_manifest(path: Path, manifest_path: Path) -> dict[str, Any]:
    mend = "build it anew with 'barista build'"
    for file in (path, manifest_path):
        if not file.is_file():
            raise BaristaError(f"bitstream {path}: {file} is missing; {mend}")
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BaristaError(f"bitstream {path}: its manifest {manifest_path.name} is not JSON ({error}); {mend}") from error
    needed = ("manifest_version", "recipe", "platform", "device", "driver", "binary_sha256", "kernels")
    lacking = [key for key in needed if not isinstance(manifest, dict) or key not in manifest]
    if lacking:
        raise BaristaError(f"bitstream {path}: its manifest lacks {', '.join(lacking)}; {mend}")
    if manifest["manifest_version"] != MANIFEST_VERSION:
        version = manifest["manifest_version"]
        raise BaristaError(f"bitstream {path}: its manifest is of version {version}, this Barista reads {MANIFEST_VERSION}; {mend}")
    return dict(manifest)


def _file_sha256(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _short_name_of(bitstream: Bitstream) -> str | None:
    """The short name of the device that a bitstream was built for, where its platform has one."""
    platform = str(bitstream.manifest["platform"])
    return next((short for short, part in opencl.SHORT_NAMES.items() if part in platform), None)


def _device_of(bitstream: Bitstream, present: list[opencl.Device]) -> opencl.Device:
    """The device among those present that the bitstream was built for, or the nearest, whose difference is then reported."""
    manifest = bitstream.manifest
    same_platform = [device for device in present if device.platform == manifest["platform"]]
    if not same_platform:
        raise BaristaError(f"bitstream {bitstream.path.name}: built for {manifest['platform']}, and no device of it is here")
    named = [device for device in same_platform if device.name == manifest["device"]] or same_platform
    return named[0]
