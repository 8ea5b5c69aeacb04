"""Load-store units: one for each access to external memory that is left, and of which kind.

Kinds and when they are taken: Intel FPGA SDK for OpenCL Best Practices Guide (683521, 22.4), "Load-Store Units", and "Static Memory
Coalescing". Which loads are cached changed from version to version; what the published reports show is in Rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from barista.report.affine import Values, constant
from barista.report.flow import Loop
from barista.report.ir import Function, Location, Module
from barista.report.sites import CONSTANT, EXTERNAL, Site, is_channel, side_by_side

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
    """What differs between families and versions of the compiler."""

    caches_single_work_item: bool  # loads at addresses that do not simply go on, of kernels that are one work-item


def external_sites(found: list[Site], module: Module) -> list[Site]:
    """Those of external memory, channels aside."""
    return [
        site
        for site in found
        if site.space in (EXTERNAL, CONSTANT) and not _is_constant_table(site, module) and not is_channel(site.base, module)
    ]


def units(
    function: Function, module: Module, values: Values, loops: list[Loop], found: list[Site], rules: AccessRules
) -> list[LoadStoreUnit]:
    """The load-store units of a kernel."""
    external = external_sites(found, module)
    stored = {base for site in external if site.kind != "load" for base in site.address.bases}
    loaded = {base for site in external if site.kind == "load" for base in site.address.bases}
    made = []
    for site in side_by_side(external):
        made.append(_unit(site, function, values, loops, rules, stored, loaded))
    return made


def _unit(
    site: Site, function: Function, values: Values, loops: list[Loop], rules: AccessRules, stored: set[str], loaded: set[str]
) -> LoadStoreUnit:
    bases = site.address.bases
    word = 1 << (site.width - 1).bit_length()
    aligned = min(_ALIGNED_BASE, values.divides(site.address.at)) % min(word, _ALIGNED_BASE) == 0
    style = "atomic" if site.kind == "atomic" else "constant cache" if site.space == CONSTANT else "burst-coalesced"
    read_only = site.kind == "load" and not bases & stored
    cached = (
        read_only and style == "burst-coalesced" and rules.caches_single_work_item and not goes_on(site, function, values, loops)
    )
    acknowledged = site.kind == "store" and bool(bases & loaded)
    buffer = ", ".join(sorted(base.strip("%@") for base in bases)) or "unknown"
    return LoadStoreUnit(site.kind, style, aligned, cached, acknowledged, site.width, buffer, site.location, site.merged)


def goes_on(site: Site, function: Function, values: Values, loops: list[Loop]) -> bool:
    """Whether an address only goes on through memory: a sum of counters of loops and of what does not change in them."""
    around = [loop for loop in loops if site.block in loop.blocks]
    inner = max(around, key=lambda loop: loop.depth, default=None)
    if inner is None:
        return True
    for value, _ in site.address.at.terms:
        made = function.values.get(value)
        if made is None or not any(made.block in loop.blocks for loop in around):
            continue
        if made.opcode != "phi" or not any(made.block == loop.header for loop in around):
            return False
        begins = [
            operand
            for operand, block in zip(made.operands, made.blocks, strict=True)
            if made.block != inner.header or block not in inner.latches
        ]
        if made.block == inner.header and any(constant(begin) is None and begin in function.values for begin in begins):
            return False  # it goes on from where an outer loop left it, which the compiler takes for any address
    return True


def _is_constant_table(site: Site, module: Module) -> bool:
    """Constants of the program itself: memory on the chip."""
    known = module.globals.get(site.base or "")
    return known is not None and known.space == CONSTANT and not known.external
