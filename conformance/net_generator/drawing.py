"""A net in the making: its blobs, how names, bottoms and tops are drawn, and its data."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from barista.net import schema
from barista.net.shapes import Shape

NAMES = ("conv1/3x3", "two words", "a.b-c", "слой", "層", "x", "fc#8", "it's", "100%", "..", "A_split_0", "loss", "")
MOST_NUMBERS = 2500  # of one blob


@dataclass
class Blob:
    """A blob as it is after the layer that made it, or last worked on it in place."""

    name: str
    apart: str  # its name in the net where no layer works in place
    shape: Shape
    learned: bool  # whether a gradient goes up from it
    within: str = ""  # "unit": in -1 .. 1, "positive": in 0 .. 1
    is_constant: bool = False  # made of constants alone: normalised, nothing is left of it but rounding
    is_reshaped: bool = False  # by a Reshape, whose gradient a Flatten after it loses in stock Caffe
    uses: int = 0
    may_be_overwritten: bool = True


@dataclass(frozen=True)
class RandomNet:
    seed: int
    net: Any  # NetParameter
    apart: Any  # the same with two blobs in the place of each that a layer works on in place
    solver: Any  # SolverParameter without a net
    apart_names: dict[str, str]  # what blobs are called there at last, where that is another name
    inputs: dict[str, dict[str, int]]  # blobs of Input layers; {"classes": n} where they are labels


@dataclass
class Drawing:
    """What a random net is made of so far."""

    seed: int
    inputs: dict[str, dict[str, int]] = field(default_factory=dict)
    apart_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.others = random.Random(self.seed)  # apart, so that a further type leaves most nets as they are
        self.net, self.apart = schema.new("NetParameter"), schema.new("NetParameter")
        self.blobs: list[Blob] = []
        self.names: dict[str, bool] = {}  # of layers, and whether one of them has parameters
        self.shared: list[tuple[str, tuple[Any, ...]]] = []  # parameters by name, and what they are of
        self.count = 0
        self.losses = 0
        self.tested = self.chance(0.6)
        self.iter_size = self.rng.choice((1, 1, 1, 1, 2))
        self.batch = self.rng.choice((1, 2, 2, 3, 4, 5))

    # --- draws ---

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, fits: Callable[[Blob], bool] = lambda _: True, *, new: float = 0.7) -> Blob | None:
        """A blob that fits; with the probability `new` one of those that nobody takes so far, the latest first."""
        found = [blob for blob in self.blobs if fits(blob)]
        if not found:
            return None
        fresh = [blob for blob in found if not blob.uses]
        return self.rng.choice(fresh[-3:] if fresh and self.chance(new) else found)

    def like(self, blob: Blob) -> Blob:
        """A blob of the same shape, which may be the same."""
        return self.pick(lambda other: other.shape == blob.shape, new=0.4) or blob

    def layer_name(self, plain: str, *, has_parameters: bool) -> str:
        """Layers of one name share their parameters with the test net by that name, so there must be none."""
        self.count += 1
        name = f"{plain}{self.count}"
        if self.chance(0.25):
            name = self.rng.choice((*NAMES, *(blob.name for blob in self.blobs)))
        elif self.chance(0.1) and self.names:
            name = self.rng.choice(list(self.names))
        if self.tested and name in self.names and (has_parameters or self.names[name]):
            name = f"{plain}{self.count}"
        self.names[name] = self.names.get(name, False) or has_parameters
        return name

    def blob_name(self, plain: str) -> str:
        taken = {blob for layer in self.net.layer for blob in layer.top}
        candidates = [f"{plain}{self.count}"]
        if self.chance(0.25):
            candidates.insert(0, self.rng.choice((*NAMES, *self.names)))
        return next(name for name in (*candidates, f"blob {self.count} {len(taken)}") if name and name not in taken)

    # --- layers ---

    def add(
        self,
        kind: str,
        bottoms: Sequence[Blob],
        shapes: Sequence[Shape] = (),
        *,
        parameters: int = 0,
        in_place: bool = False,
        within: str = "",
        learns: bool = True,
        shares: bool = False,
    ) -> Any:
        """A new layer, for its parameters to be set, and its tops: of `shapes`, or the bottom where it works in place.

        `shares`: its top is its bottom's memory.
        """
        layer = self.net.layer.add()
        layer.type = kind
        layer.name = self.layer_name(kind.lower(), has_parameters=parameters > 0)
        layer.bottom.extend(blob.name for blob in bottoms)
        apart = self.apart.layer.add()
        bottoms_apart = [blob.apart for blob in bottoms]
        learned = any(blob.learned for blob in bottoms) or (parameters > 0 and learns)
        for blob in bottoms:
            blob.uses += 1
        tops = []
        if in_place:
            [old] = bottoms
            self.blobs.remove(old)
            layer.top.append(old.name)
            self.apart_names[old.name] = f"{old.name} in place {self.count}"
            tops = [Blob(old.name, self.apart_names[old.name], old.shape, learned, within, is_reshaped=old.is_reshaped)]
        else:
            for shape in shapes:
                name = self.blob_name(kind.lower())
                layer.top.append(name)
                tops.append(Blob(name, name, shape, learned, within))
        if shares:
            for blob in tops:
                blob.may_be_overwritten = all(bottom.may_be_overwritten for bottom in bottoms)
            for blob in bottoms:
                blob.may_be_overwritten = False
            if any(blob.uses > 1 for blob in bottoms):
                for blob in tops:
                    blob.may_be_overwritten = False
            else:  # nobody else may take what might be overwritten under him
                self.blobs = [blob for blob in self.blobs if all(blob is not bottom for bottom in bottoms)]
        self.blobs += tops
        for blob in tops:
            blob.is_constant = bool(bottoms) and all(bottom.is_constant for bottom in bottoms)
        self._apart = (apart, bottoms_apart, [blob.apart for blob in tops])
        return layer

    def done(self, layer: Any) -> bool:
        """To be called when the layer's parameters are set. For use as an operation's answer: true."""
        apart, bottoms, tops = self._apart
        apart.CopyFrom(layer)
        apart.ClearField("bottom")
        apart.ClearField("top")
        apart.bottom.extend(bottoms)
        apart.top.extend(tops)
        return True

    def specify(self, layer: Any, count: int, shape: tuple[Any, ...]) -> None:
        """What the solver does with the layer's parameters. `shape` is equal where two layers may share them."""
        if self.chance(0.6):
            return
        same = [name for name, of in self.shared if of == (layer.type, *shape)]
        name = self.rng.choice(same) if same and self.chance(0.7) else f"w{self.count}" if self.chance(0.6) else ""
        for number in range(count):
            spec = layer.param.add()
            if name:
                spec.name = f"{name} {number}"
            else:
                spec.lr_mult = self.rng.choice((0, 0, 0.5, 1, 2))
                spec.decay_mult = self.rng.choice((0, 1, 1))
        if name and name not in same:
            self.shared.append((name, (layer.type, *shape)))

    def fill(self, filler: Any, fan_in: int = 4) -> None:
        kind = self.rng.choice(("xavier", "gaussian", "uniform", "msra"))
        filler.type = kind
        if kind == "gaussian":
            filler.std = 1 / (fan_in + 1) ** 0.5
        elif kind == "uniform":
            filler.min, filler.max = -1.5 / (fan_in + 1) ** 0.5, 1.5 / (fan_in + 1) ** 0.5

    def offset(self, filler: Any) -> None:
        filler.type, filler.min, filler.max = "uniform", self.rng.choice((-0.5, 0.1)), 0.5

    def stop_gradient(self, layer: Any) -> None:
        if self.chance(0.04):
            layer.propagate_down.extend(self.chance(0.3) for _ in layer.bottom)

    # --- data ---

    def data(self) -> None:
        for _ in range(self.rng.choice((1, 1, 2))):
            axes = self.rng.choice((2, 4, 4, 4, 4, 3))
            sizes = [self.rng.choice((1, 2, 3, 4, 6, 8)), *(self.rng.choice((1, 3, 5, 6, 7, 9)) for _ in range(axes - 2))]
            shape = (self.batch, *sizes)
            if self.chance(0.2):
                self.dummy(shape)
            else:
                self.input(shape, {})

    def input(self, shape: Shape, what: dict[str, int]) -> Blob:
        """An Input of both phases, or one for each."""
        layer = self.add("Input", (), (shape,))
        blob = self.blobs[-1]
        blob.may_be_overwritten = self.iter_size == 1  # it is filled once an iteration
        self.inputs[layer.top[0]] = what
        layer.input_param.shape.add().dim.extend(shape)
        if self.chance(0.3):
            self.phase(layer, "TRAIN")
            self.done(layer)
            for net in (self.net, self.apart):
                twin = net.layer.add()
                twin.CopyFrom(layer)
                twin.ClearField("include")
                twin.ClearField("exclude")
                self.phase(twin, "TEST")
        else:
            self.done(layer)
        return blob

    def phase(self, layer: Any, phase: str) -> None:
        numbers = {"TRAIN": 0, "TEST": 1}
        if self.chance(0.5):
            layer.include.add().phase = numbers[phase]
        else:
            layer.exclude.add().phase = 1 - numbers[phase]

    def dummy(self, shape: Shape) -> None:
        layer = self.add("DummyData", (), (shape,))
        self.blobs[-1].may_be_overwritten = False  # constants are made once
        layer.dummy_data_param.shape.add().dim.extend(shape)
        filler = layer.dummy_data_param.data_filler.add()
        if self.chance(0.6):
            filler.type, filler.std = "gaussian", 0.7
        else:
            filler.value = self.rng.choice((0, 0.5, -1))
            self.blobs[-1].is_constant = True
        self.done(layer)

    # --- products ---
