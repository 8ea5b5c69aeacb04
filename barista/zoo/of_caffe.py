"""The nets that are files: Caffe's own examples and models, read from its source tree, and LeNet of `make demo`."""

from __future__ import annotations

from pathlib import Path

from barista import paths
from barista.errors import BaristaError
from barista.net import prototxt
from barista.zoo.spec import Example


def lenet() -> Example:
    """LeNet on digits, the net of `make demo`."""
    root = paths.checkout()
    if root is None:
        raise BaristaError("net 'lenet': its files lie in a checkout of Barista, in examples/lenet, and this one is installed")
    folder = root / "examples" / "lenet"
    return _of_files(folder / "net.prototxt", folder / "solver.prototxt", data=(1, 28, 28))


def cifar10_quick() -> Example:
    """CIFAR-10 quick, of Caffe's examples."""
    return _of_caffe("examples/cifar10/cifar10_quick_train_test", "examples/cifar10/cifar10_quick_solver", data=(3, 32, 32))


def cifar10_full() -> Example:
    """CIFAR-10 full, of Caffe's examples: with local response normalization."""
    return _of_caffe("examples/cifar10/cifar10_full_train_test", "examples/cifar10/cifar10_full_solver", data=(3, 32, 32))


def mnist_autoencoder() -> Example:
    """The deep autoencoder of Hinton and Salakhutdinov (2006), of Caffe's examples."""
    return _of_caffe("examples/mnist/mnist_autoencoder", "examples/mnist/mnist_autoencoder_solver", data=(1, 28, 28))


def mnist_siamese() -> Example:
    """Two LeNets that share their weights, of Caffe's examples."""
    folder = "examples/siamese/mnist_siamese"
    return _of_caffe(f"{folder}_train_test", f"{folder}_solver", pair_data=(2, 28, 28))


def alexnet() -> Example:
    """AlexNet (Krizhevsky et al., 2012), of Caffe's models."""
    return _of_caffe("models/bvlc_alexnet/train_val", "models/bvlc_alexnet/solver", data=(3, 227, 227))


def caffenet() -> Example:
    """CaffeNet, AlexNet with pooling before normalization, of Caffe's models."""
    folder = "models/bvlc_reference_caffenet"
    return _of_caffe(f"{folder}/train_val", f"{folder}/solver", data=(3, 227, 227))


def googlenet() -> Example:
    """GoogLeNet (Szegedy et al., 2014) with its two auxiliary classifiers, of Caffe's models."""
    return _of_caffe("models/bvlc_googlenet/train_val", "models/bvlc_googlenet/solver", data=(3, 224, 224))


def _of_caffe(net: str, solver: str, **images: tuple[int, ...]) -> Example:
    caffe = paths.caffe_installation()
    if caffe.source_dir is None:
        raise BaristaError(
            f"Caffe {caffe.root}: has no source tree with it, where {net}.prototxt is; set CAFFE_ROOT to one that has"
        )
    return _of_files(caffe.source_dir / f"{net}.prototxt", caffe.source_dir / f"{solver}.prototxt", **images)


def _of_files(net: Path, solver: Path, **images: tuple[int, ...]) -> Example:
    param = prototxt.read_solver(solver)
    param.ClearField("net")
    return Example(prototxt.read_net(net), param, images)
