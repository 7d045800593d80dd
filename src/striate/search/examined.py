"""A folder examined: what was measured of every picture, what could not be read, and what a check finds in that."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import Box
from striate.search.marked import Marked
from striate.search.told import Told
from striate.words import counted, plural

LEVELS: Final = ("wrong", "doubtful", "to know")
"""How bad a finding is: what is surely wrong, what a person has to judge, and what is good to know."""


@dataclass(frozen=True)
class Unreadable:
    """A picture that cannot be read: its path, why, and what its beginning says it is ("" where that does not read).

    ``digest`` is of its file, empty where not even that can be read.
    """

    path: str
    reason: str
    begins: str = ""
    digest: bytes = b""


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
    ``doubts`` the labels that are worth a look, the one that is thought least of first; ``told``
    is what pictures say of each other's classes, None where that was not asked;
    ``marked`` are the boxes in them, None where there are none.
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
    told: Told | None = None
    marked: Marked | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def without(self, dropped: Collection[str]) -> Examined:
        """Return the same without some pictures, by their paths."""
        if not dropped:
            return self
        rows = [row for row, path in enumerate(self.paths) if path not in dropped]
        new = {row: number for number, row in enumerate(rows)}
        groups = (replace(one, rows=tuple(new[row] for row in one.rows if row in new)) for one in self.near)
        return replace(
            self,
            paths=tuple(self.paths[row] for row in rows),
            rows=self.rows[rows],
            sizes=self.sizes[rows],
            digests=tuple(self.digests[row] for row in rows),
            labels=self.labels[rows],
            parts=tuple(self.parts[row] for row in rows) if self.parts else (),
            unreadable=tuple(one for one in self.unreadable if one.path not in dropped),
            near=tuple(one for one in groups if len(one.rows) > 1),
            doubts=tuple(replace(one, row=new[one.row]) for one in self.doubts if one.row in new),
            marked=None if self.marked is None else self.marked.kept(new),
        )

    def digest_of(self, path: str) -> str | None:
        """Return the digest of a picture's file in hexadecimal digits; None where there is none, or nothing reads."""
        found = self._by_path.get(path, b"")
        return found.hex() if found else None

    @cached_property
    def _by_path(self) -> dict[str, bytes]:
        return {**dict(zip(self.paths, self.digests, strict=True)), **{one.path: one.digest for one in self.unreadable}}


@dataclass(frozen=True)
class Case:
    """One picture of a finding, or several that belong together: their paths, and what is to be said of them.

    ``mark`` stands between paths in a line: these are the same, or only of one group. ``boxes`` are what it is about
    in the first of the pictures, in its pixels; empty: all of it.
    """

    paths: tuple[str, ...]
    said: str = ""
    mark: str = " = "
    boxes: tuple[Box, ...] = ()

    def line(self) -> str:
        """Return it in a line.

        >>> Case(("a.jpg", "b.jpg"), "mirrored").line()
        'a.jpg = b.jpg: mirrored'
        """
        same = self.mark == " = "
        named = self.paths if same or len(self.paths) <= 4 else (*self.paths[:2], "...", self.paths[-1])
        return self.mark.join(named) + f": {self.said}" * bool(self.said)

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

    >>> one = Examined("a", ("b",), np.zeros(1), np.ones(1, np.int64), (b"",), np.zeros(1, np.int64))
    >>> words = {"kind": "dark", "level": "doubtful", "said": "dark", "means": "", "remedy": ""}
    >>> [finding.said for finding in standing_out(one, np.array([0]), ["as night"], **words)]
    ['1 picture is dark']
    """
    if len(chosen):
        cases, share = of_rows(examined, chosen, words)
        start = f"{counted(len(chosen), 'picture')} {plural(len(chosen), 'is')} "
        yield Finding(kind, level, start + said, means, remedy, cases, share)
