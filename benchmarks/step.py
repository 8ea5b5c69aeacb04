"""The time of a training step (forward, backward, update): stock Caffe beside Barista, in one run.

    python -m benchmarks.step examples/lenet/solver.prototxt [--device emulator --device pocl] [--rounds 15] [--json FILE]

Each contestant trains the same net from the same seed in a process of its own, with two threads: OpenBLAS's in stock Caffe, the
compute units of a device. They take turns (benchmarks.contest).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from barista.errors import BaristaError
from barista.net import inputs
from barista.profile import session
from barista.profile.runner import STOCK
from benchmarks import contest
from benchmarks.contest import THREADS, Result, Spread


def report(name: str, result: Result) -> str:
    lines = [f"{name}: a step, ms (median; middle half of rounds), {THREADS} threads each"]
    for contestant, times in result.seconds.items():
        taken, ratio = Spread.of(times), result.ratio(STOCK, contestant)
        line = (
            f"  {contestant:12} {taken.median * 1e3:8.2f}  ({taken.first_quartile * 1e3:.2f} to {taken.third_quartile * 1e3:.2f})"
        )
        if contestant != STOCK:
            line += f"   {STOCK} takes {ratio.median:.2f} times as long ({ratio.first_quartile:.2f} to {ratio.third_quartile:.2f})"
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solver", type=Path, nargs="?", default=Path("examples/lenet/solver.prototxt"))
    parser.add_argument("--device", action="append", help="a device of `barista devices`; may be given several times")
    parser.add_argument("--shape", action="append", default=[], help="of an input that nothing else tells, as BLOB=CxHxW")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10, help="training steps a round")
    parser.add_argument("--json", type=Path, help="where to write all times, in seconds a step")
    arguments = parser.parse_args()
    try:
        contest.use_fastest_kernels()
        task = session.prepare(arguments.solver, dict(inputs.parse_shape(shape) for shape in arguments.shape))
        contestants = contest.of_caffe(task, arguments.device or ["emulator"])
        check = contest.require_same_parameters(task)
        result = contest.contest(contestants, arguments.rounds, lambda contestant: contestant.run_warm(arguments.steps), check)
    except BaristaError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_status
    print(report(task.name, result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result.as_json(), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
