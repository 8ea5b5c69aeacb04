"""The one door for nets and solvers: a file is read, upgraded to Caffe's present format and checked here, once.

A solver names its nets in six ways (net, net_param, train_net, train_net_param, test_net, test_net_param), by files in old formats,
and nearly always says `solver_mode: GPU`. Opened, its settings and its nets lie side by side, all in the present format, for the
CPU build of Caffe that Barista uses; the order of test nets, states and all else stay. Which layers run on the device is decided
afterwards, on what was opened (barista.rewrite.placement).

A relative path counts from the working directory, as in Caffe. Where nothing is there, it counts from the solver's folder, or from
the nearest folder above that where it exists (Caffe's own examples count from the root of its tree), and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from barista.errors import BaristaError
from barista.layers import types
from barista.net import data_files, prototxt, schema, upgrade
from barista.net.prototxt import Document, Kind
from barista.net.schema import LayerParameter, NetParameter, SolverParameter

TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")
TEST_FIELDS = ("test_net_param", "test_net")  # in the order in which Caffe makes them
_INSIDE = {"net": "net_param", "train_net": "train_net_param", "test_net": "test_net_param"}
_REPEATED = ("test_net", "test_net_param")

# How a file is read, by its suffix; all others are prototxts, whatever they are called.
_READERS: Mapping[str, Callable[[Path, Kind | None], Document]] = {".prototxt": prototxt.read}


@dataclass(frozen=True)
class Net:
    """A net in Caffe's present format."""

    origin: Path  # the file that holds it: its own, or that of the solver which it stands in
    name: str  # what sentences call it
    original: NetParameter  # as it was written
    message: NetParameter
    notes: tuple[str, ...] = ()  # sentences on what is not as the file says
    field: str = ""  # the solver's field that gives it, for example "test_net"; empty of a net that was opened itself

    @property
    def nets(self) -> tuple[Net, ...]:
        return (self,)

    @property
    def has_file(self) -> bool:
        """Whether it is a file of its own."""
        return self.field == "" or self.field in _INSIDE


@dataclass(frozen=True)
class Solver:
    """A solver in Caffe's present format, and its nets."""

    origin: Path
    original: SolverParameter  # as it was written
    settings: SolverParameter  # all but the nets
    nets: tuple[Net, ...]
    notes: tuple[str, ...]  # sentences on what is not as the file says, of its nets too

    @property
    def train_net(self) -> Net:
        return next(net for net in self.nets if net.field in TRAIN_FIELDS)

    @property
    def weights(self) -> list[Path]:
        """The files of trained weights that it begins with."""
        return [Path(name.strip()) for names in self.settings.weights for name in names.split(",") if name.strip()]

    def instances(self) -> Iterator[tuple[Net, str, Any]]:
        """The nets that Caffe makes, each with its phase ("TRAIN", "TEST") and the NetState that the solver gives it.

        The train net comes first, then the test nets.
        """
        settings, train = self.settings, self.train_net
        yield train, "TRAIN", settings.train_state
        tests = [net for field in TEST_FIELDS for net in self.nets if net.field == field]
        tests += [train] * (len(settings.test_iter) - len(tests))  # the generic net is tested as often as test_iter is left
        states = list(settings.test_state)
        for index, test in enumerate(tests):
            yield test, "TEST", states[index] if index < len(states) else schema.new("NetState")

    def packed(
        self, messages: Sequence[NetParameter] | None = None, files: Mapping[Path, Path] = MappingProxyType({})
    ) -> SolverParameter:
        """The solver in one message. `messages`, one a net, take the place of its nets.

        Nets whose file is in `files` are named by the file there, the others stand inside. Caffe makes the nets of test_net_param
        before those of test_net, so their order holds either way.
        """
        param = _copy(self.settings)
        for net, message in zip(self.nets, [net.message for net in self.nets] if messages is None else messages, strict=True):
            if net.has_file and net.origin in files:
                _give(param, net.field, str(files[net.origin]))
            else:
                _give(param, _INSIDE.get(net.field, net.field), message)
        return param


def open(path: Path, *, check_types: bool = True) -> Net | Solver:
    """The net or solver in `path`, whichever the file's own fields say it is. Raises BaristaError.

    With `check_types`, a layer of a type that the Caffe in use does not have is an error, as far as the plugin can be asked. Of a
    solver only layers that one of its nets is made with count, as in Caffe.
    """
    document = _read(path)
    opened = of_net(document.message, path) if document.kind is Kind.NET else of_solver(document.message, path)
    if check_types:
        _check_types(opened)
    return opened


def open_net(path: Path) -> Net:
    """The net in `path`. Raises BaristaError as open(), and for a solver."""
    net = of_net(_read(path, Kind.NET).message, path)
    _check_types(net)
    return net


def open_solver(path: Path) -> Solver:
    """The solver in `path`. Raises BaristaError as open(), and for a net."""
    solver = of_solver(_read(path, Kind.SOLVER).message, path)
    _check_types(solver)
    return solver


def open_training(path: Path) -> Solver:
    """The solver in `path`, or one for the net there: SGD with momentum at a rate of 0, all of a solver's work, and nothing moves.

    Raises BaristaError as open().
    """
    document = _read(path)
    if document.kind is Kind.SOLVER:
        solver = of_solver(document.message, path)
    else:
        settings = schema.new("SolverParameter")
        settings.net, settings.base_lr, settings.lr_policy, settings.momentum = str(path), 0, "fixed", 0.9
        net = of_net(document.message, path, "net")
        solver = Solver(path, settings, _settings(settings), (net,), net.notes)
    _check_types(solver)
    return solver


def of_net(message: NetParameter, origin: Path, field: str = "", name: str = "") -> Net:
    """A net that was read already, or made in memory, in the present format. `name` is what sentences call it (default: `origin`).

    Raises BaristaError where Caffe can't upgrade it.
    """
    name = name or str(origin)
    upgraded = upgrade.upgrade_net(message, name)
    notes = [f"{name}: was in an old format; Caffe's own upgrade made it a present one"] if upgraded.changed else []
    notes += [f"{name}: {problem}" for problem in upgraded.problems]
    return Net(origin, name, message, upgraded.message, tuple(notes), field)


def of_solver(message: SolverParameter, origin: Path) -> Solver:
    """The same of a solver, whose nets are read. Raises BaristaError."""
    if message.HasField("solver_type") and message.HasField("type"):
        raise BaristaError(f"{origin}: both solver_type and type are given; type alone is the present form")
    upgraded = upgrade.upgrade_solver(message, str(origin))
    param, notes = upgraded.message, []
    if upgraded.changed:
        notes.append(f'{origin}: the old solver_type became type: "{param.type}"')
    _check_train_nets(param, str(origin))
    nets = []
    for field in (*TRAIN_FIELDS, *TEST_FIELDS):
        for index, value in enumerate(_values(param, field)):
            net, moved = _net_of(value, field, index, origin)
            notes += [*moved, *net.notes]
            nets.append(net)
    if param.solver_mode == param.GPU and param.HasField("solver_mode"):
        notes.append(f"{origin}: solver_mode: GPU becomes CPU; layers run on Barista's device, the others on the CPU")
    return Solver(origin, message, _settings(param), tuple(nets), tuple(notes))


def _read(path: Path, expected: Kind | None = None) -> Document:
    return _READERS.get(path.suffix.lower(), prototxt.read)(path, expected)


def _net_of(value: Any, field: str, index: int, solver: Path) -> tuple[Net, list[str]]:
    """The net that a field's value names or is, and a note where the file is not where the name says."""
    if field not in _INSIDE:
        place = f"{field} {index + 1}" if field in _REPEATED else field
        return of_net(value, solver, field, f"{solver}: {place}"), []
    file, notes = data_files.find(value, solver, f"{solver}: {field}")
    return of_net(_read(file, Kind.NET).message, file, field), notes


def _check_train_nets(param: SolverParameter, name: str) -> None:
    given = [field for field in TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        found = f"both {' and '.join(given)} are given" if given else "no train net is given"
        raise BaristaError(f"{name}: {found}; exactly one of {', '.join(TRAIN_FIELDS)} is expected")


def _values(param: SolverParameter, field: str) -> list[Any]:
    """A field's values: none, one or several."""
    value = getattr(param, field)
    if field in _REPEATED:
        return list(value)
    return [value] if param.HasField(field) else []


def _settings(param: SolverParameter) -> SolverParameter:
    settings = _copy(param)
    for field in (*TRAIN_FIELDS, *TEST_FIELDS):
        settings.ClearField(field)
    settings.solver_mode = settings.CPU
    return settings


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _give(param: SolverParameter, field: str, value: Any) -> None:
    """Sets a field, or adds to a repeated one, whether the value is a string or a message."""
    if field in _INSIDE:
        getattr(param, field).append(value) if field in _REPEATED else setattr(param, field, value)
    else:
        (getattr(param, field).add() if field in _REPEATED else getattr(param, field)).CopyFrom(value)


# --- layer types ---------------------------------------------------------------------------------------------------------------


def _check_types(opened: Net | Solver) -> None:
    known = upgrade.layer_types()
    if known is None:
        return
    if isinstance(opened, Net):
        check_types(opened.message.layer, known, opened.name)
        return
    for net, phase, state in opened.instances():
        effective = data_files.state_of(net.message, phase, state)
        check_types((layer for layer in net.message.layer if data_files.includes(effective, layer)), known, net.name)


def check_types(layers: Iterable[LayerParameter], known: frozenset[str], name: str) -> None:
    """Raises BaristaError for a layer whose type is neither in `known`, the registry of Caffe with the plugin, nor in the table."""
    for layer in layers:
        if layer.type not in known and types.stock_type(layer.type) not in types.table():
            raise BaristaError(f"{name}: layer '{layer.name}': {_unknown_type(layer.type, known)}")


def _unknown_type(layer_type: str, known: frozenset[str]) -> str:
    if not layer_type:
        return "it has no type"
    same = [candidate for candidate in known if candidate.lower() == layer_type.lower()]
    hint = f"; did you mean '{same[0]}'?" if same else prototxt.did_you_mean(layer_type, known)
    return f"this Caffe has no layer type '{layer_type}'{hint}"
