"""Solvers as people have them, made into one form that any Caffe with the plugin loaded can run.

A solver names its nets in six ways (net, net_param, train_net, train_net_param, test_net, test_net_param), by files in old formats,
and nearly always says `solver_mode: GPU`. The normalised solver holds its nets inside (net_param, train_net_param, test_net_param),
upgraded and rewritten, and runs on the CPU build that Barista uses; the order of test nets, states and all else stay.

A relative path counts from the working directory, as in Caffe. Where nothing is there, it counts from the solver's folder, or from
the nearest folder above that where it exists (Caffe's own examples count from the root of its tree), and a note says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from barista.errors import BaristaError
from barista.net import data_files, prototxt, schema, upgrade
from barista.rewrite import placement

TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")
_TEST_FIELDS = ("test_net_param", "test_net")  # in the order in which Caffe makes them
_INSIDE = {"net": "net_param", "train_net": "train_net_param", "test_net": "test_net_param"}
_REPEATED = ("test_net", "test_net_param")

Conversion: TypeAlias = Callable[[Any], placement.Rewritten]


@dataclass(frozen=True)
class SolverNet:
    """One net of a solver."""

    field: str  # the solver's field that gives it, for example "test_net"
    file: Path | None  # where it was read, or None for a net inside the solver
    name: str  # what sentences call it
    original: Any  # NetParameter as it was written
    net: Any  # NetParameter, upgraded and converted
    decisions: tuple[placement.Decision, ...] = ()


@dataclass(frozen=True)
class Solver:
    path: Path
    original: Any  # SolverParameter as it was written
    param: Any  # the normalised SolverParameter, nets inside
    nets: tuple[SolverNet, ...]
    notes: tuple[str, ...]  # sentences on what is not as the file says

    @property
    def train_net(self) -> SolverNet:
        return next(net for net in self.nets if net.field in TRAIN_FIELDS)

    def text(self) -> str:
        """The normalised solver in Caffe's text format, in one piece."""
        return prototxt.to_text(self.param)


def rewriting(selection: placement.Selection = placement.ALL) -> Conversion:
    return lambda net: placement.rewrite(net, selection)


def restoring(net: Any) -> placement.Rewritten:
    return placement.Rewritten(placement.restore(net), ())


def keeping(net: Any) -> placement.Rewritten:
    return placement.Rewritten(net, ())


def read(path: Path, convert: Conversion = keeping) -> Solver:
    """Reads a solver and its nets, which are upgraded and converted. Raises BaristaError."""
    return _with_its_nets(path, prototxt.read_solver(path), convert)


def of_net(path: Path) -> Solver:
    """SGD with momentum for the net in `path`, at a rate of 0: it does all of a solver's work, and weights stay as they are."""
    param = schema.new("SolverParameter")
    param.net, param.base_lr, param.lr_policy, param.momentum = str(path), 0, "fixed", 0.9
    return _with_its_nets(path, param, keeping)


def _with_its_nets(path: Path, original: Any, convert: Conversion) -> Solver:
    notes: list[str] = []
    param = _upgraded(original, str(path), notes)
    _check_train_nets(param, str(path))
    nets = tuple(converted(net, convert, notes) for net in _read_nets(param, path, notes))
    if param.solver_mode == param.GPU and param.HasField("solver_mode"):
        notes.append(f"{path}: solver_mode: GPU becomes CPU; layers run on Barista's device, the others on the CPU")
    param.solver_mode = param.CPU
    return Solver(path, original, with_nets(param, nets), nets, tuple(notes))


def normalise(
    path: Path,
    selection: placement.Selection = placement.ALL,
    *,
    rewrite: bool = True,
    data: bool = True,
    weights: bool = True,
    iterations: int | None = None,
) -> Solver:
    """The solver ready for training: read, and its values, layer types and files checked.

    With `rewrite` false, layers keep the types that they have; with `data` false, data need not be there; with `weights` false, the
    solver's own are dropped; `iterations` take the place of max_iter. Raises BaristaError for what Caffe would abort on, as far as
    the prototxts and the file system tell.
    """
    solver = read(path, rewriting(selection) if rewrite else keeping)
    if rewrite:
        selection.check(layer_names(solver), str(path))
    if iterations is not None:
        solver.param.max_iter = iterations
    if not weights:
        solver.param.ClearField("weights")
    check_values(solver.param, str(path), updates=solver.param.max_iter > 0)
    check_types(solver)
    notes = [*solver.notes, *(f"{path}: {oddity}" for oddity in _oddities(solver.param))]
    nets = tuple(replace(net, net=with_found_files(net, path, notes)) for net in solver.nets)
    param = with_nets(solver.param, nets)
    found = [_find_all(names, path, notes) for names in param.weights]
    param.ClearField("weights")
    param.weights.extend(found)
    param.snapshot_prefix = _snapshot_prefix(param, path, notes)
    ready = replace(solver, param=param, nets=nets, notes=tuple(dict.fromkeys(notes)))
    if data:
        check_data(ready)
    return ready


def layer_names(solver: Solver) -> list[str]:
    return [layer.name for net in solver.nets for layer in net.net.layer]


def check_types(solver: Solver) -> None:
    """Raises BaristaError for a layer of a type that the Caffe in use does not have; silent where the plugin cannot be asked.

    Layers that no net of the solver is made with may be of any type, as in Caffe.
    """
    known = upgrade.layer_types()
    if known is not None:
        for net, phase, state in _instances(solver):
            effective = data_files.state_of(net.net, phase, state)
            made = type(net.net)()
            made.layer.extend(layer for layer in net.net.layer if data_files.includes(effective, layer))
            placement.check_types(made, known, net.name)


def check_data(solver: Solver) -> None:
    """Raises BaristaError for data that a net of this normalised solver reads and that is missing or of another kind."""
    for net, phase, state in _instances(solver):
        data_files.check(net.net, phase, state, net.name)


def _instances(solver: Solver) -> Iterator[tuple[SolverNet, str, Any]]:
    """The nets that Caffe makes, each with its phase and what the solver says of its state: the train net, then the test nets."""
    param, train = solver.param, solver.train_net
    yield train, "TRAIN", param.train_state
    tests = [net for field in _TEST_FIELDS for net in solver.nets if net.field == field]
    tests += [train] * (len(param.test_iter) - len(tests))  # the generic net is tested as often as test_iter is left
    for index, test in enumerate(tests):
        state = param.test_state[index] if param.test_state else type(param.train_state)()
        yield test, "TEST", state


def weights_files(arguments: Iterable[str]) -> list[Path]:
    """The files of `--weights`, given several times or separated by commas as the caffe tool takes them. Raises BaristaError."""
    files = [Path(name.strip()) for argument in arguments for name in argument.split(",") if name.strip()]
    for file in files:
        if not file.is_file():
            raise BaristaError(f"--weights {file}: no such file")
    return files


# --- nets ----------------------------------------------------------------------------------------------------------------------


def _upgraded(original: Any, name: str, notes: list[str]) -> Any:
    """A copy in the present format."""
    if original.HasField("solver_type") and original.HasField("type"):
        raise BaristaError(f"{name}: both solver_type and type are given; type alone is the present form")
    upgraded = upgrade.upgrade_solver(original, name)
    if upgraded.changed:
        notes.append(f'{name}: the old solver_type became type: "{upgraded.message.type}"')
    param = type(original)()
    param.CopyFrom(upgraded.message)
    return param


def _check_train_nets(param: Any, name: str) -> None:
    given = [field for field in TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        found = f"both {' and '.join(given)} are given" if given else "no train net is given"
        raise BaristaError(f"{name}: {found}; exactly one of {', '.join(TRAIN_FIELDS)} is expected")


def _read_nets(param: Any, path: Path, notes: list[str]) -> Iterator[SolverNet]:
    for field in (*TRAIN_FIELDS, *_TEST_FIELDS):
        for index, value in enumerate(_values(param, field)):
            if field in _INSIDE:
                file = find(value, path, notes, f"{path}: {field}")
                net = prototxt.read_net(file)
                yield SolverNet(field, file, str(file), net, net)
            else:
                place = f"{field} {index + 1}" if field in _REPEATED else field
                yield SolverNet(field, None, f"{path}: {place}", value, value)


def _values(message: Any, field: str) -> list[Any]:
    """A field's values: none, one or several."""
    value = getattr(message, field)
    if field in _REPEATED:
        return list(value)
    return [value] if message.HasField(field) else []


def converted(net: SolverNet, convert: Conversion, notes: list[str]) -> SolverNet:
    """The net upgraded and converted, from its original. Raises BaristaError."""
    upgraded = upgrade.upgrade_net(net.original, net.name)
    if upgraded.changed:
        notes.append(f"{net.name}: was in an old format; Caffe's own upgrade made it a present one")
    notes.extend(f"{net.name}: {problem}" for problem in upgraded.problems)
    converted = convert(upgraded.message)
    return replace(net, net=converted.net, decisions=converted.decisions)


def with_nets(param: Any, nets: Iterable[SolverNet], files: Mapping[Path, Path] = MappingProxyType({})) -> Any:
    """A copy of `param` with `nets`: those whose file is in `files` by the file name there, the others inside.

    Caffe makes the nets of test_net_param before those of test_net, so their order holds either way.
    """
    result = _without_nets(param)
    for net in nets:
        if net.file is not None and net.file in files:
            _give(result, net.field, str(files[net.file]))
        else:
            _give(result, _INSIDE.get(net.field, net.field), net.net)
    return result


def _give(param: Any, field: str, value: Any) -> None:
    """Sets a field, or adds to a repeated one, whether the value is a string or a message."""
    if field in _INSIDE:
        getattr(param, field).append(value) if field in _REPEATED else setattr(param, field, value)
    else:
        (getattr(param, field).add() if field in _REPEATED else getattr(param, field)).CopyFrom(value)


def _without_nets(param: Any) -> Any:
    bare = type(param)()
    bare.CopyFrom(param)
    for field in (*TRAIN_FIELDS, *_TEST_FIELDS):
        bare.ClearField(field)
    return bare


# --- files that solver and nets name -------------------------------------------------------------------------------------------


def find(name: str, solver: Path, notes: list[str], place: str) -> Path:
    """The file that `name` in `place` means; a note says where it is not the one that Caffe would open. Raises BaristaError."""
    found = data_files.look_for(name, solver)
    if found is None:
        raise BaristaError(f"{place} '{name}': no such file from {Path.cwd()}, from the solver's folder or one above it")
    if found != Path(name):
        notes.append(f"{place} '{name}': not there from {Path.cwd()}; {found} is used")
    return found


def _find_all(names: str, solver: Path, notes: list[str]) -> str:
    """A `weights` field, which may hold several names with commas between."""
    return ",".join(str(find(name.strip(), solver, notes, f"{solver}: weights")) for name in names.split(",") if name.strip())


def with_found_files(net: SolverNet, solver: Path, notes: list[str]) -> Any:
    """The net with its data and mean files where they are (notes say which); what is nowhere stays, since a layer may go unused."""
    found, sentences = data_files.with_found(net.net, solver, net.name)
    notes.extend(sentences)
    return found


def _snapshot_prefix(param: Any, path: Path, notes: list[str]) -> str:
    """Where snapshots go, by Caffe's rules: beside the solver where it says nothing, into a folder that it names."""
    prefix = Path(param.snapshot_prefix or path.with_suffix(""))
    if prefix.is_dir():
        prefix /= path.stem
    place = f"{path}: snapshot_prefix '{prefix}'"
    folder = data_files.look_for(str(prefix.parent), path)
    if folder is None or not folder.is_dir():
        missing = f"{place}: there is no folder {prefix.parent.absolute()}"
        if param.snapshot or param.snapshot_after_train:
            raise BaristaError(f"{missing}; make it first")
        notes.append(f"{missing}; the solver asks for no snapshot, and the log goes to {Path.cwd()}")
        return prefix.name
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BaristaError(f"{place}: the folder {folder.absolute()} cannot be written to")
    if folder != prefix.parent:
        notes.append(f"{place}: there is no folder {prefix.parent.absolute()}; snapshots go to {folder}")
    return str(folder / prefix.name)


# --- values that Caffe aborts on, and values that look odd ---------------------------------------------------------------------

_REGULARIZATIONS = ("L1", "L2")
_STOCK_TYPES = frozenset({"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"})

# What each lr_policy goes by beside base_lr. Caffe takes 0 for what is not given.
_LR_POLICIES: dict[str, tuple[str, ...]] = {
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma",),
    "poly": ("power",),
    "sigmoid": ("gamma", "stepsize"),
}


def check_values(param: Any, name: str, *, updates: bool = True) -> None:
    """Raises BaristaError for values of a normalised solver on which Caffe aborts, or with which it would compute no numbers.

    Without `updates`, none asks for a learning rate.
    """
    for problem in (_type_problem(param), _learning_problem(param) if updates else "", _test_problem(param), _range_problem(param)):
        if problem:
            raise BaristaError(f"{name}: {problem}")


def _type_problem(param: Any) -> str:
    known = upgrade.solver_types() or _STOCK_TYPES
    if param.type in known:
        return ""
    return f"type '{param.type}': Caffe has {', '.join(sorted(known))}{prototxt.did_you_mean(param.type, known)}"


def _learning_problem(param: Any) -> str:
    if not param.HasField("lr_policy"):
        return f"lr_policy is missing; it is one of {', '.join(_LR_POLICIES)}"
    if param.lr_policy not in _LR_POLICIES:
        hint = prototxt.did_you_mean(param.lr_policy, _LR_POLICIES)
        return f"lr_policy '{param.lr_policy}': it is one of {', '.join(_LR_POLICIES)}{hint}"
    used = _LR_POLICIES[param.lr_policy]
    if "stepsize" in used and param.stepsize <= 0:
        given = f"stepsize: {param.stepsize}" if param.HasField("stepsize") else "stepsize is missing"
        return f"{given}: lr_policy '{param.lr_policy}' needs one above 0"
    if "gamma" in used and not param.gamma >= 0:  # not a number neither
        return f"gamma: {param.gamma:g}: must not be negative"
    return ""


def _oddities(param: Any) -> Iterator[str]:
    """What Caffe accepts, and hardly anybody means."""
    used = _LR_POLICIES.get(param.lr_policy, ())
    for field in ("base_lr", *(field for field in used if field != "stepsize")):
        if not param.HasField(field):
            yield f"{field} is not given: 0 is used, as in Caffe"
    if param.iter_size < 0:
        yield f"iter_size: {param.iter_size}: no batch is taken; weights only move by momentum and decay, as in Caffe"
    if param.regularization_type not in _REGULARIZATIONS:
        yield f"regularization_type '{param.regularization_type}': Caffe has L1 and L2; without a weight_decay it asks for neither"
    for index, batches in enumerate(param.test_iter):
        if batches <= 0:
            yield f"test_iter: {batches}: test net {index} is given no batch, and reports nothing"


def _test_problem(param: Any) -> str:
    given, own = len(param.test_iter), len(param.test_net_param)
    generic = param.HasField("net_param")
    if given < own or (given > own and not generic):
        return f"{given} test_iter for {own} test nets; one for each is expected"
    if len(param.test_state) not in (0, given):
        return f"{len(param.test_state)} test_state for {given} test nets; none, or one for each, is expected"
    if given and param.test_interval <= 0:
        return f"test_interval: {param.test_interval}: must be above 0 where there are test nets"
    return ""


def _range_problem(param: Any) -> str:
    if param.type in ("AdaGrad", "RMSProp") and param.momentum != 0:
        return f"momentum: {param.momentum:g}: {param.type} takes none"
    if param.type == "RMSProp" and not 0 <= param.rms_decay < 1:
        return f"rms_decay: {param.rms_decay:g}: must be at least 0 and below 1"
    if param.average_loss < 1:
        return f"average_loss: {param.average_loss}: must be at least 1"
    if param.iter_size == 0:
        return "iter_size: 0: the mean loss of no batches is no number; it must be at least 1"
    if param.weight_decay != 0 and param.regularization_type not in _REGULARIZATIONS:
        return f"regularization_type '{param.regularization_type}': it is L1 or L2"
    return ""
