"""What tests of solvers share: a folder with nets and solvers, and what is made of one. A plugin of pytest for its fixture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from barista.net import solver, source
from barista.net.schema import SolverParameter
from barista.net.source import Solver
from barista.rewrite import placement
from barista.rewrite.placement import Placed, Selection

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: [2, 1, 4, 4] } shape { dim: 2 } data_filler { type: "gaussian" } data_filler { } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
FIXED = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 2'


@dataclass(frozen=True)
class Made:
    """A solver as the training worker gets it."""

    ready: Solver
    placed: tuple[Placed, ...]

    @property
    def param(self) -> SolverParameter:
        return self.ready.packed([net.net for net in self.placed])

    @property
    def notes(self) -> tuple[str, ...]:
        return self.ready.notes


def made(path: Path, selection: Selection = placement.ALL, **options: Any) -> Made:
    ready = solver.ready(source.open_solver(path), **options)
    return Made(ready, placement.place_nets(ready, selection))


class Folder:
    """A working directory with solvers and nets."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)
        return Path(name)

    def solver(self, text: str, name: str = "solver.prototxt") -> Path:
        return self.write(name, f"{text} {FIXED}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    for name in ("net", "train", "test", "other"):
        folder.write(f"{name}.prototxt", f'name: "{name}" {NET}')
    return folder


def names_inside(param: Any) -> dict[str, Any]:
    """The nets that a normalised solver holds, by their names."""
    found: dict[str, Any] = {}
    for field in ("net_param", "train_net_param"):
        if param.HasField(field):
            found[field] = getattr(param, field).name
    if param.test_net_param:
        found["test_net_param"] = [net.name for net in param.test_net_param]
    return found
