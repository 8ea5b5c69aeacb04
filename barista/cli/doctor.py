"""Checks what Barista needs, and says what to type where something is missing."""

from __future__ import annotations

import json

import click
from rich.console import Console

from barista import doctor
from barista.cli import options
from barista.errors import BaristaError

_MARKS = {doctor.State.OK: "ok", doctor.State.ABSENT: "--", doctor.State.MISSING: "MISSING"}


@click.command()
@options.device("train on")
@options.as_json()
def command(device: str | None, as_json: bool) -> None:
    """Checks all that Barista needs on this machine, and says what to type where something is missing.

    `--` marks what can be done without. Exit status 1 where something needed is missing.
    """
    with Console(stderr=True).status("looking") as status:
        findings = doctor.examine(device, lambda name: status.update(f"looking at {name}"))
    missing = [finding.name for finding in findings if finding.state is doctor.State.MISSING]
    if as_json:
        click.echo(json.dumps({"ok": not missing, "findings": [finding.as_json() for finding in findings]}, indent=2))
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.state]:8}{finding.name:16}{finding.detail}")
            if finding.fix:
                click.echo(f"{'':24}to fix it: {finding.fix}")
    if missing:
        raise BaristaError(f"{len(missing)} of {len(findings)} checks found something missing: {', '.join(missing)}")
