"""Which OpenCL device is meant, and why; and what a person reads where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from processes import barista, sentence

from barista.errors import BaristaError
from barista.opencl import devices
from barista.opencl.devices import Device


def a_device(platform: str, name: str, kind: str = "cpu", index: int = 0) -> Device:
    return Device(platform, "OpenCL 1.2", name, "1.0", "OpenCL 1.2", kind, 1 << 30, 1 << 20, index)


EMULATOR = a_device("Intel(R) FPGA Emulation Platform for OpenCL(TM)", "Intel(R) FPGA Emulation Device", "accelerator")
SECOND_EMULATOR = a_device(EMULATOR.platform, EMULATOR.name, "accelerator", 1)
POCL = a_device("Portable Computing Language", "pthread-skylake")
BOARD = a_device("Intel(R) FPGA SDK for OpenCL(TM)", "a10gx : Arria 10 Reference Platform", "accelerator")
GPU = a_device("NVIDIA CUDA", "GeForce", "gpu")
ALL = [GPU, POCL, BOARD, EMULATOR, SECOND_EMULATOR]


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (None, EMULATOR),
        ("emulator", EMULATOR),
        ("Emulator", EMULATOR),
        ("emulator:0", EMULATOR),
        ("emulator:1", SECOND_EMULATOR),
        ("pocl", POCL),
        ("a10gx", BOARD),
        ("arria 10", BOARD),
        ("NVIDIA", GPU),
    ],
)
def test_a_name_means_one_device(wanted: str | None, meant: Device) -> None:
    assert devices.pick(wanted, ALL).device == meant


def test_the_emulator_is_the_default_even_beside_a_board() -> None:
    choice = devices.pick(None, ALL)
    assert choice.device == EMULATOR
    assert "default" in choice.reason


def test_what_is_an_fpga_and_what_the_emulator() -> None:
    assert [(d.is_fpga, d.is_emulator) for d in ALL] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
        (False, True),
    ]


def test_the_emulator_s_processor_twin_is_not_the_emulator() -> None:
    """Intel's runtime shows a processor under a similar name where it is set up wrongly."""
    processor = a_device(EMULATOR.platform, "Intel(R) Xeon(R)", "cpu")
    with pytest.raises(BaristaError, match="no OpenCL device emulator"):
        devices.pick("emulator", [processor])


def test_a_device_that_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(
        BaristaError, match="no OpenCL device stratix: this machine has pocl, emulator; 'barista devices' lists them"
    ):
        devices.pick("stratix", [POCL, EMULATOR])


def test_a_number_beyond_the_last_is_refused() -> None:
    with pytest.raises(BaristaError, match="device emulator:2: this machine has 2 of that name, counting from 0"):
        devices.pick("emulator:2", ALL)


def test_no_device_at_all_is_one_sentence(tmp_path: Path) -> None:
    """A folder of drivers that holds none."""
    assert devices.devices({"OCL_ICD_VENDORS": f"{tmp_path}/"}) == []
    with pytest.raises(BaristaError, match="no OpenCL device emulator: this machine has none; 'barista doctor'"):
        devices.pick(None, [])


def test_a_driver_that_cannot_be_loaded_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "broken.icd").write_text("/nowhere/lib.so\n")
    assert devices.devices({"OCL_ICD_VENDORS": f"{tmp_path}/"}) == []


def test_devices_lists_the_device_and_what_train_would_pick(device: str) -> None:
    report = json.loads(barista("devices", "--device", device, "--json").stdout)
    picked = [entry for entry in report["devices"] if entry["picked"]]
    assert [entry["short_name"] for entry in picked] == [device]
    assert report["reason"] == f"it matches --device {device}"


def test_devices_says_it_to_people_too(device: str) -> None:
    result = barista("devices", "--device", device)
    assert result.returncode == 0
    assert f"-> {device}" in result.stdout
    assert "train would use" in result.stdout
    assert result.stderr == ""


def test_several_equal_devices_are_numbered() -> None:
    """Intel's emulator shows as many as it is told to."""
    listed = json.loads(barista("devices", "--device", "emulator:1", "--json", CL_CONFIG_CPU_EMULATE_DEVICES="2").stdout)
    assert [entry["index"] for entry in listed["devices"] if entry["is_emulator"]] == [0, 1]
    assert [entry["index"] for entry in listed["devices"] if entry["picked"]] == [1]


@pytest.mark.parametrize("command", ["devices", "build", "env"])
def test_a_device_that_is_not_there_is_one_sentence(command: str) -> None:
    assert sentence(barista(command, "--device", "nowhere")).startswith("no OpenCL device nowhere: this machine has ")
