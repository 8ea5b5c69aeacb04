"""Load-store units: one for each access to external memory that is left, and of which kind.

Kinds and when they are taken: Intel FPGA SDK for OpenCL Best Practices Guide (683521, 22.4), "Load-Store Units", and "Static Memory
Coalescing". Which loads are cached changed from version to version; what the published reports show is in Rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from barista.report.affine import Values
from barista.report.flow import Loop
from barista.report.ir import Function, Location, Module
from barista.report.sites import CONSTANT, EXTERNAL, Site, of_channel, side_by_side

_ALIGNED_BASE = 128  # bytes to which buffers of the host's are aligned


@dataclass(frozen=True)
class LoadStoreUnit:
    """A unit, and the accesses of the source that it stands for."""

    kind: str  # "load", "store" or "atomic"
    style: str  # "burst-coalesced", "pipelined", "constant cache" or "atomic"
    aligned: bool
    cached: bool
    acknowledged: bool  # a store whose end is waited for, since the kernel loads from the buffer as well
    width: int  # bytes
    buffer: str
    location: Location | None
    accesses: int  # of the code that became this unit

    @property
    def name(self) -> str:
        """As a report of the compiler's has it."""
        words = [self.style]
        words += ["write-ack"] if self.acknowledged else []
        words += [] if self.aligned else ["non-aligned"]
        return " ".join([*words, *(["cached"] if self.cached else [])])


@dataclass(frozen=True)
class AccessRules:
    """What differs between families: published reports of Arria 10 and Stratix 10 have it so."""

    prefetches: bool  # loads at addresses that a loop counts up are prefetching units; else burst-coalesced
    caches_computed: bool  # loads at addresses that are computed from counters are cached; else only those that depend on data


def external_sites(found: list[Site], module: Module) -> list[Site]:
    """Those of external memory, channels aside."""
    return [
        site
        for site in found
        if site.space in (EXTERNAL, CONSTANT) and not _is_constant_table(site, module) and not of_channel(site, module)
    ]


def units(
    function: Function, module: Module, values: Values, loops: list[Loop], found: list[Site], rules: AccessRules
) -> list[LoadStoreUnit]:
    """The load-store units of a kernel."""
    external = external_sites(found, module)
    innermost = {block: loop for loop in loops for block in loop.blocks}  # an outer loop comes before those in it
    return [_unit(site, function, values, loops, rules, external, innermost) for site in side_by_side(external)]


def _unit(
    site: Site,
    function: Function,
    values: Values,
    loops: list[Loop],
    rules: AccessRules,
    external: list[Site],
    innermost: dict[str, Loop],
) -> LoadStoreUnit:
    bases = site.address.bases
    word = 1 << (site.width - 1).bit_length()
    aligned = max(site.alignment, min(_ALIGNED_BASE, values.divides(site.address.at))) >= min(word, _ALIGNED_BASE)
    style = "atomic" if site.kind == "atomic" else "constant cache" if site.space == CONSTANT else "burst-coalesced"
    read_only = site.kind == "load" and not any(bases & other.address.bases for other in external if other.kind != "load")
    cached = False
    if read_only and bases and style == "burst-coalesced":
        counted = goes_on(site, function, values, loops)
        if counted and aligned and rules.prefetches:
            style = "prefetching"
        elif not counted:
            cached = rules.caches_computed or _depends_on_data(site, function, loops)
    acknowledged = site.kind == "store" and _is_awaited(site, external, loops, innermost)
    buffer = ", ".join(sorted(base.strip("%@") for base in bases)) or "unknown"
    return LoadStoreUnit(site.kind, style, aligned, cached, acknowledged, site.width, buffer, site.location, site.merged)


def _is_awaited(store: Site, external: list[Site], loops: list[Loop], innermost: dict[str, Loop]) -> bool:
    """Whether another access of the buffer may come after a store and must see it.

    The same address in the same loop is none: each iteration loads before it stores, and no other iteration comes there.
    """
    inner = innermost.get(store.block)
    for other in external:
        if not (other.address.bases & store.address.bases) or (other.index == store.index and other.kind == store.kind):
            continue
        own = innermost.get(other.block)
        if own is inner and (other.kind == "store" or other.address.at == store.address.at):
            continue
        together = any(store.block in loop.blocks and other.block in loop.blocks for loop in loops)
        if other.index > store.index or together:
            return True
    return False


def _depends_on_data(site: Site, function: Function, loops: list[Loop]) -> bool:
    """Whether an address is computed from what was loaded, within the loops around it."""
    inside = set().union(*(loop.blocks for loop in loops if site.block in loop.blocks))
    waiting, seen = [value for value, _ in site.address.at.terms], set()
    while waiting:
        made = function.values.get(value := waiting.pop())
        if value in seen or made is None or made.block not in inside:
            continue
        seen.add(value)
        if made.opcode == "load":
            return True
        waiting += made.operands
    return False


def goes_on(site: Site, function: Function, values: Values, loops: list[Loop]) -> bool:
    """Whether one loop's counter alone moves an address, from where it begins."""
    inner = max((loop for loop in loops if site.block in loop.blocks), key=lambda loop: loop.depth, default=None)
    if inner is None:
        return False
    around = [loop for loop in loops if site.block in loop.blocks]
    counters = 0
    for value, _ in site.address.at.terms:
        made = function.values.get(value)
        if made is None or not any(made.block in loop.blocks for loop in around):
            continue
        if made.opcode != "phi" or made.block != inner.header:
            return False
        begins = [operand for operand, block in zip(made.operands, made.blocks, strict=True) if block not in inner.latches]
        if any(
            begin in function.values and any(function.values[begin].block in loop.blocks for loop in around) for begin in begins
        ):
            return False  # it goes on from where an outer loop left it, which the compiler takes for any address
        counters += 1
    return counters > 0


def _is_constant_table(site: Site, module: Module) -> bool:
    """Constants of the program itself: memory on the chip."""
    known = module.globals.get(site.base or "")
    return known is not None and known.space == CONSTANT and not known.external
