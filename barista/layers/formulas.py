"""Formulas of layers in NumPy: for `barista check`, where stock Caffe's results alone won't do.

Stock Caffe's LRN across channels carries each pixel's sum of squares on from channel to channel, and with it what rounding lost
beside the largest. The device adds up each window anew, so where the two differ it may be stock Caffe that is off.

Of stochastic pooling stock Caffe has no code for the CPU at all. What the device draws is fixed by a number from Caffe's generator,
so the formula draws the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Single = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint32]


def lrn(layer: Any, src: Single, diff_dst: Single) -> tuple[Double, Double] | None:
    """dst and diff_src of one image, [channels, height, width]; None within a channel: there stock Caffe carries nothing on."""
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


def stochastic_pooling(layer: Any, src: Single, diff_dst: Single, seed: int) -> tuple[Single, Single]:
    """dst and diff_src, [images, channels, height, width], of the first pass in training after Caffe's generator was seeded.

    In single precision and in the device's order (caffe_layers/ops/pooling.hpp), so equal to the bit.
    """
    images, channels, height, width = src.shape
    rows, columns = diff_dst.shape[2:]
    kernel, stride = _window(layer.pooling_param, (height, width))
    key = int.from_bytes(np.random.RandomState(seed).bytes(4), "little")  # the first word of Caffe's generator, MT19937
    random = ((random_words(key, diff_dst.size) >> 8) + 1).astype(np.float32) / np.float32(1 << 24)
    padded = np.zeros((images, channels, (rows - 1) * stride[0] + kernel[0], (columns - 1) * stride[1] + kernel[1]), np.float32)
    inside = min(height, padded.shape[2]), min(width, padded.shape[3])
    padded[:, :, : inside[0], : inside[1]] = src[:, :, : inside[0], : inside[1]]

    def tap(row: int, column: int) -> Single:
        return padded[:, :, row :: stride[0], column :: stride[1]][:, :, :rows, :columns]

    taps = [(row, column) for row in range(kernel[0]) for column in range(kernel[1])]
    total = np.zeros(diff_dst.shape, np.float32)
    for at in taps:
        total += tap(*at)
    limit = random.reshape(diff_dst.shape) * total
    first = np.arange(rows)[:, None] * stride[0] * width + np.arange(columns) * stride[1]  # index of each window's first pixel
    is_open = np.ones(diff_dst.shape, bool)
    is_open[:, :, -(-height // stride[0]) :, :] = False  # windows that begin outside the image
    is_open[:, :, :, -(-width // stride[1]) :] = False
    running, dst = np.zeros_like(total), total * 0
    winners = np.full(diff_dst.shape, -1)
    for row, column in taps:
        running += tap(row, column)
        hit = is_open & (running >= limit)
        dst[hit] = tap(row, column)[hit]
        winners[hit] = np.broadcast_to(first + row * width + column, hit.shape)[hit]
        is_open &= ~hit
    return dst, _scattered(diff_dst, winners, src.shape)


def _window(param: Any, plane: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Height and width of a pooling's window and of its stride."""
    kernel = (param.kernel_h, param.kernel_w) if param.HasField("kernel_h") else (param.kernel_size, param.kernel_size)
    stride = (param.stride_h, param.stride_w) if param.HasField("stride_h") else (param.stride, param.stride)
    return (plane if param.global_pooling else kernel), stride


def _scattered(diff_dst: Single, winners: npt.NDArray[np.int_], shape: tuple[int, ...]) -> Single:
    """Each gradient at the pixel that was drawn, added up in the order of the outputs."""
    diff_src = np.zeros((shape[0] * shape[1], shape[2] * shape[3]), np.float32)
    of_planes, diffs = winners.reshape(len(diff_src), -1), diff_dst.reshape(len(diff_src), -1)
    plane, output = np.nonzero(of_planes >= 0)
    np.add.at(diff_src, (plane, of_planes[plane, output]), diffs[plane, output])
    return diff_src.reshape(shape)


def random_words(key: int, count: int) -> Words:
    """The device's random words of elements 0 .. count - 1 (caffe_layers/ops/dropout.hpp): Threefry-4x32 with 20 rounds."""
    turns = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
    keys = np.array([key, 0, 0, 0, 0x1BD11BDA ^ key], np.uint32)
    x = np.zeros((4, -(-count // 4)), np.uint32)
    x[0] = np.arange(x.shape[1], dtype=np.uint32)
    x += keys[:4, None]
    for turn in range(20):
        left, right = (1, 3) if turn % 2 == 0 else (3, 1)
        for to, by, bits in ((0, left, turns[turn % 8][0]), (2, right, turns[turn % 8][1])):
            x[to] += x[by]
            x[by] = (x[by] << np.uint32(bits) | x[by] >> np.uint32(32 - bits)) ^ x[to]
        if turn % 4 == 3:
            n = turn // 4 + 1
            x += np.roll(keys, -n)[:4, None]
            x[3] += np.uint32(n)
    return np.asarray(x.T.reshape(-1)[:count])
