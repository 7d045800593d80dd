"""The nets and sizes of tasks that answer at places, where nobody says: on a trunk, or begun from chance. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from striate.defaults import epochs_of
from striate.nets import resolve
from striate.spec.net import Net
from striate.spec.pyramid import on_levels, on_map, size_within
from striate.spec.shape import Shape

WIDTH: Final = 64  # channels of a pyramid
STRIDES: Final = (8, 16, 32)  # of the levels that boxes are answered at
TRUNK: Final = "resnet"  # what boxes are learnt by from chance
STEPS: Final = 600  # of a net from chance
BATCH: Final = 4

__all__ = ["boxes_on", "chance_boxes", "chance_map", "chance_steps", "map_on", "size_within"]


def boxes_on(net: Net, shape: Shape, strides: Sequence[int] = STRIDES) -> Net:
    """Return a pyramid on a trunk that answers at several levels, for boxes of every size."""
    return on_levels(net, shape, strides=strides, width=WIDTH)


def map_on(net: Net, shape: Shape, stride: int, width: int = WIDTH, mixed: Sequence[int] = ()) -> Net:
    """Return a pyramid on a trunk that answers in one map of a stride; ``mixed`` as of `on_map`."""
    return on_map(net, shape, stride=stride, width=width, mixed=mixed)


def chance_boxes(shape: Shape, strides: Sequence[int] = STRIDES) -> Net:
    """Return the net that boxes are learnt by where no weights are started from."""
    return boxes_on(resolve(TRUNK), shape, strides)


def chance_map() -> Net:
    """Return a small U-Net that answers at a stride of 2: what is thin and gray needs no trunk of photographs."""
    return resolve("unet_small")


def chance_steps(
    pictures: int, *, steps: int = STEPS, batch: int = BATCH, rate: float = 2e-3, least: int = 4
) -> dict[str, Any]:
    """Return how a net from chance is trained on so many pictures, where nobody says: about so many steps of a batch.

    ``rate`` is the learning rate, and ``least`` epochs are made of however many pictures.
    """
    return {
        "batch": batch,
        "epochs": max(least, epochs_of(steps, batch, pictures)),
        "optimiser": "adamw",
        "learning_rate": rate,
        "weight_decay": 0.01,
        "ema": 0.99,
        "augment": "light",
    }
