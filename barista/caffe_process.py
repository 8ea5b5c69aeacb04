"""A process in which Caffe runs, both ends of it: a task goes in, events come out, and a death becomes a sentence.

Caffe ends its process where a check of its fails, so whoever asks something of a net asks in a process of its own. The task is one
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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from barista import failures
from barista.errors import BaristaError

Event = dict[str, Any]


def ask(module: str, arguments: Sequence[str], task: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[Event]:
    """The answer of `python -m MODULE ARGUMENTS` to `task`, event by event; `variables` are added to its environment.

    Raises BaristaError where it says that nothing can be done, and where it ends otherwise than well; task["name"] is what the
    sentence calls the net.
    """
    environment = {**os.environ, **variables, "GLOG_logtostderr": "1", "GLOG_minloglevel": "0"}
    environment["PYTHONPATH"] = os.pathsep.join(folder for folder in sys.path if folder)
    command = [sys.executable, "-m", module, *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as worker,
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            with worker.stdin:
                worker.stdin.write(json.dumps(task))
        except BrokenPipeError:
            pass  # it ended before it read: the log says why
        at, error = "", ""
        fatal: Mapping[str, Any] | None = None
        for line in worker.stdout:
            event = json.loads(line)
            if event.get("event") == "fatal":
                fatal = event
            elif "error" in event:
                error = event["error"]
            elif "begin" in event:
                at = event["begin"]
            else:
                yield event
        status = worker.wait()
        if error:
            raise BaristaError(error)
        if status != 0:
            log.seek(0)
            raise BaristaError(f"{task['name']}: {_why_ended(fatal, at, status, log.read())}")


def _why_ended(fatal: Mapping[str, Any] | None, at: str, status: int, log: str) -> str:
    """What Caffe said last, or how its process ended while it was `at` a layer."""
    if fatal is not None:
        layer = fatal["layer"] or at
        return f"{f'layer {layer!r}: ' if layer else ''}{failures.explain(fatal['message'])}, says Caffe ({fatal['place']})"
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

    def fileno(self) -> int:
        """For Caffe's last words: what barista_training_report_to() takes."""
        return self._stream.fileno()
