"""Small nets of every layer with a device form, for the test of NaN and infinity; and solvers of every type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from not_finite_actor import Net

from barista.layers import types

Shape = tuple[int, ...]
BLOB: Shape = (2, 5, 4, 7)
PLANES: Shape = (2, 3, 7, 8)


@dataclass(frozen=True)
class Instead:
    """Why some arrays of a case may have NaN on the device where stock Caffe has a number or an infinity."""

    reason: str
    arrays: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    net: Net
    labels: tuple[str, ...] = ()  # inputs that hold class numbers, and stay as they are
    classes: int = 5
    positive: tuple[str, ...] = ()  # what is above zero
    # What the BLAS of stock Caffe multiplies a vector with: neither 0 nor NaN, since OpenBLAS before 0.3.27 takes the product for 0
    # then, whatever the vector holds.
    scalars: tuple[str, ...] = ()
    # Stock Caffe's backward pass writes beside the blob for a window of which nothing is chosen: no gradient comes to these.
    chooses: bool = False
    large: bool = True  # is given large numbers too; not where their rounding would hide all others
    nan_instead: Instead | None = None


# The array, and the sweeps of depthwise convolution, go over whole rectangles. A product that stock Caffe leaves out, of a weight
# beyond the border, of a tap that a folded kernel does not have, or of a row beyond the last output, is made with 0, and 0 times
# infinity is NaN. To leave it out on the device, too, would take a multiplexer a MAC.
GRID = "products with 0 that stock Caffe does not make"
# Stock Caffe adds the bias of a convolution and scales then. The store scales both, and two infinities may meet where there was
# one. To add first would take an adder more for each column.
STORE = "an infinite scale times a bias of the other sign"
SCAL = "stock Caffe's BLAS takes 0 times NaN for 0"


def layer(kind: str, parameters: str = "", bottoms: str = "x", tops: str = "y", name: str = "it") -> str:
    blobs = [f'bottom: "{bottom}"' for bottom in bottoms.split()] + [f'top: "{top}"' for top in tops.split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(blobs)} {parameters} }}\n'


def several(layers: str, bottoms: dict[str, Shape], tops: str = "y", **options: Any) -> Case:
    test, forward_only = options.pop("test", False), options.pop("forward_only", False)
    return Case(Net(layers, bottoms, tuple(tops.split()), test, forward_only), **options)


def one(kind: str, parameters: str = "", shape: Shape = BLOB, tops: str = "y", **options: Any) -> Case:
    return several(layer(kind, parameters, tops=tops), {"x": shape}, tops, **options)


def two(kind: str, parameters: str = "", first: Shape = (3, 7), second: Shape = (3, 7), **options: Any) -> Case:
    tops = options.pop("tops", "y")
    return several(layer(kind, parameters, "x b", tops), {"x": first, "b": second}, tops, **options)


def three(kind: str, parameters: str, **options: Any) -> Case:
    return several(layer(kind, parameters, "x b c"), dict.fromkeys("xbc", (3, 7)), **options)


def convolution(
    parameters: str, shape: Shape = (3, 4, 9, 8), kind: str = "Convolution", instead: str = "x' it[0]'", **options: Any
) -> Case:
    outputs = options.pop("outputs", 6)
    return one(
        kind,
        f"convolution_param {{ num_output: {outputs} {parameters} }}",
        shape,
        nan_instead=Instead(GRID, tuple(instead.split())) if instead else None,
        **options,
    )


GRID_LAYER = layer("Convolution", "convolution_param { num_output: 6 kernel_size: 1 }", name="grid")


def in_place(kind: str, parameters: str = "", between: str = "", **options: Any) -> Case:
    """In the blob that a convolution makes, whose store may do its work."""
    return several(GRID_LAYER + between + layer(kind, parameters, "y"), {"x": BLOB}, **options)


def statistics(name: str) -> dict[str, Any]:
    """A BatchNorm's parameters are above zero, and its factor's reciprocal is a scalar."""
    return {"positive": (f"{name}[0]", f"{name}[1]", f"{name}[2]"), "scalars": (f"{name}[2]",)}


NORM = layer("BatchNorm", "", "y", name="norm")
MAXIMUM = "pooling_param { kernel_size: 3 stride: 2 "
BIASED = "scale_param { bias_term: true }"

CASES = {
    "AbsVal": one("AbsVal"),
    "Accuracy": two("Accuracy", "", (6, 5), (6,), labels=("b",), forward_only=True),
    "Accuracy/top": two("Accuracy", "accuracy_param { top_k: 3 ignore_label: 1 }", (6, 5), (6,), labels=("b",), forward_only=True),
    "Accuracy/classes": two("Accuracy", "", (2, 5, 3, 3), (2, 1, 3, 3), tops="y z", labels=("b",), forward_only=True),
    "BatchNorm": one("BatchNorm", large=False, **statistics("it")),
    "BatchNorm/flat": one("BatchNorm", shape=(6, 5), large=False, **statistics("it")),
    "BatchNorm/global": one("BatchNorm", test=True, **statistics("it")),
    "BatchNorm/in_place": in_place("BatchNorm", large=False, **statistics("it")),
    "BatchNorm/store": in_place("BatchNorm", test=True, **statistics("it")),
    "BatchNorm/store_in_training": in_place("BatchNorm", "batch_norm_param { use_global_stats: true }", **statistics("it")),
    "Bias": one("Bias"),
    "Bias/bottom": two("Bias", "bias_param { axis: 1 }", BLOB, (5,)),
    "Bias/store": in_place("Bias"),
    "BNLL": one("BNLL"),
    "Concat": two("Concat", "", (2, 3, 4), (2, 2, 4)),
    "Convolution": convolution("kernel_size: 3"),
    "Convolution/padded": convolution("kernel_size: 3 pad: 1"),
    "Convolution/strided": convolution("kernel_size: 3 stride: 2 pad: 1", instead="x'"),
    "Convolution/folded": convolution("kernel_size: 7 stride: 2 pad: 3", (2, 3, 20, 18), instead="y x' it[0]'"),
    "Convolution/pointwise": convolution("kernel_size: 1", instead=""),
    "Convolution/dilated": convolution("kernel_size: 3 dilation: 2 pad: 2 bias_term: false"),
    "Convolution/grouped": convolution("kernel_size: 3 group: 2 pad: 1"),
    "Convolution/deep": convolution("kernel_size: 5 pad: 2", (5, 40, 5, 5), outputs=20),
    "Convolution/depthwise": convolution("kernel_size: 3 group: 4 pad: 1", outputs=4, instead="x'"),
    "Convolution/depthwise_strided": convolution("kernel_size: 3 group: 4 stride: 2", outputs=4, instead="x'"),
    "Convolution/depthwise_dilated": convolution("kernel_size: 3 group: 4 dilation: 2", outputs=4, instead="x'"),
    "Deconvolution": convolution("kernel_size: 3", kind="Deconvolution", instead="y it[0]'"),
    "Deconvolution/strided": convolution("kernel_size: 4 stride: 2 pad: 1", kind="Deconvolution", instead="y"),
    "Deconvolution/depthwise": convolution(
        "kernel_size: 4 stride: 2 pad: 1 group: 4", kind="Deconvolution", outputs=4, instead="y"
    ),
    "Dropout": one("Dropout"),
    "Dropout/testing": one("Dropout", test=True),
    "Eltwise": two("Eltwise"),
    "Eltwise/coefficients": two("Eltwise", "eltwise_param { coeff: -2 coeff: 0 }", nan_instead=Instead(SCAL, ("b'",))),
    "Eltwise/three": three("Eltwise", "eltwise_param { coeff: 0 coeff: 2 coeff: 0 }", nan_instead=Instead(SCAL, ("x'", "c'"))),
    "Eltwise/product": two("Eltwise", "eltwise_param { operation: PROD }"),
    "Eltwise/product3": three("Eltwise", "eltwise_param { operation: PROD }"),
    "Eltwise/quotient": two("Eltwise", "eltwise_param { operation: PROD stable_prod_grad: false }"),
    "Eltwise/maximum": two("Eltwise", "eltwise_param { operation: MAX }"),
    "Eltwise/maximum3": three("Eltwise", "eltwise_param { operation: MAX }"),
    "ELU": one("ELU"),
    "ELU/half": one("ELU", "elu_param { alpha: 0.5 }"),
    "ELU/zero": one("ELU", "elu_param { alpha: 0 }"),
    "EuclideanLoss": two("EuclideanLoss"),
    "Exp": one("Exp"),
    "Exp/base": one("Exp", "exp_param { base: 2 scale: -0.5 shift: 1 }"),
    "Exp/zero": one("Exp", "exp_param { scale: 0 }", nan_instead=Instead(SCAL, ("y", "x'"))),
    "InnerProduct": one("InnerProduct", "inner_product_param { num_output: 6 }", (3, 20)),
    "InnerProduct/transposed": one(
        "InnerProduct", "inner_product_param { num_output: 6 transpose: true bias_term: false }", (3, 20)
    ),
    "InnerProduct/large": one("InnerProduct", "inner_product_param { num_output: 70 }", (9, 300)),
    "Log": one("Log"),
    "Log/base": one("Log", "log_param { base: 2 scale: -0.5 shift: 1 }"),
    "LRN": one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }", large=False),
    "LRN/wide": one("LRN", "lrn_param { local_size: 7 alpha: 0.5 beta: 0.75 k: 2 }", (2, 9, 3, 3), large=False),
    "LRN/within": one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }"),
    "Pooling": one("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", PLANES, chooses=True),
    "Pooling/overlapping": one("Pooling", MAXIMUM + "pad: 1 }", PLANES, chooses=True),
    "Pooling/mask": one("Pooling", MAXIMUM + "}", PLANES, "y z", chooses=True),
    "Pooling/tiles": one("Pooling", MAXIMUM + "}", (1, 2, 50, 45), chooses=True),
    "Pooling/ave": one("Pooling", MAXIMUM + "pad: 1 pool: AVE }", PLANES),
    "Pooling/ave_global": one("Pooling", "pooling_param { pool: AVE global_pooling: true }", PLANES),
    "Power": one("Power"),
    "Power/affine": one("Power", "power_param { scale: -2 shift: 1 }"),
    "Power/square": one("Power", "power_param { power: 2 scale: 3 shift: 1 }"),
    "Power/square_plain": one("Power", "power_param { power: 2 }"),
    "Power/cube": one("Power", "power_param { power: 3 scale: 3 shift: 1 }"),
    "Power/root": one("Power", "power_param { power: 0.5 }"),
    "Power/inverse": one("Power", "power_param { power: -1 shift: 1 }"),
    "Power/negative": one("Power", "power_param { power: -1.5 scale: 2 }"),
    "Power/zero": one("Power", "power_param { power: 0 scale: 2 }"),
    "Power/unscaled": one("Power", "power_param { power: 2 scale: 0 shift: 3 }"),
    "PReLU": one("PReLU"),
    "PReLU/shared": one("PReLU", "prelu_param { channel_shared: true }"),
    "PReLU/in_place": in_place("PReLU"),
    "ReLU": one("ReLU"),
    "ReLU/leaky": one("ReLU", "relu_param { negative_slope: 0.1 }"),
    "ReLU/negative": one("ReLU", "relu_param { negative_slope: -0.5 }"),
    "ReLU/store": in_place("ReLU"),
    "ReLU/normalised": in_place("ReLU", between=NORM, test=True, large=False, **statistics("norm")),
    "ReLU/product": several(
        layer("InnerProduct", "inner_product_param { num_output: 6 }", name="grid") + layer("ReLU", "", "y"), {"x": (3, 20)}
    ),
    "ReLU/depthwise": several(
        layer("Convolution", "convolution_param { num_output: 5 group: 5 kernel_size: 3 pad: 1 }", name="grid")
        + layer("ReLU", "", "y"),
        {"x": BLOB},
        nan_instead=Instead(GRID, ("x'",)),
    ),
    "Scale": one("Scale", scalars=("it[0]",)),
    "Scale/bias": one("Scale", BIASED, scalars=("it[0]",)),
    "Scale/flat": one("Scale", BIASED, (6, 5), scalars=("it[0]",)),
    "Scale/bottom": two("Scale", "scale_param { axis: 0 }", (2, 5, 4), (2, 5), scalars=("b",)),
    "Scale/store": in_place("Scale", BIASED, test=True, scalars=("it[0]",), nan_instead=Instead(STORE, ("y",))),
    "Scale/normalised": in_place(
        "Scale",
        BIASED,
        NORM,
        test=True,
        positive=("norm[0]", "norm[1]", "norm[2]"),
        scalars=("it[0]", "norm[2]"),
        nan_instead=Instead(STORE, ("y",)),
    ),
    "Sigmoid": one("Sigmoid"),
    "SigmoidCrossEntropyLoss": two("SigmoidCrossEntropyLoss", scalars=("y",)),
    "SigmoidCrossEntropyLoss/ignored": two(
        "SigmoidCrossEntropyLoss", "loss_param { ignore_label: 0 normalization: VALID }", scalars=("y",)
    ),
    "Slice": one("Slice", "slice_param { slice_point: 2 }", (2, 5, 4), "y z"),
    "Softmax": one("Softmax", shape=(3, 5)),
    "Softmax/planes": one("Softmax", shape=(2, 5, 3, 7)),
    "Softmax/many": one("Softmax", shape=(2, 1300)),
    "SoftmaxWithLoss": two("SoftmaxWithLoss", "", (6, 5), (6,), labels=("b",), scalars=("y",)),
    "SoftmaxWithLoss/planes": two(
        "SoftmaxWithLoss", "loss_param { ignore_label: 1 }", (2, 5, 3, 3), (2, 1, 3, 3), labels=("b",), scalars=("y",)
    ),
    "Split": one("Split", shape=(3, 7), tops="y z w"),
    "TanH": one("TanH"),
    "Threshold": one("Threshold", forward_only=True),
    "Threshold/above": one("Threshold", "threshold_param { threshold: 0.5 }", forward_only=True),
}
CASES |= {
    row.name: one(row.name, row.example.parameters)
    for row in types.of_device()
    if not any(name.partition("/")[0] == row.name for name in CASES)
}

# Stock Caffe has no code for it.
STOCHASTIC = one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }", PLANES)

SOLVERS = {
    "SGD": 'type: "SGD" base_lr: 0.5 momentum: 0.5 weight_decay: 0.25',
    "SGD/plain": 'type: "SGD" base_lr: 0.5',
    "SGD/absolute": 'type: "SGD" base_lr: 0.5 weight_decay: 0.25 regularization_type: "L1" iter_size: 2',
    "SGD/clipped": 'type: "SGD" base_lr: 0.5 momentum: 0.5 weight_decay: 0.25 clip_gradients: 0.5',
    "SGD/still": 'type: "SGD" base_lr: 0 momentum: 0.5',
    "Nesterov": 'type: "Nesterov" base_lr: 0.5 momentum: 0.5',
    "Nesterov/plain": 'type: "Nesterov" base_lr: 0.5',
    "Nesterov/clipped": 'type: "Nesterov" base_lr: 0.5 momentum: 0.5 clip_gradients: 0.5',
    "AdaGrad": 'type: "AdaGrad" base_lr: 0.5',
    "AdaGrad/clipped": 'type: "AdaGrad" base_lr: 0.5 clip_gradients: 0.5 weight_decay: 0.25',
    "RMSProp": 'type: "RMSProp" base_lr: 0.5 rms_decay: 0.5',
    "RMSProp/clipped": 'type: "RMSProp" base_lr: 0.5 rms_decay: 0.5 clip_gradients: 0.5 weight_decay: 0.25',
    "AdaDelta": 'type: "AdaDelta" base_lr: 0.5 momentum: 0.5',
    "AdaDelta/clipped": 'type: "AdaDelta" base_lr: 0.5 momentum: 0.5 clip_gradients: 0.5 weight_decay: 0.25',
    "Adam": 'type: "Adam" base_lr: 0.5 momentum: 0.5 momentum2: 0.75',
    "Adam/clipped": 'type: "Adam" base_lr: 0.5 momentum: 0.5 momentum2: 0.75 clip_gradients: 0.5 weight_decay: 0.25',
}
SOLVED = one("InnerProduct", "inner_product_param { num_output: 6 }", (2, 7))
