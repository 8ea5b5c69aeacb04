"""libbarista.so and libbarista_plan.so from Python: the prototypes of caffe_layers/capi/barista.h, a method for each function.

What a function does, the header says. Nothing else calls them through ctypes, but views.py, whose prototypes stand here too. A
library and a package of different times do not work together, so the version is compared before anything else is called.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from ctypes import c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError
from barista.runtime import views
from barista.runtime.records import COUNTERS, Command

ABI_VERSION = 3  # BARISTA_ABI_VERSION of the header that this module was written for

# What barista_upgrade_net() and barista_upgrade_solver() return where they hand out a message.
UPGRADED, INCOMPLETE = 0, 2

_PR_SET_PDEATHSIG = 1

_ERROR = (c_char_p, c_size_t)
_OUT = (ctypes.POINTER(c_void_p), ctypes.POINTER(c_size_t))
# Of each function what it returns, and its arguments.
PROTOTYPES: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "barista_version": (c_int, ()),
    "barista_open_device": (c_int, (c_char_p, c_int, *_ERROR)),
    "barista_hook_is_live": (c_int, ()),
    "barista_counters": (c_int, (ctypes.POINTER(c_uint64), c_int)),
    "barista_finish": (c_int, _ERROR),
    "barista_record_begin": (c_int, _ERROR),
    "barista_recorded": (c_uint64, ()),
    "barista_record_end": (c_char_p, _ERROR),
    "barista_plan": (c_char_p, (c_char_p, c_char_p, *_ERROR)),
    **views.PROTOTYPES,
    "barista_training_create": (c_void_p, (c_char_p,)),
    "barista_training_describe": (c_char_p, (c_void_p,)),
    "barista_training_iterate": (c_char_p, (c_void_p,)),
    "barista_training_last_loss": (c_char_p, (c_void_p,)),
    "barista_training_test_begin": (None, (c_void_p, c_int)),
    "barista_training_test_batch": (None, (c_void_p, c_int)),
    "barista_training_test_end": (c_char_p, (c_void_p, c_int)),
    "barista_training_snapshot": (c_char_p, (c_void_p, c_char_p, c_char_p)),
    "barista_training_not_finite_parameter": (c_char_p, (c_void_p,)),
    "barista_training_restore": (None, (c_void_p, c_char_p)),
    "barista_training_skip": (None, (c_void_p, c_int, c_uint64)),
    "barista_training_replay": (c_int, (c_void_p, c_int, c_uint64)),
    "barista_training_resume_state": (c_char_p, (c_void_p,)),
    "barista_training_resume": (None, (c_void_p, c_char_p)),
    "barista_report_fatal_to": (None, (c_int,)),
    "barista_layer_at_work": (c_char_p, ()),
    "barista_end_within": (None, (c_uint,)),
    "barista_upgrade_net": (c_int, (c_char_p, c_void_p, c_size_t, *_OUT)),
    "barista_upgrade_solver": (c_int, (c_char_p, c_void_p, c_size_t, *_OUT)),
    "barista_release": (None, (c_void_p,)),
    "barista_layer_types": (c_char_p, ()),
    "barista_solver_types": (c_char_p, ()),
    "barista_hdf5_layers": (c_char_p, (c_char_p,)),
}
# During these calls Python's lock is kept: layers of type Python run in them, and what such a layer throws comes out of them.
_WITH_LOCK = "barista_training_"


class Library:
    """libbarista.so in this process. Where a function ends with a sentence instead, its method raises BaristaError with that."""

    def __init__(self, path: Path) -> None:
        """Loads it, in front of what is loaded later. Raises BaristaError where that can't be, or it is of another version."""
        try:
            released = ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_GLOBAL)
        except OSError as error:
            raise BaristaError(f"plugin {path} can't be loaded: {error}; 'barista doctor' says what is missing") from error
        _check_version(path, released, PROTOTYPES)
        locked = ctypes.PyDLL(str(path), handle=released._handle)
        self._functions = {}
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(locked if name.startswith(_WITH_LOCK) else released, name)
            function.restype, function.argtypes = result, arguments
            self._functions[name.removeprefix("barista_")] = function

    # --- the device ---

    def open_device(self, bitstream: Path | None = None, index: int = -1) -> None:
        """Opens the process's device; by default with what BARISTA_BITSTREAM and BARISTA_DEVICE_INDEX say."""
        _checked(self._functions, "open_device", None if bitstream is None else os.fsencode(bitstream), index)

    def hook_is_live(self) -> bool:
        """Whether Caffe's memory is the one that knows of the device; else layers copy always."""
        return bool(self._functions["hook_is_live"]())

    def counters(self) -> dict[str, int]:
        """What this process has done on the device so far, by COUNTERS; all 0 where there is no device."""
        values = (c_uint64 * len(COUNTERS))()
        self._functions["counters"](values, len(COUNTERS))
        return dict(zip(COUNTERS, values, strict=True))

    def finish(self) -> None:
        """Waits until the device has done all that was asked of it."""
        _checked(self._functions, "finish")

    def begin_recording(self) -> None:
        """Keeps the times of every command from here to end_recording()."""
        _checked(self._functions, "record_begin")

    def recorded(self) -> int:
        """How many commands were recorded so far."""
        return int(self._functions["recorded"]())

    def end_recording(self) -> list[Command]:
        """Waits for the device; the commands in the order in which they were enqueued."""
        return [Command(*fields) for fields in json.loads(_checked(self._functions, "record_end"))]

    # --- training: the handle is that of training_create(), and answers are JSON ---

    def training_create(self, solver: str) -> int | None:
        """A training of the text of a SolverParameter; None where a layer of type Python could not be made."""
        handle: int | None = self._functions["training_create"](solver.encode())
        return handle

    def training_describe(self, training: int) -> dict[str, Any]:
        return self._answer("training_describe", training)

    def training_iterate(self, training: int) -> dict[str, Any]:
        return self._answer("training_iterate", training)

    def training_last_loss(self, training: int) -> dict[str, Any]:
        return self._answer("training_last_loss", training)

    def training_test_begin(self, training: int, index: int) -> None:
        self._functions["training_test_begin"](training, index)

    def training_test_batch(self, training: int, index: int) -> None:
        self._functions["training_test_batch"](training, index)

    def training_test_end(self, training: int, index: int) -> dict[str, Any]:
        return self._answer("training_test_end", training, index)

    def training_snapshot(self, training: int, aside_prefix: str, final_prefix: str) -> dict[str, Any]:
        return self._answer("training_snapshot", training, os.fsencode(aside_prefix), os.fsencode(final_prefix))

    def training_not_finite_parameter(self, training: int) -> dict[str, Any] | None:
        return self._answer("training_not_finite_parameter", training) or None  # null in JSON

    def training_restore(self, training: int, state: str) -> None:
        self._functions["training_restore"](training, os.fsencode(state))

    def training_skip(self, training: int, net: int, batches: int) -> None:
        self._functions["training_skip"](training, net, batches)

    def training_replay(self, training: int, net: int, batches: int) -> bool:
        return bool(self._functions["training_replay"](training, net, batches))

    def training_resume_state(self, training: int) -> dict[str, Any]:
        return self._answer("training_resume_state", training)

    def training_resume(self, training: int, resume_state: Mapping[str, Any]) -> None:
        self._functions["training_resume"](training, json.dumps(resume_state).encode())

    # --- how the process ends ---

    def report_fatal_to(self, file_descriptor: int) -> None:
        """Has Caffe write one JSON line to `file_descriptor` when it gives up; once a process."""
        self._functions["report_fatal_to"](file_descriptor)

    def layer_at_work(self) -> str:
        """The layer that this thread works for, or that Caffe is making, or ""."""
        return self._text("layer_at_work")

    def end_within(self, seconds: int) -> None:
        """Has the process and its whole group, which it must lead, killed unless it ends within `seconds`."""
        self._functions["end_within"](seconds)

    # --- what Caffe knows ---

    def upgrade_net(self, file: str, net: bytes) -> tuple[int, bytes]:
        """Of a serialised NetParameter a status, and in the present format where that is UPGRADED or INCOMPLETE."""
        return self._upgraded("upgrade_net", file, net)

    def upgrade_solver(self, file: str, solver: bytes) -> tuple[int, bytes]:
        """The same of a SolverParameter; nets inside it stay as they are."""
        return self._upgraded("upgrade_solver", file, solver)

    def layer_types(self) -> list[str]:
        return self._text("layer_types").split()

    def solver_types(self) -> list[str]:
        return self._text("solver_types").split()

    def hdf5_layers(self, path: Path) -> dict[str, Any]:
        """Of a file of weights in HDF5: "layers", those that it has parameters of, and "problem"."""
        return self._answer("hdf5_layers", os.fsencode(path))

    def _text(self, name: str, *arguments: Any) -> str:
        return bytes(self._functions[name](*arguments)).decode(errors="replace")

    def _answer(self, name: str, *arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._functions[name](*arguments))
        return answer

    def _upgraded(self, name: str, file: str, message: bytes) -> tuple[int, bytes]:
        out, out_bytes = c_void_p(), c_size_t()
        status: int = self._functions[name](os.fsencode(file), message, len(message), ctypes.byref(out), ctypes.byref(out_bytes))
        if status not in (UPGRADED, INCOMPLETE):
            return status, b""
        upgraded = ctypes.string_at(out, out_bytes.value)
        self._functions["release"](out)
        return status, upgraded


def signal_at_parents_death(number: int) -> None:
    """Has Linux send this process a signal when its parent ends: prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, c_int(number), 0, 0, 0)


class PlanLibrary:
    """libbarista_plan.so in this process, which needs neither OpenCL nor Caffe."""

    def __init__(self, path: Path) -> None:
        """Raises BaristaError as Library does."""
        try:
            library = ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            raise BaristaError(f"library {path} can't be loaded: {error}; 'barista doctor' says what is missing") from error
        _check_version(path, library, ("barista_version", "barista_plan"))
        library.barista_plan.restype, library.barista_plan.argtypes = PROTOTYPES["barista_plan"]
        self._functions = {"plan": library.barista_plan}

    def plan(self, recipe: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What each operation costs, as caffe_layers/plan/operations.hpp has it."""
        answer = _checked(self._functions, "plan", json.dumps(recipe).encode(), json.dumps(operations).encode())
        return list(json.loads(answer))


def _checked(functions: Mapping[str, Any], name: str, *arguments: Any) -> bytes:
    """The text that a function returns whose last arguments are for a sentence. Raises BaristaError with the sentence."""
    sentence = ctypes.create_string_buffer(1024)
    returned = functions[name](*arguments, sentence, len(sentence))
    if returned is None or (isinstance(returned, int) and returned != 0):
        raise BaristaError(sentence.value.decode(errors="replace"))
    return returned if isinstance(returned, bytes) else b""


def _check_version(path: Path, library: ctypes.CDLL, names: Iterable[str]) -> None:
    """Raises BaristaError where the library's functions are not those of this module."""
    version = library.barista_version() if hasattr(library, "barista_version") else None
    lacking = next((name for name in names if not hasattr(library, name)), None)
    if version == ABI_VERSION and lacking is None:
        return
    found = f"its interface is of version {version}" if version not in (None, ABI_VERSION) else f"it has no {lacking}()"
    mend = "run 'make setup', which builds it anew" if paths.checkout() else "install Barista anew"
    raise BaristaError(f"plugin {path}: {found}, this Barista calls version {ABI_VERSION}; {mend}")
