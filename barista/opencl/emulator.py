"""Makes Intel's FPGA emulator out of the wheel `intel-opencl-rt`, and a folder of OpenCL drivers that holds it.

The wheel's libintelocl.so is a CPU device and becomes the FPGA emulator when it is loaded under a name that ends in `_emu.so`, with
a file `cl.fpga_emu.cfg` beside it. A symbolic link does not do: the library resolves its own name. The wheel's other libraries are
found through RUNPATH $ORIGIN, so the link must lie beside them. Releases from 2025.3 on carry no emulator.

Drivers come from a folder of Barista's own (`<cache>/opencl/vendors/`), with links to the system's: nothing is written under /etc.
"""

import os
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from barista import paths
from barista.errors import BaristaError

DISTRIBUTION = "intel-opencl-rt"
_LIBRARY = "libintelocl.so"
_LINK = "libintelocl_emu.so"
_CONFIGURATION = "cl.fpga_emu.cfg"
_CONFIGURATION_TEXT = "CL_CONFIG_DEVICES = fpga-emu\n"
_SYSTEM_VENDORS = Path("/etc/OpenCL/vendors")
_OWN_ICD = "barista-emulator.icd"
_CPU_INFO = Path("/proc/cpuinfo")
# On-chip memory of a kernel: the runtime allows 256 KB unless told, a real device has megabytes.
_LOCAL_MEMORY = "8MB"
_TARGET = "CL_CONFIG_CPU_TARGET_ARCH"
_THREADS = "CL_CONFIG_CPU_TBB_NUM_WORKERS"
# What the emulator's compiler calls processors, best first, and what a processor must have to be taken for one.
_TARGETS = {
    "skx": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "fma"},
    "core-avx2": {"avx2", "bmi1", "bmi2", "f16c", "fma"},
}


def runtime_library() -> Path | None:
    """libintelocl.so of the installed wheel, or None when the wheel is not installed."""
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == _LIBRARY:
            return Path(os.path.normpath(str(file.locate())))
    return None


def prepare() -> Path:
    """Makes the emulator where its wheel is installed, and the folder of drivers; does again only what is not as it should be.

    Returns the folder. Without the wheel it holds the system's drivers alone. Raises BaristaError when a file can't be written.
    """
    vendors = paths.cache_dir() / "opencl" / "vendors"
    try:
        vendors.mkdir(parents=True, exist_ok=True)
        library = runtime_library()
        wanted = _foreign_icds(vendors)
        if library is not None:
            _make_emulator(library)
            _write(vendors / _OWN_ICD, f"{library.with_name(_LINK)}\n")
            wanted[_OWN_ICD] = vendors / _OWN_ICD
        _link_all(vendors, wanted)
    except OSError as error:
        raise BaristaError(
            f"Intel's FPGA emulator: {error.filename}: {error.strerror}; the folder must be writable once"
        ) from error
    return vendors


def environment(emulated: bool | None = None) -> dict[str, str]:
    """The variables that an OpenCL process needs, to be set before it loads any OpenCL library.

    It has every driver; where `emulated` is said, the emulator's alone or all others. Each that is loaded brings a compiler along.
    """
    folder = prepare()
    if emulated is not None:
        part = folder.with_name("emulator" if emulated else "others")
        part.mkdir(exist_ok=True)
        _link_all(part, {icd.name: icd for icd in folder.glob("*.icd") if (icd.name == _OWN_ICD) == emulated})
        folder = part
    variables = {"OCL_ICD_VENDORS": f"{folder}/", "CL_CONFIG_CPU_FORCE_LOCAL_MEM_SIZE": _LOCAL_MEMORY}
    return variables | ({_TARGET: target} if (target := _target()) else {})


def threads(compute_units: int) -> dict[str, str]:
    """The variable that says how many threads the emulator has; one that the user set stays.

    One for each queue: the units', and those of uploads and downloads. Of the runtime's own 32 all take their turns at the kernels
    sooner or later, and each keeps the stack of the largest that it had.
    """
    return {_THREADS: os.environ.get(_THREADS) or str(compute_units + 2)}


def processor() -> str:
    """What of this machine's processor a compiled kernel depends on."""
    return f"{_flags(_cpu_info())} for {_target() or 'itself'}"


def target_of(cpu_info: str) -> str | None:
    """What the emulator's compiler is to be told of a processor that /proc/cpuinfo describes so; None: nothing.

    It knows Intel's. Any other it takes for one without vector units, for which it can't compile the PE array.
    """
    if "GenuineIntel" in cpu_info:
        return None
    there = set(_flags(cpu_info).split())
    return next((target for target, needed in _TARGETS.items() if needed <= there), None)


def _target() -> str | None:
    return os.environ.get(_TARGET) or target_of(_cpu_info())


def _cpu_info() -> str:
    return _CPU_INFO.read_text(encoding="utf-8") if _CPU_INFO.exists() else ""


def _flags(cpu_info: str) -> str:
    found = re.search(r"^flags\s*: (.*)$", cpu_info, re.MULTILINE)
    return found.group(1) if found else ""


def _make_emulator(library: Path) -> None:
    link = library.with_name(_LINK)
    if not (link.exists() and _age_and_size(link) == _age_and_size(library)):
        aside = _aside(link)
        try:
            os.link(library, aside)
        except OSError:  # a file system without hard links
            shutil.copy2(library, aside)
        os.replace(aside, link)
        # Renaming one hard link onto another of the same file leaves both names.
        aside.unlink(missing_ok=True)
    _write(library.with_name(_CONFIGURATION), _CONFIGURATION_TEXT)


def _age_and_size(file: Path) -> tuple[int, int]:
    """What a hard link and a faithful copy share with their original, and another release does not."""
    return file.stat().st_mtime_ns, file.stat().st_size


def _foreign_icds(vendors: Path) -> dict[str, Path]:
    """The system's driver files, and those of a folder that the user named, by file name."""
    folders = [_SYSTEM_VENDORS]
    if named := os.environ.get("OCL_ICD_VENDORS"):
        folders.append(Path(named))
    foreign = (folder for folder in folders if folder.resolve().parent != vendors.resolve().parent)
    return {icd.name: icd for folder in foreign for icd in _icds(folder)}


def _icds(folder: Path) -> Iterator[Path]:
    return (icd for icd in sorted(folder.glob("*.icd")) if icd.name != _OWN_ICD)


def _link_all(vendors: Path, wanted: dict[str, Path]) -> None:
    """Leaves in `vendors` a link to each of `wanted`, and nothing else."""
    for stale in vendors.iterdir():
        if stale.suffix == ".icd" and stale.name not in wanted:
            stale.unlink(missing_ok=True)
    for name, target in wanted.items():
        link = vendors / name
        if link == target or (link.is_symlink() and link.readlink() == target):
            continue
        aside = _aside(link)
        aside.symlink_to(target)
        os.replace(aside, link)


def _write(path: Path, text: str) -> None:
    """Writes `text` aside and renames it into place; leaves a file alone that already says it."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    aside = _aside(path)
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def _aside(path: Path) -> Path:
    """A name beside `path` of this process alone: several may prepare at once."""
    return path.with_name(f".{path.name}.{os.getpid()}")
