"""Snapshots: stock Caffe's two files, and beside them a third that holds what Caffe forgets.

    NAME.caffemodel            weights (stock)
    NAME.solverstate           history, iteration, and the model's name (stock); both may be HDF5 and end in .h5
    NAME.solverstate.barista   JSON: hashes of the two, the seed, random states, the place in the data

All three are written into a folder aside, read back, flushed to the disk and only then renamed into place, the solver state last:
where it stands, the others do. So neither a full disk nor a kill leaves a snapshot that is not whole, or touches the one before.

What can't be verified is not thrown away: it stays as NAME.unverified.caffemodel and NAME.unverified.solverstate.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from google.protobuf.message import DecodeError

from barista import __version__
from barista.errors import BaristaError
from barista.net import schema, upgrade
from barista.net.source import Net

RESUME_VERSION = 1
RESUME_SUFFIX = ".barista"
_ASIDE_SUFFIX = ".aside"
_UNVERIFIED = ".unverified"
# JSON of a resume state: two generators, the window of losses. Recurrent layers add theirs; the reserve is only a first check.
_MEMORY_BYTES = 64 * 1024
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that can be resumed from."""

    state: Path
    model: Path | None  # None: a state in HDF5 whose model does not lie beside it
    model_moved: bool  # the state names the model at a place where it isn't; `model` lies beside the state
    resume_state: dict[str, Any] | None  # None: stock Caffe wrote it, or the file beside it is gone


# --- writing -------------------------------------------------------------------------------------------------------------------


class Aside:
    """The folder beside `prefix` in which one process writes its snapshots before they are put in place; gone afterwards."""

    def __init__(self, prefix: str, process: int | None = None) -> None:
        self.final_prefix = prefix
        base = Path(prefix)
        self._folder = base.parent / f".{base.name}.{process or os.getpid()}{_ASIDE_SUFFIX}"
        self.prefix = str(self._folder / base.name)

    def __enter__(self) -> Aside:
        self.remove()
        try:
            self._folder.mkdir()
        except OSError as error:
            raise BaristaError(f"snapshot folder {self._folder.parent}: {error.strerror}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def reserve(self, wanted_bytes: int) -> None:
        """Raises OSError where the disk has no room for `wanted_bytes`: Caffe would abort halfway, and not say why."""
        probe = self._folder / "room"
        try:
            with probe.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, wanted_bytes + _MEMORY_BYTES)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
        finally:
            probe.unlink(missing_ok=True)

    def put_in_place(self, model: Path, state: Path, resume_state: Mapping[str, Any]) -> Path:
        """Adds the resume state to a verified `model` and `state` in this folder, and moves all three into place.

        Returns the state's path. Raises OSError; the snapshots that were there before are then as they were.
        """
        folder = Path(self.final_prefix).parent
        beside = state.with_name(state.name + RESUME_SUFFIX)
        files = {file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in (model, state)}
        beside.write_text(_resume_state_text(files, resume_state), encoding="utf-8")
        for file in (model, beside, state):
            _flush(file)
        # Where a run is repeated, the state of the same name must not stand for a moment beside the new model.
        (folder / state.name).unlink(missing_ok=True)
        for file in (model, beside, state):
            os.replace(file, folder / file.name)
        _flush(folder)
        return folder / state.name

    def keep_unverified(self, resume_state: Mapping[str, Any] | None = None) -> list[Path]:
        """Moves what was written into this folder, and could not be verified, beside the prefix under names that say so.

        Returns the files' paths: of the model, of the state, or of neither.
        """
        folder = Path(self.final_prefix).parent
        kept = []
        for file in sorted(self._folder.glob(f"{Path(self.prefix).name}_iter_*")):
            stem, kind, rest = _split(file.name)
            target = folder / f"{stem}{_UNVERIFIED}{kind}{rest}"
            if not kind or target.name.endswith(RESUME_SUFFIX):
                continue
            os.replace(file, target)
            kept.append(target)
            if kind == ".solverstate" and resume_state is not None:
                with contextlib.suppress(OSError):  # of the files it says nothing, since they may not be whole
                    target.with_name(target.name + RESUME_SUFFIX).write_text(_resume_state_text({}, resume_state), encoding="utf-8")
        return kept


def told_of(kept: Sequence[Path]) -> str:
    """The end of a sentence on a snapshot that could not be verified."""
    return f"; what was written, unverified, is kept as {' and '.join(map(str, kept))}" if kept else ""


def _split(name: str) -> tuple[str, str, str]:
    """`net_iter_3.solverstate.h5` is ("net_iter_3", ".solverstate", ".h5"); the kind of all else is empty."""
    for kind in (".caffemodel", ".solverstate"):
        stem, found, rest = name.rpartition(kind)
        if found:
            return stem, found, rest
    return name, "", ""


def _resume_state_text(files: Mapping[str, Any], resume_state: Mapping[str, Any]) -> str:
    return json.dumps({"barista_memory": RESUME_VERSION, "barista": __version__, "files": files, **resume_state}) + "\n"


def remove_stale_asides(prefix: str) -> None:
    """Removes what processes that are no more left behind."""
    base = Path(prefix)
    for folder in base.parent.glob(f".{base.name}.*{_ASIDE_SUFFIX}"):
        process = folder.name.removesuffix(_ASIDE_SUFFIX).rpartition(".")[2]
        if process.isdecimal() and not Path(f"/proc/{process}").exists():
            shutil.rmtree(folder, ignore_errors=True)


# --- reading -------------------------------------------------------------------------------------------------------------------


def open_snapshot(state: Path) -> Snapshot:
    """The snapshot whose solver state is `state`, its files read to the end. Raises BaristaError where they are not whole."""
    if state.name.endswith((".caffemodel", ".caffemodel.h5")):
        raise BaristaError(f"snapshot {state}: holds weights only; give the .solverstate beside it, or use --weights")
    named = Path(_learned_net(state))
    beside = state.with_name(state.name.replace(".solverstate", ".caffemodel"))
    if named != Path() and named.is_file() and _UNVERIFIED not in state.name:
        model, moved = named, False
    elif beside.is_file():
        model, moved = beside, named != Path()
    elif named == Path():
        model, moved = None, False
    else:
        raise BaristaError(f"snapshot {state}: its weights are to be in {named}, which is not there, nor is {beside}")
    resume_state = _read_resume_state(state, model)
    if model is not None:
        check_weights(model)
    return Snapshot(state, model, moved, resume_state)


def check_weights(model: Path) -> list[str]:
    """Reads a .caffemodel to the end, or what HDF5 tells of a file. Returns the names of the layers that it has parameters for.

    What a file is, its content says and not its name, as in Caffe. Raises BaristaError where it can't be read, is cut short, or
    holds nothing.
    """
    if _is_hdf5(model):
        _check_hdf5(model)
        names = upgrade.hdf5_layers(model)
    else:
        net = _parse(model, "NetParameter", "weights")
        names = [layer.name for layer in (*net.layer, *net.layers) if layer.blobs]
    if not names:
        raise BaristaError(f"weights {model}: hold no parameters; a .caffemodel with trained layers is expected")
    return names


def check_weights_of(files: Iterable[Path], net: Net) -> None:
    """Raises BaristaError for weights that can't be read, or are of another net.

    Caffe takes weights by the names of layers and ignores all others: another net's would pass as a training from scratch.
    """
    layers = {layer.name for layer in net.message.layer}
    for file in files:
        trained = check_weights(file)
        if trained and not layers.intersection(trained):
            few = ", ".join(f"'{name}'" for name in trained[:3])
            raise BaristaError(f"weights {file}: of another net: none of its layers ({few} ...) has the name of one in {net.name}")


def copy_naming(state: Path, model: Path, target: Path) -> None:
    """Writes a copy of `state` (not HDF5) to `target` that names `model` as the file with its weights."""
    parsed = _parse(state, "SolverState", "snapshot")
    parsed.learned_net = str(model.absolute())
    target.write_bytes(parsed.SerializeToString())


def _learned_net(state: Path) -> str:
    if state.name.endswith(".h5"):
        _check_hdf5(state)
        return ""  # inside the HDF5 file, which only Caffe reads
    parsed = _parse(state, "SolverState", "snapshot")
    if not parsed.HasField("iter") or not parsed.HasField("learned_net"):
        raise BaristaError(f"snapshot {state}: says neither iteration nor weights; it is not a whole .solverstate")
    return str(parsed.learned_net)


def _read_resume_state(state: Path, model: Path | None) -> dict[str, Any] | None:
    path = state.with_name(state.name + RESUME_SUFFIX)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BaristaError(f"resume state {path}: {error.strerror}") from error
    resume_state = _parse_resume_state(path, text)
    for file in (state, model):
        if file is not None:
            _check_hash(file, resume_state["files"], path)
    return resume_state


def _parse_resume_state(path: Path, text: str) -> dict[str, Any]:
    mend = f"remove {path.name} to resume as stock Caffe does, without random state and place in the data"
    try:
        resume_state = json.loads(text)
        version = resume_state["barista_memory"]
        complete = isinstance(resume_state["files"], dict) and all(
            key in resume_state for key in ("seed", "batches", "data", "solver")
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BaristaError(f"resume state {path}: cut short or not Barista's; {mend}") from error
    if version != RESUME_VERSION or not complete:
        raise BaristaError(f"resume state {path}: version {version}, this Barista reads {RESUME_VERSION}; {mend}")
    return dict(resume_state)


def _check_hash(file: Path, hashes: Mapping[str, Any], resume_state: Path) -> None:
    expected = hashes.get(file.name)
    if expected is None:  # renamed, by somebody who knows why
        return
    size = file.stat().st_size
    if size != expected["bytes"]:
        raise BaristaError(f"snapshot {file}: {size} bytes, and was {expected['bytes']} when it was written; it is not whole")
    if _sha256(file) != expected["sha256"]:
        raise BaristaError(f"snapshot {file}: its SHA-256 is not the one in {resume_state.name}; resume from another snapshot")


def _parse(path: Path, message: str, noun: str) -> Any:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BaristaError(f"{noun} {path}: no such file") from error
    except OSError as error:
        raise BaristaError(f"{noun} {path}: {error.strerror}") from error
    parsed = schema.new(message)
    try:
        parsed.ParseFromString(data)
    except DecodeError as error:
        raise BaristaError(f"{noun} {path}: not a whole {message} of Caffe; it is cut short or something else") from error
    return parsed


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE
    except OSError:
        return False  # the reader that comes next says why


def _check_hdf5(path: Path) -> None:
    """Raises BaristaError unless the file is as long as its superblock says (HDF5 File Format Specification, section II.A)."""
    try:
        with path.open("rb") as file:
            head = file.read(48)
        size = path.stat().st_size
    except OSError as error:
        raise BaristaError(f"snapshot {path}: {error.strerror}") from error
    if head[:8] != _HDF5_SIGNATURE or len(head) < 48:
        raise BaristaError(f"snapshot {path}: not an HDF5 file, which its name says that it is")
    end_of_file = 40 if head[8] < 2 else 28
    expected = int.from_bytes(head[end_of_file : end_of_file + 8], "little")
    if size < expected:
        raise BaristaError(f"snapshot {path}: cut short, {size} of {expected} bytes")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Has the disk take what was written; a write that failed late is told here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
