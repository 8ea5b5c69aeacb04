"""Addresses as a base, a constant and a sum of values with constant factors; and what is known of values: factors, bounds.

What LLVM calls scalar evolution, in as much as a report needs: which accesses lie side by side, which bits of an address are
fixed, by how much an address moves from an iteration to the next. Integers are taken not to wrap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from barista.report.ir import Function, Instruction, Module

_UNKNOWN_FACTOR = 1
_MOST_BITS = 64


@dataclass(frozen=True)
class Affine:
    """offset + sum of factor * value."""

    offset: int
    terms: tuple[tuple[str, int], ...] = ()

    def plus(self, other: Affine, factor: int = 1) -> Affine:
        sums = dict(self.terms)
        for value, times in other.terms:
            sums[value] = sums.get(value, 0) + factor * times
        terms = tuple(sorted((value, times) for value, times in sums.items() if times))
        return Affine(self.offset + factor * other.offset, terms)


@dataclass(frozen=True)
class Address:
    """Bytes from the beginning of an object; `bases` are the objects that it may lie in, none: not known."""

    bases: frozenset[str]
    at: Affine

    @property
    def base(self) -> str | None:
        return next(iter(self.bases)) if len(self.bases) == 1 else None


class Values:
    """What is known of a function's values."""

    def __init__(self, function: Function, module: Module) -> None:
        self.function = function
        self.module = module
        self._affine: dict[str, Affine] = {}
        self._addresses: dict[str, Address] = {}
        self._factors: dict[str, int] = {}
        self._bounds: dict[str, int | None] = {}

    def affine(self, value: str) -> Affine:
        """An integer as a sum."""
        if value not in self._affine:
            self._affine[value] = Affine(0, ((value, 1),))  # of itself, where it comes by itself again
            self._affine[value] = self._sum(value)
        return self._affine[value]

    def _sum(self, value: str) -> Affine:
        if (number := constant(value)) is not None:
            return Affine(number)
        made = self.function.values.get(value)
        itself = Affine(0, ((value, 1),))
        if made is None:
            return itself
        match made.opcode:
            case "add" | "sub":
                return self.affine(made.operands[0]).plus(self.affine(made.operands[1]), 1 if made.opcode == "add" else -1)
            case "mul" | "shl" if (number := constant(made.operands[1])) is not None:
                return Affine(0).plus(self.affine(made.operands[0]), number if made.opcode == "mul" else 1 << number)
            case "or" if (number := constant(made.operands[1])) is not None and number < self.factor(made.operands[0]):
                return self.affine(made.operands[0]).plus(Affine(number))
            case "zext" | "sext" | "freeze" if not made.type.startswith("<") and made.source_type != "i1":
                return self.affine(made.operands[0])
        return itself

    def address(self, pointer: str) -> Address:
        """What a pointer points to."""
        if pointer not in self._addresses:
            self._addresses[pointer] = Address(frozenset(), Affine(0, ((pointer, 1),)))
            self._addresses[pointer] = self._pointed(pointer)
        return self._addresses[pointer]

    def _pointed(self, pointer: str) -> Address:
        made = self.function.values.get(pointer)
        if made is None:  # a variable at file scope or an argument
            return Address(frozenset([pointer]), Affine(0))
        match made.opcode:
            case "alloca" | "call":
                return Address(frozenset([pointer]), Affine(0))
            case "bitcast" | "addrspacecast":
                return self.address(made.operands[0])
            case "getelementptr":
                inner = self.address(made.operands[0])
                return Address(inner.bases, inner.at.plus(self._indexed(made)))
            case "phi" | "select":
                pointers = made.operands if made.opcode == "phi" else made.operands[1:]
                bases = frozenset().union(*(self.address(one).bases for one in pointers if one != "null"))
                return Address(bases, Affine(0, ((pointer, 1),)))
        return Address(frozenset(), Affine(0, ((pointer, 1),)))

    def _indexed(self, made: Instruction) -> Affine:
        """Bytes that a getelementptr's indices add."""
        kind, added = made.source_type, Affine(0)
        for position, index in enumerate(made.operands[1:]):
            if position == 0:
                added = added.plus(self.affine(index), self.module.size(kind))
                continue
            if array := re.fullmatch(r"[\[<](\d+) x (.*)[\]>]", kind):
                kind = array[2]
                added = added.plus(self.affine(index), self.module.size(kind))
            else:
                offset, kind = self.module.members(kind)[constant(index) or 0]
                added = added.plus(Affine(offset))
        return added

    def factor(self, value: str) -> int:
        """The largest power of two known to divide an integer, or the distance of a pointer from its object's beginning."""
        if (number := constant(value)) is not None:
            return number & -number if number else 1 << _MOST_BITS
        if value not in self._factors:
            self._factors[value] = 1 << _MOST_BITS  # what comes by itself again takes nothing away
            self._factors[value] = self._divisor(value)
        return self._factors[value]

    def _divisor(self, value: str) -> int:
        made = self.function.values.get(value)
        if made is None:
            return _UNKNOWN_FACTOR
        match made.opcode:
            case "add" | "sub" | "or":
                return min(self.factor(operand) for operand in made.operands)
            case "mul":
                return min(1 << _MOST_BITS, self.factor(made.operands[0]) * self.factor(made.operands[1]))
            case "and":
                return max(self.factor(operand) for operand in made.operands)
            case "shl" if (number := constant(made.operands[1])) is not None:
                return min(1 << _MOST_BITS, self.factor(made.operands[0]) << number)
            case "zext" | "sext" | "trunc" | "freeze":
                return self.factor(made.operands[0])
            case "phi" if not made.type.startswith("ptr"):
                return min(self.factor(operand) for operand in made.operands)
            case "phi" | "select" if made.type.startswith("ptr"):
                pointers = made.operands if made.opcode == "phi" else made.operands[1:]
                return min((self.distance(one) for one in pointers if one != "null"), default=1)
            case "select":
                return min(self.factor(operand) for operand in made.operands[1:])
        return _UNKNOWN_FACTOR

    def distance(self, pointer: str) -> int:
        """The largest power of two known to divide a pointer's distance from its object's beginning."""
        return self.divides(self.address(pointer).at)

    def divides(self, at: Affine) -> int:
        """The largest power of two known to divide a sum."""
        constant_part = at.offset & -at.offset if at.offset else 1 << _MOST_BITS
        return min([constant_part, *((times & -times) * self.factor(value) for value, times in at.terms)])

    def bound(self, value: str) -> int | None:
        """The largest value that an integer, which is not negative, is known to have."""
        if (number := constant(value)) is not None:
            return number if number >= 0 else None
        if value not in self._bounds:
            self._bounds[value] = None
            self._bounds[value] = self._largest(value)
        return self._bounds[value]

    def _largest(self, value: str) -> int | None:
        made = self.function.values.get(value)
        if made is None:
            return None
        match made.opcode:
            case "and":
                known = [bound for operand in made.operands if (bound := self.bound(operand)) is not None]
                return min(known, default=None)
            case "urem" if (number := constant(made.operands[1])) is not None:
                return number - 1
            case "udiv" if (number := constant(made.operands[1])) and (inner := self.bound(made.operands[0])) is not None:
                return inner // number
            case "sub" if (number := self._remainder(made)) is not None:
                return number - 1
            case "zext":
                own = (1 << bits) - 1 if (bits := _integer_bits(made.source_type)) < 32 else None
                inner = self.bound(made.operands[0])
                return inner if inner is not None else own
            case "lshr" if (number := constant(made.operands[1])) is not None and (
                inner := self.bound(made.operands[0])
            ) is not None:
                return inner >> number
            case "select":
                both = [self.bound(operand) for operand in made.operands[1:]]
                known = [bound for bound in both if bound is not None]
                return max(known) if len(known) == len(both) else None
        return None

    def _remainder(self, made: Instruction) -> int | None:
        """The divisor, where a subtraction is what is left of an unsigned division: x - (x / c) * c."""
        product = self.function.values.get(made.operands[1])
        if product is None or product.opcode != "mul":
            return None
        quotient = self.function.values.get(product.operands[0])
        if quotient is None or quotient.opcode != "udiv" or quotient.operands != [made.operands[0], product.operands[1]]:
            return None
        return constant(product.operands[1])

    def magnitude(self, value: str) -> int | None:
        """The largest distance from zero that an integer is known to have."""
        made = self.function.values.get(value)
        bound = self.bound(value)
        if bound is not None or made is None or made.opcode not in ("add", "sub", "sdiv", "ashr", "srem"):
            return bound
        inner, number = self.magnitude(made.operands[0]), constant(made.operands[1])
        if inner is None or number is None:
            return None
        match made.opcode:
            case "add" | "sub":
                return max(inner, abs(number))
            case "sdiv" if number:
                return inner // abs(number)
            case "ashr":
                return inner >> number
            case "srem":
                return abs(number) - 1
        return None

    def induction(self, phi: Instruction, latches: list[str]) -> tuple[int | None, int] | None:
        """Where a loop's counter begins (None: not constant) and by how much it goes on an iteration; None: it is no counter."""
        begin: int | None = None
        step: int | None = None
        for operand, block in zip(phi.operands, phi.blocks, strict=True):
            if block in latches:
                moved = self.affine(operand)
                if moved.terms != ((phi.result, 1),) or (step is not None and step != moved.offset):
                    return None
                step = moved.offset
            else:
                begin = constant(operand)
        return None if step is None else (begin, step)


def constant(value: str) -> int | None:
    """A whole number that is written as such."""
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    return {"true": 1, "false": 0, "null": 0, "zeroinitializer": 0}.get(value)


def _integer_bits(kind: str) -> int:
    return int(kind[1:]) if re.fullmatch(r"i\d+", kind) else _MOST_BITS
