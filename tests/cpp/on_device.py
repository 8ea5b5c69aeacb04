"""Runs a program on a device: `on_device.py [OPTION...] DEVICE PROGRAM [ARGUMENT...]`.

Sets the variables with which libbarista finds device and bitstream (built first, where the cache lacks it), then becomes the
program. With --numbers-of, kernels are those of a board's recipe in all but the depth of their memories, built for DEVICE. With
--counted, they count what they do (opencl_kernels/counted.h). With --and-of, a bitstream of a board's recipe is there besides,
which BARISTA_SECOND_BITSTREAM names; with --two-devices, a second device that equals the first.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from barista.bitstream import build as bitstream
from barista.bitstream import recipe
from barista.bitstream.manifest import Bitstream
from barista.errors import BaristaError
from barista.opencl import devices

# Two devices of the runtime's, where a process has one.
TWO_DEVICES = {"emulator": {"CL_CONFIG_CPU_EMULATE_DEVICES": "2"}, "pocl": {"POCL_DEVICES": "pthread pthread"}}
# Words a bank: a device without on-chip memory is slow with more.
MEMORIES = {"x_words": 2032, "vec_words": 1024, "acc_words": 1024}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--counted", action="store_true")
    parser.add_argument("--numbers-of", metavar="RECIPE")
    parser.add_argument("--and-of", metavar="RECIPE")
    parser.add_argument("--two-devices", action="store_true")
    parser.add_argument("device")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    second = dict(TWO_DEVICES[given.device]) if given.two_devices else {}
    try:
        binary, found = resolve(given.device, given.numbers_of, given.counted)
        if given.and_of:
            second["BARISTA_SECOND_BITSTREAM"] = str(resolve(given.device, given.and_of, False)[0].path)
    except BaristaError as error:
        sys.exit(f"on_device.py: {error}")
    # Caffe tells of every blob of every net unless told not to.
    variables = {"GLOG_minloglevel": "1", **os.environ, **bitstream.environment(binary, found), **second}
    os.execve(given.command[0], given.command, variables)


def resolve(device: str, numbers_of: str | None, counted: bool) -> tuple[Bitstream, devices.Device]:
    """The device's own bitstream, that of a board's recipe without the board, and with memories of MEMORIES, or one that counts."""
    if not numbers_of and not counted:
        return bitstream.resolve(device)
    raw = dict(recipe.load(numbers_of or bitstream.DEFAULT_RECIPE).raw)
    if numbers_of:
        raw |= {**MEMORIES, "name": f"{numbers_of}-boardless", "board": None}
    if counted:
        raw |= {"name": f"{raw['name']}-counted", "counted": 1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{raw['name']}.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return bitstream.resolve(device, path)


if __name__ == "__main__":
    main()
