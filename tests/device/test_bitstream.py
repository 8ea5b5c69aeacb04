"""Bitstreams: what is in them, when they are built anew, and which are refused."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import ROOT, barista, run, sentence

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream import cache
from barista.bitstream import recipe as recipes
from barista.bitstream.manifest import Bitstream, open_bitstream
from barista.bitstream.source import read_source
from barista.bitstream.toolchains import aoc
from barista.errors import BaristaError
from barista.opencl import devices

BAD_KERNEL = "__kernel void broken(__global float* x) {\n  x[0] = nothing;\n}\n"


def test_the_manifest_says_what_it_was_made_from_and_for(bitstream: Bitstream, opencl_device: devices.Device) -> None:
    manifest = bitstream.manifest
    assert manifest["recipe"] == recipes.load("emulator").raw
    assert manifest["source_sha256"] == read_source().sha256
    here = {"platform": opencl_device.platform, "device": opencl_device.name, "driver": opencl_device.driver}
    assert {key: manifest[key] for key in here} == here
    assert manifest["clock_mhz"] is None
    assert manifest["resources"] is None


def test_the_manifest_gives_every_kernel_with_its_arguments(bitstream: Bitstream) -> None:
    """As the compiler tells them; the preprocessed source must say the same, since a board's compiler does not tell."""
    recipe = recipes.load("emulator")
    source = read_source()
    assert bitstream.manifest["kernels"] == aoc.kernel_signatures(source, [f"-I{source.folder}", *recipe.defines()])
    assert {"multiply_0", "multiply_1"} <= set(bitstream.kernels)


def test_what_is_in_the_cache_is_not_built_again(bitstream: Bitstream, device: str) -> None:
    before = bitstream.path.stat().st_mtime_ns
    result = barista("build", "--device", device)
    assert result.returncode == 0
    assert str(bitstream.path) in result.stdout
    assert "building" not in result.stdout
    assert bitstream.path.stat().st_mtime_ns == before


def test_one_that_was_spoiled_in_the_cache_is_built_again(copied: Path, device: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "bitstreams").mkdir(parents=True)
    for path in (copied, copied.with_suffix(".json")):
        path.rename(cache / "bitstreams" / path.name)
    spoiled = cache / "bitstreams" / copied.name
    spoil(spoiled)
    result = barista("build", "--device", device, BARISTA_CACHE=str(cache))
    assert result.returncode == 0, result.stderr
    assert "building" in result.stdout
    assert open_bitstream(spoiled).recipe.name == "emulator"


def test_builds_at_once_make_one_and_all_have_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "barista", "build", "--device", "pocl"]
    environment = {**os.environ, "BARISTA_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert sum("building" in text for text in said) == 1
    made = [path.name for path in (tmp_path / "bitstreams").iterdir() if not path.name.startswith(".")]
    assert sorted(Path(name).suffix for name in made) == [".aocx", ".json"]


@pytest.mark.parametrize("change", ["recipe", "common.h", "interface/class_axis.h", "driver", "options"])
def test_whatever_it_is_made_of_changes_its_name(change: str, tmp_path: Path) -> None:
    device = devices.Device("platform", "1", "device", "driver 1", "1", "cpu", 1, 1, 0)
    recipe, source = recipes.load("emulator"), read_source()

    def name() -> str:
        identity = [device.platform, device.name, device.driver if change != "driver" else "driver 2"]
        return cache.path_of(recipe, "device", identity, source, options).name

    options = ["-cl-opt-disable"] if change == "options" else []
    before = cache.path_of(recipe, "device", [device.platform, device.name, device.driver], source, []).name
    if change == "recipe":
        recipe = recipes.Recipe.from_dict({**recipe.raw, "pe_rows": recipe.pe_rows + 1}, "emulator.json")
    if change.endswith(".h"):
        shutil.copytree(paths.kernels_dir(), tmp_path, dirs_exist_ok=True)
        with open(tmp_path / change, "a") as header:
            header.write("// a comment\n")
        source = read_source(tmp_path)
    assert name() != before


def test_a_device_without_room_for_the_grid_is_refused_with_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    small = devices.Device("platform", "1", "a small device", "driver", "1", "cpu", 1 << 30, 512 << 10, 0)
    monkeypatch.setattr(devices, "devices", lambda environment: [small])
    sentence = r"recipe emulator: .* PE array has [\d,]+ bytes of on-chip memory, a small device lets a kernel have 524,288; build"
    with pytest.raises(BaristaError, match=sentence):
        bitstreams.build(recipes.load("emulator"), "a small device")


def spoil(path: Path) -> None:
    """Changes one bit in the middle."""
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def rewrite_manifest(path: Path, **changes: Any) -> None:
    manifest = json.loads(path.with_suffix(".json").read_text())
    manifest.update(changes)
    path.with_suffix(".json").write_text(json.dumps({key: value for key, value in manifest.items() if value is not ...}))


def refusal(path: Path) -> str:
    return sentence(barista("env", "--bitstream", path))


def test_one_bit_wrong_is_refused(copied: Path) -> None:
    spoil(copied)
    said = refusal(copied)
    assert (
        said
        == f"bitstream {copied} is corrupt: its SHA-256 is not the one in its manifest; rebuild it with 'barista build emulator'"
    )


def test_one_cut_short_is_refused(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes()[:100])
    assert "is corrupt" in refusal(copied)


def test_one_for_another_driver_is_refused(copied: Path, opencl_device: devices.Device) -> None:
    rewrite_manifest(copied, driver="2025.0.5")
    expected = f"built for driver 2025.0.5, this is {opencl_device.driver}; rebuild it with 'barista build emulator'"
    assert refusal(copied) == f"bitstream {copied.name}: {expected}"


def test_one_for_another_device_is_refused(copied: Path, opencl_device: devices.Device) -> None:
    rewrite_manifest(copied, device="Stratix 10")
    assert f"built for device Stratix 10, this is {opencl_device.name}" in refusal(copied)


def test_one_for_another_platform_is_refused(copied: Path) -> None:
    rewrite_manifest(copied, platform="Elsewhere")
    assert "built for Elsewhere, and no device of it is here" in refusal(copied)


def test_one_for_another_device_than_asked_is_refused(copied: Path, device: str) -> None:
    other = "pocl" if device == "emulator" else "emulator"
    assert "built for platform" in sentence(barista("env", "--bitstream", copied, "--device", other))


def test_one_without_its_manifest_is_refused(copied: Path) -> None:
    copied.with_suffix(".json").unlink()
    assert f"{copied.with_suffix('.json')} is missing" in refusal(copied)


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "is missing" in refusal(tmp_path / "nowhere.aocx")


def test_a_manifest_that_is_no_json_is_refused(copied: Path) -> None:
    copied.with_suffix(".json").write_text("{")
    assert "is not JSON" in refusal(copied)


def test_a_manifest_of_another_version_is_refused(copied: Path) -> None:
    rewrite_manifest(copied, manifest_version=9)
    assert "its manifest is of version 9, this Barista reads 1" in refusal(copied)


@pytest.mark.parametrize("key", ["recipe", "driver", "binary_sha256", "kernels"])
def test_a_manifest_that_lacks_something_is_refused(copied: Path, key: str) -> None:
    rewrite_manifest(copied, **{key: ...})
    assert f"its manifest lacks {key}" in refusal(copied)


def test_kernels_that_do_not_compile_are_one_sentence_and_a_log(
    tmp_path: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARISTA_CACHE", str(tmp_path / "cache"))
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    (kernels / "broken.cl").write_text(BAD_KERNEL)
    monkeypatch.setattr(paths, "kernels_dir", lambda: kernels)
    with pytest.raises(BaristaError) as caught:
        bitstreams.build(recipes.load("emulator"), device)
    said = str(caught.value)
    assert "broken.cl:2:10: use of undeclared identifier 'nothing'" in said
    log = Path(said.rpartition("log is ")[2])
    assert "undeclared identifier" in log.read_text()
    assert not list((tmp_path / "cache" / "bitstreams").glob("*.aocx"))


def test_a_disk_that_is_full_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for it: the bitstream does not fit."""
    limited = f"ulimit -f 64; exec {sys.executable} -m barista build --device pocl"
    result = run(["sh", "-c", limited], BARISTA_CACHE=str(tmp_path))
    assert "file too large" in sentence(result).lower()
    assert [path.name for path in (tmp_path / "bitstreams").iterdir() if not path.name.endswith(".lock")] == []


def test_a_cache_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert str(tmp_path / "file") in sentence(barista("build", BARISTA_CACHE=str(tmp_path / "file" / "cache")))


def test_no_kernels_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BaristaError, match="has no .cl file"):
        read_source(tmp_path)


FAKE_AOC = """#!/bin/sh
if [ "$1" = -version ]; then echo "Intel(R) FPGA SDK for OpenCL(TM) Version 20.3.0 Build 168"; exit 0; fi
echo "$@" > "$(dirname "$0")/called"
while [ "$1" != -o ]; do shift; done
echo binary > "$2"
mkdir "${2%.aocx}"
printf 'ALUTs: 231541\\nDSP blocks: 1060\\nKernel fmax: 241.25\\n' > "${2%.aocx}/acl_quartus_report.txt"
"""


def test_a_board_s_recipe_is_built_by_aoc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in that does what aoc's manual says of its files; the real one was not at hand."""
    aoc = fake_aoc(tmp_path, FAKE_AOC, monkeypatch)
    made = bitstreams.build(recipes.load("arria10-gx1150"))
    called = (aoc.parent / "called").read_text()
    assert "-board=a10gx" in called
    assert "-DFOR_BOARD" in called
    assert "-DPE_DEPTH=4" in called
    assert made.manifest["clock_mhz"] == 241.25
    assert made.manifest["resources"] == {"ALUTs": "231541", "DSP blocks": "1060"}
    assert made.manifest["driver"] == "20.3.0"
    assert "multiply_0" in made.kernels
    assert "multiply_1" not in made.kernels


def test_where_aoc_fails_it_is_one_sentence_and_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_aoc(tmp_path, "#!/bin/sh\necho 'Error: license not found' >&2\nexit 2\n", monkeypatch)
    with pytest.raises(BaristaError, match="aoc ended with status 2 for board a10gx; the compiler's log is ") as caught:
        bitstreams.build(recipes.load("arria10-gx1150"))
    assert "license not found" in Path(str(caught.value).rpartition("log is ")[2]).read_text()


def fake_aoc(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    tools = folder / "tools"
    tools.mkdir()
    aoc = tools / "aoc"
    aoc.write_text(script)
    aoc.chmod(aoc.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("BARISTA_CACHE", str(folder / "cache"))
    return aoc
