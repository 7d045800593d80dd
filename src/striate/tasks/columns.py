"""Numbers as the columns that a net learns, and back again. No torch.

A number is learnt standardised: its mean over the training pictures taken away, divided by its deviation. A circular
one (an angle, an hour) is learnt as two columns, the cosine and the sine of its turn, for there 359 degrees lie beside
1 degree; how far the two are from the centre says how sure the net is. Columns stand in the order of the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.probability import Floats
from striate.metrics.regression import checked_period


@dataclass(frozen=True)
class Column:
    """How one number is learnt: ``mean`` and ``scale`` in its unit; of a circular one ``period`` and ``start``.

    ``start`` is where its circle begins: answers lie from there up to, not including, ``start + period``.
    """

    mean: float = 0.0
    scale: float = 1.0
    period: float | None = None
    start: float = 0.0

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return 1 if self.period is None else 2

    @property
    def spread(self) -> float:
        """The deviation that errors in several numbers are compared by; of a circle that of directions by chance."""
        return self.scale if self.period is None else self.period / math.sqrt(12)


@dataclass(frozen=True)
class Columns:
    """How the numbers of a picture are learnt, in their order."""

    each: tuple[Column, ...]

    @property
    def width(self) -> int:
        """How many outputs a net has for them."""
        return sum(column.width for column in self.each)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """The period of each number, None of one that is not circular."""
        return tuple(column.period for column in self.each)

    def encode(self, values: ArrayLike) -> NDArray[np.float32]:
        """Return the columns (N, W) float32 of numbers (N, D); rows of NaN stay so."""
        columns = []
        for value, column in zip(np.asarray(values, np.float64).T, self.each, strict=True):
            if column.period is None:
                columns.append((value - column.mean) / column.scale)
            else:
                turn = value * (2 * math.pi / column.period)
                columns += [np.cos(turn), np.sin(turn)]
        return np.stack(columns, axis=1).astype(np.float32)

    def decode(self, outputs: ArrayLike) -> tuple[Floats, Floats]:
        """Return the numbers (N, D) that columns (N, W) say, and what their certainty lies along, (N, D).

        The latter is the number itself, and of a circular one the distance from the centre of the circle: near 1 where
        the net is sure, near 0 where it is lost.
        Raises StriateError for another width, or outputs that are not finite.
        """
        given = np.asarray(outputs, np.float64)
        if given.ndim != 2 or given.shape[1] != self.width:
            raise StriateError(f"outputs of shape {given.shape} are not of {self.width} columns")
        if not np.isfinite(given).all():
            row = int(np.argmin(np.isfinite(given).all(axis=1)))
            raise StriateError(
                f"the answer to picture {row} is NaN or infinity; the model that gave it is broken, so train it again"
                " from a sound checkpoint"
            )
        values, along, begin = [], [], 0
        for column in self.each:
            first = given[:, begin]
            if column.period is None:
                values.append(first * column.scale + column.mean)
                along.append(values[-1])
            else:
                turn = np.arctan2(given[:, begin + 1], first) * (column.period / (2 * math.pi))
                values.append(on_circle(turn, column.period, column.start))
                along.append(np.hypot(first, given[:, begin + 1]))
            begin += column.width
        return np.stack(values, axis=1), np.stack(along, axis=1)

    def to_list(self) -> list[dict[str, float | None]]:
        """Return them ready for JSON."""
        return [dict(vars(column)) for column in self.each]

    @classmethod
    def from_list(cls, values: Sequence[Mapping[str, Any]]) -> Columns:
        """Return what `to_list` gave. Errors: ValueError, TypeError or KeyError where it is damaged."""
        return cls(
            tuple(
                Column(
                    float(one["mean"]),
                    float(one["scale"]),
                    None if one["period"] is None else float(one["period"]),
                    float(one["start"]),
                )
                for one in values
            )
        )


def fit_columns(values: ArrayLike, *, periods: Sequence[float | None] = ()) -> Columns:
    """Return how numbers (N, D) are learnt, by those of the training pictures; ``periods`` (D,) of circular ones.

    A circle begins at 0, or, where some of its values are negative, half a period below: -180 to 180 for degrees.
    Raises StriateError for a period that is no positive number.

    Example: ``fit_columns([[1.0], [3.0]]).encode([[2.0]])`` is ``[[0.0]]``.
    """
    table = np.asarray(values, np.float64)
    columns = []
    for value, period in zip(table.T, list(periods) or [None] * table.shape[1], strict=True):
        if period is None:
            deviation = float(value.std())
            columns.append(Column(float(value.mean()), deviation if deviation > 0 else 1.0))
        else:
            whole = checked_period(period)
            columns.append(Column(period=whole, start=-whole / 2 if (value < 0).any() else 0.0))
    return Columns(tuple(columns))


def on_circle(values: ArrayLike, period: float, start: float = 0.0) -> Floats:
    """Return values on a circle, from ``start`` up to, not including, ``start + period``.

    Example: ``on_circle([-10.0, 360.0], 360)`` is ``[350.0, 0.0]``.
    """
    wrapped: Floats = np.mod(np.asarray(values, np.float64) - start, period)
    return np.where(wrapped >= period, 0.0, wrapped) + start  # rounding may bring the largest up to the period itself
