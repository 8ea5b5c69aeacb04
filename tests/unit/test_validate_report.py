"""A made-up design is held against a made-up report: what is equal is met, and each thing that differs is a miss of its own."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from barista.errors import BaristaError
from barista.report import area, program
from barista.report.constants import Area
from tools.validate_report import __main__ as validate
from tools.validate_report import compare, tables
from tools.validate_report.compare import Check, Comparison
from tools.validate_report.designs import DESIGNS
from tools.validate_report.records import Kernel, Loop, Lsu, OnChipMemory, Placed, Report

TEXT = """__attribute__((max_global_work_dim(0))) %s
__kernel void k(__global const float* restrict a, __global float* restrict b, int n) {
  float held[512];
  for (int i = 0; i < 512; i++)
    held[i] = a[i];
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      b[n * j + i] = held[(j * i) & 511] * 3.0f;
}
"""
HELD = OnChipMemory("k", "held", 3, 2048, 1, 32, 512, 1, 1, 1, 1, Area(m20k=1), pumped=False, stall_free=True)


@functools.cache
def ours(attribute: str = "") -> program.ProgramReport:
    return program.report(TEXT % attribute)


def published() -> Report:
    """A report that says of the program what the checker says: units, memory and loops written out, areas taken over."""
    kernel = area.total(ours().kernels[0].items)
    whole = Area(*map(round, ours().area.values))
    return Report(
        family="Arria 10",
        board="",
        aoc="19.4.0",
        command="aoc k.cl",
        kernels=(Kernel("k", kernel, True),),
        lsus=(Lsu("k", 5, False, "prefetching", 4), Lsu("k", 8, True, "burst-coalesced", 4)),
        memories=(HELD,),
        registers=(),
        channels=(),
        loops=tuple(Loop("k", line, 1, True, False, 1, "") for line in (4, 6, 7)),
        costs=(),
        board_interface=Area(),
        interconnect=Area(),
        system=whole,
        device=Area(854400, 1708800, 2713, 0, 1518),
    )


def missed(report: Report, attribute: str = "") -> list[Check]:
    return [check for check in compare.compare("made-up", True, ours(attribute), report).checks if not check.met]


def test_what_is_equal_is_met_and_an_outer_loop_is_not_judged() -> None:
    made = compare.compare("made-up", True, ours(), published())
    assert [check for check in made.checks if not check.met] == []
    compared = {check.target: [check.ours, check.published] for check in made.checks}
    assert compared[compare.UNITS] == [2, 2]
    assert compared[compare.PORTS] == ["1 read, 1 write"] * 2
    assert compared["kernels alone: DSP blocks"] == [4, 4]  # a product of floats, and two of whole numbers
    assert [check.what for check in made.checks if check.target == compare.INTERVALS] == ["k, line 4", "k, line 7"]
    assert made.loops_left == {"have loops in them, which the checker gives no interval": 1}


DIFFERENT = {
    compare.UNITS: replace(published(), lsus=published().lsus[:1]),
    compare.KINDS: replace(published(), lsus=(Lsu("k", 5, False, "prefetching", 8), published().lsus[1])),
    compare.PORTS: replace(published(), memories=(replace(HELD, stall_free=False),)),
    compare.COPIES: replace(published(), memories=(replace(HELD, replication=2),)),
    compare.CLOCK: replace(published(), memories=(replace(HELD, pumped=True),)),
    compare.BLOCKS: replace(published(), memories=(replace(HELD, area=Area(m20k=2)),)),
    compare.SLOW: replace(published(), loops=(replace(published().loops[0], ii=2), *published().loops[1:])),
    "kernels alone: DSP blocks": replace(published(), kernels=(Kernel("k", published().kernels[0].area + Area(dsp=0.5), True),)),
    "whole device: M20K blocks": replace(published(), system=published().system + Area(m20k=100)),
}


@pytest.mark.parametrize("target", DIFFERENT)
def test_each_difference_is_a_miss_of_its_own(target: str) -> None:
    targets = {check.target for check in missed(DIFFERENT[target])}
    assert targets == ({target, compare.KINDS} if target == compare.UNITS else {target})


def test_an_endless_loop_is_found_by_being_the_one_that_is_left() -> None:
    first, middle, last = published().loops
    made = compare.compare("made-up", True, ours(), replace(published(), loops=(first, middle, replace(last, line=9, ii=3))))
    assert [(check.what, check.ours, check.published) for check in made.checks if not check.met] == [("k, line 9", 1, 3)]
    fewer = compare.compare("made-up", True, ours(), replace(published(), loops=(first, middle)))
    assert fewer.loops_left["only the checker's has"] == 1


def test_a_memory_that_only_one_side_has_is_a_miss() -> None:
    assert [(check.target, check.what, check.published) for check in missed(replace(published(), memories=()))] == [
        (compare.PORTS, "k.held", "none"),
        (compare.BLOCKS, "k.held", 0),
    ]


@pytest.mark.parametrize(("share", "met"), [(1.2, True), (0.8, True), (1.4, False), (0.7, False)])
def test_logic_may_differ_by_a_quarter_of_what_is_published(share: float, met: bool) -> None:
    report = replace(published(), kernels=(Kernel("k", published().kernels[0].area, True),))
    aluts = report.kernels[0].area.aluts / share
    own = replace(report.kernels[0], area=replace(report.kernels[0].area, aluts=aluts))
    found = missed(replace(report, kernels=(own,)))
    assert [check.target for check in found] == ([] if met else ["kernels alone: ALUTs"])


def test_what_quartus_placed_is_compared_where_it_is_known_of_all_kernels() -> None:
    figures = ours().area
    placed = Placed(alm=2 * (figures.aluts / 2 + figures.ffs / 4), ff=0, m20k=round(figures.m20k), dsp=round(figures.dsp + 0.1))
    report = replace(published(), placed=placed)
    assert [check.target for check in missed(report)] == ["placed, whole device: ALMs"]
    some = replace(report, placed_kernels={"l": placed}, kernels=(*report.kernels, Kernel("l", Area(), True)))
    checked = compare.compare("made-up", True, ours(), some).checks
    assert not [check for check in checked if check.target.startswith("placed, kernels")]


def test_a_kernel_in_copies_is_the_one_of_the_source_and_the_profilers_is_none() -> None:
    one = published()
    copies = tuple(Kernel(name, one.kernels[0].area, True) for name in ("k_0", "k_1"))
    report = replace(
        one,
        kernels=(*copies, Kernel("Intel_Internal_Collect_Autorun_Profiling", Area(1000), False)),
        lsus=one.lsus * 2,
        memories=tuple(replace(HELD, kernel=kernel.name) for kernel in copies),
        loops=tuple(replace(loop, kernel=kernel.name) for kernel in copies for loop in one.loops),
        system=Area(*map(round, ours("__attribute__((num_compute_units(2)))").area.values)),
    )
    assert missed(report, "__attribute__((num_compute_units(2)))") == []
    assert {check.target for check in missed(report)} >= {compare.UNITS, compare.PORTS, "kernels alone: ALUTs"}


def test_the_summary_counts_fitted_and_judging_designs_apart_and_names_misses(capsys: pytest.CaptureFixture[str]) -> None:
    console = validate.console()
    right, wrong = (Check(compare.UNITS, "", 2, figure) for figure in (2, 4))
    for part in tables.summary([Comparison("x", True, (right,), {}), Comparison("y", False, (wrong,), {"because": 3})]):
        console.print(part)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "load-store units: number equal 1 of 1 0 of 1" in lines
    assert "loops not compared: 3 because" in lines
    assert "judged: 1 design (y)" in lines
    assert "y: 2, published 4 -50.0%" in lines
    assert not [line for line in lines if line.startswith("x: ")]


def test_a_rule_of_which_the_page_names_no_report_is_in_bold() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| rule |")]
    assert len(rows) > 20
    reports = ("T2SP", "OpenCL-FPGA-examples", "FPGA_Gridding", "clBool", "all reports", "oneAPI")
    assert [row for row in rows if "**" not in row and not any(name in row.split(" | ")[1] for name in reports)] == []


def test_rules_in_bold_are_those_without_a_report() -> None:
    page = "| rule | rests on |\n|---|---|\n| A | T2SP |\n| **B** | no report |\n| C | T2SP; **the last a guess** |\n"
    assert tables.rules_in_bold(page) == ["B (no report)", "C (T2SP; the last a guess)"]
    assert len(list(tables.unconfirmed())) > 10


def test_the_command_ends_with_1_and_a_sentence_where_a_design_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(design: object) -> Path:
        raise BaristaError("design x: git cannot bring it")

    monkeypatch.setattr(validate, "fetch_report", refuse)
    monkeypatch.setattr("sys.argv", ["validate_report"])
    assert validate.main() == 1
    assert capsys.readouterr().err == "validate-report: design x: git cannot bring it\n"


def test_the_command_ends_with_0_whatever_misses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work_items = replace(published(), kernels=(Kernel("k", Area(), False),))
    reports = {"one": DIFFERENT[compare.SLOW], "work-items": work_items}
    kept = [replace(DESIGNS[0], name=name, single_work_item=name == "one", board="") for name in reports]
    monkeypatch.setattr(validate, "DESIGNS", kept)
    monkeypatch.setattr(validate, "fetch_report", lambda design: Path(design.name))
    monkeypatch.setattr(validate, "read_report", lambda folder: reports[folder.name])
    monkeypatch.setattr(validate, "read_sources", lambda folder: {"/a/k.cl": '#include "h.h"\n' + TEXT % "", "/a/h.h": ""})
    file = tmp_path / "all.json"
    monkeypatch.setattr("sys.argv", ["validate_report", "--json", str(file)])
    assert validate.main() == 0
    printed = capsys.readouterr().out
    assert "one (fitted; Arria 10" in printed
    assert "work-items: k" in printed
    written = json.loads(file.read_text())
    assert written["out_of_scope"] == {"work-items": ["k"]}
    (design,) = written["designs"]
    assert (design["design"], [check["ours"] for check in design["checks"] if check["target"] == compare.UNITS]) == ("one", [2])
