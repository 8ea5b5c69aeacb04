"""The OpenBLAS of the Caffe in use, asked for its kernels and timed."""

from __future__ import annotations

import os
from pathlib import Path

from barista.runtime import blas


def test_caffe_here_multiplies_with_kernels_that_are_known() -> None:
    """Asked of the real one, as it is and as it is told."""
    found = blas.choice()
    assert found is not None
    assert found.core.lower() in blas._EXTENSION_OF
    assert blas._ask("core", {blas.VARIABLE: "Nehalem"}) == "Nehalem"
    assert blas.judge("Nehalem", Path("/proc/cpuinfo").read_text()).better == blas._best(Path("/proc/cpuinfo").read_text())


def test_the_fastest_kernels_here_use_all_that_the_processor_has() -> None:
    core = blas.fastest()
    assert core is not None
    assert blas.judge(core, Path("/proc/cpuinfo").read_text(), os.environ.get(blas.VARIABLE)).better is None
