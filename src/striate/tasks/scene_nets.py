"""The nets and sizes of tasks that answer at places, where nobody says: on a trunk, or begun from chance. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from striate.defaults import epochs_of
from striate.nets import resolve
from striate.spec.activations import ReLU
from striate.spec.branches import Concat
from striate.spec.layers import Identity
from striate.spec.net import Net
from striate.spec.norms import BatchNorm
from striate.spec.pyramid import on_levels, on_map, size_within
from striate.spec.shape import Shape
from striate.spec.windowed import Conv, MaxPool, Upsample

WIDTH: Final = 64  # channels of a pyramid
STRIDES: Final = (8, 16, 32)  # of the levels that boxes are answered at
TRUNK: Final = "resnet"  # what boxes are learnt by from chance
FIRST: Final = 16  # channels of the finest maps of a net from chance that answers at every pixel
STEPS: Final = 600  # of a net from chance
BATCH: Final = 4

__all__ = ["boxes_on", "chance_boxes", "chance_map", "chance_steps", "map_on", "size_within"]


def boxes_on(net: Net, shape: Shape, strides: Sequence[int] = STRIDES) -> Net:
    """Return a pyramid on a trunk that answers at several levels, for boxes of every size."""
    return on_levels(net, shape, strides=strides, width=WIDTH)


def map_on(net: Net, shape: Shape, stride: int) -> Net:
    """Return a pyramid on a trunk that answers in one map of a stride."""
    return on_map(net, shape, stride=stride, width=WIDTH)


def chance_boxes(shape: Shape, strides: Sequence[int] = STRIDES) -> Net:
    """Return the net that boxes are learnt by where no weights are started from."""
    return boxes_on(resolve(TRUNK), shape, strides)


def chance_map(stride: int, *, levels: int = 3, first: int = FIRST) -> Net:
    """Return a small U-Net that answers at a stride of 1 or 2: what is thin and gray needs no trunk of photographs.

    ``levels`` times the maps are halved, from ``first`` channels, doubled each time; each level is put together with
    what lies below it (Ronneberger et al., "U-Net", 2015, with batch norm, padding, and enlarging by repetition).

        >>> str(chance_map(1).on(1, 64, 64, classes=2).output), str(chance_map(2).on(1, 64, 64, classes=1).output)
        ('2x64x64', '1x32x32')
    """
    net: Net = _twice(first * 2**levels).name("bottom")
    for level in reversed(range(levels)):
        width = first * 2**level
        below = MaxPool(2) >> net >> Upsample(2).name(f"up{level}") >> Conv(width, 1).name(f"narrow{level}")
        whole = Concat((Identity().name(f"across{level}"), below.name(f"below{level}")))
        if level == 0 and stride == 2:
            return _twice(width).name(f"down{level}") >> MaxPool(2) >> net >> Conv(None, 1).name("answer1")
        net = _twice(width).name(f"down{level}") >> whole >> _twice(width).name(f"merge{level}")
    return net >> Conv(None, 1).name("answer1")


def chance_steps(pictures: int) -> dict[str, Any]:
    """Return how a net from chance is trained on so many pictures, where nobody says."""
    return {
        "batch": BATCH,
        "epochs": epochs_of(STEPS, BATCH, pictures),
        "optimiser": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 0.01,
        "ema": 0.99,
        "augment": "light",
    }


def _twice(width: int) -> Net:
    return (
        Conv(width, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()
        >> Conv(width, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()
    )  # fmt: skip
