"""The figures of constants.json: areas and latencies, each with its source."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista.report.ir import Instruction

SOURCES = ("document", "report", "guess")

# OpenCL's functions and LLVM's instructions by the operator that they become.
_BECOME = {
    "sqrt": "sqrt rsqrt native_sqrt native_rsqrt",
    "exp": "exp exp2 exp10 native_exp tanh",
    "log": "log log2 log10 native_log pow sin cos atan",
    "fdiv": "native_recip native_divide",
    "fma": "fma fmuladd mad",
    "floor": "floor ceil rint trunc",
    "round": "round",
    "fcmp": "fmax fmin",
}
FUNCTIONS = {function: operator for operator, functions in _BECOME.items() for function in functions.split()}


@dataclass(frozen=True)
class Area:
    """What something takes of a device. Half DSP blocks are those of which another operator has the other half."""

    aluts: float = 0
    ffs: float = 0
    m20k: float = 0
    mlabs: float = 0
    dsp: float = 0

    def __add__(self, other: Area) -> Area:
        return Area(*(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))

    def times(self, factor: float) -> Area:
        return Area(*(factor * value for value in self.values))

    @property
    def values(self) -> tuple[float, float, float, float, float]:
        return (self.aluts, self.ffs, self.m20k, self.mlabs, self.dsp)


@dataclass(frozen=True)
class Figure:
    """An area with its source, one of SOURCES, and what it was read in."""

    area: Area
    source: str
    of: str


@dataclass(frozen=True)
class Latencies:
    """Cycles from an operator's operands to its result."""

    table: dict[str, float]
    load_on_chip: float
    load_on_chip_scheduled: float
    load_external: float
    store_on_chip: float
    store_external: float
    logic: float  # a sum, a comparison or a choice of whole numbers, in a schedule; in a recurrence they are part of a cycle
    remainder_bit: float  # cycles a bit of a remainder
    accumulator: bool  # whether a DSP block adds up a sum a cycle
    tree: float  # cycles of a doubling of what a tree of sums adds up
    relaxed: bool = False  # -fp-relaxed: sums may be trees

    def chain(self, latency: float, sums: int) -> float:
        """Cycles of a recurrence of `latency` with a chain of `sums` sums in it, which is a tree where that is allowed."""
        if not self.relaxed or sums < 2:
            return latency
        return min(latency, latency - sums * self.table["fadd"] + self.tree * math.log2(sums) + 1)

    def scheduled(self, instruction: Instruction, external: bool, bits: int) -> float:
        """Of one instruction of `bits` bits in a pipeline."""
        if instruction.opcode in ("add", "sub", "icmp", "select"):
            return self.logic
        if instruction.opcode == "load" and not external:
            return self.load_on_chip_scheduled
        if FUNCTIONS.get(function_name(instruction.callee)) == "fma":
            return self.table["fma"]
        if "__fpga_reg" in instruction.callee:
            return 1  # in a recurrence the compiler leaves it out: T2SP's have interval 1
        if instruction.opcode.endswith("rem") and self.of(instruction, external):
            return self.remainder_bit * bits
        return self.of(instruction, external)

    def of(self, instruction: Instruction, external: bool) -> float:
        """Of one instruction; `external`: it loads from external memory. Whole numbers' logic is part of a cycle."""
        match instruction.opcode:
            case "load":
                return self.load_external if external else self.load_on_chip
            case "fadd" | "fsub":
                return self.table["fadd"]
            case "fmul" | "fdiv" | "fcmp" | "mul":
                return self.table[instruction.opcode]
            case "sitofp" | "uitofp":
                return self.table["sitofp"]
            case "fptosi" | "fptoui":
                return self.table["fptosi"]
            case "udiv" | "sdiv" | "urem" | "srem":
                return self._divided(instruction)
            case "atomicrmw" | "cmpxchg":
                return self.load_external
            case "call":
                name = function_name(instruction.callee)
                if FUNCTIONS.get(name) == "fma":
                    return self.table["fadd"]  # what is carried is what is added to, which passes the adder alone
                return self.table.get(FUNCTIONS.get(name, ""), 0)
        return 0

    def _divided(self, instruction: Instruction) -> float:
        """A remainder takes a cycle or two a bit; a division by a constant is a product."""
        divisor = instruction.operands[1]
        if divisor.lstrip("-").isdigit():
            if _power(divisor.lstrip("-")):
                return 0
            if instruction.opcode.endswith("div"):
                return self.table["mul"]
        return self.table["div"]


def _power(text: str) -> bool:
    return int(text) & (int(text) - 1) == 0


def function_name(callee: str) -> str:
    """OpenCL's or LLVM's name of a function that is called: `_Z3expf` is exp, `llvm.fmuladd.v4f32` fmuladd."""
    if callee.startswith("llvm."):
        return callee.split(".")[1]
    if callee.startswith("_Z"):
        digits = callee[2:4] if callee[3:4].isdigit() else callee[2:3]
        return callee[2 + len(digits) :][: int(digits)] if digits.isdigit() else callee
    return callee


@functools.cache
def table() -> dict[str, Any]:
    """constants.json."""
    text = (Path(__file__).parent / "constants.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def family_of(device: str) -> str:
    """The family of a device by its name in bitstreams/devices/: arria10 or stratix10."""
    return "stratix10" if device.startswith("stratix10") else "arria10"


def figure(entry: dict[str, Any]) -> Figure:
    return Figure(Area(*entry["area"]), entry["source"], entry["of"])


def latencies(family: str, relaxed: bool) -> Latencies:
    """A family's latencies; `relaxed` with -fp-relaxed."""
    own = table()["families"][family]
    return Latencies(
        {name: entry["value"] for name, entry in own["latencies"].items()},
        own["load_on_chip"]["value"],
        own["load_on_chip_scheduled"]["value"],
        own["load_external"]["value"],
        table()["store_on_chip"]["value"],
        table()["store_external"]["value"],
        table()["logic"]["value"],
        own["remainder_bit"]["value"],
        bool(own["accumulates_in_a_cycle"]["value"]),
        table()["tree"]["value"],
        relaxed,
    )
