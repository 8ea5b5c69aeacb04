"""Runs the checker over public designs' kernels, and holds it against their reports: `python -m tools.validate_report`.

Exit status 0 when it ran, whatever missed; 1 where a design cannot be had, or clang is missing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from barista.errors import BaristaError
from barista.report import program
from tools.validate_report import tables
from tools.validate_report.compare import TARGETS, Comparison, compare
from tools.validate_report.designs import DESIGNS, Design, compile_options, fetch_report
from tools.validate_report.published import read_report, read_sources
from tools.validate_report.records import Report

_COLUMNS = 200  # a file or a pipe has no width; no line of a table is folded for it
_OUT_OF_SCOPE = "the checker knows nothing of SIMD work-items, local memory a work-group and barriers"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.validate_report", description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all comparisons there as well")
    arguments = parser.parse_args()
    out = console()
    try:
        compared, left_out = _compare_all(out)
    except BaristaError as error:
        print(f"validate-report: {error}", file=sys.stderr)
        return 1
    out.print(f"\n[bold]Out of scope[/bold]: {len(left_out)} designs of NDRange kernels; {_OUT_OF_SCOPE}", soft_wrap=True)
    for name, kernels in left_out.items():
        out.print(f"  {name}: {', '.join(kernels)}", soft_wrap=True)
    for part in (*tables.summary(compared), *tables.unconfirmed()):
        out.print(part, soft_wrap=isinstance(part, str))
    if arguments.json:
        designs = [{**asdict(one), "checks": [{**asdict(check), "met": check.met} for check in one.checks]} for one in compared]
        arguments.json.write_text(json.dumps({"targets": TARGETS, "designs": designs, "out_of_scope": left_out}, indent=1) + "\n")
    return 0


def console() -> Console:
    """Where everything is printed."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _COLUMNS)


def _compare_all(out: Console) -> tuple[list[Comparison], dict[str, list[str]]]:
    """Every design's comparison, printed as it is made; and the NDRange kernels of those that are out of scope."""
    compared: list[Comparison] = []
    left_out: dict[str, list[str]] = {}
    for design in DESIGNS:
        folder = fetch_report(design)
        published = read_report(folder)
        if not design.single_work_item:
            left_out[design.name] = [kernel.name for kernel in published.kernels if not kernel.single_work_item]
            continue
        compared.append(compare(design.name, design.fitted, _checked(design, folder, published), published))
        for part in tables.of_design(compared[-1], f"{design.family}, {design.board}, aoc {design.aoc}"):
            out.print(part, soft_wrap=isinstance(part, str))
    return compared, left_out


def _checked(design: Design, folder: Path, published: Report) -> program.ProgramReport:
    """The checker's report of the text that aoc compiled, with the options that it was given."""
    device = "stratix10" if design.family == "Stratix 10" else "arria10"
    scratch = Path(tempfile.mkdtemp(prefix="barista-design-"))
    try:
        sources = {Path(path).name: text for path, text in read_sources(folder).items()}
        for name, text in sources.items():
            (scratch / name).write_text(text)
        whole = "".join(f'#include "{name}"\n' for name in sources if name.endswith(".cl"))
        return program.report(whole, compile_options(published.command), scratch, "design.cl", device, design.board)
    except BaristaError as error:
        raise BaristaError(f"design {design.name}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
