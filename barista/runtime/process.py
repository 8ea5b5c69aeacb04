"""A process that is asked and answers, both ends of it: the one protocol between Barista and the processes that it starts.

Caffe ends its process where a check of its fails, and OpenCL's runtimes print, crash and read the environment once; so both run in
processes of their own. Requests go in on standard input, answers come out on what was standard output, a JSON object on each line.
One with "payload" is followed by as many raw bytes. Of those that come out,

    {"begin": layer}          says what is at hand, for the sentence of a death
    {"error": sentence}       says that nothing can be done
    {"event": "fatal", ...}   are Caffe's last words, written by C++ (see caffe_layers/capi/barista.h)

and all others are the answer. A death, an error and an exception all reach the parent as a BaristaError with one sentence.
"""

from __future__ import annotations

import functools
import json
import os
import re
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from barista.errors import BaristaError

if TYPE_CHECKING:
    from barista.runtime.library import Library

Event = dict[str, Any]
PAYLOAD = "payload"  # in an event that was heard: the bytes


class DiedError(BaristaError):
    """The process ended otherwise than well; `fatal` are Caffe's last words, where it had any."""

    def __init__(self, message: str, fatal: Mapping[str, Any] | None) -> None:
        super().__init__(message)
        self.fatal = fatal


def ask(module: str, arguments: Sequence[str], task: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[Event]:
    """The answer of `python -m MODULE ARGUMENTS` to `task`, event by event; `variables` are added to its environment.

    Raises BaristaError where it says that nothing can be done, and where it ends otherwise than well; task["name"] is what the
    sentence calls the net.
    """
    with Process(command(module, *arguments), task["name"], variables) as process:
        process.tell(task)
        process.tell_no_more()
        while (event := process.hear()) is not None:
            yield event


def command(module: str, *arguments: str) -> list[str]:
    """That of a process which runs a module of the package."""
    return [sys.executable, "-m", module, *arguments]


def environment(variables: Mapping[str, str], *, multiplies: bool = True) -> dict[str, str]:
    """What a process is started with: this one's environment and modules, Caffe's log on standard error, and `variables`.

    Where it `multiplies`, as Caffe's passes do, OpenBLAS is told of the processor what it does not see itself.
    """
    from barista.runtime import blas

    kernels = blas.environment() if multiplies else {}
    # What the environment says now may be more than what Python began with.
    asked = [*sys.path, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    search = dict.fromkeys(folder for folder in asked if folder and folder not in _interpreters_own())
    log = {"GLOG_logtostderr": "1", "GLOG_minloglevel": "0"}
    return {**os.environ, **kernels, "PYTHONPATH": os.pathsep.join(search), **variables, **log}


@functools.cache
def _interpreters_own() -> frozenset[str]:
    """Folders that Python searches by itself. Programs of another Python, which a layer may start, must not be given them."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), f"{sysconfig.get_path('platstdlib')}/lib-dynload"}
    paths |= {folder for folder in sys.path if folder.endswith((".zip", "/lib-dynload"))}
    return frozenset(paths | {os.path.realpath(folder) for folder in paths})


class Process:
    """A process that is told requests and answers with events. As a context, it is killed by an exception, else left to end."""

    def __init__(
        self,
        command: Sequence[str],
        name: str,
        variables: Mapping[str, str],
        *,
        log: IO[Any] | None = None,
        new_session: bool = False,
        runs: str = "Caffe",
        multiplies: bool = True,
    ) -> None:
        """`name` is what sentences call what it works on, and `runs` what it is for; see environment() for the others.

        `log`, else a file that is gone with it, takes what it prints. In a session of its own no terminal reaches it.
        """
        self._name, self._runs = name, runs
        self._log = tempfile.TemporaryFile() if log is None else log  # noqa: SIM115 - closed on exit
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment(variables, multiplies=multiplies),
            start_new_session=new_session,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._requests, self._answers = self._popen.stdin, self._popen.stdout
        self._at = ""  # the layer at hand
        self._error = ""
        self._fatal: Mapping[str, Any] | None = None
        self._unfinished = b""  # what take() has of a line so far

    @property
    def pid(self) -> int:
        return self._popen.pid

    def fileno(self) -> int:
        """For a selector: there is something to take()."""
        return self._answers.fileno()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._popen.kill()
        self.tell_no_more()
        self._answers.close()
        self._popen.wait()
        self._log.close()

    def tell(self, request: Mapping[str, Any], payload: bytes | None = None) -> None:
        """Sends a request, and bytes that follow it."""
        with suppress(BrokenPipeError):  # it has ended: hear() says why
            self._requests.write(_message(request, payload))
            self._requests.flush()

    def tell_no_more(self) -> None:
        """Ends its standard input."""
        with suppress(BrokenPipeError):
            self._requests.close()

    def hear(self) -> Event | None:
        """The next event; None where the process has ended well. Raises BaristaError as ask() does."""
        while (event := read(self._answers)) is not None:
            if event.get("event") == "fatal":
                self._fatal = event
            elif "error" in event:
                self._error = event["error"]
            elif "begin" in event:
                self._at = event["begin"]
            else:
                return event
        status = self._popen.wait()
        if self._error:
            raise BaristaError(self._error)
        if status != 0:
            raise DiedError(self._why_ended(status), self._fatal)
        return None

    def take(self) -> tuple[list[Event], bool]:
        """All events that have come, none kept back for a sentence, and whether no more can; it does not wait. Not for payloads."""
        os.set_blocking(self.fileno(), False)
        closed = False
        with suppress(BlockingIOError):
            while more := os.read(self.fileno(), 65536):
                self._unfinished += more
            closed = True
        *lines, self._unfinished = self._unfinished.split(b"\n")
        return [json.loads(line) for line in lines], closed

    def send_signal(self, number: int) -> None:
        """Sends it a signal, where it has not gone."""
        self._popen.send_signal(number)

    def wait(self) -> int:
        """Waits for its end; its status, or of a signal that ended it the number below 0."""
        self._answers.close()
        return self._popen.wait()

    def log(self) -> str:
        """What it has printed, once it has ended."""
        self._log.seek(0)
        return bytes(self._log.read()).decode(errors="replace")

    def _why_ended(self, status: int) -> str:
        """What Caffe said last, or how the process ended while it was at a layer."""
        name = f"{self._name}: " if self._name else ""
        if self._fatal is not None:
            from barista.runtime import failures

            return name + failures.of_caffe({**self._fatal, "layer": self._fatal["layer"] or self._at})
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        lines = [line for line in self.log().splitlines() if line.strip()]
        # Of several exceptions in Python the first tells more: pycaffe makes another of it.
        lines = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)][:1] or lines[-1:]
        where = f" at layer {self._at!r}" if self._at else ""
        return f"{name}the process that runs {self._runs} {how}{where}{f': {lines[0]}' if lines else ''}"


def read(stream: IO[bytes]) -> Event | None:
    """The next object of a stream, its bytes in PAYLOAD; None at the stream's end."""
    line = stream.readline()
    if not line:
        return None
    event: Event = json.loads(line)
    if PAYLOAD in event:
        event[PAYLOAD] = stream.read(event[PAYLOAD])
    return event


def _message(fields: Mapping[str, Any], payload: bytes | None) -> bytes:
    if payload is None:
        return json.dumps(fields).encode() + b"\n"
    return json.dumps({**fields, PAYLOAD: len(payload)}).encode() + b"\n" + payload


class Answer:
    """The process's own end. To be opened before any library prints: from then on standard output is this answer's alone."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)

    def requests(self) -> Iterator[Event]:
        """What the process is asked, until standard input ends."""
        while (request := read(sys.stdin.buffer)) is not None:
            yield request

    def tell(self, payload: bytes | None = None, **event: Any) -> None:
        """Sends an event, and bytes that follow it. Raises BrokenPipeError where nobody listens any more."""
        data = _message(event, payload)
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Nothing is told any more. The descriptor stays taken: C++ knows it by its number."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._descriptor)
        os.close(nowhere)

    @contextmanager
    def python_layers(self, name: str, library: Library | None, net: Callable[[], Any] = lambda: None) -> Iterator[None]:
        """Says what a layer of type Python throws, and has the process end; `name` is what the net is called.

        The library, where there is one, knows the layer that Caffe makes; of those that have been made `net` has the names.
        """
        from barista.layers import python_layers

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
        """For Caffe's last words: what Library.report_fatal_to() takes."""
        return self._descriptor
