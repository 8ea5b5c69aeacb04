"""`python -m barista.zoo`: writes a net of the zoo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from barista.errors import BaristaError
from barista.net import prototxt
from barista.zoo.catalog import NETS, example, write


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m barista.zoo", description="Writes a classic net, and its solver beside it.")
    parser.add_argument("net", nargs="?", help="which one: see --list")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to; without, the net goes to standard output")
    parser.add_argument("--list", action="store_true", help="say what there is")
    options = parser.parse_args()
    try:
        return _run(options)
    except BaristaError as error:
        print(f"barista.zoo: {error}", file=sys.stderr)
        return error.exit_status


def _run(options: argparse.Namespace) -> int:
    if options.list:
        for name, net in NETS.items():
            print(f"{name:18} {(net.__doc__ or '').partition(chr(10))[0]}")
    elif options.net is None:
        raise BaristaError(f"no net is named; say one of {', '.join(NETS)}")
    elif options.output is None:
        print(prototxt.to_text(example(options.net).net), end="")
    else:
        print(f"wrote {options.output} and {write(options.net, options.output)}")
    return 0


sys.exit(main())
