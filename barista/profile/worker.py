"""Trains steps and times them, for barista.profile.runner: `python -m barista.profile.worker`.

Of the JSON lines on standard input the first is {"name", "solver": its text, "seed": of the inputs, "resolved": the bitstream and
device of manifest.resolved_as_json(), null of stock Caffe}; it is answered by {"layers", "parameters": how many numbers they hold,
"versions"}, of what Caffe made of the net. Each other asks for one answer:

    {"do": "run", "steps": n}      {"seconds"}: of n steps, with nothing recorded
    {"do": "record", "steps": n, "warm": m}
                                   {"steps", "spans", "commands", "finished", "counters"}: the fields of a Recorded, of n
                                   steps after m others
    {"do": "peak"}                 {"bytes"}: the most memory that this process has had
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barista.bitstream.manifest import resolved_from_json
from barista.errors import BaristaError
from barista.layers import types
from barista.net import instances, prototxt
from barista.net.shapes import MadeLayer
from barista.runtime import blas, plugin
from barista.runtime.plugin import Plugin, Recording
from barista.runtime.process import Answer


def main() -> None:
    """Answers until standard input ends."""
    answer = Answer()
    tasks = answer.requests()
    task = next(tasks)
    try:
        loaded = plugin.load_resolved(*resolved_from_json(task["resolved"])) if task["resolved"] else None
        caffe = loaded.caffe if loaded else plugin.load_stock_caffe()
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    if loaded:
        loaded.library.report_fatal_to(answer.fileno())  # Caffe's last words, should it come to that
    trainer: Trainer | None = None
    with answer.python_layers(task["name"], loaded.library if loaded else None, lambda: trainer.net if trainer else None):
        trainer = Trainer(caffe, loaded, task)
        _answer(trainer, loaded, caffe, answer, tasks)


def _answer(trainer: Trainer, loaded: Plugin | None, caffe: Any, answer: Answer, tasks: Iterator[dict[str, Any]]) -> None:
    layers = list(trainer.layers())
    parameters = sum(prod(shape) for layer in layers for shape in layer.shapes.weights)
    versions = {"Caffe": caffe.__version__}
    if openblas := blas.loaded():
        versions["OpenBLAS"] = openblas
    if loaded:
        versions[loaded.device.name] = loaded.device.driver
    answer.tell(layers=[instances.as_json(layer) for layer in layers], parameters=parameters, versions=versions)
    for asked in tasks:
        if asked["do"] == "run":
            answer.tell(seconds=trainer.run(asked["steps"]))
        elif asked["do"] == "record":
            answer.tell(**trainer.record(asked["steps"], asked["warm"]))
        else:
            answer.tell(bytes=peak_bytes())


class Trainer:
    """A solver whose inputs are new in each step."""

    def __init__(self, caffe: Any, loaded: Plugin | None, task: dict[str, Any]) -> None:
        """`loaded` is None of stock Caffe."""
        self._loaded = loaded
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt", encoding="utf-8") as file:
            file.write(task["solver"])
            file.flush()
            self._solver = caffe.get_solver(file.name)
        self._net = self._solver.net
        param = prototxt.parse(task["solver"], prototxt.Kind.SOLVER, task["name"])
        self._names = [(index, layer.name) for index, layer in enumerate(param.net_param.layer)]
        self._renewed = dict(self._fill_inputs(param.net_param, np.random.default_rng(task["seed"])))
        if self._renewed:
            self._net.before_forward(self._renew)
        self._spans: Spans | None = None

    @property
    def net(self) -> Any:
        """pycaffe's net."""
        return self._net

    def layers(self) -> Iterator[MadeLayer]:
        return instances.layers(self._net, self._names)

    def run(self, steps: int) -> float:
        self._finish()
        start = time.perf_counter()
        self._solver.step(steps)
        self._finish()
        return time.perf_counter() - start

    def record(self, steps: int, warm: int) -> dict[str, Any]:
        if self._spans is None:
            self._spans = Spans(self._net)
        recording = self._loaded.record() if self._loaded else None
        if warm:
            self._solver.step(warm)
            self._finish()
        skipped = len(recording) if recording is not None else 0
        before = self._loaded.counters() if self._loaded else {}
        times = []
        for _ in range(steps):
            first, began = self._spans.begin(recording, skipped), time.monotonic_ns()
            self._solver.step(1)
            times.append((began, time.monotonic_ns(), first, self._spans.commands()))
        self._finish()
        finished = time.monotonic_ns()
        spans = self._spans.end()
        after = self._loaded.counters() if self._loaded else {}
        return {
            "steps": times,
            "spans": spans,
            "commands": [astuple(command) for command in recording.end()[skipped:]] if recording is not None else [],
            "finished": finished,
            # The wait at the end is none of the steps'.
            "counters": {name: after[name] - before[name] - (1 if name == "waits" else 0) for name in after},
        }

    def _finish(self) -> None:
        """Waits for the device."""
        if self._loaded:
            self._loaded.library.finish()

    def _fill_inputs(self, net: Any, rng: np.random.Generator) -> Iterator[tuple[int, list[Any]]]:
        """Fills each Input layer; its number and blobs."""
        for number, name in enumerate(self._net._layer_names):
            layer = next((layer for layer in net.layer if layer.name == name and layer.type == "Input"), None)
            if layer is not None:
                blobs = [self._net.blobs[top] for top in layer.top]
                for top, blob in zip(layer.top, blobs, strict=True):
                    blob.data[...] = self._values(net, top, tuple(blob.shape), rng)
                yield number, blobs

    def _values(self, net: Any, blob: str, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[Any]:
        """Numbers of classes for labels, zeros and ones where only a number an image is wanted, else normal values."""
        choices = list(self._choices(net, blob))
        if choices or len(shape) == 1:
            return rng.integers(0, min(choices, default=2), shape)
        return rng.standard_normal(shape, dtype=np.float32)

    def _choices(self, net: Any, blob: str) -> Iterator[int]:
        """From how many classes, rows or items each layer chooses with the values of `blob`, or of parts of it."""
        held = {blob}
        for given in net.layer:
            layer = type(given)()
            layer.CopyFrom(given)
            layer.type = types.stock_type(given.type)
            row = types.of(layer.type)
            if row.keeps_values and held.intersection(layer.bottom):
                held.update(layer.top)
            if not all(bottom in self._net.blobs for bottom in layer.bottom):
                continue  # of another phase
            if row.chooses is not None:
                bottom, count = row.chooses(layer, tuple(tuple(self._net.blobs[bottom].shape) for bottom in layer.bottom))
                if layer.bottom[bottom] in held:
                    yield count

    def _renew(self, layer: int) -> None:
        for blob in self._renewed.get(layer, ()):
            _ = blob.data  # to ask for it counts as a write: a device gets it anew


class Spans:
    """When each layer's passes began and ended. Callbacks can't be taken back, so they are there from the first recording on."""

    def __init__(self, net: Any) -> None:
        self._recording: Recording | None = None
        self._skipped = 0
        self._step = -1
        self._spans: list[tuple[int, int, bool, int, int, int, int]] = []
        self._open = (0, 0)
        net.before_forward(self._begin)
        net.after_forward(self._end(backward=False))
        net.before_backward(self._begin)
        net.after_backward(self._end(backward=True))

    def begin(self, recording: Recording | None, skipped: int) -> int:
        """A step begins; the number of its first command. The first `skipped` that were recorded do not count."""
        self._recording, self._skipped = recording, skipped
        self._step += 1
        return self.commands()

    def end(self) -> list[tuple[int, int, bool, int, int, int, int]]:
        """The fields of a Span for each pass since the first begin()."""
        spans, self._spans, self._step, self._recording = self._spans, [], -1, None
        return spans

    def commands(self) -> int:
        """How many were recorded so far."""
        return len(self._recording) - self._skipped if self._recording is not None else 0

    def _begin(self, _layer: int) -> None:
        if self._step >= 0:
            self._open = (self.commands(), time.monotonic_ns())

    def _end(self, *, backward: bool) -> Callable[[int], None]:
        def end(layer: int) -> None:
            if self._step >= 0:
                ended = time.monotonic_ns()
                first, began = self._open
                self._spans.append((self._step, layer, backward, began, ended, first, self.commands()))

        return end


def peak_bytes() -> int:
    """VmHWM: the most that was resident."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024


if __name__ == "__main__":
    main()
