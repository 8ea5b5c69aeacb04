"""The kernels that OpenBLAS picks for this processor, and better ones where it is mistaken.

OpenBLAS picks its kernels by the processor's model, and a model that it does not know gets the oldest: to 0.3.21, Debian 12's, some
Xeons of 2023 are a `Prescott` of 2004, whose kernels use no wide vectors. Stock Caffe, and every layer that stays with
it, is then three to four times slower than the machine. So the core that OpenBLAS picked is held against the processor's flags, and
where it falls short OPENBLAS_CORETYPE names a better one to the processes that Barista starts. A setting of the user's goes first.

OpenBLAS picks when it is loaded. So it is asked in a process of its own, through the Caffe in use, which may have another BLAS.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from barista import paths
from barista.errors import BaristaError
from barista.runtime import process

VARIABLE = "OPENBLAS_CORETYPE"
_CPU_INFO = Path("/proc/cpuinfo")
_ASK_SECONDS = 60
# Vector extensions, the best last: their name, and the flags of /proc/cpuinfo that OpenBLAS's kernels for them need.
_EXTENSIONS = (
    ("SSE", set[str]()),
    ("AVX", {"avx"}),
    ("AVX2", {"avx2", "fma"}),
    ("AVX-512", {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}),
)
# OpenBLAS's x86 cores (cpuid_x86.c, dynamic.c) by the extension of their kernels; what is not here is not judged.
_CORES = {
    "SSE": "Katmai Coppermine Northwood Prescott Banias Atom Core2 Penryn Dunnington Nehalem"
    " Athlon Opteron Opteron_SSE3 Barcelona Bobcat",
    "AVX": "Sandybridge Bulldozer Piledriver Steamroller Excavator",
    "AVX2": "Haswell Zen",
    "AVX-512": "SkylakeX Cooperlake SapphireRapids",
}
_EXTENSION_OF = {core.lower(): extension for extension, cores in _CORES.items() for core in cores.split()}
_ORDER = [name for name, _ in _EXTENSIONS]


@dataclass(frozen=True)
class Choice:
    """What OpenBLAS picked, and what it had better picked."""

    core: str  # as OpenBLAS names it, e.g. "Prescott"
    better: str | None  # a core for the extensions that the processor has and `core` leaves unused; None: it leaves none
    asked: str | None  # the user's own OPENBLAS_CORETYPE

    def sentence(self) -> str:
        """What is wrong, and what Barista does about it; empty where nothing is."""
        if self.better is None:
            return ""
        unused = f"its kernels for {self.core} leave this processor's {_EXTENSION_OF[self.better.lower()]} unused"
        if self.asked is not None:
            return f"OpenBLAS: {unused}, as {VARIABLE}={self.asked} asks"
        return f"OpenBLAS: {unused}; {VARIABLE}={self.better} is set for what Barista starts"


def judge(core: str, cpu_info: str, asked: str | None = None) -> Choice:
    """What to say of the core that OpenBLAS picked on a processor that /proc/cpuinfo describes so."""
    possible = _best(cpu_info)
    has = _EXTENSION_OF.get(core.lower())
    falls_short = has is not None and _ORDER.index(has) < _ORDER.index(_EXTENSION_OF[possible.lower()])
    return Choice(core, possible if falls_short else None, asked)


def choice() -> Choice | None:
    """The choice of the OpenBLAS that the Caffe in use multiplies with; None where it has another BLAS, or can't be loaded.

    Raises BaristaError where there is no Caffe.
    """
    core = _ask("core")
    return judge(core, _cpu_info(), os.environ.get(VARIABLE) or None) if core else None


def environment() -> dict[str, str]:
    """What to add to the environment of a process that runs Caffe: nothing, where OpenBLAS is right or the user has said."""
    found = _mistaken()
    return {VARIABLE: found.better} if found is not None and found.better is not None else {}


def note() -> str:
    """What environment() is for, as a sentence; empty where it adds nothing."""
    found = _mistaken()
    return found.sentence() if found is not None else ""


@functools.cache
def _mistaken() -> Choice | None:
    """The choice, where it falls short and is not the user's own."""
    if os.environ.get(VARIABLE) or _extension(_cpu_info()) == "SSE":
        return None
    try:
        found = choice()
    except BaristaError:
        return None  # the process itself will say that there is no Caffe
    return found if found is not None and found.better is not None else None


def fastest() -> str | None:
    """The core whose kernels multiply two matrices soonest here, each tried in a process; None where Caffe has another BLAS."""
    extension = _extension(_cpu_info())
    if extension == "SSE":  # another architecture has no such flags at all
        found = choice()
        return found.core if found is not None else None
    taken: dict[str, float] = {}
    for core in _CORES[extension].split():
        # Where its instructions are not there, the process ends without an answer.
        answer = _ask("time", {VARIABLE: core})
        if answer:
            name, seconds = answer.split()
            taken[name] = min(float(seconds), taken.get(name, float("inf")))
    return min(taken, key=lambda name: taken[name]) if taken else None


def _best(cpu_info: str) -> str:
    """The core whose kernels use all vector extensions of the processor."""
    extension = _extension(cpu_info)
    if extension == "AVX-512":
        return "Cooperlake" if "avx512_bf16" in _flags(cpu_info) else "SkylakeX"
    return {"SSE": "Prescott", "AVX": "Sandybridge", "AVX2": "Haswell"}[extension]


def _extension(cpu_info: str) -> str:
    """The best vector extension that the processor has all of."""
    return next(name for name, needed in reversed(_EXTENSIONS) if needed <= _flags(cpu_info))


def _flags(cpu_info: str) -> set[str]:
    found = re.search(r"^flags\s*: (.*)$", cpu_info, re.MULTILINE)
    return set(found.group(1).split()) if found else set()


def _cpu_info() -> str:
    return _CPU_INFO.read_text(encoding="utf-8") if _CPU_INFO.exists() else ""


def _ask(what: str, variables: dict[str, str] | None = None) -> str:
    """The answer of a process that loads the Caffe in use; empty where it has no OpenBLAS, or ends without an answer."""
    library = str(paths.caffe_installation().library)
    command = process.command("barista.runtime.blas")
    try:
        with process.Process(command, "", variables or {}, runs="OpenBLAS", multiplies=False) as child:
            child.tell({"what": what, "library": library})
            child.tell_no_more()
            answer = child.hear()
            return str(answer["answer"]) if answer is not None else ""
    except BaristaError:
        return ""


def loaded() -> str | None:
    """The version of the OpenBLAS that this process has loaded, and for which core it multiplies; None where it has none."""
    for path in sorted(set(re.findall(r"/\S+/libopenblas\S*", Path("/proc/self/maps").read_text(encoding="utf-8")))):
        library = ctypes.CDLL(path)
        if hasattr(library, "openblas_get_config"):
            library.openblas_get_config.restype = ctypes.c_char_p
            version = library.openblas_get_config().decode().removeprefix("OpenBLAS ").split()[0]
            return f"{version} for {_answer('core', library)}"
    return None


# From here on: the process that loads it.

_SIZE, _TRIALS = 512, 7


def _answer(what: str, library: ctypes.CDLL) -> str:
    """The core's name; of "time" also the seconds that a product of two matrices takes, the least of some trials."""
    if not hasattr(library, "openblas_get_corename"):
        return ""
    library.openblas_get_corename.restype = ctypes.c_char_p
    core = str(library.openblas_get_corename().decode())
    return core if what == "core" else f"{core} {min(_multiply(library) for _ in range(_TRIALS))}"


def _multiply(library: ctypes.CDLL) -> float:
    """Seconds of one SGEMM: row-major, neither matrix transposed."""
    a, b, c = ((ctypes.c_float * _SIZE**2)() for _ in range(3))
    n, one, none = ctypes.c_int(_SIZE), ctypes.c_float(1), ctypes.c_float(0)
    started = time.perf_counter()
    library.cblas_sgemm(101, 111, 111, n, n, n, one, a, n, b, n, none, c, n)
    return time.perf_counter() - started


def _main() -> None:
    answer = process.Answer()
    signal.alarm(_ASK_SECONDS)
    request = next(answer.requests())
    answer.tell(answer=_answer(request["what"], ctypes.CDLL(request["library"])))


if __name__ == "__main__":
    _main()
