"""Has Caffe make a net and tells its layers' shapes: `python -m barista.plan.made_worker`, for barista.plan.made.

Its answer (barista.runtime.process) is {"layer": a MadeLayer} a layer. No pass is run: most of a net's blobs are never
allocated.
"""

from __future__ import annotations

from barista.errors import BaristaError
from barista.net import instances, prototxt
from barista.runtime.process import Answer


def main() -> None:
    """Does the task on standard input."""
    answer = Answer()
    from barista.runtime import plugin

    task = next(answer.requests())
    try:
        library, caffe = plugin.load_without_device()
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    library.report_fatal_to(answer.fileno())  # Caffe's last words, should it come to that
    net = prototxt.parse(task["net"], prototxt.Kind.NET, task["name"])
    told: set[int | None] = set()
    with answer.python_layers(task["name"], library):
        for layers in instances.of_phases(caffe, net):
            for made in layers:
                if made.index not in told:
                    answer.tell(layer=instances.as_json(made))
                    told.add(made.index)
            if len(told) == len(net.layer):
                break


if __name__ == "__main__":
    main()
