"""The time of a training step (forward, backward, update): stock Caffe beside Barista, in one run.

    python -m benchmarks.step examples/lenet/solver.prototxt [--device emulator --device pocl] [--rounds 15] [--json FILE]

Each contestant trains the same net from the same seed in a process of its own. They take turns, a round each, so that what else the
machine does meets all of them; a ratio is the median over rounds of stock Caffe's time over the device's in the same round. All
have the same two threads: OpenBLAS in stock Caffe, the compute units on the device.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from barista import caffe_proto, paths, solver
from barista.errors import BaristaError

THREADS = 2
STOCK = "stock Caffe"


def train_rounds(device: str | None, solver_text: str, channel: Connection) -> None:
    """The contestant's process: for each number of steps that it is sent, the seconds that they took, or what went wrong."""
    try:
        _train_rounds(device, solver_text, channel)
    except BaristaError as error:
        channel.send(error)


def _train_rounds(device: str | None, solver_text: str, channel: Connection) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)
    if device is None:
        os.environ["GLOG_minloglevel"] = "1"
        sys.path.insert(0, str(paths.caffe_installation().python_dir))
        import caffe
    else:
        from barista import plugin

        caffe = plugin.load(device).caffe
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(solver_text)
        file.flush()
        net_solver = caffe.get_solver(file.name)
    while steps := channel.recv():
        start = time.perf_counter()
        net_solver.step(steps)
        _ = net_solver.net.params[next(iter(net_solver.net.params))][0].data[0]  # the device has finished
        channel.send(time.perf_counter() - start)


class Contestant:
    def __init__(self, name: str, device: str | None, solver_text: str) -> None:
        self.name = name
        self.seconds: list[float] = []
        self._channel, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=train_rounds, args=(device, solver_text, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def run(self, steps: int) -> float:
        """Seconds a step. Raises BaristaError where the contestant can't train."""
        self._channel.send(steps)
        answer = self._channel.recv()
        if isinstance(answer, BaristaError):
            raise answer
        return float(answer) / steps

    def stop(self) -> None:
        self._channel.send(0)
        self._process.join()


def _solver_text(path: Path, *, rewrite: bool) -> str:
    """The solver without tests, snapshots and display, so that a step is a step and no more."""
    normalised = solver.normalise(path, rewrite=rewrite)
    param = caffe_proto.new("SolverParameter")
    param.CopyFrom(normalised.param)
    for field in ("test_iter", "test_interval", "test_net", "test_net_param", "test_state", "snapshot"):
        param.ClearField(field)
    param.display = 0
    return str(param)


def compare(path: Path, devices: Sequence[str], rounds: int, steps: int) -> dict[str, list[float]]:
    """Seconds a step of each contestant in each round."""
    contestants = [Contestant(STOCK, None, _solver_text(path, rewrite=False))]
    contestants += [Contestant(device, device, _solver_text(path, rewrite=True)) for device in devices]
    for contestant in contestants:
        contestant.run(steps)  # plans, first touches of memory
    for _ in range(rounds):
        for contestant in contestants:
            contestant.seconds.append(contestant.run(steps))
    for contestant in contestants:
        contestant.stop()
    return {contestant.name: contestant.seconds for contestant in contestants}


def report(path: Path, seconds: dict[str, list[float]]) -> str:
    lines = [f"{path}: a step, ms (median; fastest to slowest round), {THREADS} threads each"]
    for name, times in seconds.items():
        line = f"  {name:12} {statistics.median(times) * 1e3:8.2f}  ({min(times) * 1e3:.2f} to {max(times) * 1e3:.2f})"
        if name != STOCK:
            ratios = sorted(stock / own for stock, own in zip(seconds[STOCK], times, strict=True))
            quarter = len(ratios) // 4
            line += f"   {STOCK} takes {statistics.median(ratios):.2f} times as long"
            line += f" (middle half of rounds: {ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f})"
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solver", type=Path, nargs="?", default=Path("examples/lenet/solver.prototxt"))
    parser.add_argument("--device", action="append", help="a device of `barista devices`; may be given several times")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10, help="training steps a round")
    parser.add_argument("--json", type=Path, help="where to write all times, in seconds a step")
    arguments = parser.parse_args()
    try:
        seconds = compare(arguments.solver, arguments.device or ["emulator"], arguments.rounds, arguments.steps)
    except BaristaError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_status
    print(report(arguments.solver, seconds))
    if arguments.json:
        arguments.json.write_text(json.dumps(seconds, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
