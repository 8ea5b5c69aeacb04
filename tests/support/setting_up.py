"""What tests of the set-up share: a checkout of their own, and runners. A plugin of pytest for its fixtures."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import ROOT

from tools.set_up.commands import Runner
from tools.set_up.setting import Setting


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with (tmp_path / "lock").open("wb") as lock, Runner("step", "a while", tmp_path / "log", lock) as made:
        yield made


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("requirements.txt", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    return Setting(checkout, tmp_path / "cache", with_tests=False)


class Recorder(Runner):
    """In place of a Runner: notes the commands, and ends the process at one of them where told."""

    def __init__(self, die_at: str | None = None) -> None:
        self.commands: list[str] = []
        self.die_at = die_at

    def run(self, *command: str | Path, **_: object) -> None:
        self.commands.append(" ".join(map(str, command)))
        if self.die_at and self.die_at in self.commands[-1]:
            raise KeyboardInterrupt
        if "venv" in command:
            Path(command[-1]).mkdir(exist_ok=True)


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(file.name)
