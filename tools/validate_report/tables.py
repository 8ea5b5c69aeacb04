"""A comparison to read: a table a design, the sums over all designs, and what missed its target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from barista.report import constants
from barista.report.table import columns
from tools.validate_report.compare import TARGETS, Check, Comparison

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "report.md"
_SIDES = {"fitted": True, "judged": False}


def of_design(comparison: Comparison, about: str) -> Iterator[Table | str]:
    """One design's checks; memories and loops that are equal are counted, the others have a row each."""
    yield f"\n[bold]{comparison.design}[/bold] ({'fitted' if comparison.fitted else 'judged'}; {about})"
    table = columns("what|of|checker|published|verdict", left=2)
    for target in TARGETS:
        own = [check for check in comparison.checks if check.target == target]
        equal = [check for check in own if check.what and check.ours == check.published]
        if equal:
            table.add_row(target, f"{len(equal)} of {len(own)}", "", "", "equal")
        for check in own:
            if check not in equal:
                row = (target, check.what, _figure(check.ours), _figure(check.published))
                table.add_row(*map(escape, row), _verdict(check))
    for why, count in comparison.loops_left.items():
        table.add_row("loops that are not compared", why, str(count), "", "")
    yield table


def _figure(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.1f}".removesuffix(".0") if value < 10_000 else f"{value:,.0f}"


def _verdict(check: Check) -> str:
    word = "equal" if check.ours == check.published else "within" if check.met else "[red]misses[/red]"
    return word + _off(check)


def _off(check: Check) -> str:
    """By how much a number is off, as a share of the published one."""
    if isinstance(check.ours, str) or isinstance(check.published, str) or not check.published or check.ours == check.published:
        return ""
    return (
        f" {check.ours / check.published - 1:+.1%}" if TARGETS[check.target] == 0 else f" {check.ours / check.published - 1:+.0%}"
    )


def summary(comparisons: Sequence[Comparison]) -> Iterator[Table | str]:
    """How many of each target are met, in designs whose figures were used and in those that judge; then every miss."""
    yield "\n[bold]Targets: how many are met[/bold]"
    table = columns("target|allowed|" + "|".join(_SIDES), left=2)
    for target, allowed in TARGETS.items():
        cells = []
        for fitted in _SIDES.values():
            own = [check for one in comparisons if one.fitted is fitted for check in one.checks if check.target == target]
            cells.append(f"{sum(check.met for check in own)} of {len(own)}" if own else "none")
        table.add_row(target, f"within {allowed:.0%}" if allowed else "equal", *cells)
    yield table
    left: Counter[str] = Counter()
    for one in comparisons:
        left.update(one.loops_left)
    yield from (f"loops not compared: {count} {why}" for why, count in left.most_common())
    for side, fitted in _SIDES.items():
        names = [one.design for one in comparisons if one.fitted is fitted]
        count = f"{len(names)} design" + ("s" if len(names) != 1 else "")
        yield f"{side}: {count}" + (f" ({', '.join(names)})" if names and not fitted else "")
    yield "\n[bold]Misses[/bold]"
    for target in TARGETS:
        missed = [_miss(one, check) for one in comparisons for check in one.checks if check.target == target and not check.met]
        if missed:
            yield f"{target}: {len(missed)}"
            yield from (f"  {escape(line)}" for line in missed)


def _miss(comparison: Comparison, check: Check) -> str:
    which = f"{comparison.design} ({check.what})" if check.what else comparison.design
    return f"{which}: {_figure(check.ours)}, published {_figure(check.published)}{_off(check)}"


def unconfirmed() -> Iterator[str]:
    """Rules and figures that no published report confirms: by the page's bold rows, and by the figures' sources."""
    yield "\n[bold]Rules that no report confirms[/bold] (in bold in docs/report.md)"
    yield from (f"  {escape(rule)}" for rule in rules_in_bold(_PAGE.read_text(encoding="utf-8")))
    for source in ("document", "guess"):
        yield f"[bold]Figures by a {source}[/bold] (constants.json)"
        for name, entry in _figures(constants.table()):
            if entry["source"] == source:
                yield f"  {escape(name)}" + (f": {escape(entry['of'])}" if entry["of"] else "")


def rules_in_bold(page: str) -> list[str]:
    """Of the page's table of rules, what is in bold: a rule, or that its reason is none."""
    rows = re.findall(r"^\| (?!rule)(.+?) \| (.+?) \|$", page, re.MULTILINE)
    return [f"{rule} ({why})".replace("**", "") for rule, why in rows if "**" in rule + why]


def _figures(entry: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything in constants.json that has a source, by its path there."""
    if not isinstance(entry, dict):
        return
    if "source" in entry:
        yield name, entry
        return
    for key, inner in entry.items():
        yield from _figures(inner, f"{name} {key}".strip())
