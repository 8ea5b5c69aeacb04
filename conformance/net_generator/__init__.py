"""Random nets that stock Caffe takes, each from its seed: layers of all types that the device runs and of some that it does not.

What is drawn: the graph (bottoms that are one blob, several tops, tops that nobody takes, layers in place), layers' parameters, odd
shapes, names (with spaces and slashes, of two layers, of none), parameters with rates of 0 and shared by name, losses with
weights, layers of one phase, stage or level, where gradients stop, and the solver. Values stay small enough for three steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from barista.net import schema
from conformance.net_generator.drawing import NAMES, RandomNet
from conformance.net_generator.losses import Losses

_NEW_LAYERS = (3, 14)


def random_net(seed: int) -> RandomNet:
    """The net of that seed, the same on every machine."""
    return _Generator(seed).make()


class _Generator(Losses):
    """Draws the net and its solver."""

    def make(self) -> RandomNet:
        if self.chance(0.5):
            self.net.name = self.apart.name = self.rng.choice(NAMES)
        self.data()
        for _ in range(self.rng.randint(*_NEW_LAYERS)):
            for _ in range(20):
                if self.rng.choices(_OPERATIONS, _WEIGHTS)[0](self):
                    break
        if not any(blob.learned for blob in self.blobs):
            self.inner_product()
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            for _ in range(20):
                if self.rng.choice(_LOSSES)(self):
                    break
        if not self.losses:
            self.weighted()
        self.dead_ends()
        return RandomNet(self.seed, self.net, self.apart, self.solver(), self.apart_names, self.inputs)

    def solver(self) -> Any:
        param = schema.new("SolverParameter")
        param.type = kind = self.rng.choice(("SGD", "SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"))
        param.base_lr = self.rng.choice((0.01, 0.003)) if kind != "AdaDelta" else 1
        param.lr_policy = self.rng.choice(("fixed", "step", "exp", "inv", "poly", "multistep"))
        param.gamma, param.power, param.stepsize = 0.9, 0.75, 2
        param.stepvalue.extend((1, 2))
        param.max_iter = 100
        if kind in ("SGD", "Nesterov", "Adam", "AdaDelta"):
            param.momentum = self.rng.choice((0.9, 0.5)) if kind != "SGD" or self.chance(0.7) else 0
        if kind == "RMSProp":
            param.rms_decay = self.rng.choice((0.98, 0.5))
        if kind == "Adam":
            param.momentum2 = 0.99
        if kind in ("AdaDelta", "AdaGrad", "RMSProp", "Adam"):
            param.delta = self.rng.choice((1e-3, 1e-2))  # a gradient that is rounding alone would move a parameter as far as any
        if self.chance(0.6):
            param.weight_decay = self.rng.choice((0.001, 0.1))
            param.regularization_type = self.rng.choice(("L2", "L2", "L1"))
        if self.chance(0.3):
            param.clip_gradients = self.rng.choice((0.1, 1, 10))
        if self.iter_size > 1:
            param.iter_size = self.iter_size
        for state in (param.train_state, *((param.test_state.add(),) if self.tested else ())):
            if self.chance(0.3):
                state.stage.append(self.rng.choice(("with", "without")))
            if self.chance(0.2):
                state.level = self.rng.choice((1, -1))
        if self.tested:
            param.test_iter.append(1)
            param.test_interval = 1000
            param.test_initialization = False
        return param


_DRAWN: dict[Callable[[_Generator], bool], int] = {
    _Generator.convolution: 6,
    _Generator.inner_product: 4,
    _Generator.activation: 9,
    _Generator.a_channel: 5,
    _Generator.pooling: 3,
    _Generator.softmax: 1,
    _Generator.lrn: 1,
    _Generator.eltwise: 3,
    _Generator.two_bottoms: 1,
    _Generator.concat: 2,
    _Generator.slice: 2,
    _Generator.split: 1,
    _Generator.view: 2,
    _Generator.on_cpu: 1,
}
_OPERATIONS, _WEIGHTS = list(_DRAWN), list(_DRAWN.values())
_LOSSES = (
    _Generator.softmax_loss,
    _Generator.softmax_loss,
    _Generator.euclidean_loss,
    _Generator.cross_entropy_loss,
    _Generator.hinge_loss,
    _Generator.weighted,
)
