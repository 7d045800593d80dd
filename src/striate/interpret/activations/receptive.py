"""How much of the picture a unit sees: what it can see by the arithmetic, and what moves it by its gradients.

Imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import Box
from striate.errors import DescribeError
from striate.interpret.torch_probe import Seen, TorchProbe

DRAWS = 4
NOISE = 0.1  # of the deviation of the input
TAIL = 0.0455  # of a Gaussian, beyond two deviations: what Luo et al. leave out


@dataclass(frozen=True, eq=False)
class Effective:
    """How much a place of a part's map sees.

    ``seen`` is the theoretical receptive field. ``influence`` (H, W) float32, 1 at its highest, is how strongly each
    pixel of the network's input moves the place: the root of the mean square of its gradient. ``pixels`` are those
    above 4.55 % of the highest, and ``side`` their square root, which Luo et al. call the size of the effective
    field; ``middle`` bounds the pixels that hold 90 % of the influence, inward from the least.
    """

    part: str
    place: tuple[int, int]
    channel: int | None
    seen: Seen
    influence: NDArray[np.float32]
    pixels: int
    middle: Box

    @property
    def side(self) -> float:
        """The side of a square with as many pixels as are seen in effect."""
        return sqrt(self.pixels)

    @property
    def share(self) -> float:
        """How much of what can be seen is seen in effect, 0 to 1."""
        return self.pixels / max(1.0, self.seen.box.height * self.seen.box.width)


def effective_field(
    probe: TorchProbe,
    part: str,
    place: tuple[int, int] | None = None,
    channel: int | None = None,
    *,
    draws: int = DRAWS,
) -> Effective:
    """Measure what moves a place of a part's map (its middle when not said), all channels or one, on this picture.

    The gradients of ``draws`` copies of the picture, all but the first with a little noise, are put together by the
    root of their mean square. Errors: DescribeError for a part, a place or a channel that is not there.

    Source: Luo, Li, Urtasun and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural
    Networks", NeurIPS 2016, section 4 (they average over random inputs; this is one picture's).

    Example: ``effective_field(probe, "conv1").side <= 3``
    """
    path, shape = probe.part(part), probe.shape(part)
    row, column = place or (shape.size[0] // 2, shape.size[1] // 2)
    probe.require_place(path, row, column)
    if channel is not None and not 0 <= channel < shape.channels:
        raise DescribeError(
            f"{path} has no channel {channel}: it puts out {shape.channels}, numbered from 0 to {shape.channels - 1}"
        )
    random = torch.Generator().manual_seed(0)
    total = torch.zeros(probe.inputs.shape[2:])
    for draw in range(draws):
        noise = torch.randn(probe.inputs.shape, generator=random) * (NOISE * probe.inputs.std() * (draw > 0))
        inputs = (probe.inputs + noise).requires_grad_(True)
        values = probe.model.until(inputs, path)[0]
        values = values[:, row, column] if values.dim() == 3 else values
        (gradient,) = torch.autograd.grad(values.sum() if channel is None else values[channel], inputs)
        total += gradient[0].pow(2).sum(0)
    size = (total / draws).sqrt()
    influence: NDArray[np.float32] = (size / size.max().clamp(min=torch.finfo(size.dtype).tiny)).numpy()
    seen = probe.receptive_field(path, row, column)
    return Effective(
        path, (row, column), channel, seen, influence, int((influence > TAIL).sum()), _middle(influence, 0.9)
    )


def _middle(influence: NDArray[np.float32], share: float) -> Box:
    """Return the box of the strongest pixels that together hold this share of all influence."""
    if not influence.any():
        return Box(0, 0, 0, 0)
    order = np.argsort(-influence, axis=None, kind="stable")
    held = np.cumsum(influence.ravel()[order])
    chosen = order[: int(np.searchsorted(held, share * held[-1])) + 1]
    rows, columns = np.unravel_index(chosen, influence.shape)
    return Box(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
