"""Windows of convolution and pooling, in any of the ways in which prototxt says them."""

from __future__ import annotations

from typing import Any


def pair(param: Any, name: str, default: int) -> tuple[int, int]:
    """Height and width of a window's "kernel", "stride", "pad" or "dilation"."""
    short = {"kernel": ("kernel_h", "kernel_w"), "stride": ("stride_h", "stride_w"), "pad": ("pad_h", "pad_w")}.get(name)
    if short and (param.HasField(short[0]) or param.HasField(short[1])):
        return int(getattr(param, short[0])), int(getattr(param, short[1]))
    plain = getattr(param, "kernel_size" if name == "kernel" else name, 0)
    values = ([plain] if plain else []) if isinstance(plain, int) else list(plain)
    values = values or [default]
    return int(values[0]), int(values[-1])


def small_plane(sizes: tuple[int, ...], param: Any) -> tuple[int, ...]:
    """The axes of a plane, which may be any number, no larger than `sizes`, that give up to three outputs a side."""
    kernel, dilation, stride, pad = (
        pair(param, name, 0 if name == "pad" else 1) for name in ("kernel", "dilation", "stride", "pad")
    )
    small = []
    for axis, size in enumerate(sizes):
        i = min(axis, 1)
        extent = (kernel[i] - 1) * dilation[i] + 1
        small.append(min(size, max(1, extent + 2 * stride[i] - 2 * pad[i])))
    return tuple(small)
