"""What an accuracy hides: classes without a picture to measure, and classes told far worse than the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from striate.metrics.classification import ClassMeasure
from striate.metrics.intervals import Interval
from striate.words import plural

BEHIND: Final = 0.05  # how far a class's recall must lie below the accuracy to be called weak, beside not being chance
RARELY: Final = 0.05  # how probable chance may be, over all classes together


def unmeasured(per_class: Sequence[ClassMeasure]) -> tuple[str, ...]:
    """Return the names of the classes that have no picture here, about which nothing is known."""
    return tuple(each.name for each in per_class if not each.support)


def far_below(per_class: Sequence[ClassMeasure], accuracy: Interval) -> tuple[ClassMeasure, ...]:
    """Return the classes whose recall is far below the accuracy, the worst first.

    Far is 5 points or more, which by chance happens less than once in 20: exact binomial, Bonferroni's correction over
    the classes that have pictures. The verdict calls a class weak by this rule too.
    """
    tested = [each for each in per_class if each.recall is not None]
    weak = [
        each
        for each in tested
        if each.recall is not None
        and each.recall.value <= accuracy.value - BEHIND
        and _by_chance(round(each.recall.value * each.support), each.support, accuracy.value) * len(tested) < RARELY
    ]
    return tuple(sorted(weak, key=lambda each: each.recall.value if each.recall else 0.0))


def caveats(per_class: Sequence[ClassMeasure], accuracy: Interval, *, most: int = 3) -> tuple[str, ...]:
    """Return what has to be said beside an accuracy, a sentence each; none where it hides nothing.

    Example: ``caveats((), Interval(0.9, 0.8, 0.95))`` is ``()``.
    """
    lines = []
    weak = far_below(per_class, accuracy)
    if weak:
        said = [
            f"{each.name} ({round(each.recall.value * each.support):,} of {each.support:,} right,"
            f" {100 * each.recall.value:.0f} %)"
            for each in weak[:most]
            if each.recall is not None
        ]
        more = f", and {len(weak) - most} more classes" if len(weak) > most else ""
        lines.append(f"far below that: {', '.join(said)}{more}")
    without = unmeasured(per_class)
    if without:
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        lines.append(
            f"no picture to measure of {plural(len(without), 'class')} {names}: how well"
            f" {'it is' if len(without) == 1 else 'they are'} told is not known, and averages over classes leave"
            f" {'it' if len(without) == 1 else 'them'} out"
        )
    return tuple(lines)


def _by_chance(hits: int, trials: int, share: float) -> float:
    """Return how probable at most ``hits`` of ``trials`` are, each with probability ``share`` (exact binomial)."""
    if share >= 1:
        return 1.0 if hits >= trials else 0.0
    if share <= 0:
        return 1.0
    whole = math.lgamma(trials + 1)
    return sum(
        math.exp(
            whole
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(share)
            + (trials - k) * math.log1p(-share)
        )
        for k in range(hits + 1)
    )
