"""OpenCL C to LLVM's code, by clang: inlined, and unrolled where a pragma says so, as a compiler for FPGAs starts from.

clang's -O1 promotes variables to registers, folds constants and inlines, and unrolls no loop of its own accord; it knows no
target, so vectors stay vectors. Shift registers of many words would be unrolled to a move a word; a loop that only moves an
array's words along by a constant stays a loop, and the array is known as a shift register by it (`shifting`).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from barista.errors import BaristaError
from barista.report import dialect, ir, ir_text, shifts
from barista.report.dialect import Dialect

# Debian's packages; PoCL needs one of them as well.
_COMPILERS = ("clang-15", "clang-14", "clang")
# OpenCL 3.0 has variables of external memory at file scope, which stand for channels; without generic addresses, pointers keep
# their own.
_LANGUAGE = ["-x", "cl", "-cl-std=CL3.0", "-target", "spir64"]
# The preprocessor has brought in OpenCL's types and macros; its functions clang knows by itself.
_HEADERS = ["-cl-no-stdinc", "-Xclang", "-fdeclare-opencl-builtins"]
_WITHOUT = ("generic_address_space", "pipes", "device_enqueue")
_FEATURES = [
    "-Xclang",
    "-cl-ext=+all," + ",".join(f"-__opencl_c_{feature}" for feature in _WITHOUT),
    *(f"-D__undef___opencl_c_{feature}" for feature in _WITHOUT),
]
_SETTINGS = ("disable-vector-combine", "disable-loop-idiom-all", "inline-threshold=1000000", "pragma-unroll-threshold=100000000")
_PASSES = ["-O1", *(word for setting in _SETTINGS for word in ("-mllvm", f"-{setting}"))]
_OUTPUT = [
    "-Xclang",
    "-opaque-pointers",
    "-fno-discard-value-names",
    "-gline-tables-only",
    "-w",
    "-emit-llvm",
    "-S",
    "-o",
    "-",
    "-",
]
_INLINE = ["-Dinline=static __attribute__((always_inline))"]


@dataclass(frozen=True)
class Compiled:
    """A program as clang leaves it, and what its source says beside."""

    module: ir.Module
    dialect: Dialect


def compile_program(text: str, options: Sequence[str] = (), folder: Path | None = None, name: str = "program.cl") -> Compiled:
    """Compiles OpenCL C `text` with the compiler options that matter to it (-D, -I). `folder` is where its includes lie.

    Raises BaristaError where clang is missing, or does not take the text (with clang's first error).
    """
    places = [f"-I{folder}"] if folder else []
    prelude = f'# 1 "<prelude>"\n{dialect.PRELUDE}# 1 "{name}"\n'
    given = [option for option in options if option.startswith(("-D", "-I", "-U"))]
    preprocessed = _run([*_LANGUAGE, *_FEATURES, *_INLINE, *places, *given, "-w", "-E", "-dD", "-o", "-", "-"], prelude + text)
    read = dialect.read(preprocessed)
    unrolls = any(pragmas.unroll == 0 for pragmas in read.loops.values())
    kept = shifts.loops_that_shift(_parsed(read.without_unrolling()), read) if unrolls else set()
    return Compiled(_parsed(read.without_unrolling(kept) if kept else read.text), read)


def _parsed(text: str) -> ir.Module:
    return ir_text.parse(_run([*_LANGUAGE, *_HEADERS, *_FEATURES, *_PASSES, *_OUTPUT], text))


def _run(arguments: Sequence[str], text: str) -> str:
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise BaristaError("no clang, which a report is made with; install Debian's package clang-15, which PoCL needs as well")
    done = subprocess.run([compiler, *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = next((line for line in done.stderr.splitlines() if "error:" in line), done.stderr.strip()[:200])
        raise BaristaError(f"{Path(compiler).name} does not compile the kernels: {error}")
    return done.stdout
