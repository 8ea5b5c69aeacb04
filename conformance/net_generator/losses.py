"""Losses of random nets, and what gets no gradient from any."""

from __future__ import annotations

from math import prod
from typing import Any

from barista.net.shapes import Shape
from conformance.net_generator.drawing import Blob
from conformance.net_generator.layers import Layers


class Losses(Layers):
    """Draws losses."""

    def weigh(self, layer: Any) -> bool:
        self.losses += 1
        if self.chance(0.4):
            layer.loss_weight.append(self.rng.choice((0.3, 2, 1, -0.5)))
        if not layer.loss_weight and self.chance(0.2):
            layer.ClearField("top")
        if self.chance(0.15) and not (layer.include or layer.exclude):
            rule = layer.include.add() if self.chance(0.5) else layer.exclude.add()
            self.rng.choice((lambda: rule.stage.append("with"), lambda: rule.not_stage.append("without"), lambda: _level(rule)))()
        return True

    def softmax_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned and len(blob.shape) > 1 and blob.shape[1] > 1)
        if blob is None:
            return False
        labels = (blob.shape[0], *blob.shape[2:]) if self.chance(0.5) else (blob.shape[0], 1, *blob.shape[2:])
        label = self.labels(labels, blob.shape[1])
        layer = self.add("SoftmaxWithLoss", [blob, label], [()])
        self.blobs.pop()
        self.normalize(layer, blob.shape[1])
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        if self.chance(0.4):
            layer = self.add("Accuracy", [blob, label], [()])
            self.blobs.pop()
            layer.accuracy_param.top_k = self.rng.randint(1, min(3, blob.shape[1]))
            if self.chance(0.5):
                self.phase(layer, "TEST")
            self.done(layer)
        return True

    def labels(self, shape: Shape, classes: int) -> Blob:
        blob = self.input(shape, {"classes": classes})
        self.blobs.remove(blob)
        return blob

    def without_top(self, layer: Any) -> None:
        if not layer.top:
            self.apart.layer[-1].ClearField("top")

    def normalize(self, layer: Any, classes: int) -> None:
        if self.chance(0.3):
            layer.loss_param.ignore_label = self.rng.randrange(classes)
        if self.chance(0.5):
            layer.loss_param.normalization = self.rng.choice((0, 1, 2, 3))

    def euclidean_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        other = self.like(blob) if self.chance(0.5) else self.target(blob.shape)
        layer = self.add("EuclideanLoss", [blob, other], [()])
        self.blobs.pop()
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def target(self, shape: Shape) -> Blob:
        blob = self.input(shape, {})
        self.blobs.remove(blob)
        return blob

    def cross_entropy_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        layer = self.add("SigmoidCrossEntropyLoss", [blob, self.labels(blob.shape, 2)], [()])
        self.blobs.pop()
        self.normalize(layer, 2)
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def hinge_loss(self) -> bool:
        blob = self.pick(lambda blob: blob.learned and len(blob.shape) == 2 and blob.shape[1] > 1)
        if blob is None:
            return False
        layer = self.add("HingeLoss", [blob, self.labels((blob.shape[0],), blob.shape[1])], [()])
        self.blobs.pop()
        layer.hinge_loss_param.norm = self.rng.choice((1, 2))
        self.weigh(layer)
        self.done(layer)
        self.without_top(layer)
        return True

    def weighted(self) -> bool:
        """Any layer may be a loss where it has a weight."""
        blob = self.pick(lambda blob: blob.learned)
        if blob is None:
            return False
        kind = self.rng.choice(("Power", "Reduction", "Eltwise"))
        bottoms = [blob, self.like(blob)] if kind == "Eltwise" else [blob]
        layer = self.add(kind, bottoms, [blob.shape if kind != "Reduction" else ()])
        self.blobs.pop()
        if kind == "Power":
            layer.power_param.power, layer.power_param.scale = 2, 0.5
        elif kind == "Reduction":
            layer.reduction_param.operation = 3
        layer.loss_weight.append(self.rng.choice((0.1, 0.3)) / prod(blob.shape))
        self.losses += 1
        return self.done(layer)

    def dead_ends(self) -> None:
        """What gets no gradient: blobs that nobody takes, and layers that have none."""
        for blob in [blob for blob in self.blobs if not blob.uses]:
            draw = self.rng.random()
            if draw < 0.3:
                self.done(self.add("Silence", [blob]))
            elif draw < 0.6:  # silenced, since the least rounding may decide what they make
                is_threshold = draw < 0.5 or len(blob.shape) == 1
                layer = self.add("Threshold" if is_threshold else "ArgMax", [blob], [blob.shape])
                if is_threshold:
                    layer.threshold_param.threshold = 0.1
                self.done(layer)
                self.done(self.add("Silence", [self.blobs.pop()]))


def _level(rule: Any) -> None:
    rule.min_level = 0
