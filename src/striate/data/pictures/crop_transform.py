"""Where the network's input lies in the picture it was made from: boxes of pixels, taken from one to the other."""

from __future__ import annotations

from typing import NamedTuple

from striate.data.pictures.preprocess import Preprocess


class Box(NamedTuple):
    """A rectangle of pixels: rows ``top`` up to, not including, ``bottom``; columns ``left`` up to ``right``.

    Whole numbers in pixels of the network's input; fractions where it was taken into the original picture.
    """

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left

    def clipped(self, height: float, width: float) -> Box:
        """Return the part of it that lies within a picture of this size."""
        top, bottom = (min(max(side, 0), height) for side in (self.top, self.bottom))
        left, right = (min(max(side, 0), width) for side in (self.left, self.right))
        return Box(top, left, bottom, right)


class CropTransform(NamedTuple):
    """The network's input within its picture: row `y` of the input lies at ``top + y * down`` of the picture.

    And column `x` at ``left + x * across``; both in pixels, edges at whole numbers. ``height`` and ``width`` are the
    picture's.

    >>> CropTransform.of(Preprocess(4, 4, 1), 8, 16)
    CropTransform(top=0.0, left=4.0, down=2.0, across=2.0, height=8, width=16)
    """

    top: float
    left: float
    down: float
    across: float
    height: int
    width: int

    @classmethod
    def of(cls, how: Preprocess, height: int, width: int) -> CropTransform:
        """Return the frame of what ``how`` makes of a picture of ``height`` x ``width`` pixels."""
        if how.resize == "stretch":
            tall, wide = height * how.crop_share, width * how.crop_share
            return cls((height - tall) / 2, (width - wide) / 2, tall / how.height, wide / how.width, height, width)
        if how.resize == "pad":
            scale = max(height / how.height, width / how.width)
            tall = min(how.height, max(1, round(height / scale)))
            wide = min(how.width, max(1, round(width / scale)))
            down, across = height / tall, width / wide
            above, before = (how.height - tall) // 2, (how.width - wide) // 2
            return cls(-above * down, -before * across, down, across, height, width)
        scale = how.crop_share * min(height / how.height, width / how.width)
        top, left = (max(0.0, (given - own * scale) / 2) for given, own in ((height, how.height), (width, how.width)))
        if scale == 1.0:  # nothing is resampled, so the crop begins at a whole pixel
            top, left = float(int(top)), float(int(left))
        return cls(top, left, scale, scale, height, width)

    def box(self, box: Box) -> Box:
        """Return where a box of the input lies in the picture; it may reach beyond it."""
        return Box(
            self.top + box.top * self.down,
            self.left + box.left * self.across,
            self.top + box.bottom * self.down,
            self.left + box.right * self.across,
        )
