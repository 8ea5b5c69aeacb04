"""How much of the multiply grid the passes of a layer fill, as the library plans them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barista.layers import types
from barista.net.schema import LayerParameter
from barista.net.shapes import Shapes
from barista.runtime.records import GridPlan


def filled(plans: Iterable[GridPlan]) -> float | None:
    """The utilization of plans that are carried out one after the other; None where there are none."""
    used = list(plans)
    cycles = sum(plan.cycles for plan in used)
    return sum(plan.cycles * plan.utilization for plan in used) / cycles if cycles else None


def operation(layer: LayerParameter, shapes: Shapes) -> dict[str, Any] | None:
    """What Plugin.grid_plans() takes of a layer on the device; None of one that does not work on the grid.

    A deconvolution's is the convolution that it transposes, whose data pass is its forward pass.
    """
    found = types.of(layer.type).operation(layer, shapes)
    if found is None or found["op"] not in ("convolution", "deconvolution", "inner product"):
        return None
    if found["op"] != "inner product" and found["C"] == found["G"] == found["O"]:
        return None  # depthwise, which has kernels of its own
    op = "convolution" if found["op"] == "deconvolution" else found["op"]
    return {**found, "op": op}
