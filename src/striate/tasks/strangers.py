"""How well strangers are told: each class is left out once, and its pictures are asked as strangers. NumPy alone.

Over the features of a frozen trunk a class is left out of what is known (`skill`). A net that was trained whole has
learnt the class with its very features: leaving it out means to train without it (`striate.tasks.left_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError
from striate.metrics.probability import Floats, Ints

POOR: Final = (
    0.25  # of the strangers; a threshold that means nothing tells 1 of 20, and who is told one is often misled
)
NOT_MEASURED: Final = "how well strangers are told was not measured"
NEVER: Final = f"never answered, as {NOT_MEASURED}"
HALVES: Final = 4  # classes from which on two nets, each trained on every other class, leave each class out once
FEWEST: Final = 3  # classes that it takes: a net of one class learns nothing
MOST_CLASSES: Final = 20  # left out at most, evenly chosen; each costs another look at all neighbours

Scored = Callable[[int], Floats]
"""A class left out -> the ood_score (N,) of every picture to what knows the other classes alone."""


@dataclass(frozen=True)
class StrangerSkill:
    """How many strangers are told at how many of the known lost, by leaving each class out once.

    ``found`` is the share of a left-out class's pictures that are told, ``lost`` the share of the known ones that then
    are taken for strangers, ``auroc`` the chance that a stranger is scored stranger than a known picture: means over
    the ``classes`` that were left out, with ``strangers`` pictures in all. ``nets``: how many nets were trained without
    their classes; 0 where the features were made by what has never learnt any of them.
    """

    found: float
    lost: float
    auroc: float
    classes: int
    strangers: int
    nets: int = 0

    @property
    def how(self) -> str:
        """How that was measured, in words."""
        return f"by {self.nets} nets trained without them" if self.nets else "each class left out once"

    @property
    def tells(self) -> bool:
        """Whether strangers are told well enough to say "none of these" at all: a quarter of them, `POOR`."""
        return self.found >= POOR

    def __str__(self) -> str:
        """Say it in words: "9 of 10 strangers at 1 of 20 known"."""
        if not self.tells:
            return "cannot tell strangers"
        return f"{round(10 * self.found)} of 10 strangers at {_rarely(self.lost)}"

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {**asdict(self), "words": str(self), "how": self.how}

    @classmethod
    def from_dict(cls, values: object) -> StrangerSkill:
        """Return what `to_dict` wrote. Errors: ModelError for anything else."""
        if not isinstance(values, Mapping):
            raise ModelError('the model file\'s "none of these": how well strangers are told is no table')
        shares = {name: values.get(name) for name in ("found", "lost", "auroc")}
        counts = {name: values.get(name) for name in ("classes", "strangers")} | {"nets": values.get("nets", 0)}
        for name, value in shares.items():
            real = isinstance(value, int | float) and not isinstance(value, bool)
            if not real or not 0 <= value <= 1:  # type: ignore[operator]  # NaN and infinity neither
                raise ModelError(f'the model file\'s "none of these": {name} is no share from 0 to 1')
        for name, value in counts.items():
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
                raise ModelError(f'the model file\'s "none of these": {name} is no count')
        return cls(**shares, **counts)  # type: ignore[arg-type]


def left_out_together(classes: Ints) -> tuple[Ints, ...]:
    """Return which of these classes are left out together, so that each is once; nothing where they are too few.

    Of four or more every second one, and then the others; of three each by itself.

    Example: ``left_out_together(np.arange(4))`` is ``([0, 2], [1, 3])``.
    """
    if len(classes) < FEWEST:
        return ()
    step = 2 if len(classes) >= HALVES else FEWEST
    return tuple(classes[first::step] for first in range(step))


def mean_skill(skills: Sequence[StrangerSkill]) -> StrangerSkill:
    """Return what several nets, each trained without other classes, come to: the mean of their shares.

    Example: ``mean_skill([first, second]).nets`` is 2.
    """
    return StrangerSkill(
        found=float(np.mean([one.found for one in skills])),
        lost=float(np.mean([one.lost for one in skills])),
        auroc=float(np.mean([one.auroc for one in skills])),
        classes=sum(one.classes for one in skills),
        strangers=sum(one.strangers for one in skills),
        nets=len(skills),
    )


def remedy(classes: int) -> str:
    """Return in a few words how to have it measured for a net that was trained whole, on so many classes."""
    if classes < FEWEST:
        return "a head on a trunk (--from) is measured by itself"
    return "--strangers measures it, by training again without some of the classes"


def skill(scored: Scored, targets: Ints, *, known_kept: float) -> StrangerSkill | None:
    """Leave each class out once and measure how well its pictures are told; None where there is no other class.

    ``targets`` (N,) are the classes of the pictures that ``scored`` scores; the threshold keeps ``known_kept`` of the
    pictures of the other classes.

    Example: ``skill(lambda out: scores_without[out], targets, known_kept=0.95)``
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


def _rarely(share: float) -> str:
    """Say a small share in words: 1 of 20 known, none of the known."""
    return f"1 of {max(1, round(1 / share))} known" if share >= 0.005 else "none of the known"
