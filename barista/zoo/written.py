"""The nets that are written here, from their papers' tables and with their published solvers.

Data layers name the LMDBs that Caffe's own examples make, or those that a docstring tells of. CIFAR-10's images are in RGB order
there, ImageNet's in BGR.
"""

from __future__ import annotations

from collections.abc import Sequence

from barista.zoo.spec import MSRA, ZERO, Example, Fields, Spec


def vgg16() -> Example:
    """VGG-16, configuration D of Simonyan and Zisserman (2014); Xavier weights, which they recommend over their own procedure."""
    net = Spec("VGG-16")
    top = _vgg_features(net, net.imagenet(224, batch=32, test_batch=25), pad=1)
    for number in ("6", "7"):
        top = net.relu(net.inner_product(top, f"fc{number}", 4096), f"relu{number}")
        top = net.dropout(top, f"drop{number}", 0.5)
    net.classify(net.inner_product(top, "fc8", 1000))
    # 256 images an iteration, 74 epochs; the rate went down three times, each when accuracy stood still.
    steps: Fields = {"lr_policy": "step", "gamma": 0.1, "stepsize": 100_000, "max_iter": 370_000}
    return net.example({"data": (3, 224, 224)}, base_lr=0.01, weight_decay=5e-4, iter_size=8, **steps, **every(5000, 2000))


def fcn8s() -> Example:
    """FCN-8s for PASCAL VOC (Long et al., 2015), as its authors trained it on top of FCN-16s and VGG-16.

    As published: the first convolution pads by 100, upsampling is fixed, and weights come from elsewhere (--weights), those of
    upsampling bilinear: from nothing this net learns nothing. The authors' Python layer reads images of any size; here two LMDBs
    hold images and their label maps, with 255 where no class is meant.
    """
    net, classes = Spec("FCN-8s"), 21
    means: Fields = {"transform_param": {"mean_value": [104.00699, 116.66877, 122.67892]}}
    for phase, part in (("TRAIN", "train"), ("TEST", "val")):
        for blob, transform in (("data", means), ("label", {})):
            source = {"source": f"data/voc_{part}_{blob}_lmdb", "backend": "LMDB", "batch_size": 1}
            net.add("Data", blob, include=[{"phase": phase}], data_param=source, **transform)
    top = _vgg_features(net, "data", pad=100)
    for number, kernel in (("6", 7), ("7", 1)):
        top = net.relu(net.conv(top, f"fc{number}", 4096, kernel), f"relu{number}")
        top = net.dropout(top, f"drop{number}", 0.5)
    score = net.conv(top, "score_fr", classes, filler=ZERO)
    # Each map of scores is twice as fine as the one before; it is cropped from `offset` on, where the two begin at one pixel.
    for pool, finer, fused, offset in (("pool4", "upscore2", "fuse_pool4", 5), ("pool3", "upscore_pool4", "fuse_pool3", 9)):
        score = net.upsample(score, finer, classes, 2)
        skip = net.conv(pool, f"score_{pool}", classes, filler=ZERO)
        score = net.add(
            "Eltwise", fused, score, net.crop(skip, f"score_{pool}c", score, offset), eltwise_param={"operation": "SUM"}
        )
    score = net.crop(net.upsample(score, "upscore8", classes, 8), "score", "data", 31)
    net.add("SoftmaxWithLoss", "loss", score, "label", loss_param={"ignore_label": 255, "normalize": False})
    # The loss is a sum over pixels: hence the rate.
    rates: Fields = {"base_lr": 1e-14, "lr_policy": "fixed", "momentum": 0.99, "weight_decay": 5e-4, "max_iter": 100_000}
    return net.example({"data": (3, 500, 500), "label": (1, 500, 500)}, **rates, **every(4000, 736))


def _vgg_features(net: Spec, top: str, pad: int) -> str:
    """VGG-16's thirteen convolutions in five blocks, each followed by pooling; `pad` is the first one's."""
    for block, (outputs, count) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for i in range(1, count + 1):
            top = net.conv(top, f"conv{block}_{i}", outputs, 3, pad=pad)
            top = net.relu(top, f"relu{block}_{i}")
            pad = 1
        top = net.pool(top, f"pool{block}", 2, 2)
    return top


def nin() -> Example:
    """Network in Network (Lin et al., 2013), the authors' model for ImageNet."""
    net = Spec("NIN-ImageNet")

    def block(top: str, number: int, outputs: Sequence[int], deviations: Sequence[float], kernel: int, **window: int) -> str:
        """A convolution with `kernel` and two across channels alone; `deviations` are of the three weights at first."""
        names = (f"conv{number}", f"cccp{2 * number - 1}", f"cccp{2 * number}")
        for name, width, std in zip(names, outputs, deviations, strict=True):
            top = net.conv(top, name, width, kernel, filler={"type": "gaussian", "std": std}, **window)
            top = net.relu(top, f"relu_{name}")
            kernel, window = 1, {}
        return top

    top = net.imagenet(224, batch=64, test_batch=89)
    top = net.pool(block(top, 1, (96, 96, 96), (0.01, 0.05, 0.05), 11, stride=4), "pool1", 3, 2)
    top = net.pool(block(top, 2, (256, 256, 256), (0.05, 0.05, 0.05), 5, pad=2), "pool2", 3, 2)
    top = net.pool(block(top, 3, (384, 384, 384), (0.01, 0.05, 0.05), 3, pad=1), "pool3", 3, 2)
    top = block(net.dropout(top, "drop", 0.5), 4, (1024, 1024, 1000), (0.05, 0.05, 0.01), 3, pad=1)
    net.classify(net.mean_over_image(top, "pool4"))
    steps: Fields = {"lr_policy": "step", "gamma": 0.1, "stepsize": 200_000, "max_iter": 450_000}
    return net.example({"data": (3, 224, 224)}, base_lr=0.01, weight_decay=5e-4, **steps, **every(1000, 562))


def squeezenet() -> Example:
    """SqueezeNet 1.1, the authors' cheaper revision of Iandola et al. (2016)."""
    net = Spec("SqueezeNet 1.1", rates=())

    def fire(top: str, number: int, squeeze: int, expand: int) -> str:
        """One-by-one windows to few channels; from those, one-by-one and three-by-three ones side by side."""

        def conv(src: str, name: str, outputs: int, kernel: int, pad: int) -> str:
            return net.relu(net.conv(src, f"fire{number}/{name}", outputs, kernel, pad=pad), f"fire{number}/relu_{name}")

        few = conv(top, "squeeze1x1", squeeze, 1, 0)
        sides = conv(few, "expand1x1", expand, 1, 0), conv(few, "expand3x3", expand, 3, 1)
        return net.add("Concat", f"fire{number}/concat", *sides)

    top = net.imagenet(227, batch=32, test_batch=25)
    top = net.relu(net.conv(top, "conv1", 64, 3, stride=2), "relu_conv1")
    for number, squeeze, expand in ((2, 16, 64), (4, 32, 128), (6, 48, 192)):
        top = net.pool(top, f"pool{number - 1}", 3, 2)
        top = fire(fire(top, number, squeeze, expand), number + 1, squeeze, expand)
    top = net.dropout(fire(fire(top, 8, 64, 256), 9, 64, 256), "drop9", 0.5)
    top = net.conv(top, "conv10", 1000, filler={"type": "gaussian", "std": 0.01})
    net.classify(net.mean_over_image(net.relu(top, "relu_conv10"), "pool10"))
    steps: Fields = {"lr_policy": "poly", "power": 1, "max_iter": 170_000, "iter_size": 16}  # 512 images an iteration
    return net.example({"data": (3, 227, 227)}, base_lr=0.04, weight_decay=2e-4, **steps, **every(1000, 2000))


def resnet20() -> Example:
    """ResNet-20 for CIFAR-10 (He et al., 2015): shortcuts without parameters, option A of the paper.

    Its images are padded to 40 x 40 in the LMDB and cropped at random; tests take the middle.
    """
    net = Spec("ResNet-20")

    def block(top: str, name: str, outputs: int, stride: int) -> str:
        """Two convolutions, added to what came in: every second pixel of it, and as many channels of zeros, where they halve it."""
        inner = net.relu(net.normalised(top, f"{name}_1", outputs, 3, pad=1, stride=stride), f"{name}_1_relu")
        inner = net.normalised(inner, f"{name}_2", outputs, 3, pad=1)
        if stride > 1:
            top = net.pool(top, f"{name}_half", 1, stride, round_mode="FLOOR")
            zeros = net.add("Power", f"{name}_zeros", top, power_param={"scale": 0})
            top = net.add("Concat", f"{name}_shortcut", top, zeros)
        return net.relu(net.add("Eltwise", name, top, inner), f"{name}_relu")

    top = net.data("examples/cifar10/cifar10_padded", ("train", "test"), [125.3, 123, 113.9], 32, 128, 100)
    top = net.relu(net.normalised(top, "conv1", 16, 3, pad=1), "relu1")
    for stage, outputs in enumerate((16, 32, 64), 1):
        for i in range(1, 4):
            top = block(top, f"block{stage}_{i}", outputs, stride=2 if stage > 1 and i == 1 else 1)
    net.classify(net.inner_product(net.mean_over_image(top, "pool"), "fc", 10, filler=MSRA), top_5=False)
    steps: Fields = {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": [32_000, 48_000], "max_iter": 64_000}
    return net.example({"data": (3, 32, 32)}, base_lr=0.1, weight_decay=1e-4, **steps, **every(1000, 100))


def resnet50() -> Example:
    """ResNet-50 (He et al., 2015); layers are named as in its authors' model, the stride is in a block's first convolution."""
    net = Spec("ResNet-50")

    def conv(top: str, block: str, branch: str, outputs: int, kernel: int = 1, **window: int) -> str:
        return net.normalised(top, f"res{block}_branch{branch}", outputs, kernel, f"{block}_branch{branch}", **window)

    def bottleneck(top: str, block: str, outputs: int, stride: int, project: bool) -> str:
        """Three convolutions, the middle one with a window, added to what came in, or to a projection of it."""
        inner = net.relu(conv(top, block, "2a", outputs, stride=stride), f"res{block}_branch2a_relu")
        inner = net.relu(conv(inner, block, "2b", outputs, 3, pad=1), f"res{block}_branch2b_relu")
        inner = conv(inner, block, "2c", 4 * outputs)
        top = conv(top, block, "1", 4 * outputs, stride=stride) if project else top
        return net.relu(net.add("Eltwise", f"res{block}", top, inner), f"res{block}_relu")

    top = net.imagenet(224, batch=32, test_batch=25)
    top = net.relu(net.normalised(top, "conv1", 64, 7, "_conv1", pad=3, stride=2), "conv1_relu")
    top = net.pool(top, "pool1", 3, 2)
    for stage, (outputs, count) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 2):
        for i in range(count):
            top = bottleneck(top, f"{stage}{'abcdef'[i]}", outputs, 2 if stage > 2 and i == 0 else 1, project=i == 0)
    net.classify(net.inner_product(net.mean_over_image(top, "pool5"), "fc1000", 1000, filler=MSRA))
    # 256 images an iteration; the rate went down when the error stood still.
    steps: Fields = {"lr_policy": "step", "gamma": 0.1, "stepsize": 150_000, "max_iter": 600_000, "iter_size": 8}
    return net.example({"data": (3, 224, 224)}, base_lr=0.1, weight_decay=1e-4, **steps, **every(5000, 2000))


def mobilenet() -> Example:
    """MobileNet v1, full width at 224 x 224 (Howard et al., 2017).

    The paper names RMSProp, as for Inception v3, and next to no decay of depthwise weights; the rates are Inception v3's.
    """
    net = Spec("MobileNet")
    top = net.imagenet(224, batch=32, test_batch=25)
    top = net.relu(net.normalised(top, "conv1", 32, 3, pad=1, stride=2), "relu1")
    width = 32
    pairs = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for number, (outputs, stride) in enumerate(pairs, 2):
        # A window for each channel by itself, then one-by-one windows across channels.
        top = net.normalised(top, f"conv{number}/dw", width, 3, pad=1, stride=stride, group=width, decay=0)
        top = net.relu(top, f"relu{number}/dw")
        top = net.relu(net.normalised(top, f"conv{number}/sep", outputs), f"relu{number}/sep")
        width = outputs
    net.classify(net.inner_product(net.mean_over_image(top, "pool"), "fc", 1000, filler=MSRA))
    # 0.94 times the rate every two epochs of 32 images an iteration.
    steps: Fields = {"lr_policy": "step", "gamma": 0.94, "stepsize": 80_000, "max_iter": 4_000_000}
    rms: Fields = {"type": "RMSProp", "rms_decay": 0.9, "delta": 1.0, "momentum": 0}
    return net.example({"data": (3, 224, 224)}, base_lr=0.045, weight_decay=4e-5, **rms, **steps, **every(5000, 2000))


# --- how they are written ------------------------------------------------------------------------------------------------------


def every(interval: int, batches: int) -> Fields:
    """Tests of so many batches after every so many iterations, and snapshots with them."""
    return {"test_iter": [batches], "test_interval": interval, "test_initialization": False, "snapshot": interval}
