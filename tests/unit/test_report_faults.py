"""One fault of each kind that a compiler for FPGAs punishes, planted.

The report finds it, and does not find it in the mended twin.
"""

from __future__ import annotations

from barista.bitstream import fpga
from barista.report import findings, program
from barista.report.findings import Finding
from barista.report.program import KernelReport

DEVICE = "arria10-gx1150"
HEAD = "__attribute__((max_global_work_dim(0))) __kernel void k"


def report(text: str, device: str = DEVICE) -> tuple[KernelReport, list[Finding]]:
    """The report of the one kernel `k` of a program, and what there is to say of it."""
    made = program.report(text, device=device)
    (kernel,) = made.kernels
    return kernel, findings.findings(made, fpga.load(device))


def says(found: list[Finding], words: str) -> bool:
    return any(words in finding.text for finding in found)


def test_a_ragged_access_is_a_unit_a_word() -> None:
    ragged = """(__global const float* restrict a, __global float16* restrict b, int n) {
      for (int i = 0; i < n; i += 16) {
        float16 v = 0;
        if (i + 16 <= n) v = vload16(0, a + i);
        else {
          float single[16];
          #pragma unroll
          for (int j = 0; j < 16; j++) single[j] = i + j < n ? a[i + j] : 0;
          v = vload16(0, single);
        }
        b[i / 16] = v;
      }
    }"""
    kernel, found = report(HEAD + ragged)
    assert (kernel.loads, kernel.stores) == (17, 1)
    assert says(found, "loads of a are 17 units: 16 narrow ones beside one of 64 bytes")
    whole = """(__global const float* restrict a, __global float16* restrict b, int n) {
      for (int i = 0; i < n; i += 16) b[i / 16] = vload16(0, a + i);
    }"""
    kernel, found = report(HEAD + whole)
    assert [(unit.kind, unit.name, unit.width) for unit in kernel.units] == [
        ("load", "prefetching", 64),
        ("store", "burst-coalesced", 64),
    ]
    assert not says(found, "narrow")


def test_an_address_that_is_no_multiple_of_its_width_is_not_aligned() -> None:
    kernel, _ = report(
        HEAD
        + "(__global const float* restrict a, __global float* restrict b, int n) {"
        + " for (int i = 0; i < n; i++) b[i] = vload4(0, a + i).s3; }"
    )
    assert kernel.units[0].name == "burst-coalesced non-aligned"


def test_a_second_writer_of_a_memory() -> None:
    text = """(__global const float* restrict a, __global float* restrict b, int n) {
      __local float m[1024];
      for (int i = 0; i < n; i++) m[i & 1023] = a[i];
      %s
      for (int i = 0; i < n; i++) b[i] = m[(i * 7) & 1023];
    }"""
    one, _ = report(HEAD + text % "")
    assert [(memory.reads, memory.writes, memory.stall_free) for memory in one.memories] == [(1, 1, True)]
    two, found = report(HEAD + text % "for (int i = 0; i < n; i++) m[i & 511] = 0; for (int i = 0; i < n; i++) m[i & 255] = 1;")
    assert [(memory.reads, memory.writes, memory.stall_free) for memory in two.memories] == [(1, 3, False)]
    assert says(found, "1 reads and 3 writes reach a bank of m; they wait for each other")


# The example of the Best Practices Guide, "Improving Kernel Performance by Banking the Local Memory".
BANKED = """(__global const int* restrict a, __global int* restrict b, int n) {
  __local int %s m[8][4];
  for (int i = 0; i < n; i++) {
    int x = a[i];
    #pragma unroll
    for (int j = 0; j < 8; j++) m[j][x %s] = i + j;
    int sum = 0;
    #pragma unroll
    for (int j = 0; j < 8; j++) sum += m[j][x %s];
    b[i] = sum;
  }
}"""


def test_an_unbanked_read_is_found_and_a_masked_index_mends_it() -> None:
    kernel, found = report(HEAD + BANKED % ("", "", ""))
    (memory,) = kernel.memories
    assert (memory.banks, memory.reads, memory.writes, memory.stall_free) == (1, 8, 8, False)
    assert says(found, "8 reads and 8 writes reach a bank of m; they wait for each other")
    kernel, found = report(HEAD + BANKED % ("__attribute__((numbanks(2 * (4)), bankwidth((16))))", "& 3", "& 3"))
    (memory,) = kernel.memories
    assert (memory.banks, memory.reads, memory.writes, memory.stall_free) == (8, 1, 1, True)
    assert not says(found, "wait for each other")


NEST = """(__global const float* restrict a, __global float* restrict b, int n, int m, int stride) {
  __local float sums[1024];
  %s
  for (int i = 0; i < n; i++) {
    int at = i;
    %s
    for (int j = 0; j < m; j++) {
      sums[at & 1023] += a[j];
      at += stride;
    }
  }
  for (int i = 0; i < n; i++) b[i] = sums[i & 1023];
}"""


def test_ivdep_on_the_outer_loop_of_a_coalesced_nest_does_not_reach() -> None:
    ivdep = "#pragma ivdep array(sums) safelen(64)\n"
    kernel, found = report(HEAD + NEST % (ivdep + "#pragma loop_coalesce 2\n", ""))
    inner = next(loop for loop in kernel.loops if loop.depth == 2)
    assert inner.ivdep_out_of_reach == ("sums",)
    assert inner.interval is not None
    assert inner.interval > 1
    assert says(found, "the ivdep of sums stands on an outer loop")
    kernel, found = report(HEAD + NEST % ("", ivdep))
    inner = next(loop for loop in kernel.loops if loop.depth == 2)
    assert (inner.interval, inner.ivdep_out_of_reach) == (1, ())
    assert not any(finding.fails for finding in found)


def test_a_structure_as_an_argument() -> None:
    structure = "typedef struct { int n, m; } sizes;\n"
    kernel, found = report(structure + HEAD + "(__global int* restrict b, const sizes s) { b[s.n] = s.m; }")
    assert kernel.arguments.structures == ("s",)
    assert any(finding.fails for finding in found)
    kernel, found = report(structure + HEAD + "(__global int* restrict b, __global const sizes* restrict s) { b[s->n] = s->m; }")
    assert kernel.arguments.structures == ()
    assert not any(finding.fails for finding in found)


def test_arguments_of_more_than_256_bytes() -> None:
    many = ", ".join(f"int a{index}" for index in range(70))
    _, found = report(f"{HEAD}(__global int* restrict b, {many}) {{ b[0] = a0 + a69; }}")
    assert says(found, "arguments of 288 bytes; at most 256 are allowed")


SHIFT = """(__global const float* restrict a, __global float* restrict b, int n) {
  float r[32];
  #pragma unroll
  for (int j = 0; j < 32; j++) r[j] = 0;
  for (int i = 0; i < n; i++) {
    #pragma unroll
    for (int j = 31; j > 0; j--) r[j] = r[j - 1];
    r[0] = a[i];
    b[i] = r[%s];
  }
}"""


def test_a_shift_register_with_a_variable_index_becomes_memory() -> None:
    kernel, found = report(HEAD + SHIFT % "i & 31")
    assert [memory.name for memory in kernel.memories] == ["r"]
    assert says(found, "private array r of 128 bytes has a variable index")
    kernel, found = report(HEAD + SHIFT % "31")
    assert kernel.memories == []
    assert not says(found, "variable index")


def test_an_integer_division_in_a_loop() -> None:
    text = HEAD + "(__global int* restrict b, int n, int m) { for (int i = 0; i < n; i++) b[i] = %s; }"
    kernel, found = report(text % "i / m + i % 7")
    assert {one.name for one in kernel.operators.costly} == {"divide", "remainder"}
    assert says(found, "1 integer divides")
    kernel, found = report(text % "i / 8 + (i & 7)")
    assert kernel.operators.costly == []
    assert not says(found, "integer")


SUM = """(__global const float* restrict a, __global float* restrict b, int n) {
  float sum[%d];
  #pragma unroll
  for (int j = 0; j < %d; j++) sum[j] = 0;
  %s
  for (int i = 0; i < n; i++) {
    float next = sum[%d] + a[i];
    #pragma unroll
    for (int j = %d; j > 0; j--) sum[j] = sum[j - 1];
    sum[0] = next;
  }
  float all = 0;
  #pragma unroll
  for (int j = 0; j < %d; j++) all += sum[j];
  b[0] = all;
}"""


def test_a_float_accumulation_takes_more_than_a_cycle() -> None:
    one = HEAD + SUM % (1, 1, "#pragma ii 1", 0, 0, 1)
    kernel, found = report(one, "stratix10-gx2800")
    (loop,) = kernel.loops
    assert (loop.interval, loop.wanted) == (8, 1)
    assert "fadd" in loop.bound
    assert any(finding.fails for finding in found)
    kernel, found = report(HEAD + SUM % (8, 8, "#pragma ii 1", 7, 7, 8), "stratix10-gx2800")
    (loop,) = kernel.loops
    assert loop.interval == 1
    assert not any(finding.fails for finding in found)


def test_an_arria_10_accumulates_in_a_cycle_unless_something_is_chosen() -> None:
    text = """(__global const float* restrict a, __global float* restrict b, int n) {
      float sum = 0;
      for (int i = 0; i < n; i++) %s;
      b[0] = sum;
    }"""
    (plain,) = report(HEAD + text % "sum += a[i]")[0].loops
    assert plain.interval == 1
    (chosen,) = report(HEAD + text % "sum = (i & 7 ? sum : 0) + a[i]")[0].loops
    assert chosen.interval == 3


def test_an_array_of_an_iteration_carries_nothing_to_the_next() -> None:
    text = """(__global const float* restrict a, __global float* restrict b, int n) {
      %s
      for (int i = 0; i < n; i++) {
        %s
        #pragma unroll
        for (int j = 0; j < 4; j++) r[j] = a[4 * i + j];
        r[i & 3] += 1;
        b[i] = r[(i + 1) & 3];
      }
    }"""
    (inside,) = report(HEAD + text % ("", "float r[4];"))[0].loops
    assert inside.interval == 1


def test_what_an_outer_loop_carries_bounds_the_inner_one_unless_it_is_not_pipelined() -> None:
    text = """(__global const float* restrict a, __global float* restrict b, int n, int m) {
      __local float sums[1024];
      %s
      for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) sums[j] += a[i + j];
      for (int i = 0; i < n; i++) b[i] = sums[i & 1023];
    }"""
    nested = [loop.interval for loop in report(HEAD + text % "")[0].loops if loop.depth == 2]
    assert nested == [5]
    serial = [loop.interval for loop in report(HEAD + text % "#pragma disable_loop_pipelining")[0].loops if loop.depth == 2]
    assert serial == [1]


def test_a_loop_unrolled_by_a_number_has_no_second_loop_for_what_is_left_over() -> None:
    text = """(__global const float* restrict a, __global float* restrict b, int n) {
      #pragma unroll 16
      for (int i = 0; i < n; i++) b[i] = 2 * a[i];
    }"""
    kernel, _ = report(HEAD + text)
    assert [(unit.kind, unit.name, unit.width) for unit in kernel.units] == [
        ("load", "prefetching", 64),
        ("store", "burst-coalesced", 64),
    ]
    assert len(kernel.loops) == 1
