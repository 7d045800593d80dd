"""Two models on the same pictures: is the difference real, or noise? Paired measures, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.classification import share_of
from striate.metrics.intervals import Interval, wilson

_POWER = (1.959963984540054 + 0.8416212335729143) ** 2  # found 80 times of 100, at 5 %
LEVEL = 0.05  # a p-value below it is called real: in one of twenty comparisons of equals by mistake


@dataclass(frozen=True)
class PairedAccuracy:
    """The answers of models A and B on the same N pictures.

    ``a`` and ``b`` are the accuracies, ``difference`` is b - a; all are shares with 95 % intervals. ``only_a`` counts
    the pictures that A alone gets right, ``only_b`` those that B alone does. ``p_value`` is McNemar's mid-p.
    """

    pictures: int
    a: Interval
    b: Interval
    difference: Interval
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p_value: float
    design: float = 1.0

    @property
    def real(self) -> bool:
        """Whether noise alone would show such a difference in fewer than 5 of 100 comparisons of equals."""
        return self.p_value < LEVEL

    @property
    def needed(self) -> int | None:
        """How many pictures would show a difference of this size 80 times of 100; None where none is seen.

        Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample design".
        """
        gap = abs(self.difference.value)
        apart = (self.only_a + self.only_b) / self.pictures
        return math.ceil(self.design * _POWER * apart / gap**2) if gap else None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        intervals = {name: getattr(self, name).to_dict() for name in ("a", "b", "difference")}
        return {**vars(self), **intervals, "real": self.real, "needed": self.needed}


def paired_accuracy(right_a: ArrayLike, right_b: ArrayLike, *, design: float = 1.0) -> PairedAccuracy:
    """Compare which answers are right, (N,) booleans each, of the same pictures in the same order.

    ``design`` is the design effect of answers that are not independent (cross-validated ones): intervals are as wide,
    and the test counts as many pictures, as it leaves.

    Raises StriateError for no pictures, or different numbers of them.

    Example: ``paired_accuracy([True, False], [True, True]).only_b`` is 1.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    if a.shape != b.shape or a.ndim != 1:
        raise StriateError(f"answers of shapes {a.shape} and {b.shape} are not of the same pictures")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    both = int((a & b).sum())
    return PairedAccuracy(
        pictures=len(a),
        a=share_of(a, design=design),
        b=share_of(b, design=design),
        difference=difference_interval(both, only_a, only_b, len(a) - both - only_a - only_b, design=design),
        both_right=both,
        only_a=only_a,
        only_b=only_b,
        both_wrong=len(a) - both - only_a - only_b,
        p_value=mcnemar(round(only_a / design), round(only_b / design)),
        design=design,
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided mid-p value of McNemar's test, from the pictures on which exactly one model is right.

    The exact binomial test counts the observed split whole and is too careful; the mid-p counts it half.
    Source: Fagerland, Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data".

    Example: ``mcnemar(10, 0)`` is 0.00098; ``mcnemar(0, 0)`` is 1.0.
    """
    discordant, fewer = only_a + only_b, min(only_a, only_b)
    if discordant == 0:
        return 1.0
    terms = [_binomial_half(k, discordant) for k in range(fewer + 1)]
    if only_a == only_b:
        return 1.0 - 0.5 * terms[-1]
    return min(1.0, 2 * (sum(terms) - 0.5 * terms[-1]))


def difference_interval(both: int, only_a: int, only_b: int, neither: int, *, design: float = 1.0) -> Interval:
    """Return b - a, the difference of two paired proportions, with Newcombe's score interval.

    Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on
    paired data", method 10: Wilson's intervals of either, joined by their correlation.

    Example: ``difference_interval(8, 0, 2, 0).value`` is 0.2.
    """
    pictures = both + only_a + only_b + neither
    a, b = (wilson(both + only, pictures, design=design) for only in (only_a, only_b))
    if a is None or b is None:
        raise StriateError("there are no pictures to measure; give at least one with its label")
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    product = float(both * neither - only_a * only_b)
    if product > pictures / 2:
        product -= pictures / 2  # corrected for continuity, never past zero
    elif product > 0:
        product = 0.0
    correlation = product / math.sqrt(margins) if margins else 0.0

    def joined(first: float, second: float) -> float:
        return math.sqrt(max(0.0, first**2 - 2 * correlation * first * second + second**2))

    value = b.value - a.value
    low = value - joined(b.value - b.low, a.high - a.value)
    high = value + joined(b.high - b.value, a.value - a.low)
    return Interval(value, max(-1.0, low), min(1.0, high))


def _binomial_half(k: int, trials: int) -> float:
    """Return the chance of ``k`` heads in ``trials`` throws of a fair coin."""
    logarithm = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) - trials * math.log(2)
    return math.exp(logarithm)
