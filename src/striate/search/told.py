"""Told: what the pictures of a folder say of each other's classes, and what follows from that, as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval
from striate.search.learning_curve import Curve


@dataclass(frozen=True, eq=False)
class Outlier:
    """A picture that is unlike its class and unlike everything: its ``row``, and how far it is from the nearest.

    ``far`` is its distance in deviations of what is usual in its class, ``nearest`` the row of the picture most like
    it.
    """

    row: int
    far: float
    nearest: int


@dataclass(frozen=True, eq=False)
class Outliers:
    """The outliers of a folder, the furthest first, and how many would be found among as many that are none."""

    found: tuple[Outlier, ...] = ()
    expected: float = 0.0


@dataclass(frozen=True)
class Leak:
    """What pictures that lie on both sides of a split are worth to who measures by it.

    ``pictures`` of the test have a copy in what is trained on. ``apparent`` is how right answers to the whole test are,
    ``real`` how right they are without the copies, ``worth`` the difference; ``leaked`` and
    ``unleaked`` are the same of those pictures alone.
    """

    pictures: int
    tested: int
    apparent: Interval
    real: Interval
    worth: Interval
    leaked: Interval
    unleaked: Interval


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of the pictures ``rows`` (M,) of a folder by the others, each left out.

    ``labels`` (M,) are what they are labelled, ``probabilities`` (M, K) what was said. ``curve`` is what more pictures
    would bring, None where that was not measured.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    curve: Curve | None = None
    outliers: Outliers = Outliers()
    leak: Leak | None = None
