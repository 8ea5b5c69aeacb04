"""Every recipe has a report: all kernels, sums that are those of the parts, ports of memories, and what its command prints."""

from __future__ import annotations

import functools
import json

import pytest
from click.testing import CliRunner

from barista.bitstream import recipe as recipes
from barista.cli.build import command
from barista.report import area
from barista.report import recipes as reports
from barista.report.constants import Area
from barista.report.memories import Memory

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


# --- ports ----------------------------------------------------------------------------------------------------------------------

# A bank takes one read and one write a cycle, whatever loops of the kernel they stand in. Memories of which a bank is reached by
# more: reads and writes of it in the whole kernel, and what comes of it. Those that wait are faults of the kernels as they are.
MANY_PORTS = {
    "arria10-gx1150": {
        "channel_sums_0.product_partials: 3 read, 3 write: wait",
        "depthwise_apply_0.sums: 2 read, 1 write: 2 copies",
        "depthwise_apply_0.taps: 3 read, 3 write: wait",
        "depthwise_apply_0.x: 1 read, 2 write: twice the clock, 1 copy",
        "depthwise_weights_0.partials: 6 read, 6 write: wait",
        "depthwise_weights_0.x: 1 read, 2 write: twice the clock, 1 copy",
        "lrn_0.sums: 2 read, 1 write: 2 copies",
        "lrn_0.v: 7 read, 5 write: wait",
        "multiply_0.acc: 3 read, 2 write: twice the clock, 2 copies",
        "multiply_0.block: 2 read, 2 write: twice the clock, 1 copy",
        "multiply_0.vec: 1 read, 18 write: wait",
        "multiply_0.x: 32 read, 9 write: wait",
        "pack_weights_0.block: 2 read, 2 write: twice the clock, 1 copy",
        "parameter_gradients_0.block: 2 read, 3 write: wait",
        "pooling_backward_0.sums: 2 read, 1 write: 2 copies",
        "pooling_forward_0.others: 3 read, 2 write: twice the clock, 2 copies",
        "pooling_forward_0.sums: 3 read, 2 write: twice the clock, 2 copies",
        "softmax_backward_0.diff: 2 read, 2 write: twice the clock, 1 copy",
        "softmax_forward_0.x: 2 read, 2 write: twice the clock, 1 copy",
        "squared_norm.sums: 2 read, 2 write: twice the clock, 1 copy",
    },
    "stratix10-gx2800": {
        "accuracy_0.block: 2 read, 2 write: wait",
        "channel_sums_0.product_partials: 3 read, 3 write: wait",
        "depthwise_apply_0.block: 2 read, 2 write: wait",
        "depthwise_apply_0.block: 2 read, 3 write: wait",
        "depthwise_apply_0.sums: 2 read, 1 write: 2 copies",
        "depthwise_apply_0.taps: 3 read, 3 write: wait",
        "depthwise_apply_0.x: 1 read, 2 write: wait",
        "depthwise_weights_0.block: 2 read, 1 write: 2 copies",
        "depthwise_weights_0.block: 2 read, 2 write: wait",
        "depthwise_weights_0.partials: 6 read, 6 write: wait",
        "depthwise_weights_0.totals: 2 read, 2 write: wait",
        "depthwise_weights_0.x: 1 read, 2 write: wait",
        "lrn_0.block: 2 read, 2 write: wait",
        "lrn_0.sums: 2 read, 1 write: 2 copies",
        "lrn_0.v: 7 read, 5 write: wait",
        "multiply_0.acc: 3 read, 2 write: wait",
        "multiply_0.block: 2 read, 2 write: wait",
        "multiply_0.vec: 1 read, 18 write: wait",
        "multiply_0.x: 128 read, 17 write: wait",
        "pack_weights_0.block: 2 read, 2 write: wait",
        "parameter_gradients_0.block: 2 read, 3 write: wait",
        "pooling_backward_0.block: 2 read, 2 write: wait",
        "pooling_backward_0.sums: 2 read, 1 write: 2 copies",
        "pooling_forward_0.block: 2 read, 2 write: wait",
        "pooling_forward_0.others: 3 read, 2 write: wait",
        "pooling_forward_0.sums: 3 read, 2 write: wait",
        "softmax_backward_0.block: 2 read, 2 write: wait",
        "softmax_backward_0.diff: 2 read, 2 write: wait",
        "softmax_forward_0.block: 2 read, 2 write: wait",
        "softmax_forward_0.x: 2 read, 2 write: wait",
        "squared_norm.sums: 2 read, 2 write: wait",
    },
}


@pytest.mark.parametrize("name", MANY_PORTS)
def test_ports_of_a_boards_memories_are_those_of_the_whole_kernel(name: str) -> None:
    found = {
        f"{kernel.name}.{memory.name}: {_ports(memory)}" for kernel in report(name).program.kernels for memory in kernel.memories
    }
    assert {line for line in found if not line.endswith(": one each")} == MANY_PORTS[name]


def test_every_boards_recipe_has_its_ports_written_down() -> None:
    assert MANY_PORTS.keys() == {name for name in RECIPES if recipes.load(name).board}


def _ports(memory: Memory) -> str:
    if memory.stall_free and max(memory.reads, memory.writes) <= 1:
        return "one each"
    clock = "twice the clock, " if memory.double_pumped else ""
    copies = f"{memory.replicas} {'copy' if memory.replicas == 1 else 'copies'}"
    return f"{memory.reads} read, {memory.writes} write: " + (clock + copies if memory.stall_free else "wait")
