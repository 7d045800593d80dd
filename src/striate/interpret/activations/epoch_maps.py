"""What stages make of one picture while a net learns: of each a few channels, small enough to be kept every epoch.

Imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from striate.errors import DescribeError
from striate.interpret.activations.maps import last_of_each_size
from striate.model.build.model import Model
from striate.runs.maps import Kept

CHANNELS = 12  # of each stage
SIDE = 32  # places at the most; larger maps are averaged over squares
READABLE = 12, 4  # places a side, from which on a map can be read as a picture; or at least as a pattern


def watched(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the parts that are worth watching, the last of each size of map, and channels of each, evenly apart.

    They are the same at every epoch: what is lively later is not known at the first.
    """
    rows = {row.path: row for row in model.net.on(model.shape, fit="floor").rows}
    parts = [part for part in last_of_each_size(rows) if part in model.taps()]
    return {
        part: tuple(np.unique(np.linspace(0, rows[part].shape.channels - 1, CHANNELS).round().astype(int)).tolist())
        for part in parts
    }


@torch.no_grad()
def small_maps(
    model: Model, pixels: NDArray[np.uint8], parts: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[tuple[int, ...], NDArray[np.float32]]]:
    """Return what parts make of a picture (H, W, C) uint8: by part its channels and their maps (n, h, w), made small.

    The model is to be in evaluation mode.

    Example: ``small_maps(model, store.pixels[0], {"conv1": (0, 1)})["conv1"][1].shape`` is ``(2, 16, 16)``.
    """
    device = next(model.buffers()).device
    given = torch.from_numpy(np.array(pixels)).to(device).permute(2, 0, 1)[None].contiguous()
    _, seen = model.forward_with(model.normalise(given), list(parts))
    found = {}
    for part, channels in parts.items():
        if seen[part].dim() != 4:
            continue
        values = seen[part][:, list(channels)].float()
        factor = -(-max(values.shape[2:]) // SIDE)
        small = functional.avg_pool2d(values, factor, ceil_mode=True) if factor > 1 else values
        if bool(small.isfinite().all()):
            found[part] = (channels, small[0].cpu().numpy())
    return found


def chosen(course: Mapping[str, Kept], part: str | None = None, *, why_none: str = "") -> str | None:
    """Return the part to be shown of what was kept: the one asked for, or the last whose maps can be read.

    None where nothing was kept, for the reason ``why_none``. Errors: DescribeError for a part that was not kept.
    """
    if part is not None and part not in course:
        there = f"of {', '.join(course)}" if course else f"of none: {why_none}"
        raise DescribeError(f"no maps of {part!r} were kept while it learnt, but {there}")
    sides = {name: min(next(iter(kept.maps.values())).shape[1:]) for name, kept in course.items()}
    best = [[name for name, side in sides.items() if side >= least] for least in READABLE]
    return part or next((names[-1] for names in (*best, [*course][:1]) if names), None)


def settled(values: Mapping[int, NDArray[np.float32]]) -> int:
    """Return the epoch by which nine tenths of the way from the first of these to the last were gone, for good.

    >>> settled({0: np.zeros(1), 1: np.full(1, 0.5), 2: np.full(1, 0.95), 3: np.ones(1)})
    2
    """
    epochs = sorted(values)
    last = values[epochs[-1]]
    left = [float(np.linalg.norm(values[epoch] - last)) for epoch in epochs]
    far = [epoch for epoch, rest in zip(epochs, left, strict=True) if rest > 0.1 * left[0]]
    return next(epoch for epoch in epochs if not far or epoch > far[-1])
