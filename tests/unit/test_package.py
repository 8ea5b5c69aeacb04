"""What the package says of itself: its version, once and in all that it writes, and what it asks for where an extra lacks."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import barista
from barista import extras
from barista.errors import BaristaError
from barista.train import snapshot

ROOT = Path(barista.__file__).resolve().parents[1]


def test_the_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "barista.__version__"}
    assert f"\nversion: {barista.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_command_says_its_version() -> None:
    said = subprocess.run([sys.executable, "-m", "barista", "--version"], capture_output=True, text=True, check=True).stdout
    assert said == f"barista {barista.__version__}\n"


def test_importing_barista_imports_nothing_that_has_to_be_installed() -> None:
    script = "import sys; before = set(sys.modules); import barista; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages - {"barista"} <= sys.stdlib_module_names


def test_all_that_is_public_is_there() -> None:
    assert [name for name in barista.__all__ if not hasattr(barista, name)] == []
    assert (ROOT / "barista" / "py.typed").is_file()


@pytest.mark.parametrize(("checkout", "typed"), [(ROOT, "make setup"), (None, "pip install 'barista[digits]'")])
def test_a_missing_extra_is_named_with_what_to_type(checkout: Path | None, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(extras.paths, "checkout", lambda: checkout)
    with pytest.raises(BaristaError) as raised:
        extras.require("sklearn", "barista data digits")
    assert str(raised.value) == f"barista data digits: the Python package sklearn is not installed; run {typed}"


def test_a_snapshot_s_memory_names_the_version_and_opens_without() -> None:
    complete = {"seed": 1, "batches": [], "data": "", "solver": {}}
    text = snapshot._resume_state_text({}, complete)
    assert json.loads(text)["barista"] == barista.__version__
    older = {key: value for key, value in json.loads(text).items() if key != "barista"}
    assert snapshot._parse_resume_state(Path("state"), json.dumps(older)) == older
