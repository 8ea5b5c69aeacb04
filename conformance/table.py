"""What is tested, from the table of layer types: which suites judge which layer, and which tests can't pass and why.

`python -m conformance.table` prints a line a stock layer type, then the suites, for CMake.
"""

import fnmatch
from collections.abc import Sequence

from barista.layers import stock
from barista.layers.layer_type import SuiteException

# The part that `make test` runs: quick to compile, and still the array, pooling's masks, and layers that a net finds by name.
QUICK = ("inner_product_layer", "maxpool_dropout_layers")


def layers() -> dict[str, tuple[str, ...]]:
    """The suites in which each stock layer type must run on the device."""
    return {row.name: row.suites for row in stock.ROWS if row.suites}


def suites() -> list[str]:
    """All suites, each once."""
    return list(dict.fromkeys(suite for of_layer in layers().values() for suite in of_layer))


def exceptions() -> list[SuiteException]:
    return [entry for row in stock.ROWS for entry in row.suite_exceptions]


def exception_for(known: Sequence[SuiteException], suite: str, test: str) -> SuiteException | None:
    return next((entry for entry in known if suite == entry.suite and fnmatch.fnmatchcase(test, entry.test)), None)


if __name__ == "__main__":
    for layer, of_layer in layers().items():
        print(layer, *of_layer)
