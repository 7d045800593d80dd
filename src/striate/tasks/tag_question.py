"""What raises a tag and what lowers it: the question about one tag of a picture. Torch comes late."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.errors import DescribeError
from striate.tasks.question import Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TagQuestion(Question):
    """Why tag ``target`` is said, or not: what raises its logit and what lowers it.

    ``tags`` are their names. From the logit ``cuts[target]`` on a tag is said; ``said`` says whether it was.

    Example: ``TagQuestion(0, ("sea", "snow"), (0.0, 0.0), said=True).title`` is ``"Why did it say sea?"``
    """

    target: int
    tags: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    said: bool = True

    @property
    def title(self) -> str:  # noqa: D102
        return f"Why did it say {self.name}?" if self.said else f"Why did it not say {self.name}?"

    @property
    def name(self) -> str:
        """The tag."""
        return self.tags[self.target] if 0 <= self.target < len(self.tags) else f"tag {self.target}"

    @property
    def answer(self) -> str:  # noqa: D102
        return self.name if self.said else f"not {self.name}"

    @property
    def unit(self) -> str:  # noqa: D102
        return f"probability of {self.name}"

    def score(self, output: Tensor) -> Tensor:
        """Return the logit of the tag (N,) of logits (N, T). Errors: DescribeError where there is no such tag."""
        if output.dim() != 2:
            raise DescribeError(f"evidence is of a tag of a picture; this net puts out {tuple(output.shape[1:])}")
        if not 0 <= self.target < output.shape[1]:
            raise DescribeError(f"there is no tag {self.target}: they go from 0 to {output.shape[1] - 1}")
        return output[:, self.target]

    def level(self, output: Tensor) -> Tensor:
        """Return the probability of the tag (N,), before calibration."""
        return self.score(output).sigmoid()

    def value(self, output: Tensor) -> float:  # noqa: D102
        return float(self.level(output)[0])

    @property
    def kind(self) -> bool:
        """Whether it is about a tag that is said."""
        return self.said

    def renewed(self, output: Tensor) -> TagQuestion:
        """Return the same about the tag that another network is surest of: one it says, where this one is said."""
        leads = [float(value) - self.cut(place) for place, value in enumerate(output[0].tolist())]
        chosen = max(range(len(leads)), key=lambda place: leads[place])
        return TagQuestion(chosen, self.tags, self.cuts, leads[chosen] >= 0)

    def margin(self, output: Tensor) -> Tensor:
        """Return how far the tag's probability is on its side of the threshold (N,); below 0 on the other side."""
        over = self.level(output) - 1 / (1 + math.exp(-self.cut(self.target)))
        return over if self.said else -over

    def cut(self, place: int) -> float:
        """Return the logit from which on a tag is said; 0 where none is known."""
        return min(max(self.cuts[place], -700.0), 700.0) if place < len(self.cuts) else 0.0
