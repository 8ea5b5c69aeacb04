"""The shared list of shapes: what tests and benchmarks read is what shapes.py makes, and holds what it should."""

from __future__ import annotations

import shapes


def test_file_is_what_the_generator_makes() -> None:
    assert shapes.load() == shapes.generate(), "run 'python tests/support/shapes.py'"


def test_drawn_problems_cover_what_layers_may_be() -> None:
    for operation, problems in shapes.load().items():
        drawn = [shapes.parse(problem) for name, problem in problems.items() if name.startswith("drawn/")]
        assert len(drawn) == 200, operation
        seen = {key: {problem[key] for problem in drawn} for key in drawn[0]}
        assert seen["n"] == set(range(1, 18)), operation
        if operation != "inner_product":
            assert {1, 11} <= seen["kh"] & seen["kw"], operation
            assert seen["sh"] == seen["sw"] == {1, 2, 3, 4}, operation
            assert {0, 1, 2} <= seen["ph"] & seen["pw"], operation
    convolutions = [shapes.parse(problem) for problem in shapes.load()["convolution"].values()]
    assert any(problem["g"] == problem["c"] != 1 for problem in convolutions), "depthwise"
    assert {1, 2, 3} <= {problem["dh"] for problem in convolutions}


def test_a_problem_reads_as_it_is_written() -> None:
    assert shapes.parse("maxn2c3h8w9kh3kw4sh2sw1ph0pw1r0") == {
        "method": "max", "n": 2, "c": 3, "h": 8, "w": 9, "kh": 3, "kw": 4, "sh": 2, "sw": 1, "ph": 0, "pw": 1, "r": 0,
    }  # fmt: skip
    assert shapes.parse("n4k20o10t1") == {"n": 4, "k": 20, "o": 10, "t": 1}
