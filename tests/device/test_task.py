"""What crosses from the training parent to its worker: everything, checked once, and nothing that is to be looked up again."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from processes import python

from barista.bitstream import recipe as recipes
from barista.bitstream.manifest import Bitstream
from barista.opencl.devices import Device
from barista.train.task import Resume, Task

DEVICE = Device("platform", "1", "device", "driver", "1", "accelerator", 1 << 30, 1 << 20, 1)


@pytest.mark.parametrize("resume", [None, Resume("given", "copy", {"seed": 3}), Resume("given", "given", None)])
def test_a_task_is_read_back_as_it_was(resume: Resume | None) -> None:
    manifest = {"recipe": recipes.load("emulator").raw, "binary_sha256": "0" * 64, "device": "device", "kernels": []}
    task = Task(7, Bitstream.of(Path("a.aocx"), manifest), DEVICE, "net_param { }", "prefix", 5, "hash", resume)
    assert Task.from_json(json.loads(json.dumps(task.as_json()))) == task


def test_what_was_resolved_is_loaded_without_looking_for_devices_or_hashing() -> None:
    done = python(
        dedent("""
            from barista.bitstream import build, manifest
            from barista.opencl import devices
            from barista.runtime import plugin

            bitstream, device = build.resolve("emulator")

            def never(*_):
                raise AssertionError("this was known")

            devices._ask = manifest.file_sha256 = manifest.open_bitstream = build.resolve = never
            loaded = plugin.load_resolved(bitstream, device, pycaffe=False)
            assert (loaded.bitstream, loaded.device) == (bitstream, device)
            assert loaded.counters()["launches"] == 0
            print("loaded")
        """)
    )
    assert done.stdout.strip() == "loaded", done.stderr
