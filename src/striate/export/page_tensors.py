"""Weights as text of a page: whole numbers of 16 bits with a scale an output, packed small. No torch.

A weight w of an output is the nearest whole number to w * 32767 / (the largest |w| of that output). That is as short as
float16 and some four times as near: float16 spends bits on the size of each weight, and those of one output are alike.
What is small (biases, norms, scales) stays float32.
"""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 32_767  # the largest whole number that is used of 16 bits
SMALL: Final = 4096  # numbers up to which a tensor stays float32


@dataclass
class Packed:
    """Tensors so far: those of 16 bits in ``whole``, float32 ones in ``exact``; `text` is all of them.

    ``small``: up to so many numbers a tensor stays float32; None: every one does.
    """

    small: int | None = SMALL
    whole: list[NDArray[np.int16]] = field(default_factory=list)
    exact: list[NDArray[np.float32]] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=lambda: {"whole": 0, "exact": 0})

    def add(self, values: NDArray[Any], *, axis: int = 0, step: int = 1) -> dict[str, Any]:
        """Keep a tensor and return where it lies, ready for JSON; ``axis`` is that of the outputs.

        ``step``: whole numbers are multiples of it, which pack smaller: of 16 they have 12 bits.

        Example: ``Packed().add(np.ones(3))`` is ``{"shape": [3], "exact": 0}``.
        """
        shape = list(values.shape)
        if self.small is None or values.size <= self.small:
            return {"shape": shape, "exact": self._exact(values)}
        rows = np.moveaxis(values.astype(np.float64), axis, 0).reshape(shape[axis], -1)
        scales = (np.abs(rows).max(axis=1) / MOST).astype(np.float32)
        steps = np.where(scales > 0, scales, 1).astype(np.float64)
        found = (step * np.rint(rows / steps[:, None] / step)).clip(-MOST, MOST).astype(np.int16)
        lying = np.moveaxis(found.reshape([shape[axis], *shape[:axis], *shape[axis + 1 :]]), 0, axis)
        begin = self._counts["whole"]
        self.whole.append(np.ascontiguousarray(lying).reshape(-1))
        self._counts["whole"] += values.size
        return {"shape": shape, "whole": begin, "scales": self._exact(scales), "axis": axis}

    def _exact(self, values: NDArray[Any]) -> int:
        begin = self._counts["exact"]
        self.exact.append(np.ascontiguousarray(values, np.float32).reshape(-1))
        self._counts["exact"] += values.size
        return begin

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers there are of either kind."""
        return dict(self._counts)

    def text(self) -> str:
        """Return all numbers, packed by gzip, in base64: the same tensors give the same text.

        First the high bytes of the whole numbers, then their low bytes, then the float32 ones: high bytes are alike and
        pack well beside each other.
        """
        whole = np.concatenate([*self.whole, np.zeros(0, np.int16)]).astype("<i2").view(np.uint8)
        exact = np.concatenate([*self.exact, np.zeros(0, np.float32)]).astype("<f4").tobytes()
        content = whole[1::2].tobytes() + whole[0::2].tobytes() + exact
        return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")
