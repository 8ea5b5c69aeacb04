"""What a report of Intel's compiler says of a design, as plain records.

Estimates are the compiler's own; what Quartus placed is kept apart (`Report.placed`, `Report.placed_kernels`). Numbers are as
printed: an estimate may be a fraction of a unit, since the compiler divides shared logic among source lines. Areas are as the
checker has them: of a Cyclone V, `m20k` counts its M10K blocks; `mlabs` is 0 before aoc 18.1, which does not count them.
"""

from dataclasses import dataclass, field

from barista.report.constants import Area


@dataclass(frozen=True)
class Placed:
    """What Quartus placed. `fmax_mhz` is known for the whole design only."""

    alm: float
    ff: int
    m20k: int
    dsp: float
    fmax_mhz: float | None = None


@dataclass(frozen=True)
class Kernel:
    """A kernel and the compiler's estimate of it, its memories included."""

    name: str
    area: Area
    single_work_item: bool


@dataclass(frozen=True)
class Lsu:
    """One load-store unit for memory outside of the kernel; the ports of on-chip memories are not among them."""

    kernel: str
    line: int  # of the access; 0 where the compiler names none
    store: bool
    kind: str  # in lower case: "burst-coalesced", "burst-coalesced non-aligned cached", "prefetching", ...
    bytes_width: int


@dataclass(frozen=True)
class OnChipMemory:
    """A `__local` or private array in block RAM or MLABs."""

    kernel: str
    name: str
    line: int  # of the declaration
    bytes: int  # as declared
    banks: int
    bits: int  # of a bank's word
    depth: int  # words of a bank in one copy
    replication: int  # replicas that give more read ports
    copies: int  # private copies for concurrent iterations or work-groups; they lie behind one another in the same blocks
    reads: int  # sites
    writes: int
    area: Area  # the blocks, and the logic that arbitrates or pumps
    pumped: bool  # clocked at twice the kernel's clock
    stall_free: bool

    @property
    def m20k(self) -> float:
        """Block RAMs; 0 where the memory lies in MLABs."""
        return self.area.m20k


@dataclass(frozen=True)
class Registers:
    """Private variables that became registers or a shift register; `shape` has (how many, bits, depth)."""

    kernel: str
    names: tuple[str, ...]
    line: int  # of the first one
    shift_register: bool
    shape: tuple[tuple[int, int, int], ...]
    area: Area


@dataclass(frozen=True)
class Channel:
    """A channel or pipe."""

    name: str
    line: int
    bits: int
    depth: int
    area: Area


@dataclass(frozen=True)
class Loop:
    """A loop that is left after unrolling."""

    kernel: str
    line: int
    ii: int | None  # None where not pipelined, or where work-items take its place (NDRange)
    pipelined: bool
    serial: bool  # iterations of this outer loop wait for one another, whatever its initiation interval
    unroll: int  # copies of the body, 1 without
    reason: str  # why the interval is what it is, as the compiler words it; empty at its best


@dataclass(frozen=True)
class Cost:
    """One row of the area report: `count` operators or units of a kind at a source line, or a block's control logic."""

    kernel: str
    block: str  # basic block; empty for "Function overhead"
    line: int  # 0 where the compiler names none
    what: str  # "32-bit Integer Add", "Load", "State", "Feedback", "Cluster logic", "Function overhead", ...
    kind: str  # of a load or store: as Lsu.kind; else empty
    count: int
    area: Area


@dataclass(frozen=True)
class Report:
    """All that is read of one design."""

    family: str  # "Arria 10", "Stratix 10", "Cyclone V"
    board: str  # package:board, as aoc's -board names it
    aoc: str  # "19.4.0 Build 64"
    command: str
    kernels: tuple[Kernel, ...]
    lsus: tuple[Lsu, ...]
    memories: tuple[OnChipMemory, ...]
    registers: tuple[Registers, ...]
    channels: tuple[Channel, ...]
    loops: tuple[Loop, ...]
    costs: tuple[Cost, ...]
    board_interface: Area
    interconnect: Area  # of global memory
    system: Area  # everything, as the compiler sums it up
    device: Area  # what there is
    placed: Placed | None = None  # the whole device, board interface included
    placed_kernels: dict[str, Placed] = field(default_factory=dict)
