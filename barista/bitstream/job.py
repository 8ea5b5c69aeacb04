"""One build of a bitstream, as a toolchain describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.bitstream.source import Source


@dataclass(frozen=True)
class Job:
    """How one build goes: where its result lies, what it is for, and the function that writes the binary."""

    path: Path
    source: Source
    identity: Mapping[str, str]  # platform, device, driver and tool of the manifest
    compile: Callable[[Path, Path], Mapping[str, Any]]  # (source file, binary) -> kernels, clock_mhz, resources
