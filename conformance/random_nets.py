"""Random nets on a device: `python -m conformance.random_nets [--seed S] [--count N]`. Status 0: all agree with stock Caffe.

A net is made from its seed (conformance.net_generator). It is rewritten and restored; each layer that the device runs is compared
with stock Caffe's as by `barista check`; and it is trained three steps, from the same weights and on the same data, in stock Caffe,
which has no plugin in it, and on the device. Compared are what its blobs hold that nobody takes, in each step and in the test net
after them, and what the steps added to each parameter, as conformance.agreement compares parameters. Where stock Caffe's gradient
is wrong, since layers work in place (barista.rewrite.placement says where), stock Caffe trains the net with two blobs for each.

Many nets share a process. One that ends is started again: where stock Caffe ends its own, the net is skipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

import numpy as np

from barista.bitstream import build as bitstreams
from barista.check.result import Comparison
from barista.errors import BaristaError
from barista.net import prototxt
from barista.rewrite import placement, transfers
from barista.runtime import process
from conformance.agreement import AMPLIFIED, JITTER, UPDATE, Array, part_of_update
from conformance.net_generator import RandomNet, random_net

STEPS = 3
_JITTERS = 12  # trainings of stock Caffe with which a net is compared that differs by more than rounding as such
# Of a difference that is looked at. Means of what was normalised before are rounding alone.
_LEAST, _LEAST_OF_STATISTICS = 1e-6, 1e-5
_CONSTANT = 1e-10  # a sum of variances below
_LARGEST = 1e10  # beyond, training has diverged


@dataclass(frozen=True)
class Task:
    """What conformance.random_nets_worker is to do."""

    name: str
    seed: int
    solver: str  # text, with the net inside
    inputs: dict[str, dict[str, int]]
    steps: int = STEPS
    checked: str = ""  # text of the net of stock types,
    layers: tuple[int, ...] = ()  # of which these layers are to be checked
    jitter: float = 0.0
    jitter_seed: int = 0


@dataclass(frozen=True)
class Result:
    seed: int
    verdict: str  # "agrees", "differs", "skipped"
    why: str = ""
    layers: int = 0  # that were checked
    types: tuple[str, ...] = ()  # of the net's layers on the device


class _Side:
    """A process that trains nets, started when it is needed."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", "conformance.random_nets_worker", *command]
        self._variables = {**variables, "BARISTA_MASKS": "caffe"}
        self._process: process.Process | None = None

    def tell(self, task: Task) -> None:
        if self._process is None:
            self._process = process.Process(self._command, "random net", self._variables)
        self._process.tell(asdict(task))

    def hear(self) -> process.Event:
        """Raises BaristaError where the process ended."""
        assert self._process is not None
        try:
            event = self._process.hear()
        except BaristaError:
            self.end()
            raise
        if event is None:
            self.end()
            raise BaristaError("its process ended")
        return event

    def end(self) -> None:
        if self._process is not None:
            self._process.__exit__(None, None, None)
            self._process = None


class Sides:
    """Stock Caffe and a device. To be left as a context."""

    def __init__(self, device: str | None) -> None:
        """Raises BaristaError for a device that is not there."""
        built, picked = bitstreams.resolve(device, None)
        self.stock = _Side((), {})
        self.device = _Side((picked.short_name, str(built.path)), bitstreams.environment(built, picked))

    def __enter__(self) -> Sides:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stock.end()
        self.device.end()

    def examine(self, seed: int) -> Result:
        """Makes the net of the seed and compares."""
        made = random_net(seed)
        rewritten = placement.place(made.net)
        types = tuple(decision.type for decision in rewritten.decisions if decision.place is placement.Place.DEVICE)
        result = _Examined(made, rewritten, self).result()
        return Result(seed, *result, len(types), types)


class _Examined:
    """One net on both sides."""

    def __init__(self, made: RandomNet, rewritten: placement.Placed, sides: Sides) -> None:
        self._made, self._rewritten, self._sides = made, rewritten, sides
        self._is_apart = any(placement.WRONG_IN_STOCK in decision.reason for decision in rewritten.decisions)
        self._reference = made.apart if self._is_apart else made.net

    def result(self) -> tuple[str, str]:
        """Verdict and why."""
        if placement.restore(self._rewritten.net) != self._made.net:
            return "differs", "restored, it is another net"
        transfers.plan(self._rewritten.net, self._rewritten.decisions, self._made.solver.train_state)
        layers = [i for i, decision in enumerate(self._rewritten.decisions) if decision.place is placement.Place.DEVICE]
        self._sides.stock.tell(self._task(self._reference))
        self._sides.device.tell(self._task(self._rewritten.net, checked=prototxt.to_text(self._made.net), layers=tuple(layers)))
        stock = self._heard(self._sides.stock)
        device = self._heard(self._sides.device)
        if isinstance(stock, str):
            return "skipped", f"stock Caffe: {stock}"
        if not _is_finite(stock):
            return "skipped", f"diverges in stock Caffe: {_largest(stock)}"
        if isinstance(device, str):
            return "differs", f"on the device: {device}"
        wrong = list(_wrong_layers(device["layers"]))
        if wrong:
            return "differs", f"layers: {'; '.join(wrong)}"
        return self._compared(stock, device)

    def _heard(self, side: _Side) -> process.Event | str:
        """An answer, or why there is none."""
        try:
            return side.hear()
        except BaristaError as error:
            return str(error)

    def _task(self, net: Any, **more: Any) -> Task:
        solver = type(self._made.solver)()
        solver.CopyFrom(self._made.solver)
        solver.net_param.CopyFrom(net)
        return Task(f"net {self._made.seed}", self._made.seed, prototxt.to_text(solver), self._made.inputs, **more)

    def _compared(self, stock: process.Event, device: process.Event) -> tuple[str, str]:
        found = self._differences(stock, device)
        beyond = {what: off for what, off in found.items() if not off <= UPDATE}
        for jitter_seed in range(_JITTERS):
            if not beyond:
                return "agrees", ""
            self._sides.stock.tell(self._task(self._reference, jitter=JITTER, jitter_seed=jitter_seed))
            jittered = self._heard(self._sides.stock)
            if isinstance(jittered, str):
                return "skipped", f"stock Caffe, jittered: {jittered}"
            itself = self._differences(stock, jittered, same_names=True)
            beyond = {what: off for what, off in beyond.items() if not off <= AMPLIFIED * itself.get(what, 0)}
        if not beyond:
            return "agrees", ""
        if _normalises_constant(stock):
            return "skipped", "normalises a constant, of which rounding alone is left"
        return "differs", ", ".join(f"{what} by {off:.1e}" for what, off in beyond.items())

    def _differences(self, stock: process.Event, other: process.Event, *, same_names: bool = False) -> dict[str, float]:
        """Of each output in each step, as a part of its largest element, and of each parameter's update."""
        found = {}
        names = self._made.apart_names if self._is_apart else {}
        theirs = {renamed: name for name, renamed in names.items()} if not same_names else {}
        for step, (expected, outputs) in enumerate(zip(stock["outputs"], other["outputs"], strict=True)):
            renamed = {theirs.get(name, name): values for name, values in expected.items()}
            if renamed.keys() != outputs.keys():
                found[f"outputs {sorted(renamed)} are {sorted(outputs)}"] = np.inf
                continue
            for name, values in renamed.items():
                found[f"'{theirs.get(name, name)}' in step {step}"] = _part_of_largest(values, outputs[name])
        parameters = zip(stock["parameters"], other["parameters"], strict=True)
        for number, (expected, outputs) in enumerate(parameters):
            first, last, other_first, other_last = (np.asarray(values, np.float32) for values in (*expected, *outputs))
            least = _LEAST_OF_STATISTICS if stock["types"][number] == "BatchNorm" else _LEAST
            if np.max(np.abs((other_last - other_first) - (last - first)), initial=0) <= least:
                continue
            found[f"update of parameter {number}"] = part_of_update(first, last, other_first, other_last, STEPS)
        return found


def _part_of_largest(expected: Sequence[float], found: Sequence[float]) -> float:
    """What two blobs differ by, as a part of the first one's largest element."""
    first, second = np.asarray(expected), np.asarray(found)
    if first.shape != second.shape:
        return np.inf
    largest = float(np.max(np.abs(first), initial=0))
    off = float(np.max(np.abs(second - first), initial=0))
    return off / max(largest, 1e-3) if np.isfinite(off) else np.inf


def _is_finite(event: process.Event) -> bool:
    blobs = [values for step in event["outputs"] for values in step.values()]
    arrays: list[Array] = [np.asarray(values) for values in (*blobs, *(after for _, after in event["parameters"]))]
    return all(np.isfinite(array).all() and np.max(np.abs(array), initial=0) < _LARGEST for array in arrays)


def _normalises_constant(event: process.Event) -> bool:
    """Whether a channel that BatchNorm has averaged did not vary in any step."""
    statistics = [after for kind, (_, after) in zip(event["types"], event["parameters"], strict=True) if kind == "BatchNorm"]
    return any(np.min(variance, initial=np.inf) < _CONSTANT for variance in statistics[1::3])


def _largest(event: process.Event) -> str:
    outputs = [(f"'{name}' in step {step}", blob) for step, of in enumerate(event["outputs"]) for name, blob in of.items()]
    values = {name: np.max(np.abs(blob), initial=0) for name, blob in outputs}
    values |= {f"parameter {number}": np.max(np.abs(after), initial=0) for number, (_, after) in enumerate(event["parameters"])}
    return ", ".join(f"{name}: {value:.1e}" for name, value in values.items() if not value < _LARGEST)


def _wrong_layers(layers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for layer in layers:
        for raw in layer["comparisons"]:
            comparison = Comparison(**{**raw, "at": tuple(raw["at"])})
            if not comparison.passed:
                off = f"{comparison.error:.1e} where {comparison.allowed:.1e} is allowed"
                yield f"'{layer['layer']}' ({layer['type']}): {comparison.array} of {comparison.data} data is off by {off}"


# --- the command ---------------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.random_nets", description="Tries random nets on a device.")
    parser.add_argument("--seed", type=int, default=1, help="of the first net; the next one has the next (default: 1)")
    parser.add_argument("--count", type=int, default=100, help="how many nets (default: 100)")
    parser.add_argument("--device", help="a device as 'barista devices' names it (default: emulator)")
    parser.add_argument("--show", action="store_true", help="print solver and net, and run nothing")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    if options.show:
        for seed in seeds:
            made = random_net(seed)
            made.solver.net_param.CopyFrom(made.net)
            print(f"# seed {seed}, inputs {json.dumps(made.inputs, ensure_ascii=False)}\n{prototxt.to_text(made.solver)}")
        return 0
    try:
        with Sides(options.device) as sides:
            return _report([_shown(sides.examine(seed)) for seed in seeds])
    except BaristaError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1


def _shown(result: Result) -> Result:
    if result.verdict != "agrees":
        print(f"seed {result.seed}: {result.verdict}: {result.why}", flush=True)
    return result


def _report(results: Sequence[Result]) -> int:
    verdicts = Counter(result.verdict for result in results)
    types = Counter(kind for result in results for kind in result.types)
    print(f"layers on the device: {', '.join(f'{count} {kind}' for kind, count in sorted(types.items()))}")
    print(
        f"{len(results)} nets: {verdicts['agrees']} agree with stock Caffe, {verdicts['skipped']} skipped,"
        f" {verdicts['differs']} differ; {sum(result.layers for result in results)} layers checked"
    )
    failing = [result.seed for result in results if result.verdict == "differs"]
    if failing:
        print(f"seeds that differ: {' '.join(map(str, failing))}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
