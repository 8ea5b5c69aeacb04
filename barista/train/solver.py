"""Caffe's solver in this process, one iteration at a time: class Training of caffe_layers/training/, with Python's exceptions.

Every method may end the process: Caffe's checks abort. Where a layer of type Python throws, it raises BaristaError, and the solver
is of no use any more. All calls must come from the thread that made the solver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from barista.errors import BaristaError
from barista.layers import python_layers
from barista.runtime.library import Library

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


class CaffeSolver:
    """One stock solver with its train net and test nets. Nets are numbered: 0 is the train net, then come the test nets."""

    def __init__(self, library: Library, solver: str) -> None:
        """Constructs solver and nets from the text of a SolverParameter."""
        self._library = library
        self._handle: int | None = None
        self._handle = self._guarded(lambda: library.training_create(solver))
        printed = python_layers.printed()
        if self._handle is None and printed is not None:
            raise BaristaError(self._sentence(printed)) from printed
        self.description: dict[str, Any] = self._call(library.training_describe)

    @property
    def iteration(self) -> int:
        """How many updates the weights have had."""
        return int(self._call(self._library.training_describe)["iteration"])

    def iterate(self) -> dict[str, Any]:
        """One iteration, update included: its number from 0, loss, smoothed_loss, learning_rate, at displayed ones outputs.

        Where the loss is no longer a number there is no update: iteration, loss ("nan", "inf" or "-inf"), not_finite (what was
        first so, or None; see caffe_layers/training/not_finite.hpp).
        """
        return self._call(self._library.training_iterate)

    def last_loss(self) -> dict[str, Any]:
        """A forward pass of the train net without an update, with which stock Caffe ends a run; it takes a batch.

        Where the loss is no longer a number, as in iterate().
        """
        return self._call(self._library.training_last_loss)

    def begin_test(self, index: int) -> None:
        """Begins a test of test net `index`, counted from 0."""
        self._call(self._library.training_test_begin, index)

    def test_batch(self, index: int) -> None:
        self._call(self._library.training_test_batch, index)

    def end_test(self, index: int) -> dict[str, Any]:
        """The means over the batches since the beginning: net, iteration, outputs."""
        return self._call(self._library.training_test_end, index)

    def snapshot(self, aside_prefix: str, final_prefix: str) -> dict[str, Any]:
        """Writes a stock snapshot under `aside_prefix` and reads it back: model, state, problem (empty when all is well).

        Where weights are not finite nothing is written, and not_finite says which.
        """
        return self._call(self._library.training_snapshot, aside_prefix, final_prefix)

    def not_finite_parameter(self) -> dict[str, Any] | None:
        """The first parameter of the train net that is not finite, or None; it brings all of them to the host."""
        return self._call(self._library.training_not_finite_parameter)

    def end_within(self, seconds: int) -> None:
        """Has the process and its whole group, which it must lead, killed unless it ends within `seconds`."""
        self._library.end_within(seconds)

    def restore(self, state: str) -> None:
        """Takes weights, history and iteration from a stock solver state."""
        self._call(self._library.training_restore, state)

    def skip(self, net: int, batches: int) -> None:
        """Moves the Data layers of a net that has not run on by `batches`."""
        self._call(self._library.training_skip, net, batches)

    def replay(self, net: int, batches: int) -> bool:
        """Has all other data layers of `net` load `batches`; False where it has none."""
        return self._call(self._library.training_replay, net, batches)

    def resume_state(self) -> dict[str, Any]:
        """What a snapshot of Caffe forgets, except for the place in the data."""
        return self._call(self._library.training_resume_state)

    def resume(self, resume_state: Mapping[str, Any]) -> None:
        self._call(self._library.training_resume, resume_state)

    def _call(
        self, function: Callable[Concatenate[int, _Arguments], _Answer], *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Answer:
        handle = self._handle
        assert handle is not None
        return self._guarded(lambda: function(handle, *arguments, **named))

    def _guarded(self, call: Callable[[], _Answer]) -> _Answer:
        """What the call returns. Raises BaristaError where a layer of type Python throws, as SystemExit too."""
        try:
            return call()
        except BaseException as error:
            raise BaristaError(self._sentence(error)) from error

    def _sentence(self, error: BaseException) -> str:
        sentence = python_layers.sentence(error, self._library.layer_at_work())
        return sentence + (f", in iteration {self.iteration}" if self._handle else "")
