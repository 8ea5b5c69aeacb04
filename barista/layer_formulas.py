"""Formulas of layers in NumPy, in double precision: for `barista check`, where stock Caffe's results alone won't do.

Stock Caffe's LRN across channels carries each pixel's sum of squares on from channel to channel, and with it what rounding lost
beside the largest. The device adds up each window anew, so where the two differ it may be stock Caffe that is off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Single = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]


def lrn(layer: Any, src: Single, diff_dst: Single) -> tuple[Double, Double] | None:
    """dst and diff_src of one image, [channels][height][width]; None within a channel: there stock Caffe carries nothing on."""
    param = layer.lrn_param
    if param.norm_region != param.ACROSS_CHANNELS:
        return None
    size = int(param.local_size)

    def over_windows(values: Double) -> Double:
        reach = ((size // 2 + 1, size // 2), (0, 0), (0, 0))
        sums = np.cumsum(np.pad(values, reach), axis=0)
        return np.asarray(sums[size:] - sums[:-size])

    x, diff = src.astype(np.float64), diff_dst.astype(np.float64)
    scale = param.k + param.alpha / size * over_windows(x * x)
    power = scale**-param.beta
    dst = x * power
    taken = 2 * param.alpha * param.beta / size * x * over_windows(diff * dst / scale)
    return dst, diff * power - taken
