"""A recipe whose grid is too small for a layer: the layer runs in stock Caffe, and the run says so."""

from __future__ import annotations

import json
from pathlib import Path

import small_nets
from processes import barista

from barista.bitstream import recipe as recipes

TOO_LARGE = "no tile of a 7x7 kernel fits x_words 32; enlarge x_words in the recipe"


def test_a_layer_that_the_grid_has_no_room_for_runs_in_stock_caffe(tmp_path: Path) -> None:
    recipe = tmp_path / "narrow.json"
    recipe.write_text(json.dumps({**recipes.load("emulator").raw, "name": "narrow", "x_words": 32}))
    solver, _ = small_nets.write(tmp_path, on_device=False)
    net = tmp_path / "net.prototxt"
    net.write_text(net.read_text().replace("kernel_size: 3 pad: 1 stride: 2 group: 2", "kernel_size: 7 pad: 3 stride: 2 group: 2"))
    done = barista("train", solver, "--device", "pocl", "--bitstream", recipe)
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert f"layer 'conv1' runs in stock Caffe: PE array of recipe 'narrow': {TOO_LARGE}" in said
    assert ", with 'conv1'" in said  # where the device is named
