"""Accesses to memory that are left in a function: where, how wide, at which address, load or store.

Each is hardware of its own: a load-store unit of external memory, a port of a memory on the chip, an end of a channel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from barista.report.affine import Address, Values, constant
from barista.report.dialect import CHANNEL_SITE, CHANNEL_WORDS
from barista.report.ir import Function, Instruction, Location, Module

PRIVATE, EXTERNAL, CONSTANT, ON_CHIP = 0, 1, 2, 3
WIDEST = 128  # bytes that accesses side by side become one of, at most: the widest unit in a published report (T2SP capsule)
PADDING = 3  # bytes between members of a structure that are read along (T2SP pairhmm)


@dataclass(frozen=True)
class Site:
    """One access; of accesses side by side that became one, the first."""

    kind: str  # "load", "store" or "atomic"
    space: int
    address: Address
    width: int  # bytes
    block: str
    index: int  # of the instruction
    location: Location | None
    pointer: str
    alignment: int  # bytes to which the source's type is aligned
    merged: int = 1  # accesses that it stands for

    @property
    def base(self) -> str | None:
        return self.address.base


def sites(function: Function, module: Module, values: Values) -> list[Site]:
    """Every load, store, copy and atomic of a function, in its order."""
    found: list[Site] = []
    remainders = function.remainders()
    for instruction in function.instructions():
        if instruction.block in remainders:
            continue
        for kind, pointer, width in _accesses(instruction, module):
            address = values.address(pointer)
            place = module.location(instruction.location)
            space = space_of(pointer, function, module)
            found.append(
                Site(kind, space, address, width, instruction.block, instruction.index, place, pointer, instruction.alignment)
            )
    return found


def _accesses(instruction: Instruction, module: Module) -> list[tuple[str, str, int]]:
    match instruction.opcode:
        case "load":
            return [("load", instruction.operands[0], module.size(instruction.type))]
        case "store":
            return [("store", instruction.operands[1], module.size(instruction.type))]
        case "atomicrmw" | "cmpxchg":
            return [("atomic", instruction.operands[0], 4)]
        case "call" if instruction.callee.startswith(("llvm.memcpy", "llvm.memmove")):
            length = constant(instruction.operands[2]) or 0
            return [("load", instruction.operands[1], length), ("store", instruction.operands[0], length)]
        case "call" if instruction.callee.startswith("llvm.memset"):
            return [("store", instruction.operands[0], constant(instruction.operands[2]) or 0)]
        case "call" if re.match(r"_Z\d+atom(ic)?_", instruction.callee):
            return [("atomic", instruction.operands[0], 4)]
    return []


def space_of(pointer: str, function: Function, module: Module) -> int:
    """The address space of a pointer."""
    if pointer in module.globals:
        return module.globals[pointer].space
    made = function.values.get(pointer)
    if made is not None and made.opcode == "alloca":
        return PRIVATE
    kind = made.type if made is not None else next((one.type for one in function.arguments if one.name == pointer), "ptr")
    match = re.search(r"addrspace\((\d+)\)", kind)
    return int(match[1]) if match else PRIVATE


def is_channel(base: str, module: Module) -> bool:
    """Whether a variable stands for a channel (see dialect.py)."""
    known = module.globals.get(base)
    return known is not None and known.external and known.space == EXTERNAL


def of_channel(site: Site, module: Module) -> bool:
    """Whether an access is one of a channel, or of one of several."""
    return any(is_channel(base, module) for base in site.address.bases)


def side_by_side(found: list[Site], widest: int = WIDEST) -> list[Site]:
    """Accesses of one block that lie side by side, as one each: what compilers call static coalescing.

    Only where they are of one kind, to one object, and their addresses differ by constants.
    """
    groups: dict[tuple[object, ...], list[Site]] = {}
    for site in found:
        groups.setdefault((site.kind, site.block, site.address.bases, site.address.at.terms), []).append(site)
    merged: list[Site] = []
    for group in groups.values():
        ordered = sorted(group, key=lambda site: (site.address.at.offset, site.index))
        if not ordered[0].address.bases or ordered[0].kind == "atomic":
            merged.extend(ordered)
            continue
        run = ordered[0]
        for site in ordered[1:]:
            end = run.address.at.offset + run.width
            offset = site.address.at.offset
            total = max(end, offset + site.width) - run.address.at.offset
            if offset <= end + PADDING and (total <= widest or offset + site.width <= end):
                run = replace(run, width=total, merged=run.merged + 1, index=min(run.index, site.index))
            else:
                merged.append(run)
                run = site
        merged.append(run)
    return sorted(merged, key=lambda site: site.index)


@dataclass(frozen=True)
class ChannelEnd:
    """A read or a write of a channel."""

    channel: str
    kind: str  # "read" or "write"
    bits: int
    location: Location | None
    block: str


def channel_ends(function: Function, module: Module, values: Values) -> list[ChannelEnd]:
    """Each read and each write of a channel, however many members of a structure it carries."""
    users = function.users()
    found = []
    for call in function.instructions():
        if call.opcode != "call" or call.callee != CHANNEL_SITE:
            continue
        for pointer in _derived(call.result, users):
            bases = [base for base in sorted(values.address(pointer).bases) if is_channel(base, module)]
            if not bases:
                continue
            kinds = {use.opcode for use in users.get(pointer, []) if use.opcode in ("load", "store", "call")}
            base = bases[0]
            name = base.removeprefix("@")
            writes = any(use.opcode == "store" or _writes(use, pointer) for use in users.get(pointer, []))
            if kinds:
                kind, bits = "write" if writes else "read", channel_bits(base, module)
                found.append(ChannelEnd(name, kind, bits, module.location(call.location), call.block))
                break
    return found


def channel_bits(base: str, module: Module) -> int:
    """Bits of a word of a channel."""
    kind = module.globals[base].type
    while match := re.fullmatch(r"\[(\d+) x (.*)\]", kind):
        kind = match[2]
        if int(match[1]) == CHANNEL_WORDS:
            break
    return 8 * module.size(kind)


def channel_count(base: str, module: Module) -> int:
    """Channels of an array of channels; 1 of one alone."""
    sizes = [int(size) for size in re.findall(r"\[(\d+) x ", module.globals[base].type)]
    count = 1
    for size in sizes:
        if size == CHANNEL_WORDS:
            break
        count *= size
    return count


def _writes(use: Instruction, pointer: str) -> bool:
    return use.opcode == "call" and use.callee.startswith("llvm.mem") and use.operands[0] == pointer


def _derived(value: str, users: dict[str, list[Instruction]]) -> list[str]:
    """Pointers that are made from a value."""
    found, waiting = [], [value]
    while waiting:
        for use in users.get(waiting.pop(), []):
            if (
                use.opcode in ("getelementptr", "bitcast", "addrspacecast", "zext", "sext", "trunc", "phi", "select")
                and use.result not in found
            ):
                found.append(use.result)
                waiting.append(use.result)
    return found
