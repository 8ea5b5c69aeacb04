"""Recipes: one JSON file states a hardware configuration, for the kernels, the host and the estimate alike.

A recipe is `bitstreams/NAME.json`. Its numbers become `-D KEY_IN_CAPITALS=value` for every kernel, its number format
`-D STORAGE=... -D ACCUMULATE=...`, and the whole file goes into the manifest from which the host reads its tile sizes.
`target` names a device description, `bitstreams/devices/TARGET.json`, which says how many multipliers and memory blocks
there are; `Recipe.estimate()` says how many the multiply grid takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError

VECTOR = 16  # floats of a word of external memory
MOST_UNITS = 4  # that opencl_kernels/each_unit.h names
X_HALVES = 2  # of the grid's memory x: one is read while the other is loaded
NUMBER_FORMATS = ("float",)  # OpenCL C types that the kernels and the host's buffers know
TEXT_KEYS = ("name", "description", "board", "target")


@dataclass(frozen=True)
class NumberFormat:
    storage: str  # what lies in memory, on chip and off; e.g. "float"
    accumulate: str  # what sums are kept in; e.g. "float"


@dataclass(frozen=True)
class FpgaDevice:
    """What a recipe has to fit into, as the maker's data sheet counts it."""

    name: str  # e.g. "arria10-gx1150"
    description: str
    dsp_blocks: int  # each one single-precision multiply-add a clock; e.g. 1518
    m20k_blocks: int  # on-chip memories of 512 words by 40 bits, one read and one write a clock; e.g. 2713
    alms: int  # adaptive logic modules; e.g. 427200
    source: str  # the document that says so


@dataclass(frozen=True)
class Memory:
    """One on-chip array of the grid: `banks` memories, each read once and written once a clock."""

    name: str
    banks: int
    words: int  # a bank
    bits: int  # a word

    @property
    def m20k_blocks(self) -> int:
        return self.banks * ceil(self.words / 512) * ceil(self.bits / 40)


@dataclass(frozen=True)
class Estimate:
    """What the multiply grid of all compute units takes; loaders, control and the other kernels come on top."""

    multipliers: int
    memories: tuple[Memory, ...]

    @property
    def banks(self) -> int:
        return sum(memory.banks for memory in self.memories)

    @property
    def m20k_blocks(self) -> int:
        return sum(memory.m20k_blocks for memory in self.memories)

    @property
    def bytes(self) -> int:
        return sum(memory.banks * memory.words * memory.bits for memory in self.memories) // 8


@dataclass(frozen=True)
class Recipe:
    """A hardware configuration. `from_dict` checks every value; a Recipe that exists is consistent."""

    name: str  # the file's name without .json; e.g. "emulator"
    description: str  # one sentence for people
    board: str | None  # the board that Intel's aoc is told to build for; null: any OpenCL device that compiles source
    target: str  # the device description whose multipliers and memory blocks the recipe must fit; e.g. "arria10-gx1150"
    number_format: NumberFormat
    compute_units: int  # replicas of the grid by name, each on its own queue; e.g. 2
    pe_rows: int  # images that the grid takes at once; e.g. 8
    pe_columns: int  # output channels that it makes at once, in float16 vectors; e.g. 32
    pe_depth: int  # channel lanes that the grid sums over at once; e.g. 4
    x_words: int  # words of each (lane, image) bank of one half of x; e.g. 2048
    vec_words: int  # words of each (lane, column) bank of vec; e.g. 1024
    acc_words: int  # words of each (image, column) bank of acc; e.g. 1024
    acc_distance: int  # steps after which an accumulator may come back at the earliest; e.g. 32
    load_words: int  # words of one access to device memory; e.g. 4
    lanes: int  # words of every operand that a kernel beside the grid takes a step; e.g. 16
    function_lanes: int  # the same of those whose words each take a long chain with dividers, roots or exponentials; e.g. 8
    extra: Mapping[str, int] = field(default_factory=dict)  # further numbers, for kernels of one's own
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the file as it stands, for the manifest

    @staticmethod
    def from_dict(raw: Any, origin: str) -> Recipe:
        """Checks `raw`, the parsed JSON of the file `origin`. Raises BaristaError: which key, its value, the rule."""
        check = _Check(raw, origin)
        numbers = {key: check.number(key) for key in NUMBER_KEYS}
        recipe = Recipe(
            name=check.text("name"),
            description=check.text("description"),
            board=check.optional_text("board"),
            target=check.text("target"),
            number_format=NumberFormat(check.number_format("storage"), check.number_format("accumulate")),
            extra=check.extra_numbers(),
            raw=raw,
            **numbers,
        )
        check.rule("compute_units", recipe.compute_units <= MOST_UNITS, f"at most {MOST_UNITS}, which each_unit.h names")
        check.rule("acc_distance", recipe.acc_distance <= recipe.acc_words, f"at most acc_words ({recipe.acc_words})")
        columns = recipe.pe_columns // VECTOR
        check.rule("pe_columns", recipe.pe_columns == columns * VECTOR and columns.bit_count() == 1, "16, 32, 64 or so on")
        check.rule("load_words", recipe.load_words in (1, 2, 4, 8, 16), "1, 2, 4, 8 or 16, the widths of an OpenCL vector")
        check.rule("lanes", recipe.lanes in (4, 8, 16), "4, 8 or 16")
        check.rule("function_lanes", recipe.function_lanes in (1, 2, 4, 8, 16), "1, 2, 4, 8 or 16, the widths of an OpenCL vector")
        check.rule("function_lanes", recipe.function_lanes <= recipe.lanes, f"at most lanes ({recipe.lanes})")
        check.rule("x_words", recipe.x_words % recipe.load_words == 0, f"a multiple of load_words ({recipe.load_words})")
        return recipe

    def defines(self) -> list[str]:
        """The compiler options that carry the recipe into the kernels, in a fixed order."""
        numbers = {key: getattr(self, key) for key in NUMBER_KEYS} | dict(self.extra)
        options = [f"-DSTORAGE={self.number_format.storage}", f"-DACCUMULATE={self.number_format.accumulate}"]
        return options + [f"-D{key.upper()}={value}" for key, value in sorted(numbers.items())]

    def estimate(self) -> Estimate:
        """Multipliers, banks and memory blocks of the grid.

        Each column of the grid has banks of its own of vec and acc.
        """
        units = self.compute_units
        return Estimate(
            multipliers=units * self.pe_rows * self.pe_columns * self.pe_depth,
            memories=(
                Memory("x", units * X_HALVES * self.pe_depth * self.pe_rows, self.x_words, 32),
                Memory("vec", units * self.pe_depth * self.pe_columns, self.vec_words, 32),
                Memory("acc", units * self.pe_rows * self.pe_columns, self.acc_words, 32),
            ),
        )

    def fpga(self) -> FpgaDevice:
        """The description of the FPGA that this recipe has to fit into."""
        return load_fpga(self.target)


NUMBER_KEYS = (
    "compute_units",
    "pe_rows",
    "pe_columns",
    "pe_depth",
    "x_words",
    "vec_words",
    "acc_words",
    "acc_distance",
    "load_words",
    "lanes",
    "function_lanes",
)


class _Check:
    """Reads one JSON object key by key; every complaint names the file, the key, the value and the rule."""

    def __init__(self, raw: Any, origin: str) -> None:
        if not isinstance(raw, dict):
            raise BaristaError(f"{origin}: a recipe must be a JSON object, not {json.dumps(raw)[:40]}")
        self.raw = raw
        self.origin = origin

    def rule(self, key: str, holds: bool, rule: str) -> None:
        if not holds:
            raise BaristaError(f"{self.origin}: {key} is {json.dumps(self.raw.get(key))}; it must be {rule}")

    def present(self, key: str) -> Any:
        if key not in self.raw:
            raise BaristaError(f"{self.origin}: the key {key} is missing")
        return self.raw[key]

    def text(self, key: str) -> str:
        value = self.present(key)
        self.rule(key, isinstance(value, str) and value != "", "a text")
        return str(value)

    def optional_text(self, key: str) -> str | None:
        return None if self.present(key) is None else self.text(key)

    def number(self, key: str) -> int:
        value = self.present(key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        self.rule(key, whole and 1 <= value <= 1 << 20, "a whole number from 1 to 1048576")
        return int(value)

    def number_format(self, part: str) -> str:
        formats = self.present("number_format")
        if not isinstance(formats, dict) or formats.get(part) not in NUMBER_FORMATS:
            found = json.dumps(formats.get(part) if isinstance(formats, dict) else formats)
            known = ", ".join(NUMBER_FORMATS)
            raise BaristaError(f"{self.origin}: number_format.{part} is {found}; the kernels know {known}")
        return str(formats[part])

    def extra_numbers(self) -> dict[str, int]:
        others = [key for key in self.raw if key not in (*NUMBER_KEYS, *TEXT_KEYS, "number_format")]
        for key in others:
            self.rule(key, re.fullmatch(r"[a-z][a-z0-9_]*", key) is not None, "named in small letters, digits and _")
        return {key: self.number(key) for key in others}


def names() -> list[str]:
    """The recipes that are there, by name."""
    return sorted(path.stem for path in paths.recipes_dir().glob("*.json"))


def load(name: str | Path) -> Recipe:
    """The recipe of that name, or in that file (a path that ends in .json).

    Raises BaristaError where it is missing, is no JSON or breaks a rule.
    """
    path = Path(name) if str(name).endswith(".json") else paths.recipes_dir() / f"{name}.json"
    if not path.is_file():
        raise BaristaError(f"no recipe {name!s}: {path} is not a file; the recipes are {', '.join(names()) or 'none'}")
    recipe = Recipe.from_dict(_read_json(path), path.name)
    if recipe.name != path.stem:
        raise BaristaError(f"{path.name}: name is {json.dumps(recipe.name)}; it must be the file's, {json.dumps(path.stem)}")
    return recipe


def load_fpga(name: str) -> FpgaDevice:
    """The device description `bitstreams/devices/NAME.json`. Raises BaristaError where it is missing or wrong."""
    path = paths.recipes_dir() / "devices" / f"{name}.json"
    if not path.is_file():
        raise BaristaError(f"no device description {name}: {path} is not a file")
    check = _Check(_read_json(path), path.name)
    return FpgaDevice(
        name=check.text("name"),
        description=check.text("description"),
        dsp_blocks=check.number("dsp_blocks"),
        m20k_blocks=check.number("m20k_blocks"),
        alms=check.number("alms"),
        source=check.text("source"),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise BaristaError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BaristaError(f"{path} can't be read: {error}") from error
