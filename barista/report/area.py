"""What a program takes of a device: sums of what each part takes, each with the source of its figure (constants.json)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from barista.report import constants
from barista.report.accesses import LoadStoreUnit
from barista.report.constants import Area, Figure
from barista.report.memories import Memory, blocks, power
from barista.report.operators import Operators
from barista.report.shifts import Shift


@dataclass(frozen=True)
class Item:
    """One part of a program, in a kernel ("" for what all share)."""

    kernel: str
    what: str  # "board", "interconnect", "kernel", "load-store units", "memories", "ports", "channels", "shift registers", ...
    area: Area
    source: str  # of the figure, one of constants.SOURCES


def total(items: list[Item]) -> Area:
    return sum((item.area for item in items), Area())


def board(name: str | None, family: str) -> Item:
    """A board's static region: its own figure, or a board's of the same family."""
    boards = constants.table()["boards"]
    known = boards.get((name or "").rpartition(":")[2])
    entry = constants.figure(known or constants.table()["families"][family]["board"])
    return Item("", "board", entry.area, entry.source)


def interconnect(loads: int, stores: int, family: str) -> Item:
    """What joins the load-store units with external memory: a tree of few, a ring of many."""
    table = constants.table()["interconnect"]
    count = loads + stores
    if count == 0:
        return Item("", "interconnect", Area(), "report")
    few = table["few stratix10" if family == "stratix10" else "few"]
    entry = few if count <= few["most"] else table["ring"]
    area = [
        first + each * (count - 1 if entry is few else count) for first, each in zip(entry["first"], entry["each"], strict=True)
    ]
    if entry is few:
        area[2] += entry["each"][2] if entry["first"][2] == 0 else 0
    return Item("", "interconnect", Area(*area), entry["source"] if count <= entry["most"] else "guess")


def system() -> Item:
    entry = constants.figure(constants.table()["system"])
    return Item("", "system", entry.area, entry.source)


def channel(bits: int, depth: int, number: int) -> Item:
    """The FIFOs of a channel, or of an array of `number`."""
    table = constants.table()["channels"]
    entry = table["shallow"] if depth <= table["shallow"]["deepest"] else table["deep"]
    deep = depth > table["mlab_words"]["value"]
    memory = blocks(bits, depth) if deep else 0
    mlabs = 0 if deep or depth == 0 else math.ceil(bits / 20)
    made = Area(entry["alut"], entry["ff_bit"] * bits + entry["ff"], memory, mlabs)
    return Item("", "channels", made.times(number), entry["source"])


def kernel_overhead(kernel: str, family: str) -> Item:
    entry = constants.figure(constants.table()["families"][family]["kernel"])
    return Item(kernel, "kernel", entry.area, entry.source)


def unit(kernel: str, made: LoadStoreUnit, family: str) -> Item:
    """A load-store unit, between the widths that reports have."""
    table = constants.table()["units"]
    entry = (
        table.get(f"{made.kind} {made.name}") or table["load burst-coalesced" if made.kind == "load" else "store burst-coalesced"]
    )
    area = _of_width(entry["widths"], made.width)
    if made.kind == "store":
        area += constants.figure(constants.table()["families"][family]["store_memory"]).area
    return Item(kernel, "load-store units", area, entry["source"])


def _of_width(widths: Mapping[str, list[float]], width: int) -> Area:
    known = sorted((int(key), Area(*area)) for key, area in widths.items())
    below = max((pair for pair in known if pair[0] <= width), key=lambda pair: pair[0], default=known[0])
    above = min((pair for pair in known if pair[0] >= width), key=lambda pair: pair[0], default=known[-1])
    if below[0] == above[0]:
        return below[1]
    share = (width - below[0]) / (above[0] - below[0])
    mixed = below[1].times(1 - share) + above[1].times(share)
    return Area(mixed.aluts, mixed.ffs, math.ceil(mixed.m20k), math.ceil(mixed.mlabs), mixed.dsp)


def memory(kernel: str, made: Memory) -> list[Item]:
    """A memory's blocks, and its ports."""
    ports = constants.table()["ports"]
    wait = "" if made.stall_free else " stallable"
    area = Area()
    for kind, count in (("read", made.sites[0]), ("write", made.sites[1])):
        entry = ports[f"{kind}{wait}"]
        aluts, ffs = (base + byte * made.bank_bits / 8 for base, byte in zip(entry["base"], entry["byte"], strict=True))
        area += Area(aluts, ffs).times(count)
    return [
        Item(kernel, "memories", Area(m20k=made.m20k), "report" if made.stall_free else "guess"),
        Item(kernel, "ports", area, "report"),
    ]


def shift_registers(kernel: str, found: list[Shift]) -> Item:
    """Long shift registers: a FIFO between taps."""
    return Item(kernel, "shift registers", Area(m20k=sum(blocks(shift.bits, power(shift.words)) for shift in found)), "report")


def operators(kernel: str, made: Operators, family: str) -> list[Item]:
    """Operators, by their figures' sources, and the flip-flops of what waits beside remainders."""
    waiting = constants.table()["families"][family]["remainder_ffs"]
    table = constants.table()["operators"]
    sums: dict[str, Area] = {}
    for name, count in made.counts.items():
        entry: Figure = constants.figure(table[name])
        sums[entry.source] = sums.get(entry.source, Area()) + entry.area.times(count)
    beside = Item(kernel, "pipeline", Area(ffs=waiting["value"] * made.counts.get("remainder bit", 0)), waiting["source"])
    return [beside, *(Item(kernel, "operators", area, source) for source, area in sums.items())]


def shares(items: list[Item]) -> dict[str, dict[str, float]]:
    """Of each sum, the share that rests on each kind of source."""
    names = ("aluts", "ffs", "m20k", "mlabs", "dsp")
    whole = total(items)
    found: dict[str, dict[str, float]] = {}
    for name in names:
        amount: Any = getattr(whole, name)
        own = {source: sum(getattr(item.area, name) for item in items if item.source == source) for source in constants.SOURCES}
        found[name] = {source: round(part / amount, 3) for source, part in own.items() if part} if amount else {}
    return found
