"""Trains random nets for some steps: `python -m conformance.random_nets_worker [DEVICE BITSTREAM]`, else stock Caffe.

Each JSON line on standard input is a task, the fields of a Task of conformance.random_nets. Its answer is {"outputs": of each step,
and of the test net after them, the blobs that nobody takes, "parameters": [before, after] of each layer's blobs, "types": of these
layers, "layers": what barista.check.worker finds of the layers of the task}. Arrays are lists.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from barista.check import worker
from barista.errors import BaristaError
from barista.net import prototxt
from barista.runtime import plugin
from barista.runtime.process import Answer
from conformance.random_nets import Task

_LIMIT_SECONDS = 600  # of a net, on a machine that has much else to do; who takes longer is ended by a signal


def main(device: str | None = None, bitstream: str | None = None) -> None:
    """Answers until standard input ends."""
    answer = Answer()
    try:
        loaded = plugin.load(device, bitstream) if device else None
        caffe = loaded.caffe if loaded else plugin.load_stock_caffe()
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    if loaded:
        loaded.library.report_fatal_to(answer.fileno())  # Caffe's last words, should it come to that
    for request in answer.requests():
        task = Task(**request)
        signal.alarm(_LIMIT_SECONDS)
        answer.tell(**_done(caffe, task))
        signal.alarm(0)


def _done(caffe: Any, task: Task) -> dict[str, Any]:
    caffe.set_random_seed(task.seed)
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt", encoding="utf-8") as file:
        file.write(task.solver)
        file.flush()
        solver = caffe.get_solver(file.name)
    parameters = [blob for layer in solver.net.layers for blob in layer.blobs]
    rng = np.random.default_rng(task.jitter_seed)
    for blob in parameters if task.jitter else ():
        blob.data[...] *= 1 + task.jitter * rng.standard_normal(tuple(blob.shape), dtype=np.float32)
    before = [blob.data.copy() for blob in parameters]
    outputs = []
    for step in range(task.steps):
        _fill(solver.net, task.inputs, np.random.default_rng((task.seed, step)))
        caffe.set_random_seed(task.seed + step)  # dropout draws the same masks wherever it runs
        solver.step(1)
        outputs.append(_outputs(solver.net))
    after = [blob.data.copy() for blob in parameters]
    for net in solver.test_nets:
        _fill(net, task.inputs, np.random.default_rng((task.seed, task.steps)))
        caffe.set_random_seed(task.seed)
        net._forward(0, len(net.layers) - 1)
        outputs.append(_outputs(net))
    layers = list(_checked(caffe, task)) if task.layers else []
    pairs = [[_listed(first), _listed(last)] for first, last in zip(before, after, strict=True)]
    types = [layer.type for layer in solver.net.layers for _ in layer.blobs]
    return {"outputs": outputs, "parameters": pairs, "types": types, "layers": layers}


def _fill(net: Any, inputs: Mapping[str, Mapping[str, int]], rng: np.random.Generator) -> None:
    """Draws the Input layers' blobs: labels below their "classes", else numbers."""
    for name, what in inputs.items():
        if name in net.blobs:  # in this phase
            shape = tuple(net.blobs[name].shape)
            drawn = rng.integers(what["classes"], size=shape) if what else 0.7 * rng.standard_normal(shape)
            net.blobs[name].data[...] = drawn


def _outputs(net: Any) -> dict[str, Any]:
    """Of several blobs of one name, as tops that Caffe makes for losses, the last. net.outputs counts on there being one."""
    return {net._blob_names[i]: _listed(net._blobs[i].data) for i in net._outputs}


def _listed(array: npt.NDArray[np.float32]) -> Any:
    return array.astype(np.float64).ravel().tolist()


def _checked(caffe: Any, task: Task) -> Any:
    """The results of the layers of the task, as check_worker tells them."""
    net = prototxt.parse(task.checked, prototxt.Kind.NET, task.name)
    for index, bottoms in worker.bottom_shapes(caffe, net, set(task.layers)).items():
        yield asdict(worker.check_layer(caffe, net.layer[index], bottoms, np.random.default_rng(task.seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
