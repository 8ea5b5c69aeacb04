"""Random pycaffe scripts see on a device what they see in stock Caffe: some hundred actions."""

from __future__ import annotations

from conformance import scripts


def test_random_scripts_see_what_they_see_in_stock_caffe(device: str) -> None:
    episodes = list(scripts.compare(device, seed=2, first=0, episodes=20))
    assert [episode for episode in episodes if episode.difference] == []
    assert sum(episode.actions for episode in episodes) > 500
