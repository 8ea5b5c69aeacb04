"""How each of the classic nets (barista.zoo) is tried on a device: its batch, its data, and the rate of its three steps.

Batches are small, and so are rates where the published one, meant for hundreds of images, would have three steps of a few diverge:
there rounding grows to anything. `seed` is of weights, data and dropout. Where a rectifier's input lies within a rounding of 0, the
two sides of a comparison pass different gradients. Among millions of them some do at most seeds. Those of NIN, GoogLeNet and
SqueezeNet are, of the first five, ones at which few do, on the device or in stock Caffe, jittered (conformance.agreement).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barista.net import inputs as net_inputs
from barista.net import source
from barista.net.inputs import Shape
from barista.net.schema import NetParameter, SolverParameter
from barista.net.source import Solver
from barista.zoo import catalog as nets
from barista.zoo.spec import Example
from conformance.agreement import Inputs

STEPS = 3
_PATCH = 8  # pixels a side
_IGNORED = 255  # what a map of labels says where no class is meant


@dataclass(frozen=True)
class Trial:
    batch: int
    classes: int = 10  # of labels, where it takes any
    rate: float | None = None  # in place of the solver's base_lr
    seed: int = 1
    images: Mapping[str, Shape] = field(default_factory=dict)  # in place of the net's own sizes


IMAGENET = 1000
TRIALS = {
    "lenet": Trial(16),
    "cifar10_quick": Trial(10, rate=0.02),
    "cifar10_full": Trial(10, rate=0.05),
    "mnist_autoencoder": Trial(10),
    "mnist_siamese": Trial(16, classes=2),
    "alexnet": Trial(2, IMAGENET, rate=0.001),
    "caffenet": Trial(2, IMAGENET, rate=0.0001),
    "nin": Trial(2, IMAGENET, rate=0.001, seed=5),
    "vgg16": Trial(2, IMAGENET, rate=0.00001),
    "googlenet": Trial(2, IMAGENET, rate=0.0001, seed=3),
    "fcn8s": Trial(2, 21, rate=1e-10, images={"data": (3, 64, 64), "label": (1, 64, 64)}),  # of 500 x 500: minutes a step
    "resnet20": Trial(8, rate=0.01),
    "resnet50": Trial(8, IMAGENET, rate=0.00001),
    "squeezenet": Trial(2, IMAGENET, rate=0.004, seed=2),
    "mobilenet": Trial(4, IMAGENET, rate=0.0001),
}


@dataclass(frozen=True)
class Prepared:
    """A net that is ready to be tried."""

    name: str
    trial: Trial
    example: Example
    net: NetParameter  # in the present format, with Input layers for data
    solver: SolverParameter  # that names no net and does nothing but train
    shapes: Mapping[str, Shape]  # of every blob that data layers make, batch and all

    def inputs(self) -> Inputs:
        """A batch a step."""
        rng = np.random.default_rng(self.trial.seed)
        transforms = {layer.top[0]: layer.transform_param for layer in self.example.net.layer if layer.type == "Data"}
        return [
            {blob: self._draw(rng, blob, shape, transforms.get(blob)) for blob, shape in self.shapes.items()} for _ in range(STEPS)
        ]

    def _draw(self, rng: np.random.Generator, blob: str, shape: Shape, transform: Any) -> npt.NDArray[np.float32]:
        if blob in self.example.images and blob != "label":
            return _images(rng, shape, transform)
        return _labels(rng, shape, self.trial.classes)


def prepare(name: str, trial: Trial | None = None) -> Prepared:
    """The net `name` of barista.zoo for `trial` (default: its own). Raises BaristaError."""
    trial = trial or TRIALS[name]
    example = nets.example(name)
    images = {blob: (trial.batch, *trial.images.get(blob, image)) for blob, image in example.images.items()}
    tops = dict.fromkeys(top for layer in example.net.layer if layer.type == "Data" for top in layer.top)
    shapes = {blob: images.get(blob, (trial.batch,)) for blob in tops}
    param = type(example.solver)()
    param.CopyFrom(example.solver)
    param.net_param.CopyFrom(example.net)
    solver = source.of_solver(param, Path(name))
    net = net_inputs.replace(solver.train_net.message, Path(name), shapes).net
    return Prepared(name, trial, example, net, _settings(solver, trial), shapes)


def _settings(solver: Solver, trial: Trial) -> SolverParameter:
    settings = type(solver.settings)()
    settings.CopyFrom(solver.settings)
    for beside_training in ("test_iter", "test_interval", "test_state", "snapshot", "snapshot_prefix", "iter_size"):
        settings.ClearField(beside_training)
    settings.display = 0
    settings.random_seed = trial.seed
    settings.base_lr = settings.base_lr if trial.rate is None else trial.rate
    return settings


def _images(rng: np.random.Generator, shape: Shape, transform: Any) -> npt.NDArray[np.float32]:
    """Bytes of smooth pictures with some noise, as the net's data layer hands them on: less its means, times its scale."""
    pixels = (_patches(rng.normal(128, 48, _blocks(shape)), shape) + rng.normal(0, 16, shape)).round().clip(0, 255)
    means = list(transform.mean_value) or ([128] if transform.mean_file else [0])
    return np.asarray((pixels - np.reshape(means, (1, -1, 1, 1))) * transform.scale, np.float32)


def _labels(rng: np.random.Generator, shape: Shape, classes: int) -> npt.NDArray[np.float32]:
    """Numbers of classes; in a map of them patches, of which some have none."""
    if len(shape) == 1:
        return rng.integers(0, classes, shape).astype(np.float32)
    numbers = _patches(rng.integers(0, classes + 2, _blocks(shape)), shape)
    return np.where(numbers < classes, numbers, _IGNORED).astype(np.float32)


def _blocks(shape: Shape) -> Shape:
    """`shape` with a value for each square patch of the plane in place of each pixel."""
    return (*shape[:2], *(-(-extent // _PATCH) for extent in shape[2:]))


def _patches(values: npt.NDArray[Any], shape: Shape) -> npt.NDArray[Any]:
    """Each value as a patch, cut to `shape`."""
    return values.repeat(_PATCH, axis=2).repeat(_PATCH, axis=3)[:, :, : shape[2], : shape[3]]
