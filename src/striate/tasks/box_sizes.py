"""How large pictures have to be for their boxes, and which maps of a trunk they need. No torch.

A box is found where its middle falls into a cell, and told from its neighbours where it is some cells wide. So the
size of the input is chosen by the smaller boxes (that of which four in five are larger), and maps of stride 4 are added
where even these would be less than two cells of stride 8.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Floats
from striate.spec.shape import Shape
from striate.tasks.box_rows import FRAME, PADDING

USUAL: Final = 320  # pixels of the longer side, where the boxes say nothing else
MOST: Final = 480  # up to which it grows for small boxes; the time a training takes grows by its square
SMALLER: Final = 0.2  # the share of boxes that are smaller than the one it is chosen by
CLEAR: Final = 16.0  # pixels of the input that this box is to have, as the root of its area
STRIDES: Final = (8, 16, 32)
FINER: Final = (4, 8, 16, 32)
FEW, BROAD = 3.0, 0.25


def longest(values: NDArray[np.float32]) -> int:
    """Return how long the longer side of the input is to be, in pixels, by the rows (N, M, 7) of boxes in pictures.

    Example: ``longest(np.zeros((0, 1, 7), np.float32))`` is 320.
    """
    small = _small(values)
    return USUAL if small is None else max(USUAL, min(MOST, round(CLEAR / small)))


def strides(shape: Shape, values: NDArray[np.float32]) -> tuple[int, ...]:
    """Return the strides of the maps that boxes of this size take on an input of a ``shape``.

    Example: ``strides(Shape(3, 256, 320), np.zeros((0, 1, 7), np.float32))`` is ``(8, 16, 32)``.
    """
    small = _small(values)
    return STRIDES if small is None or small * max(shape.size) >= CLEAR else FINER


def few_and_large(values: NDArray[np.float32]) -> bool:
    """Whether pictures have few objects that fill much of them: a picture is then about the object, as photographs are
    that a trunk has learnt from, and its later stages are soon made to tell this kind from all else.

    That is up to `FEW` boxes a picture, the median of which has a side of `BROAD` of the longer side of its picture.

    Example: ``few_and_large(np.zeros((0, 1, 7), np.float32))`` is ``False``.
    """
    sides = _sides(values)
    return bool(len(sides)) and len(sides) <= FEW * len(values) and float(np.median(sides)) >= BROAD


def _small(values: NDArray[np.float32]) -> float | None:
    """Return the side of the smaller boxes, as a share of the longer side of their picture; None without a box."""
    sides = _sides(values)
    return float(np.quantile(sides, SMALLER)) if len(sides) else None


def _sides(values: NDArray[np.float32]) -> Floats:
    """Return the side of every box, the root of its area, as a share of the longer side of its picture."""
    frames = values[values[:, :, 0] == FRAME]
    if not len(frames):
        return np.zeros(0)
    longer: Floats = np.maximum(frames[:, 5], frames[:, 6]).astype(np.float64)
    picture, place = np.nonzero((values[:, :, 0] > PADDING) & (values[:, :, 5] == 0))
    sides: Floats = np.sqrt(values[picture, place, 6].astype(np.float64)) / np.maximum(longer[picture], 1.0)
    return sides
