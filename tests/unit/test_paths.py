"""Where things lie: the cache, Caffe in each of its forms, and the plugin."""

from pathlib import Path

import pytest
from setting_up import touch

from barista import paths
from barista.errors import BaristaError


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
