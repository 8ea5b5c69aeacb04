"""A bitstream: two files side by side, checked against each other.

NAME.aocx is the program binary. NAME.json is its manifest: recipe, platform, device and driver it was built for, hashes of binary
and sources, kernels and their arguments; from a board build, clock and resources.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from barista.bitstream.recipe import Recipe
from barista.errors import BaristaError
from barista.opencl.devices import SHORT_NAMES, Device

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class Bitstream:
    """A binary and its manifest, checked against each other."""

    path: Path  # of the binary
    manifest: Mapping[str, Any]
    recipe: Recipe

    @staticmethod
    def of(path: Path, manifest: Mapping[str, Any]) -> Bitstream:
        """A bitstream by its manifest, whose recipe is checked. Raises BaristaError."""
        return Bitstream(path, manifest, Recipe.from_dict(manifest["recipe"], path.with_suffix(".json").name))

    @property
    def device(self) -> str:
        return str(self.manifest["device"])

    @property
    def kernels(self) -> list[str]:
        return [str(kernel["name"]) for kernel in self.manifest["kernels"]]

    @property
    def short_name(self) -> str | None:
        """The short name of the device that it was built for, where its platform has one."""
        platform = str(self.manifest["platform"])
        return next((short for short, part in SHORT_NAMES.items() if part in platform), None)

    def device_among(self, present: Sequence[Device]) -> Device:
        """The device of those present that it was built for, or the nearest, whose difference require() tells.

        Raises BaristaError where none is of its platform.
        """
        same_platform = [device for device in present if device.platform == self.manifest["platform"]]
        if not same_platform:
            raise BaristaError(f"bitstream {self.path.name}: built for {self.manifest['platform']}, and no device of it is here")
        named = [device for device in same_platform if device.name == self.manifest["device"]] or same_platform
        return named[0]

    def require(self, device: Device) -> None:
        """Raises BaristaError where it was built for anything but `device`."""
        here = {"platform": device.platform, "device": device.name, "driver": device.driver}
        for key, value in here.items():
            if self.manifest[key] != value:
                raise BaristaError(
                    f"bitstream {self.path.name}: built for {key} {self.manifest[key]}, this is {value}; {self.mend()}"
                )

    def mend(self) -> str:
        """What to type to have it built anew."""
        return f"rebuild it with 'barista build {self.recipe.name}'"


def open_bitstream(path: Path) -> Bitstream:
    """Reads manifest and binary and checks them against each other.

    Raises BaristaError where one is missing, cut short or changed since it was built.
    """
    bitstream = Bitstream.of(path, _read_manifest(path, path.with_suffix(".json")))
    if file_sha256(path) != bitstream.manifest["binary_sha256"]:
        raise BaristaError(f"bitstream {path} is corrupt: its SHA-256 is not the one in its manifest; {bitstream.mend()}")
    return bitstream


def resolved_as_json(bitstream: Bitstream, device: Device) -> dict[str, Any]:
    """What another process needs to load a bitstream that was verified here, on the device that it fits."""
    return {"path": str(bitstream.path), "manifest": bitstream.manifest, "device": asdict(device)}


def resolved_from_json(raw: Mapping[str, Any]) -> tuple[Bitstream, Device]:
    """The same read back; the binary is not looked at."""
    return Bitstream.of(Path(raw["path"]), raw["manifest"]), Device(**raw["device"])


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


def file_sha256(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
