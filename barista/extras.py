"""Packages that one command needs and `import barista` does not: the extras of pyproject.toml."""

from __future__ import annotations

from importlib.util import find_spec

from barista import paths
from barista.errors import BaristaError

# The module that is imported, and the extra that brings it.
_EXTRAS = {"matplotlib": "pictures", "sklearn": "digits"}


def require(module: str, purpose: str) -> None:
    """Raises BaristaError, which says what to type, where `module` is not installed; `purpose` is what asks for it."""
    if find_spec(module) is None:
        what_to_type = "make setup" if paths.checkout() else f"pip install 'barista[{_EXTRAS[module]}]'"
        raise BaristaError(f"{purpose}: the Python package {module} is not installed; run {what_to_type}")
