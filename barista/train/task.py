"""What the parent has the worker do. Light to import: the worker reads it before any library is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from barista.bitstream.manifest import Bitstream, resolved_as_json, resolved_from_json
from barista.opencl.devices import Device


@dataclass(frozen=True)
class Resume:
    """The snapshot that a run goes on from."""

    given: str  # its solver state, as the user names it
    state: str  # the file that Caffe restores: the same, or a copy of it that says where the weights are now
    resume_state: dict[str, Any] | None  # what Caffe forgets; None where the snapshot is stock Caffe's


@dataclass(frozen=True)
class Task:
    """A training, with everything in it checked: bitstream and device fit each other, and the nets' layers are placed."""

    parent: int  # the process that asks for it
    bitstream: Bitstream
    device: Device
    solver: str  # text of a SolverParameter, its nets inside
    prefix: str  # of snapshots
    seed: int
    data: str  # a hash of what decides which batches the train net takes
    resume: Resume | None = None

    def as_json(self) -> dict[str, Any]:
        fields = {name: value for name, value in vars(self).items() if name not in ("bitstream", "device")}
        resume = asdict(self.resume) if self.resume is not None else None
        return {**fields, "resolved": resolved_as_json(self.bitstream, self.device), "resume": resume}

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> Task:
        fields = dict(raw)
        bitstream, device = resolved_from_json(fields.pop("resolved"))
        resume = Resume(**raw["resume"]) if raw["resume"] is not None else None
        return Task(**{**fields, "bitstream": bitstream, "device": device, "resume": resume})
