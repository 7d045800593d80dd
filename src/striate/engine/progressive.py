"""Progressive resizing: smaller pictures for the first steps, which learn the coarse. No torch.

Fewer pixels cost less arithmetic in proportion, and a net that ends in global pooling takes any size. Howard's team in
DAWNBench (2018) trained ImageNet so; Tan and Le, "EfficientNetV2" (2021), section 4.1, calls it progressive learning.
All of it is a function of the update, so a training that is resumed needs nothing restored.
"""

from __future__ import annotations

from itertools import pairwise

from striate.train_config import TrainConfig


def side(config: TrainConfig, update: int, steps: int) -> int | None:
    """Return the longer side, in pixels, that an update (from 0, of ``steps``) learns at; None: the full size."""
    return next((pixels for until, pixels in config.progressive if update < round(until * steps)), None)


def size(full: tuple[int, int], longer: int | None) -> tuple[int, int]:
    """Return (height, width) with the proportions of ``full`` and that longer side; never larger than ``full``."""
    if longer is None or longer >= max(full):
        return full
    height, width = (max(1, round(one * longer / max(full))) for one in full)
    return height, width


def input_size(config: TrainConfig, update: int, steps: int, full: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of what an update (from 0, of ``steps``) learns from, where the ``full`` size is that.

    Example: ``input_size(config.changed(progressive=((0.5, 14),)), 0, 100, (28, 28)) == (14, 14)``
    """
    return size(full, side(config, update, steps))


def work(config: TrainConfig, first: int, last: int, steps: int, full: tuple[int, int]) -> float:
    """Return how much arithmetic the updates from ``first`` to before ``last`` are, in updates at the ``full`` size.

    Example: ``work(config, 0, 100, 100, (28, 28)) == 100``
    """
    ends = [round(until * steps) for until, _ in config.progressive]
    edges = [first, *(end for end in ends if first < end < last), last]
    total = 0.0
    for start, end in pairwise(edges):
        height, width = input_size(config, start, steps, full)
        total += (end - start) * (height * width) / (full[0] * full[1])
    return total
