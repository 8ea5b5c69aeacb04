"""pycaffe's Python package with the NumPy, scikit-image, Protobuf and pydot of the set-up, in stock Caffe and on the device.

The tests themselves are in tests/device/pycaffe; here they get a process of their own for each Caffe.
"""

from __future__ import annotations

import re
import sys

from processes import ROOT, Result, run


def ran(caffe: str) -> Result:
    # A warning says what a library will take away next.
    options = ["-q", "-p", "no:cacheprovider", "-p", "pycaffe_expected", "-W", "error"]
    files = sorted(map(str, (ROOT / "tests" / "device" / "pycaffe").glob("*.py")))
    return run([sys.executable, "-m", "pytest", *options, *files], BARISTA_TEST_CAFFE=caffe)


def test_package_of_stock_caffe() -> None:
    _all_passed(ran("stock"))


def test_package_with_nets_on_the_device(device: str) -> None:
    _all_passed(ran(device))


def _all_passed(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d+ passed in ", result.stdout, re.MULTILINE), result.stdout
