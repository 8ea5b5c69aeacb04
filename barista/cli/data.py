"""Makes LMDBs of handwritten digits."""

from __future__ import annotations

from pathlib import Path

import click

from barista import datasets


def _output(function: click.decorators.FC) -> click.decorators.FC:
    function = click.option("--force", is_flag=True, help="Make them even where they are there.")(function)
    return click.option(
        "-o",
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default="data",
        show_default=True,
        help="The folder to put them in.",
    )(function)


@click.group()
def command() -> None:
    """Makes LMDBs that Caffe's Data layer reads: NAME_train_lmdb and NAME_test_lmdb."""


@command.command()
@_output
def digits(output: Path, force: bool) -> None:
    """scikit-learn's 1,797 handwritten digits, resized to 28x28: 1,397 to train, 400 to test. Nothing is fetched."""
    _print(datasets.make_digits(output, force))


@command.command()
@click.argument("files", type=click.Path(path_type=Path))
@_output
def mnist(files: Path, output: Path, force: bool) -> None:
    """MNIST from its four IDX files, gzipped or not, in the folder FILES."""
    _print(datasets.make_mnist(files, output, force))


def _print(databases: list[datasets.Database]) -> None:
    for database in databases:
        click.echo(f"{database.path}: {database.records} images{'' if database.made else ', there already'}")
