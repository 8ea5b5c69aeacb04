"""NumPy views that a script keeps, as most scripts do: what they see and what is written through them is as in stock pycaffe."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import small_nets
from processes import ROOT, barista, python, run

from barista import paths

# `seen` takes what a script looks at. Weights and data are the same on both sides.
BEGIN = """
import sys, threading
import numpy as np
from barista.runtime import plugin
device, solver_file, answer = sys.argv[1:4]
if device == "stock":
    caffe = plugin.load_stock_caffe()
else:
    loaded = plugin.load(device)
    caffe = loaded.caffe
caffe.set_random_seed(1)
seen = []
def see(*arrays):
    seen.extend(np.array(array) for array in arrays)
def fill(net):
    rng = np.random.default_rng(1)
    for layer in net.params.values():
        for blob in layer:
            blob.data[...] = rng.normal(size=blob.data.shape) / 4
def pictures(number, shape):
    return np.random.default_rng(number).normal(size=shape)
def net_for_testing():
    net = caffe.Net(solver_file.replace("solver", "net"), caffe.TEST)
    fill(net)
    return net
def solver():
    made = caffe.SGDSolver(solver_file)
    fill(made.net)
    return made
"""
END = "\nnp.savez(answer, *seen)\n"

SCRIPTS = {
    "data and output": """
    net = net_for_testing()
    x, p = net.blobs['data'].data, net.blobs['ip1'].data
    for number in range(3):
        x[...] = pictures(number, x.shape)
        net.forward(start='conv1')
        see(p)
    """,
    "the blobs that forward gave back": """
    net = net_for_testing()
    x = net.blobs['data'].data
    given = net.forward(blobs=['conv1', 'ip1'])
    for number in range(3):
        x[...] = pictures(number, x.shape)
        net.forward(start='conv1')
        see(*(given[name] for name in sorted(given)))
    """,
    "parameters": """
    net = net_for_testing()
    w, b = (blob.data for blob in net.params['conv1'])
    for number in range(3):
        net.forward(start='conv1')
        see(net.blobs['conv1'].data)
        w *= 1.5
        b[...] = number
    """,
    "views of views": """
    net = net_for_testing()
    first = net.blobs['data'].data[0]
    row = first[0, 2].ravel()
    flat = net.blobs['ip1'].data.reshape(-1)[3:].T
    channel = memoryview(net.blobs['conv1'].data[:, 1])
    del first
    for number in range(3):
        row[...] = number + 1
        net.forward(start='conv1')
        see(flat, channel)
    """,
    "gradients": """
    net = solver().net
    g, top, bottom = net.params['ip1'][0].diff, net.blobs['ip1'].diff, net.blobs['pool2'].diff
    net.forward()
    for number in range(3):
        top[...] = pictures(number, top.shape)
        net.backward(start='ip1')
        see(g, bottom, net.params['conv1'][1].diff)
        g /= 2
    net.clear_param_diffs()
    see(g)
    """,
    "over steps": """
    it = solver()
    w, g = it.net.params['ip1'][0].data, it.net.params['ip1'][0].diff
    b, loss = it.net.params['conv1'][1].data, it.net.blobs['loss'].data
    for number in range(4):
        it.step(number)
        see(w, b, loss, g)
        b += 0.125
        w[0] = 0
    """,
    "taken apart": """
    it = solver()
    views = [part for layer in it.net.params.values() for blob in layer for part in (blob.data, blob.diff)]
    for _ in range(3):
        it.net.clear_param_diffs()
        it.net.forward()
        it.net.backward()
        see(*views)
        views[1][...] *= 0.5
        it.apply_update()
        see(*views)
    """,
    "parts of a pass": """
    net = net_for_testing()
    conv, pool, ip = (net.blobs[name].data for name in ('conv1', 'pool1', 'ip1'))
    net.forward()
    for number in range(3):
        net.forward(start='conv1', end='relu1')
        conv[:, number] = 2
        net.forward(start='pool1', end='pool1')
        see(conv, pool)
        pool[number] = 1
        net.forward(start='pool2')
        see(ip)
    """,
    "a smaller batch and the first again": """
    net = net_for_testing()
    x, p = net.blobs['data'].data, net.blobs['ip1'].data
    for images in (2, 5, 3):
        net.blobs['data'].reshape(images, *x.shape[1:])
        net.blobs['label'].reshape(images)
        net.reshape()
        x[:images] = pictures(images, (images, *x.shape[1:]))
        net.forward(start='conv1')
        see(p[:images], net.blobs['ip1'].data)
    """,
    "nets that share parameters": """
    first, second = net_for_testing(), net_for_testing()
    second.share_with(first)
    w, p = first.params['ip1'][0].data, second.blobs['ip1'].data
    for number in range(3):
        w[number] = number
        second.forward(start='conv1')
        see(p)
    """,
    "saved, and read again": """
    net = net_for_testing()
    b = net.params['ip1'][1].data
    net.forward()
    b[...] = 7
    net.save(answer + '.caffemodel')
    b[...] = 1
    net.forward()
    net.copy_from(answer + '.caffemodel')
    see(b)
    net.forward(start='conv1')
    see(b, net.blobs['ip1'].data)
    """,
    "in a thread": """
    net = net_for_testing()
    x, p = net.blobs['data'].data, net.blobs['ip1'].data
    def work(number):
        x[...] = pictures(number, x.shape)
        net.forward(start='conv1')
    for number in range(3):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        thread.join()
        see(p)
        x[...] = 0
        net.forward(start='conv1')
        see(p)
    """,
    "in calls back": """
    it = solver()
    b, conv = it.net.params['conv1'][1].data, it.net.blobs['conv1'].data
    g, ip = it.net.params['ip1'][1].diff, it.net.blobs['ip1'].data
    it.net.before_forward(lambda layer: see(conv, ip))
    it.net.after_backward(lambda layer: see(g))
    def start():
        b[...] += 0.5
    def ready():
        see(g)
        g[...] = 1
    it.add_callback(start, ready)
    it.step(2)
    see(b, it.net.params['ip1'][1].data)
    """,
    "longer than its net": """
    net = net_for_testing()
    net.forward(start='conv1')
    p = net.blobs['ip1'].data
    row = p[1]
    see(p)
    del net
    net = net_for_testing()
    net.forward(start='conv1')
    see(row)
    """,
}


def seen(code: str, device: str, folder: Path, before: str = "") -> list[np.ndarray]:
    """What `code` saw on `device`, or in stock Caffe."""
    side = folder / device
    solver, _ = small_nets.write(side, on_device=device != "stock")
    done = python(before + BEGIN + dedent(code) + END, device, solver, side / "seen.npz")
    assert done.returncode == 0, done.stderr
    with np.load(side / "seen.npz") as arrays:
        return [arrays[name] for name in arrays]


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    assert len(ours) == len(theirs) > 0
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5, err_msg=f"look {number}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_kept_view_is_the_memory_itself(device: str, tmp_path: Path, script: str) -> None:
    assert_same(seen(SCRIPTS[script], device, tmp_path), seen(SCRIPTS[script], "stock", tmp_path))


KEEPER = """
layer { name: "keep" type: "Python" bottom: "pool1" top: "kept" python_param { module: "coherence_layer" layer: "Keep" } }
"""


def shell(*lines: str) -> None:
    """Runs them where pycaffe, and the modules of this environment, are found by any Python."""
    search = [str(paths.caffe_installation().python_dir), sysconfig.get_path("purelib"), str(ROOT / "tests" / "support")]
    done = run(["sh", "-ec", "\n".join([f"export PYTHONPATH='{':'.join(search)}'", *lines])])
    assert done.returncode == 0, done.stderr


def preloading(device: str) -> str:
    return f'eval "$("{sys.executable}" -m barista env --device {device})"'


def test_views_count_in_a_script_that_was_started_after_barista_env(device: str, tmp_path: Path) -> None:
    code, script, answer = SCRIPTS["over steps"], tmp_path / "script.py", tmp_path / "seen.npz"
    solver, _ = small_nets.write(tmp_path / "preloaded", on_device=True)
    script.write_text(BEGIN.replace("plugin.load_stock_caffe()", "__import__('caffe')") + dedent(code) + END)
    shell(preloading(device), f'"{sys.executable}" "{script}" stock "{solver}" "{answer}"')
    with np.load(answer) as arrays:
        assert_same([arrays[name] for name in arrays], seen(code, "stock", tmp_path))


def write_with_keeper(folder: Path, on_device: bool) -> tuple[Path, Path]:
    solver, weights = small_nets.write(folder, on_device)
    net = solver.with_name("net.prototxt")
    text = net.read_text().replace('bottom: "pool1" top: "pool2"', 'bottom: "kept" top: "pool2"')
    net.write_text(text.replace('layer { name: "pool2"', KEEPER + 'layer { name: "pool2"'))
    return solver, weights


@pytest.mark.parametrize("tool", ["barista train", "the stock tool"])
def test_a_layer_in_python_may_keep_its_views(device: str, tmp_path: Path, tool: str) -> None:
    caffe = paths.caffe_installation().binary
    solver, expected = write_with_keeper(tmp_path / "stock", on_device=False)
    shell(f'"{caffe}" train -solver "{solver}"')
    solver, found = write_with_keeper(tmp_path / "device", on_device=tool != "barista train")
    if tool == "barista train":
        assert barista("train", solver, "--device", device).returncode == 0
    else:
        shell(preloading(device), f'"{caffe}" train -solver "{solver}"')
    for name, values in small_nets.weights(expected).items():
        assert small_nets.weights(found)[name] == pytest.approx(values, rel=1e-3, abs=1e-4), name


def test_a_view_outlives_the_memory_of_a_blob_that_grew(device: str, tmp_path: Path) -> None:
    """In stock Caffe it would be a view of memory that is gone."""
    code = """
    net = net_for_testing()
    x = net.blobs['data'].data
    x[...] = 3
    net.forward(start='conv1')
    for blob in ('data', 'label'):
        net.blobs[blob].reshape(500, *net.blobs[blob].data.shape[1:])
    net.reshape()
    net.blobs['data'].data[...] = 4
    net.forward(start='conv1')
    see(x)
    """
    (view,) = seen(code, device, tmp_path)
    assert (view == 3).all()


def test_views_cost_what_they_must_and_nothing_once_they_are_gone(device: str, tmp_path: Path) -> None:
    code = """
    it = solver()
    def counted():
        before = loaded.counters()
        it.step(5)
        after = loaded.counters()
        see([after[name] - before[name] for name in ('uploads', 'downloads', 'waits')])
    it.step(1)
    counted()
    x, w = it.net.blobs['pool2'].data, it.net.params['ip1'][0].data
    counted()
    del x, w
    it.step(1)
    counted()
    """
    without, living, gone = (list(counts) for counts in seen(code, device, tmp_path))
    assert gone == without
    # One parameter in, and one blob and one parameter out, in a call of five steps; what the device overwrites is not copied in.
    assert [living[i] - without[i] for i in range(3)] == [1, 2, 2]
