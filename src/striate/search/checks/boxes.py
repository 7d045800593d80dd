"""Boxes that fit nothing: marked twice, odd for their class; pictures without any; what a model says against them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import Box
from striate.metrics.boxes import iou
from striate.search.examined import Case, Examined, Finding
from striate.search.marked import Marked, told_at
from striate.words import counted, plural

SAME: Final = 0.75  # of two boxes' area is common: of real crowds two objects reach about 0.6
TINY: Final = 3.0  # pixels of a side
FEWEST: Final = 50  # boxes of a class, below which no size is usual
FEW: Final = 0.1  # of the pictures may be without an object for that to be worth a look
_END: Final = 0.95  # of a class lie below the number that its spread is measured by


def boxes(examined: Examined) -> Iterator[Finding]:
    """Find boxes that are wrong by themselves, beside the others of their class."""
    marked = examined.marked
    if marked is None:
        return
    yield from _twice(examined, marked)
    yield from _tiny(examined, marked)
    yield from _odd(examined, marked)
    yield from _without(examined, marked)


def _twice(examined: Examined, marked: Marked) -> Iterator[Finding]:
    same: list[tuple[float, Case]] = []
    across: list[tuple[float, Case]] = []
    for row, marks in enumerate(marked.marks):
        if marks is None or len(marks.boxes) < 2:
            continue
        overlap = iou(marks.boxes, marks.boxes)
        for one, other in np.argwhere(np.triu(overlap >= SAME, 1)).tolist():
            first, second = marked.names[marks.classes[one]], marked.names[marks.classes[other]]
            common, both = float(overlap[one, other]), (marks.boxes[one], marks.boxes[other])
            words = f"{told_at(marks.boxes[one])} and {told_at(marks.boxes[other])}, {100 * common:.0f} % in common"
            if first == second:
                same.append((common, Case((examined.paths[row],), f"{first} {words}", boxes=both)))
            else:
                across.append((common, Case((examined.paths[row],), f"{first} and {second} {words}", boxes=both)))
    for found, kind, level, what, means in (
        (same, "box-twice", "wrong", "are marked twice", "A network is told that there are two, and counted wrong."),
        (across, "box-two-classes", "doubtful", "have two classes", "Of two classes of one thing one may be wrong."),
    ):
        if found:
            cases = tuple(case for _, case in sorted(found, key=lambda one: -one[0]))
            number = len(cases)
            said = what if number > 1 else {"are marked twice": "is marked twice"}.get(what, "has two classes")
            yield Finding(
                kind,
                level,
                f"{counted(number, 'object')} {said}",
                means,
                "Remove one of each two.",
                cases,
                len({case.paths for case in cases}) / max(1, len(examined)),
            )


def _tiny(examined: Examined, marked: Marked) -> Iterator[Finding]:
    cases = [
        Case((examined.paths[row],), f"{marked.names[place]} {told_at(box)}", boxes=(box,))
        for row, place, box in _all(marked)
        if min(box[2] - box[0], box[3] - box[1]) < TINY
    ]
    if cases:
        yield Finding(
            "box-tiny",
            "doubtful",
            f"{counted(len(cases), 'box')} {plural(len(cases), 'is')} thinner than {TINY:.0f} pixels",
            "Such boxes come of a slip of the hand or of an object cut off at the edge; nothing can be learnt of them.",
            "Remove or redraw them.",
            tuple(cases),
            len({case.paths for case in cases}) / max(1, len(examined)),
        )


def _odd(examined: Examined, marked: Marked) -> Iterator[Finding]:
    """Find boxes whose size or shape is that of none of their class, by the class's own spread."""
    every = [one for one in _all(marked) if not _at_edge(marked, one[0], one[2])]
    if not every:
        return
    number = len(every)
    limit = NormalDist().inv_cdf(1 - 0.25 / number)  # in two measures, above and below: one of all by chance
    places = np.array([place for _, place, _ in every])
    sides = np.array([(box[2] - box[0], box[3] - box[1]) for _, _, box in every])
    size, shape = np.log(sides.prod(axis=1)), np.log(sides[:, 0] / sides[:, 1])
    found = []
    for place in np.unique(places):
        mine = np.flatnonzero(places == place)
        if len(mine) < FEWEST:
            continue
        larger, wider = _deviations(size[mine]), _deviations(shape[mine])
        for at, row in enumerate(mine.tolist()):
            worst = max(abs(larger[at]), abs(wider[at]))
            if worst > limit:
                by_size = abs(larger[at]) >= abs(wider[at])
                middle = float(np.median((size if by_size else shape)[mine]))
                times = float(np.exp(abs((size if by_size else shape)[row] - middle)))
                up = (larger if by_size else wider)[at] > 0
                words = ("the area", "larger" if up else "smaller") if by_size else ("wider" if up else "taller", "")
                how = f"{times:.1f} times {words[1]} than is usual" if by_size else f"{times:.1f} times {words[0]}"
                found.append((worst, every[row], how))
    if not found:
        return
    found.sort(key=lambda one: -one[0])
    cases = tuple(
        Case((examined.paths[row],), f"{marked.names[place]} {told_at(box)}: {how}", boxes=(box,))
        for _, (row, place, box), how in found
    )
    yield Finding(
        "box-odd",
        "doubtful",
        f"{counted(len(cases), 'box')} {plural(len(cases), 'has')} a size or a shape that is unusual for the class",
        "Some are real; others hold several objects, or part of one, or have the wrong class. Were all boxes of a class"
        " alike but for chance, about one would be said. Boxes at the edge of a picture are left out.",
        "Look at them from the top, and redraw or relabel those that are wrong.",
        cases,
        len({case.paths for case in cases}) / max(1, len(examined)),
    )


def _without(examined: Examined, marked: Marked) -> Iterator[Finding]:
    empty = [row for row, marks in enumerate(marked.marks) if marks is not None and not marks.boxes]
    labelled = sum(marks is not None for marks in marked.marks)
    if empty and len(empty) <= FEW * labelled:
        yield Finding(
            "no-object",
            "doubtful",
            f"{counted(len(empty), 'picture')} {plural(len(empty), 'has')} no object, where nearly all have some",
            "Either nothing is there, and a network learns that; or labels were forgotten, and it learns to miss them.",
            "Look whether there is something in them.",
            tuple(Case((examined.paths[row],)) for row in empty),
            len(empty) / max(1, len(examined)),
        )


def contradicted(examined: Examined) -> Iterator[Finding]:
    """Find boxes that a trained model speaks against (``--model``): missing, of another class, or with no support."""
    marked = examined.marked
    if marked is None or not marked.doubts:
        return
    seen = f"It was asked about {counted(marked.asked, 'picture')}"
    if marked.learnt:
        seen += f", of which it had learnt from {marked.learnt:,}: of those it tends to repeat what is labelled"
    for what, kind, noun, verb, said, means, remedy in (
        (
            "missing",
            "box-missing",
            "place",
            "has",
            "no label where the model is sure of an object",
            "An object without a label teaches a network to miss it, and counts as a false alarm when it is measured.",
            "Look at them from the top, and draw those that are there.",
        ),
        (
            "class",
            "box-class",
            "object",
            "is",
            "labelled as another class than the model is sure of",
            "One of both is wrong.",
            "Look at them from the top, and relabel those that are wrong.",
        ),
        (
            "alone",
            "box-unsupported",
            "object",
            "is",
            "labelled where the model sees next to nothing",
            "Some are hard to see; others are no objects, or drawn beside one.",
            "Look at them, and remove or redraw those that are wrong.",
        ),
    ):
        mine = [one for one in marked.doubts if one.what == what]
        if not mine:
            continue
        cases = tuple(
            Case(
                (examined.paths[one.row],),
                f"{one.name} {told_at(one.box)}, "
                + (f"{one.said} by {100 * one.score:.0f} %" if what == "class" else f"{100 * one.score:.0f} %"),
                boxes=(one.box,),
            )
            for one in mine
        )
        yield Finding(
            kind,
            "doubtful",
            f"{counted(len(cases), noun)} {plural(len(cases), verb)} {said}",
            f"{means} {seen}.",
            remedy,
            cases,
            len({case.paths for case in cases}) / max(1, len(examined)),
        )


def _all(marked: Marked) -> list[tuple[int, int, Box]]:
    return [
        (row, place, box)
        for row, marks in enumerate(marked.marks)
        if marks is not None
        for at, (place, box) in enumerate(zip(marks.classes, marks.boxes, strict=True))
        if at not in marks.ignored
    ]


def _at_edge(marked: Marked, row: int, box: Box) -> bool:
    marks = marked.marks[row]
    high, wide = (0, 0) if marks is None else marks.size
    return box[0] <= 2 or box[1] <= 2 or box[2] >= wide - 2 or box[3] >= high - 2


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far values lie from their middle, in deviations of their own spread, on either side."""
    low, middle, high = np.quantile(values, (1 - _END, 0.5, _END))
    unit = NormalDist().inv_cdf(_END)
    above, below = max(float(high - middle), 1e-3) / unit, max(float(middle - low), 1e-3) / unit
    away = values - middle
    found: NDArray[np.float64] = np.where(away > 0, away / above, away / below)
    return found
