"""The kernels' source: the files that are compiled, and the hash by which a bitstream knows them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from barista import paths
from barista.errors import BaristaError


@dataclass(frozen=True)
class Source:
    """The kernels: what is compiled, and the hash of every file that takes part."""

    folder: Path
    files: tuple[Path, ...]  # *.cl, in the order in which they are compiled
    sha256: str


def read_source(folder: Path | None = None) -> Source:
    """The kernels in `folder` (default: Barista's own). Raises BaristaError where there are none."""
    folder = folder or paths.kernels_dir()
    files = tuple(sorted(folder.glob("*.cl")))
    if not files:
        raise BaristaError(f"no kernels: {folder} has no .cl file")
    digest = hashlib.sha256()
    for path in (*files, *sorted(folder.rglob("*.h"))):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return Source(folder, files, digest.hexdigest())


def program_text(source: Source) -> str:
    """One program of all kernels: an include line a file."""
    return "".join(f'#include "{path.name}"\n' for path in source.files)
