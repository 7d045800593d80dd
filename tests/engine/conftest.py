"""A small stand-in for a built model and for a store: what the engine asks of them, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.configs import config
from tests.objectives import of_classes
from torch import Tensor, nn

from striate.engine.fit import begin
from striate.engine.state import Training
from striate.train_config import TrainConfig

CLASSES = 3


class Outputs(NamedTuple):
    main: Tensor
    sides: tuple[tuple[Tensor, float], ...] = ()


class Toy(nn.Module):
    """Any body with the face of a Model."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shape = SimpleNamespace(channels=1, height=6, width=6)
        self.net = SimpleNamespace(on=lambda *_, **__: SimpleNamespace(output=SimpleNamespace(channels=CLASSES)))

    def normalise(self, pixels: Tensor) -> Tensor:
        return pixels.float() / 255 - 0.5

    def forward(self, inputs: Tensor) -> Tensor:
        return self.body(inputs)

    def outputs(self, inputs: Tensor) -> Outputs:
        return Outputs(self.body(inputs))

    def embed(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        return self.body(inputs), inputs.flatten(1)


def body(*, norm: bool = True, dropout: float = 0.3) -> nn.Sequential:
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(24, CLASSES),
    )


class Pictures(NamedTuple):
    store: SimpleNamespace
    targets: np.ndarray
    split: SimpleNamespace


def pictures(train: int = 40, val: int = 12) -> Pictures:
    """Noise around one pattern for each class: learnable, but not at once."""
    random = np.random.default_rng(3)
    targets = np.arange(train + val) % CLASSES
    patterns = random.uniform(60, 190, (CLASSES, 6, 6, 1))
    pixels = np.clip(patterns[targets] + random.normal(0, 40, (train + val, 6, 6, 1)), 0, 255).astype(np.uint8)
    split = SimpleNamespace(train=tuple(range(train)), val=tuple(range(train, train + val)), test=())
    return Pictures(SimpleNamespace(pixels=pixels, digests=()), targets, split)


PLAIN = config(
    precision="float32",  # whatever this machine's CPU has: the oracles are exact
    epochs=3,
    batch=8,
    optimiser="sgd",
    learning_rate=0.05,
    weight_decay=1e-3,
    schedule="constant",
    warmup=0.0,
    label_smoothing=0.0,
    augment="none",
    flip=False,
    ema=0.0,
    device="cpu",
)

Make = Callable[..., Training]


@pytest.fixture
def make() -> Make:
    """Make a fresh training; whatever is not said is the plain recipe on the toy net and the toy pictures."""

    def made(
        *, net: nn.Module | None = None, data: Pictures | None = None, recipe: TrainConfig = PLAIN, **changes: object
    ) -> Training:
        store, targets, split = data or pictures()
        chosen = recipe.changed(**changes) if changes else recipe
        return begin(Toy(net if net is not None else body()), chosen, store, of_classes(targets, CLASSES), split)  # type: ignore[arg-type]

    return made


@pytest.fixture
def toy() -> SimpleNamespace:
    """The parts of the stand-in: ``Toy``, ``body``, ``pictures``, ``plain``."""
    return SimpleNamespace(Toy=Toy, body=body, pictures=pictures, plain=PLAIN)


class Emits(nn.Module):
    """A net that spoils its output, or the gradient of it, in the forward pass number ``at`` (from 0)."""

    def __init__(
        self,
        net: nn.Module,
        *,
        at: int | None,
        value: float = float("nan"),
        always: bool = False,
        gradient: bool = False,
        evaluating: bool = False,
    ) -> None:
        super().__init__()
        self.net, self.at, self.value = net, at, value
        self.always, self.gradient, self.evaluating = always, gradient, evaluating
        self.seen = -1

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.net(inputs)
        if self.training == self.evaluating:
            return outputs
        self.seen += 1
        hit = self.at is not None and (self.seen >= self.at if self.always else self.seen == self.at)
        if hit and self.gradient:
            outputs.register_hook(lambda gradient: gradient * self.value)
        return outputs + self.value if hit and not self.gradient else outputs


class Refuses(nn.Module):
    """A net in whose middle memory runs out for more than so many pictures, in training."""

    def __init__(self, net: nn.Sequential, *, more_than: int, error: BaseException | None = None) -> None:
        super().__init__()
        self.net, self.more_than = net, more_than
        self.error = error or torch.OutOfMemoryError("out of memory")

    def forward(self, inputs: Tensor) -> Tensor:
        middle = self.net[:3](inputs)
        if self.training and len(inputs) > self.more_than:
            raise self.error
        return self.net[3:](middle)


@pytest.fixture
def emits() -> type[Emits]:
    return Emits


@pytest.fixture
def refuses() -> type[Refuses]:
    return Refuses
