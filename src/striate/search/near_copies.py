"""Near copies: the same picture again, turned, mirrored, resized, cropped, recompressed or gray; and from which score.

A small gray picture is taken as its cosine coefficients, in which a turn is a change of signs and axes, and a part of
the picture is an integral that has a closed form. How far the same picture's coefficients differ after it was saved
anew (``within``), and how far those of different pictures (``between``), is learnt from the folder itself; the score of
a pair is by how much likelier those two make it one picture than two (probabilistic linear discriminant analysis with
independent coefficients: Ioffe, "Probabilistic Linear Discriminant Analysis", 2006).

From which score on a pair is taken for copies is fitted too (`threshold`): what variants of the folder's own pictures
reach, and what its pictures never reach with negatives of others, which nobody's copies are (decoys, as in Elias and
Gygi, "Target-decoy search strategy", 2007: they stay distinct however many true copies a folder holds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FINE: Final = 16  # coefficients a side that a pair is judged by
COARSE: Final = 8  # and by which candidates are looked for
CANDIDATES: Final = 4  # of each picture, whole and as a part
PLAIN: Final = 2.0  # of 255, the deviation below which a picture has nothing to be known by
BLOCK: Final = 256
STEPS: Final = (0.04, 0.02, 0.01, 0.005)  # of a side, by which a part's edges are moved to where it fits best

Floats = NDArray[np.float32]


class Window(NamedTuple):
    """A part of a picture: where it begins and how long it is, as shares of the sides."""

    top: float
    left: float
    high: float
    wide: float


WHOLE: Final = Window(0.0, 0.0, 1.0, 1.0)


def _windows() -> tuple[Window, ...]:
    found = []
    for share in (0.92, 0.84, 0.77, 0.7, 0.63):
        places = np.linspace(0.0, 1.0 - share, int(np.ceil((1.0 - share) / 0.1)) + 1)
        found += [Window(float(top), float(left), share, share) for top in places for left in places]
    return tuple(found)


WINDOWS: Final = _windows()
"""The parts of a picture that are looked for in the first place; finer ones are tried from there."""


def waves(begin: NDArray[np.float64], length: NDArray[np.float64], side: int, number: int) -> Floats:
    """Return what takes a row of ``side`` pixels to cosine coefficients (B, number, side) of its part.

    The part begins at ``begin`` (B,) and is ``length`` (B,) long, in shares of the row; pixels are steps, and their
    integrals with each cosine are exact.
    """
    edges = np.arange(side + 1) / side
    at = np.clip((edges - begin[:, None]) / length[:, None], 0.0, 1.0)
    area = np.empty((len(at), number, side + 1))
    area[:, 0] = at
    twice, last, sine = 2 * np.cos(np.pi * at), np.zeros_like(at), np.sin(np.pi * at)
    for order in range(1, number):  # sin((n + 1) x) = 2 cos(x) sin(n x) - sin((n - 1) x)
        area[:, order] = sine / (np.pi * order)
        last, sine = sine, twice * sine - last
    return np.diff(area, axis=2).astype(np.float32)


def coefficients(small: NDArray[np.uint8], windows: NDArray[np.float64] | None = None, number: int = FINE) -> Floats:
    """Return the cosine coefficients (B, number, number) of small pictures (B, S, S), or of a window (B, 4) of each.

    Without the mean, and of length 1, so that neither brightness nor contrast counts.

    Example: ``coefficients(np.zeros((1, 48, 48), np.uint8)).shape`` is ``(1, 16, 16)``.
    """
    side = small.shape[1]
    if windows is None:
        down = waves(np.zeros(1), np.ones(1), side, number)
        made = down[0] @ small.astype(np.float32) @ down[0].T
    else:
        down = waves(windows[:, 0], windows[:, 2], side, number)
        across = waves(windows[:, 1], windows[:, 3], side, number)
        made = down @ small.astype(np.float32) @ across.transpose(0, 2, 1)
    return unit(made)


def unit(made: Floats) -> Floats:
    """Return coefficients (B, n, n) without the mean, of length 1."""
    made = made.copy()
    made[:, 0, 0] = 0.0
    length = np.sqrt((made**2).sum(axis=(1, 2), keepdims=True))
    found: Floats = made / np.maximum(length, 1e-6)
    return found


def oriented(made: Floats, way: int) -> Floats:
    """Return the coefficients (B, n, n) of the same pictures in one of 8 orientations: 0 is as they are, 1 mirrored."""
    sign = (-1.0) ** np.arange(made.shape[1]).astype(np.float32)
    if way & 4:
        made = made.transpose(0, 2, 1)
    if way & 1:
        made = made * sign[None, None, :]
    if way & 2:
        made = made * sign[None, :, None]
    return made


INVERSE: Final = (0, 1, 2, 3, 4, 6, 5, 7)  # the orientation that undoes each
WORDS: Final = (
    "",
    "mirrored",
    "mirrored upside down",
    "turned by 180 degrees",
    "mirrored and turned",
    "turned by 90 degrees",
    "turned by 90 degrees",
    "mirrored and turned",
)


@dataclass(frozen=True, eq=False)
class Likeness:
    """By how much likelier it is that two pictures are one: of coefficients x and y (n, n), sum(b x y - a (x² + y²)).

    ``a`` and ``b`` (n, n) come from how far coefficients differ ``between`` and ``within`` pictures; ``at`` is the
    score from which on a pair is taken for copies.
    """

    a: Floats
    b: Floats
    at: float = np.inf

    @classmethod
    def of(cls, between: Floats, within: Floats) -> Likeness:
        """Return the likeness by two variances (n, n) of every coefficient."""
        between, within = (np.maximum((one + one.T) / 2, 1e-9) for one in (between, within))
        total = between + within
        rest = total**2 - between**2
        return cls((between**2 / (2 * total * rest)).astype(np.float32), (between / rest).astype(np.float32))

    def low(self) -> Likeness:
        """Return the same by the coarse coefficients alone."""
        return Likeness(self.a[:COARSE, :COARSE], self.b[:COARSE, :COARSE], self.at)

    def pairs(self, one: Floats, other: Floats) -> Floats:
        """Return the scores (B,) of pairs of coefficients (B, n, n)."""
        raw = (self.b * one * other - self.a * (one**2 + other**2)).sum(axis=(1, 2))
        found: Floats = np.arcsinh(raw).astype(np.float32)
        return found

    def own(self, made: Floats) -> Floats:
        """Return what every score of these coefficients (B, n, n) loses by them alone."""
        found: Floats = np.einsum("bij,ij->b", made**2, self.a)
        return found


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of pictures: ``one`` (P,) seen in the ``way`` (P,) is ``other`` (P,), or the ``windows`` (P, 4) of it."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    way: NDArray[np.int64]
    windows: NDArray[np.float64]
    score: Floats


def whole_candidates(
    made: Floats, likeness: Likeness, *, asked: NDArray[np.int64] | None = None, decoys: bool = False
) -> Pairs:
    """Return the nearest of all pictures to each of those that are ``asked`` (all), in any orientation.

    With ``decoys``, the nearest negatives.
    """
    count, low = len(made), likeness.low()
    rows = np.arange(count) if asked is None else asked
    some = made[:, :COARSE, :COARSE]
    own, flat = low.own(some), some.reshape(count, -1)
    keep, sign = min(CANDIDATES, count - 1), -1.0 if decoys else 1.0
    near, ways = np.zeros((len(rows), keep), np.int64), np.zeros((len(rows), keep), np.int64)
    for begin in range(0, len(rows), BLOCK):
        mine = rows[begin : begin + BLOCK]
        turned = np.stack([sign * oriented(some[mine], way) * low.b for way in range(8)], axis=1)
        found = (turned.reshape(8 * len(mine), -1) @ flat.T).reshape(len(mine), 8, count)
        best = found.max(axis=1) - own
        best[np.arange(len(mine)), mine] = -np.inf
        first = np.argpartition(-best, keep - 1, axis=1)[:, :keep]
        near[begin : begin + BLOCK] = first
        ways[begin : begin + BLOCK] = np.take_along_axis(found, first[:, None, :], axis=2).argmax(axis=1)
    one, other, way = np.repeat(rows, keep), near.reshape(-1), ways.reshape(-1)
    scores = np.zeros(len(one), np.float32)
    for begin in range(0, len(one), 8192):
        part = slice(begin, begin + 8192)
        scores[part] = likeness.pairs(sign * by_way(made[one[part]], way[part]), made[other[part]])
    return Pairs(one, other, way, np.tile(np.array(WHOLE), (len(one), 1)), scores)


def part_candidates(
    small: NDArray[np.uint8],
    made: Floats,
    likeness: Likeness,
    *,
    asked: NDArray[np.int64] | None = None,
    decoys: bool = False,
) -> Pairs:
    """Return, for each picture that is asked (all), those of which it is a part most likely, and which part.

    It may be mirrored, and is fitted to a quarter of a pixel of ``small`` (N, S, S). With ``decoys``, of negatives.
    """
    count, low = len(made), likeness.low()
    rows = np.arange(count) if asked is None else asked
    places, sign = np.array(WINDOWS), -1.0 if decoys else 1.0
    ways = (0, 1)
    queries = np.concatenate([sign * oriented(made[rows][:, :COARSE, :COARSE], way) * low.b for way in ways])
    queries, keep = queries.reshape(len(ways) * len(rows), -1), min(CANDIDATES // 2, count - 1)
    numbers = np.tile(rows, len(ways))
    top = np.full((len(queries), keep), -np.inf, np.float32)
    near, window = np.zeros((len(queries), keep), np.int64), np.zeros((len(queries), keep), np.int64)
    down, across = (waves(places[:, axis], places[:, axis + 2], small.shape[1], COARSE) for axis in (0, 1))
    for begin in range(0, count, 64):
        some = small[begin : begin + 64]
        cut = down @ some[:, None].astype(np.float32) @ across.transpose(0, 2, 1)
        cut = unit(cut.reshape(-1, COARSE, COARSE))
        own, cut = low.own(cut), cut.reshape(len(cut), -1)
        for start in range(0, len(queries), 1024):
            part = slice(start, start + 1024)
            found = (queries[part] @ cut.T - own).reshape(-1, len(some), len(places))
            best = found.max(axis=2)
            here = numbers[part] - begin
            inside = np.flatnonzero((here >= 0) & (here < len(some)))
            best[inside, here[inside]] = -np.inf
            if not (best.max(axis=1) > top[part, -1]).any():
                continue
            scores = np.concatenate([top[part], best], axis=1)
            order = np.argsort(-scores, axis=1, kind="stable")[:, :keep]
            its = np.broadcast_to(np.arange(begin, begin + len(some)), best.shape)
            top[part] = np.take_along_axis(scores, order, axis=1)
            near[part] = np.take_along_axis(np.concatenate([near[part], its], axis=1), order, axis=1)
            at = np.concatenate([window[part], found.argmax(axis=2)], axis=1)
            window[part] = np.take_along_axis(at, order, axis=1)
    one, way = np.repeat(numbers, keep), np.repeat(np.repeat(ways, len(rows)), keep)
    pairs = Pairs(one, near.reshape(-1), way, places[window.reshape(-1)], np.zeros(len(one), np.float32))
    return fitted(small, made, likeness, pairs, sign=sign)


def fitted(small: NDArray[np.uint8], made: Floats, likeness: Likeness, pairs: Pairs, *, sign: float = 1.0) -> Pairs:
    """Return pairs whose windows were moved to where they fit best, edge by edge, with the scores they have there."""
    windows, scores = pairs.windows.copy(), np.zeros(len(pairs.one), np.float32)
    for begin in range(0, len(windows), 2048):
        part = slice(begin, begin + 2048)
        seen = sign * by_way(made[pairs.one[part]], pairs.way[part])
        pictures, at = small[pairs.other[part]], windows[part].copy()
        best = likeness.pairs(seen, coefficients(pictures, at))
        for step in STEPS:
            for edge in (0, 1, 2, 3, 0, 1, 2, 3):
                for move in (-step, step):
                    tried = _moved(at, edge, move)
                    score = likeness.pairs(seen, coefficients(pictures, tried))
                    better = score > best
                    at[better], best[better] = tried[better], score[better]
        windows[part], scores[part] = at, best
    return Pairs(pairs.one, pairs.other, pairs.way, windows, scores)


def _moved(at: NDArray[np.float64], edge: int, move: float) -> NDArray[np.float64]:
    """Return windows (B, 4) one of whose edges (top, left, bottom, right) was moved, within the picture."""
    tried = at.copy()
    axis = edge % 2
    low, high = at[:, axis], at[:, axis] + at[:, axis + 2]
    if edge < 2:
        low = np.clip(low + move, 0.0, high - 0.5)
    else:
        high = np.clip(high + move, low + 0.5, 1.0)
    tried[:, axis], tried[:, axis + 2] = low, high - low
    return tried


def by_way(made: Floats, way: NDArray[np.int64]) -> Floats:
    """Return coefficients (B, n, n) each in its own orientation."""
    found = made.copy()
    for one in range(1, 8):
        mine = way == one
        if mine.any():
            found[mine] = oriented(made[mine], one)
    return found


def threshold(copies: Floats, decoys: Floats, pictures: int) -> float:
    """Return the score from which on a pair is taken for copies.

    ``copies`` (P,) are scores of variants of pictures with what they were made of; ``decoys`` (D,) the best score of
    some pictures with negatives, of ``pictures`` that there are. It is what 98 of 100 variants reach, or where decoys
    are as good as never, whichever is higher: the tail of decoys is taken as exponential from its upper tenth on, and
    half a decoy among all pictures is let through.

    Example: ``threshold(np.full(50, 9.0, np.float32), np.zeros(50, np.float32), 50)`` is ``9.0``.
    """
    reached = float(np.quantile(copies, 0.02))
    start = float(np.quantile(decoys, 0.9))
    beyond = decoys[decoys > start] - start
    if not len(beyond):
        return reached
    often = len(beyond) / len(decoys) * pictures / 0.5
    return max(reached, start + float(beyond.mean()) * float(np.log(max(1.0, often))))


def best_of(pairs: Pairs, asked: NDArray[np.int64]) -> Floats:
    """Return the best score of each picture that was asked."""
    place = {int(row): number for number, row in enumerate(asked)}
    best = np.full(len(asked), -np.inf, np.float32)
    np.maximum.at(best, np.array([place[int(row)] for row in pairs.one]), pairs.score)
    return best
