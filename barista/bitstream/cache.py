"""Where built bitstreams lie, one build of each at a time.

A file's name has a hash of all that could change its contents: recipe, sources, compiler options, device and driver.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from barista import paths
from barista.bitstream.manifest import MANIFEST_VERSION, Bitstream, open_bitstream
from barista.bitstream.recipe import Recipe
from barista.bitstream.source import Source
from barista.errors import BaristaError


def path_of(recipe: Recipe, short_name: str, identity: Sequence[str], source: Source, options: Sequence[str]) -> Path:
    """Where the bitstream lies: the name says recipe and device, the digits change with anything that could change it."""
    made_of = json.dumps([MANIFEST_VERSION, source.sha256, recipe.raw, [*identity], [*options]], sort_keys=True)
    digits = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder = paths.bitstreams_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{recipe.name}-{short_name}-{digits}.aocx"


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go of it when its process ends, however it ends."""
    recipe_and_device = path.name.rpartition("-")[0]
    with open(path.with_name(f".{recipe_and_device}.lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def intact(path: Path) -> Bitstream | None:
    if not path.is_file():
        return None
    try:
        return open_bitstream(path)
    except BaristaError:
        return None
