"""How well strangers are told, as a value: what a task measured of it. NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from striate.errors import ModelError

# Of the strangers: a threshold that means nothing tells 1 of 20, and who is told one is often misled.
POOR: Final = 0.25


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


def mean_skill(skills: Sequence[StrangerSkill]) -> StrangerSkill:
    """Return what several nets, each trained without other classes, come to: the mean of their shares.

    Example: ``mean_skill([skill_without(seen, unseen, others)] * 2).nets`` is 2.
    """
    return StrangerSkill(
        found=float(np.mean([one.found for one in skills])),
        lost=float(np.mean([one.lost for one in skills])),
        auroc=float(np.mean([one.auroc for one in skills])),
        classes=sum(one.classes for one in skills),
        strangers=sum(one.strangers for one in skills),
        nets=len(skills),
    )


def _rarely(share: float) -> str:
    """Say a small share in words: 1 of 20 known, none of the known."""
    return f"1 of {max(1, round(1 / share))} known" if share >= 0.005 else "none of the known"
