"""A timeline as a picture: a row a queue, bars coloured by the layer's family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from barista.profile.records import UPDATE
from barista.profile.timeline import HOST, WAITING, Bar, Timeline

# Layers of one family (barista.layers.layer_type.Family) share a colour. Most hues are those that people with any colour vision
# tell apart (Okabe and Ito, "Color Universal Design", 2008); light and dark of one stand side by side, so its light blue is left
# out.
COLOURS = {
    "convolution": "#0072B2",
    "inner product": "#D55E00",
    "pooling": "#E69F00",
    "activation": "#009E73",
    "normalization": "#CC79A7",
    "loss": "#5E3C99",
    "joining, splitting": "#F0E442",
    "data": "#999999",
    "other": "#BBBBBB",
    UPDATE: "#333333",
}
_DARK = ("convolution", "inner product", "activation", "loss")  # on which letters are white
_INK = "#333333"
_GRID_COLOUR = "#DDDDDD"
_WIDTH_INCHES, _DPI = 16, 150
_BAR_HEIGHT = 0.8
_LEGEND_COLUMNS = 7
_SMALLEST_GAP = 400  # into which part of the whole a gap must fit that is no gap
_LETTER_POINTS = 4.1  # the width of a letter at _FONT_POINTS
_FONT_POINTS = 7


def draw(timeline: Timeline, picture: Path) -> None:
    """Writes the picture, a PNG: a row a queue, bars coloured by the layer's family, dark in backward passes."""
    # Imported here: it takes longer than the rest of the command, and the Figure alone does without a window system.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, 1.9 + 0.62 * len(timeline.rows)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    last = timeline.steps[-1][0]
    which = f"step {last}" if len(timeline.steps) == 1 else f"steps {timeline.steps[0][0]} to {last}"
    figure.suptitle(f"{Path(timeline.net).name}: {which} on {timeline.device}", fontsize=11, color=_INK)
    _draw_bars(axes, timeline)
    _draw_labels(axes, timeline)
    for number, began, ended in timeline.steps:
        for edge in (began, ended):
            axes.plot([edge / 1e6] * 2, [-0.72, -_BAR_HEIGHT / 2], color=_INK, linewidth=1, clip_on=False)
        axes.text((began + ended) / 2e6, -0.48, f"step {number}", ha="center", va="bottom", fontsize=8, color=_INK)
    axes.set_yticks(range(len(timeline.rows)), [_row_label(timeline, row) for row in range(len(timeline.rows))])
    axes.set_ylim(len(timeline.rows) - 0.5, -0.72)
    axes.set_xlim(0, timeline.length / 1e6)
    axes.set_xlabel("ms", color=_INK)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    axes.grid(True, axis="x", color=_GRID_COLOUR, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _draw_legend(figure, timeline)
    aside = picture.with_name(f".{picture.name}.aside")
    figure.savefig(aside, format="png")
    aside.replace(picture)


def _row_label(timeline: Timeline, row: int) -> str:
    return f"{timeline.rows[row]}\n{timeline.busy(row) / timeline.length:.0%} busy"


def _draw_bars(axes: Any, timeline: Timeline) -> None:
    """A collection for each row and colour: thousands of bars are drawn as quickly as ten."""
    shortest = timeline.length / 1e6 / (_WIDTH_INCHES * _DPI)  # a pixel: the shortest kernel can still be seen
    groups: dict[tuple[int, str, bool], list[tuple[float, float]]] = {}
    for bar in timeline.bars:
        colour = _colour(bar.family, bar.phase == "backward")
        width = max((bar.ended - bar.began) / 1e6, shortest)
        groups.setdefault((bar.row, colour, bar.name == WAITING), []).append((bar.began / 1e6, width))
    for (row, colour, waiting), spans in groups.items():
        style = {"facecolors": "#FFFFFF", "hatch": "////", "edgecolor": colour} if waiting else {"facecolors": colour}
        axes.broken_barh(spans, (row - _BAR_HEIGHT / 2, _BAR_HEIGHT), linewidth=0, zorder=3 if waiting else 2, **style)


def _colour(family: str, backward: bool) -> str:
    """The family's, lighter in forward passes."""
    colour = COLOURS[family]
    if backward or family == UPDATE:
        return colour
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - 0.55 * (255 - part)):02X}" for part in parts)


def _draw_labels(axes: Any, timeline: Timeline) -> None:
    """Layers' names on the stretches of a row that one pass of theirs fills, where there is room."""
    points_a_ns = 0.9 * _WIDTH_INCHES * 72 / timeline.length
    waiting = [bar for bar in timeline.bars if bar.name == WAITING]
    for row in range(len(timeline.rows)):
        for layer, began, ended, dark in _stretches(timeline, row):
            waits = any(began <= bar.began < ended for bar in waiting) and row == HOST
            room = (ended - began) * points_a_ns
            size = _LETTER_POINTS * len(layer) + 4
            upright = size > room >= 2 * _LETTER_POINTS and size < 30
            if size <= room or upright:
                axes.text(
                    (began + ended) / 2e6,
                    row,
                    layer,
                    rotation=90 if upright else 0,
                    ha="center",
                    va="center",
                    fontsize=_FONT_POINTS,
                    color="#FFFFFF" if dark and not waits else _INK,
                    zorder=4,
                    bbox={"facecolor": "#FFFFFF", "alpha": 0.85, "linewidth": 0, "pad": 1} if waits else None,
                )


def _stretches(timeline: Timeline, row: int) -> Iterator[tuple[str, int, int, bool]]:
    """Runs of bars of one pass on a row, with next to no gaps: layer, from when to when, and whether its colour is dark."""
    run: list[Bar] = []
    for bar in sorted((bar for bar in timeline.bars if bar.row == row and bar.name != WAITING), key=lambda bar: bar.began):
        gap = bar.began - run[-1].ended if run else 0
        if run and ((run[0].layer, run[0].phase) != (bar.layer, bar.phase) or gap * _SMALLEST_GAP > timeline.length):
            yield _stretch(run)
            run = []
        run.append(bar)
    if run:
        yield _stretch(run)


def _stretch(run: Sequence[Bar]) -> tuple[str, int, int, bool]:
    bar = run[0]
    dark = bar.family == UPDATE or (bar.phase == "backward" and bar.family in _DARK)
    return bar.layer, bar.began, run[-1].ended, dark


def _draw_legend(figure: Any, timeline: Timeline) -> None:
    from matplotlib.patches import Patch

    on_device: dict[str, int] = {}
    for bar in timeline.bars:
        on_device[bar.family] = on_device.get(bar.family, 0) + (bar.ended - bar.began if bar.row != HOST else 0)
    entries = []
    for family in COLOURS:
        if family in on_device:
            each = on_device[family] / len(timeline.steps) / 1e6
            entries.append(Patch(color=COLOURS[family], label=f"{family} {each:.2f} ms" if each else family))
    if any(bar.name == WAITING for bar in timeline.bars):
        entries.append(Patch(facecolor="#FFFFFF", edgecolor=_INK, hatch="////", linewidth=0, label=WAITING))
    title = "light: forward, dark: backward. Times are of a step, all queues of the device added up"
    columns = len(entries) if len(entries) <= _LEGEND_COLUMNS else (len(entries) + 1) // 2
    figure.legend(
        handles=entries, loc="outside lower center", ncols=columns, frameon=False, fontsize=8, title=title, title_fontsize=8
    )
