"""A net's layers as Caffe makes them, from a process of its own that opens no device."""

from __future__ import annotations

from barista.net import instances, prototxt
from barista.net.schema import NetParameter
from barista.net.shapes import MadeLayer
from barista.runtime import process


def layers(net: NetParameter, name: str) -> list[MadeLayer]:
    """Each layer of the prototxt that some phase has, at its shapes in the training net, else in the first test net that has it.

    Data need be nowhere: of a net that reads some, pass what barista.net.inputs.replace() makes of it. Raises BaristaError.
    """
    task = {"net": prototxt.to_text(net), "name": name}
    return [instances.from_json(event["layer"]) for event in process.ask("barista.plan.made_worker", (), task, {})]
