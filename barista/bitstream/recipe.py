"""Recipes: one JSON file states a hardware configuration, for the kernels, the host and the estimate alike.

A recipe is `bitstreams/NAME.json`. Its numbers become `-D KEY_IN_CAPITALS=value` for every kernel, its number format
`-D STORAGE=... -D ACCUMULATE=...`, and the whole file goes into the manifest from which the host reads its tile sizes.
`target` names a device description, `bitstreams/devices/TARGET.json`, which says how many multipliers and memory blocks
there are; `Recipe.estimate()` says how many the PE array takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barista import paths
from barista.bitstream import fpga
from barista.bitstream.checked_json import CheckedObject, read_json
from barista.bitstream.fpga import FpgaDevice
from barista.bitstream.resources import Estimate, Memory
from barista.errors import BaristaError

VECTOR = 16  # floats of a word of external memory
MOST_UNITS = 4  # that opencl_kernels/each_unit.h names
X_HALVES = 2  # of the array's memory x: one is read while the other is loaded
NUMBER_FORMATS = ("float",)  # OpenCL C types that the kernels and the host's buffers know
TEXT_KEYS = ("name", "description", "board", "target")


@dataclass(frozen=True)
class NumberFormat:
    storage: str  # what lies in memory, on chip and off; e.g. "float"
    accumulate: str  # what sums are kept in; e.g. "float"


@dataclass(frozen=True)
class Recipe:
    """A hardware configuration. `from_dict` checks every value; a Recipe that exists is consistent."""

    name: str  # the file's name without .json; e.g. "emulator"
    description: str  # one sentence for people
    board: str | None  # the board that Intel's aoc is told to build for; null: any OpenCL device that compiles source
    target: str  # the device description whose multipliers and memory blocks the recipe must fit; e.g. "arria10-gx1150"
    number_format: NumberFormat
    compute_units: int  # replicas of the array by name, each on its own queue; e.g. 2
    pe_rows: int  # images that the array takes at once; e.g. 8
    pe_columns: int  # output channels that it makes at once, in float16 vectors; e.g. 32
    pe_depth: int  # channel lanes that the array sums over at once; e.g. 4
    x_words: int  # words of each (lane, image) bank of one half of x; e.g. 2048
    vec_words: int  # words of each (lane, column) bank of vec; e.g. 1024
    acc_words: int  # words of each (image, column) bank of acc; e.g. 1024
    acc_distance: int  # steps after which an accumulator may come back at the earliest; e.g. 32
    load_words: int  # words of one access to device memory; e.g. 4
    lanes: int  # vector width of the kernels beside the array: elements of every operand that one takes a step; e.g. 16
    function_lanes: int  # the same of the kernels that divide or take roots or exponentials, whose datapaths are long; e.g. 8
    extra: Mapping[str, int] = field(default_factory=dict)  # further numbers, for kernels of one's own
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the file as it stands, for the manifest

    @staticmethod
    def from_dict(raw: Any, origin: str) -> Recipe:
        """Checks `raw`, the parsed JSON of the file `origin`. Raises BaristaError: which key, its value, the rule."""
        check = CheckedObject(raw, origin, "a recipe")
        numbers = {key: check.number(key) for key in NUMBER_KEYS}
        recipe = Recipe(
            name=check.text("name"),
            description=check.text("description"),
            board=check.optional_text("board"),
            target=check.text("target"),
            number_format=NumberFormat(_number_format(check, "storage"), _number_format(check, "accumulate")),
            extra=_extra_numbers(check),
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
        """Multipliers, banks and memory blocks of the array.

        Each column of the array has banks of its own of vec and acc.
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
        return fpga.load(self.target)


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


def _number_format(check: CheckedObject, part: str) -> str:
    formats = check.present("number_format")
    if not isinstance(formats, dict) or formats.get(part) not in NUMBER_FORMATS:
        found = json.dumps(formats.get(part) if isinstance(formats, dict) else formats)
        known = ", ".join(NUMBER_FORMATS)
        raise BaristaError(f"{check.origin}: number_format.{part} is {found}; the kernels know {known}")
    return str(formats[part])


def _extra_numbers(check: CheckedObject) -> dict[str, int]:
    others = [key for key in check.raw if key not in (*NUMBER_KEYS, *TEXT_KEYS, "number_format")]
    for key in others:
        check.rule(key, re.fullmatch(r"[a-z][a-z0-9_]*", key) is not None, "named in small letters, digits and _")
    return {key: check.number(key) for key in others}


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
    recipe = Recipe.from_dict(read_json(path), path.name)
    if recipe.name != path.stem:
        raise BaristaError(f"{path.name}: name is {json.dumps(recipe.name)}; it must be the file's, {json.dumps(path.stem)}")
    return recipe
