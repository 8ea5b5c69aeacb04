"""doctor: all is well here, and each thing that may be missing is found, with what to type."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from processes import barista

from barista import doctor, paths
from barista.doctor import State
from barista.opencl import devices


def findings(*arguments: str, status: int, **variables: str) -> dict[str, dict[str, Any]]:
    result = barista("doctor", "--json", *arguments, **variables)
    report = json.loads(result.stdout)
    assert result.returncode == status, report
    assert report["ok"] == (status == 0)
    assert "Traceback" not in result.stderr
    return {finding["name"]: finding for finding in report["findings"]}


def test_nothing_needed_is_missing_here(device: str) -> None:
    found = findings("--device", device, status=0)
    assert found["memory hook"]["detail"] == "live: layers keep data on the device"
    assert {name for name, finding in found.items() if finding["state"] != "ok"} <= {"board compiler", "bitstream", "OpenBLAS"}


def test_it_says_so_to_people_too() -> None:
    result = barista("doctor")
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""
    assert "MISSING" not in result.stdout


@pytest.mark.parametrize(
    ("variable", "name"), [("CAFFE_ROOT", "Caffe"), ("BARISTA_PLUGIN", "plugin")], ids=["no Caffe", "no plugin"]
)
def test_what_is_not_there_is_missing_with_its_mend(variable: str, name: str, tmp_path: Path) -> None:
    found = findings(status=1, **{variable: str(tmp_path / "nowhere")})
    assert found[name]["state"] == "missing"
    assert str(tmp_path / "nowhere") in found[name]["detail"]
    assert found[name]["fix"]
    assert found["memory hook"]["state"] == "missing"


def test_a_caffe_of_ones_own_whose_python_package_is_too_old_is_said(tmp_path: Path) -> None:
    mended = paths.caffe_installation().root
    for part in mended.iterdir():
        if part.name != "python":
            (tmp_path / part.name).symlink_to(part)
    shutil.copytree(mended / "python", tmp_path / "python")
    own = {"CAFFE_ROOT": str(tmp_path)}
    assert findings(status=0, **own)["Caffe"]["state"] == "ok"
    shutil.copy(mended / "source" / "python" / "caffe" / "io.py", tmp_path / "python" / "caffe")
    found = findings(status=0, **own)["Caffe"]
    assert found["state"] == "absent"
    assert found["detail"] == f"{tmp_path}: its caffe.io is for an older NumPy and scikit-image"
    assert found["fix"] == "make setup, with CAFFE_ROOT unset"


def test_a_plugin_that_is_no_library_is_missing(tmp_path: Path) -> None:
    (tmp_path / "libbarista.so").write_text("no library")
    found = findings(status=1, BARISTA_PLUGIN=str(tmp_path / "libbarista.so"))
    assert "can't be loaded" in found["memory hook"]["detail"]


def test_a_device_that_is_not_there_is_missing() -> None:
    found = findings("--device", "nowhere", status=1)
    assert found["device"]["detail"].startswith("no OpenCL device nowhere")
    assert found["device"]["fix"]


def test_a_bitstream_that_is_not_built_yet_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARISTA_CACHE", str(tmp_path))
    finding = doctor._bitstream("bitstream", "pocl")
    assert finding.state is State.ABSENT
    assert finding.fix == "barista build emulator --device pocl"


def test_a_disk_that_is_nearly_full_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1 << 20

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage)
    assert doctor._disk("disk", None).state is State.MISSING


def test_an_emulator_that_shows_no_platform_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "devices", list)
    finding = doctor._emulator("emulator", None)
    assert finding.state is State.MISSING
    assert finding.fix == "pip install intel-opencl-rt==2024.2.1"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: ["numpy", "no-such-package"])
    finding = doctor._python("Python", None)
    assert finding.state is State.MISSING
    assert "lacks no-such-package" in finding.detail
