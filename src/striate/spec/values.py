"""What a hyperparameter may be: one table from the name of a field's type to how it is checked, written and read.

A layer's fields are annotated with the names below, and that annotation is the whole rule: ``kernel: Size`` makes
a whole number or a (height, width) pair of 1 or more, kept as a pair. Python, text and error messages all go
through this table, so they cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import Any, NamedTuple, TypeAlias, TypeGuard

# How mypy and a reader see them. Checked values are always in the form named in the comment.
Count: TypeAlias = int  # 1 or more
Classes: TypeAlias = int | None  # 1 or more; None: as many as there are classes
Size: TypeAlias = int | tuple[int, int]  # kept as (height, width), each 1 or more
Stride: TypeAlias = int | tuple[int, int] | None  # kept as (height, width); None in a pooling layer: the kernel
Margin: TypeAlias = int | tuple[int, int]  # kept as (height, width), each 0 or more
Uneven: TypeAlias = tuple[tuple[int, int], tuple[int, int]]  # (above, below), (left, right), each 0 or more
Padding: TypeAlias = int | tuple[int, int] | str | Uneven  # a Margin, "same", or another number at each side
Flag: TypeAlias = bool
Share: TypeAlias = float  # 0 to 1, 1 excluded
Positive: TypeAlias = float  # above 0
Real: TypeAlias = float  # finite
Mode: TypeAlias = str  # "nearest" or "bilinear"
Table: TypeAlias = tuple[tuple[int, ...], ...] | None  # for each output channel the input channels it sees


LARGEST_SIZE = 1 << 16  # positions; a larger kernel, stride or padding is a slip of the keyboard
LARGEST_COUNT = 1 << 31  # channels or outputs


def _whole(value: Any, least: int, most: int = LARGEST_COUNT) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or index(value) < least:
        raise ValueError(f"a whole number of {least} or more")
    if index(value) > most:
        raise ValueError(f"a whole number from {least} to {most:,}")
    return index(value)


def _pair(value: Any, least: int) -> tuple[int, int]:
    try:
        if isinstance(value, tuple | list):
            height, width = value
            return _whole(height, least, LARGEST_SIZE), _whole(width, least, LARGEST_SIZE)
        return (_whole(value, least, LARGEST_SIZE),) * 2
    except ValueError:
        raise ValueError(
            f"a whole number from {least} to {LARGEST_SIZE:,}, or a (height, width) pair of them"
        ) from None


def _real(value: Any, expected: str, fits: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        raise ValueError(expected)
    number = float(value)
    if not math.isfinite(number) or not fits(number):
        raise ValueError(expected)
    return number + 0.0  # -0.0 becomes 0.0: equal values then have equal text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def _mode(value: Any) -> str:
    if value not in ("nearest", "bilinear"):
        raise ValueError('"nearest" or "bilinear"')
    return str(value)


def _padding(value: Any) -> tuple[int, int] | str | Uneven:
    if isinstance(value, str):
        if value == "same":
            return value
        raise ValueError('a whole number of 0 or more, a (height, width) pair of them, or "same"')
    if isinstance(value, tuple | list) and any(isinstance(side, tuple | list) for side in value):
        if len(value) != 2 or not all(isinstance(side, tuple | list) for side in value):
            raise ValueError("((above, below), (left, right)) where it is uneven, each a whole number of 0 or more")
        rows, columns = _pair(value[0], 0), _pair(value[1], 0)
        # One value, one form: what is even is written as a pair.
        return (rows, columns) if is_uneven((rows, columns)) else (rows[0], columns[0])
    return _pair(value, 0)


def is_uneven(value: object) -> TypeGuard[Uneven]:
    """Whether a checked ``Padding`` has another number before a map than behind it."""
    return isinstance(value, tuple) and any(isinstance(side, tuple) and side[0] != side[1] for side in value)


def _table(value: Any) -> tuple[tuple[int, ...], ...] | None:
    if value is None:
        return None
    expected = "for each output channel the different input channels it sees, like ((0, 1), (1, 2))"
    try:
        rows = tuple(tuple(sorted(_whole(channel, 0) for channel in row)) for row in value)
    except (TypeError, ValueError):
        raise ValueError(expected) from None
    if not rows or any(not row or len(set(row)) < len(row) for row in rows):
        raise ValueError(expected)
    return rows


def _write_pair(value: tuple[int, int]) -> str:
    return f"{value[0]}" if value[0] == value[1] else f"{value[0]}x{value[1]}"


def _write_padding(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not is_uneven(value):
        return _write_pair(value)
    rows, columns = (f"{before}:{after}" for before, after in value)
    return rows if rows == columns else f"{rows}x{columns}"


def _write_table(value: tuple[tuple[int, ...], ...]) -> str:
    return f"({', '.join(' '.join(map(str, row)) for row in value)})"


class Kind(NamedTuple):
    """How one kind of hyperparameter is checked (raises ValueError naming what is expected) and written as text."""

    check: Callable[[Any], Any]
    write: Callable[[Any], str]


KINDS: dict[str, Kind] = {
    "Count": Kind(lambda value: _whole(value, 1), str),
    "Classes": Kind(lambda value: None if value is None else _whole(value, 1), str),
    "Size": Kind(lambda value: _pair(value, 1), _write_pair),
    "Stride": Kind(lambda value: None if value is None else _pair(value, 1), _write_pair),
    "Margin": Kind(lambda value: _pair(value, 0), _write_pair),
    "Padding": Kind(_padding, _write_padding),
    "Flag": Kind(_flag, str),
    "Share": Kind(lambda value: _real(value, "a number from 0 to 1, 1 excluded", lambda x: 0 <= x < 1), repr),
    "Positive": Kind(lambda value: _real(value, "a number above 0", lambda x: x > 0), repr),
    "Real": Kind(lambda value: _real(value, "a finite number", lambda x: True), repr),
    "Mode": Kind(_mode, str),
    "Table": Kind(_table, _write_table),
}


def as_pair(value: int | tuple[int, int] | str | Uneven | None) -> tuple[int, int]:
    """A checked ``Size``, ``Stride`` or ``Margin`` field as its (height, width) pair.

    >>> as_pair(3), as_pair((1, 7))
    ((3, 3), (1, 7))
    """
    if isinstance(value, tuple):
        height, width = value
        if isinstance(height, int) and isinstance(width, int):
            return height, width
    if isinstance(value, int):
        return value, value
    raise TypeError(f"{value!r} is not a size or a pair of sizes")
