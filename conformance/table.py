"""What is tested, as data: layers.txt says which suites judge which layer, exceptions.json which tests can't pass and why."""

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# The part that `make test` runs: quick to compile, and still the grid, pooling's masks, and layers that a net finds by name.
QUICK = ("inner_product_layer", "maxpool_dropout_layers")


def layers(path: Path = FOLDER / "layers.txt") -> dict[str, list[str]]:
    """The suites in which each stock layer type must run on the device."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {layer: suites for layer, *suites in rows}


def suites() -> list[str]:
    """All suites, each once."""
    return list(dict.fromkeys(suite for of_layer in layers().values() for suite in of_layer))


@dataclass(frozen=True)
class KnownException:
    """Tests that are known not to pass on the device."""

    suite: str
    test: str  # GoogleTest's name, with * and ? as in file names
    outcome: str  # "stock code": they pass, on stock Caffe's code; "failure": they fail
    why: str

    def covers(self, suite: str, test: str) -> bool:
        return suite == self.suite and fnmatch.fnmatchcase(test, self.test)


def exceptions(path: Path = FOLDER / "exceptions.json") -> list[KnownException]:
    return [KnownException(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def exception_for(known: Sequence[KnownException], suite: str, test: str) -> KnownException | None:
    return next((entry for entry in known if entry.covers(suite, test)), None)
