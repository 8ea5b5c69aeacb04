"""The problem shapes that all tests and benchmarks share: `python tests/support/shapes.py` writes tests/shapes.json.

A problem is one string of letters and numbers, as in oneDNN's benchdnn:

    convolution    n2g1c3h8w8o4kh3kw3sh1sw1ph1pw1dh1dw1     (dh1 is no dilation)
    pooling        maxn2c3h8w8kh3kw3sh2sw2ph0pw0r1          (max or ave; r1 rounds the size up as Caffe does, r0 down)
    inner product  n4k20o10t0                               (t1: weights are stored transposed)

The list holds the layers of LeNet, CIFAR-10 quick and AlexNet, scaled down where they are large, shapes at the edges of what a
layer may be, and problems drawn at random with a fixed seed. Drawn ones are small: a naive reference runs all of them in seconds.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

SHAPES_FILE = Path(__file__).resolve().parents[1] / "shapes.json"
SEED = 20180821
DRAWN = {"convolution": 200, "pooling": 200, "inner_product": 200}

CONVOLUTION_KEYS = ("n", "g", "c", "h", "w", "o", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw")
POOLING_KEYS = ("n", "c", "h", "w", "kh", "kw", "sh", "sw", "ph", "pw", "r")
INNER_PRODUCT_KEYS = ("n", "k", "o", "t")

NAMED = {
    "convolution": {
        "lenet/conv1": "n8g1c1h28w28o20kh5kw5sh1sw1ph0pw0dh1dw1",
        "lenet/conv2": "n8g1c20h12w12o50kh5kw5sh1sw1ph0pw0dh1dw1",
        "cifar10_quick/conv1": "n5g1c3h32w32o32kh5kw5sh1sw1ph2pw2dh1dw1",
        "cifar10_quick/conv2": "n5g1c32h16w16o32kh5kw5sh1sw1ph2pw2dh1dw1",
        "cifar10_quick/conv3": "n5g1c32h8w8o64kh5kw5sh1sw1ph2pw2dh1dw1",
        "alexnet/conv1": "n2g1c3h67w67o24kh11kw11sh4sw4ph0pw0dh1dw1",
        "alexnet/conv2": "n2g2c24h15w15o64kh5kw5sh1sw1ph2pw2dh1dw1",
        "alexnet/conv3": "n3g1c64h13w13o96kh3kw3sh1sw1ph1pw1dh1dw1",
        "alexnet/conv4": "n3g2c96h13w13o96kh3kw3sh1sw1ph1pw1dh1dw1",
        "edge/one": "n1g1c1h1w1o1kh1kw1sh1sw1ph0pw0dh1dw1",
        "edge/pointwise": "n3g1c33h7w7o17kh1kw1sh1sw1ph0pw0dh1dw1",
        "edge/pointwise_strided": "n2g1c8h9w9o8kh1kw1sh2sw2ph0pw0dh1dw1",
        "edge/depthwise": "n2g12c12h9w9o12kh3kw3sh1sw1ph1pw1dh1dw1",
        "edge/depthwise_doubled": "n3g6c6h8w8o12kh3kw3sh2sw2ph1pw1dh1dw1",
        "edge/dilated": "n2g1c4h15w15o5kh3kw3sh1sw1ph4pw4dh4dw4",
        "edge/dilated_strided": "n2g1c4h15w17o5kh3kw3sh3sw2ph2pw3dh2dw3",
        "edge/stride_beyond_kernel": "n2g1c3h14w14o4kh2kw2sh4sw4ph0pw0dh1dw1",
        "edge/kernel_is_image": "n4g1c6h5w7o9kh5kw7sh1sw1ph0pw0dh1dw1",
        "edge/only_padding_corner": "n2g1c2h3w3o3kh3kw3sh2sw2ph3pw3dh1dw1",
        "edge/row": "n2g1c3h1w40o5kh1kw9sh1sw2ph0pw4dh1dw1",
        "edge/column": "n2g1c3h40w1o5kh9kw1sh2sw1ph4pw0dh1dw1",
        "edge/wide": "n1g1c2h3w300o3kh3kw3sh1sw1ph1pw1dh1dw1",
        "edge/large_image": "n1g1c1h70w70o2kh3kw3sh1sw1ph1pw1dh1dw1",
        # Enough of these for all compute units to take part in moving them.
        "edge/many_weights": "n1g1c129h1w1o130kh1kw1sh1sw1ph0pw0dh1dw1",
        "edge/many_gradients": "n1g1c1h100w100o2kh1kw1sh1sw1ph0pw0dh1dw1",
    },
    "pooling": {
        "lenet/pool1": "maxn8c20h24w24kh2kw2sh2sw2ph0pw0r1",
        "lenet/pool2": "maxn8c50h8w8kh2kw2sh2sw2ph0pw0r1",
        "cifar10_quick/pool1": "maxn5c32h32w32kh3kw3sh2sw2ph0pw0r1",
        "cifar10_quick/pool2": "aven5c32h16w16kh3kw3sh2sw2ph0pw0r1",
        "cifar10_quick/pool3": "aven5c64h8w8kh3kw3sh2sw2ph0pw0r1",
        "alexnet/pool1": "maxn2c24h55w55kh3kw3sh2sw2ph0pw0r1",
        "alexnet/pool2": "maxn2c64h27w27kh3kw3sh2sw2ph0pw0r1",
        "alexnet/pool5": "maxn3c64h13w13kh3kw3sh2sw2ph0pw0r1",
        "googlenet/pool": "maxn2c20h14w14kh3kw3sh1sw1ph1pw1r1",
        "googlenet/global": "aven5c64h7w7kh7kw7sh1sw1ph0pw0r1",
        "edge/one": "maxn1c1h1w1kh1kw1sh1sw1ph0pw0r1",
        "edge/seventeen_planes": "maxn1c17h5w5kh2kw2sh2sw2ph0pw0r1",
        "edge/clipped_last_window": "maxn2c3h7w7kh2kw2sh2sw2ph1pw1r1",
        "edge/rounded_down": "aven2c3h7w8kh3kw3sh2sw2ph0pw0r0",
        "edge/rounded_down_padded": "maxn2c3h7w8kh3kw3sh2sw2ph1pw1r0",
        "edge/window_beyond_image": "maxn2c3h3w3kh5kw5sh4sw4ph0pw0r1",
        "edge/stride_beyond_window": "aven2c5h11w11kh2kw2sh4sw4ph0pw0r1",
        "edge/global_large": "aven1c3h48w48kh48kw48sh1sw1ph0pw0r1",
        "edge/global_large_maximum": "maxn1c3h48w48kh48kw48sh1sw1ph0pw0r1",
        "edge/large_windows": "aven1c2h40w40kh30kw30sh3sw3ph4pw4r1",
        "edge/large_image": "maxn1c2h90w90kh3kw3sh2sw2ph1pw1r1",
        "edge/wide": "maxn1c2h3w1500kh2kw3sh1sw2ph0pw1r1",
        "edge/wide_average": "aven1c2h3w1300kh3kw5sh1sw3ph1pw2r1",
        "edge/tall": "maxn1c2h1500w2kh3kw2sh2sw1ph1pw0r1",
    },
    "inner_product": {
        "lenet/ip1": "n8k800o500t0",
        "lenet/ip2": "n8k500o10t0",
        "cifar10_quick/ip1": "n5k1024o64t0",
        "cifar10_quick/ip2": "n5k64o10t0",
        "alexnet/fc6": "n3k1152o512t0",
        "alexnet/fc8": "n3k512o125t0",
        "edge/one": "n1k1o1t0",
        "edge/one_transposed": "n1k1o1t1",
        "edge/column": "n17k1o33t0",
        "edge/row": "n1k2049o1t0",
        "edge/transposed": "n9k65o130t1",
    },
}


def parse(problem: str) -> dict[str, int | str]:
    """The numbers of a problem by key; a pooling problem also has "method"."""
    method = re.match(r"max|ave", problem)
    fields: dict[str, int | str] = {"method": method.group()} if method else {}
    for key, value in re.findall(r"([a-z]+)(\d+)", problem[method.end() if method else 0 :]):
        fields[key] = int(value)
    return fields


def load() -> dict[str, dict[str, str]]:
    """All problems: operation -> name -> problem."""
    shapes: dict[str, dict[str, str]] = json.loads(SHAPES_FILE.read_text())
    return shapes


def _text(keys: tuple[str, ...], values: dict[str, int]) -> str:
    return "".join(f"{key}{values[key]}" for key in keys)


def _draw_convolution(rng: random.Random) -> str | None:
    values = {key: rng.choice((1, 1, 1, 2, 3, 4)) for key in ("sh", "sw")}
    values |= {key: rng.choice((1, 1, 2, 3, 3, 4, 5, 5, 7, 11)) for key in ("kh", "kw")}
    values |= {key: rng.choice((1, 1, 1, 2, 3)) for key in ("dh", "dw")}
    values |= {key: rng.randint(1, 24) for key in ("h", "w")}
    values |= {key: rng.randint(0, values[kernel]) for key, kernel in (("ph", "kh"), ("pw", "kw"))}
    g = rng.choice((1, 1, 1, 2, 3, 5))
    values |= {"n": rng.randint(1, 17), "g": g, "c": g * rng.randint(1, 9), "o": g * rng.randint(1, 20)}
    out = [
        (values[size] + 2 * values[pad] - values[dilation] * (values[kernel] - 1) - 1) // values[stride] + 1
        for size, pad, dilation, kernel, stride in (("h", "ph", "dh", "kh", "sh"), ("w", "pw", "dw", "kw", "sw"))
    ]
    if min(out) < 1:
        return None
    work = values["n"] * values["c"] * values["o"] // g * values["kh"] * values["kw"] * out[0] * out[1]
    return _text(CONVOLUTION_KEYS, values) if work <= 400_000 else None


def _draw_pooling(rng: random.Random) -> str | None:
    values = {key: rng.randint(1, 4) for key in ("sh", "sw")}
    values |= {key: rng.randint(1, 11) for key in ("kh", "kw")}
    values |= {key: rng.randint(1, 40) for key in ("h", "w")}
    # Stock Caffe asks for less padding than window, and none of a window may begin outside the image.
    values |= {key: rng.randint(0, values[kernel] - 1) for key, kernel in (("ph", "kh"), ("pw", "kw"))}
    values |= {"n": rng.randint(1, 17), "c": rng.randint(1, 20), "r": rng.choice((0, 1, 1))}
    for size, pad, kernel, stride in (("h", "ph", "kh", "sh"), ("w", "pw", "kw", "sw")):
        if values[size] + 2 * values[pad] < values[kernel]:
            return None
        # Without padding Caffe does not clip, and its backward pass then writes outside the image.
        if values["ph"] + values["pw"] == 0 and values[stride] > values[kernel]:
            return None
    work = values["n"] * values["c"] * values["h"] * values["w"]
    return rng.choice(("max", "ave")) + _text(POOLING_KEYS, values) if work <= 60_000 else None


def _draw_inner_product(rng: random.Random) -> str | None:
    values = {"n": rng.randint(1, 17), "k": rng.randint(1, 600), "o": rng.randint(1, 150), "t": rng.randint(0, 1)}
    return _text(INNER_PRODUCT_KEYS, values)


def generate() -> dict[str, dict[str, str]]:
    """The list that shapes.json holds; the same at every call."""
    shapes = {}
    for operation, draw in (
        ("convolution", _draw_convolution),
        ("pooling", _draw_pooling),
        ("inner_product", _draw_inner_product),
    ):
        rng = random.Random(f"{SEED} {operation}")
        problems = dict(NAMED[operation])
        drawn = 0
        while drawn < DRAWN[operation]:
            problem = draw(rng)
            if problem is not None and problem not in problems.values():
                problems[f"drawn/{drawn:03}"] = problem
                drawn += 1
        shapes[operation] = problems
    return shapes


if __name__ == "__main__":
    SHAPES_FILE.write_text(json.dumps(generate(), indent=1) + "\n")
