"""The time of each layer's passes and of the solver's update, on the device and beside stock Caffe's, and what crosses for them.

Both train the same net from the same seed, each in a process of its own (barista.profile.runner), and take turns of one step.
Times are medians over the steps. A layer's time on the device is that during which a kernel of its runs, on one compute unit or
several; its time on the host is that from the call of its pass to the return, in which it enqueues kernels, waits for data, or
computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from barista.bitstream import build as bitstreams
from barista.bitstream.recipe import Recipe
from barista.errors import BaristaError
from barista.net.shapes import MadeLayer, Shape
from barista.plan import costs
from barista.plan.costs import ArrayPlan
from barista.profile import report, session
from barista.profile.records import Recorded
from barista.profile.runner import Runner, caffe_runner, made_layers
from barista.profile.session import Task
from barista.rewrite.placement import Place

_WARM_UP = 2  # steps in which plans are made and memory is first touched


def measure(
    path: Path,
    device: str | None = None,
    bitstream: str | None = None,
    shapes: Mapping[str, Shape] | None = None,
    *,
    iterations: int = 10,
    progress: Callable[[str], None] = lambda _: None,
) -> report.Report:
    """Times the training net of the net or solver in `path`. `progress` is told what is under way.

    Raises BaristaError where the net can't be read, made or run on the device; where stock Caffe can't run it, a note says why.
    """
    task = session.prepare(path, shapes)
    built, picked = bitstreams.resolve(device, bitstream, note=progress)
    with ExitStack() as stack:
        progress("making the nets")
        ours = stack.enter_context(caffe_runner(task, (built, picked)))
        made = made_layers(ours.ready())
        plans = _plans(task, made, built.recipe)
        ours.run(_WARM_UP)
        stock, complaint = _stock(task, stack)
        recorded: list[Recorded] = []
        beside: list[Recorded] = []
        for number in range(iterations):
            progress(f"step {number + 1} of {iterations}")
            recorded.append(ours.record(1))
            if stock:
                beside.append(stock.record(1))
    notes = [*task.notes, *([complaint] if complaint else [])]
    return report.of(task, made, plans, built, picked.name, recorded, beside, notes)


def _plans(task: Task, made: Sequence[MadeLayer], recipe: Recipe) -> dict[int, Sequence[ArrayPlan]]:
    """How the array is used, by the number of the layer in `made`."""
    planned = costs.of_net(recipe, task.net, made)
    on_device = [layer.index is not None and session.decision_of(task, layer).place is Place.DEVICE for layer in made]
    return {number: layer.grid for number, layer in enumerate(planned) if layer.grid and on_device[number]}


def _stock(task: Task, stack: ExitStack) -> tuple[Runner | None, str]:
    """Stock Caffe, warm; or why it can't run the net."""
    try:
        runner = stack.enter_context(caffe_runner(task, None))
        runner.ready()
        runner.run(_WARM_UP)
    except BaristaError as error:
        return None, f"stock Caffe does not run it: {error}"
    return runner, ""
