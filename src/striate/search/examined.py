"""A folder examined: what was measured of every picture, what could not be read, and what a check finds in that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.words import counted, plural

LEVELS: Final = ("wrong", "doubtful", "to know")
"""How bad a finding is: what is surely wrong, what a person has to judge, and what is good to know."""


@dataclass(frozen=True)
class Unreadable:
    """A picture that cannot be read: its path, why, and what its beginning says it is ("" where that does not read)."""

    path: str
    reason: str
    begins: str = ""


@dataclass(frozen=True)
class NearCopies:
    """Pictures (their ``rows``) that are taken for one, and in words what makes one of another, where that is known."""

    rows: tuple[int, ...]
    words: str = ""


@dataclass(frozen=True)
class Doubt:
    """A label that is doubted: the picture's row, its label, the class said in its place and with what probability.

    ``alike`` is how many of the 10 pictures most like it have the class that was said.
    """

    row: int
    label: int
    said: int
    probability: float
    alike: int


@dataclass(frozen=True, eq=False)
class Examined:
    """What is known of the pictures of a folder.

    ``paths`` (N,) lie below ``folder``; ``rows`` (N,) of `striate.search.measured.MEASURED`; ``sizes`` (N,) of their
    files in bytes; ``digests`` (N,) of those. ``labels`` (N,) are indices into ``names``, -1 where nothing says it;
    ``parts`` (N,) are train, val, test or "". ``near`` are the groups of near copies,
    ``doubts`` the labels that are worth a look, the one that is thought least of first.
    """

    folder: str
    paths: tuple[str, ...]
    rows: NDArray[Any]
    sizes: NDArray[np.int64]
    digests: tuple[bytes, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    near: tuple[NearCopies, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Case:
    """One picture of a finding, or several that belong together: their paths, and what is to be said of them."""

    paths: tuple[str, ...]
    said: str = ""

    def line(self) -> str:
        """Return it in a line.

        >>> Case(("a.jpg", "b.jpg"), "mirrored").line()
        'a.jpg = b.jpg: mirrored'
        """
        return " = ".join(self.paths) + f": {self.said}" * bool(self.said)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"pictures": list(self.paths), "said": self.said}


@dataclass(frozen=True)
class Finding:
    """Something about a folder: its ``kind`` in a word, how bad (of `LEVELS`), what in a sentence, and its cases.

    ``means`` is why that matters, ``remedy`` what to do. ``share`` is the share of all pictures that it is about.
    """

    kind: str
    level: str
    said: str
    means: str
    remedy: str
    cases: tuple[Case, ...] = ()
    share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "kind": self.kind,
            "level": self.level,
            "said": self.said,
            "means": self.means,
            "remedy": self.remedy,
            "share": round(self.share, 6),
            "cases": [case.to_dict() for case in self.cases],
        }


def of_rows(examined: Examined, chosen: NDArray[np.int64], words: list[str]) -> tuple[tuple[Case, ...], float]:
    """Return the cases of some pictures, by their rows and a few words each, and the share of the folder they are."""
    cases = tuple(Case((examined.paths[row],), said) for row, said in zip(chosen.tolist(), words, strict=True))
    return cases, len(cases) / max(1, len(examined) + len(examined.unreadable))


def standing_out(
    examined: Examined,
    chosen: NDArray[np.int64],
    words: list[str],
    *,
    kind: str,
    level: str,
    said: str,
    means: str,
    remedy: str,
) -> Iterator[Finding]:
    """Find the pictures of some rows, where there are any: ``said`` goes on from "3 pictures are".

    Example: ``list(standing_out(examined, np.array([], np.int64), [], kind="a", level="wrong", said="b", means="c",
    remedy="d"))`` is ``[]``.
    """
    if len(chosen):
        cases, share = of_rows(examined, chosen, words)
        start = f"{counted(len(chosen), 'picture')} {plural(len(chosen), 'is')} "
        yield Finding(kind, level, start + said, means, remedy, cases, share)
