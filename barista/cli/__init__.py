"""The command line: each module in this folder that defines `command`, a click command, is one of that name.

A module is imported when its command is asked for, so that `barista --help` stays quick; its first docstring line is the help.
"""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

import click

from barista import __version__
from barista.errors import BaristaError

INTERRUPTED = 130  # what a shell calls a process that Ctrl-C ended


class _Commands(click.Group):
    """Finds commands by their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__) if "\ndef command(" in _text(module.name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help from the modules' docstrings, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(name)) for name in self.list_commands(ctx)])


def _first_line(name: str) -> str:
    return (ast.get_docstring(ast.parse(_text(name))) or "").partition("\n")[0]


def _text(name: str) -> str:
    return (Path(__path__[0]) / f"{name}.py").read_text(encoding="utf-8")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Trains Caffe networks on Intel FPGAs, or on Intel's FPGA emulator where there is no board."""


def run(arguments: list[str] | None = None) -> Any:
    """The entry point: a mistake becomes one sentence on stderr and an exit status."""
    try:
        status = main.main(args=arguments, prog_name="barista", standalone_mode=False)
    except BaristaError as error:
        print(f"barista: {error}", file=sys.stderr)
        status = error.exit_status
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except OSError as error:  # a full disk, a folder that may not be written: nobody below had more to say
        print(f"barista: {error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)
