"""Runs a program on a device: `on_device.py [--numbers-of RECIPE] DEVICE PROGRAM [ARGUMENT...]`.

Sets the variables with which libbarista finds device and bitstream (built first, where the cache lacks it), then becomes the
program. With --numbers-of, kernels are those of a board's recipe in all but the depth of their memories, built for DEVICE.
"""

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

# Words a bank: a device without on-chip memory is slow with more.
MEMORIES = {"x_words": 2032, "vec_words": 1024, "acc_words": 1024}


def main() -> None:
    arguments = sys.argv[1:]
    board_recipe = arguments.pop(1) if arguments[0] == "--numbers-of" else None
    device, *command = arguments[1:] if board_recipe else arguments
    try:
        binary, found = of_board(board_recipe, device) if board_recipe else bitstream.resolve(device)
    except BaristaError as error:
        sys.exit(f"on_device.py: {error}")
    # Caffe tells of every blob of every net unless told not to.
    os.execve(command[0], command, {"GLOG_minloglevel": "1", **os.environ, **bitstream.environment(binary, found)})


def of_board(name: str, device: str) -> tuple[Bitstream, devices.Device]:
    """The bitstream of a board's recipe without the board, and with memories of MEMORIES."""
    raw = {**recipe.load(name).raw, **MEMORIES, "name": f"{name}-boardless", "board": None}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{raw['name']}.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return bitstream.resolve(device, path)


if __name__ == "__main__":
    main()
