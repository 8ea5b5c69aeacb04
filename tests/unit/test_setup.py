"""The set-up's commands, Debian packages and Python environment: what is half done never counts, what is done is not done again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import ROOT
from setting_up import Recorder

from tools.set_up import debian, python
from tools.set_up import steps as main
from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError

# Commands and their log


def test_failed_command_shows_its_last_lines_and_the_log(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match=r"ended with status 3. The end of .*/log:\n(.*\n)* +line 99$") as raised:
        runner.run("sh", "-c", "for i in $(seq 99); do echo line $i; done; exit 3")
    assert "line 1\n" not in str(raised.value)
    assert "line 1\n" in (tmp_path / "log").read_text()


def test_command_that_is_not_there_is_a_sentence(runner: Runner) -> None:
    with pytest.raises(SetUpError, match="no-such-command: No such file or directory"):
        runner.run("no-such-command")


def test_step_that_runs_nothing_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "lock").open("wb") as lock, Runner("step", "a while", tmp_path / "log", lock) as runner:
        runner.run("true", quick=True)
    assert capfd.readouterr() == ("", "")


def test_step_says_what_it_does_and_how_long_it_took(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "lock").open("wb") as lock, Runner("step", "a while", tmp_path / "log", lock) as runner:
        runner.run("echo", "not for the terminal")
    assert capfd.readouterr().err == "step: a while\nstep: done, 0 s\n"


def test_set_up_that_is_killed_keeps_its_lock_until_its_commands_end(tmp_path: Path) -> None:
    """Otherwise a second set-up would write to the build folder that the first one's ninja still writes to."""
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tools.set_up import steps as main
from tools.set_up.commands import Runner
with main._lock(Path("set-up.lock")) as lock, Runner("step", "", Path("log"), lock) as runner:
    Path("started").touch()
    runner.run("sleep", "2", hold_lock=True)
"""
    first = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "started").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    started = time.monotonic()
    with main._lock(tmp_path / "set-up.lock"):
        assert time.monotonic() - started > 0.5


# Debian


def test_packages_that_are_there_are_not_installed_again(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(debian, "missing_packages", list)
    debian.install_packages(setting, recorder)
    assert recorder.commands == []


def test_only_missing_packages_are_installed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "PACKAGES", ["dpkg", "no-such-package-anywhere"])
    recorder = Recorder()
    debian.install_packages(setting, recorder)
    assert recorder.commands[-1].endswith(" no-such-package-anywhere")
    assert "install" in recorder.commands[-1]
    # What a killed dpkg left behind is put right first.
    assert recorder.commands[0].endswith("dpkg --configure -a")


def test_without_root_and_sudo_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "sudo" else f"/usr/bin/{name}")
    with pytest.raises(SetUpError, match="neither root nor sudo: have these packages installed"):
        debian._as_root()


def test_mirrors_are_those_of_this_machine_without_security_and_other_components() -> None:
    class Shown(Recorder):
        def output(self, *command: str | Path) -> str:
            return (
                "Packages main bookworm-security http://a.example/security/\n"
                "Packages main bookworm http://a.example/debian/\n"
                "Packages main bookworm-updates http://a.example/debian/\n"
                "Packages contrib bookworm http://b.example/debian/\n"
                "Translations main bookworm http://c.example/debian/\n"
            )

    assert debian._mirrors(Shown()) == ["http://a.example/debian/"]


def test_caffe_on_no_mirror_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_mirrors", lambda runner: [])
    with pytest.raises(SetUpError, match="set CAFFE_ROOT to a Caffe 1.0 that you have"):
        debian.fetch_caffe_source(tmp_path, Recorder())


# The Python environment


def test_environment_is_made_once(setting: Setting) -> None:
    first, second = Recorder(), Recorder()
    python.make_environment(setting, first)
    python.make_environment(setting, second)
    assert len(first.commands) == 3
    assert second.commands == []


@pytest.mark.parametrize("where", ["-m venv", "--requirement", "--editable"])
def test_environment_that_was_cut_off_is_made_anew(setting: Setting, where: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        python.make_environment(setting, Recorder(die_at=where))
    again = Recorder()
    python.make_environment(setting, again)
    assert "venv --clear" in again.commands[0]
    assert len(again.commands) == 3


def test_new_requirements_are_installed_into_the_old_environment(setting: Setting) -> None:
    python.make_environment(setting, Recorder())
    (setting.checkout / "requirements.txt").write_text("click==1.0\n")
    again = Recorder()
    python.make_environment(setting, again)
    assert [("venv" in command.split(), "install" in command.split()) for command in again.commands] == [(False, True)] * 2


def test_environment_outlives_an_update_of_debians_python(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    python.make_environment(setting, Recorder())
    monkeypatch.setattr(sys, "version", "3.11.99 (main, another day)")
    again = Recorder()
    python.make_environment(setting, again)
    assert again.commands == []


def test_environment_of_a_checkout_that_moved_is_made_anew(setting: Setting, tmp_path: Path) -> None:
    python.make_environment(setting, Recorder())
    setting.checkout.rename(tmp_path / "moved")
    moved = Setting(tmp_path / "moved", setting.cache, with_tests=False)
    again = Recorder()
    python.make_environment(moved, again)
    assert "venv --clear" in again.commands[0]
