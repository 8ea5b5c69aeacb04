"""Has Caffe make a net and tells its layers' shapes: `python -m barista.plan.coverage_worker`, for barista.plan.coverage.

Its answer (barista.runtime.process) is an event a layer, the fields of a Made. No pass is run: most of a net's blobs are never
allocated.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from barista.errors import BaristaError
from barista.net import prototxt, shapes
from barista.runtime.process import Answer


def main() -> None:
    """Does the task on standard input."""
    answer = Answer()
    from barista.runtime import plugin

    task = json.load(sys.stdin)
    try:
        library, caffe = plugin.load_without_device()
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    library.report_fatal_to(answer.fileno())  # Caffe's last words, should it come to that
    net = prototxt.parse(task["net"], prototxt.Kind.NET, task["name"])
    told: set[int] = set()
    with answer.python_layers(task["name"], library):
        for layers in shapes.of_phases(caffe, net):
            for made in layers:
                if made.index not in told:
                    answer.tell(**asdict(made))
                    told.add(made.index)
            if len(told) == len(net.layer):
                break


if __name__ == "__main__":
    main()
