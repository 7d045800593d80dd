"""What lies over a picture of a page: the objects that are there and those that were said, before anybody draws it.

Coordinates are pixels of the network's input, which is the picture that a page shows, where nothing else is said;
`striate.render` draws truth and answer side by side. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError

What: TypeAlias = Literal["right", "wrong", "missed", "open"]
"""Of an object that is there right or missed, of one that was said right or wrong; open is neither."""


@dataclass(frozen=True)
class Mark:
    """An object: left, top, right, bottom (a point where they are the same), what stands beside it, and what it is.

    Example: ``Mark((1.0, 2.0, 1.0, 2.0), "cell", "missed").is_point`` is True.
    """

    box: tuple[float, float, float, float]
    label: str
    what: What

    @property
    def is_point(self) -> bool:
        """Whether it is a point, and no box."""
        left, top, right, bottom = self.box
        return left == right and top == bottom


@dataclass(frozen=True)
class MarkOverlay:
    """Boxes or points over a picture: the ones that are there, and the ones that were said.

    ``size`` is the height and width that their coordinates lie in, None for that of the network's input.
    """

    truth: tuple[Mark, ...]
    answer: tuple[Mark, ...]
    size: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class MaskOverlay:
    """Classes of pixels over a picture: ``truth`` and ``answer`` (H, W) uint8, 255 where nothing is said."""

    truth: NDArray[np.uint8]
    answer: NDArray[np.uint8]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if np.shape(self.truth) != np.shape(self.answer) or np.ndim(self.truth) != 2:
            raise StriateError(
                f"masks over a picture must be (height, width) both, not {np.shape(self.truth)} and"
                f" {np.shape(self.answer)}"
            )


Overlay: TypeAlias = "MarkOverlay | MaskOverlay"
