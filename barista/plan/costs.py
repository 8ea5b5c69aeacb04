"""What the passes of a net's layers cost on the hardware of a recipe, with no device opened and no OpenCL in the process.

The arithmetic is the library's own, libbarista_plan.so: the plans that are carried out on a device (caffe_layers/plan/). What of a
net is asked for stands in the table of layer types (barista.layers.layer_type). Shapes are Caffe's, which makes the net in a
process of its own.

    from pathlib import Path

    from barista.bitstream import recipe
    from barista.net import inputs
    from barista.plan import costs, made
    from barista.zoo import catalog

    example = catalog.example("alexnet")
    net = inputs.replace(example.net, Path("alexnet"), example.images).net  # data in the place of its database
    for layer in costs.of_net(recipe.load("arria10-gx1150"), net, made.layers(net, "alexnet")):
        for cost in layer.passes:
            print(layer.name, cost.name, cost.launches, cost.steps, cost.loaded, cost.stored, cost.multiply_adds)
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from barista import paths
from barista.bitstream.recipe import Recipe
from barista.layers import types
from barista.layers.backward import learned_blobs
from barista.layers.operations import Operation
from barista.net.shapes import MadeLayer
from barista.runtime.library import PlanLibrary


@dataclass(frozen=True)
class PassCost:
    """Sums over all launches of a pass, on all compute units."""

    # "forward", "backward", "backward data", "backward weights", "update"; after weights have changed "pack weights" or, where no
    # gradient of the bottom is wanted, "pack weights for forward".
    name: str
    launches: int
    steps: int  # iterations of the kernels' innermost loops: cycles, were there nothing to wait for and one unit
    loaded: int  # elements read from external memory, each as often as it is read
    stored: int  # elements written to it
    multiply_adds: int  # products that are added to a sum, those with padding left out


@dataclass(frozen=True)
class ArrayPlan:
    """One use of the PE array."""

    name: str  # "forward", "weights" or "data"; the latter with its phase where there are strides
    cycles: float  # of the busiest compute unit as the planner counts them, loads and stores among them
    utilization: float  # products, those with padding left out, over what the arrays of all units can make in these cycles


@dataclass(frozen=True)
class Costs:
    """Of one operation: in training, by itself, where no layer's work is fused into the store of another."""

    passes: tuple[PassCost, ...] = ()
    grid: tuple[ArrayPlan, ...] = ()  # of what works on the PE array
    unsupported: str = ""  # why the recipe can't take the shape, which stock Caffe then runs


@dataclass(frozen=True)
class LayerCosts(Costs):
    name: str = ""
    type: str = ""  # the stock type
    index: int | None = None  # of the layer in the prototxt; None of a Split that Caffe put in


def of_operations(recipe: Recipe, operations: Sequence[Operation]) -> list[Costs]:
    """Of each operation, as a LayerType's `operation` gives it. Raises BaristaError for one that the library does not know."""
    return [_costs(answer) for answer in _library().plan(recipe.raw, operations)]


def of_net(
    recipe: Recipe, net: Any, made: Iterable[MadeLayer], *, method: str | None = None, clips: bool = False
) -> list[LayerCosts]:
    """Of each layer that Caffe makes of `net`, a NetParameter of stock or device types.

    A layer that computes nothing on the device has no passes. Given a solver's `method` ("SGD", "Adam", ...), layers that learn
    have an "update" too, in which gradients are clipped or not. Raises BaristaError.
    """
    layers = list(made)
    operations = [_operation(net, layer) for layer in layers]
    planned = iter(of_operations(recipe, [operation for operation in operations if operation is not None]))
    updates = iter(
        of_operations(recipe, [_update(method, clips, size) for layer in layers for size in _learned(net, layer, method)])
    )
    found = []
    for layer, operation in zip(layers, operations, strict=True):
        costs = Costs() if operation is None else next(planned)
        steps = [update for _ in _learned(net, layer, method) for update in next(updates).passes]
        passes = (*costs.passes, *([_sum(steps)] if steps else []))
        found.append(LayerCosts(passes, costs.grid, costs.unsupported, layer.name, _type(net, layer), layer.index))
    return found


def filled(plans: Iterable[ArrayPlan]) -> float | None:
    """The utilization of plans that are carried out one after the other; None where there are none."""
    used = list(plans)
    cycles = sum(plan.cycles for plan in used)
    return sum(plan.cycles * plan.utilization for plan in used) / cycles if cycles else None


def _type(net: Any, layer: MadeLayer) -> str:
    return "Split" if layer.index is None else types.stock_type(net.layer[layer.index].type)


def _operation(net: Any, layer: MadeLayer) -> Operation | None:
    row = types.of(_type(net, layer))
    message = None if layer.index is None else net.layer[layer.index]
    if not row.on_device or (message is not None and row.obstacle(message)):
        return None
    return row.operation(message, layer.shapes)


def _learned(net: Any, layer: MadeLayer, method: str | None) -> list[int]:
    """Elements of each blob that a layer learns."""
    if method is None or layer.index is None:
        return []
    return [prod(shape) for shape in layer.shapes.weights[: learned_blobs(net.layer[layer.index])]]


def _update(method: str | None, clips: bool, count: int) -> Operation:
    return {"op": "update", "method": method, "clips": clips, "count": count}


def _sum(passes: Sequence[PassCost]) -> PassCost:
    fields = ("launches", "steps", "loaded", "stored", "multiply_adds")
    return PassCost(passes[0].name, *(sum(getattr(cost, field) for cost in passes) for field in fields))


def _costs(answer: Mapping[str, Any]) -> Costs:
    if "unsupported" in answer:
        return Costs(unsupported=answer["unsupported"])
    passes = [
        PassCost(cost["pass"], *(cost[name] for name in list(PassCost.__dataclass_fields__)[1:])) for cost in answer["passes"]
    ]
    grid = [ArrayPlan(plan["pass"], plan["cycles"], plan["utilization"]) for plan in answer["grid"]]
    return Costs(tuple(passes), tuple(grid))


@functools.cache
def _library() -> PlanLibrary:
    return PlanLibrary(paths.plan_library())
