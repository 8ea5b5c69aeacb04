"""The files that nets and solvers name: data, lists, means, weights. Where they are, and whether they are what a layer reads.

Caffe aborts on a missing or foreign data source without saying which one it was; here it is a sentence before Caffe starts. Only
layers that the net's state includes are looked at, by the rules of Caffe's Net::FilterNet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
from google.protobuf.message import DecodeError

from barista.errors import BaristaError
from barista.net import schema
from barista.net.schema import LayerParameter, NetParameter, SolverParameter
from barista.net.shapes import Shape

_FIELDS = {
    "data_param": ("source", "mean_file"),
    "hdf5_data_param": ("source",),
    "image_data_param": ("source", "mean_file"),
    "infogain_loss_param": ("source",),
    "transform_param": ("mean_file",),
    "window_data_param": ("source", "mean_file"),
}


@dataclass(frozen=True)
class NamedFile:
    """One file or folder that a layer names."""

    param: str  # the layer's parameter message, for example "data_param"
    field: str
    name: str


def named_by(layer: LayerParameter) -> Iterator[NamedFile]:
    for param, fields in _FIELDS.items():
        if layer.HasField(param):
            for field in fields:
                name = getattr(getattr(layer, param), field)
                if name:
                    yield NamedFile(param, field, name)


def look_for(name: str, near: Path) -> Path | None:
    """`name` from the working directory, as Caffe takes it; else from the folder of the file `near` or the first one above that has
    it. None where it is nowhere."""
    if Path(name).exists():
        return Path(name)
    candidates = (folder / name for folder in near.absolute().parents)
    return next((candidate for candidate in candidates if candidate.exists()), None)


def find(name: str, near: Path, place: str) -> tuple[Path, list[str]]:
    """The file that `name` in `place` means, and a note where it is not the one that Caffe would open. Raises BaristaError."""
    found = look_for(name, near)
    if found is None:
        raise BaristaError(f"{place} '{name}': no such file from {Path.cwd()}, from the solver's folder or one above it")
    return found, [] if found == Path(name) else [f"{place} '{name}': not there from {Path.cwd()}; {found} is used"]


def find_weights(given: Iterable[str], solver: Path) -> tuple[list[str], list[str]]:
    """The values of a `weights` field, each of which may hold several names with commas between, and notes on what was moved.

    Raises BaristaError.
    """
    values, notes = [], []
    for names in given:
        found = [find(name.strip(), solver, f"{solver}: weights") for name in names.split(",") if name.strip()]
        values.append(",".join(str(file) for file, _ in found))
        notes += [note for _, moved in found for note in moved]
    return values, notes


def find_prefix(settings: SolverParameter, path: Path) -> tuple[str, list[str]]:
    """Where snapshots of the solver in `path` go, and a note where that is not as it says. Raises BaristaError.

    By Caffe's rules: beside the solver where it says nothing, into a folder that it names.
    """
    prefix = Path(settings.snapshot_prefix or path.with_suffix(""))
    if prefix.is_dir():
        prefix /= path.stem
    place = f"{path}: snapshot_prefix '{prefix}'"
    folder = look_for(str(prefix.parent), path)
    if folder is None or not folder.is_dir():
        missing = f"{place}: there is no folder {prefix.parent.absolute()}"
        if settings.snapshot or settings.snapshot_after_train:
            raise BaristaError(f"{missing}; make it first")
        return prefix.name, [f"{missing}; the solver asks for no snapshot, and the log goes to {Path.cwd()}"]
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BaristaError(f"{place}: the folder {folder.absolute()} cannot be written to")
    moved = [] if folder == prefix.parent else [f"{place}: there is no folder {prefix.parent.absolute()}; snapshots go to {folder}"]
    return str(folder / prefix.name), moved


def with_found(net: NetParameter, near: Path, name: str) -> tuple[NetParameter, list[str]]:
    """A copy of the net with its data and mean files where look_for() finds them, and sentences on those that it moved.

    What is nowhere stays, since a layer may go unused. `name` is what sentences call the net.
    """
    copy = type(net)()
    copy.CopyFrom(net)
    notes = []
    for layer in copy.layer:
        for file in named_by(layer):
            found = look_for(file.name, near)
            if found is not None and found != Path(file.name):
                setattr(getattr(layer, file.param), file.field, str(found))
                place = f"{name}: layer '{layer.name}': {file.field} '{file.name}'"
                notes.append(f"{place}: not there from {Path.cwd()}; {found} is used")
    return copy, notes


def is_readable(layer: LayerParameter) -> bool:
    """Whether all files that a layer names are there and what it reads; false of one that names none."""
    files = list(named_by(layer))
    return bool(files) and not any(_problem(layer, file) for file in files)


def check(net: NetParameter, phase: str, state: Any, name: str) -> None:
    """Raises BaristaError for a file that a layer cannot read which the net has in the state that state_of() tells.

    `name` is what the sentence calls the net.
    """
    effective = state_of(net, phase, state)
    for layer in net.layer:
        if includes(effective, layer):
            for file in named_by(layer):
                problem = _problem(layer, file)
                if problem:
                    raise BaristaError(f"{name}: layer '{layer.name}': {file.field} '{file.name}': {problem}")


def state_of(net: NetParameter, phase: str, state: Any) -> Any:
    """A net as in Caffe is in `phase` ("TRAIN" or "TEST"), overridden by the net's own state and that by the solver's `state`."""
    effective = schema.new("NetState")
    effective.phase = effective.DESCRIPTOR.fields_by_name["phase"].enum_type.values_by_name[phase].number
    effective.MergeFrom(net.state)
    effective.MergeFrom(state)
    return effective


def includes(state: Any, layer: LayerParameter) -> bool:
    """Whether a net in `state` has the layer."""
    if layer.include:
        return any(_meets(state, rule) for rule in layer.include)
    return not any(_meets(state, rule) for rule in layer.exclude)


def _meets(state: Any, rule: Any) -> bool:
    return not (
        (rule.HasField("phase") and rule.phase != state.phase)
        or (rule.HasField("min_level") and state.level < rule.min_level)
        or (rule.HasField("max_level") and state.level > rule.max_level)
        or set(rule.stage) - set(state.stage)
        or set(rule.not_stage) & set(state.stage)
    )


# --- what may be wrong with one file -------------------------------------------------------------------------------------------


def _problem(layer: LayerParameter, file: NamedFile) -> str:
    path = Path(file.name)
    if not path.exists():
        return "there is no such file"
    if layer.type == "Data" and file.param == "data_param" and file.field == "source":
        return _DATABASES[layer.data_param.backend == layer.data_param.LMDB](path)
    if path.is_dir():
        return "is a folder, a file is expected"
    if file.param == "hdf5_data_param":
        return _hdf5_list_problem(path)
    return ""


def _lmdb_problem(path: Path) -> str:
    if not (path / "data.mdb").is_file():
        return "is not an LMDB, which is a folder that holds data.mdb" + _other_database(path, "CURRENT", "LEVELDB")
    try:
        with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
            record = next(iter(transaction.cursor()), None)
            return "holds no records" if record is None else _datum_problem(bytes(record[1]))
    except lmdb.Error as error:
        return f"is not an LMDB that can be read ({str(error).removeprefix(f'{path}: ')})"


def _leveldb_problem(path: Path) -> str:
    if (path / "CURRENT").is_file():
        return ""
    return "is not a LevelDB, the backend where none is given" + _other_database(path, "data.mdb", "LMDB")


_DATABASES: dict[bool, Callable[[Path], str]] = {True: _lmdb_problem, False: _leveldb_problem}


def _other_database(path: Path, mark: str, backend: str) -> str:
    return f"; it is a database of the other kind, say 'backend: {backend}'" if (path / mark).is_file() else ""


def _datum_problem(record: bytes) -> str:
    try:
        datum = schema.message_class("Datum").FromString(record)
    except DecodeError:
        return "its records are not Caffe's Datum"
    pixels = datum.channels * datum.height * datum.width
    if datum.encoded or pixels in (len(datum.data), len(datum.float_data)):
        return "" if datum.encoded or pixels else "its first record is empty"
    return f"its first record holds {len(datum.data)} bytes for {datum.channels}x{datum.height}x{datum.width}"


def _hdf5_list_problem(path: Path) -> str:
    files = path.read_text(errors="replace").split()
    if not files:
        return "is empty, it should list HDF5 files"
    missing = next((file for file in files if not Path(file).is_file()), None)
    return f"lists '{missing}', and there is no such file" if missing else ""


# --- shapes of images ----------------------------------------------------------------------------------------------------------


def image_of_database(layer: Any) -> Shape | None:
    """The shape of the first record that a Data layer reads, channels first; None where it isn't there or Caffe alone can tell.

    Caffe reads a path from the working directory, so this does. Raises BaristaError.
    """
    source = Path(layer.data_param.source)
    if layer.data_param.backend != layer.data_param.LMDB or not (source / "data.mdb").is_file():
        return None
    try:
        with lmdb.open(str(source), readonly=True, lock=False) as database, database.begin() as transaction:
            record = next(iter(transaction.cursor()), None)
    except lmdb.Error as error:
        raise BaristaError(f"layer '{layer.name}': {source} is not an LMDB: {error}") from error
    if record is None:
        return None
    datum = schema.new("Datum")
    datum.ParseFromString(record[1])
    size = (int(datum.channels), int(datum.height), int(datum.width))
    return size if not datum.encoded and all(size) else None
