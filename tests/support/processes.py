"""Commands and scripts in processes of their own, in the checkout, as a user runs them."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barista import paths
from barista.bitstream import build as bitstreams
from barista.bitstream.manifest import Bitstream
from barista.opencl import devices

ROOT = Path(__file__).resolve().parents[2]
Result = subprocess.CompletedProcess[str]


def stock_tool() -> str:
    """The `caffe` tool of the Caffe in use, which a Caffe to test with has."""
    installation = paths.caffe_installation()
    assert installation.binary is not None, f"{installation.root} has no caffe tool; test with one that has"
    return str(installation.binary)


class Devices:
    """What `bitstream.resolve` says of each device."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Bitstream, devices.Device]] = {}

    def of(self, device: str) -> tuple[Bitstream, devices.Device]:
        if device not in self._found:
            self._found[device] = bitstreams.resolve(device)
        return self._found[device]


def barista(*arguments: str | Path, **variables: str) -> Result:
    """`barista ARGUMENTS`, with further variables in its environment."""
    return run([sys.executable, "-m", "barista", *map(str, arguments)], **variables)


def python(code: str, *arguments: str | Path, **variables: str) -> Result:
    """Runs `code`, indented as in the test, as a script of its own."""
    return run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], **variables)


def run(command: list[str], **variables: str) -> Result:
    search = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    environment = {**os.environ, "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def sentence(result: Result, status: int = 1) -> str:
    """The one sentence with which a command failed. Anything else on stderr, a trace above all, fails the test."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return last_sentence(result, status)


def last_sentence(result: Result, status: int = 1) -> str:
    """The same of a command that has told of its work before."""
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("barista: "), result.stderr
    return last.removeprefix("barista: ")


class Remote:
    """A process that answers commands, each a tuple: `serve(connection, device, ...)` does so until there are no more."""

    def __init__(self, serve: Callable[..., None], device: str | None, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, device, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        self._name = device or "stock Caffe"

    def ask(self, *command: Any) -> Any:
        try:
            self._connection.send(command)
            return self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            pytest.fail(f"{self._name} ended with status {self._process.exitcode} at {command}")

    def close(self) -> None:
        self._connection.close()
        self._process.join(30)
