"""Caffe's solver in this process, one iteration at a time: the Python face of caffe_layers/plugin/training.cpp.

Every method may end the process: Caffe's checks abort. Where a layer of type Python throws, it raises BaristaError, and the solver
is of no use any more. All calls must come from the thread that made the solver.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from typing import Any

from barista.errors import BaristaError
from barista.layers import python_layers

_ANSWERS = ("describe", "iterate", "last_loss", "test_end", "snapshot", "memory", "not_finite_parameter")


class CaffeSolver:
    """One stock solver with its train net and test nets. Nets are numbered: 0 is the train net, then come the test nets."""

    def __init__(self, library: ctypes.CDLL, solver: str) -> None:
        """Constructs solver and nets from the text of a SolverParameter."""
        # PyDLL keeps Python's lock during a call: layers of type Python run in it.
        self._library = ctypes.PyDLL(None, handle=library._handle)
        for name in _ANSWERS:
            self._function(name).restype = ctypes.c_char_p
        create = self._function("create")
        create.restype = ctypes.c_void_p
        self._library.barista_layer_at_work.restype = ctypes.c_char_p
        self._handle = ctypes.c_void_p()
        self._handle = ctypes.c_void_p(self._guarded(create, solver.encode()))
        self.description: dict[str, Any] = self._answer("describe")

    @staticmethod
    def report_fatal_errors_to(library: ctypes.CDLL, file_descriptor: int) -> None:
        """Has Caffe write one JSON line to `file_descriptor` when it gives up; once a process."""
        library.barista_training_report_to(ctypes.c_int(file_descriptor))

    @property
    def iteration(self) -> int:
        """How many updates the weights have had."""
        return int(self._answer("describe")["iteration"])

    def iterate(self) -> dict[str, Any]:
        """One iteration, update included: its number from 0, loss, smoothed_loss, learning_rate, at displayed ones outputs.

        Where the loss is no longer a number there is no update: iteration, loss ("nan", "inf" or "-inf"), not_finite (what was
        first so, or None; see caffe_layers/plugin/not_finite.hpp).
        """
        return self._answer("iterate")

    def last_loss(self) -> dict[str, Any]:
        """A forward pass of the train net without an update, with which stock Caffe ends a run; it takes a batch.

        Where the loss is no longer a number, as in iterate().
        """
        return self._answer("last_loss")

    def begin_test(self, index: int) -> None:
        """Begins a test of test net `index`, counted from 0."""
        self._call("test_begin", ctypes.c_int(index))

    def test_batch(self, index: int) -> None:
        self._call("test_batch", ctypes.c_int(index))

    def end_test(self, index: int) -> dict[str, Any]:
        """The means over the batches since the beginning: net, iteration, outputs."""
        return self._answer("test_end", ctypes.c_int(index))

    def snapshot(self, aside_prefix: str, final_prefix: str) -> dict[str, Any]:
        """Writes a stock snapshot under `aside_prefix` and reads it back: model, state, problem (empty when all is well).

        Where weights are not finite nothing is written, and not_finite says which.
        """
        return self._answer("snapshot", aside_prefix.encode(), final_prefix.encode())

    def not_finite_parameter(self) -> dict[str, Any] | None:
        """The first parameter of the train net that is not finite, or None; it brings all of them to the host."""
        return self._answer("not_finite_parameter") or None

    def end_within(self, seconds: int) -> None:
        """Has the process and its whole group, which it must lead, killed unless it ends within `seconds`."""
        self._library.barista_training_end_within(ctypes.c_uint(seconds))

    def restore(self, state: str) -> None:
        """Takes weights, history and iteration from a stock solver state."""
        self._call("restore", state.encode())

    def skip(self, net: int, batches: int) -> None:
        """Moves the Data layers of a net that has not run on by `batches`."""
        self._call("skip", ctypes.c_int(net), ctypes.c_uint64(batches))

    def replay(self, net: int, batches: int) -> bool:
        """Has all other data layers of `net` load `batches`; False where it has none."""
        return bool(self._call("replay", ctypes.c_int(net), ctypes.c_uint64(batches)))

    def memory(self) -> dict[str, Any]:
        """What a snapshot of Caffe forgets, except for the place in the data."""
        return self._answer("memory")

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._call("remember", json.dumps(memory).encode())

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"barista_training_{name}")

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._guarded(self._function(name), self._handle, *arguments)

    def _guarded(self, function: Any, *arguments: Any) -> Any:
        """What the function returns. Raises BaristaError where a layer of type Python throws, as SystemExit too."""
        try:
            answer = function(*arguments)
        except BaseException as error:
            raise BaristaError(self._sentence(error)) from error
        printed = python_layers.printed()
        if printed is not None and not answer and function.restype is ctypes.c_void_p:
            raise BaristaError(self._sentence(printed)) from printed
        return answer

    def _sentence(self, error: BaseException) -> str:
        sentence = python_layers.sentence(error, self._library.barista_layer_at_work().decode(errors="replace"))
        return sentence + (f", in iteration {self.iteration}" if self._handle else "")

    def _answer(self, name: str, *arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._call(name, *arguments))
        return answer
