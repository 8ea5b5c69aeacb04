"""The host-device transfers of recorded steps, equal ones counted together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from barista.net.shapes import MadeLayer
from barista.profile.records import UPDATE
from barista.profile.step import Key, Step
from barista.profile.transfers import COPIES, DOWNLOAD, SOLVER, UPLOAD, Cause, causes
from barista.rewrite.placement import Decision
from barista.runtime.records import Command


@dataclass(frozen=True)
class Copy:
    """A transfer that each step makes."""

    layer: str  # in whose pass
    phase: str  # "forward", "backward" or "update"
    direction: str  # "upload" or "download"
    blob: str  # empty where it can't be told
    bytes: int
    count: float  # a step
    who: str  # its cause: a layer on the CPU, or barista.profile.transfers.SOLVER, LOSS, HOST
    why: str  # of a layer on the CPU, why it is there


def of_steps(made: Sequence[MadeLayer], decisions: Sequence[Decision], ours: Sequence[Step]) -> tuple[Copy, ...]:
    """Every copy of the steps, those that are alike counted together, in the order in which they are first made."""
    counts: dict[tuple[Key, str, int, Cause], int] = {}
    for step in ours:
        for key, command, cause in _causes(made, decisions, step):
            copy = (key, command.name, command.bytes, cause)
            counts[copy] = counts.get(copy, 0) + 1
    return tuple(
        Copy(
            layer=UPDATE if key is None else made[key[0]].name,
            phase=UPDATE if key is None else "backward" if key[1] else "forward",
            direction=direction,
            blob=cause.blob,
            bytes=size,
            count=count / len(ours),
            who=cause.who,
            why=cause.why,
        )
        for (key, direction, size, cause), count in counts.items()
    )


def _causes(made: Sequence[MadeLayer], decisions: Sequence[Decision], step: Step) -> Iterator[tuple[Key, Command, Cause]]:
    for span in step.recorded.spans:
        copied = [command for command in step.recorded.commands[span.first : span.last] if command.name in (UPLOAD, DOWNLOAD)]
        for command, cause in zip(copied, causes(made, decisions, span.layer, span.backward, copied), strict=True):
            yield (span.layer, span.backward), command, cause
    for layer, command in step.prefetched:
        [cause] = causes(made, decisions, layer, False, [command])
        yield (layer, False), command, cause
    for command in step.commands[None]:
        if command.name in COPIES:
            yield None, command, Cause("", SOLVER, "")
