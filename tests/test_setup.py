"""The set-up and the folders that it fills: what is half done never counts, what is done is not done again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from barista import paths
from barista.errors import BaristaError
from barista.opencl import emulator
from tools.set_up import caffe, debian, pycaffe, python
from tools.set_up import steps as main
from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError

ROOT = Path(__file__).resolve().parents[1]


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


# Caffe


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Source tree, build folder and prefix as they are when ninja has ended."""
    source, build, prefix = tmp_path / "source", tmp_path / "build", tmp_path / "cache" / "caffe"
    for file in ("include/caffe/caffe.hpp", "python/caffe/__init__.py", "src/caffe/proto/caffe.proto", "models/net.prototxt"):
        touch(source / file)
    for file in ("include/caffe/proto/caffe.pb.h", "lib/libcaffe.so.1.0.0", "lib/_caffe.so", "tools/caffe"):
        touch(build / file)
    (build / "lib" / "libcaffe.so").symlink_to("libcaffe.so.1.0.0")
    (source / "python" / "caffe" / "_caffe.so").symlink_to(build / "lib" / "_caffe.so")
    prefix.parent.mkdir()
    return source, build, prefix


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(file.name)


def test_built_caffe_is_found_whole_without_the_work_folder(built: tuple[Path, Path, Path], tmp_path: Path) -> None:
    source, build, prefix = built
    caffe._put_in_place(source, build, prefix)
    shutil.rmtree(source)
    shutil.rmtree(build)
    found = paths.caffe_installation(prefix)
    assert caffe._is_current(prefix)
    assert found.library == prefix / "lib" / "libcaffe.so"
    assert found.library.read_text() == "libcaffe.so.1.0.0"
    assert (found.python_dir / "caffe" / "_caffe.so").read_text() == "_caffe.so"
    assert found.binary == prefix / "bin" / "caffe"
    assert found.source_dir == prefix / "source"
    assert (found.source_dir / "models" / "net.prototxt").is_file()


@pytest.mark.parametrize("call", ["copytree", "copy2", "rename"])
def test_caffe_cut_off_on_its_way_into_place_does_not_count(
    built: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    source, build, prefix = built

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path if call == "rename" else shutil, call, die)
        with pytest.raises(KeyboardInterrupt):
            caffe._put_in_place(source, build, prefix)
    assert not caffe._is_current(prefix)
    caffe._put_in_place(source, build, prefix)
    assert caffe._is_current(prefix)
    assert [path.name for path in prefix.parent.iterdir()] == ["caffe"]


def test_caffe_of_another_recipe_or_place_is_built_anew(
    built: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, build, prefix = built
    caffe._put_in_place(source, build, prefix)
    with monkeypatch.context() as patch:
        patch.setattr(caffe, "_RECIPE", caffe._RECIPE + 1)
        assert not caffe._is_current(prefix)
    prefix.parent.rename(tmp_path / "moved")
    assert not caffe._is_current(tmp_path / "moved" / "caffe")


def test_source_counts_only_once_it_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(work: Path, runner: Runner) -> Path:
        file = work / "unpacked" / "caffe-1.0" / caffe._MEND_FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"input->{text};\n")
        return work / "unpacked" / "caffe-1.0"

    monkeypatch.setattr(caffe, "fetch_caffe_source", unpack)
    text = "of another version"
    with pytest.raises(SetUpError, match="Debian's source package is another than expected"):
        caffe._source(tmp_path, Recorder())
    assert not (tmp_path / "source").exists()
    text = caffe._MEND_OLD
    source = caffe._source(tmp_path, Recorder())
    assert (source / caffe._MEND_FILE).read_text() == f"input->{caffe._MEND_NEW};\n"


@pytest.fixture
def python_source(built: tuple[Path, Path, Path]) -> Path:
    """The source tree's Python package, with the places that the mends are for."""
    folder = built[0] / "python"
    for mend in pycaffe.MENDS:
        with (folder / mend.file).open("a", encoding="utf-8") as file:
            file.write(f"<{mend.old}>")
    return folder


def test_a_caffe_that_is_already_built_gets_new_mends_without_being_built_anew(
    built: tuple[Path, Path, Path], python_source: Path, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAFFE_ROOT", raising=False)
    caffe._put_in_place(built[0], built[1], setting.cache / "caffe")
    installed = setting.cache / "caffe" / "python" / "caffe"
    assert pycaffe.MENDS[0].old in (installed / "io.py").read_text()
    runner = Recorder()
    caffe.build(setting, runner)
    assert runner.commands == []
    for mend in pycaffe.MENDS:
        text = (installed.parent / mend.file).read_text()
        assert f"<{mend.new}>" in text
        assert f"<{mend.old}>" not in text
    assert (installed / "pictures.py").read_bytes() == (ROOT / "tools" / "pictures.py").read_bytes()
    before = {file: file.stat().st_ino for file in installed.iterdir()}
    caffe.build(setting, runner)
    assert {file: file.stat().st_ino for file in installed.iterdir()} == before
    with monkeypatch.context() as patch:
        patch.setattr(pycaffe, "MENDS", (pycaffe.Mend("caffe/io.py", "arr.tostring()", "arr.otherwise()"),))
        caffe.build(setting, runner)
    assert "<arr.otherwise()>" in (installed / "io.py").read_text()
    assert runner.commands == []


@pytest.mark.parametrize("number", range(len(pycaffe.MENDS)))
def test_a_mend_without_its_place_stops_the_set_up(python_source: Path, tmp_path: Path, number: int) -> None:
    mend = pycaffe.MENDS[number]
    file = python_source / mend.file
    file.write_text(file.read_text().replace(mend.old, "of another version"))
    with pytest.raises(SetUpError, match=rf"{mend.file}: '.*' is there 0 times and not once; Debian's source package is another"):
        pycaffe.mend(python_source, tmp_path / "installed")
    assert not (tmp_path / "installed").exists()


def test_a_caffe_of_ones_own_is_used_and_checked(setting: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAFFE_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(SetUpError, match="nowhere: no such folder"):
        caffe.build(setting, Recorder())
    monkeypatch.setenv("CAFFE_ROOT", str(tmp_path))
    with pytest.raises(SetUpError, match="include/caffe/caffe.hpp is not there"):
        caffe.build(setting, Recorder())


# Where things lie


def test_cache_is_where_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BARISTA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/a/home")
    assert paths.cache_dir() == Path("/a/home/.cache/barista")
    monkeypatch.setenv("XDG_CACHE_HOME", "/a/cache")
    assert paths.cache_dir() == Path("/a/cache/barista")
    monkeypatch.setenv("BARISTA_CACHE", "~/mine")
    assert paths.cache_dir() == Path("/a/home/mine")


def test_caffe_is_found_in_a_built_source_tree(tmp_path: Path) -> None:
    for file in (
        "include/caffe/caffe.hpp",
        "src/caffe/proto/caffe.proto",
        "build/src/caffe/proto/caffe.pb.h",
        "build/lib/libcaffe.so",
    ):
        touch(tmp_path / file)
    for file in ("python/caffe/_caffe.so", "build/tools/caffe"):
        touch(tmp_path / file)
    found = paths.caffe_installation(tmp_path)
    assert found.include_dirs == (tmp_path / "include", tmp_path / "build" / "src")
    assert found.python_dir == tmp_path / "python"
    assert found.binary == tmp_path / "build" / "tools" / "caffe"
    assert found.source_dir == tmp_path


def test_caffe_is_found_in_a_build_folder_beside_its_source(tmp_path: Path) -> None:
    source, build = tmp_path / "source tree", tmp_path / "b"
    for file in ("include/caffe/caffe.hpp", "src/caffe/proto/caffe.proto", "python/caffe/_caffe.so"):
        touch(source / file)
    for file in ("include/caffe/proto/caffe.pb.h", "lib/libcaffe.so", "tools/caffe"):
        touch(build / file)
    (build / "CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={source}\n")
    found = paths.caffe_installation(build)
    assert found.include_dirs == (source / "include", build / "include")
    assert found.source_dir == source


@pytest.mark.parametrize("lost", ["lib/libcaffe.so", "python/caffe/_caffe.so", "include/caffe/proto/caffe.pb.h"])
def test_part_of_caffe_that_is_missing_is_named(tmp_path: Path, lost: str) -> None:
    parts = ("include/caffe/caffe.hpp", "include/caffe/proto/caffe.pb.h", "lib/libcaffe.so", "python/caffe/_caffe.so")
    for file in parts:
        touch(tmp_path / file)
    paths.caffe_installation(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(BaristaError, match=Path(lost).name.replace(".", r"\.")):
        paths.caffe_installation(tmp_path)


def test_plugin_that_is_not_built_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BARISTA_PLUGIN", str(tmp_path / "libbarista.so"))
    with pytest.raises(BaristaError, match="libbarista.so: not built; run 'make setup'"):
        paths.plugin_library()


# Intel's emulator


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the wheel's, in a world whose system has one driver."""
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / "libintelocl.so"
    library.write_text("Intel's runtime")
    system = tmp_path / "etc"
    system.mkdir()
    (system / "pocl.icd").write_text("libpocl.so")
    monkeypatch.setenv("BARISTA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OCL_ICD_VENDORS", raising=False)
    monkeypatch.setattr(emulator, "runtime_library", lambda: library)
    monkeypatch.setattr(emulator, "_SYSTEM_VENDORS", system)
    return library


def drivers(folder: Path) -> dict[str, str]:
    return {icd.name: icd.read_text() for icd in folder.iterdir()}


def test_emulator_is_a_hard_link_with_its_configuration(wheel: Path) -> None:
    emulator.prepare()
    link = wheel.with_name("libintelocl_emu.so")
    assert not link.is_symlink()
    assert link.samefile(wheel)
    assert wheel.with_name("cl.fpga_emu.cfg").read_text() == "CL_CONFIG_DEVICES = fpga-emu\n"
    assert sorted(path.name for path in wheel.parent.iterdir()) == ["cl.fpga_emu.cfg", "libintelocl.so", "libintelocl_emu.so"]


def test_drivers_are_the_emulator_and_the_systems(wheel: Path) -> None:
    emulator_line = f"{wheel.with_name('libintelocl_emu.so')}\n"
    assert drivers(emulator.prepare()) == {"barista-emulator.icd": emulator_line, "pocl.icd": "libpocl.so"}


def test_a_process_for_one_device_finds_its_driver_alone(wheel: Path) -> None:
    """Each that is loaded brings a compiler along."""

    def found(emulated: bool | None) -> set[str]:
        return set(drivers(Path(emulator.environment(emulated)["OCL_ICD_VENDORS"])))

    assert found(None) == {"barista-emulator.icd", "pocl.icd"}
    assert found(True) == {"barista-emulator.icd"}
    assert found(False) == {"pocl.icd"}


@pytest.mark.parametrize(
    ("vendor", "flags", "target"),
    [
        ("GenuineIntel", "fma avx2 avx512f", None),
        ("AuthenticAMD", "fma avx2 bmi1 bmi2 f16c avx512f avx512bw avx512cd avx512dq avx512vl", "skx"),
        ("AuthenticAMD", "fma avx2 bmi1 bmi2 f16c", "core-avx2"),
        ("AuthenticAMD", "sse4_2 avx", None),
    ],
)
def test_the_emulator_is_told_what_an_unknown_processor_can_do(vendor: str, flags: str, target: str | None) -> None:
    assert emulator.target_of(f"vendor_id\t: {vendor}\nflags\t\t: fpu {flags} sse\n\n") == target


def test_a_processor_that_the_user_names_stays_and_has_bitstreams_of_its_own(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CL_CONFIG_CPU_TARGET_ARCH", raising=False)
    before = emulator.processor()
    monkeypatch.setenv("CL_CONFIG_CPU_TARGET_ARCH", "corei7")
    assert emulator.environment()["CL_CONFIG_CPU_TARGET_ARCH"] == "corei7"
    assert emulator.processor() not in (before, emulator.processor().replace("corei7", "skx"))


def test_the_emulator_has_a_thread_for_each_queue_unless_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CL_CONFIG_CPU_TBB_NUM_WORKERS", raising=False)
    assert emulator.threads(compute_units=2) == {"CL_CONFIG_CPU_TBB_NUM_WORKERS": "4"}
    monkeypatch.setenv("CL_CONFIG_CPU_TBB_NUM_WORKERS", "7")
    assert emulator.threads(compute_units=2) == {"CL_CONFIG_CPU_TBB_NUM_WORKERS": "7"}


def test_folders_of_its_own_are_no_drivers_of_the_systems(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that was started for one device, and starts another."""
    before = drivers(emulator.prepare())
    for emulated in (True, False):
        monkeypatch.setenv("OCL_ICD_VENDORS", emulator.environment(emulated)["OCL_ICD_VENDORS"])
        assert drivers(emulator.prepare()) == before
        assert drivers(Path(emulator.environment(False)["OCL_ICD_VENDORS"])) == {"pocl.icd": "libpocl.so"}


def test_preparing_again_changes_nothing(wheel: Path) -> None:
    folder = emulator.prepare()
    files = [*folder.iterdir(), *wheel.parent.iterdir()]
    before = [(path.lstat().st_ino, path.lstat().st_mtime_ns) for path in files]
    assert emulator.prepare() == folder
    assert [(path.lstat().st_ino, path.lstat().st_mtime_ns) for path in files] == before


def test_new_release_of_the_runtime_replaces_the_link(wheel: Path) -> None:
    emulator.prepare()
    wheel.unlink()
    wheel.write_text("Intel's next runtime")
    emulator.prepare()
    assert wheel.with_name("libintelocl_emu.so").read_text() == "Intel's next runtime"


def test_drivers_come_and_go_with_the_system(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = emulator.prepare()
    (tmp_path / "etc" / "pocl.icd").unlink()
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "altera.icd").write_text("libalteracl.so")
    monkeypatch.setenv("OCL_ICD_VENDORS", f"{tmp_path / 'board'}/")
    emulator.prepare()
    assert set(drivers(folder)) == {"barista-emulator.icd", "altera.icd"}


def test_without_the_wheel_the_systems_drivers_stay(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "runtime_library", lambda: None)
    assert drivers(emulator.prepare()) == {"pocl.icd": "libpocl.so"}


def test_folder_that_cannot_be_written_is_a_sentence(wheel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("BARISTA_CACHE", str(tmp_path / "a file" / "cache"))
    with pytest.raises(BaristaError, match="Not a directory"):
        emulator.prepare()
