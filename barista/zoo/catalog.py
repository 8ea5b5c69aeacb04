"""The nets by name, and their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from barista.errors import BaristaError
from barista.net import prototxt
from barista.zoo import of_caffe, written
from barista.zoo.spec import Example

NETS: dict[str, Callable[[], Example]] = {
    net.__name__: net
    for net in (
        of_caffe.lenet,
        of_caffe.cifar10_quick,
        of_caffe.cifar10_full,
        of_caffe.mnist_autoencoder,
        of_caffe.mnist_siamese,
        of_caffe.alexnet,
        of_caffe.caffenet,
        written.nin,
        written.vgg16,
        of_caffe.googlenet,
        written.fcn8s,
        written.resnet20,
        written.resnet50,
        written.squeezenet,
        written.mobilenet,
    )
}


def example(name: str) -> Example:
    """The net of that name. Raises BaristaError where there is none, or where it is Caffe's and Caffe's source tree is missing."""
    if name not in NETS:
        raise BaristaError(f"net '{name}': there is {', '.join(NETS)}{prototxt.did_you_mean(name, NETS)}")
    return NETS[name]()


def write(name: str, path: Path) -> Path:
    """Writes the net to `path` and its solver beside it, whose path it returns: STEM_solver.prototxt. Raises BaristaError."""
    made = example(name)
    solver = type(made.solver)()
    solver.CopyFrom(made.solver)
    solver.net = str(path)
    solver.snapshot_prefix = str(path.with_suffix(""))
    beside = path.with_name(f"{path.stem}_solver.prototxt")
    prototxt.write_text(path, prototxt.to_text(made.net))
    prototxt.write_text(beside, prototxt.to_text(solver))
    return beside
