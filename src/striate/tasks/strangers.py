"""How well strangers are told: each class is left out once, and its pictures are asked as strangers. NumPy alone.

Over the features of a frozen trunk a class is left out of what is known (`skill`). A net that was trained whole has
learnt the class with its very features: leaving it out means to train without it (`striate.tasks.left_out`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Floats, Ints
from striate.tasks.stranger_skill import StrangerSkill

NOT_MEASURED: Final = "how well strangers are told was not measured"
NEVER: Final = f"never answered, as {NOT_MEASURED}"
HALVES: Final = 4  # classes from which on two nets, each trained on every other class, leave each class out once
FEWEST: Final = 3  # classes that it takes: a net of one class learns nothing
MOST_CLASSES: Final = 20  # left out at most, evenly chosen; each costs another look at all neighbours

Scored = Callable[[int], Floats]
"""A class left out -> the ood_score (N,) of every picture to what knows the other classes alone."""


def left_out_together(classes: Ints) -> tuple[Ints, ...]:
    """Return which of these classes are left out together, so that each is once; nothing where they are too few.

    Of four or more every second one, and then the others; of three each by itself.

    Example: ``left_out_together(np.arange(4))`` is ``([0, 2], [1, 3])``.
    """
    if len(classes) < FEWEST:
        return ()
    step = 2 if len(classes) >= HALVES else FEWEST
    return tuple(classes[first::step] for first in range(step))


def remedy(classes: int) -> str:
    """Return in a few words how to have it measured for a net that has learnt from these pictures, of so many classes.

    Example: ``remedy(2).startswith("a head on a trunk that has not learnt from these pictures")``
    """
    if classes < FEWEST:
        return (
            "a head on a trunk that has not learnt from these pictures (published weights, --start NAME) is measured by"
            " itself"
        )
    return "--strangers measures it, by training again without some of the classes"


def skill(scored: Scored, targets: Ints, *, known_kept: float) -> StrangerSkill | None:
    """Leave each class out once and measure how well its pictures are told; None where there is no other class.

    ``targets`` (N,) are the classes of the pictures that ``scored`` scores; the threshold keeps ``known_kept`` of the
    pictures of the other classes.

    Example: ``skill(lambda out: np.array([0.0, 0.0, 1.0]), np.array([0, 0, 1]), known_kept=0.95)``
    """
    from striate.metrics.classification import auroc  # which decoding has no use for

    present = np.unique(targets)
    if len(present) < 2:
        return None
    if len(present) > MOST_CLASSES:
        present = present[np.arange(MOST_CLASSES) * len(present) // MOST_CLASSES]
    found, lost, areas, strangers = [], [], [], 0
    for out in present:
        scores, strange = scored(int(out)), targets == out
        threshold = conformal(scores[~strange], known_kept)
        found.append(float((scores[strange] > threshold).mean()))
        lost.append(float((scores[~strange] > threshold).mean()))
        areas.append(float(auroc(scores, strange).value))
        strangers += int(strange.sum())
    return StrangerSkill(
        found=float(np.mean(found)),
        lost=float(np.mean(lost)),
        auroc=float(np.mean(areas)),
        classes=len(present),
        strangers=strangers,
    )


def conformal(scores: Floats, share: float) -> float:
    """Return the score that the share of further ones is expected to stay below (split conformal, Vovk et al. 2005)."""
    ordered: NDArray[np.float64] = np.sort(scores)
    rank = int(np.ceil((len(ordered) + 1) * share - 1e-9))
    return float(ordered[min(rank, len(ordered)) - 1])
