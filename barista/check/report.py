"""Each FPGA layer of a net against stock Caffe's layer: same weights, same inputs, forward and backward, at the net's own shapes.

For a layer f with inputs x, weights w and a random top gradient g, three comparisons are made:

- **random**: normal values; every element of dst, diff_src and of the parameters' gradients. Layers that sum products do it in
  different orders, so each is off by at most lambda * sqrt(L) * u * S with overwhelming probability (Higham and Mary, "A New
  Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41, 2019), where L is the number of products, u = 2^-24
  and S the same sum over absolute values, which a stock layer computes from |x|, |w| and |g|. Twice that is allowed. Layers that
  move or choose values must agree to the bit. Of any other function, what is allowed is 2 lambda times what stock Caffe's own
  result moves, root mean square over the array, when its inputs are off by up to 4 u, and, for an element that may sum n inputs,
  as many times sqrt(n) * u of the element itself. Where stock Caffe's own errors grow, what it differs by from the formula in
  double precision is allowed besides (barista.layers.formulas).
- **integers**: small whole numbers, whose sums stay below 2^24 and so are exact in any order: the layers must agree to the bit.
- **differences**: at a reduced size, the layer's gradients against (F(x + h) - F(x - h)) / 2h of its own forward pass, F = sum of
  g * f(x).

Where stock Caffe has no code for the CPU, as of stochastic pooling, a formula (barista.layers.formulas) takes the place of its
layer, and there are no differences, since another draw is a step.

Weight gradients start from values that are not zero, since they accumulate; bottom gradients from values that must be overwritten.
Statistics that a layer keeps as parameters are compared as forward leaves them.
A net is instantiated and run in a process of its own (barista.check.worker), since Caffe ends its process where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import resolved_as_json
from barista.check import result
from barista.check.result import LayerResult
from barista.errors import BaristaError
from barista.net import data_files, prototxt, source
from barista.net import inputs as net_inputs
from barista.net.shapes import Shape
from barista.rewrite import placement
from barista.runtime import process


@dataclass(frozen=True)
class Report:
    net: str
    device: str
    bitstream: str
    layers: tuple[LayerResult, ...]
    not_on_device: tuple[tuple[str, str], ...]  # layer and reason
    notes: tuple[str, ...]  # what was upgraded, where data was found, and inputs' shapes come from

    @property
    def passed(self) -> bool:
        return all(layer.passed for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        layers = []
        for layer in self.layers:
            comparisons = [asdict(c) | {"ratio": c.ratio if c.ratio < inf else None, "passed": c.passed} for c in layer.comparisons]
            layers.append(asdict(layer) | {"comparisons": comparisons, "passed": layer.passed})
        return asdict(self) | {"layers": layers, "passed": self.passed}


def check(
    path: Path,
    device: str | None = None,
    bitstream: str | None = None,
    shapes: Mapping[str, Shape] | None = None,
    *,
    seed: int = 1,
    progress: Callable[[LayerResult], None] | None = None,
) -> Report:
    """Checks every layer of the net in `path` that the device would run. `progress` is told of each layer when it is done.

    Raises BaristaError where the net can't be read or instantiated, or has no layer for the device; a layer that differs is no
    exception but a result.
    """
    name = str(path)
    net = source.open_net(path)
    decisions = placement.place(net.message).decisions
    on_device = [index for index, decision in enumerate(decisions) if decision.place is placement.Place.DEVICE]
    if not on_device:
        raise BaristaError(f"{name}: no layer of it runs on the device; 'barista rewrite {name}' says why")
    found, moved = data_files.with_found(placement.restore(net.message), path, name)
    inputs = net_inputs.replace(found, path, shapes or {})
    built, picked = bitstreams.resolve(device, bitstream)
    task: dict[str, Any] = {"net": prototxt.to_text(inputs.net), "layers": on_device, "seed": seed, "name": name}
    task |= {"resolved": resolved_as_json(built, picked)}
    results = tuple(_results(task, bitstreams.environment(built, picked), progress))
    others = tuple((decision.layer, decision.reason) for decision in decisions if not decision.on_device)
    return Report(name, picked.name, built.path.name, results, others, (*net.notes, *moved, *inputs.sentences))


# --- the worker's answer -------------------------------------------------------------------------------------------------------


def _results(
    task: Mapping[str, Any], variables: Mapping[str, str], progress: Callable[[LayerResult], None] | None
) -> Iterator[LayerResult]:
    # Masks of Caffe's own, since those of the device are others.
    masks = {"BARISTA_MASKS": "caffe"}
    for event in process.ask("barista.check.worker", (), task, {**variables, **masks}):
        layer = result.from_json(event["result"])
        if progress:
            progress(layer)
        yield layer
