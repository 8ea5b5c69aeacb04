"""One recorded step, its commands by the pass that enqueued them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from barista.net.shapes import MadeLayer
from barista.profile.records import Recorded, Span
from barista.profile.transfers import COPIES, PREFETCH, UPLOAD, loader
from barista.runtime.records import Command

Key = tuple[int, bool] | None  # a layer and whether it is its backward pass; None: the update


def keys(layers: int) -> list[Key]:
    return [*((layer, backward) for layer in range(layers) for backward in (False, True)), None]


class Step:
    """A recorded step, its commands by the pass that enqueued them."""

    def __init__(self, recorded: Recorded, units: int, made: Sequence[MadeLayer]) -> None:
        self.units = units
        self.recorded = recorded
        self.spans: dict[Key, list[Span]] = {}
        self.commands: dict[Key, list[Command]] = {}
        inside: set[int] = set()
        for span in recorded.spans:
            key = (span.layer, span.backward)
            self.spans.setdefault(key, []).append(span)
            self.commands.setdefault(key, []).extend(recorded.commands[span.first : span.last])
            inside.update(range(span.first, span.last))
        self.commands[None] = [command for i, command in enumerate(recorded.commands) if i not in inside]
        self.prefetched = list(self._move_prefetched(made))
        step, spans = recorded.steps[0], recorded.spans
        # Gradients are cleared before the first pass, parameters moved after the last.
        self._outside_ns = spans[0].began - step.began + step.ended - spans[-1].ended

    def _move_prefetched(self, made: Sequence[MadeLayer]) -> Iterator[tuple[int, Command]]:
        """To the passes for which they are: uploads of a layer, which are left out where they were."""
        for key, commands in list(self.commands.items()):
            self.commands[key] = [command for command in commands if command.name != PREFETCH]
        for command in self.recorded.commands:
            if command.name == PREFETCH:
                layer, upload = loader(made, command), replace(command, name=UPLOAD)
                self.commands.setdefault((layer, False), []).append(upload)
                yield layer, upload

    def host_ms(self, key: Key) -> float:
        return (self._outside_ns if key is None else sum(span.ended - span.began for span in self.spans.get(key, ()))) / 1e6

    def device_ms(self, *keys: Key) -> float:
        """While any kernel of these passes ran, of all where none is given."""
        chosen = keys or tuple(self.commands)
        return covered(command for key in chosen for command in self.commands.get(key, ()) if command.name not in COPIES) / 1e6

    def launches(self, key: Key) -> int:
        return sum(command.queue < self.units for command in self.commands.get(key, ()))

    def crossed(self, key: Key, direction: str) -> list[Command]:
        return [command for command in self.commands.get(key, ()) if command.name == direction]


def covered(commands: Iterable[Command]) -> int:
    """Nanoseconds in which at least one of the commands ran."""
    total, until = 0, 0
    for command in sorted(commands, key=lambda command: command.began):
        if command.ended > until:
            total += command.ended - max(command.began, until)
            until = command.ended
    return total
