"""What the set-up works on, and the one error that it shows."""

from dataclasses import dataclass
from pathlib import Path


class SetUpError(Exception):
    """Why a step can't be done, as a sentence that says what to do."""


@dataclass(frozen=True)
class Setting:
    """The folders of one set-up."""

    checkout: Path
    cache: Path  # shared by checkouts: Caffe, bitstreams, logs
    with_tests: bool  # build the C++ tests too

    @property
    def venv(self) -> Path:
        return self.checkout / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"
