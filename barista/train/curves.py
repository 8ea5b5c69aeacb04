"""The picture of a run: loss and accuracy over the iterations, drawn from the run's log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barista import extras
from barista.train import events

# Two hues that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008).
_TRAIN_COLOUR = "#0072B2"
_TEST_COLOUR = "#D55E00"
_INK = "#333333"
_GRID_COLOUR = "#DDDDDD"
# A loss that falls by more than this factor is drawn on a logarithmic axis.
_LOGARITHMIC_SPAN = 30
# Points of the mean that is drawn over the single losses.
_MEAN_POINTS = 60


@dataclass
class Curves:
    """Points of (iteration, value)."""

    loss: list[tuple[int, float]] = field(default_factory=list)
    test_loss: list[tuple[int, float]] = field(default_factory=list)
    accuracy: list[tuple[int, float]] = field(default_factory=list)

    def rewind(self, iteration: int) -> None:
        """Forgets what a run that goes on from `iteration` does again."""
        for name in ("loss", "test_loss", "accuracy"):
            setattr(self, name, [point for point in getattr(self, name) if point[0] < iteration])


def read(log: Path) -> Curves:
    """The curves of a log, which may be of a run that was interrupted and resumed."""
    with log.open(encoding="utf-8") as lines:
        return of_events(json.loads(line) for line in lines)


def of_events(log: Iterable[dict[str, Any]]) -> Curves:
    curves = Curves()
    for event in log:
        if event["event"] == "training":
            curves.rewind(event["iteration"])
        elif event["event"] == "iteration":
            _add(curves.loss, event["iteration"], event["loss"])
        elif event["event"] == "test" and event["net"] == 0:
            _add(curves.test_loss, event["iteration"], events.loss_of(event["outputs"]))
            _add(curves.accuracy, event["iteration"], events.accuracy_of(event["outputs"]))
    return curves


def _add(points: list[tuple[int, float]], iteration: int, value: float | None) -> None:
    if value is not None:  # None: not finite
        points.append((iteration, value))


def draw(curves: Curves, picture: Path, title: str) -> bool:
    """Writes the picture, a PNG; False where there is nothing to draw."""
    extras.require("matplotlib", "curves of a training")
    # Imported here: it takes longer than the rest of the command, and the Figure alone does without a window system.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not curves.loss and not curves.test_loss:
        return False
    panels = 2 if curves.accuracy else 1
    figure = Figure(figsize=(8, 3.4 * panels), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(title, fontsize=11, color=_INK)
    _draw_loss(axes[0], curves)
    if curves.accuracy:
        _draw_accuracy(axes[1], curves.accuracy)
    axes[-1].set_xlabel("iteration", color=_INK)
    aside = picture.with_name(f".{picture.name}.aside")
    figure.savefig(aside, format="png")
    aside.replace(picture)
    return True


def _draw_loss(axes: Any, curves: Curves) -> None:
    _dress(axes, "loss")
    if curves.loss:
        iterations, losses = zip(*curves.loss, strict=True)
        axes.plot(iterations, losses, color=_TRAIN_COLOUR, alpha=0.25, linewidth=0.8)
        axes.plot(*_running_mean(iterations, losses), color=_TRAIN_COLOUR, linewidth=1.8, label="training")
    if curves.test_loss:
        axes.plot(*zip(*curves.test_loss, strict=True), color=_TEST_COLOUR, marker="o", markersize=4, linewidth=1.4, label="test")
    values = [value for _, value in (*curves.loss, *curves.test_loss)]
    if min(values) > 0 and max(values) / min(values) > _LOGARITHMIC_SPAN:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0, *values))
    axes.legend(frameon=False, loc="upper right")


def _draw_accuracy(axes: Any, accuracy: list[tuple[int, float]]) -> None:
    from matplotlib.ticker import PercentFormatter

    _dress(axes, "test accuracy")
    axes.plot(*zip(*accuracy, strict=True), color=_TEST_COLOUR, marker="o", markersize=4, linewidth=1.4)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_ylim(0, 1.06)
    iteration, last = accuracy[-1]
    axes.annotate(f"{last:.2%}", (iteration, last), xytext=(0, -14), textcoords="offset points", ha="right", color=_TEST_COLOUR)


def _dress(axes: Any, label: str) -> None:
    axes.set_ylabel(label, color=_INK)
    axes.grid(True, color=_GRID_COLOUR, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _running_mean(iterations: tuple[int, ...], losses: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """Means over equal stretches, each at the middle of its own."""
    length = max(1, len(losses) // _MEAN_POINTS)
    stretches = range(0, len(losses), length)
    middles = [sum(iterations[i : i + length]) / len(iterations[i : i + length]) for i in stretches]
    means = [sum(losses[i : i + length]) / len(losses[i : i + length]) for i in stretches]
    return middles, means
