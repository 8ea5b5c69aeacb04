"""`barista.load()`, and plain pycaffe after it: right values both ways, and a sentence where load() comes too late."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
import small_nets
from processes import Result, python

BEGIN = """
import sys
import numpy as np
import barista
plugin = barista.load(sys.argv[1])
import caffe
"""


def script(code: str, device: str, *arguments: str | Path) -> str:
    """Runs `code` after load(); what it printed. Barista and Caffe themselves print nothing."""
    done = python(BEGIN + code, device, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def failure(code: str, **variables: str) -> str:
    done = python(
        f"import barista\nfrom barista.errors import BaristaError\ntry:\n{code}\nexcept BaristaError as e:\n    print(e)",
        **variables,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_load_brings_the_layers_and_a_live_hook(device: str) -> None:
    printed = script("print(plugin.hook_is_live, *caffe.layer_type_list())", device)
    live, *types = printed.split()
    assert live == "True"
    assert {"FPGAConvolution", "FPGAInnerProduct", "FPGAPooling", "FPGAReLU"} <= set(types)


def test_loading_again_is_harmless(device: str) -> None:
    again = (
        "barista.load(), barista.load(sys.argv[1]), barista.load(bitstream='emulator'), barista.load(None, plugin.bitstream.path)"
    )
    assert script(f"print({{p is plugin for p in ({again})}})", device) == "{True}\n"


def test_a_process_that_trains_without_pycaffe_imports_no_numpy(device: str) -> None:
    load = "import sys; from barista.runtime import plugin; plugin.load(sys.argv[1], pycaffe=False)"
    assert python(f"{load}; print({{'caffe', 'numpy'}} & {{*sys.modules}})", device).stdout == "set()\n"


def test_partial_forward_sees_what_was_written(device: str, tmp_path: Path) -> None:
    """net.forward(end=...), blobs and parameters written through NumPy, against the same sum in NumPy."""
    solver, _ = small_nets.write(tmp_path, on_device=True)
    code = """
    net = caffe.Net(sys.argv[2], caffe.TRAIN)
    rng = np.random.default_rng(1)
    x = rng.integers(-3, 4, net.blobs['data'].data.shape)
    w = rng.integers(-3, 4, net.params['conv1'][0].data.shape)
    b = rng.integers(-3, 4, net.params['conv1'][1].data.shape)
    net.blobs['data'].data[...] = x
    net.params['conv1'][0].data[...] = w
    net.params['conv1'][1].data[...] = b
    net.forward(start='conv1', end='conv1')
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    N, OC, P, Q = net.blobs['conv1'].data.shape
    expected = np.zeros((N, OC, P, Q))
    for o in range(OC):
        for p in range(P):
            for q in range(Q):
                g = o // 3
                window = padded[:, g:g + 1, 2 * p:2 * p + 3, 2 * q:2 * q + 3]
                expected[:, o, p, q] = (window * w[o]).sum(axis=(1, 2, 3)) + b[o]
    assert np.array_equal(net.blobs['conv1'].data, expected)
    # Written a second time: the device must not go on with what it had.
    net.params['conv1'][0].data[...] = 0
    net.blobs['data'].data[...] = 7
    net.forward(start='conv1', end='conv1')
    assert np.array_equal(net.blobs['conv1'].data, np.broadcast_to(b[:, None, None], (N, OC, P, Q)))
    print('as expected')
    """
    assert script(dedent(code), device, solver.with_name("net.prototxt")) == "as expected\n"


def test_gradients_are_right_both_ways(device: str, tmp_path: Path) -> None:
    """params[...].diff is read after backward, written before it, where it accumulates, and cleared."""
    solver, _ = small_nets.write(tmp_path, on_device=True)
    code = """
    net = caffe.Net(sys.argv[2], caffe.TRAIN)
    rng = np.random.default_rng(1)
    top = net.blobs['ip1']
    x = rng.integers(-3, 4, net.blobs['pool2'].data.shape)
    dy = rng.integers(-3, 4, top.data.shape)
    w = rng.integers(-3, 4, net.params['ip1'][0].data.shape)
    net.params['ip1'][0].data[...] = w
    net.blobs['pool2'].data[...] = x
    net.forward(start='ip1', end='ip1')
    flat = x.reshape(len(x), -1)
    assert np.array_equal(top.data, flat @ w.T + net.params['ip1'][1].data)
    net.clear_param_diffs()
    for times in (1, 2):
        top.diff[...] = dy
        net.backward(start='ip1', end='ip1')
        assert np.array_equal(net.params['ip1'][0].diff, times * (dy.T @ flat)), times
        assert np.array_equal(net.params['ip1'][1].diff, times * dy.sum(axis=0)), times
        assert np.array_equal(net.blobs['pool2'].diff.reshape(flat.shape), dy @ w), times
    net.params['ip1'][0].diff[...] = 5
    net.backward(start='ip1', end='ip1')
    assert np.array_equal(net.params['ip1'][0].diff, 5 + dy.T @ flat)
    net.clear_param_diffs()
    assert not net.params['ip1'][0].diff.any()
    print('as expected')
    """
    assert script(dedent(code), device, solver.with_name("net.prototxt")) == "as expected\n"


@pytest.mark.parametrize("make", ["caffe.SGDSolver(sys.argv[2])", "caffe.get_solver(sys.argv[2])"])
def test_both_doors_to_a_solver_train(device: str, tmp_path: Path, make: str) -> None:
    solver, weights = small_nets.write(tmp_path, on_device=True)
    code = f"""
    solver = {make}
    solver.step(1)
    first = float(solver.net.blobs['loss'].data)
    solver.step(19)
    print(first, float(solver.net.blobs['loss'].data), solver.iter)
    solver.net.save(sys.argv[3])
    """
    first, last, iterations = script(dedent(code), device, solver, weights).split()
    assert iterations == "20"
    assert float(last) < 0.5 * float(first)
    assert set(small_nets.weights(weights)) == {"conv1/0", "conv1/1", "ip1/0", "ip1/1"}


def test_caffe_s_log_is_quiet_unless_the_user_wants_it(device: str, tmp_path: Path) -> None:
    solver, _ = small_nets.write(tmp_path, on_device=True)
    code = BEGIN + "caffe.Net(sys.argv[2], caffe.TRAIN)"
    loud: Result = python(code, device, solver.with_name("net.prototxt"), GLOG_minloglevel="0")
    assert "Creating Layer conv1" in loud.stderr


def test_caffe_scripts_do_not_shadow_modules_of_the_user(device: str) -> None:
    """Beside pycaffe lie train.py, detect.py and others; the user's own folders come first."""
    assert (
        script("print(sys.path.index(str(plugin.caffe.__path__[0]).rpartition('/')[0]) == len(sys.path) - 1)", device) == "True\n"
    )


def test_load_after_caffe_is_one_sentence() -> None:
    """Loaded second, the plugin's memory would silently never be used."""
    code = """
    import sys
    from barista import paths
    sys.path.insert(0, str(paths.caffe_installation().python_dir))
    import caffe
    """
    assert failure(indent(dedent(code), "    ") + "    barista.load()") == (
        "caffe was imported before barista.load(): call barista.load() first, it imports caffe itself"
    )


def test_another_device_in_the_same_process_is_one_sentence() -> None:
    said = failure("    barista.load('pocl')\n    barista.load('emulator')")
    assert said.startswith("Barista runs on ")
    assert said.endswith("takes another process")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("barista.load('nowhere')", "no OpenCL device nowhere"),
        ("barista.load(bitstream='nowhere')", "no recipe nowhere"),
        ("barista.load(bitstream='/nowhere/x.aocx')", "bitstream /nowhere/x.aocx: /nowhere/x.aocx is missing"),
    ],
)
def test_what_is_not_there_is_one_sentence(code: str, said: str) -> None:
    assert failure(f"    {code}").startswith(said)


def test_no_plugin_or_caffe_is_one_sentence(tmp_path: Path) -> None:
    assert "not built" in failure("    barista.load()", BARISTA_PLUGIN=str(tmp_path / "libbarista.so"))
    assert "no such folder" in failure("    barista.load()", CAFFE_ROOT=str(tmp_path / "caffe"))
