"""What `python -m tools.sanitize` makes of its arguments."""

from __future__ import annotations

import pytest

from tools import sanitize


def test_both_sanitizers_run_where_none_is_named() -> None:
    options, ctest = sanitize.parse([])
    assert (options.sanitizer, options.no_caffe, ctest) == (["address", "thread"], False, [])


def test_one_may_be_named_and_ctest_gets_what_is_not_known_here() -> None:
    options, ctest = sanitize.parse(["thread", "--no-caffe", "--tests-regex=plan"])
    assert (options.sanitizer, options.no_caffe, ctest) == (["thread"], True, ["--tests-regex=plan"])


def test_another_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        sanitize.parse(["memory"])
    assert "'memory' is none of address, thread" in capsys.readouterr().err
