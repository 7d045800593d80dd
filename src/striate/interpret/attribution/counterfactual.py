"""What would change its mind: the smallest part of the picture found whose removal changes the answer. Imports torch.

The picture is cut into cells. Those whose removal alone costs the answer most are removed first, as many as it takes;
then each is brought back that is not needed. What remains is checked by the network, and no cell of it can be brought
back without the old answer coming back too; a smaller set of other cells is not ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import DescribeError
from striate.interpret.attribution.question import answers, batches
from striate.interpret.attribution.removal import REMOVALS, cells, without
from striate.interpret.torch_probe import TorchProbe

ACROSS = 8  # cells a side
FEW = 16  # sizes tried at once


@dataclass(frozen=True, eq=False)
class Change:
    """What has to go for the answer to change from ``before`` to ``after``; ``after`` is None where nothing does it.

    ``mask`` (H, W) bool, in pixels of the network's input: what is removed. ``pixels`` (H, W, C) uint8 is the input,
    ``without`` the same after the removal; ``removal`` what removing means, ``probability`` the old answer's with the
    whole picture and ``left`` without the mask, ``asked`` how many pictures the network was asked about.
    """

    before: str
    after: str | None
    mask: NDArray[np.bool_]
    pixels: NDArray[np.uint8]
    without: NDArray[np.uint8]
    removal: str
    probability: float
    left: float
    asked: int

    @property
    def share(self) -> float:
        """Which part of the picture has to go, 0 to 1."""
        return float(self.mask.mean())

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.after is None:
            return f"Nothing that was tried changes the answer {self.before}, not even the whole picture removed."
        return (
            f"Without {100 * self.share:.0f} % of the picture it says {self.after}, not {self.before} "
            f"(whose probability falls from {self.probability:.2f} to {self.left:.2f}). Removed means "
            f"{REMOVALS[self.removal]}. Each of these cells is needed; other sets of cells may do it too."
        )


def change_of_mind(probe: TorchProbe, *, removal: str = "blur", across: int = ACROSS) -> Change:
    """Return the smallest part found whose removal changes the answer, on a grid of ``across`` cells a side.

    Errors: DescribeError for a removal that is not there, or an answer that has no other to turn to.

    Example: ``change_of_mind(probe).sentence``
    """
    inputs = probe.inputs
    labels = cells(inputs.shape[2], inputs.shape[3], across)
    count, empty, asked = int(labels.max()) + 1, without(inputs, removal), 0

    def ask(sets: Iterable[Iterable[int]]) -> Tensor:
        nonlocal asked
        chosen = [list(each) for each in sets]
        masks = torch.zeros(len(chosen), count, dtype=torch.bool)
        for mask, each in zip(masks, chosen, strict=True):
            mask[each] = True
        asked += len(masks)
        pictures = (torch.where(few[:, labels][:, None], empty, inputs) for few in batches(masks))
        return torch.cat([answers(probe.model, some) for some in pictures])

    whole = ask([[]])
    question = probe.question(whole)

    def margins_of(outputs: Tensor) -> NDArray[np.float64]:
        margin = question.margin(outputs)
        if margin is None:
            raise DescribeError(
                f"what would change its answer is not asked of a model of the task {probe.task.name}: its answer has no"
                " other to turn to"
            )
        return margin.double().numpy()

    alone = ask([cell] for cell in range(count))
    ranked = [int(cell) for cell in np.argsort(margins_of(alone), kind="stable")]
    removed: list[int] = []
    for start in range(0, count, FEW):
        sizes = range(start + 1, min(start + FEW, count) + 1)
        flips = np.flatnonzero(margins_of(ask(ranked[:size] for size in sizes)) < 0)
        if len(flips):
            removed = ranked[: sizes[int(flips[0])]]
            break
    if not removed:
        pixels, none, sure = probe.pixels, np.zeros(labels.shape, bool), question.value(whole)
        return Change(question.answer, None, none, pixels, pixels, removal, sure, sure, asked)
    while len(removed) > 1:
        without_one = [[cell for cell in removed if cell != back] for back in removed]
        margins = margins_of(ask(without_one))
        best = int(margins.argmin())
        if margins[best] >= 0:
            break
        removed = without_one[best]
    final = ask([removed])
    gone = torch.isin(labels, torch.tensor(removed))
    raw = torch.from_numpy(probe.pixels.copy()).permute(2, 0, 1)[None].float()
    left = torch.where(gone, without(raw, removal), raw)[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)
    return Change(
        question.answer,
        probe.question(final).answer,
        gone.numpy(),
        probe.pixels,
        left.numpy(),
        removal,
        question.value(whole),
        question.value(final),
        asked,
    )
