"""Trains a net for a few steps, with stock Caffe alone or on the device: `python -m conformance.agreement_worker`.

The task (barista.runtime.process) is a Task of conformance.agreement. Its answer is {"parameters": names in order}, and then for
each step {"losses": {output: value}, "seconds"}. Parameters go to .npz files, each array under its number.
"""

from __future__ import annotations

import time
from math import prod, sqrt
from typing import Any

import numpy as np

from barista.errors import BaristaError
from barista.runtime import plugin
from barista.runtime.process import Answer
from conformance.agreement import Task


def main() -> None:
    """Does the task on standard input."""
    answer = Answer()
    task = Task(**next(answer.requests()))
    try:
        caffe = _caffe(task, answer)
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    solver = caffe.get_solver(task.solver)
    parameters = _parameters(solver.net)
    if task.start is None:
        _draw_missing(parameters, np.random.default_rng(task.seed))
    else:
        _set(parameters, task.start, task.jitter, np.random.default_rng(task.jitter_seed))
    np.savez(task.before, *(blob.data for _, blob in parameters))
    answer.tell(parameters=[name for name, _ in parameters])
    inputs = np.load(task.inputs)
    for step in range(task.steps):
        start = time.monotonic()
        for key in inputs.files:
            number, blob = key.split(" ", 1)
            if int(number) == step:
                solver.net.blobs[blob].data[...] = inputs[key]
        caffe.set_random_seed(task.seed + step)  # dropout draws the same masks wherever it runs
        solver.step(1)
        losses = {name: float(solver.net.blobs[name].data.sum()) for name in solver.net.outputs}
        answer.tell(losses=losses, seconds=round(time.monotonic() - start, 3))
    np.savez(task.after, *(blob.data for _, blob in parameters))


def _caffe(task: Task, answer: Answer) -> Any:
    """Stock Caffe without the plugin, or with it on the device."""
    if task.device is not None:
        loaded = plugin.load(task.device, task.bitstream)
        loaded.library.report_fatal_to(answer.fileno())
        return loaded.caffe
    return plugin.load_stock_caffe()


def _parameters(net: Any) -> list[tuple[str, Any]]:
    """Every blob of every layer; statistics too."""
    layers = zip(net._layer_names, net.layers, strict=True)
    return [(f"{name} {number}", blob) for name, layer in layers for number, blob in enumerate(layer.blobs)]


def _draw_missing(parameters: list[tuple[str, Any]], rng: np.random.Generator) -> None:
    """Weights that the net leaves zero, to be copied from elsewhere, are drawn: through zeros no gradient passes."""
    for _, blob in parameters:
        if len(blob.shape) > 1 and not blob.data.any():
            fan_in = prod(blob.shape[1:])
            blob.data[...] = rng.standard_normal(tuple(blob.shape), dtype=np.float32) * sqrt(2 / fan_in)


def _set(parameters: list[tuple[str, Any]], start: str, jitter: float, rng: np.random.Generator) -> None:
    """The weights of the file `start`, each off by a part of itself that is drawn at random and about as large as `jitter`."""
    with np.load(start) as weights:
        for number, (_, blob) in enumerate(parameters):
            array = weights[f"arr_{number}"]
            if jitter:
                array = array * (1 + jitter * rng.standard_normal(array.shape, dtype=np.float32))
            blob.data[...] = array


if __name__ == "__main__":
    main()
