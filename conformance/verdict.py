"""What the results of a device amount to: passed, listed or failed, suite by suite, and whether our layers ran at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from barista.layers import types
from barista.layers.layer_type import SuiteException
from conformance.programs import Calls, Result
from conformance.table import exception_for


@dataclass
class Tally:
    """A suite's, or with the suites' sum a device's, counts of tests and calls."""

    passed: int = 0
    listed: int = 0
    failed: int = 0
    none_of_ours: int = 0
    seconds: float = 0.0
    calls: Calls = field(default_factory=Calls)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass
class Verdict:
    """One device's."""

    tallies: dict[str, Tally]
    complaints: list[str]  # every reason for which the run is not right

    @property
    def total(self) -> Tally:
        return sum(self.tallies.values(), Tally())


def judge(results: Sequence[Result], table: Mapping[str, Sequence[str]], known: Sequence[SuiteException], whole: bool) -> Verdict:
    """`table` names the layers that must have run in each suite. `whole` says that every suite was run.

    Then an exception that no test met is a complaint, too.
    """
    tallies = {suite: Tally() for suite in dict.fromkeys(result.suite for result in results)}
    complaints = []
    met = set()
    for result in results:
        entry = exception_for(known, result.suite, result.test)
        met.add(entry)
        complaint = _complaint(result, entry)
        if complaint:
            complaints.append(f"{result.suite}: {result.test}: {complaint}")
        _count(tallies[result.suite], result, entry, bool(complaint))
    complaints += _missing_layers(results, table, list(tallies))
    if whole:
        complaints += [f"{entry.suite}: {entry.test}: is listed, but there is no such test" for entry in known if entry not in met]
    return Verdict(tallies, complaints)


def _complaint(result: Result, entry: SuiteException | None) -> str:
    if entry is not None:
        return "" if result.outcome == entry.outcome else f"is listed for {entry.outcome}, but the outcome is {result.outcome}"
    if result.outcome == "failure":
        return "\n".join(result.failures)
    if result.outcome == "stock code":
        ran = ", ".join(name for name, calls in result.layers.items() if calls.stock)
        return f"it passes, but stock Caffe's code ran: {ran}"
    return ""


def _count(tally: Tally, result: Result, entry: SuiteException | None, failed: bool) -> None:
    tally.seconds += result.seconds
    tally.calls += result.all_calls
    if failed:
        tally.failed += 1
    elif entry is not None:
        tally.listed += 1
    elif result.outcome == "passed":
        tally.passed += 1
    else:
        tally.none_of_ours += 1


def _missing_layers(results: Sequence[Result], table: Mapping[str, Sequence[str]], suites: Sequence[str]) -> list[str]:
    """The proof that a suite judged our layers: each that the table names for it gave the device work in it."""
    on_device: dict[tuple[str, str], int] = {}
    for result in results:
        for layer, calls in result.layers.items():
            on_device[layer, result.suite] = on_device.get((layer, result.suite), 0) + calls.on_device
    return [
        f"{suite}: no call of {types.device_type(layer)} ran on the device"
        for layer, of_layer in table.items()
        for suite in of_layer
        if suite in suites and not on_device.get((layer, suite))
    ]
