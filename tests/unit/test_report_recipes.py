"""Every recipe has a report: all kernels, sums that are those of the parts, and what its command prints."""

from __future__ import annotations

import functools
import json

import pytest
from click.testing import CliRunner

from barista.bitstream import recipe as recipes
from barista.cli.build import command
from barista.report import area, constants
from barista.report import recipes as reports
from barista.report.constants import Area
from barista.report.memories import blocks

RECIPES = recipes.names()


@functools.cache
def report(name: str) -> reports.RecipeReport:
    return reports.of(recipes.load(name))


@pytest.mark.parametrize("name", RECIPES)
def test_all_figures_are_those_of_the_parts(name: str) -> None:
    made = report(name)
    of_kernels = sum((area.total(kernel.items) for kernel in made.program.kernels), Area())
    shared = area.total([item for item in made.program.items if not item.kernel])
    assert made.program.area.values == pytest.approx((of_kernels + shared).values)
    for figures in area.shares(made.program.items).values():
        assert sum(figures.values()) == pytest.approx(1, abs=0.01) if figures else True


@pytest.mark.parametrize("name", RECIPES)
def test_units_stand_for_all_accesses(name: str) -> None:
    for kernel in report(name).program.kernels:
        external = sum(unit.accesses for unit in kernel.units if unit.style != "constant cache")
        assert external == kernel.loads + kernel.stores, kernel.name


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_command_prints_it_and_ends_with_1_where_something_fails(form: list[str]) -> None:
    name = next(name for name in RECIPES if recipes.load(name).board)
    done = CliRunner().invoke(command, [name, "--report", *form])
    assert done.exit_code == (1 if report(name).fails else 0), done.output
    if form:
        printed = json.loads(done.stdout)
        assert printed["recipe"] == name
        assert len(printed["kernels"]) == len(report(name).program.kernels)
    else:
        assert all(kernel.name in done.stdout for kernel in report(name).program.kernels)


def test_every_figure_has_a_source() -> None:
    def figures(entry: object) -> list[dict[str, object]]:
        if not isinstance(entry, dict):
            return []
        if "source" in entry:
            return [entry]
        return [found for inner in entry.values() for found in figures(inner)]

    found = figures(constants.table())
    assert len(found) > 50
    for entry in found:
        assert entry["source"] in constants.SOURCES
        assert entry["of"] or entry["source"] == "guess", entry


# Bits and words of memories in published reports of Intel's compiler, and the blocks that it says they take.
PUBLISHED = [(512, 512, 13), (512, 2048, 52), (32, 1024, 2), (8, 512, 1), (64, 4096, 13), (64, 32768, 128), (1024, 1024, 52)]


@pytest.mark.parametrize(("bits", "words", "expected"), PUBLISHED)
def test_blocks_of_published_memories(bits: int, words: int, expected: int) -> None:
    assert blocks(bits, words) == expected
