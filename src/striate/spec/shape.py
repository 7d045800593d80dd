"""The shape of what flows between two layers: one picture's feature maps, or one flat vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import index

from striate.errors import DescribeError

LARGEST_SIDE = 1 << 20  # positions on one axis; a picture larger than this is a slip of the keyboard


@dataclass(frozen=True)
class Shape:
    """Channels, height and width of one example; a flat vector has channels alone.

    The batch is left out: a net is described for one picture. Raises `DescribeError` for a size below 1.

        >>> str(Shape(64, 28, 28)), str(Shape(120))
        ('64x28x28', '120')
        >>> Shape(64, 28, 28).elements
        50176
    """

    channels: int
    height: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if (self.height is None) != (self.width is None):
            raise DescribeError("a shape has channels, height and width, or channels alone: give both sides or neither")
        for name in ("channels", "height", "width"):
            value = getattr(self, name)
            if value is None and name != "channels":
                continue
            if isinstance(value, bool) or not hasattr(value, "__index__") or not index(value) >= 1:
                raise DescribeError(f"{name} of a shape must be a whole number of 1 or more, not {value!r}")
            if name != "channels" and index(value) > LARGEST_SIDE:
                raise DescribeError(f"{name} {value} of a shape is too large: at most {LARGEST_SIDE:,}")
            object.__setattr__(self, name, index(value))

    @property
    def is_map(self) -> bool:
        """True for channels with a height and a width, False for a flat vector."""
        return self.height is not None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width); a flat vector counts as one position, (1, 1)."""
        return (self.height or 1, self.width or 1)

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return self.channels * (self.height or 1) * (self.width or 1)

    def __iter__(self) -> Iterator[int]:
        """Channels, height, width (or channels alone), so that ``Conv(6, 5).on(*shape)`` works."""
        yield self.channels
        if self.height is not None and self.width is not None:
            yield self.height
            yield self.width

    def __str__(self) -> str:
        return "x".join(str(number) for number in self)

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Read a ``text``: ``3x32x32`` (channels, height, width), ``3x32`` (square) or ``120`` (a flat vector).

        >>> Shape.parse("3x32") == Shape(3, 32, 32)
        True
        """
        numbers = text.strip().lower().replace("×", "x").split("x")
        plain = all(number.isascii() and number.isdigit() and len(number) < 13 for number in numbers)
        if not 1 <= len(numbers) <= 3 or not plain:
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            raise DescribeError(f"{shown!r} is not a shape: write channels x height x width, like 3x32x32")
        values = [int(number) for number in numbers]
        return cls(values[0], values[1], values[-1]) if len(values) > 1 else cls(values[0])
