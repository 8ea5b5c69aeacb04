"""What `barista rewrite` does with a file: a net or a solver in, rewritten or restored prototxt and a report out.

NAME.prototxt becomes NAME.fpga.prototxt, and NAME.stock.prototxt when restored. A solver's nets are written beside it under such
names, and it names them as they are reached from the working directory, which is how Caffe reads them.
"""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.net import prototxt, schema, upgrade
from barista.net import solver as solvers
from barista.rewrite import placement, transfers

_HEADER = "# Rewritten by Barista; 'barista rewrite --restore' turns its layers back into stock ones.\n"
_DEVICE_MARK, _STOCK_MARK = ".fpga", ".stock"


@dataclass(frozen=True)
class File:
    """One file to write."""

    source: Path  # what it is made from
    target: Path
    original: Any  # the source's message
    text: str

    def diff(self) -> str:
        """Unified diff from the source, without its comments and layout, to the target."""
        before = prototxt.to_text(self.original).splitlines(keepends=True)
        after = self.text.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, str(self.source), str(self.target)))


@dataclass(frozen=True)
class Job:
    """A file read and converted; nothing is written yet."""

    path: Path
    kind: prototxt.Kind
    original: Any  # the message as it was written
    result: Any  # the message converted, a solver's nets inside
    nets: tuple[solvers.SolverNet, ...]
    notes: tuple[str, ...]
    restored: bool

    def transfers(self) -> transfers.Plan | None:
        """What the net that is trained copies in a step; None of restored nets, and where no net is trained."""
        trained = next((net for net in self.nets if net.field in ("", *solvers.TRAIN_FIELDS)), None)
        if trained is None or self.restored:
            return None
        state = self.result.train_state if self.kind is prototxt.Kind.SOLVER else schema.new("NetState")
        return transfers.plan(trained.net, trained.decisions, state)

    def text(self) -> str:
        """All in one piece."""
        return self._text(self.result)

    def files(self, output: Path | None) -> tuple[File, ...]:
        """What to write for an `output` that is a file, a folder or None, the source's own. Raises BaristaError."""
        output = output or self.path.parent
        target = output / self._name(self.path) if output.is_dir() else output
        if self.kind is prototxt.Kind.NET:
            return (File(self.path, target, self.original, self.text()),)
        targets = self._net_targets(target.parent)
        if target in targets.values():
            raise BaristaError(f"{target}: would hold both the solver and one of its nets; choose another name")
        nets = {net.file: net for net in self.nets if net.file is not None}
        net_files = (File(file, targets[file], net.original, self._text(net.net)) for file, net in nets.items())
        solver = solvers.with_nets(self.result, self.nets, targets)
        return (*net_files, File(self.path, target, self.original, self._text(solver)))

    def _text(self, message: Any) -> str:
        return ("" if self.restored else _HEADER) + prototxt.to_text(message)

    def _name(self, source: Path, number: int = 1) -> str:
        stem = source.stem.removesuffix(_DEVICE_MARK).removesuffix(_STOCK_MARK)
        mark = _STOCK_MARK if self.restored else _DEVICE_MARK
        return f"{stem}{f'.{number}' if number > 1 else ''}{mark}.prototxt"

    def _net_targets(self, folder: Path) -> dict[Path, Path]:
        """Where each net file goes; nets of one name from two folders are told apart by a number."""
        targets: dict[Path, Path] = {}
        for net in self.nets:
            if net.file is not None and net.file not in targets:
                names = (folder / self._name(net.file, number) for number in itertools.count(1))
                targets[net.file] = next(name for name in names if name not in targets.values())
        return targets


def plan(path: Path, selection: placement.Selection, *, restore: bool = False, keep_unknown: bool = False) -> Job:
    """Reads and converts a net or a solver with its nets. Raises BaristaError."""
    convert = solvers.restoring if restore else solvers.rewriting(selection)
    document = prototxt.read(path)
    job = _plan_net(document, convert, restore) if document.kind is prototxt.Kind.NET else _plan_solver(path, convert, restore)
    selection.check([layer.name for net in job.nets for layer in net.net.layer], str(path))
    known = None if keep_unknown else upgrade.layer_types()
    if known is not None:
        for net in job.nets:
            placement.check_types(net.net, known, net.name)
    return job


def write(files: tuple[File, ...]) -> None:
    """Writes each file aside and then in place. Raises BaristaError."""
    for file in files:
        prototxt.write_text(file.target, file.text)


def _plan_net(document: prototxt.Document, convert: solvers.Conversion, restore: bool) -> Job:
    notes: list[str] = []
    net = solvers.SolverNet("", document.path, str(document.path), document.message, document.message)
    net = solvers.converted(net, convert, notes)
    return Job(document.path, document.kind, document.message, net.net, (net,), tuple(notes), restore)


def _plan_solver(path: Path, convert: solvers.Conversion, restore: bool) -> Job:
    solver = solvers.read(path, convert)
    return Job(path, prototxt.Kind.SOLVER, solver.original, solver.param, solver.nets, solver.notes, restore)
