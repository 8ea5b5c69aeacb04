"""What `barista rewrite` does with a file: a net or a solver in, rewritten or restored prototxt and a report out.

NAME.prototxt becomes NAME.fpga.prototxt, and NAME.stock.prototxt when restored. A solver's nets are written beside it under such
names, and it names them as they are reached from the working directory, which is how Caffe reads them.
"""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass
from pathlib import Path

from barista.errors import BaristaError
from barista.net import prototxt, schema, source
from barista.net.schema import NetParameter, SolverParameter
from barista.net.source import Net, Solver
from barista.rewrite import placement, transfers
from barista.rewrite.placement import Placed

_HEADER = "# Rewritten by Barista; 'barista rewrite --restore' turns its layers back into stock ones.\n"
_DEVICE_MARK, _STOCK_MARK = ".fpga", ".stock"


@dataclass(frozen=True)
class File:
    """One file to write."""

    source: Path  # what it is made from
    target: Path
    original: NetParameter | SolverParameter  # the source's message
    text: str

    def diff(self) -> str:
        """Unified diff from the source, without its comments and layout, to the target."""
        before = prototxt.to_text(self.original).splitlines(keepends=True)
        after = self.text.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, str(self.source), str(self.target)))


@dataclass(frozen=True)
class Job:
    """A file opened and its nets placed, or restored; nothing is written yet."""

    opened: Net | Solver
    placed: tuple[Placed, ...]  # one a net of `opened`; without decisions where they are restored
    restored: bool

    def transfers(self) -> transfers.Plan | None:
        """What the training net copies in a step; None of restored nets."""
        if self.restored:
            return None
        opened, trained = self.opened, self.placed[0]
        state = opened.settings.train_state if isinstance(opened, Solver) else schema.new("NetState")
        return transfers.plan(trained.net, trained.decisions, state)

    def text(self) -> str:
        """All in one piece, a solver with its nets inside."""
        if isinstance(self.opened, Solver):
            return self._text(self.opened.packed(self._messages()))
        return self._text(self.placed[0].net)

    def files(self, output: Path | None) -> tuple[File, ...]:
        """What to write for an `output` that is a file, a folder or None, the source's own. Raises BaristaError."""
        opened = self.opened
        output = output or opened.origin.parent
        target = output / self._name(opened.origin) if output.is_dir() else output
        if not isinstance(opened, Solver):
            return (File(opened.origin, target, opened.original, self.text()),)
        targets = self._net_targets(target.parent)
        if target in targets.values():
            raise BaristaError(f"{target}: would hold both the solver and one of its nets; choose another name")
        nets = {net.origin: (net, placed) for net, placed in zip(opened.nets, self.placed, strict=True) if net.has_file}
        net_files = (File(file, targets[file], net.original, self._text(placed.net)) for file, (net, placed) in nets.items())
        solver = opened.packed(self._messages(), targets)
        return (*net_files, File(opened.origin, target, opened.original, self._text(solver)))

    def _messages(self) -> list[NetParameter]:
        return [placed.net for placed in self.placed]

    def _text(self, message: NetParameter | SolverParameter) -> str:
        return ("" if self.restored else _HEADER) + prototxt.to_text(message)

    def _name(self, source: Path, number: int = 1) -> str:
        stem = source.stem.removesuffix(_DEVICE_MARK).removesuffix(_STOCK_MARK)
        mark = _STOCK_MARK if self.restored else _DEVICE_MARK
        return f"{stem}{f'.{number}' if number > 1 else ''}{mark}.prototxt"

    def _net_targets(self, folder: Path) -> dict[Path, Path]:
        """Where each net file goes; nets of one name from two folders are told apart by a number."""
        targets: dict[Path, Path] = {}
        for net in self.opened.nets:
            if net.has_file and net.origin not in targets:
                names = (folder / self._name(net.origin, number) for number in itertools.count(1))
                targets[net.origin] = next(name for name in names if name not in targets.values())
        return targets


def plan(path: Path, selection: placement.Selection, *, restore: bool = False, keep_unknown: bool = False) -> Job:
    """Opens a net or a solver with its nets, and places or restores them. Raises BaristaError."""
    opened = source.open(path, check_types=not keep_unknown)
    if restore:
        return Job(opened, tuple(Placed(placement.restore(net.message), ()) for net in opened.nets), True)
    return Job(opened, placement.place_nets(opened, selection), False)


def write(files: tuple[File, ...]) -> None:
    """Writes each file aside and then in place. Raises BaristaError."""
    for file in files:
        prototxt.write_text(file.target, file.text)
