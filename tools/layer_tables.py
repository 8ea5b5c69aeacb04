"""The documents' tables of layers, made from the rows of layer types: `python -m tools.layer_tables --check`, or `--write`.

A table stands between the lines `<!-- table of layers: NAME -->` and `<!-- end of table -->`.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from barista.layers import stock
from barista.layers.layer_type import Family, LayerType

CHECKOUT = Path(__file__).resolve().parents[1]
_MARKED = re.compile(r"(<!-- table of layers: ([a-z]+) -->\n).*?(<!-- end of table -->\n)", re.DOTALL)
_ON_DEVICE = [row for row in stock.ROWS if row.on_device]


def main() -> int:
    """Returns 0 when the tables are what the rows say."""
    parser = argparse.ArgumentParser(prog="python -m tools.layer_tables", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write the tables (default: --check)")
    parser.add_argument("--check", action="store_true", help="say which file has another table")
    write = parser.parse_args().write
    stale = [path for path in files() if with_tables(path.read_text(encoding="utf-8")) != path.read_text(encoding="utf-8")]
    for path in stale:
        if write:
            path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            print(f"{path.relative_to(CHECKOUT)}: its table of layers is another; run 'python -m tools.layer_tables --write'")
    return 1 if stale and not write else 0


def files() -> list[Path]:
    """The documents that hold such a table."""
    documents = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    return [path for path in documents if _MARKED.search(path.read_text(encoding="utf-8"))]


def with_tables(text: str) -> str:
    return _MARKED.sub(lambda found: found[1] + "\n".join(_TABLES[found[2]]()) + "\n" + found[3], text)


def _by_family() -> Iterator[str]:
    """A line a family, with each type and what is to be said of it."""
    yield from ("| | |", "|---|---|")
    for family in get_args(Family):
        rows = [row for row in _ON_DEVICE if row.family == family]
        if rows:
            remarks = any(row.remark for row in rows)
            yield f"| {family} | {('; ' if remarks else ', ').join(map(_described, rows))} |"


def _described(row: LayerType) -> str:
    return f"{row.name} ({row.remark})" if row.remark else row.name


def _conditions() -> Iterator[str]:
    """A line for each condition under which layers stay with stock Caffe, and their types."""
    yield from ("| type | stays with stock Caffe where |", "|---|---|")
    for condition in dict.fromkeys(row.unless for row in _ON_DEVICE if row.unless):
        yield f"| {', '.join(f'`{row.name}`' for row in _ON_DEVICE if row.unless == condition)} | {condition} |"


_TABLES: dict[str, Callable[[], Iterator[str]]] = {"families": _by_family, "conditions": _conditions}


if __name__ == "__main__":
    sys.exit(main())
