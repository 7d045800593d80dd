"""How one number was made: the numbers that went in, what each of them gave, and what came of it. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]  # (C, H, W); a flat vector is (C, 1, 1)
Numbers = NDArray[np.float64]
Place = tuple[int, int, int]  # channel, row, column


def flat() -> Numbers:
    """Return no numbers."""
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Contributions:
    """How a layer or a join made one number of those it was given.

    ``rule`` says how in words and ``formula`` with the numbers; ``result`` is what comes out, in float64. ``values``
    (n,) went in, from ``places`` (n, 3: channel, row, column), ``source`` (n,) of which of the inputs; a place
    outside the map is padding. ``weights`` (n,) is what each was multiplied with, where there is such a thing, and
    ``terms`` (n,) what each gave to the sum. ``window`` is the shape (channels, rows, columns) of the values, where
    they are one. ``winner`` is which of them came through, where one did. ``bias`` was added at the end.
    """

    rule: str
    formula: str
    result: float
    values: Numbers = field(default_factory=flat)
    places: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    weights: Numbers | None = None
    terms: Numbers = field(default_factory=flat)
    bias: float | None = None
    window: tuple[int, int, int] | None = None
    winner: int | None = None
    source: NDArray[np.int64] | None = None
    padding: NDArray[np.bool_] | None = None
    size: float = 0.0
    """How large the numbers are that the result is a sum or a difference of: what rounding goes by."""

    def largest(self, count: int) -> NDArray[np.int64]:
        """Return which terms are furthest from 0, the largest first."""
        return np.argsort(-np.abs(self.terms), kind="stable")[:count]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "rule": self.rule,
            "formula": self.formula,
            "result": self.result,
            "values": self.values.tolist(),
            "places": self.places.tolist(),
            "source": None if self.source is None else self.source.tolist(),
            "padding": None if self.padding is None else self.padding.tolist(),
            "weights": None if self.weights is None else self.weights.tolist(),
            "terms": self.terms.tolist(),
            "bias": self.bias,
            "window": None if self.window is None else list(self.window),
            "winner": self.winner,
        }


def number(value: float) -> str:
    """Return a number as it is read: four significant digits, no exponent for everyday sizes.

    >>> number(-0.123456), number(3.0), number(1234.5), number(0.00001234)
    ('-0.1235', '3', '1234', '1.234e-05')
    """
    text = f"{value:.4g}"
    if "e+" in text and abs(value) < 1e7:
        text = f"{value:.0f}"
    return "0" if text == "-0" else text


def plus(value: float) -> str:
    """Return a number as it is added: ``+ 3`` or ``- 3``."""
    return f"- {number(-value)}" if value < 0 else f"+ {number(value)}"


def cells(
    given: Map, channels: list[int] | range, rows: list[int], columns: list[int]
) -> tuple[Numbers, NDArray[np.int64], NDArray[np.bool_]]:
    """Return the values at channels x rows x columns of a map, their places, and which lie outside it (and are 0)."""
    grid = np.stack(np.meshgrid(list(channels), rows, columns, indexing="ij"), -1).reshape(-1, 3).astype(np.int64)
    _, height, width = given.shape
    outside = (grid[:, 1] < 0) | (grid[:, 1] >= height) | (grid[:, 2] < 0) | (grid[:, 2] >= width)
    held = np.where(outside[:, None], 0, grid)
    values = np.where(outside, 0.0, given[held[:, 0], held[:, 1], held[:, 2]].astype(np.float64))
    return values, grid, outside


def weighted(
    given: Map,
    channels: list[int] | range,
    rows: list[int],
    columns: list[int],
    weights: NDArray[Any],
    bias: float | None,
    rule: str = "the values of the window times the weights, added up",
) -> Contributions:
    """Return the account of a sum of values times weights (channels, rows, columns), plus a bias."""
    values, places, outside = cells(given, channels, rows, columns)
    factors = weights.astype(np.float64).reshape(-1)
    terms = values * factors
    total = float(terms.sum()) + (bias or 0.0)
    many = f"{len(terms):,} products" if len(terms) != 1 else "1 product"
    summed = number(float(terms.sum()))
    said = f"{many}: {summed}" if bias is None else f"{many}: {summed} {plus(bias)} bias = {number(total)}"
    return Contributions(
        rule + ("" if bias is None else ", plus the bias"),
        said,
        total,
        values,
        places,
        factors,
        terms,
        bias,
        (len(channels), len(rows), len(columns)),
        padding=outside,
        size=float(np.abs(terms).sum()) + abs(bias or 0.0),
    )


def taken(given: Map, place: Place, rule: str, source: int | None = None) -> Contributions:
    """Return the account of a value that is passed on as it is."""
    value = float(given[place])
    return Contributions(
        rule,
        number(value),
        value,
        np.array([value]),
        np.array([place]),
        terms=np.array([value]),
        source=None if source is None else np.array([source]),
        winner=0,
        size=abs(value),
    )
