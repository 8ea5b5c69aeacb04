"""What a recipe takes of an FPGA: multipliers and on-chip memory blocks."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Memory:
    """One on-chip array of the grid: `banks` memories, each read once and written once a clock."""

    name: str
    banks: int
    words: int  # a bank
    bits: int  # a word

    @property
    def m20k_blocks(self) -> int:
        return self.banks * ceil(self.words / 512) * ceil(self.bits / 40)


@dataclass(frozen=True)
class Estimate:
    """What the multiply grid of all compute units takes; loaders, control and the other kernels come on top."""

    multipliers: int
    memories: tuple[Memory, ...]

    @property
    def banks(self) -> int:
        return sum(memory.banks for memory in self.memories)

    @property
    def m20k_blocks(self) -> int:
        return sum(memory.m20k_blocks for memory in self.memories)

    @property
    def bytes(self) -> int:
        return sum(memory.banks * memory.words * memory.bits for memory in self.memories) // 8
