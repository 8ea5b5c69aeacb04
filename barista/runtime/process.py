"""A process in which Caffe runs, both ends of it: tasks go in, events come out, and a death becomes a sentence.

Caffe ends its process where a check of its fails, so whoever asks something of a net asks in a process of its own. A task is one
JSON object on standard input. On standard output go JSON lines: {"begin": layer} says what is at hand, {"error": sentence} that
nothing can be done, {"event": "fatal", ...} are Caffe's last words, and all others are the answer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from barista.errors import BaristaError
from barista.layers import python_layers
from barista.runtime import blas, failures
from barista.runtime.library import Library

Event = dict[str, Any]


def ask(module: str, arguments: Sequence[str], task: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[Event]:
    """The answer of `python -m MODULE ARGUMENTS` to `task`, event by event; `variables` are added to its environment.

    Raises BaristaError where it says that nothing can be done, and where it ends otherwise than well; task["name"] is what the
    sentence calls the net.
    """
    with Process([sys.executable, "-m", module, *arguments], task["name"], variables) as process:
        process.tell(task)
        process.tell_no_more()
        while (event := process.hear()) is not None:
            yield event


class Process:
    """A process that is told tasks and answers with events. As a context, it is killed by an exception, else left to end."""

    def __init__(self, command: Sequence[str], name: str, variables: Mapping[str, str]) -> None:
        """`name` is what sentences call what it works on; `variables` are added to its environment."""
        search = os.pathsep.join(folder for folder in sys.path if folder)
        environment = {
            **os.environ,
            **blas.environment(),
            "PYTHONPATH": search,
            **variables,
            "GLOG_logtostderr": "1",
            "GLOG_minloglevel": "0",
        }
        self._name = name
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed on exit
        self._worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment
        )
        self._at = ""  # the layer at hand
        self._error = ""
        self._fatal: Mapping[str, Any] | None = None

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._worker.kill()
        self.tell_no_more()
        assert self._worker.stdout is not None
        self._worker.stdout.close()
        self._worker.wait()
        self._log.close()

    def tell(self, task: Mapping[str, Any]) -> None:
        assert self._worker.stdin is not None
        try:
            self._worker.stdin.write(json.dumps(task) + "\n")
            self._worker.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: hear() says why

    def tell_no_more(self) -> None:
        assert self._worker.stdin is not None
        try:
            self._worker.stdin.close()
        except BrokenPipeError:
            pass

    def hear(self) -> Event | None:
        """The next event; None where the process has ended well. Raises BaristaError as ask() does."""
        assert self._worker.stdout is not None
        for line in self._worker.stdout:
            event = json.loads(line)
            if event.get("event") == "fatal":
                self._fatal = event
            elif "error" in event:
                self._error = event["error"]
            elif "begin" in event:
                self._at = event["begin"]
            else:
                return dict(event)
        status = self._worker.wait()
        if self._error:
            raise BaristaError(self._error)
        if status != 0:
            self._log.seek(0)
            raise BaristaError(f"{self._name}: {_why_ended(self._fatal, self._at, status, self._log.read())}")
        return None


def _why_ended(fatal: Mapping[str, Any] | None, at: str, status: int, log: str) -> str:
    """What Caffe said last, or how its process ended while it was `at` a layer."""
    if fatal is not None:
        return failures.of_caffe({**fatal, "layer": fatal["layer"] or at})
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    lines = [line for line in log.splitlines() if line.strip()]
    # Of several exceptions in Python the first tells more: pycaffe makes another of it.
    lines = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)][:1] or lines[-1:]
    where = f" at layer {at!r}" if at else ""
    return f"the process that runs Caffe {how}{where}{f': {lines[0]}' if lines else ''}"


class Answer:
    """The process's own end. To be opened before any library prints: from then on standard output is this answer's alone."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def tell(self, **event: Any) -> None:
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()

    @contextmanager
    def python_layers(self, name: str, library: Library | None, net: Callable[[], Any] = lambda: None) -> Iterator[None]:
        """Says what a layer of type Python throws, and has the process end; `name` is what the net is called.

        The library, where there is one, knows the layer that Caffe makes; of those that have been made `net` has the names.
        """
        try:
            yield
        except BaseException as error:
            layer = library.layer_at_work() if library is not None else ""
            sentence = python_layers.of_pycaffe(error, layer, net())
            if sentence is None:
                raise
            self.tell(error=f"{name}: {sentence}")
            sys.exit(1)

    def fileno(self) -> int:
        """For Caffe's last words: what report_fatal_to() takes."""
        return self._stream.fileno()
