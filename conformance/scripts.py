"""Random pycaffe scripts, on a device and in stock Caffe: `python -m conformance.scripts`. Status 0: they never saw a difference.

A script keeps views, goes forward and backward in parts, steps solvers, writes into blobs and parameters, reshapes, shares, saves,
loads and operates on nets, several of them in one process, with some numbers that are none (conformance/scripts_worker.py). It is
cut into episodes, each with nets of its own and drawn from the seed and its number alone. What each action looks at must be the
same floats on both sides, and so must every blob be at an episode's end. Where sums in stock Caffe have left the numbers that are
exact in any order, the rest of an episode proves nothing and does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from barista.bitstream import build as bitstreams
from barista.errors import BaristaError
from barista.runtime.process import Event, ask

ACTIONS = 60  # an episode


@dataclass(frozen=True)
class Episode:
    """One of both sides: how many of its actions count, and what the first difference was."""

    number: int
    actions: int
    difference: str = ""


def compare(device: str, seed: int, first: int, episodes: int, *, show: bool = False) -> Iterator[Episode]:
    """Runs both sides at once. Raises BaristaError where either of them ends before the others."""
    task = {"seed": seed, "first": first, "episodes": episodes, "actions": ACTIONS, "show": show}
    variables = bitstreams.environment(*bitstreams.resolve(device))
    sides = (
        ask("conformance.scripts_worker", (), {**task, "name": "stock Caffe"}, {}),
        ask("conformance.scripts_worker", (device,), {**task, "name": device}, variables),
    )
    for (number, stock), (_, ours) in zip(_episodes(sides[0]), _episodes(sides[1]), strict=True):
        yield _judge(number, stock, ours)


def _episodes(events: Iterator[Event]) -> Iterator[tuple[int, list[Event]]]:
    number = -1

    def episode_of(event: Event) -> int:
        nonlocal number
        number = int(event.get("episode", number))
        return number

    for episode, group in groupby(events, episode_of):
        yield episode, [event for event in group if "action" in event]


def _judge(number: int, stock: list[Event], ours: list[Event]) -> Episode:
    # Stock Caffe goes no further than it is exact: sums that grow end in numbers that are none.
    for done, (one, other) in enumerate(zip(stock, ours, strict=False)):
        if not one["exact"]:
            return Episode(number, done)
        if one["action"] != other["action"] or one["seen"] != other["seen"]:
            return Episode(number, done, f"action {done}, '{one['action']}'")
    return Episode(number, len(stock))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m conformance.scripts", description="Random pycaffe scripts against stock Caffe."
    )
    parser.add_argument("--device", default="emulator", help="as 'barista devices' names it (default: emulator)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episode", type=int, help="this one alone, its actions and what they saw shown")
    parser.add_argument("--actions", type=int, default=3000, help="how many must count (default: 3000)")
    options = parser.parse_args()
    try:
        if options.episode is not None:
            return _show(list(compare(options.device, options.seed, options.episode, 1, show=True)))
        return _run(options)
    except BaristaError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1


def _show(episodes: list[Episode]) -> int:
    for episode in episodes:
        print(f"{episode.actions} actions count; {episode.difference or 'no difference'}")
    return 1 if any(episode.difference for episode in episodes) else 0


def _run(options: argparse.Namespace) -> int:
    counted, number, different, began = 0, 0, 0, time.monotonic()
    while counted < options.actions:
        # Processes are made anew now and then, so that one that ends early takes little with it.
        batch = min(200, (options.actions - counted) // (ACTIONS // 2) + 1)
        for episode in compare(options.device, options.seed, number, batch):
            counted += episode.actions
            if episode.difference:
                different += 1
                print(f"seed {options.seed}, episode {episode.number}: another value after {episode.difference}", flush=True)
        number += batch
        print(
            f"{counted} actions of {number} episodes, {different} with a difference, {time.monotonic() - began:.0f} s", flush=True
        )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
