"""Runs a program on a device: `on_device.py DEVICE PROGRAM [ARGUMENT...]`.

Sets the variables with which libbarista finds device and bitstream (built first, where the cache lacks it), then becomes the
program.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from barista import bitstream
from barista.errors import BaristaError


def main() -> None:
    device, *command = sys.argv[1:]
    try:
        binary, found = bitstream.resolve(device)
    except BaristaError as error:
        sys.exit(f"on_device.py: {error}")
    # Caffe tells of every blob of every net unless told not to.
    os.execve(command[0], command, {"GLOG_minloglevel": "1", **os.environ, **bitstream.environment(binary, found)})


if __name__ == "__main__":
    main()
