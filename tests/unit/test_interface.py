"""What kernels and host both compile, opencl_kernels/interface/: every structure's size is held on both sides."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from barista import paths

INTERFACE = paths.kernels_dir() / "interface"
HEADERS = sorted(path for path in INTERFACE.glob("*.h") if path.name != "words.h")


def structures() -> dict[str, str]:
    """The members of each, without comments."""
    text = re.sub(r" *//[^\n]*", "", "".join(path.read_text() for path in HEADERS))
    return {match[2]: match[1] for match in re.finditer(r"^typedef struct \{\n(.*?)^\} (\w+);", text, re.MULTILINE | re.DOTALL)}


def compiled(header: Path, folder: Path, language: str) -> subprocess.CompletedProcess[str]:
    clang = next(filter(None, map(shutil.which, ("clang-15", "clang", "clang-14"))), None)
    assert clang, "no clang; install Debian's package clang-15, which PoCL needs as well"
    options = {"c++": ["-std=c++17"], "cl": ["-cl-std=CL1.2", "-target", "spir64"]}[language]
    command = [clang, "-x", language, *options, "-fsyntax-only", f"-I{folder}", str(header)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_structure_states_its_words() -> None:
    text = "".join(path.read_text() for path in HEADERS)
    assert set(re.findall(r"^INTERFACE_WORDS\((\w+), \d+\);$", text, re.MULTILINE)) == set(structures())


def test_every_member_is_a_word() -> None:
    """So equal sizes leave no room for padding, and offsets are equal too."""
    words = {"int", "unsigned int", "float", *structures()}
    declared = [member.strip() for members in structures().values() for member in members.split(";") if member.strip()]
    assert {re.match(r"unsigned int|\w+", member)[0] for member in declared} <= words  # type: ignore[index]


@pytest.mark.parametrize("language", ["c++", "cl"])
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.stem)
def test_a_structure_of_another_size_is_refused(header: Path, language: str, tmp_path: Path) -> None:
    shutil.copytree(INTERFACE, tmp_path / "interface")
    assert compiled(header, tmp_path, language).returncode == 0
    copy = tmp_path / "interface" / header.name
    copy.write_text(header.read_text().replace("typedef struct {\n", "typedef struct {\n  int one_more;\n", 1))
    refused = compiled(copy, tmp_path, language)
    assert refused.returncode != 0
    assert re.search("_is_of_another_size|words of 32 bits", refused.stderr)
