"""Lists OpenCL devices: which are FPGAs or the emulator, and which one `train` would pick."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from barista.cli import options
from barista.errors import BaristaError
from barista.opencl import devices
from barista.opencl.devices import Choice, Device


@click.command()
@options.device("pick, as `train` would")
@options.as_json()
def command(device: str | None, as_json: bool) -> None:
    """Lists every OpenCL platform and device, and says which one `train` would pick, and why."""
    present = devices.devices(devices.environment(device))
    try:
        choice, complaint = devices.pick(device, present), None
    except BaristaError as error:
        choice, complaint = None, error
    if as_json:
        click.echo(json.dumps(_report(present, choice, complaint), indent=2))
    else:
        _print(present, choice)
    if complaint:
        raise complaint


def _report(present: list[Device], choice: Choice | None, complaint: BaristaError | None) -> dict[str, object]:
    listed = [
        asdict(device)
        | {
            "short_name": device.short_name,
            "is_emulator": device.is_emulator,
            "is_fpga": device.is_fpga,
            "picked": choice is not None and device == choice.device,
        }
        for device in present
    ]
    return {"devices": listed, "reason": choice.reason if choice else str(complaint)}


def _print(present: list[Device], choice: Choice | None) -> None:
    """A heading a platform, a line a device, an arrow at the one that is picked."""
    for platform in dict.fromkeys(device.platform for device in present):
        click.echo(platform)
        for device in (device for device in present if device.platform == platform):
            mark = "->" if choice and device == choice.device else "  "
            name = device.short_name + (f":{device.index}" if device.index else "")
            click.echo(f"  {mark} {name:12} {device.role:20} {device.name}, driver {device.driver}")
    if not present:
        click.echo("no OpenCL platform has a device")
    if choice:
        click.echo(f"\ntrain would use {choice.device.name}: {choice.reason}")
