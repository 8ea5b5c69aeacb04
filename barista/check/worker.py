"""Compares single layers on the device with stock Caffe's: `python -m barista.check.worker`, for check.report.

Its answer (barista.runtime.process) is a {"result": ...} a layer.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np

from barista.bitstream.manifest import resolved_from_json
from barista.check.differences import compare_differences
from barista.check.one_layer import by_itself
from barista.check.result import LayerResult
from barista.check.rounding import compare_integers, compare_random
from barista.errors import BaristaError
from barista.layers import types
from barista.net import instances, prototxt
from barista.net.shapes import Shape
from barista.runtime.process import Answer

NO_STOCK_CODE = "stock Caffe has no code for it on the CPU, so it was compared with its formula"


def main() -> None:
    """Does the task on standard input."""
    answer = Answer()
    from barista.runtime import plugin

    task = next(answer.requests())
    try:
        loaded = plugin.load_resolved(*resolved_from_json(task["resolved"]))
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    loaded.library.report_fatal_to(answer.fileno())  # Caffe's last words, should it come to that
    caffe = loaded.caffe
    net = prototxt.parse(task["net"], prototxt.Kind.NET, task["name"])
    with answer.python_layers(task["name"], loaded.library):
        shapes = bottom_shapes(caffe, net, set(task["layers"]))
    for index, bottoms in shapes.items():
        layer = net.layer[index]
        answer.tell(begin=layer.name)
        answer.tell(result=asdict(check_layer(caffe, layer, bottoms, np.random.default_rng(task["seed"]))))


def check_layer(caffe: Any, layer: Any, bottoms: tuple[Shape, ...], rng: np.random.Generator) -> LayerResult:
    """All comparisons of one layer, of stock type, with its device layer. `bottoms` are its inputs' shapes."""
    start = time.monotonic()
    layer = by_itself(layer)
    comparisons = [
        *compare_random(caffe, layer, bottoms, rng),
        *compare_integers(caffe, layer, bottoms, rng),
        *compare_differences(caffe, layer, bottoms, rng),
    ]
    seconds = time.monotonic() - start
    note = NO_STOCK_CODE if types.of(layer.type).tolerance.instead(layer) else ""
    return LayerResult(layer.name, types.device_type(layer.type), bottoms, tuple(comparisons), round(seconds, 3), note)


def bottom_shapes(caffe: Any, net: Any, wanted: set[int]) -> dict[int, tuple[Shape, ...]]:
    """The shapes of the wanted layers' bottoms, by the layers' places: the training net's layers, then those of test nets alone."""
    shapes: dict[int, tuple[Shape, ...]] = {}
    for layers in instances.of_phases(caffe, net):
        for made in layers:
            if made.index is not None and made.index in wanted:
                shapes.setdefault(made.index, made.shapes.src)
        if wanted <= shapes.keys():
            break
    return shapes


if __name__ == "__main__":
    main()
