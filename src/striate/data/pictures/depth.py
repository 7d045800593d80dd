"""How many of 16 bits a picture uses, and what a person should know of it. May import errors, words; no torch.

Cameras and microscopes of 10, 12 or 14 bits write files of 16. Read by the rule for 16 bits such a picture is nearly
black. Where the file states its depth that is followed (docs/decisions/0012); where it does not, a person may state it
(``Preprocess.bits``), and has to be told that there is something to state. No picture is stretched by what it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.words import counted, plural

FULL: Final = 16
LEAST: Final = 8  # fewer bits than a pixel keeps are no depth of a camera
_USUAL: Final = (8, 10, 12, 14)  # of cameras
_DARK: Final = 2  # bits that nothing in all of a source uses: a quarter of the range is left
_BLACK: Final = 4  # bits that one picture does not use: 15 of 255 are left


@dataclass(frozen=True)
class Depth:
    """Of a picture of 16 bits: how many its file ``stated`` (0: none), how many its largest value ``used`` (1 to 16).

    ``whole`` is False where only the high byte of each value reaches us, as of colour and alpha: a depth that is stated
    later cannot bring back the rest.
    """

    stated: int
    used: int
    whole: bool = True

    @property
    def open(self) -> bool:
        """Whether `Preprocess.bits` decides how it is read."""
        return self.whole and not self.stated


ROW: Final = 3  # bytes that a store keeps of a picture's depth


def to_row(depth: Depth | None) -> bytes:
    """Return a depth as a store keeps it; three zeros for a picture that has not 16 bits."""
    return bytes(ROW) if depth is None else bytes((depth.stated, depth.used, depth.whole))


def tally(rows: NDArray[np.uint8] | None) -> Counter[Depth]:
    """Return how many pictures of 16 bits have which depth, of rows (N, 3) as a store keeps them."""
    if rows is None:
        return Counter()
    kinds, numbers = np.unique(rows, axis=0, return_counts=True)
    pairs = zip(kinds.tolist(), numbers.tolist(), strict=True)
    return Counter({Depth(stated, used, bool(whole)): number for (stated, used, whole), number in pairs if used})


def notes(found: Mapping[Depth, int], bits: int = FULL) -> tuple[str, ...]:
    """Return sentences about all the 16-bit pictures of a source: which depths they state, whether they come out dark.

    ``bits`` is how many of 16 are taken where a file states nothing.

    Example: ``notes({Depth(0, 12): 120})`` says that 120 pictures come out dark, and ``--bits 12``.
    """
    told = []
    for stated in sorted({depth.stated for depth in found if depth.stated}):
        number = sum(many for depth, many in found.items() if depth.stated == stated)
        told.append(
            f"{counted(number, 'picture')} {_verb(number, 'state')} {stated} bits in 16 and"
            f" {plural(number, 'is')} stretched by them"
        )
    unstated = {depth.used: many for depth, many in sorted(found.items(), key=_used) if depth.open}
    number, used = sum(unstated.values()), max(unstated, default=FULL)
    if bits != FULL:
        told.append(_taken(unstated, bits))
    if number and bits - used >= _DARK:
        guess = next(usual for usual in _USUAL if used <= usual)
        told.append(
            f"{counted(number, 'picture')} of 16 bits {_verb(number, 'use')} {used} at most and"
            f" {_verb(number, 'state')} no depth, so that {plural(number, 'it')} {_verb(number, 'come')} out dark"
            f" ({_peak(used, bits)} of 255 at most); if the camera has {guess} bits say --bits {guess}"
            f" (bits = {guess} in a recipe)"
        )
    halves = {depth.used: many for depth, many in found.items() if not depth.whole}
    number, used = sum(halves.values()), max(halves, default=FULL)
    if number and FULL - used >= _DARK:
        told.append(
            f"{counted(number, 'picture')} of 16 bits with colour or alpha {_verb(number, 'use')} {used} at most and"
            f" {_verb(number, 'come')} out dark ({_peak(used, FULL)} of 255 at most); of those only the high byte is"
            " read, whatever is stated: scale them to 8 bits and save them so"
        )
    return tuple(told)


def nearly_black(depth: Depth, bits: int = FULL) -> bool:
    """Return whether a picture comes out nearly black (15 of 255 at most) because nothing states its depth."""
    return not depth.stated and (bits if depth.whole else FULL) - depth.used >= _BLACK


def black_note(names: Sequence[str], number: int, used: int, bits: int = FULL) -> str:
    """Return the line about ``number`` pictures that are `nearly_black`: the first names, and the most bits used."""
    guess = next(usual for usual in _USUAL if used <= usual)
    first = ", ".join(names[:3]) + (", ..." if number > 3 else "")
    return (
        f"{counted(number, 'picture')} of 16 bits {_verb(number, 'use')} {used} at most, {_verb(number, 'state')} no"
        f" depth and {_verb(number, 'come')} out nearly black, {_peak(used, bits)} of 255 at most: {first}; this model"
        f" takes {bits} bits where nothing is stated: state the depth in the file, or train with --bits {guess}"
    )


def _taken(unstated: Mapping[int, int], bits: int) -> str:
    """Return what a stated number of bits came to."""
    number, over = sum(unstated.values()), sum(many for used, many in unstated.items() if used > bits)
    if not number:
        return f"bits = {bits} changes nothing: no picture here is gray, has 16 bits and states no depth"
    white = "" if not over else f"; {over:,} of them {_verb(over, 'hold')} values over {2**bits - 1:,}, which are white"
    return (
        f"{counted(number, 'picture')} of 16 bits that {_verb(number, 'state')} no depth {plural(number, 'is')} read as"
        f" {bits} bits{white}"
    )


def _peak(used: int, bits: int) -> int:
    """Return the brightest pixel of a picture whose values use so many bits, read as ``bits``."""
    return min(255, ((1 << used) - 1) >> (bits - LEAST))


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _used(pair: tuple[Depth, int]) -> int:
    return pair[0].used
