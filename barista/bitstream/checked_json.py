"""JSON files with known keys: every complaint names the file, the key, the value and the rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from barista.errors import BaristaError


class CheckedObject:
    """Reads one JSON object key by key."""

    def __init__(self, raw: Any, origin: str, what: str) -> None:
        """`what` is what the file describes, in a sentence: "a recipe"."""
        if not isinstance(raw, dict):
            raise BaristaError(f"{origin}: {what} must be a JSON object, not {json.dumps(raw)[:40]}")
        self.raw = raw
        self.origin = origin

    def rule(self, key: str, holds: bool, rule: str) -> None:
        if not holds:
            raise BaristaError(f"{self.origin}: {key} is {json.dumps(self.raw.get(key))}; it must be {rule}")

    def present(self, key: str) -> Any:
        if key not in self.raw:
            raise BaristaError(f"{self.origin}: the key {key} is missing")
        return self.raw[key]

    def text(self, key: str) -> str:
        value = self.present(key)
        self.rule(key, isinstance(value, str) and value != "", "a text")
        return str(value)

    def optional_text(self, key: str) -> str | None:
        return None if self.present(key) is None else self.text(key)

    def number(self, key: str) -> int:
        value = self.present(key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        self.rule(key, whole and 1 <= value <= 1 << 20, "a whole number from 1 to 1048576")
        return int(value)


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise BaristaError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BaristaError(f"{path} can't be read: {error}") from error
