"""The update on the device: each of Caffe's solvers moves every parameter as stock Caffe does, and nothing crosses for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import small_nets
from processes import python

from barista import paths

# One line a solver: its fields, with the decay, clipping and accumulation that the others leave out.
SOLVERS = {
    "sgd": 'type: "SGD" base_lr: 0.1 momentum: 0.9 weight_decay: 0.01',
    "sgd_l1": 'type: "SGD" base_lr: 0.1 momentum: 0.5 weight_decay: 0.01 regularization_type: "L1"',
    "sgd_clipped": 'type: "SGD" base_lr: 0.1 momentum: 0.9 clip_gradients: 0.3 iter_size: 2',
    "nesterov": 'type: "Nesterov" base_lr: 0.1 momentum: 0.9 weight_decay: 0.01',
    "adagrad": 'type: "AdaGrad" base_lr: 0.05 delta: 1e-6 weight_decay: 0.01',
    "rmsprop": 'type: "RMSProp" base_lr: 0.01 rms_decay: 0.9 delta: 1e-6',
    "adadelta": 'type: "AdaDelta" base_lr: 1 momentum: 0.9 delta: 1e-4 iter_size: 2',
    "adam": 'type: "Adam" base_lr: 0.01 momentum: 0.9 momentum2: 0.99 delta: 1e-6 weight_decay: 0.01 clip_gradients: 0.5',
}
STEPS = 4
# Updates differ by roundings of values below 1, and each of a few steps passes them on.
TOLERANCE = 2e-6

BEGIN = """
import os, sys
os.environ["GLOG_minloglevel"] = "1"
device, folder = sys.argv[1:3]
if device == "stock":
    sys.path.insert(0, sys.argv[3])
else:
    import barista
    plugin = barista.load(device)
import caffe
import numpy as np
def weights(net):
    return {f"{name}_{i}": blob.data.copy() for name, blobs in net.params.items() for i, blob in enumerate(blobs)}
"""
TRAIN = """
for solver_file in sys.argv[4:]:
    solver = caffe.get_solver(solver_file)
    first = weights(solver.net)
    solver.step(%d)
    solver.snapshot()
    np.savez(solver_file + ".npz", **weights(solver.net))
    assert all(np.any(first[name] != value) for name, value in weights(solver.net).items()), "every parameter moves"
"""
RESUME = """
for job in sys.argv[4:]:
    solver_file, state, result = job.split(":")
    solver = caffe.get_solver(solver_file)
    solver.restore(state)
    solver.step(%d)
    np.savez(result, **weights(solver.net))
"""


def run(code: str, where: str, folder: Path, *arguments: str | Path) -> str:
    done = python(BEGIN + code, where, folder, paths.caffe_installation().python_dir, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def solver_file(folder: Path, name: str, on_device: bool) -> Path:
    folder.mkdir(exist_ok=True)
    net = folder / "net.prototxt"
    net.write_text(small_nets.NET.format(prefix="FPGA" if on_device else ""))
    path = folder / f"{name}.prototxt"
    path.write_text(
        f'net: "{net}" {SOLVERS[name]} lr_policy: "fixed" max_iter: 100 display: 0 random_seed: 7 '
        f'snapshot_prefix: "{folder / name}"'
    )
    return path


def loaded(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def difference(a: Path, b: Path) -> float:
    one, other = loaded(a), loaded(b)
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stock Caffe has trained with every solver."""
    folder = tmp_path_factory.mktemp("stock")
    run(TRAIN % STEPS, "stock", folder, *(solver_file(folder, name, False) for name in SOLVERS))
    return folder


def test_every_solver_moves_every_parameter_as_stock_caffe_does(device: str, stock: Path, tmp_path: Path) -> None:
    run(TRAIN % STEPS, device, tmp_path, *(solver_file(tmp_path, name, True) for name in SOLVERS))
    for name in SOLVERS:
        worst = difference(stock / f"{name}.prototxt.npz", tmp_path / f"{name}.prototxt.npz")
        assert worst < TOLERANCE, (name, worst)

    # Stock Caffe goes on from what we left, we from what it left, and both end where it would have.
    jobs = []
    for name in SOLVERS:
        theirs, ours = (folder / f"{name}_iter_{STEPS}.solverstate" for folder in (stock, tmp_path))
        jobs.append((name, theirs, ours))
    for where, folder in (("stock", stock), (device, tmp_path)):
        arguments = []
        for name, theirs, ours in jobs:
            for label, state in (("theirs", theirs), ("ours", ours)):
                arguments.append(f"{folder / name}.prototxt:{state}:{tmp_path / f'{where}-{name}-{label}.npz'}")
        run(RESUME % STEPS, where, folder, *arguments)
    for name in SOLVERS:
        expected = tmp_path / f"stock-{name}-theirs.npz"
        for resumed in (f"stock-{name}-ours.npz", f"{device}-{name}-theirs.npz", f"{device}-{name}-ours.npz"):
            assert difference(expected, tmp_path / resumed) < 2 * TOLERANCE, resumed


def test_a_steady_step_copies_data_in_and_the_loss_out(device: str, tmp_path: Path) -> None:
    """With Adam, which keeps two histories, and clipping, which needs the norm of all gradients."""
    net = tmp_path / "net.prototxt"
    net.write_text(small_nets.NET.format(prefix="FPGA").replace('type: "SoftmaxWithLoss"', 'type: "FPGASoftmaxWithLoss"'))
    solver = tmp_path / "solver.prototxt"
    solver.write_text(f'net: "{net}" {SOLVERS["adam"]} lr_policy: "fixed" max_iter: 100 display: 0')
    code = """
import json
solver = caffe.get_solver(sys.argv[4])
solver.step(3)
before = plugin.counters()
solver.step(10)
print(json.dumps({name: value - before[name] for name, value in plugin.counters().items()}))
"""
    counted = json.loads(run(code, device, tmp_path, solver))
    data_bytes = 4 * 5 * 2 * 9 * 8 + 4 * 5
    # DummyData draws new pictures for every batch, and makes the labels once.
    assert counted["buffers_created"] == 0
    assert counted["downloads"] == counted["waits"] == 10
    assert counted["download_bytes"] == 10 * 4
    assert counted["uploads"] <= 2 * 10
    assert counted["upload_bytes"] <= 10 * data_bytes


def test_a_parameter_of_a_layer_on_the_cpu_is_moved_there(device: str, tmp_path: Path) -> None:
    """An inner product stays on the CPU, and clipping needs the norm over both places."""
    weights = {}
    for where in ("stock", device):
        folder = tmp_path / where
        path = solver_file(folder, "sgd_clipped", on_device=where != "stock")
        net = folder / "net.prototxt"
        net.write_text(net.read_text().replace("FPGAInnerProduct", "InnerProduct"))
        run(TRAIN % STEPS, where, folder, path)
        weights[where] = folder / "sgd_clipped.prototxt.npz"
    assert difference(weights["stock"], weights[device]) < TOLERANCE
