"""OpenCL from Python: what devices there are, which one is meant, and a program compiled to a binary.

This is the only module that imports pyopencl, and it does so in a process of its own (`python -m barista.opencl.devices`): runtimes
print on stderr, read the environment once when they load, and a compiler may crash. Intel's emulator is told by platform name and
device type, never by index.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError
from barista.opencl import emulator
from barista.runtime import process

DEFAULT_DEVICE = "emulator"
OCLGRIND_LIBRARY = Path("/usr/lib/oclgrind/liboclgrind-rt-icd.so")
# The part of a platform's name that a short name on the command line stands for.
SHORT_NAMES = {
    "emulator": "Intel(R) FPGA Emulation Platform",
    "pocl": "Portable Computing Language",
    "oclgrind": "Oclgrind",
}
# What to type where a device with a short name is missing.
MENDS = {
    "emulator": "'barista doctor' says what Intel's emulator needs",
    "pocl": "install Debian's package pocl-opencl-icd",
    "oclgrind": "install Debian's package oclgrind",
}


@dataclass(frozen=True)
class Device:
    """An OpenCL device as its runtime describes it."""

    platform: str
    platform_version: str
    name: str
    driver: str
    version: str
    type: str  # "accelerator", "cpu", "gpu" or "custom"
    global_memory_bytes: int
    local_memory_bytes: int
    index: int  # counting from 0 among devices that are equal in platform, name and driver

    @property
    def is_emulator(self) -> bool:
        """True for Intel's FPGA emulator: the kernels of an FPGA, compiled for the processor."""
        return SHORT_NAMES["emulator"] in self.platform and self.type == "accelerator"

    @property
    def is_fpga(self) -> bool:
        """True for a board."""
        return "FPGA" in self.platform and not self.is_emulator and self.type == "accelerator"

    @property
    def short_name(self) -> str:
        """A name for the command line and for files: "emulator", "pocl", "oclgrind", or the device's own, in small letters."""
        for short, part in SHORT_NAMES.items():
            if part in self.platform:
                return short
        words = "".join(c if c.isalnum() else " " for c in self.name.lower()).split()
        return "-".join(words)[:40] or "device"

    @property
    def role(self) -> str:
        """What kind of device it is, for people."""
        if self.is_emulator:
            return "Intel FPGA emulator"
        return "FPGA" if self.is_fpga else self.type


@dataclass(frozen=True)
class Choice:
    device: Device
    reason: str


class CompileError(BaristaError):
    """The source does not compile for a device; `log` is what its compiler said."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


def environment(device: str | None = None) -> dict[str, str]:
    """Variables that a process needs before it loads an OpenCL library, to see our emulator and the machine's devices.

    `device` is the name that pick() will be asked for: oclgrind is no installed platform, so it is added when it is meant.
    """
    variables = dict(emulator.environment())
    if _meant(device) == "oclgrind":
        variables["OCL_ICD_VENDORS"] = f"{_oclgrind_vendors()}/"
        variables["OCLGRIND_LOCAL_MEM_SIZE"] = str(8 << 20)  # as the emulator's; its own default is 32 KB
    return variables


def environment_of(device: Device) -> dict[str, str]:
    """The same for a process that wants this device and no other: no other driver's compiler takes memory then."""
    return environment(device.short_name) if device.short_name == "oclgrind" else emulator.environment(device.is_emulator)


def devices(environment_: Mapping[str, str] | None = None) -> list[Device]:
    """Every device of every platform. Raises BaristaError where no OpenCL library can be used at all."""
    reply = _ask({"do": "list"}, environment() if environment_ is None else environment_)
    return [Device(**entry) for entry in reply["devices"]]


def pick(wanted: str | None = None, present: Sequence[Device] | None = None) -> Choice:
    """The device that `wanted` means among those `present`, and why.

    `wanted` is a short name ("emulator", "pocl", "oclgrind") or any part of a platform's or device's name, with ":1" after it for
    the second of that name; None is the emulator. Raises BaristaError where there is none.
    """
    found = devices(environment(wanted)) if present is None else list(present)
    name, number = _split(wanted or DEFAULT_DEVICE)
    matches = _matching(name, found)
    if number >= len(matches):
        raise BaristaError(_missing(name, number, matches, found))
    device = matches[number]
    return Choice(device, _reason(wanted, number, matches))


def compile_program(
    device: Device, source: Path, options: Sequence[str], binary: Path, environment_: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Compiles the file `source` for `device`, writes the program binary, and returns its kernels.

    Each kernel is {"name": ..., "arguments": ["global float* src", ...]}, in order of their names. Raises CompileError.
    """
    request = {"do": "compile", "device": asdict(device), "source": str(source), "options": [*options], "binary": str(binary)}
    reply = _ask(request, environment_)
    if "log" in reply:
        raise CompileError(f"the kernels do not compile for {device.name}{_first_complaint(reply['log'])}", str(reply["log"]))
    return list(reply["kernels"])


def _first_complaint(log: str) -> str:
    """Where the compiler stumbled first, without the folder: ": pooling.cl:12:3: use of undeclared identifier"."""
    place = r"(\w+\.(?:cl|h):\d+:\d+)"
    found = re.search(rf"{place}: error: (.+)", log) or re.search(rf"error: .*?{place}: (.+)", log)  # clang's words, PoCL's words
    return f": {found.group(1)}: {found.group(2)}" if found else ""


def _meant(wanted: str | None) -> str:
    return _split(wanted or DEFAULT_DEVICE)[0].lower()


def _split(wanted: str) -> tuple[str, int]:
    """A device's name and its number: "pocl:1" is ("pocl", 1)."""
    name, colon, number = wanted.rpartition(":")
    return (name, int(number)) if colon and number.isdecimal() else (wanted, 0)


def _matching(name: str, found: Sequence[Device]) -> list[Device]:
    short = name.lower()
    if short == "emulator":
        return [device for device in found if device.is_emulator]
    part = SHORT_NAMES.get(short, name).lower()
    return [device for device in found if part in device.platform.lower() or part in device.name.lower()]


def _missing(name: str, number: int, matches: Sequence[Device], found: Sequence[Device]) -> str:
    if matches:
        return f"device {name}:{number}: this machine has {len(matches)} of that name, counting from 0"
    names = ", ".join(dict.fromkeys(device.short_name for device in found))
    mend = MENDS.get(name.lower(), "'barista devices' lists them")
    return f"no OpenCL device {name}: this machine has {names or 'none'}; {mend}"


def _reason(wanted: str | None, number: int, matches: Sequence[Device]) -> str:
    why = f"it matches --device {wanted}" if wanted else "the default: no --device was named, so Intel's FPGA emulator"
    if len(matches) > 1:
        why += f"; number {number} of {len(matches)}, counting from 0"
    return why


def _oclgrind_vendors() -> Path:
    """A folder whose only OpenCL platform is Oclgrind, where it is installed."""
    folder = paths.cache_dir() / "opencl" / "oclgrind"
    folder.mkdir(parents=True, exist_ok=True)
    icd = folder / "oclgrind.icd"
    if OCLGRIND_LIBRARY.exists() and not icd.exists():
        aside = folder / f".{os.getpid()}"
        aside.write_text(f"{OCLGRIND_LIBRARY}\n", encoding="utf-8")
        aside.replace(icd)
    return folder


def _ask(request: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Sends a request to a child that loads OpenCL, and returns its answer; what runtimes print stays unseen."""
    with process.Process(process.command("barista.opencl.devices"), "", variables, runs="OpenCL", multiplies=False) as child:
        child.tell(request)
        child.tell_no_more()
        reply = child.hear()
        child.hear()
    assert reply is not None, "it answers, or says why not"
    return reply


# From here on: the child.


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    import pyopencl as cl

    present = list(_enumerate(cl))
    if request["do"] == "list":
        return {"devices": [asdict(description) for description, _ in present]}
    wanted = Device(**request["device"])
    for description, handle in present:
        if description == wanted:
            return _compile(cl, handle, request)
    return {"error": f"device {wanted.name} is gone"}


def _enumerate(cl: Any) -> Any:
    """Pairs of a description and pyopencl's device."""
    seen: dict[tuple[str, str, str], int] = {}
    try:
        platforms = cl.get_platforms()
    except cl.Error:  # the loader's way of saying that there are none
        platforms = []
    for platform in platforms:
        try:
            handles = platform.get_devices()
        except cl.Error:
            handles = []
        for handle in handles:
            key = (platform.name.strip(), handle.name.strip(), handle.driver_version.strip())
            index = seen.get(key, 0)
            seen[key] = index + 1
            yield _describe(cl, platform, handle, index), handle


def _describe(cl: Any, platform: Any, handle: Any, index: int) -> Device:
    types = ("accelerator", "cpu", "gpu")
    kind = next((name for name in types if handle.type & getattr(cl.device_type, name.upper())), "custom")
    return Device(
        platform=platform.name.strip(),
        platform_version=platform.version.strip(),
        name=handle.name.strip(),
        driver=handle.driver_version.strip(),
        version=handle.version.strip(),
        type=kind,
        global_memory_bytes=handle.global_mem_size,
        local_memory_bytes=handle.local_mem_size,
        index=index,
    )


def _compile(cl: Any, handle: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    context = cl.Context([handle])
    text = Path(request["source"]).read_text(encoding="utf-8")
    program = cl.Program(context, text)
    try:
        program.build(options=[*request["options"], "-cl-kernel-arg-info"], cache_dir=False)
    except cl.RuntimeError as error:
        return {"log": str(error)}
    try:
        Path(request["binary"]).write_bytes(program.get_info(cl.program_info.BINARIES)[0])
    except OSError as error:
        return {"error": f"{request['binary']}: {(error.strerror or str(error)).lower()}"}
    kernels = sorted(program.all_kernels(), key=lambda kernel: kernel.function_name)
    return {"kernels": [{"name": k.function_name, "arguments": _arguments(cl, k)} for k in kernels]}


def _arguments(cl: Any, kernel: Any) -> list[str]:
    info = cl.kernel_arg_info
    spaces = {
        cl.kernel_arg_address_qualifier.GLOBAL: "global ",
        cl.kernel_arg_address_qualifier.LOCAL: "local ",
        cl.kernel_arg_address_qualifier.CONSTANT: "constant ",
    }
    arguments = []
    for i in range(kernel.num_args):
        space = spaces.get(kernel.get_arg_info(i, info.ADDRESS_QUALIFIER), "")
        arguments.append(f"{space}{kernel.get_arg_info(i, info.TYPE_NAME)} {kernel.get_arg_info(i, info.NAME)}")
    return arguments


def _child() -> None:
    answer = process.Answer()  # a runtime that prints on stdout must not get between the answer's lines
    os.environ.setdefault("PYOPENCL_NO_CACHE", "1")
    try:
        reply = _answer(next(answer.requests()))
    except Exception as error:  # the parent prints the sentence; a trace would be lost on it
        reply = {"error": f"OpenCL can't be used: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    answer.tell(**reply)
    # Intel's runtime may wait for its threads in its exit handlers; nothing is left that they would do.
    os._exit(0)


if __name__ == "__main__":
    _child()
