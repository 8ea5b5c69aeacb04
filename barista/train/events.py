"""What the outputs that a worker's test events carry say of a net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def accuracy_of(outputs: Sequence[Mapping[str, Any]]) -> float | None:
    """The accuracy among a test's outputs: top 1 before top 5, the last of several (GoogLeNet has three, its head's last)."""
    accuracies = [output for output in outputs if output.get("type") == "Accuracy" and output.get("first_top")]
    if not accuracies:
        return None
    best = min(output["top_k"] for output in accuracies)
    value: float | None = [output for output in accuracies if output["top_k"] == best][-1]["values"][0]
    return value


def loss_of(outputs: Sequence[Mapping[str, Any]]) -> float | None:
    """The weighted sum of a test's losses."""
    losses = [
        output["loss_weight"] * sum(output["values"])
        for output in outputs
        if output["loss_weight"] and None not in output["values"]
    ]
    return sum(losses) if losses else None
