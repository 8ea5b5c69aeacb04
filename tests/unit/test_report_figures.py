"""Each figure of the report names its source, and memories take the blocks that published reports have."""

from __future__ import annotations

import pytest

from barista.report import constants
from barista.report.memories import blocks


def test_every_figure_has_a_source() -> None:
    def figures(entry: object) -> list[dict[str, object]]:
        if not isinstance(entry, dict):
            return []
        if "source" in entry:
            return [entry]
        return [found for inner in entry.values() for found in figures(inner)]

    found = figures(constants.table())
    assert len(found) > 50
    for entry in found:
        assert entry["source"] in constants.SOURCES
        assert entry["of"] or entry["source"] == "guess", entry


# Bits and words of memories in published reports of Intel's compiler, and the blocks that it says they take.
PUBLISHED = [(512, 512, 13), (512, 2048, 52), (32, 1024, 2), (8, 512, 1), (64, 4096, 13), (64, 32768, 128), (1024, 1024, 52)]


@pytest.mark.parametrize(("bits", "words", "expected"), PUBLISHED)
def test_blocks_of_published_memories(bits: int, words: int, expected: int) -> None:
    assert blocks(bits, words) == expected
