"""Batches go to the device ahead of their step, by the thread that loads them; and each is the right one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trainings
from processes import Devices, python

from barista.profile import layer_times, session, timeline, transfers
from barista.profile.runner import caffe_runner, made_layers

STEPS = 6
BATCH = 7
# The four batches that Caffe loads ahead go round: from the second time on, their memory is known to the device.
WARM = 12


def net(folder: Path) -> str:
    """Two branches, each from a layer that loads data."""
    source, pictures = trainings.write_lmdb(folder / "lmdb"), trainings.write_images(folder / "images")
    text = 'name: "loading"\n'
    text += trainings.layer(
        "Data", "db", "", "db_data db_label", f'data_param {{ source: "{source}" backend: LMDB batch_size: {BATCH} }}'
    )
    text += trainings.layer(
        "ImageData", "files", "", "files_data files_label", f'image_data_param {{ source: "{pictures}" batch_size: {BATCH - 2} }}'
    )
    return text + trainings.branch("db") + trainings.branch("files")


def test_batches_cross_ahead_of_their_step(device: str, devices: Devices, tmp_path: Path) -> None:
    solver = trainings.Project(tmp_path, trainings.SOLVER | {"net": f'"{tmp_path / "net.prototxt"}"'}, net(tmp_path)).write()
    task = session.prepare(solver)
    place = devices.of(device)
    with caffe_runner(task, place) as runner:
        made = made_layers(runner.ready())
        recorded = runner.record(STEPS, warm=WARM)
    crossed = [command for command in recorded.commands if command.name in (transfers.UPLOAD, transfers.PREFETCH)]
    assert {command.name for command in crossed} == {transfers.PREFETCH}
    sizes = {4 * BATCH * 3 * 12 * 12: "db", 4 * (BATCH - 2) * 3 * 12 * 12: "files", 4 * BATCH: "db", 4 * (BATCH - 2): "files"}
    whose = {command.bytes: made[transfers.loader(made, command)].name for command in crossed}
    assert whose == sizes
    # As many as are taken, but for those that the threads are ahead by now or were before.
    assert abs(len(crossed) - 4 * STEPS) <= 2 * 2 * 4

    drawn = timeline.of(task, made, recorded, device, place[0].recipe.compute_units, WARM)
    assert {(bar.layer, bar.family, bar.phase) for bar in drawn.bars if bar.name == transfers.PREFETCH} == {
        ("db", "data", "forward"),
        ("files", "data", "forward"),
    }


def test_time_says_for_whom(device: str, tmp_path: Path) -> None:
    solver = trainings.Project(tmp_path, trainings.SOLVER | {"net": f'"{tmp_path / "net.prototxt"}"'}, net(tmp_path)).write()
    report = layer_times.measure(solver, device, iterations=WARM)
    into = {row.layer for row in report.rows if row.upload_bytes}
    assert {"db", "files"} <= into
    assert {copy.who for copy in report.copies if copy.direction == transfers.UPLOAD} <= {"db", "files"}


# Every batch on the host, and what the device made of it.
_SCRIPT = """
import json, sys
import numpy as np
import barista
plugin = barista.load(sys.argv[1])
import caffe
net = caffe.Net(sys.argv[2], caffe.TRAIN)
weights, bias = (blob.data.copy() for blob in net.params["db_ip1"])
pictures, off = [], 0
for batch in range(20):
    net.forward()
    made = net.blobs["db_ip1"].data.copy()
    data = net.blobs["db_data"].data
    off = max(off, float(np.abs(np.maximum(data.reshape(len(data), -1) @ weights.T + bias, 0) - made).max() / np.abs(made).max()))
    pictures.append(data.copy())
np.save(sys.argv[3], np.concatenate(pictures))
print(json.dumps({"off": off, **plugin.counters()}))
"""


@pytest.mark.parametrize("on_device", [True, False])
def test_each_batch_is_the_next_one(device: str, tmp_path: Path, on_device: bool) -> None:
    file, found = tmp_path / "net.prototxt", tmp_path / "found.npy"
    text = net(tmp_path)
    file.write_text(text.replace('type: "InnerProduct"', 'type: "FPGAInnerProduct"') if on_device else text)
    done = python(_SCRIPT, device, file, found)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["off"] < 1e-5
    assert (report["uploads"] > 0) == on_device, "a net without device layers has no use for one"
    pixels, _ = trainings.images()
    expected = np.concatenate([pixels] * 3)[: 20 * BATCH]
    assert (np.load(found) == expected).all()
