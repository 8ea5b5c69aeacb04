"""Devices under test: a test that asks for `device` runs on each of them.

`pytest --device pocl`, or BARISTA_TEST_DEVICE=pocl, runs on that one alone; else on Intel's emulator and on PoCL.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from processes import Devices

from barista.bitstream.manifest import Bitstream, open_bitstream
from barista.opencl.devices import Device

# Fixtures of several test files.
pytest_plugins = ["setting_up", "solver_folder"]
DEVICES = ("emulator", "pocl")
TESTS = Path(__file__).parent
UNIT_SECONDS = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default=os.environ.get("BARISTA_TEST_DEVICE"), help="the one device to test (default: all)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--device")
        metafunc.parametrize("device", [chosen] if chosen else DEVICES, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have a minute each; a mark of their own goes first."""
    for item in items:
        if "unit" in item.path.relative_to(TESTS).parts and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(UNIT_SECONDS))


@pytest.fixture(scope="session")
def devices() -> Devices:
    """Bitstreams by device, each resolved once a session."""
    return Devices()


@pytest.fixture
def bitstream(device: str, devices: Devices) -> Bitstream:
    """The device's bitstream in the user's cache, built where it was missing."""
    return devices.of(device)[0]


@pytest.fixture
def opencl_device(device: str, devices: Devices) -> Device:
    return devices.of(device)[1]


@pytest.fixture
def copied(bitstream: Bitstream, tmp_path: Path) -> Path:
    """A copy of the device's bitstream, to be spoiled."""
    folder = tmp_path / "copied"
    folder.mkdir()
    for path in (bitstream.path, bitstream.path.with_suffix(".json")):
        (folder / path.name).write_bytes(path.read_bytes())
    assert open_bitstream(folder / bitstream.path.name).kernels == bitstream.kernels
    return folder / bitstream.path.name
