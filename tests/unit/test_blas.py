"""OpenBLAS's choice of kernels, held against processors that are made up, and against the one here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from barista import doctor
from barista.doctor import State
from barista.runtime import blas
from barista.runtime.blas import Choice

AVX512 = "avx avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl"
SAPPHIRE_RAPIDS = f"{AVX512} avx512_bf16"


def cpu(flags: str, model: int = 207) -> str:
    one = f"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: {model}\nflags\t\t: fpu sse sse2 ssse3 sse4_2 {flags}\n\n"
    return one * 2


@pytest.fixture
def picked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A processor of model 207 that OpenBLAS takes for a Prescott."""
    (tmp_path / "cpuinfo").write_text(cpu(SAPPHIRE_RAPIDS))
    monkeypatch.setattr(blas, "_CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(blas, "_ask", lambda *_: "Prescott")
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    blas._mistaken.cache_clear()
    yield monkeypatch
    blas._mistaken.cache_clear()


@pytest.mark.parametrize(
    ("core", "flags", "better"),
    [
        ("Prescott", SAPPHIRE_RAPIDS, "Cooperlake"),
        ("Prescott", AVX512, "SkylakeX"),
        ("Prescott", "avx avx2 fma", "Haswell"),
        ("Nehalem", "avx", "Sandybridge"),
        ("Haswell", AVX512, "SkylakeX"),
        ("Zen", "avx avx2 fma", None),
        ("SkylakeX", SAPPHIRE_RAPIDS, None),
        ("Cooperlake", SAPPHIRE_RAPIDS, None),
        ("Haswell", "avx avx2 fma avx512f", None),  # AVX-512 without its parts
        ("Prescott", "", None),
        ("ARMV8", SAPPHIRE_RAPIDS, None),
        ("a core of next year", SAPPHIRE_RAPIDS, None),
    ],
)
def test_a_core_falls_short_where_it_leaves_a_vector_extension_unused(core: str, flags: str, better: str | None) -> None:
    assert blas.judge(core, cpu(flags)) == Choice(core, better, None)


def test_a_processor_without_such_flags_is_not_judged() -> None:
    assert blas.judge("NEOVERSEN1", "processor\t: 0\nFeatures\t: fp asimd\n").better is None


def test_what_barista_starts_gets_the_better_kernels(picked: pytest.MonkeyPatch) -> None:
    assert blas.environment() == {"OPENBLAS_CORETYPE": "Cooperlake"}
    assert blas.note() == (
        "OpenBLAS: its kernels for Prescott leave this processor's AVX-512 unused;"
        " OPENBLAS_CORETYPE=Cooperlake is set for what Barista starts"
    )


def test_doctor_says_so_and_what_to_type(picked: pytest.MonkeyPatch) -> None:
    finding = doctor._openblas("OpenBLAS", None)
    assert finding.state is State.ABSENT
    assert finding.detail == blas.note()
    assert finding.fix == "export OPENBLAS_CORETYPE=Cooperlake, for what is not started by Barista"


def test_a_setting_of_the_user_s_own_stays(picked: pytest.MonkeyPatch) -> None:
    picked.setenv(blas.VARIABLE, "Prescott")
    assert blas.environment() == {}
    assert blas.note() == ""
    finding = doctor._openblas("OpenBLAS", None)
    assert finding.detail.endswith("unused, as OPENBLAS_CORETYPE=Prescott asks")
    assert finding.fix == "unset OPENBLAS_CORETYPE"


def test_another_blas_is_left_alone(picked: pytest.MonkeyPatch) -> None:
    picked.setattr(blas, "_ask", lambda *_: "")
    assert blas.choice() is None
    assert blas.environment() == {}
    assert doctor._openblas("OpenBLAS", None).state is State.OK


def test_the_fastest_kernels_are_those_that_took_least(picked: pytest.MonkeyPatch) -> None:
    seconds = {"SkylakeX": "SkylakeX 0.5", "Cooperlake": "Cooperlake 0.25", "SapphireRapids": ""}  # its instructions are missing
    picked.setattr(blas, "_ask", lambda _, variables: seconds[variables[blas.VARIABLE]])
    assert blas.fastest() == "Cooperlake"
