"""What an accuracy hides: classes without a picture to measure, and classes told far worse than the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from striate.metrics.classification import ClassMeasure
from striate.metrics.intervals import Interval
from striate.words import plural

FAR: Final = 0.1  # how far below the accuracy a recall is worth a word


def unmeasured(per_class: Sequence[ClassMeasure]) -> tuple[str, ...]:
    """Return the names of the classes that have no picture here, about which nothing is known."""
    return tuple(each.name for each in per_class if not each.support)


def far_below(per_class: Sequence[ClassMeasure], accuracy: Interval) -> tuple[ClassMeasure, ...]:
    """Return the classes whose recall is far below the accuracy, the worst first.

    Far is 10 points or more, and not by chance: the whole interval of the recall lies below the accuracy.
    """
    weak = [
        each
        for each in per_class
        if each.recall is not None and each.recall.value <= accuracy.value - FAR and each.recall.high < accuracy.value
    ]
    return tuple(sorted(weak, key=lambda each: each.recall.value if each.recall else 0.0))


def caveats(per_class: Sequence[ClassMeasure], accuracy: Interval, *, most: int = 3) -> tuple[str, ...]:
    """Return what has to be said beside an accuracy, a sentence each; none where it hides nothing.

    Example: ``caveats(report.per_class, report.accuracy)``
    """
    lines = []
    weak = far_below(per_class, accuracy)
    if weak:
        said = [
            f"{round(each.recall.value * each.support):,} of {each.support:,} {each.name}"
            f" ({100 * each.recall.value:.0f} %)"
            for each in weak[:most]
            if each.recall is not None
        ]
        more = f", and {len(weak) - most} more classes" if len(weak) > most else ""
        lines.append(f"far below that, right are only {', '.join(said)}{more}")
    without = unmeasured(per_class)
    if without:
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        lines.append(
            f"no picture to measure of {plural(len(without), 'class')} {names}: how well"
            f" {'it is' if len(without) == 1 else 'they are'} told is not known, and averages over classes leave"
            f" {'it' if len(without) == 1 else 'them'} out"
        )
    return tuple(lines)
