"""What a net of numbers learns by: smooth L1, squared or quantile loss, on standardised numbers.

``smooth-l1`` (Girshick 2015, "Fast R-CNN", equation 3; Huber 1964) is squared near zero and straight beyond ``BETA``
deviations of the target: one wild label pulls no harder than a bad one. ``squared`` learns the mean, ``quantile`` the
quantile that is asked for (Koenker and Bassett 1978): with 0.9 the number that nine of ten stay below.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from striate.errors import StriateError

if TYPE_CHECKING:
    from torch import Tensor

BETA: Final = 1.0  # deviations of the target
ROUND: Final = 0.02  # deviations within which a quantile loss is rounded off, so that it has a slope everywhere
LOSSES: Final = ("smooth-l1", "squared", "quantile")
_QUANTILE: Final = re.compile(r"quantile(?:[ :=]\s*([0-9.eE+-]+))?")


@dataclass(frozen=True)
class NumberLoss:
    """A loss by name; ``quantile`` is that of ``quantile``.

    Example: ``NumberLoss.named("quantile 0.9")``
    """

    kind: str = "smooth-l1"
    quantile: float = 0.5

    @classmethod
    def named(cls, text: str | None) -> NumberLoss:
        """Return the loss of a name, None for the usual one. Errors: StriateError with the names there are."""
        if text is None:
            return cls()
        if text in LOSSES:
            return cls(text)
        found = _QUANTILE.fullmatch(text.strip())
        try:
            quantile = float(found[1]) if found and found[1] else math.nan
        except ValueError:
            quantile = math.nan
        if found is None or not 0 < quantile < 1:
            raise StriateError(
                f"there is no loss {text!r} for numbers; there are smooth-l1, squared, quantile (the median) and"
                ' "quantile 0.9" (what 9 of 10 stay below)'
            )
        return cls("quantile", quantile)

    def of(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, (..., N), the mean over its columns; both are (..., N, W), standardised."""
        return self.with_slopes(outputs, targets)[0]

    def with_slopes(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each row (..., N), and its derivative by the outputs (..., N, W).

        Example: ``NumberLoss.named("squared").with_slopes(torch.tensor([[3.0]]), torch.tensor([[1.0]]))[0]`` is
        ``[2.0]``.
        """
        import torch

        error = outputs - targets
        if self.kind == "squared":
            each, slope = 0.5 * error**2, error
        else:
            width = BETA if self.kind == "smooth-l1" else ROUND
            size = error.abs()
            each = torch.where(size < width, 0.5 * error**2 / width, size - 0.5 * width)
            slope = (error / width).clamp(-1.0, 1.0)
            if self.kind == "quantile":  # half of |e|, leaning to the side that is asked for
                lean = 0.5 - self.quantile
                each, slope = 0.5 * each + lean * error, 0.5 * slope + lean
        return each.mean(-1), slope / error.shape[-1]
