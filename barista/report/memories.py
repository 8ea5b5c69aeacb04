"""Memories on the chip: of which banks they are, how many accesses reach a bank, what that takes of M20K blocks.

A memory is a __local array, or a private one whose index varies. Rules, from Intel FPGA SDK for OpenCL Best Practices Guide
(683521, 22.4), "Local Memory" and "Improving Kernel Performance by Banking the Local Memory", and Programming Guide (683846),
"Inferring a Register": each access of the whole kernel is a port; a bank has one port to write and one to read at the kernel's
clock, two of each at twice the clock, and copies of itself for more reads; banks can be reached at once only where the bits of
the address that choose among them are constant in every access.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from barista.bitstream.resources import evaluate
from barista.report.affine import Values
from barista.report.ir import Function, Instruction, Location, Module
from barista.report.sites import ON_CHIP, PRIVATE, Site, side_by_side

REGISTER_BYTES = (
    64  # the largest private array with a variable index that stays in registers (Programming Guide, "Inferring a Register")
)
_SHAPES = ((512, 40), (1024, 20), (2048, 10), (4096, 5), (8192, 2), (16384, 1))  # words and bits of an M20K block (Arria 10)
_DUAL_PORT_BITS = 20  # widest word of a block of which both ports read and write
_WIDEST_WORD = 1024  # bytes that accesses side by side become one word of
_MOST_BANKS = 256
_READS_A_PUMPED_BANK = 3


@dataclass(frozen=True)
class Memory:
    """A memory as the compiler would make it, where `stall_free`; where not, accesses wait for each other."""

    name: str
    location: Location | None
    private: bool
    bytes: int
    banks: int  # that anything reaches
    bank_bits: int  # width of a word of a bank
    bank_words: int  # depth, a power of two
    reads: int  # accesses that reach the busiest bank
    writes: int
    sites: tuple[int, int]  # reads and writes in the kernel, those side by side as one
    dynamic_sites: int  # that reach a bank that only the run decides
    replicas: int
    double_pumped: bool
    stall_free: bool
    m20k: int
    from_attributes: bool


@dataclass(frozen=True)
class RegisterArray:
    """A private array that stays in registers."""

    name: str
    bytes: int
    variable_index: bool  # read or written through multiplexers
    shift_register: bool


def blocks(bits: int, words: int, dual_port: bool = False) -> int:
    """M20K blocks of a memory of `words` words of `bits` bits.

    In the shallowest shape that holds all words, as published reports have it, though wider shapes behind one another be fewer.
    """
    shapes = [shape for shape in _SHAPES if shape[1] <= _DUAL_PORT_BITS] if dual_port else _SHAPES
    depth, width = next((shape for shape in shapes if shape[0] >= words), shapes[-1])
    return math.ceil(bits / width) * math.ceil(words / depth)


def memories(
    function: Function,
    module: Module,
    values: Values,
    found: list[Site],
    attributes: Mapping[str, Mapping[str, str]],
    shifted: set[str],
    moving: set[str],
    pumps: bool,
) -> tuple[list[Memory], list[RegisterArray]]:
    """The memories of a kernel, and its private arrays that are registers.

    `attributes` by an array's name, `shifted` arrays that are shift registers, by the loops at `moving`.
    `pumps`: whether the compiler runs memories at twice the kernel's clock without being told to.
    """
    made: list[Memory] = []
    registers: list[RegisterArray] = []
    for base in dict.fromkeys(base for site in found if site.space in (PRIVATE, ON_CHIP) for base in sorted(site.address.bases)):
        own = [site for site in found if base in site.address.bases and site.block not in moving]
        array = function.values.get(base)
        size = _bytes(base, array, module)
        if size is None:
            continue
        name = base.lstrip("%@").rpartition(".")[2] if base.startswith("@") else _source_name(base)
        words = attributes.get(name, {})
        variable = any(site.address.at.terms for site in own)
        if array is not None and ((base in shifted and not variable) or not variable or _fits_registers(size, words)):
            registers.append(RegisterArray(name, size, variable, base in shifted))
            continue
        location = next((site.location for site in own if site.location), None)
        made.append(_memory(name, location, array is not None, size, own, words, values, pumps))
    return made, registers


def _fits_registers(size: int, words: Mapping[str, str]) -> bool:
    return "register" in words or (size <= REGISTER_BYTES and "memory" not in words)


def _bytes(base: str, array: Instruction | None, module: Module) -> int | None:
    if array is not None:
        return module.size(array.type) if array.opcode == "alloca" else None
    known = module.globals.get(base)
    return module.size(known.type) if known is not None and known.space == ON_CHIP else None


def _source_name(base: str) -> str:
    """The name in the source of a private array, without what inlining adds."""
    plain = base.lstrip("%")
    while plain.rpartition(".")[2].isdigit() or plain.rpartition(".")[2].startswith("i"):
        plain = plain.rpartition(".")[0] or plain
        if "." not in plain:
            break
    return plain


@dataclass(frozen=True)
class _Banks:
    """Which bits of an address choose the bank: `count` banks of words of `width` bytes."""

    width: int
    count: int

    def of(self, site: Site, values: Values) -> range | None:
        """The banks that an access reaches; None: any, which only the run decides."""
        if self.count == 1:
            return range(1)
        low, row = 0, self.width * self.count
        for value, times in site.address.at.terms:
            step = (times & -times) * values.factor(value)
            if step % row == 0:
                continue
            bound = values.bound(value)
            if bound is None or times < 0:
                return None
            low += times * bound
        begin = site.address.at.offset % row
        if low and begin % self.width + low + site.width > self.width:
            return None
        first, last = begin // self.width, (begin + site.width - 1) // self.width
        return range(first, min(last, self.count - 1) + 1)


def _memory(
    name: str,
    location: Location | None,
    private: bool,
    size: int,
    own: list[Site],
    words: Mapping[str, str],
    values: Values,
    pumps: bool,
) -> Memory:
    merged = side_by_side(own, _WIDEST_WORD)
    banks, given = _chosen(size, own, merged, words, values)
    accesses = own if banks.count > 1 and given and all(site.width <= banks.width for site in own) else merged
    reads, writes, dynamic = _ports(accesses, banks, values)
    used = max(1, len([bank for bank in range(banks.count) if reads[bank] or writes[bank]]))
    most_reads, most_writes = max(reads), max(writes)
    depth = power(math.ceil(size / (banks.width * banks.count)))
    replicas, pumped, stall_free = _replication(most_reads, most_writes, words, pumps)
    bits = 8 * banks.width
    each = blocks(bits, depth, dual_port=most_writes > 1)
    sites = (sum(site.kind == "load" for site in accesses), sum(site.kind != "load" for site in accesses))
    return Memory(
        name, location, private, size, used, bits, depth, most_reads, most_writes, sites, dynamic, replicas, pumped, stall_free,
        used * replicas * each, given,
    )  # fmt: skip


def _ports(accesses: list[Site], banks: _Banks, values: Values) -> tuple[list[int], list[int], int]:
    """Reads and writes that reach each bank, and how many may reach any."""
    reads, writes, dynamic = [0] * banks.count, [0] * banks.count, 0
    for site in accesses:
        reached = banks.of(site, values)
        dynamic += reached is None
        for bank in range(banks.count) if reached is None else reached:
            if site.kind == "load":
                reads[bank] += 1
            else:
                writes[bank] += 1
    return reads, writes, dynamic


def _chosen(size: int, own: list[Site], merged: list[Site], words: Mapping[str, str], values: Values) -> tuple[_Banks, bool]:
    """Banks as the attributes say, or those that leave the fewest accesses to a bank; and whether attributes said so."""
    number, width = _argument(words, "numbanks"), _argument(words, "bankwidth")
    if number or width:
        return _Banks(width or power(max(site.width for site in own)), number or 1), True
    widest = power(max((site.width for site in merged), default=1))
    if bits := words.get("bank_bits"):
        chosen = sorted(int(bit) for bit in bits.split(",") if bit.strip().isdigit())
        if chosen and chosen == list(range(chosen[0], chosen[0] + len(chosen))):
            return _Banks(1 << chosen[0], 1 << len(chosen)), True
    narrowest = power(min((site.width for site in own), default=1))
    candidates = [
        _Banks(width, count)
        for width in _powers(narrowest, widest)
        for count in _powers(1, _MOST_BANKS)
        if widest <= width * count <= max(size, widest)
    ]
    return min(candidates, key=lambda banks: _cost(size, merged, banks, values)), False


def _cost(size: int, merged: list[Site], banks: _Banks, values: Values) -> tuple[int, int, int, int]:
    """What is the less the better: writes and reads that reach the busiest bank, banks, blocks of one."""
    reads, writes, _ = _ports(merged, banks, values)
    depth = power(math.ceil(size / (banks.width * banks.count)))
    return max(writes), max(reads), banks.count, blocks(8 * banks.width, depth, max(writes) > 1)


def _powers(first: int, last: int) -> list[int]:
    found = [first]
    while found[-1] < last:
        found.append(2 * found[-1])
    return found


def _replication(reads: int, writes: int, words: Mapping[str, str], pumps: bool) -> tuple[int, bool, bool]:
    """Copies of a bank, whether it runs at twice the clock, and whether no access waits."""
    double = "doublepump" in words or (pumps and "singlepump" not in words)
    limit = _argument(words, "max_replicates")
    pumped = "doublepump" in words or (double and (writes > 1 or (reads > _READS_A_PUMPED_BANK and limit is None)))
    # At twice the clock a copy has four ports: one write and three reads, or two of each.
    reads_a_copy = 1 if not pumped else _READS_A_PUMPED_BANK if writes <= 1 else 2
    copies = max(1, math.ceil(reads / reads_a_copy))
    enough = writes <= (2 if pumped else 1) and (limit is None or copies <= limit)
    enough = enough and _within(reads, words, "numreadports") and _within(writes, words, "numwriteports")
    return (copies if enough else limit or 1), pumped, enough


def _within(accesses: int, words: Mapping[str, str], key: str) -> bool:
    most = _argument(words, key)
    return most is None or accesses <= most


def _argument(words: Mapping[str, str], key: str) -> int | None:
    """The number that an attribute has, written as one or as a sum or product of some."""
    try:
        return evaluate(words[key], {}) if words.get(key, "").strip() else None
    except (SyntaxError, ValueError):
        return None


def power(number: int) -> int:
    """The next power of two."""
    return 1 << max(0, number - 1).bit_length()
