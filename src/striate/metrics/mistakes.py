"""Wrong answers, one by one: those it was surest of, and those whose label is worth a look (confident learning)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.metrics.outcomes import Outcomes
from striate.metrics.probability import Ints

WORST = 100
SURE = 13 / 15  # confidence from which an answer is a sure one: the two highest bins of a reliability diagram


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: which picture (its row), what it is, what it was called, and how likely each was said to be."""

    index: int
    target: int
    predicted: int
    confidence: float
    target_probability: float

    def named(self, keys: Sequence[str], names: Sequence[str]) -> dict[str, object]:
        """Return it with the names of its picture and classes, ready for JSON."""
        return {
            "picture": keys[self.index],
            "label": names[self.target],
            "answer": names[self.predicted],
            "confidence": self.confidence,
            "self_confidence": self.target_probability,
        }

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON; classes by number."""
        return dict(vars(self))


def worst_mistakes(seen: Outcomes) -> tuple[Mistake, ...]:
    """Return the most confidently wrong answers, surest first, at most 100."""
    wrong = np.flatnonzero(~seen.correct)
    # Among equally sure ones, those that thought least of the truth; then in the pictures' order.
    order = wrong[np.lexsort((wrong, seen.target_probability[wrong], -seen.confidence[wrong]))][:WORST]
    return _as_mistakes(seen, order)


def label_issues(seen: Outcomes, *, classes: int) -> tuple[Mistake, ...]:
    """Return the answers that stand against a label with confidence, the one that thinks least of its label first.

    By confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
    Labels", section 3): an answer counts against a label when the class it names is at least as probable as that class
    is, on average, for the pictures that carry its label. An answer of 13/15 (87 %) and more counts in any case, so
    that all those are here which the verdict calls sure. The order is that of self-confidence, the probability of the
    given label. It holds for answers to pictures that had not been seen: of a picture that was learnt from, a net
    repeats the label. A label on this list is worth a look; whether it is wrong, a person has to say.

    Example: ``label_issues(outcomes([[9.0, 0.0]] * 9 + [[0.0, 9.0]] * 9, [0] * 8 + [1] * 10), classes=2)[0].index`` is
    8.
    """
    support = np.bincount(seen.target, minlength=classes)
    total = np.bincount(seen.target, weights=seen.target_probability, minlength=classes)
    usual = np.where(support > 0, total / np.maximum(support, 1), 1.0)  # mean self-confidence of each class
    against = ~seen.correct & (seen.confidence >= np.minimum(usual[seen.predicted], SURE))
    rows = np.flatnonzero(against)
    return _as_mistakes(seen, rows[np.lexsort((rows, -seen.confidence[rows], seen.target_probability[rows]))])


def _as_mistakes(seen: Outcomes, rows: Ints) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(
            index=int(row),
            target=int(seen.target[row]),
            predicted=int(seen.predicted[row]),
            confidence=float(seen.confidence[row]),
            target_probability=float(seen.target_probability[row]),
        )
        for row in rows
    )
