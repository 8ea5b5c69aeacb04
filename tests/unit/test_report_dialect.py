"""What Intel's dialect adds is read from the source, and clang takes what is left."""

from __future__ import annotations

import pytest

from barista.errors import BaristaError
from barista.report import clang, dialect, program
from barista.report.dialect import LoopPragmas


def read(text: str) -> dialect.Dialect:
    return dialect.read(f'# 1 "k.cl"\n{text}')


def test_pragmas_belong_to_the_loop_that_follows() -> None:
    found = read(
        "#define FAR 64\n#pragma ivdep array(x) safelen(FAR)\n#pragma loop_coalesce 3\nfor (;;)\n#pragma unroll (2 * 4)\nfor (;;) ;"
    ).loops
    assert found == {
        ("k.cl", 4): LoopPragmas(ivdep=[("x", 64)], coalesce=3),
        ("k.cl", 6): LoopPragmas(unroll=8),
    }


def test_attributes_of_memories_are_known_by_kernel_and_name() -> None:
    text = """
__kernel void k(__global int* a) {
  __local int __attribute__((numbanks(4))) before[8];
  if (a[0]) { before[0] = 1; }
}
float16 __attribute__((memory, numbanks(16), singlepump)) before[2][16];
__local int after[8] __attribute__((bank_bits(3, 4), doublepump));
int __attribute__((aligned(16))) other[4];
"""
    found = read(text)
    elsewhere = {
        "before": {"memory": "", "numbanks": "16", "singlepump": ""},
        "after": {"bank_bits": "3, 4", "doublepump": ""},
    }
    assert found.attributes("another") == elsewhere
    assert found.attributes("k") == elsewhere | {"before": {"numbanks": "4"}}
    assert "numbanks" not in found.text
    assert "aligned(16)" in found.text
    assert found.text.count("\n") == text.count("\n") + 1


def test_a_channel_has_two_ends_a_width_and_a_depth() -> None:
    text = """
typedef struct { float16 s[2]; } pair;
channel pair wide __attribute__((depth(64)));
channel float narrow[2];
__kernel void reader(__global const float16* restrict a, int n) {
  for (int i = 0; i < n; i++) { pair p; p.s[0] = a[2 * i]; p.s[1] = a[2 * i + 1]; write_channel_intel(wide, p); }
}
__kernel void writer(__global float* restrict b, int n) {
  for (int i = 0; i < n; i++) { pair p = read_channel_intel(wide); b[i] = p.s[1].s3; write_channel_intel(narrow[1], p.s[0].s0); }
}
"""
    made = program.report(text)
    assert [(one.name, one.bits, one.depth, one.number) for one in made.channels] == [("wide", 1024, 64, 1), ("narrow", 32, 0, 2)]
    ends = {kernel.name: [(end.channel, end.kind, end.bits) for end in kernel.channel_ends] for kernel in made.kernels}
    assert ends == {"reader": [("wide", "write", 1024)], "writer": [("wide", "read", 1024), ("narrow", "write", 32)]}
    assert [(kernel.loads, kernel.stores) for kernel in made.kernels] == [(2, 0), (0, 1)]
    assert [unit.width for unit in made.kernels[0].units] == [128]


def test_a_kernel_is_there_as_often_as_it_has_compute_units() -> None:
    text = "__attribute__((num_compute_units(3, 2))) __kernel void k(__global int* restrict b) { b[0] = %s; }"
    six, one = program.report(text % "get_compute_id(0)"), program.report("__kernel void k(__global int* restrict b) { b[0] = 1; }")
    assert (six.kernels[0].copies, one.kernels[0].copies) == (6, 1)
    of_units = [[item.area.aluts for item in made.items if item.what == "load-store units"] for made in (six, one)]
    assert of_units[0] == [6 * aluts for aluts in of_units[1]]


LONG = """__kernel void k(__global const float* restrict a, __global float* restrict b, int n) {
  float r[1024];
  for (int i = 0; i < n; i++) {
    float last = r[%d];
    #pragma unroll
    for (int j = 1023; j > 0; j--) r[j] = r[j - 1];
    r[0] = a[i] + last;
    b[i] = last;
  }
}"""


@pytest.mark.parametrize(("tap", "blocks"), [(1023, 2), (300, 1)])
def test_a_long_shift_register_is_as_long_as_its_last_tap(tap: int, blocks: int) -> None:
    (kernel,) = program.report(LONG % tap).kernels
    assert [shift.words for shift in kernel.shifts] == [tap]
    assert kernel.memories == []
    assert [item.area.m20k for item in kernel.items if item.what == "shift registers"] == [blocks]
    assert [(loop.interval, loop.depth) for loop in kernel.loops] == [(1, 1)]


def test_text_that_clang_does_not_take_is_told_with_its_line() -> None:
    with pytest.raises(BaristaError, match=r"clang.* does not compile the kernels: k\.cl:2:\d+: error: "):
        clang.compile_program("__kernel void k(void) {\n  nothing;\n}", name="k.cl")
