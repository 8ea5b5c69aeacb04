"""Training steps of five nets, and one large product, by Barista, stock Caffe and PyTorch in turns: `make bench`.

And two of the nets at several batches on the first device (benchmarks.batches).

Steps are forward, backward and update, of the same nets and batches. Pictures and labels are random, and given to a device anew in
each step. Every contestant has two threads and a process of its own. It prints ratios with their spread, and writes all times with
machine, versions and commit to steps.json, and a chart to steps.png. PyTorch takes part where a Python that has it is named, or is
at build/torch/bin/python, and in the nets that benchmarks.torch_worker has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from barista.errors import BaristaError
from barista.profile import session
from barista.profile.records import Recorded, Span
from barista.profile.runner import STOCK, Runner
from barista.profile.session import Task
from barista.profile.step import covered
from barista.zoo import catalog as nets
from benchmarks import batches, chart, contest
from benchmarks.contest import THREADS, Result, Spread

ROOT = Path(__file__).resolve().parents[1]
TORCH = "PyTorch"
_TORCH_PYTHON = ROOT / "build" / "torch" / "bin" / "python"
_TORCH_NETS = ("lenet", "cifar10_quick", "alexnet")  # that benchmarks.torch_worker has
PRODUCT = "product"
BATCHES = "batches"
_BATCH_ROUNDS = 9
_SIZE = 1024  # of the product: rows, columns and terms
_PRODUCT_STEPS = 3  # a turn
_PLAIN = 'bias_term: false weight_filler { type: "xavier" }'
# Layers of which it is the forward pass, and their input. Caffe calls SGEMM once for the first, once a picture for the second.
_PRODUCTS = {
    "inner product": ((_SIZE, _SIZE), f'type: "InnerProduct" inner_product_param {{ num_output: {_SIZE} {_PLAIN} }}'),
    "1x1 convolution": (
        (16, _SIZE, 8, 8),
        f'type: "Convolution" convolution_param {{ num_output: {_SIZE} kernel_size: 1 {_PLAIN} }}',
    ),
}


@dataclass(frozen=True)
class Contest:
    """A net of barista.zoo, and how it is measured: so long that a round takes a fraction of a second to a few."""

    net: str
    title: str
    batch: int
    rounds: int
    steps: int  # a round


CONTESTS = (
    Contest("lenet", "LeNet", 64, 15, 10),
    Contest("cifar10_quick", "CIFAR-10 quick", 100, 11, 3),
    Contest("cifar10_full", "CIFAR-10 full", 100, 11, 2),
    Contest("alexnet", "AlexNet", 16, 9, 1),
    Contest("googlenet", "GoogLeNet", 8, 7, 1),
)
_GROWING = ("lenet", "cifar10_quick")  # those that are run at several batches


def run(entry: Contest, devices: Sequence[str], torch: Path | None, rounds: int | None) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(entry, Path(folder))
    contestants = contest.of_caffe(task, devices)
    if torch and entry.net in _TORCH_NETS:
        contestants.append(torch_contestant(entry, task, torch))
    check = contest.require_same_parameters(task)
    return contest.contest(contestants, rounds or entry.rounds, lambda contestant: contestant.run_warm(entry.steps), check)


def task_of(entry: Contest, folder: Path) -> Task:
    """The net at its batch, with inputs in place of its data. `folder` is for files that are read at once."""
    example = nets.example(entry.net)
    shapes: dict[str, tuple[int, ...]] = {blob: (entry.batch, *image) for blob, image in example.images.items()}
    data = (layer for layer in example.net.layer if set(layer.top) & shapes.keys())
    shapes |= {blob: (entry.batch,) for layer in data for blob in layer.top if blob not in shapes}  # labels
    return replace(session.prepare(nets.write(entry.net, folder / "net.prototxt"), shapes), name=entry.title)


def torch_contestant(entry: Contest, task: Task, python: Path) -> Runner:
    settings = task.solver.settings
    solver = {"rate": settings.base_lr, "momentum": settings.momentum, "decay": settings.weight_decay}
    told = {"name": task.name, "net": entry.net, "batch": entry.batch, "threads": THREADS, "solver": solver, "seed": 1}
    variables = {"PYTHONPATH": "", "OMP_NUM_THREADS": str(THREADS)}
    return Runner(TORCH, [str(python), str(Path(__file__).with_name("torch_worker.py"))], told, variables)


def run_product(kind: str, devices: Sequence[str], rounds: int | None) -> Result:
    """The forward pass of a layer that is one product: the array's kernels on a device, OpenBLAS's SGEMM in stock Caffe."""
    shape, layer = _PRODUCTS[kind]
    dims = " ".join(f"dim: {size}" for size in shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "product.prototxt"
        path.write_text(
            f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
            f'layer {{ name: "product" bottom: "x" top: "y" {layer} }}\n'
        )
        task = replace(session.prepare(path), name=kind)
    contestants = contest.of_caffe(task, devices)
    return contest.contest(contestants, rounds or 15, _product_seconds, contest.require_same_parameters(task, _SIZE * _SIZE))


def run_batches(entry: Contest, device: str, rounds: int | None) -> tuple[batches.Growth, Result]:
    with tempfile.TemporaryDirectory() as folder:
        tasks = {batch: task_of(replace(entry, batch=batch), Path(folder)) for batch in batches.BATCHES}
    return batches.run(tasks, device, rounds or _BATCH_ROUNDS)


def _product_seconds(contestant: Runner) -> float:
    recorded = contestant.record(_PRODUCT_STEPS)
    products = [span for span in recorded.spans if span.layer == 1 and not span.backward]
    return statistics.median(_product_nanoseconds(contestant, recorded, product) for product in products) / 1e9


def _product_nanoseconds(contestant: Runner, recorded: Recorded, product: Span) -> int:
    if contestant.name == STOCK:
        return product.ended - product.began
    kernels = recorded.commands[product.first : product.last]
    return covered(command for command in kernels if command.name.startswith("multiply"))


# --- what is said --------------------------------------------------------------------------------------------------------------


def sentence(title: str, result: Result) -> str:
    """A line a contestant."""
    lines = [title]
    for name, times in result.seconds.items():
        taken, peak = Spread.of(times), result.peak_bytes[name] / 1e6
        line = f"  {name:12} {taken.median * 1e3:9.2f} ms ({taken.first_quartile * 1e3:.2f} to {taken.third_quartile * 1e3:.2f})"
        line += f"  {peak:7,.0f} MB"
        for other in (STOCK, TORCH):
            if other in result.seconds and name not in (STOCK, TORCH):
                ratio = result.ratio(other, name)
                line += (
                    f"   {other} takes {ratio.median:.2f} times as long ({ratio.first_quartile:.2f} to {ratio.third_quartile:.2f})"
                )
        lines.append(line)
    return "\n".join(lines)


def surroundings() -> dict[str, Any]:
    """Machine, commit and how busy the machine is."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory.group(1)) / 1e6) if memory else None,
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())}, Python {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 2),
        "threads": THREADS,
    }


def _commit() -> str:
    described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"


def _report(found: dict[str, Any]) -> str:
    about = found["surroundings"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB; {about['system']}; load before: {about['load_before']}\n"
        f"{versions}; commit {about['commit']}; {THREADS} threads each\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*(entry.net for entry in CONTESTS), PRODUCT, BATCHES]
    parser.add_argument("--net", action="append", choices=names, help="only this one; may be given several times")
    parser.add_argument("--device", action="append", help="in place of emulator and pocl; may be given several times")
    parser.add_argument("--torch", type=Path, metavar="PYTHON", help="a Python that has PyTorch [build/torch/bin/python]")
    parser.add_argument("--rounds", type=int, help="in place of each net's own number")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", default=ROOT / "docs" / "pictures")
    try:
        _run(parser.parse_args())
    except BaristaError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _run(options: argparse.Namespace) -> None:
    devices = options.device or ["emulator", "pocl"]
    torch = options.torch or (_TORCH_PYTHON if _TORCH_PYTHON.is_file() else None)
    if torch and not torch.is_file():
        raise BaristaError(f"--torch {torch}: no such file; a Python that has PyTorch is expected")
    if torch is None:
        print("PyTorch is left out; to have it: python3 -m venv build/torch && build/torch/bin/pip install torch==2.13.0\n")
    core = contest.use_fastest_kernels()
    print(
        f"stock Caffe multiplies with OpenBLAS's kernels for {core}\n" if core else "stock Caffe has another BLAS than OpenBLAS\n"
    )
    found: dict[str, Any] = {"surroundings": surroundings(), "versions": {}, "contests": {}, "products": {}, "batches": {}}
    results: dict[str, Result] = {}
    for entry in CONTESTS:
        if not options.net or entry.net in options.net:
            title = f"{entry.title}, batch {entry.batch}"
            results[title] = run(entry, devices, torch, options.rounds)
            print(sentence(f"{title}: a step", results[title]), flush=True)
            found["contests"][entry.net] = {"title": entry.title, "batch": entry.batch, **results[title].as_json()}
            found["versions"] |= results[title].versions
    for kind in _PRODUCTS if not options.net or PRODUCT in options.net else ():
        product = run_product(kind, devices, options.rounds)
        rates = {name: 2 * _SIZE**3 / Spread.of(times).median / 1e9 for name, times in product.seconds.items()}
        print(sentence(f"a product of {_SIZE} x {_SIZE} x {_SIZE}, {kind}, forward: the array, or SGEMM", product))
        print("  " + ", ".join(f"{name} {rate:.1f} GFLOP/s" for name, rate in rates.items()), flush=True)
        results[f"{kind}, {_SIZE} x {_SIZE} x {_SIZE}"] = product
        found["products"][kind] = {"size": _SIZE, "gflops": rates, **product.as_json()}
        found["versions"] |= product.versions
    for entry in CONTESTS:
        if entry.net in _GROWING and (not options.net or BATCHES in options.net):
            growth, ran = run_batches(entry, devices[0], options.rounds)
            print(batches.report(entry.title, growth), flush=True)
            found["batches"][entry.net] = {"title": entry.title, **growth.as_json()}
            found["versions"] |= ran.versions
    print(f"\n{_report(found)}", end="")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "steps.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.output / 'steps.json'}")
    if results:
        chart.draw(results, found, options.output / "steps.png")
        print(f"wrote {options.output / 'steps.png'}")
