"""What Caffe's library knows: the upgrade of old nets and solvers to the present format, its layer and solver types, and HDF5.

The library is asked in a process of its own (`python -m barista.net.upgrade`): a net that it cannot upgrade fails a CHECK, which
ends the process, and this one may still want to load the library in its own order. A message crosses serialised on stdin and
stdout; Caffe's log, on stderr, holds the sentence.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError

_STATUS_FILE_ERROR = 4  # the child could not open the library
_UPGRADED, _NOT_PARSED, _INCOMPLETE = 0, 1, 2  # as in caffe_layers/plugin/upgrade.cpp


@dataclass(frozen=True)
class Upgraded:
    message: Any
    changed: bool
    problems: tuple[str, ...]  # what Caffe could not carry over, in its words


def upgrade_net(net: Any, name: str) -> Upgraded:
    """The net in the present format; `name` is what error sentences call it. Raises BaristaError."""
    if not _may_be_old(net):
        return Upgraded(net, False, ())
    return _upgrade("net", net, name)


def upgrade_solver(solver: Any, name: str) -> Upgraded:
    """The solver in the present format; nets inside it stay as they are. Raises BaristaError."""
    if not solver.HasField("solver_type"):
        return Upgraded(solver, False, ())
    return _upgrade("solver", solver, name)


def layer_types() -> frozenset[str] | None:
    """The layer types that this Caffe with the plugin knows, or None where the plugin is not built or cannot be loaded."""
    return _types("layers")


def solver_types() -> frozenset[str] | None:
    """The solver types likewise."""
    return _types("solvers")


def hdf5_layers(weights: Path) -> list[str]:
    """The layers of which the HDF5 file `weights` has parameters. Raises BaristaError where it is none of Caffe's."""
    answer = _ask(paths.plugin_library(), "hdf5", str(weights), b"")
    if answer.returncode != 0:
        raise BaristaError(f"weights {weights}: HDF5 can't read them: {_last_line(answer.stderr)}")
    read = json.loads(answer.stdout)
    if read["problem"]:
        raise BaristaError(f"weights {weights}: the HDF5 file {read['problem']}")
    return list(read["layers"])


def _may_be_old(net: Any) -> bool:
    """False spares a process. What is old, and what becomes of it, is Caffe's to say."""
    return bool(net.layers or net.input or any(layer.type == "BatchNorm" and layer.param for layer in net.layer))


def _upgrade(what: str, message: Any, name: str) -> Upgraded:
    answer = _ask(paths.plugin_library(), what, name, message.SerializePartialToString())
    problems = _logged(answer.stderr, "E") if answer.returncode == _INCOMPLETE else ()
    if answer.returncode not in (_UPGRADED, _INCOMPLETE):
        reason = " ".join(_logged(answer.stderr, "F")) or _last_line(answer.stderr) or f"exit status {answer.returncode}"
        raise BaristaError(f"{name}: Caffe cannot upgrade this {what} from its old format: {reason}")
    upgraded = type(message).FromString(answer.stdout)
    return Upgraded(upgraded, upgraded != message, problems)


@functools.cache
def _types(what: str) -> frozenset[str] | None:
    try:
        library = paths.plugin_library()
    except BaristaError:
        return None
    answer = _ask(library, what, "", b"")
    return frozenset(answer.stdout.decode().split()) if answer.returncode == 0 else None


def _ask(library: Path, what: str, name: str, message: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "barista.net.upgrade", str(library), what, name]
    package = str(Path(__file__).resolve().parents[1])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "GLOG_logtostderr": "1", "GLOG_minloglevel": "0", "PYTHONPATH": search}
    return subprocess.run(command, input=message, capture_output=True, env=environment, check=False)


def _logged(log: bytes, severity: str) -> tuple[str, ...]:
    """The messages of one of glog's severities (E, F), without its prefix of date, thread and line."""
    messages = re.findall(rf"^{severity}\d{{4,8}} \S+ +\d+ [^\]]+\] (.*)$", log.decode(errors="replace"), re.MULTILINE)
    return tuple(message for message in messages if "(see above)" not in message)


def _last_line(log: bytes) -> str:
    lines = [line for line in log.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


# --- the process that holds the library ----------------------------------------------------------------------------------------


def _answer(path: str, what: str, name: str) -> int:
    from barista.runtime.library import INCOMPLETE, UPGRADED, Library

    try:
        library = Library(Path(path))
    except BaristaError as error:
        print(error, file=sys.stderr)
        return _STATUS_FILE_ERROR
    if what in ("layers", "solvers"):
        types = library.layer_types() if what == "layers" else library.solver_types()
        sys.stdout.write("\n".join(types))
        return 0
    if what == "hdf5":
        sys.stdout.write(json.dumps(library.hdf5_layers(Path(name))))
        return 0
    upgrade = library.upgrade_net if what == "net" else library.upgrade_solver
    status, message = upgrade(name, sys.stdin.buffer.read())
    if status in (UPGRADED, INCOMPLETE):
        sys.stdout.buffer.write(message)
    return status


if __name__ == "__main__":
    sys.exit(_answer(*sys.argv[1:]))
