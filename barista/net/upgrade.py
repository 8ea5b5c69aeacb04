"""What Caffe's library knows: the upgrade of old nets and solvers to the present format, its layer and solver types, and HDF5.

The library is asked in a process of its own (`python -m barista.net.upgrade`): a net that it cannot upgrade fails a CHECK, which
ends the process, and this one may still want to load the library in its own order.
"""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barista import paths
from barista.errors import BaristaError
from barista.runtime import process


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
    read, _ = _ask("hdf5", str(weights), f"weights {weights}")
    if read["problem"]:
        raise BaristaError(f"weights {weights}: the HDF5 file {read['problem']}")
    return list(read["layers"])


def _may_be_old(net: Any) -> bool:
    """False spares a process. What is old, and what becomes of it, is Caffe's to say."""
    return bool(net.layers or net.input or any(layer.type == "BatchNorm" and layer.param for layer in net.layer))


def _upgrade(what: str, message: Any, name: str) -> Upgraded:
    failed = f"{name}: Caffe cannot upgrade this {what} from its old format"
    try:
        answer, log = _ask(what, name, failed, message.SerializePartialToString())
    except process.DiedError as error:
        if error.fatal is None:
            raise
        raise BaristaError(f"{failed}: {' '.join(error.fatal['message'].split())}") from error
    if process.PAYLOAD not in answer:
        raise BaristaError(f"{failed}: it ended with status {answer['status']}")
    upgraded = type(message).FromString(answer[process.PAYLOAD])
    return Upgraded(upgraded, upgraded != message, _errors(log) if answer["incomplete"] else ())


@functools.cache
def _types(what: str) -> frozenset[str] | None:
    try:
        answer, _ = _ask(what, "", "")
    except BaristaError:
        return None
    return frozenset(answer["types"])


def _ask(what: str, file: str, name: str, message: bytes | None = None) -> tuple[process.Event, str]:
    """The answer of a process that holds the library, and what Caffe logged; `name` begins the sentence of its death."""
    command = process.command("barista.net.upgrade", str(paths.plugin_library()))
    with process.Process(command, name, {}, multiplies=False) as child:
        child.tell({"what": what, "file": file}, message)
        child.tell_no_more()
        answer = child.hear()
        child.hear()
        assert answer is not None, "it answers, or says why not"
        return answer, child.log()


def _errors(log: str) -> tuple[str, ...]:
    """The messages of glog's severity E, without its prefix of date, thread and line."""
    messages = re.findall(r"^E\d{4,8} \S+ +\d+ [^\]]+\] (.*)$", log, re.MULTILINE)
    return tuple(message for message in messages if "(see above)" not in message)


# --- the process that holds the library ----------------------------------------------------------------------------------------


def _answer(path: str) -> None:
    from barista.runtime.library import INCOMPLETE, UPGRADED, Library

    answer = process.Answer()
    request = next(answer.requests())
    what, file = request["what"], request["file"]
    try:
        library = Library(Path(path))
    except BaristaError as error:
        answer.tell(error=str(error))
        return
    library.report_fatal_to(answer.fileno())
    if what in ("layers", "solvers"):
        answer.tell(types=library.layer_types() if what == "layers" else library.solver_types())
    elif what == "hdf5":
        answer.tell(**library.hdf5_layers(Path(file)))
    else:
        upgrade = library.upgrade_net if what == "net" else library.upgrade_solver
        status, message = upgrade(file, request[process.PAYLOAD])
        answer.tell(message if status in (UPGRADED, INCOMPLETE) else None, status=status, incomplete=status == INCOMPLETE)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
