"""Acts as a pycaffe script does, with stock Caffe or on a device: `python -m conformance.scripts_worker [DEVICE]`.

Its standard input is one line, {"seed", "first", "episodes", "actions", "show"}; standard output one line an action,
{"action": a sentence, "seen": a digest of what it looked at, "exact": whether all sums are still exact}, and {"episode": number}
before each episode's first. What an action does depends on seed and episode alone, never on what was seen: two workers do the same.

Data and weights are small whole numbers, most of them 0, some NaN or infinite: no order of a sum can differ, and every difference
is one of Barista's.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from barista.runtime import plugin
from barista.runtime.process import Answer

SIDE, CLASSES, IMAGES = 6, 4, (1, 2, 4)
NET = """
name: "scripts"
layer { name: "data" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 2 dim: 2 dim: 6 dim: 6 } shape { dim: 2 dim: 4 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: POOL kernel_size: 2 stride: 2 } }
layer { name: "bias1" type: "Bias" bottom: "pool1" top: "bias1" bias_param { axis: 1 num_axes: 1 } }
layer { name: "conv2" type: "Convolution" bottom: "bias1" top: "conv2"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 bias_term: false } }
layer { name: "doubled" type: "Python" bottom: "conv2" top: "doubled" python_param { module: "coherence_layer" layer: "Keep" } }
layer { name: "sum" type: "Eltwise" bottom: "pool1" bottom: "doubled" top: "sum"
  eltwise_param { operation: SUM coeff: 1 coeff: -1 } }
layer { name: "relu2" type: "ReLU" bottom: "sum" top: "relu2" relu_param { negative_slope: 0.5 } }
layer { name: "pool2" type: "Pooling" bottom: "relu2" top: "pool2" pooling_param { pool: AVE kernel_size: 2 stride: 1 } }
layer { name: "cut" type: "Slice" bottom: "pool2" top: "left" top: "right" slice_param { axis: 1 slice_point: 1 } }
layer { name: "turned" type: "Concat" bottom: "right" bottom: "left" top: "turned" }
layer { name: "scale1" SCALED bottom: "turned" top: "scaled" }
layer { name: "ip1" type: "InnerProduct" bottom: "scaled" top: "ip1" inner_product_param { num_output: 4 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 4 } }
layer { name: "most" type: "Eltwise" bottom: "ip2" bottom: "ip1" top: "most" eltwise_param { operation: MAX } }
layer { name: "ip3" type: "InnerProduct" bottom: "most" top: "ip3" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 4 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip3" bottom: "label" top: "loss" loss_weight: 2 }
"""
SOLVER = """
net: "NET" base_lr: 1 lr_policy: "fixed" momentum: MOMENTUM type: "TYPE" max_iter: 1000000
test_iter: 1 test_interval: 1000000 test_initialization: false snapshot_prefix: "PREFIX" random_seed: 1
"""
SOLVERS = (("SGD", 0), ("SGD", 0.5), ("Nesterov", 0.5))
# Numbers that are none are for nets in which all of stock Caffe's own are defined: of a window of which nothing is a number there
# is no maximum, and the backward pass writes outside its memory; 0 times NaN is 0 to some releases of OpenBLAS, where the 0 is a
# channel's scale. And they stay behind the convolutions, of which docs/pe-array.md says what the array makes of them.
NETS = {
    "numbers": {"POOL": "MAX", "SCALED": 'type: "Scale" scale_param { bias_term: true }'},
    "not only": {"POOL": "AVE", "SCALED": 'type: "Power" power_param { scale: -2 shift: 1 }'},
}
POISONED = ("relu2", "pool2", "left", "right", "turned", "scaled", "ip1", "ip2", "most", "ip3", "label")


def main() -> None:
    answer = Answer()
    device = sys.argv[1] if len(sys.argv) > 1 else None
    task = json.loads(sys.stdin.readline())
    # Where Caffe finds the layers in Python.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    os.environ.update(GLOG_minloglevel="2")
    if device is not None:
        loaded = plugin.load(device)
        loaded.library.report_fatal_to(answer.fileno())
        caffe = loaded.caffe
    else:
        caffe = plugin.load_stock_caffe()
    with tempfile.TemporaryDirectory(prefix="barista-scripts-") as folder:
        os.chdir(folder)
        _write_files(device is not None)
        for episode in range(task["first"], task["first"] + task["episodes"]):
            answer.tell(episode=episode)
            script = Script(caffe, np.random.default_rng((task["seed"], episode)))
            for number in range(task["actions"]):
                done, exact = script.act(last=number + 1 == task["actions"]), device is not None or script.is_exact()
                answer.tell(action=done, seen=script.digest(), exact=exact)
                if task["show"]:
                    print(episode, number, done, *script.shown, sep="\n", file=sys.stderr)
                if not exact:
                    break


def _write_files(on_device: bool) -> None:
    for net, words in NETS.items():
        text = NET
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        if on_device:
            from barista.net import prototxt
            from barista.rewrite import placement

            text = prototxt.to_text(placement.place(prototxt.parse(text, prototxt.Kind.NET, "net")).net)
        Path(f"{net}.prototxt").write_text(text)
        for number, (kind, momentum) in enumerate(SOLVERS):
            filled = SOLVER.replace("TYPE", kind).replace("MOMENTUM", str(momentum)).replace("PREFIX", f"state{number}")
            Path(f"{net}{number}.prototxt").write_text(filled.replace("NET", f"{net}.prototxt"))


class Script:
    """Two solvers with their nets, a net for itself, views that are kept, and what a script does to all of them."""

    def __init__(self, caffe: Any, draw: np.random.Generator) -> None:
        self._caffe, self._draw = caffe, draw
        self._file = self._one(tuple(NETS))
        chosen = draw.choice(len(SOLVERS), 2, replace=False)
        self._solvers = [caffe.get_solver(f"{self._file}{number}.prototxt") for number in chosen]
        self._prefixes = [f"state{number}" for number in chosen]
        self._nets = [net for solver in self._solvers for net in (solver.net, solver.test_nets[0])]
        self._nets.append(caffe.Net(f"{self._file}.prototxt", caffe.TEST))
        self._room = [2] * len(self._nets)  # images that each net's blobs have memory for
        self._views: list[tuple[int, str, np.ndarray]] = []  # of which net, and of a "blob" or of a "parameter"
        self._saved: list[str] = []
        self._seen = hashlib.sha256()
        self.shown: list[np.ndarray] = []
        for net in range(len(self._nets)):
            for _, blob in self._parameters(net):
                self._fill(blob.data)
            self._fill(self._nets[net].blobs["data"].data)
            self._nets[net].forward()
        work = (self.forward, self.forward, self.forward, self.backward, self.backward, self.step, self.update, self.clear)
        views = (self.keep, self.keep, self.look, self.look, self.look, self.write, self.write, self.write, self.drop)
        blobs = (
            self.read,
            self.read,
            self.read_all_parameters,
            self.overwrite,
            self.overwrite,
            self.poke,
            self.fold,
            self.fold,
            self.fold,
        )
        rare = (
            self.reshape,
            self.share,
            self.save,
            self.load,
            self.snapshot,
            self.restore,
            self.operate,
            self.renew,
            *3 * (self.poison,),
        )
        self._choices = (work, work, views, views, blobs, blobs, rare)

    def act(self, last: bool) -> str:
        """Does one thing; what that was. The last thing is to look at everything."""
        self._seen, self.shown = hashlib.sha256(), []
        if last:
            return self.look_at_everything()
        choices = self._one(self._choices)
        action: Callable[[], str] = self._one(choices)
        return f"{action.__name__} {action()}"

    def digest(self) -> str:
        """Of what the last action looked at: every NaN is one, and so are 0 and -0."""
        return self._seen.hexdigest()[:16]

    def is_exact(self) -> bool:
        """Whether all finite values are so far from where float rounds that a sum of them is the same in any order."""
        nets = [net.blobs for net in self._nets]
        blobs = [*(blob for net in nets for blob in net.values()), *(p for n in range(len(nets)) for _, p in self._parameters(n))]
        return all(_far_from_rounding(values) for blob in blobs for values in (blob.data, blob.diff)) and all(
            _far_from_rounding(np.square(net["ip3"].data - net["label"].data, dtype=np.float64)) for net in nets
        )

    # --- drawing -------------------------------------------------------------------------------------------------------------

    def _one(self, choices: Any) -> Any:
        return choices[int(self._draw.integers(len(choices)))]

    def _net(self) -> int:
        return int(self._draw.integers(len(self._nets)))

    def _parameters(self, net: int) -> list[tuple[str, Any]]:
        return [(f"{name}/{i}", blob) for name, blobs in self._nets[net].params.items() for i, blob in enumerate(blobs)]

    def _place(self) -> tuple[str, int, str, np.ndarray]:
        """Any array of any net, asked for anew."""
        net, part = self._net(), self._one(("data", "data", "diff"))
        kind = self._one(("blob", "blob", "parameter"))
        name, blob = self._one(list(self._nets[net].blobs.items()) if kind == "blob" else self._parameters(net))
        if name == "loss":
            part = "data"  # the gradient is the loss's weight: 0 times NaN is 0 to some releases of OpenBLAS
        return f"net {net} {name}.{part}", net, kind, getattr(blob, part)

    def _fill(self, values: np.ndarray) -> None:
        values[...] = self._draw.choice([-1, 0, 1], values.shape, p=[0.1, 0.8, 0.1])

    def _see(self, values: Any) -> None:
        array = np.array(values, np.float32)
        array[np.isnan(array)] = np.nan
        array += np.float32(0)
        self.shown.append(array)
        self._seen.update(str(array.shape).encode() + array.tobytes())

    def _let_go(self, net: int, kind: str) -> None:
        """Of views whose memory stock Caffe is about to free."""
        self._views = [view for view in self._views if view[0] != net or view[1] != kind]

    # --- a net's work ----------------------------------------------------------------------------------------------------------

    def forward(self) -> str:
        net = self._net()
        names = list(self._nets[net]._layer_names)
        start, end = sorted(int(n) for n in self._draw.integers(len(names), size=2))
        span = self._one(((None, None), (None, end), (start, end), (start, None)))
        first, last = (None if n is None else names[n] for n in span)
        for _, view in sorted(self._nets[net].forward(start=first, end=last).items()):
            self._see(view)
        return f"net {net} from {first} to {last}"

    def backward(self) -> str:
        net = self._one((0, 2))
        names = list(self._nets[net]._layer_names)
        low, high = sorted(int(n) for n in self._draw.integers(len(names), size=2))
        span = self._one(((None, None), (None, low), (high, low)))
        first, last = (None if n is None else names[n] for n in span)
        self._nets[net].backward(start=first, end=last)
        return f"net {net} from {first} to {last}"

    def step(self) -> str:
        solver, count = int(self._draw.integers(2)), int(self._draw.integers(1, 3))
        self._solvers[solver].step(count)
        return f"solver {solver}, {count} times"

    def update(self) -> str:
        solver = int(self._draw.integers(2))
        self._solvers[solver].apply_update()
        return f"solver {solver}"

    def clear(self) -> str:
        net = self._one((0, 2))
        self._nets[net].clear_param_diffs()
        return f"net {net}"

    # --- views that are kept -----------------------------------------------------------------------------------------------------

    def keep(self) -> str:
        name, net, kind, view = self._place()
        form = self._one(("whole", "whole", "first", "flat", "every second", "turned"))
        view = np.atleast_1d(view)  # a loss has no axes
        forms = {"whole": view, "first": view[:1], "flat": view.reshape(-1), "every second": view[..., ::2], "turned": view.T}
        self._views = [*self._views[-11:], (net, kind, forms[form])]
        return f"{name}, {form}"

    def look(self) -> str:
        for _, _, view in self._views:
            self._see(view)
        return f"at {len(self._views)} views"

    def write(self) -> str:
        if not self._views:
            return "nothing"
        number = int(self._draw.integers(len(self._views)))
        view, how = self._views[number][2], self._one(("fill", "add", "one"))
        if how == "fill":
            self._fill(view)
        elif how == "add":
            view += 1
        elif view.size:
            view.flat[int(self._draw.integers(view.size))] = self._draw.integers(-2, 3)
        return f"{how} through view {number}"

    def drop(self) -> str:
        number = int(self._draw.integers(len(self._views) + 1))
        del self._views[number:]
        return f"views from {number}"

    # --- blobs and parameters asked for anew ---------------------------------------------------------------------------------

    def read(self) -> str:
        name, _, _, values = self._place()
        self._see(values)
        return name

    def read_all_parameters(self) -> str:
        net, part = self._net(), self._one(("data", "diff"))
        for _, blob in self._parameters(net):
            self._see(getattr(blob, part))
        return f"net {net} {part}"

    def overwrite(self) -> str:
        name, _, _, values = self._place()
        self._fill(values)
        return name

    def poke(self) -> str:
        name, _, _, values = self._place()
        values.flat[int(self._draw.integers(max(1, values.size)))] = self._draw.integers(-2, 3)
        return name

    def poison(self) -> str:
        """A number that is none."""
        name, _, _, values = self._place()
        if self._file == "numbers" or not name.split(" ")[2].startswith(POISONED):
            return "nothing"
        value = self._one((np.nan, np.nan, np.inf, -np.inf))
        values.flat[int(self._draw.integers(max(1, values.size)))] = value
        return f"{name} with {value}"

    def fold(self) -> str:
        """Brings a net back to small whole numbers: everything stays exact for longer."""
        net = self._net()
        for _, blob in self._parameters(net):
            for values in (blob.data, blob.diff):
                remainder = np.mod(np.floor(np.nan_to_num(values, nan=0, posinf=0, neginf=0)), 9)
                values[...] = (remainder == 1).astype(np.float32) - (remainder == 8)
        for name, blob in self._nets[net].blobs.items():
            self._fill(blob.data)
            if name != "loss":
                blob.diff[...] = 0
        return f"net {net}"

    # --- what a script does now and then ------------------------------------------------------------------------------------------

    def reshape(self) -> str:
        net, images = self._net(), self._one(IMAGES)
        if images > self._room[net]:
            self._let_go(net, "blob")
            self._room[net] = images
        it = self._nets[net]
        it.blobs["data"].reshape(images, 2, SIDE, SIDE)
        it.blobs["label"].reshape(images, CLASSES)
        if self._draw.random() < 0.5:
            it.reshape()
        for blob in ("data", "label"):
            self._fill(it.blobs[blob].data)
        it.forward()
        return f"net {net} for {images} images"

    def share(self) -> str:
        net, other = self._one((1, 3, 4)), self._one((0, 2))
        self._let_go(net, "parameter")
        self._nets[net].share_with(self._nets[other])
        return f"net {net} with net {other}"

    def save(self) -> str:
        net, file = self._net(), f"saved{len(self._saved) % 3}.{self._one(('caffemodel', 'h5'))}"
        (self._nets[net].save_hdf5 if file.endswith(".h5") else self._nets[net].save)(file)
        if file not in self._saved:
            self._saved.append(file)
        return f"net {net} to {file}"

    def load(self) -> str:
        if not self._saved:
            return "nothing"
        net, file = self._net(), self._one(self._saved)
        (self._nets[net].load_hdf5 if file.endswith(".h5") else self._nets[net].copy_from)(file)
        return f"net {net} from {file}"

    def snapshot(self) -> str:
        solver = int(self._draw.integers(2))
        self._solvers[solver].snapshot()
        return f"solver {solver}"

    def restore(self) -> str:
        """From the snapshot of the iteration that it is at."""
        solver = int(self._draw.integers(2))
        self._solvers[solver].snapshot()
        self._solvers[solver].restore(f"{self._prefixes[solver]}_iter_{self._solvers[solver].iter}.solverstate")
        return f"solver {solver}"

    def operate(self) -> str:
        """Net surgery: the parameters of one layer into another's, of whatever shape."""
        net, other = self._net(), self._net()
        name, values = self._one(self._parameters(net))
        taken, source = self._one(self._parameters(other))
        values.data.flat = np.resize(source.data.flat, values.data.size)
        return f"net {net} {name} from net {other} {taken}"

    def renew(self) -> str:
        """The net for itself, from its file; views of the old one live on."""
        self._nets[4] = self._caffe.Net(f"{self._file}.prototxt", self._caffe.TEST)
        self._views = [(-1 if net == 4 else net, kind, view) for net, kind, view in self._views]
        self._room[4] = 2
        for _, blob in self._parameters(4):
            self._fill(blob.data)
        self._nets[4].forward()  # before it, the blobs of one that Caffe splits have memory that this takes from them
        return "net 4"

    def look_at_everything(self) -> str:
        for _, _, view in self._views:
            self._see(view)
        for net in range(len(self._nets)):
            for _, blob in (*self._nets[net].blobs.items(), *self._parameters(net)):
                self._see(blob.data)
                self._see(blob.diff)
        return "look at everything"


def _far_from_rounding(values: np.ndarray) -> bool:
    """Whole multiples, less than 2^20 of them, of some power of two: float has 2^24, so a sum may swing 16 times as high."""
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0))
    unit = next((2.0**-k for k in range(13) if np.array_equal(np.round(finite * 2**k), finite * 2**k)), None)
    return unit is not None and largest < 2**20 * unit


if __name__ == "__main__":
    main()
