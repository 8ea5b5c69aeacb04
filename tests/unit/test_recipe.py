"""Recipes: what they take of the device that they name, what reaches the kernels, and which values are refused."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from processes import barista, sentence

from barista import paths
from barista.bitstream import fpga, resources
from barista.bitstream import recipe as recipes
from barista.bitstream.recipe import NUMBER_KEYS, Recipe
from barista.bitstream.resources import Memory
from barista.errors import BaristaError

RECIPES = recipes.names()


def test_there_is_a_recipe_for_the_emulator_and_one_for_each_of_two_boards() -> None:
    boards = {"emulator": None, "arria10-gx1150": "a10gx", "stratix10-gx2800": "s10gx"}
    assert {name: recipes.load(name).board for name in RECIPES} == boards


def test_every_device_description_is_some_recipe_s() -> None:
    described = {path.stem for path in (paths.recipes_dir() / "devices").glob("*.json")}
    assert described == {recipes.load(name).target for name in RECIPES}
    assert all(fpga.load(name).name == name for name in described)


@pytest.mark.parametrize("name", RECIPES)
def test_the_grid_fits_the_device_that_the_recipe_names(name: str) -> None:
    """One DSP block multiplies and adds once a clock in single precision. Loaders and control need the rest."""
    recipe = recipes.load(name)
    estimate, fpga = recipe.estimate(), recipe.fpga()
    assert estimate.multipliers <= 0.8 * fpga.dsp_blocks
    assert estimate.m20k_blocks <= 0.8 * fpga.m20k_blocks


@pytest.mark.parametrize(
    ("name", "multipliers", "memories"),
    [
        ("arria10-gx1150", 8 * 16 * 4, [("x", 64, 512), ("vec", 64, 256), ("acc", 128, 512)]),
        ("stratix10-gx2800", 16 * 16 * 8, [("x", 256, 4096), ("vec", 128, 1024), ("acc", 256, 2048)]),
    ],
)
def test_a_board_s_figures_are_those_of_its_design(name: str, multipliers: int, memories: list[tuple[str, int, int]]) -> None:
    """docs/pe-array.md has the table."""
    estimate = recipes.load(name).estimate()
    assert estimate.multipliers == multipliers
    assert [(m.name, m.banks, m.m20k_blocks) for m in estimate.memories] == memories


@pytest.mark.parametrize("name", RECIPES)
def test_a_bank_of_x_is_deep_enough_for_its_write_port(name: str) -> None:
    """It is load_words wide where it is written, so as many blocks side by side: no more than its depth asks for."""
    recipe = recipes.load(name)
    wide = Memory("x", 1, recipe.x_words // recipe.load_words, 32)
    assert recipe.load_words * wide.m20k_blocks == Memory("x", 1, recipe.x_words, 32).m20k_blocks


@pytest.mark.parametrize(("words", "bits", "blocks"), [(512, 40, 1), (513, 40, 2), (512, 41, 2), (1, 1, 1), (2048, 32, 4)])
def test_a_memory_block_holds_512_words_of_40_bits(words: int, bits: int, blocks: int) -> None:
    assert Memory("m", 3, words, bits).m20k_blocks == 3 * blocks


@pytest.mark.parametrize("name", RECIPES)
def test_the_estimate_counts_the_memories_that_the_kernel_declares(name: str) -> None:
    """Names, banks and words of the __local arrays in the array's source, a float16 as 16 banks."""
    recipe = recipes.load(name)
    assert sorted(recipe.estimate().memories, key=str) == sorted(resources.memories(recipe)["multiply_unit.h"], key=str)


@pytest.mark.parametrize("name", RECIPES)
def test_all_kernels_together_fit_the_memory_blocks(name: str) -> None:
    """Every __local array of every kernel: what *_unit.h declares is there once a unit, and nothing else declares any."""
    recipe = recipes.load(name)
    memories = resources.memories(recipe)
    assert [file for file in memories if not file.endswith("_unit.h")] == []
    blocks = sum(memory.m20k_blocks for declared in memories.values() for memory in declared)
    assert recipe.estimate().m20k_blocks <= blocks <= 0.9 * recipe.fpga().m20k_blocks


def test_statements_of_resources_are_sums_and_products() -> None:
    assert resources.evaluate("LANES * (2 + min(4, TAPS)) - 8 / 3", {"LANES": 16, "TAPS": 9}) == 94
    for wrong in ("OTHER * 2", "LANES ** 2", "__import__('os')", "max(1, 2)"):
        with pytest.raises(ValueError, match="neither a number, a name of LANES, nor"):
            resources.evaluate(wrong, {"LANES": 16})


def test_every_number_reaches_the_kernels() -> None:
    recipe = recipes.load("emulator")
    defines = dict(option.removeprefix("-D").split("=") for option in recipe.defines())
    numbers = {key: value for key, value in recipe.raw.items() if isinstance(value, int)}
    assert set(numbers) == set(NUMBER_KEYS)
    assert recipe.extra == {}
    assert defines == {key.upper(): str(value) for key, value in numbers.items()} | {"STORAGE": "float", "ACCUMULATE": "float"}


def test_no_more_function_lanes_than_lanes() -> None:
    raw = {**recipes.load("arria10-gx1150").raw, "function_lanes": 8}
    with pytest.raises(BaristaError, match=r"function_lanes is 8; it must be at most lanes \(4\)"):
        Recipe.from_dict(raw, "mine.json")


def test_a_number_of_one_s_own_reaches_the_kernels() -> None:
    raw = {**recipes.load("emulator").raw, "my_lanes": 3}
    assert "-DMY_LANES=3" in Recipe.from_dict(raw, "mine.json").defines()


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("pe_rows", 0, "a whole number from 1"),
        ("pe_rows", "8", "a whole number from 1"),
        ("pe_rows", True, "a whole number from 1"),
        ("pe_rows", 2.5, "a whole number from 1"),
        ("compute_units", 5, "at most 4, which each_unit.h names"),
        ("acc_distance", 2000, "at most acc_words (512)"),
        ("pe_columns", 24, "16, 32, 64 or so on"),
        ("pe_columns", 48, "16, 32, 64 or so on"),
        ("pe_columns", 8, "16, 32, 64 or so on"),
        ("load_words", 3, "1, 2, 4, 8 or 16"),
        ("x_words", 2049, "a multiple of load_words (4)"),
        ("lanes", 2, "4, 8 or 16"),
        ("function_lanes", 3, "1, 2, 4, 8 or 16"),
        ("lanes", 32, "4, 8 or 16"),
        ("name", "", "a text"),
        ("My-Key", 1, "named in small letters"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(key: str, value: Any, rule: str) -> None:
    raw = {**recipes.load("emulator").raw, key: value}
    with pytest.raises(BaristaError) as caught:
        Recipe.from_dict(raw, "mine.json")
    assert str(caught.value).startswith(f"mine.json: {key} is {json.dumps(value)}; it must be ")
    assert rule in str(caught.value)


def test_a_number_format_that_the_kernels_do_not_know_is_refused() -> None:
    raw = {**recipes.load("emulator").raw, "number_format": {"storage": "half", "accumulate": "float"}}
    with pytest.raises(BaristaError, match=r'number_format.storage is "half"; the kernels know float'):
        Recipe.from_dict(raw, "mine.json")


@pytest.mark.parametrize("key", [*NUMBER_KEYS, "name", "board", "target", "number_format"])
def test_a_missing_key_is_named(key: str) -> None:
    raw = {k: v for k, v in recipes.load("emulator").raw.items() if k != key}
    with pytest.raises(BaristaError, match=f"mine.json: the key {key} is missing"):
        Recipe.from_dict(raw, "mine.json")


def test_a_missing_recipe_is_one_sentence() -> None:
    assert sentence(barista("build", "nowhere")).startswith("no recipe nowhere: ")


def test_a_recipe_that_is_no_json_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"name": "mine",\n  oops}')
    assert sentence(barista("build", file)).startswith(f"{file}:2:3: not JSON: ")


def test_a_recipe_with_another_name_than_its_file_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(recipes.load("emulator").raw))
    assert sentence(barista("build", file)) == 'mine.json: name is "emulator"; it must be the file\'s, "mine"'


@pytest.mark.parametrize("name", [name for name in RECIPES if recipes.load(name).board])
def test_a_recipe_for_a_board_needs_intels_compiler(name: str) -> None:
    said = sentence(barista("build", name, PATH="/usr/bin:/bin"))
    assert "needs Intel's offline compiler: aoc is not on the PATH" in said


def test_blocks_are_counted_by_depth_and_width() -> None:
    memory = Memory("m", 5, 1500, 100)
    assert memory.m20k_blocks == 5 * ceil(1500 / 512) * ceil(100 / 40)
