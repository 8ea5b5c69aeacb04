"""The set-up's stock Caffe: what was cut off never counts, and a Caffe that is there gets the mends of today."""

import shutil
from pathlib import Path

import pytest
from processes import ROOT
from setting_up import Recorder, touch

from barista import paths
from tools.set_up import caffe, pycaffe
from tools.set_up.commands import Runner
from tools.set_up.setting import Setting, SetUpError


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
