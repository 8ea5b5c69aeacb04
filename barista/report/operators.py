"""Operators of a kernel: what the arithmetic that is left takes.

A multiplication whose product only one addition takes is one DSP block with it: the block of an Arria 10 or a Stratix 10
multiplies and adds single precision (T2SP's reports: 1,280 multiply-adds are 1,280 blocks).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from barista.report.affine import Values, constant
from barista.report.constants import FUNCTIONS, function_name
from barista.report.flow import Loop
from barista.report.ir import Function, Instruction, Location, Module


@dataclass(frozen=True)
class Costly:
    """An operator that has more than a DSP block or takes thousands of ALUTs."""

    name: str
    location: Location | None
    count: int


@dataclass(frozen=True)
class Operators:
    """Operators by the name of their figure in constants.json, and bits of those whose area goes by bits."""

    counts: dict[str, float]
    costly: list[Costly]


_PRODUCTS = {8: 1 / 3, 16: 1 / 3, 32: 1, 64: 4}  # of 32-bit products, by bits
_LOGIC = frozenset("and or xor shl lshr ashr".split())


def operators(
    function: Function, module: Module, values: Values, loops: list[Loop], moving: set[str], narrows: bool, registers: int
) -> Operators:
    """Counts what a kernel's instructions become, each lane of a vector by itself; not those of loops at `moving`, which are wires.

    `narrows`: whether the compiler makes operators as narrow as their operands are known to be; `registers`: bits of private
    arrays.
    """
    counts: dict[str, float] = {}
    costly: Counter[tuple[str, Location | None]] = Counter()
    known = _Known(module, values, fused(function), _divisions(function), {loop.header for loop in loops}, narrows)
    counts.update({"carried bit": registers, "select bit": registers})
    remainders = function.remainders()
    for one in function.instructions():
        if one.block in moving or one.block in remainders:
            continue
        lanes = _lanes(one.type or one.source_type)
        if one.opcode == "call" and one.callee.startswith("_Z3fma"):
            costly["fma", module.location(one.location)] += lanes
        for name, count in _become(one, known).items():
            counts[name] = counts.get(name, 0) + count * (lanes if not name.endswith(" bit") else 1)
            if name in ("fdiv", "sqrt", "exp", "log", "divide", "remainder bit"):
                costly[name.removesuffix(" bit"), module.location(one.location)] += lanes
    return Operators(counts, [Costly(name, place, count) for (name, place), count in costly.items()])


@dataclass(frozen=True)
class _Known:
    module: Module
    values: Values
    fused: set[str]  # results of multiplications that are part of an addition's block
    divided: set[tuple[str, ...]]  # operands that are divided, and whether with a sign
    headers: set[str]  # blocks that loops begin with
    narrows: bool


def _divisions(function: Function) -> set[tuple[str, ...]]:
    return {(one.opcode[0], *one.operands) for one in function.instructions() if one.opcode in ("udiv", "sdiv")}


def fused(function: Function) -> set[str]:
    """Results of multiplications that are part of an addition's block."""
    users = function.users()
    taken: set[str] = set()
    for one in function.instructions():
        if one.opcode not in ("fadd", "fsub"):
            continue
        for operand in one.operands:
            product = _product(function, operand)
            if product is not None and len(users.get(product.result, [])) == 1 and product.result not in taken:
                taken.add(product.result)
                break
    return taken


def _product(function: Function, value: str) -> Instruction | None:
    made = function.values.get(value)
    return made if made is not None and made.opcode == "fmul" else None


def _become(one: Instruction, known: _Known) -> dict[str, float]:
    module = known.module
    bits = bits_of(one, module, known.values, known.narrows)
    match one.opcode:
        case "fadd" | "fsub" | "fdiv":
            return {"fdiv" if one.opcode == "fdiv" else "fadd": 1}
        case "fmul":
            return {} if one.result in known.fused else {"fmul": 1}
        case "fcmp":
            return {"fcmp": 1}
        case "sitofp" | "uitofp":
            return {"sitofp": 1}
        case "fptosi" | "fptoui":
            return {"fptosi": 1}
        case "mul":
            # Half a DSP block is a product of 18 bits; one of 32 has three of them, one of 64 twelve.
            if constant(one.operands[1]) is not None:
                return {"constant product bit": bits}
            return {"multiply": _PRODUCTS.get(bits // _lanes(one.type), 1)}
        case "udiv" | "sdiv" | "urem" | "srem":
            return _divided(one, known)
        case "add" | "sub":
            return {"add bit": bits}
        case "icmp":
            return {"compare bit": module.bits(one.source_type) * (3 if constant(one.operands[1]) is None else 1)}
        case "select":
            return {"select bit": bits}
        case "phi" if bits:
            return {"carried bit": bits} if one.block in known.headers else {"select bit": bits * (len(set(one.operands)) - 1)}
        case _ if one.opcode in _LOGIC:
            return {"logic bit": bits if constant(one.operands[1]) is None else 0}
        case "call":
            name = FUNCTIONS.get(function_name(one.callee))
            return {name: 1} if name else _whole(one, bits)
    return {}


def _whole(one: Instruction, bits: int) -> dict[str, float]:
    name = function_name(one.callee)
    if name in ("min", "max", "clamp", "smax", "smin", "umax", "umin", "abs"):
        return {"compare bit": 3 * bits, "select bit": bits}
    if name.startswith("convert_float") and re.search(r"convert_float\d*(Dv\d+_)?[ij]$", one.callee):
        return {"sitofp": 1}
    if name.startswith(("convert_int", "convert_uint")) and one.callee.endswith("f"):
        return {"fptosi": 1}
    return {}


def _divided(one: Instruction, known: _Known) -> dict[str, float]:
    """By a constant a division is a product with its inverse, and a remainder what a division that is there anyhow leaves."""
    number = constant(one.operands[1])
    bits = bits_of(one, known.module, known.values, known.narrows)
    if number is not None and number & (number - 1) == 0:
        return {"add bit": bits if one.opcode.startswith("s") else 0}
    if one.opcode.endswith("rem"):
        shared = number is not None and (one.opcode[0], *one.operands) in known.divided
        return {"constant product bit": bits, "add bit": bits} if shared else {"remainder bit": bits}
    if number is None:
        return {"divide": bits / 32}
    narrow = one.opcode == "udiv" or known.values.magnitude(one.operands[0]) is not None
    return {"divide by a constant bit" if narrow else "signed divide by a constant bit": bits}


def bits_of(one: Instruction, module: Module, values: Values, narrows: bool) -> int:
    """Bits that an operator needs: those of its type, or fewer where its operand is known to be small."""
    bits = module.bits(one.type) if one.type else 0
    if (
        narrows
        and one.opcode in ("udiv", "urem", "sdiv", "srem", "add", "mul")
        and (bound := values.magnitude(one.operands[0])) is not None
    ):
        return min(bits, next(width for width in (8, 16, 32, 64) if bound < 1 << width))
    return bits


def _lanes(kind: str) -> int:
    match = re.match(r"<(\d+) x", kind)
    return int(match[1]) if match else 1
