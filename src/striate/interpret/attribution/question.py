"""What is asked of an answer: why this class, or why this one and not that one. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import DescribeError

BATCH = 16  # pictures at once: what is held does not grow with how many are asked
BACK = 4  # and where there is a way back, for which every part is held
AREA = 200_000  # pixels at once: more leave the processor's cache, which costs up to twice the time


@dataclass(frozen=True)
class Question:
    """Why class ``target``; with ``against``, why it and not that one: the difference of the two logits."""

    target: int
    against: int | None = None

    def score(self, logits: Tensor) -> Tensor:
        """Return what evidence is sought for, (N,) of logits (N, K): a logit, or the difference of two.

        Errors: DescribeError for outputs that are not one vector a picture, or a class that is not there.
        """
        if logits.dim() != 2:
            raise DescribeError(f"evidence is of a classifier's answer; this net puts out {tuple(logits.shape[1:])}")
        for number in (self.target, self.against or 0):
            if not 0 <= number < logits.shape[1]:
                raise DescribeError(f"there is no class {number}: they go from 0 to {logits.shape[1] - 1}")
        if self.against == self.target:
            raise DescribeError(f"class {self.target} against itself asks nothing; name two classes")
        chosen = logits[:, self.target]
        return chosen if self.against is None else chosen - logits[:, self.against]

    def probability(self, logits: Tensor) -> Tensor:
        """Return the probability of the target (N,): among all classes, or among the two that are compared."""
        if self.against is not None:
            return self.score(logits).sigmoid()
        return logits.softmax(1)[:, self.target]


def batches(tensor: Tensor, size: int = BATCH) -> Iterator[Tensor]:
    """Yield the rows of a tensor a few at a time."""
    for start in range(0, len(tensor), size):
        yield tensor[start : start + size]


@torch.no_grad()
def answers(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return the logits (N, K) of inputs (N, C, H, W), a few at a time, fewer of large ones."""
    size = max(1, min(BATCH, AREA // (pictures.shape[2] * pictures.shape[3])))
    return torch.cat([model(few) for few in batches(pictures, size)])
