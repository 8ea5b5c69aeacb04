"""Intel's emulator, made out of its wheel, and the drivers that a process finds."""

from pathlib import Path

import pytest

from barista.errors import BaristaError
from barista.opencl import emulator


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
