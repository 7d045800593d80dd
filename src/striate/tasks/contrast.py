"""How well known pictures are told from others that are given, against what the largest softmax alone gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.metrics.classification import auroc
from striate.metrics.intervals import Interval
from striate.metrics.probability import log_softmax
from striate.tasks.ood import OODDetector


@dataclass(frozen=True)
class Contrast:
    """How well known pictures are told from unknown ones, against what the largest softmax alone gives.

    AUROC is the chance that an unknown picture is scored stranger than a known one. ``kept`` is the share of known
    pictures that are answered, ``found`` that of unknown ones that are not, at the threshold.
    """

    auroc: Interval
    softmax_auroc: Interval
    kept: float
    found: float
    known: int
    unknown: int

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {**vars(self), "auroc": self.auroc.to_dict(), "softmax_auroc": self.softmax_auroc.to_dict()}


def contrast(
    unknown: OODDetector, known: tuple[ArrayLike, ArrayLike], strange: tuple[ArrayLike, ArrayLike]
) -> Contrast:
    """Measure on known and on strange pictures, each given as (embeddings, logits)."""
    usual, odd = unknown.score(*known), unknown.score(*strange)
    which = np.arange(len(usual) + len(odd)) >= len(usual)
    unsure = [-log_softmax(logits, unknown.temperature).max(axis=1) for _, logits in (known, strange)]
    return Contrast(
        auroc=auroc(np.concatenate([usual, odd]), which),
        softmax_auroc=auroc(np.concatenate(unsure), which),
        kept=float(1 - unknown.is_unknown(usual).mean()),
        found=float(unknown.is_unknown(odd).mean()),
        known=len(usual),
        unknown=len(odd),
    )
