"""Runs a program on a device: `on_device.py [--numbers-of RECIPE] [--and-of RECIPE] DEVICE PROGRAM [ARGUMENT...]`.

Sets the variables with which libbarista finds device and bitstream (built first, where the cache lacks it), then becomes the
program. With --numbers-of, kernels are those of a board's recipe in all but the depth of their memories, built for DEVICE.
With --and-of, such a bitstream is there besides: BARISTA_SECOND_BITSTREAM names it, and there are two devices that are equal.
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers-of", metavar="RECIPE")
    parser.add_argument("--and-of", metavar="RECIPE")
    parser.add_argument("device")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    second = {}
    try:
        binary, found = of_board(asked.numbers_of, asked.device) if asked.numbers_of else bitstream.resolve(asked.device)
        if asked.and_of:
            second = {"BARISTA_SECOND_BITSTREAM": str(of_board(asked.and_of, asked.device)[0].path), **TWO_DEVICES[asked.device]}
    except BaristaError as error:
        sys.exit(f"on_device.py: {error}")
    # Caffe tells of every blob of every net unless told not to.
    variables = {"GLOG_minloglevel": "1", **os.environ, **bitstream.environment(binary, found), **second}
    os.execve(asked.command[0], asked.command, variables)


def of_board(name: str, device: str) -> tuple[Bitstream, devices.Device]:
    """The bitstream of a board's recipe without the board, and with memories of MEMORIES."""
    raw = {**recipe.load(name).raw, **MEMORIES, "name": f"{name}-boardless", "board": None}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{raw['name']}.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return bitstream.resolve(device, path)


if __name__ == "__main__":
    main()
