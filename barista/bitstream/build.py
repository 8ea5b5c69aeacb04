"""Bitstreams: made from a recipe and the kernels, cached by what they are made of, refused where they do not fit.

For an OpenCL device that compiles source, the emulator among them, all of opencl_kernels/*.cl are compiled as one program; for a
recipe that names a board Intel's `aoc` is called. The plugin loads nothing but the result.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from barista import __version__
from barista.bitstream import cache
from barista.bitstream import recipe as recipes
from barista.bitstream.job import Job
from barista.bitstream.manifest import MANIFEST_VERSION, Bitstream, file_sha256, open_bitstream
from barista.bitstream.recipe import Recipe
from barista.bitstream.source import program_text, read_source
from barista.bitstream.toolchains import aoc, opencl
from barista.errors import BaristaError
from barista.opencl import devices, emulator

DEFAULT_RECIPE = "emulator"


def build(
    recipe: Recipe, device: str | None = None, *, force: bool = False, note: Callable[[str], None] | None = None
) -> Bitstream:
    """The bitstream of `recipe` for `device` (see devices.pick), from the cache or built into it.

    `force` builds even where the cache has it. `note` is told when a build starts. Safe to call from several processes at once.
    Raises BaristaError: no such device, source that does not compile (with the log's path), no aoc for a board's recipe.
    """
    if recipe.board is not None:
        return _build(recipe, aoc.job(recipe), force, note)
    variables = devices.environment(device)
    picked = devices.pick(device, devices.devices(variables)).device
    return _build(recipe, opencl.job(recipe, picked, variables), force, note)


def find(recipe: Recipe, device: devices.Device) -> Bitstream | None:
    """The bitstream that build() would return, where the cache has it and it is intact."""
    return cache.intact(opencl.binary_path(recipe, device, read_source()))


def resolve(
    device: str | None = None, bitstream: str | Path | None = None, *, note: Callable[[str], None] | None = None
) -> tuple[Bitstream, devices.Device]:
    """The bitstream to load and the device to load it on.

    `bitstream` is a file that ends in .aocx, or a recipe's name (None: "emulator"), which is built where the cache lacks it.
    Without `device`, a file's own device is taken. Raises BaristaError as build(), open_bitstream() and devices.pick() do.
    """
    if bitstream is not None and str(bitstream).endswith(".aocx"):
        opened = open_bitstream(Path(bitstream).resolve())
        present = devices.devices(devices.environment(device or opened.short_name))
        picked = devices.pick(device, present).device if device else opened.device_among(present)
        opened.require(picked)
        return opened, picked
    recipe = recipes.load(bitstream or DEFAULT_RECIPE)
    variables = devices.environment(device)
    present = devices.devices(variables)
    if recipe.board is not None:
        built = _build(recipe, aoc.job(recipe), False, note)
        return built, built.device_among(present)
    picked = devices.pick(device, present).device
    return _build(recipe, opencl.job(recipe, picked, variables), False, note), picked


def environment(bitstream: Bitstream, device: devices.Device) -> dict[str, str]:
    """Variables with which a process that has the plugin loads `bitstream` on `device`."""
    return {
        **devices.environment_of(device),
        **(emulator.threads(bitstream.recipe.compute_units) if device.is_emulator else {}),
        "BARISTA_BITSTREAM": str(bitstream.path),
        "BARISTA_DEVICE_INDEX": str(device.index),
    }


def _build(recipe: Recipe, job: Job, force: bool, note: Callable[[str], None] | None) -> Bitstream:
    ready = None if force else cache.intact(job.path)
    if ready:
        return ready
    with cache.lock(job.path):
        ready = None if force else cache.intact(job.path)  # another process may have built it while this one waited
        if ready:
            return ready
        if note:
            note(f"building bitstream {recipe.name} for {job.identity['device']}")
        return _make(recipe, job)


def _make(recipe: Recipe, job: Job) -> Bitstream:
    """Builds in a folder aside; manifest first and binary last are renamed into place."""
    folder = job.path.parent
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as aside:
        source_file = Path(aside) / f"{recipe.name}.cl"
        source_file.write_text(program_text(job.source), encoding="utf-8")
        binary = Path(aside) / job.path.name
        try:
            result = job.compile(source_file, binary)
        except devices.CompileError as error:
            raise BaristaError(f"recipe {recipe.name}: {error}; the compiler's log is {_keep_log(job.path, error.log)}") from error
        manifest = {
            "manifest_version": MANIFEST_VERSION,
            "barista": __version__,
            "recipe": recipe.raw,
            **job.identity,
            "binary_sha256": file_sha256(binary),
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
