"""The report of a recipe: Barista's kernels with its sizes, as a board's compiler is handed them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from barista.bitstream.recipe import Recipe
from barista.bitstream.source import program_text, read_source
from barista.report import area, findings, program
from barista.report.findings import Finding
from barista.report.program import KernelReport, ProgramReport


@dataclass(frozen=True)
class RecipeReport:
    """A recipe's program, what it takes of the recipe's target, and what there is to say of it."""

    recipe: Recipe
    program: ProgramReport
    shares: dict[str, float]  # of the device: "logic", "m20k", "dsp"; 1 is all of it
    findings: list[Finding]

    @property
    def fails(self) -> bool:
        """Whether the program would not compile, not fit, or a loop miss the interval that it is meant to have."""
        return any(finding.fails for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Everything, by name."""
        whole = self.program.area
        return {
            "recipe": self.recipe.name,
            "device": self.recipe.target,
            "board": self.recipe.board,
            "family": self.program.family,
            "fails": self.fails,
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "area": asdict(whole),
            "sources": area.shares(self.program.items),
            "parts": [
                {"kernel": item.kernel, "what": item.what, "source": item.source, **asdict(item.area)}
                for item in self.program.items
            ],
            "channels": [asdict(channel) for channel in self.program.channels],
            "kernels": [_kernel(kernel) for kernel in self.program.kernels],
            "findings": [asdict(finding) for finding in self.findings],
        }


def of(recipe: Recipe) -> RecipeReport:
    """Reports on a recipe. Raises BaristaError where clang is missing or does not take the kernels."""
    source, device = read_source(), recipe.fpga()
    options = [*(["-DFOR_BOARD"] if recipe.board else []), *recipe.defines()]
    made = program.report(program_text(source), options, source.folder, f"{recipe.name}.cl", recipe.target, recipe.board)
    return RecipeReport(recipe, made, findings.shares(made.area, device), findings.findings(made, device))


def _kernel(kernel: KernelReport) -> dict[str, Any]:
    return {
        "name": kernel.name,
        "arguments": asdict(kernel.arguments),
        "loads": kernel.loads,
        "stores": kernel.stores,
        "units": [{**asdict(unit), "name": unit.name} for unit in kernel.units],
        "channels": [asdict(end) for end in kernel.channel_ends],
        "memories": [asdict(memory) for memory in kernel.memories],
        "registers": [asdict(array) for array in kernel.registers],
        "loops": [asdict(loop) for loop in kernel.loops],
        "operators": dict(kernel.operators.counts),
        "costly": [asdict(one) for one in kernel.operators.costly],
        "area": asdict(area.total(kernel.items)),
    }
