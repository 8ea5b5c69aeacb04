"""Small nets, data and runs of `barista train` for the tests of training. Layers stay on the CPU unless a test says otherwise: what
training promises does not depend on where they run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from PIL import Image

from barista import paths
from barista.net import schema
from barista.train import progress, snapshot
from barista.train import run as train

CPU = ("--except", "*")
CLASSES = 4
RECORDS = 50  # no multiple of any batch: epochs end within batches


class Recorder:
    """A Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.losses: list[float] = []
        self.tests: list[dict[str, Any]] = []

    def __enter__(self) -> progress.Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)

    def begin(self, net: str, device: str, iteration: int, last: int, images: int) -> None:
        pass

    def iteration(self, event: Any) -> None:
        self.losses.append(event["smoothed_loss"])

    def test(self, event: Any, accuracy: float | None) -> None:
        self.tests.append(dict(event))

    def snapshot(self, event: Any) -> None:
        pass


@dataclass
class Project:
    """A folder with a solver, a net and its data."""

    folder: Path
    fields: dict[str, str] = field(default_factory=dict)
    net: str = ""

    def write(self, **fields: str) -> Path:
        """Writes net and solver, the solver with `fields` on top of the project's; returns its path."""
        (self.folder / "net.prototxt").write_text(self.net)
        lines = [f"{name}: {value}" for name, value in {**self.fields, **fields}.items() if value]
        solver = self.folder / "solver.prototxt"
        solver.write_text("\n".join(lines) + "\n")
        return solver

    def prefix(self, name: str) -> str:
        """A snapshot prefix of its own, as a solver's field wants it."""
        (self.folder / name).mkdir(exist_ok=True)
        return f'"{self.folder / name / "net"}"'

    def run(self, prefix: str, show: Recorder | None = None, **options: Any) -> train.Outcome:
        """Trains with snapshots under `prefix`; `options` are those of train.Request, `fields` the solver's."""
        fields = options.pop("fields", {})
        solver = self.write(snapshot_prefix=self.prefix(prefix), **fields)
        request = train.Request(solver, **{"excepted": ("*",), **options})
        return train.train(request, show or Recorder())

    def start(self, prefix: str, *arguments: str, fields: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """`barista train` as a command, whose lines can be read from stderr."""
        solver = self.write(snapshot_prefix=self.prefix(prefix), **(fields or {}))
        command = [sys.executable, "-m", "barista", "train", str(solver), *CPU, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def events(self, prefix: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / prefix / "net_log.jsonl").read_text().splitlines()]


def latest(prefix: str | Path) -> Path | None:
    """The state with the highest iteration among the snapshots of `prefix`."""
    base = Path(prefix)
    found = {}
    for state in base.parent.glob(f"{base.name}_iter_*.solverstate*"):
        number, _, rest = state.name.removeprefix(f"{base.name}_iter_").partition(".solverstate")
        if number.isdecimal() and rest in ("", ".h5"):
            found[int(number)] = state
    return found[max(found)] if found else None


def weights(state: Path) -> dict[str, list[bytes]]:
    """The bits of every blob of the model beside `state`, by layer."""
    model = schema.new("NetParameter")
    model.ParseFromString(state.with_name(state.name.replace(".solverstate", ".caffemodel")).read_bytes())
    return {layer.name: [np.array(blob.data, np.float32).tobytes() for blob in layer.blobs] for layer in model.layer if layer.blobs}


def history(state: Path) -> list[bytes]:
    """The bits of every blob of a solver's history."""
    parsed = schema.new("SolverState")
    parsed.ParseFromString(state.read_bytes())
    return [np.array(blob.data, np.float32).tobytes() for blob in parsed.history]


def memory(state: Path) -> dict[str, Any]:
    """The file beside a snapshot, without what names other files."""
    read: dict[str, Any] = json.loads(state.with_name(state.name + snapshot.RESUME_SUFFIX).read_text())
    return {key: value for key, value in read.items() if key != "files"}


# --- data ------------------------------------------------------------------------------------------------------------------------


def images(seed: int = 0, size: int = 12) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """RECORDS x 3 x size x size bytes and their classes, told by the brightest channel or none."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, RECORDS)
    pixels = random.integers(0, 160, (RECORDS, 3, size, size))
    for pixel, label in zip(pixels, labels, strict=True):
        if label < 3:
            pixel[label] += 90
    return pixels.astype(np.uint8), labels


def write_lmdb(folder: Path, seed: int = 0) -> Path:
    pixels, labels = images(seed)
    with lmdb.open(str(folder), map_size=1 << 24) as database, database.begin(write=True) as transaction:
        for i, (pixel, label) in enumerate(zip(pixels, labels, strict=True)):
            datum = schema.new("Datum")
            datum.channels, datum.height, datum.width = pixel.shape
            datum.data, datum.label = pixel.tobytes(), int(label)
            transaction.put(f"{i:08}".encode(), datum.SerializeToString())
    return folder


def write_images(folder: Path, seed: int = 1) -> Path:
    """PNG files and the list of them that ImageData reads."""
    pixels, labels = images(seed)
    folder.mkdir()
    lines = []
    for i, (pixel, label) in enumerate(zip(pixels, labels, strict=True)):
        Image.fromarray(pixel.transpose(1, 2, 0)).save(folder / f"{i}.png")
        lines.append(f"{folder / f'{i}.png'} {label}")
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return folder / "list.txt"


_WRITE_HDF5 = """
import sys, numpy, caffe
net = caffe.Net(sys.argv[1], caffe.TEST)
for name in ("data", "label"):
    net.blobs[name].data[...] = numpy.load(sys.argv[2])[name].reshape(net.blobs[name].data.shape)
net.forward()
"""


def write_hdf5(folder: Path, files: int = 2) -> Path:
    """HDF5 files, written by Caffe, and the list of them that HDF5Data reads."""
    folder.mkdir()
    for i in range(files):
        pixels, labels = images(2 + i, size=4)
        np.savez(folder / "values.npz", data=pixels.astype(np.float32) / 256, label=labels.astype(np.float32))
        net = folder / "writer.prototxt"
        net.write_text(
            f'layer {{ name: "in" type: "Input" top: "data" top: "label" input_param {{ shape {{ {dims(RECORDS, 3, 4, 4)} }}'
            f" shape {{ {dims(RECORDS)} }} }} }}\n"
            f'layer {{ name: "out" type: "HDF5Output" bottom: "data" bottom: "label"'
            f' hdf5_output_param {{ file_name: "{folder / f"{i}.h5"}" }} }}\n'
        )
        python_dir = str(paths.caffe_installation().python_dir)
        command = [sys.executable, "-c", _WRITE_HDF5, str(net), str(folder / "values.npz")]
        subprocess.run(command, check=True, env={"PYTHONPATH": python_dir, "GLOG_minloglevel": "2"})
    (folder / "list.txt").write_text("".join(f"{folder / f'{i}.h5'}\n" for i in range(files)))
    return folder / "list.txt"


def dims(*extents: int) -> str:
    return " ".join(f"dim: {extent}" for extent in extents)


# --- nets ------------------------------------------------------------------------------------------------------------------------


def layer(kind: str, name: str, bottoms: str, tops: str, *fields: str) -> str:
    """A layer of a prototxt; `bottoms` and `tops` are names with spaces between."""
    ends = [f'bottom: "{blob}"' for blob in bottoms.split()] + [f'top: "{blob}"' for blob in tops.split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join([*ends, *fields])} }}\n'


def branch(name: str, *, dropout: bool = False, hidden: int = 8) -> str:
    """From NAME_data and NAME_label to a loss and an accuracy of its own: nothing that one branch computes reaches another."""
    text = layer("InnerProduct", f"{name}_ip1", f"{name}_data", f"{name}_ip1", inner_product(hidden))
    text += layer("ReLU", f"{name}_relu", f"{name}_ip1", f"{name}_ip1")
    if dropout:
        text += layer("Dropout", f"{name}_dropout", f"{name}_ip1", f"{name}_ip1")
    text += layer("InnerProduct", f"{name}_ip2", f"{name}_ip1", f"{name}_ip2", inner_product(CLASSES))
    text += layer("SoftmaxWithLoss", f"{name}_loss", f"{name}_ip2 {name}_label", f"{name}_loss")
    text += layer("Accuracy", f"{name}_accuracy", f"{name}_ip2 {name}_label", f"{name}_accuracy", "include { phase: TEST }")
    return text


def inner_product(outputs: int, fields: str = "") -> str:
    return f'inner_product_param {{ num_output: {outputs} {fields} weight_filler {{ type: "xavier" }} }}'


SOLVER = {
    "net": '"net.prototxt"',
    "base_lr": "0.05",
    "momentum": "0.9",
    "lr_policy": '"inv"',
    "gamma": "0.01",
    "power": "0.75",
    "max_iter": "20",
    "display": "1",
    "average_loss": "3",
    "random_seed": "5",
}


def database_project(folder: Path) -> Project:
    """A net on an LMDB with random crops, mirrors and dropout; tested every 5 iterations."""
    source = write_lmdb(folder / "lmdb")
    data = layer(
        "Data", "db", "", "db_data db_label",
        "transform_param { scale: 0.004 crop_size: 9 mirror: true }",
        f'data_param {{ source: "{source}" backend: LMDB batch_size: 7 }}',
    )  # fmt: skip
    fields = SOLVER | {"net": f'"{folder / "net.prototxt"}"', "test_iter": "3", "test_interval": "5"}
    return Project(folder, fields, 'name: "tiny"\n' + data + branch("db", dropout=True))


def every_source_project(folder: Path) -> Project:
    """All kinds of data that have a place or draw random numbers, each in a branch of its own, and a layer with hidden state."""
    project = database_project(folder)
    project.fields["test_iter"] = "7"  # more than an epoch of HDF5Data: training and tests shuffle in turn, by one generator
    image_list, hdf5_list = write_images(folder / "images"), write_hdf5(folder / "hdf5")
    project.net += layer(
        "ImageData", "files", "", "files_data files_label", "transform_param { scale: 0.004 crop_size: 9 mirror: true }",
        f'image_data_param {{ source: "{image_list}" batch_size: 6 shuffle: true rand_skip: 5 }}',
    )  # fmt: skip
    project.net += branch("files")
    # Its tops have the names that the datasets have.
    project.net += layer(
        "HDF5Data", "hdf5", "", "data label", f'hdf5_data_param {{ source: "{hdf5_list}" batch_size: 8 shuffle: true }}'
    )
    project.net += branch("hdf5").replace("hdf5_data", "data").replace("hdf5_label", "label")
    project.net += noise_and_memory()
    return project


def noise_and_memory() -> str:
    """Noise from DummyData through an LSTM whose hidden state goes from batch to batch."""
    shapes = f"shape {{ {dims(3, 2, 5)} }} shape {{ {dims(3, 2)} }} shape {{ {dims(3, 2)} }}"
    fillers = 'data_filler { type: "gaussian" } data_filler { value: 1 } data_filler { value: 2 }'
    text = layer("DummyData", "noise", "", "noise cont noise_label", f"dummy_data_param {{ {shapes} {fillers} }}")
    text += layer("LSTM", "lstm", "noise cont", "noise_data", 'recurrent_param { num_output: 4 weight_filler { type: "xavier" } }')
    text += layer("InnerProduct", "noise_ip", "noise_data", "noise_ip", inner_product(CLASSES, "axis: 2"))
    text += layer("SoftmaxWithLoss", "noise_loss", "noise_ip noise_label", "noise_loss", "softmax_param { axis: 2 }")
    return text
