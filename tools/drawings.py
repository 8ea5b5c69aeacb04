"""Draws the pictures of docs/: `python -m tools.drawings`. The PE array of a recipe, and the way from prototxt to gradient.

SVG, the same bytes on every run of the pinned matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from barista.bitstream.recipe import Recipe, load

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURES = CHECKOUT / "docs" / "pictures"
_MEMORY, _LOGIC, _HOST, _FILE = "#dbe9f6", "#fde4c3", "#e3efda", "#f4f4f4"
_INK = "#333333"
_SMALL, _TEXT, _TITLE = 8.0, 9.5, 11.0


def main() -> int:
    """Writes both pictures into docs/pictures/, or into the folder that is given."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    pyplot.rcParams.update({"svg.hashsalt": "barista", "font.family": "DejaVu Sans", "font.size": _TEXT})
    for name, figure in (("pe_array", _pe_array(load("arria10-gx1150"))), ("prototxt_to_gradient", _way())):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        pyplot.close(figure)
    return 0


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    """A figure and its axes, in inches from the lower left."""
    figure = pyplot.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def _box(axes: Any, x: float, y: float, width: float, height: float, text: str, colour: str, size: float = _TEXT) -> None:
    style = "round,pad=0,rounding_size=0.05"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor=colour, edgecolor=_INK, linewidth=0.8))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size, color=_INK, linespacing=1.35)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], text: str = "", *, above: bool = True) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=_INK, linewidth=0.9, shrinkA=0, shrinkB=0))
    if text:
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        horizontal = start[1] == end[1]
        shift = (0, 0.05 if above else -0.05) if horizontal else (0.07, 0)
        side = ("center", "bottom" if above else "top") if horizontal else ("left", "center")
        axes.text(x + shift[0], y + shift[1], text, ha=side[0], va=side[1], fontsize=_SMALL, color=_INK)


def _pe_array(recipe: Recipe) -> Any:
    """The array of one compute unit: rows are images, columns output channels, and a processing element sums over its depth."""
    figure, axes = _canvas(10.0, 6.6)
    rows, columns, depth = recipe.pe_rows, recipe.pe_columns, recipe.pe_depth
    shown_rows, shown_columns = ("0", "1", "⋮", str(rows - 1)), ("0", "1", "⋯", str(columns - 1))
    left, top, width, height = 3.6, 4.5, 0.92, 0.62
    axes.text(
        0.2, 6.35, f"A compute unit of {recipe.name}: {rows} x {columns} processing elements of {depth} MACs", fontsize=_TITLE
    )
    for c, column in enumerate(shown_columns):
        x = left + c * (width + 0.12)
        if column != "⋯":
            _box(axes, x, top + 0.75, width, 0.5, f"vec\n{depth} banks", _MEMORY, _SMALL)
            _arrow(axes, (x + width / 2, top + 0.75), (x + width / 2, top + 0.02))
        axes.text(x + width / 2, top + 1.32, f"output\nchannel {column}" if column != "⋯" else "⋯", ha="center", fontsize=_SMALL)
    for r, row in enumerate(shown_rows):
        y = top - (r + 1) * (height + 0.12) + 0.12
        if row != "⋮":
            _box(axes, 2.0, y, 1.15, height, f"x, image {row}\n{depth} banks, twice", _MEMORY, _SMALL)
            _arrow(axes, (3.15, y + height / 2), (left, y + height / 2))
        for c, column in enumerate(shown_columns):
            x = left + c * (width + 0.12)
            if "⋮" in (row, column) or "⋯" in (row, column):
                axes.text(x + width / 2, y + height / 2, "⋮" if row == "⋮" else "⋯", ha="center", va="center", fontsize=_TITLE)
            else:
                _box(axes, x, y, width, height, f"PE: {depth} MACs\n+ acc bank", _LOGIC, _SMALL)
    bottom = top - 4 * (height + 0.12) + 0.12
    right = left + 4 * (width + 0.12) - 0.12
    _box(axes, 8.1, bottom + 0.75, 1.6, 1.3, "store\n\npost-ops: scale,\noffset, rectify", _LOGIC, _SMALL)
    _arrow(axes, (right, bottom + 1.4), (8.1, bottom + 1.4))
    _box(
        axes,
        0.2,
        bottom,
        1.2,
        4 * (height + 0.12) - 0.12,
        f"loader of x\n\n{recipe.load_words} elements\na clock\n\nfills one buffer\nwhile the PEs\nread the other",
        _LOGIC,
        _SMALL,
    )
    for y in (bottom + 0.3, bottom + 1.8, bottom + 2.5):
        _arrow(axes, (1.4, y), (2.0, y))
    _box(axes, 0.2, top + 0.75, 1.2, 0.5, "loader of vec", _LOGIC, _SMALL)
    _arrow(axes, (1.4, top + 1.0), (left, top + 1.0), "16 elements a clock")
    nest = (
        "loop nest: 7 counters, as the descriptor says, make one address each of\nx, vec and acc, which is the same for all banks"
    )
    _box(axes, 2.0, 0.95, right - 2.0, 0.46, nest, _LOGIC, _SMALL)
    for x in (2.6, left + 0.46, right - 0.46):
        _arrow(axes, (x, 1.41), (x, bottom))
    _box(
        axes,
        0.2,
        0.2,
        9.5,
        0.42,
        "external memory: src, weights or diff_dst, bias, dst or diff_weights; the descriptors of a launch",
        _MEMORY,
    )
    _arrow(axes, (0.8, 0.62), (0.8, bottom))
    _arrow(axes, (5.0, 0.62), (5.0, 0.95))
    _arrow(axes, (8.9, bottom + 0.75), (8.9, 0.62), "16 elements\na clock")
    return figure


def _way() -> Any:
    """Who does what between a solver prototxt and the gradients of a layer."""
    figure, axes = _canvas(10.0, 7.0)
    axes.text(0.2, 6.75, "From a solver prototxt to a gradient", fontsize=_TITLE)
    _box(axes, 0.2, 5.75, 1.7, 0.7, "solver.prototxt\nnet.prototxt", _FILE)
    _box(axes, 2.4, 5.75, 2.2, 0.7, "barista.net\nread, upgrade, check", _HOST)
    _box(axes, 5.1, 5.75, 2.2, 0.7, "barista.rewrite\nplace each layer", _HOST)
    _box(axes, 7.8, 5.75, 1.95, 0.7, "barista.train\na task; the log", _HOST)
    for start, end in ((1.9, 2.4), (4.6, 5.1), (7.3, 7.8)):
        _arrow(axes, (start, 6.1), (end, 6.1))
    _arrow(axes, (8.78, 5.75), (8.78, 5.2), "JSON lines")
    axes.text(0.2, 5.32, "the worker process", fontsize=_SMALL, style="italic")
    _box(axes, 0.2, 0.2, 9.55, 5.0, "", "#fbfbfb")
    _box(axes, 7.8, 4.4, 1.75, 0.6, "caffe_layers/training\nruns the solver", _HOST, _SMALL)
    _box(axes, 5.2, 4.4, 2.1, 0.6, "stock Caffe\nNet, Solver, data layers", _FILE, _SMALL)
    _box(
        axes,
        0.4,
        4.4,
        3.4,
        0.6,
        "caffe_layers/layers: an FPGA layer is the\nstock layer with other Forward and Backward",
        _HOST,
        _SMALL,
    )
    _arrow(axes, (7.8, 4.7), (7.3, 4.7))
    _arrow(axes, (5.2, 4.7), (3.8, 4.7), "Reshape, Forward,\nBackward")
    _box(axes, 0.4, 3.2, 1.75, 0.7, "plan\ntiles, trip counts,\ncost; no device", _HOST, _SMALL)
    _box(axes, 2.55, 3.2, 1.75, 0.7, "ops\nbuffers in,\nlaunches out", _HOST, _SMALL)
    _box(axes, 4.9, 3.2, 2.3, 0.7, "memory\nwhich copy of a blob is valid:\nhost's, device's, both", _HOST, _SMALL)
    _box(axes, 7.8, 3.2, 1.75, 0.7, "solvers\nthe update, where\nparameters lie", _HOST, _SMALL)
    _arrow(axes, (1.28, 4.4), (1.28, 3.9), "in Reshape")
    _arrow(axes, (3.43, 4.4), (3.43, 3.9), "in each pass")
    _arrow(axes, (2.55, 3.55), (2.15, 3.55))
    _arrow(axes, (6.05, 4.4), (6.05, 3.9), "cpu_data()")
    _arrow(axes, (3.8, 4.5), (5.2, 3.9))
    _arrow(axes, (8.68, 4.4), (8.68, 3.9), "ApplyUpdate")
    device = (
        "device: programs (bitstream, kernels, recipe) on a device (queues, buffers)\n"
        "commands wait for those whose buffers they share, on the device"
    )
    _box(axes, 0.4, 2.0, 9.15, 0.7, device, _HOST, _SMALL)
    _arrow(axes, (3.43, 3.2), (3.43, 2.7), "launches")
    _arrow(axes, (6.05, 3.2), (6.05, 2.7), "uploads and downloads, when\nthe other side reads")
    _arrow(axes, (8.68, 3.2), (8.68, 2.7), "launches")
    kernels = (
        "OpenCL device: Intel FPGA, its emulator, or PoCL\nkernels of opencl_kernels/, an in-order queue for each compute unit\n"
        "buffers: src, weights, dst and the gradients diff_src, diff_weights"
    )
    _box(axes, 0.4, 0.4, 9.15, 1.1, kernels, _LOGIC, _SMALL)
    _arrow(axes, (4.97, 2.0), (4.97, 1.5))
    return figure


if __name__ == "__main__":
    sys.exit(main())
