"""The classic nets, on each device: `python -m conformance.nets [NET...]`. Status 0: every layer and every training agrees.

Of each net: how much of it the device runs (barista coverage), each of its layers against stock Caffe's (barista check), and a few
steps of training against stock Caffe's (conformance.agreement).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from barista.check import report as check
from barista.cli import coverage as coverage_command
from barista.errors import BaristaError
from barista.net import prototxt
from barista.plan import coverage
from conformance.agreement import Agreement, Training
from conformance.trials import TRIALS, Prepared, prepare

DEVICES = ("emulator", "pocl")
_COLUMNS = 200  # of a file or a pipe


@dataclass(frozen=True)
class Result:
    """A net on a device."""

    net: str
    batch: int
    report: check.Report
    check_seconds: float
    agreement: Agreement

    @property
    def passed(self) -> bool:
        return self.report.passed and self.agreement.passed

    def complaints(self) -> Iterator[str]:
        for layer in self.report.layers:
            if not layer.passed:
                worst = layer.worst()
                assert worst is not None
                off = f"is off by {worst.error:.1e}, {worst.allowed:.1e} is allowed"
                yield f"layer {layer.layer}: {worst.array} of {worst.data} data {off}"
        if not self.agreement.passed:
            found, (loss, update) = self.agreement.difference, self.agreement.allowed
            yield (
                f"training: a loss is off by {found.loss:.1e} of itself, {loss:.1e} is allowed;"
                f" {found.parameter} by {found.update:.1e} of its update, {update:.1e} is allowed"
            )

    def as_json(self) -> dict[str, Any]:
        parts = {"check": self.report.as_json(), "check_seconds": self.check_seconds, "agreement": self.agreement.as_json()}
        return {"net": self.net, "batch": self.batch, "passed": self.passed, **parts}


def cover(names: Sequence[str], folder: Path) -> list[coverage.Coverage]:
    """The coverage of each net at its own shapes."""
    found = []
    for name in names:
        prepared = prepare(name)
        path = folder / f"{name}.prototxt"
        prototxt.write_text(path, prototxt.to_text(prepared.example.net))
        found += [replace(net, net=name) for net in coverage.cover([path], prepared.example.images)]
    return found


def examine(prepared: Prepared, devices: Sequence[str], folder: Path) -> Iterator[Result]:
    """The net on each device. Stock Caffe trains it once. Raises BaristaError where a process of one of them fails."""
    path = folder / f"{prepared.name}.prototxt"
    prototxt.write_text(path, prototxt.to_text(prepared.net))
    training = Training(prepared.name, prepared.net, prepared.solver, prepared.inputs(), folder, prepared.trial.seed)
    for device in devices:
        start = time.monotonic()
        report = check.check(path, device)
        seconds = time.monotonic() - start
        yield Result(prepared.name, prepared.trial.batch, report, round(seconds, 1), training.agreement(device))


# --- the command ---------------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.nets", description="Tries the classic nets on each device.")
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"of {', '.join(TRIALS)} (default: all)")
    parser.add_argument("--device", action="append", help="a device as 'barista devices' names it (default: emulator and pocl)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write coverage, every comparison and all times to FILE")
    options = parser.parse_args()
    if unknown := [name for name in options.nets if name not in TRIALS]:
        parser.error(f"net {unknown[0]}: there is {', '.join(TRIALS)}")
    try:
        return _run(options.nets or list(TRIALS), options.device or DEVICES, options.json)
    except BaristaError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1


def _run(names: Sequence[str], devices: Sequence[str], record: Path | None) -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _COLUMNS)
    with tempfile.TemporaryDirectory(prefix="barista-nets-") as folder:
        covered = cover(names, Path(folder))
    console.print(coverage_command.summary(covered))
    results: list[Result] = []
    failures = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="barista-nets-") as folder:
            try:
                for result in examine(prepare(name), devices, Path(folder)):
                    results.append(result)
                    failures += [f"{name} on {result.agreement.device}: {complaint}" for complaint in result.complaints()]
                    print(f"{name}: done on {result.agreement.device}", file=sys.stderr, flush=True)
            except BaristaError as error:
                failures.append(f"{name}: {error}")
    console.print()
    console.print(_table(results))
    if record:
        nets = [net.as_json() for net in covered]
        record.write_text(json.dumps({"coverage": nets, "results": [result.as_json() for result in results]}, indent=1))
    for failure in failures:
        print(failure)
    print(f"{len(failures)} complaints" if failures else "every layer and every training agrees with stock Caffe's")
    return 1 if failures else 0


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (
        "net",
        "batch",
        "device",
        "layers",
        "worst",
        "of",
        "s",
        "loss",
        "update",
        "of",
        "itself",
        "stock s",
        "device s",
        "",
    ):
        left = heading in ("net", "device", "of", "")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for result in results:
        table.add_row(*_row(result))
    return table


def _row(result: Result) -> list[str]:
    """`worst` is the error of a layer alone, as a part of what rounding allows; `itself` is stock Caffe's update from itself."""
    layer, worst = max(
        ((layer.layer, c.ratio) for layer in result.report.layers for c in layer.comparisons), key=lambda pair: pair[1]
    )
    agreement = result.agreement
    return [
        result.net,
        str(result.batch),
        agreement.device,
        str(len(result.report.layers)),
        f"{worst:.2f}",
        layer,
        f"{result.check_seconds:.1f}",
        f"{agreement.difference.loss:.1e}",
        f"{agreement.difference.update:.1e}",
        agreement.difference.parameter,
        f"{agreement.itself.update:.1e}" if agreement.itself else "",
        f"{agreement.stock_seconds:.1f}",
        f"{agreement.device_seconds:.1f}",
        "ok" if result.passed else "DIFFERS",
    ]


if __name__ == "__main__":
    sys.exit(main())
