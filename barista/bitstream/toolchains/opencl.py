"""The compiler inside an OpenCL runtime that takes source: Intel's emulator, PoCL, Oclgrind. Takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barista.bitstream import cache
from barista.bitstream.job import Job
from barista.bitstream.recipe import Recipe
from barista.bitstream.source import Source, read_source
from barista.errors import BaristaError
from barista.opencl import devices, emulator
from barista.opencl.devices import Device

# Oclgrind judges what the source says, not what an optimiser made of it: that merges reads of memory that nobody wrote, and makes
# shuffles of element by element moves, which oclgrind 21.10 takes for uninitialised.
_DEVICE_OPTIONS = {"oclgrind": ("-cl-opt-disable",)}
# As on an FPGA, whose MACs take numbers below 2^-126 for zero; a processor would take a hundred times as long over each.
_OPTIONS = ("-cl-denorms-are-zero",)


def job(recipe: Recipe, device: Device, environment: Mapping[str, str]) -> Job:
    """The build of `recipe` for `device`, in a process with the variables `environment`. Raises BaristaError where it can't fit."""
    needed = recipe.estimate().bytes // recipe.compute_units
    if device.local_memory_bytes < needed:
        raise BaristaError(
            f"recipe {recipe.name}: a compute unit of its PE array has {needed:,} bytes of on-chip memory,"
            f" {device.name} lets a kernel have {device.local_memory_bytes:,};"
            " build a recipe of your own with fewer x_words, vec_words or acc_words"
        )
    source = read_source()
    options = [f"-I{source.folder}", *recipe.defines(), *_options(device)]

    def compile_(source_file: Path, binary: Path) -> Mapping[str, Any]:
        kernels = devices.compile_program(device, source_file, options, binary, environment)
        return {"kernels": kernels, "clock_mhz": None, "resources": None}

    identity = {"platform": device.platform, "device": device.name, "driver": device.driver, "tool": device.platform_version}
    return Job(binary_path(recipe, device, source), source, identity, compile_)


def binary_path(recipe: Recipe, device: Device, source: Source) -> Path:
    """Where a binary of the device's own runtime lies. The runtimes at hand compile for the processor that they run on."""
    identity = [device.platform, device.name, device.driver, emulator.processor()]
    return cache.path_of(recipe, device.short_name, identity, source, _options(device))


def _options(device: Device) -> tuple[str, ...]:
    return _DEVICE_OPTIONS.get(device.short_name, _OPTIONS)
