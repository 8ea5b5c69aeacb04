"""Every kernel under Debian's oclgrind: no access out of bounds, no race, no read of what nobody wrote.

Oclgrind interprets one instruction at a time, so of each operation's C++ tests only those against its formula run here, on few and
small problems of the shared list. What it can't see: a race between two launches (it runs them one after the other), and what a
device would make of a wrong `ivdep`; for these there are the tests of order in tests/cpp/test_device.cpp and of the plans.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import shapes
from processes import ROOT

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream.toolchains import opencl
from barista.opencl import devices

FORMULA_TESTS = "*Formula*"
# How many of the smallest problems run: one of convolution takes a second, most of which is clearing the array's memories.
SMALLEST = {"convolution": 4, "inner_product": 4, "pooling": 8}
# And the smallest that has each of these, so that no way through a kernel is left out.
FEATURES = {
    "convolution": (r"g[2-9]", r"sh[2-9]", r"dh[2-9]", r"ph[1-9]", r"kh[2-9]kw[2-9]", r"n(9|1\d)g", r"o1[7-9]"),
    "inner_product": (r"t1", r"n(9|1\d)k", r"o[2-9]\d"),
    "pooling": (r"max.*ph[1-9]", r"ave.*ph[1-9]", r"ave.*r0", r"max.*r0", r"c1[7-9]", r"w[2-9]\d"),
}
# What oclgrind's messages begin with. Its notes on how the program itself calls OpenCL are not asked for.
MESSAGE = re.compile(
    r"^(Invalid (?:read|write)|.*exceeds static array size|.*data race|Uninitialized|Controlflow depends on uninit|Oclgrind:).*$",
    re.MULTILINE,
)
CHECKS = {"OCLGRIND_DATA_RACES": "1", "OCLGRIND_UNINITIALIZED": "1"}

# One kernel for each kind of mistake. Sizes come from the host, so that no compiler can see it.
MISTAKES = {
    "store beyond a buffer": ("Invalid write", "x[n] = 1;", 1),
    "store beyond on-chip memory": ("Invalid write", "__local float t[4]; for (int i = 0; i < n; i++) t[i] = i; x[0] = t[0];", 1),
    "on-chip memory that nobody wrote": (
        "Uninitialized",
        "__local float t[64]; for (int i = 0; i < n; i++) t[i] = i; x[0] = t[n];",
        1,
    ),
    "a buffer that nobody wrote": ("Uninitialized", "x[0] = x[1] + 1;", 1),
    "two work-items at one word": ("data race", "x[0] = get_global_id(0);", 4),
}
RUN_ONE_KERNEL = """
import sys
import numpy as np, pyopencl as cl
device = next(d for p in cl.get_platforms() if "Oclgrind" in p.name for d in p.get_devices())
context = cl.Context([device])
queue = cl.CommandQueue(context)
source = "__kernel void mistake(__global float* x, int n) { " + sys.argv[1] + " }"
program = cl.Program(context, source).build(options=["-cl-opt-disable"], cache_dir=False)
program.mistake(queue, (int(sys.argv[2]),), (1,), cl.Buffer(context, 0, 32), np.int32(8))
queue.finish()
"""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_oclgrind_finds_each_kind_of_mistake(mistake: str) -> None:
    """So that its silence below means something."""
    kind, body, items = MISTAKES[mistake]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ONE_KERNEL, body, str(items)], env=environment(), capture_output=True, text=True, check=True
    )
    assert any(kind in message for message in messages(done.stderr)), done.stderr


def programs() -> list[str]:
    """The C++ tests of operations: those that run on a device, without Caffe, and compare with a formula."""
    found = []
    for path in sorted((ROOT / "tests" / "cpp").glob("test_*.cpp")):
        text = path.read_text()
        needs_caffe = re.search(r'#include "(caffe|layers|memory)/', text)
        if re.search(r"Formula\w*\)", text) and '#include "ops/' in text and not needs_caffe:
            found.append(path.stem)
    return found


@dataclass(frozen=True)
class Run:
    status: int
    output: str
    messages: list[str]
    kernels: frozenset[str]  # those that ran


@functools.cache
def run(program: str) -> Run:
    bitstream, device = bitstreams.resolve("oclgrind")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as few:
        json.dump({operation: few_problems(operation) for operation in SMALLEST}, few)
        few.flush()
        variables = environment(**bitstreams.environment(bitstream, device), BARISTA_TEST_SHAPES=few.name, OCLGRIND_INST_COUNTS="1")
        command = [str(program_file(program)), f"--gtest_filter={FORMULA_TESTS}"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=280, check=False)
    ran = frozenset(re.findall(r"Instructions executed for kernel '(\w+)'", done.stdout))
    return Run(done.returncode, done.stdout[-4000:] + done.stderr[:4000], messages(done.stderr), ran)


@pytest.mark.parametrize("program", programs())
def test_no_kernel_makes_a_mistake(program: str) -> None:
    done = run(program)
    assert done.messages == [], done.output
    assert done.status == 0, done.output
    assert done.kernels


def test_every_kernel_ran() -> None:
    """Of both compute units: a kernel that no program above reaches is not checked, and this says so."""
    ran = frozenset().union(*(run(program).kernels for program in programs()))
    assert ran == set(bitstreams.resolve("oclgrind")[0].kernels)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **devices.environment("oclgrind"), **CHECKS, **more}


def messages(output: str) -> list[str]:
    return [match.group() for match in MESSAGE.finditer(output)]


def program_file(name: str) -> Path:
    """A C++ test program: where CMake puts it, in the plugin's build folder or the checkout's."""
    folders = [paths.plugin_library().parent, ROOT / "build"]
    found = [folder / "tests" / "cpp" / name for folder in folders if (folder / "tests" / "cpp" / name).is_file()]
    assert found, f"{name} is not built: run 'make test', or build with -DBARISTA_BUILD_TESTS=ON"
    return found[0]


def few_problems(operation: str) -> dict[str, str]:
    """The smallest problems of `operation` in the shared list, by name."""
    problems = json.loads(shapes.SHAPES_FILE.read_text())[operation]
    by_work = sorted(problems, key=lambda name: work(problems[name]))
    chosen = by_work[: SMALLEST[operation]]
    for feature in FEATURES[operation]:
        chosen.append(next(name for name in by_work if re.search(feature, problems[name])))
    return {name: problems[name] for name in dict.fromkeys(chosen)}


def work(problem: str) -> int:
    """A measure of how long a problem takes: its images, channels, pixels and taps multiplied."""
    product = 1
    for key, value in re.findall(r"([a-z]+)(\d+)", problem):
        if key not in ("sh", "sw", "ph", "pw", "dh", "dw", "r", "t"):
            product *= max(int(value), 1)
    return product


def test_kernels_are_checked_as_they_are_written() -> None:
    """Without an optimiser, which folds away reads of what nobody wrote before oclgrind sees them."""
    assert "-cl-opt-disable" in opencl._DEVICE_OPTIONS["oclgrind"]
