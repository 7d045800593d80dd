"""Numbers: an answer of one or several numbers, each with the interval that it can be trusted to. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.tasks.columns import on_circle
from striate.tasks.prediction import Prediction
from striate.words import counted

MEAN_ABSOLUTE_ERROR: Final = "mean absolute error"  # the figure that numbers are judged by
DIGITS = 2  # of an interval's half width that are told: 12.3 (10.9 to 13.8)
ALONE = 4  # digits of a number that has no interval


@dataclass(frozen=True)
class Number:
    """One number of an answer: from ``low`` to ``high`` it lies with probability ``level``.

    ``low`` and ``high`` are infinite where too few pictures are known for an interval, or where it is all of a circle.
    On a circle (``period``, from ``start``) an interval goes upwards from ``low`` to ``high``, past its end where it
    must: 355 (350 to 5).

    Example: ``str(Number("angle", 12.31, 10.87, 13.75, unit="deg"))`` is ``"12.3 deg (10.9 to 13.8)"``.
    """

    name: str
    value: float
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    level: float = 0.9
    period: float | None = None
    start: float = 0.0

    @property
    def bounded(self) -> bool:
        """Whether it has an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if not self.bounded:
            return f"{self.value:.{ALONE}g}{unit} ({'anywhere' if self.period is not None else 'no interval'})"
        places = decimals((self.high - self.low) / 2, self.value)
        low, high = (self._turned(end) for end in (self.low, self.high))
        return f"{_plain(self.value, places)}{unit} ({_plain(low, places)} to {_plain(high, places)})"

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The ends of its interval, on a circle within it; None where it has none."""
        return (self._turned(self.low), self._turned(self.high)) if self.bounded else (None, None)

    def _turned(self, end: float) -> float:
        return end if self.period is None else float(on_circle(end, self.period, self.start))

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON: low and high are None where there is no interval."""
        low, high = self.ends
        unit = {"unit": self.unit} if self.unit else {}
        return {"name": self.name, "value": self.value, "low": low, "high": high, "level": self.level, **unit}


@dataclass(frozen=True, eq=False, repr=False)
class Numbers(Prediction):
    """The numbers of one picture, in the order they were learnt in.

    Example: ``str(Numbers((Number("count", 12.3, 10.9, 13.8),)))`` is ``"12.3 (10.9 to 13.8)"``.
    """

    each: tuple[Number, ...]

    def __post_init__(self) -> None:
        wrong = [one.name for one in self.each if not math.isfinite(one.value)]
        if wrong or not self.each:
            raise StriateError(
                f"an answer of {counted(len(self.each), 'number')} holds no number for {', '.join(wrong) or 'anything'}"
            )

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers alone, (D,) float64."""
        return np.array([one.value for one in self.each])

    def __getitem__(self, name: str) -> Number:
        """Return the number of a name."""
        for one in self.each:
            if one.name == name:
                return one
        raise KeyError(name)

    def text(self, top: int | None = None) -> str:
        """Return the numbers as a line; several with their names."""
        if len(self.each) == 1:
            return str(self.each[0])
        return ", ".join(f"{one.name} {one}" for one in self.each)

    def __str__(self) -> str:
        return self.text()

    def cells(self, top: int | None = None) -> tuple[float | None, ...]:
        """Return each number and the ends of its interval, under `number_columns`; None where there is none."""
        return tuple(cell for one in self.each for cell in (one.value, *one.ends))

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON; ``top`` is for answers that are a list of the likeliest."""
        return {"numbers": [one.to_dict() for one in self.each]}


def number_columns(names: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """Return what the cells of `Numbers` stand under. Example: ``number_columns(("angle",), ("deg",))[0]``."""
    return tuple(
        cell
        for name, unit in zip(names, units, strict=True)
        for cell in (f"{name} [{unit}]" if unit else name, f"{name} low", f"{name} high")
    )


def spelled(true: float, half: float, value: float) -> str:
    """Return a true number with as many decimals as its answer ``value`` is shown with, or as many as it has."""
    places = decimals(half if math.isfinite(half) else 0.0, value)
    return f"{true:.10g}" if len(f"{true:.10g}") <= len(f"{true:.{places}f}") else _plain(true, places)


def decimals(half: float, value: float = 0.0) -> int:
    """Return how many decimals show two digits of a half width; of one without width four digits of the value.

    Example: ``decimals(1.44)`` is 1, ``decimals(0.034)`` is 3, ``decimals(230.0)`` is 0.
    """
    size, digits = (half, DIGITS) if half > 0 else (abs(value), ALONE)
    if not (size > 0 and math.isfinite(size)):
        return 0
    # What rounds up to the next power of ten has a digit more before the point: 9.96 is shown as 10.
    exponent = math.floor(math.log10(size))
    if float(f"{size:.{digits - 1}e}") >= 10.0 ** (exponent + 1):
        exponent += 1
    return min(12, max(0, digits - 1 - exponent))


def numbers_of(
    names: Sequence[str],
    values: NDArray[np.float64],
    halves: NDArray[np.float64],
    *,
    units: Sequence[str],
    level: float,
    periods: Sequence[float | None],
    starts: Sequence[float],
) -> list[Numbers]:
    """Return the answers to N pictures: ``values`` (N, D), ``halves`` (N, D) how far each interval reaches."""
    return [
        Numbers(
            tuple(
                Number(name, value, value - half, value + half, unit, level, period, start)
                for name, value, half, unit, period, start in zip(
                    names, row, reach, units, periods, starts, strict=True
                )
            )
        )
        for row, reach in zip(values.tolist(), halves.tolist(), strict=True)
    ]


def _plain(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if not float(text) else text  # no -0.0
