"""What each pass of a step multiplies, and how much of the PE array it fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from barista.layers import types
from barista.layers.backward import Backward
from barista.net.shapes import MadeLayer
from barista.plan import costs
from barista.plan.costs import ArrayPlan
from barista.profile.session import Task
from barista.profile.step import Key


def backward(task: Task, made: Sequence[MadeLayer]) -> Backward:
    return Backward(made, task.net.layer, force=task.net.force_backward)


def multiply_adds(task: Task, made: Sequence[MadeLayer], passes: Backward) -> dict[Key, int]:
    """Of each pass, in a step. A backward pass makes as many for the weights' gradient, and again as many for the input's."""
    found: dict[Key, int] = {}
    for number, of_net in enumerate(made):
        if of_net.index is not None:
            layer = task.net.layer[of_net.index]
            products = task.solver.settings.iter_size * types.of(layer.type).multiply_adds(layer, of_net.shapes)
            found[number, False] = products
            found[number, True] = products * (passes.gives_weights(number) + passes.gives_any(number))
    return found


def pe_utilization(
    task: Task, made: Sequence[MadeLayer], plans: Mapping[int, Sequence[ArrayPlan]], passes: Backward
) -> dict[Key, float | None]:
    """Of each pass, the part of the PE array that it fills. `plans` are of the layers of `made`, by number."""
    found: dict[Key, float | None] = {}
    for number, of_layer in plans.items():
        forward = [plan for plan in of_layer if plan.name == "forward"]
        weights = [plan for plan in of_layer if plan.name == "weights"]
        data = [plan for plan in of_layer if plan.name.startswith("data")]
        index = made[number].index
        assert index is not None
        layer = task.net.layer[index]
        operation = types.of(layer.type).operation(layer, made[number].shapes)
        if operation is not None and operation["op"] == "deconvolution":  # the plans are of what it transposes
            forward, data = data, forward
        used = [*(weights if passes.gives_weights(number) else ()), *(data if passes.gives_any(number) else ())]
        found[number, False], found[number, True] = costs.filled(forward), costs.filled(used)
    return found
