"""A map of answers: what a net says at every place of a larger picture. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, the last two exclusive


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """What is said of each of the ``names`` (rows, columns, K) for crops of a picture, calibrated.

    ``pixels`` (H, W, 1 or 3) uint8 is what the net saw of the picture, ``region`` which part of it that was in the
    picture's own pixels, ``size`` its own (height, width). ``window`` and ``stride`` (height, width) are pixels of
    what the net saw: the crop behind each answer, and how far it moves. ``padded`` are the parts of the net that pad
    a crop's edge, where its neighbours' pixels are now: with any, an answer is near its crop's own, not equal to it.
    """

    names: tuple[str, ...]
    probabilities: NDArray[np.float64]
    pixels: NDArray[np.uint8]
    region: tuple[float, float, float, float]
    size: tuple[int, int]
    window: tuple[int, int]
    stride: tuple[int, int]
    padded: tuple[str, ...]

    def number(self, name: str | None = None) -> int:
        """Return the number of a class, or of the likeliest anywhere. Errors: StriateError for a class not known."""
        if name is None:
            return int(self.probabilities.max((0, 1)).argmax())
        if name not in self.names:
            from difflib import get_close_matches

            near = get_close_matches(name, self.names, n=3) or self.names[:5]
            raise StriateError(
                f"there is no class {name!r}; near it: {', '.join(near)} "
                "(--map takes a class; put a picture before it, or write --map=)"
            )
        return self.names.index(name)

    def best(self, number: int) -> tuple[int, int]:
        """Return row and column where a class is likeliest."""
        row, column = np.unravel_index(self.probabilities[..., number].argmax(), self.probabilities.shape[:2])
        return int(row), int(column)

    @property
    def scale(self) -> float:
        """How many pixels of the picture one pixel of what the net saw stands for."""
        return (self.region[2] - self.region[0]) / int(self.pixels.shape[1])

    def box(self, row: int, column: int) -> Box:
        """Return the crop behind an answer in the picture's own pixels."""
        top, left = row * self.stride[0], column * self.stride[1]
        sides = (left, top, left + self.window[1], top + self.window[0])
        moved = [round(self.region[axis % 2] + side * self.scale) for axis, side in enumerate(sides)]
        return moved[0], moved[1], moved[2], moved[3]

    def to_dict(self, number: int) -> dict[str, object]:
        """Return one class's map ready for JSON; all lengths in the picture's own pixels, (height, width)."""
        row, column = self.best(number)
        return {
            "class": self.names[number],
            "map": self.probabilities[..., number].tolist(),
            "best": {
                "row": row,
                "column": column,
                "probability": float(self.probabilities[row, column, number]),
                "box": list(self.box(row, column)),
            },
            "window": [side * self.scale for side in self.window],
            "stride": [side * self.scale for side in self.stride],
            "region": list(self.region),
            "exact": not self.padded,
            "padded": list(self.padded),
        }
