"""What a solver's values have to be: those that Caffe aborts on, and those that it accepts and hardly anybody means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from barista.errors import BaristaError
from barista.net import prototxt, upgrade
from barista.net.schema import SolverParameter
from barista.net.source import TEST_FIELDS, Net, Solver

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


def check(solver: Solver, *, updates: bool = True) -> list[str]:
    """Raises BaristaError for values on which Caffe aborts, or with which it would compute no numbers.

    Returns sentences on those that it accepts and hardly anybody means. Without `updates`, none asks for a learning rate.
    """
    param = solver.settings
    learning = _learning_problem(param) if updates else ""
    for problem in (_type_problem(param), learning, _test_problem(param, solver.nets), _range_problem(param)):
        if problem:
            raise BaristaError(f"{solver.origin}: {problem}")
    return [f"{solver.origin}: {oddity}" for oddity in _oddities(param)]


def _type_problem(param: SolverParameter) -> str:
    known = upgrade.solver_types() or _STOCK_TYPES
    if param.type in known:
        return ""
    return f"type '{param.type}': Caffe has {', '.join(sorted(known))}{prototxt.did_you_mean(param.type, known)}"


def _learning_problem(param: SolverParameter) -> str:
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


def _oddities(param: SolverParameter) -> Iterator[str]:
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


def _test_problem(param: SolverParameter, nets: Sequence[Net]) -> str:
    given, own = len(param.test_iter), sum(net.field in TEST_FIELDS for net in nets)
    generic = any(net.field in ("net", "net_param") for net in nets)
    if given < own or (given > own and not generic):
        return f"{given} test_iter for {own} test nets; one for each is expected"
    if len(param.test_state) not in (0, given):
        return f"{len(param.test_state)} test_state for {given} test nets; none, or one for each, is expected"
    if given and param.test_interval <= 0:
        return f"test_interval: {param.test_interval}: must be above 0 where there are test nets"
    return ""


def _range_problem(param: SolverParameter) -> str:
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
