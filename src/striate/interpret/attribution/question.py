"""How a net is asked about many pictures at once: what is asked is a `striate.tasks.question`. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

BATCH = 16  # pictures at once: what is held does not grow with how many are asked
BACK = 4  # and where there is a way back, for which every part is held
AREA = 200_000  # pixels at once: more leave the processor's cache, which costs up to twice the time


def batches(tensor: Tensor, size: int = BATCH) -> Iterator[Tensor]:
    """Yield the rows of a tensor a few at a time."""
    for start in range(0, len(tensor), size):
        yield tensor[start : start + size]


@torch.no_grad()
def answers(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return the outputs (N, K) of inputs (N, C, H, W), a few at a time, fewer of large ones."""
    size = max(1, min(BATCH, AREA // (pictures.shape[2] * pictures.shape[3])))
    return torch.cat([model(few) for few in batches(pictures, size)])
