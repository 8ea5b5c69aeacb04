"""How much of the multiply grid the passes of a layer fill, as the library plans them."""

from __future__ import annotations

from collections.abc import Iterable

from barista.runtime.records import GridPlan


def filled(plans: Iterable[GridPlan]) -> float | None:
    """The utilization of plans that are carried out one after the other; None where there are none."""
    used = list(plans)
    cycles = sum(plan.cycles for plan in used)
    return sum(plan.cycles * plan.utilization for plan in used) / cycles if cycles else None
