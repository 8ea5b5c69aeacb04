"""A layer written in Python, as users write them: it reads and writes through .data and .diff. Caffe imports it by name."""

from __future__ import annotations

from typing import Any

import caffe


class Negate(caffe.Layer):
    """top = -bottom"""

    def setup(self, bottom: Any, top: Any) -> None:
        pass

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = -bottom[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        bottom[0].diff[...] = -top[0].diff


class Keep(caffe.Layer):
    """top = 2 * bottom, all through views that are made once a shape."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.views: tuple[Any, ...] = ()

    def reshape(self, bottom: Any, top: Any) -> None:
        if list(top[0].shape) != list(bottom[0].shape):
            self.views = ()
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        self.views = self.views or (bottom[0].data, bottom[0].diff, top[0].data, top[0].diff)
        src, _, dst, _ = self.views
        dst[...] = 2 * src

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        _, diff_src, _, diff_dst = self.views
        diff_src[...] = 2 * diff_dst
