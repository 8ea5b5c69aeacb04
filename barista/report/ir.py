"""LLVM's code: functions, blocks, instructions, types and the source lines that they came from.

Only what a report looks at. llvmlite would parse clang's text as well, but hands out neither debug locations, nor loops, nor
addresses, which are most of what is needed here, and prints an instruction by numbering its whole function anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Location = tuple[str, int]  # file, without its folder, and line


@dataclass(slots=True)
class Instruction:
    """One instruction; `operands` are values by name (%x, @x) or constants as they are written."""

    opcode: str
    result: str  # "" where there is none
    type: str  # of the result; of a store, of what it stores
    operands: list[str]
    block: str = ""
    index: int = 0  # in its function
    location: int | None = None  # number of its !dbg node
    predicate: str = ""  # of a comparison
    callee: str = ""  # of a call, without @
    source_type: str = ""  # of a getelementptr, what its pointer points to
    blocks: list[str] = field(default_factory=list)  # where a phi's operands come from, where a branch goes
    alignment: int = 1  # bytes, of a load or a store
    loop: int | None = None  # of a latch, number of its !llvm.loop node


@dataclass
class Block:
    name: str
    instructions: list[Instruction]
    successors: list[str] = field(default_factory=list)
    predecessors: list[str] = field(default_factory=list)


@dataclass
class Argument:
    name: str
    type: str
    by_value: str  # the type of a structure that is passed by value, or ""
    alias_free: bool  # `restrict`


@dataclass
class Function:
    name: str
    kernel: bool
    arguments: list[Argument]
    blocks: dict[str, Block] = field(default_factory=dict)
    values: dict[str, Instruction] = field(default_factory=dict)
    begins: dict[str, set[str]] = field(default_factory=dict)  # blocks in which a private array comes into being

    def remainders(self) -> set[str]:
        """Blocks of the loops that clang puts before or behind one that it unrolls by a number that need not divide the iterations.

        A compiler for FPGAs predicates the copies instead, and has no such loop.
        """
        return {name for name in self.blocks if ".epil" in name or ".prol" in name}

    def instructions(self) -> Iterator[Instruction]:
        for block in self.blocks.values():
            yield from block.instructions

    def users(self) -> dict[str, list[Instruction]]:
        """Instructions by the value that they take."""
        found: dict[str, list[Instruction]] = {}
        for instruction in self.instructions():
            for operand in set(instruction.operands):
                found.setdefault(operand, []).append(instruction)
        return found


@dataclass
class Global:
    name: str  # with @
    type: str
    space: int  # 1 external, 2 constant, 3 on chip
    external: bool


@dataclass
class Module:
    functions: dict[str, Function]
    globals: dict[str, Global]
    structures: dict[str, str]
    metadata: dict[int, str]
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def location(self, node: int | None) -> Location | None:
        """File and line that a !dbg node stands for: of a function that was inlined, its own.

        Of the prelude, where it was called.
        """
        while node is not None:
            text = self.metadata.get(node, "")
            line, scope, outer = _number(text, "line"), _reference(text, "scope"), _reference(text, "inlinedAt")
            file = self._file(scope).rpartition("/")[2]
            if file != "<prelude>" or outer is None:
                return (file, line or 0)
            node = outer
        return None

    def loop_location(self, node: int | None) -> Location | None:
        """File and line of the `for` of an !llvm.loop node."""
        if node is None:
            return None
        for reference in map(int, re.findall(r"!(\d+)", self.metadata.get(node, ""))):
            if reference != node and self.metadata.get(reference, "").startswith("!DILocation"):
                return self.location(reference)
        return None

    def size(self, text: str) -> int:
        """Bytes of a type, padded as an array's element is."""
        size, alignment = self._size_alignment(text)
        return -(-size // alignment) * alignment

    def bits(self, text: str) -> int:
        """Bits of a type, that of a register."""
        if match := re.fullmatch(r"i(\d+)", text):
            return int(match[1])
        if match := re.fullmatch(r"<(\d+) x (.*)>", text):
            return int(match[1]) * self.bits(match[2])
        return 8 * self.size(text)

    def members(self, text: str) -> list[tuple[int, str]]:
        """Offset in bytes and type of each member of a structure."""
        found, at = [], 0
        packed = self._body(text).startswith("<{")
        for member in split(self._body(text).strip("<>{} \t")):
            size, alignment = self._size_alignment(member)
            at = at if packed else -(-at // alignment) * alignment
            found.append((at, member))
            at += self.size(member) if not packed else size
        return found

    def _body(self, text: str) -> str:
        return self.structures.get(text, text)

    def _size_alignment(self, text: str) -> tuple[int, int]:
        if text not in self._sizes:
            self._sizes[text] = self._measured(text)
        return self._sizes[text]

    def _measured(self, text: str) -> tuple[int, int]:
        if match := re.fullmatch(r"i(\d+)", text):
            size = max(1, 1 << max(0, (int(match[1]) - 1).bit_length() - 3))
            return size, size
        if text in _SIZES:
            return _SIZES[text], _SIZES[text]
        if text.startswith("ptr"):
            return 8, 8
        if match := re.fullmatch(r"\[(\d+) x (.*)\]", text):
            return int(match[1]) * self.size(match[2]), self._size_alignment(match[2])[1]
        if match := re.fullmatch(r"<(\d+) x ([^{].*)>", text):
            size = int(match[1]) * self._size_alignment(match[2])[0]
            rounded = 1 << max(0, size - 1).bit_length()
            return rounded, rounded
        if self._body(text).startswith(("{", "<{")):
            members = self.members(text)
            if not members:
                return 0, 1
            alignment = 1 if self._body(text).startswith("<{") else max(self._size_alignment(member)[1] for _, member in members)
            return members[-1][0] + self.size(members[-1][1]), alignment
        return 0, 1

    def _file(self, scope: int | None) -> str:
        for _ in range(50):
            text = self.metadata.get(scope, "") if scope is not None else ""
            if (file := _reference(text, "file")) is not None:
                name = re.search(r'filename: "([^"]*)"', self.metadata.get(file, ""))
                return name[1] if name else ""
            scope = _reference(text, "scope")
        return ""


_SIZES = {"float": 4, "double": 8, "half": 2}
_OPEN, _CLOSE = "([{<", ")]}>"


def _number(text: str, key: str) -> int | None:
    match = re.search(rf"\b{key}: (\d+)", text)
    return int(match[1]) if match else None


def _reference(text: str, key: str) -> int | None:
    match = re.search(rf"\b{key}: !(\d+)", text)
    return int(match[1]) if match else None


def split(text: str) -> list[str]:
    """Splits at the commas that are in no brackets."""
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    last = text[begin:].strip()
    return [*parts, last] if last else parts
