"""Run lengths: a mask as the lengths of its runs, down the columns as COCO has them, or along the rows as CVAT does.

COCO writes them as a list of numbers or, compressed, as text: each number (from the third on less the one two before
it) in groups of five bits, the lowest first, a sixth bit saying that more follow, and 48 added to make it a letter.
Source: ``maskApi.c`` of the COCO API (Lin and Dollar, 2015), written anew here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 1 << 28  # pixels of a mask


def decoded(counts: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask (height, width) of COCO's run lengths, a list or compressed text; runs begin outside.

    Errors: ValueError for what does not read, or does not fill the mask.
    Example: ``decoded([1, 2, 1], 2, 2).tolist()`` is ``[[False, True], [True, False]]``.
    """
    numbers = _uncompressed(counts) if isinstance(counts, str) else counts
    return _filled(numbers, height * width).reshape(width, height).T


def rows_decoded(counts: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask (height, width) of run lengths along the rows; runs begin outside.

    Errors: ValueError, as `decoded`. Example: ``rows_decoded([1, 2, 1], 2, 2).tolist()`` is
    ``[[False, True], [True, False]]``.
    """
    return _filled(counts, height * width).reshape(height, width)


def encoded(mask: NDArray[np.bool_]) -> str:
    """Return a mask as COCO's compressed run lengths.

    Example: ``encoded(np.array([[False, True], [True, False]]))`` is ``"121"``.
    """
    flat = mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    numbers = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    text = []
    for at, value in enumerate(numbers):
        left = value - numbers[at - 2] if at > 2 else value
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5
            more = left != -1 if bits & 0x10 else left != 0
            text.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(text)


def _uncompressed(text: str) -> list[int]:
    numbers: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 40:
            raise ValueError("the text is no compressed run lengths")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the text ends within a number")
    return numbers


def _filled(counts: Any, pixels: int) -> NDArray[np.bool_]:
    if not isinstance(counts, list | tuple) or not all(type(one) is int and one >= 0 for one in counts):
        raise ValueError("run lengths are whole numbers from 0 on")
    if not 0 < pixels <= MOST or sum(counts) != pixels:
        raise ValueError(f"the runs are {sum(counts):,} pixels long, and the mask has {pixels:,}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts)
