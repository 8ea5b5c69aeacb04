"""The chart of a benchmark: for each net, how fast each contestant is beside stock Caffe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barista.profile.runner import STOCK
from benchmarks.contest import Result, Spread

# Of the contestants, in order: hues that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008).
_COLOURS = ("#999999", "#0072B2", "#56B4E9", "#E69F00", "#009E73")
_INK = "#333333"
_GRID_COLOUR = "#DDDDDD"
_GROUP = 0.84  # of the room between two nets


def draw(results: Mapping[str, Result], about: Mapping[str, Any], picture: Path) -> None:
    """Writes a PNG: bars are stock Caffe's time over the contestant's, whiskers the middle half of the rounds."""
    # Imported here: it takes longer than the rest of the command, and the Figure alone does without a window system.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for result in results.values() for name in result.seconds))
    figure = Figure(figsize=(max(8, 1.5 + 1.55 * len(results)), 4.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, result in enumerate(results.values()):
        here = [name for name in names if name in result.seconds]
        width = _GROUP / len(names)
        for i, name in enumerate(here):
            ratio = result.ratio(STOCK, name)
            x = place + (i - (len(here) - 1) / 2) * width
            axes.bar(x, ratio.median, 0.92 * width, color=_COLOURS[names.index(name) % len(_COLOURS)], zorder=2)
            if name != STOCK:
                axes.vlines(x, ratio.first_quartile, ratio.third_quartile, color=_INK, linewidth=1, zorder=3)
            label = _time(Spread.of(result.seconds[name]).median * 1e3) if name == STOCK else f"{ratio.median:.2f}"
            axes.text(x, max(ratio.median, ratio.third_quartile) + 0.01, label, ha="center", va="bottom", fontsize=7, color=_INK)
    axes.axhline(1, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xticks(range(len(results)), [title.replace(", ", "\n") for title in results])
    axes.set_xlim(-0.55, len(results) - 0.45)
    axes.set_ylabel("times as fast as stock Caffe", color=_INK)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    axes.grid(True, axis="y", color=_GRID_COLOUR, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    _draw_legend(figure, names)
    around = about["surroundings"]
    figure.suptitle(
        f"A training step, {around['threads']} threads each: {around['cpu']}, commit {around['commit']}", fontsize=9, color=_INK
    )
    figure.savefig(picture, format="png")


def _draw_legend(figure: Any, names: list[str]) -> None:
    from matplotlib.patches import Patch

    entries = [Patch(color=_COLOURS[i % len(_COLOURS)], label=_label(name)) for i, name in enumerate(names)]
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), frameon=False, fontsize=8)


def _label(name: str) -> str:
    return {STOCK: "stock Caffe, OpenBLAS", "emulator": "Barista, Intel's FPGA emulator", "pocl": "Barista, PoCL"}.get(name, name)


def _time(milliseconds: float) -> str:
    """Three figures or more."""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"
