"""Filter: what a filter does to a picture. No torch; prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from striate.errors import FitError, PictureError
from striate.interpret.arithmetic.filters import Filter, Filtered, apply, named
from striate.interpret.arithmetic.filters import kernel as written
from striate.interpret.picture import read


def filter_picture(
    picture: Path,
    words: Sequence[str] = (),
    *,
    kernel: str | None = None,
    gray: bool | None = None,
    stride: int = 1,
    padding: int | str = 0,
) -> Filtered:
    """Return what a filter makes of a picture: one by name and numbers (``words``), or a ``kernel`` written down.

    ``gray`` weighs the colours to one channel first; None does so for filters that answer to edges and lines, and
    takes each channel by itself where the result is a picture again (blur, sharpen).

    Errors: DescribeError for a filter that is none, PictureError for a picture that is none or smaller than the filter.

    Example: ``filter_picture(Path("cat.jpg"), ["sobel-x"]).strongest()``
    """
    chosen: Filter = written(kernel) if kernel is not None else named(words)
    values = read(picture)
    try:
        return apply(
            chosen, values, stride=stride, padding=padding, gray=not chosen.keeps_scale if gray is None else gray
        )
    except FitError as error:
        rows, columns = chosen.size
        if max(rows - values.shape[0], columns - values.shape[1]) <= 0:
            raise
        raise PictureError(
            f"{picture} is {values.shape[0]} high and {values.shape[1]} wide, too small for a filter of "
            f"{rows}x{columns}: {error}"
        ) from None
