"""What was missed, and why, as values: the object, the best candidate for it, what was in the way. No torch.

A candidate is what one cell of the output says: a box, and a score for each class. For an object whose box is known it
is one that overlaps it by half or more, as boxes are measured; for a point, one whose box holds it. Of what may be the
cause, the first that holds is told, as `Cause` has them. Overlaps with the object are in pixels of the picture, those
by which boxes drop each other in pixels of the network's input, as each is measured elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.boxes import Found, Truth
from striate.tasks.box_rows import truths
from striate.tasks.question import AnswerCell, told_box
from striate.words import counted, plural

if TYPE_CHECKING:
    from striate.metrics.probability import Ints
    from striate.tasks.boxes import Boxes
    from striate.tasks.detect_question import BoxQuestion

Cause: TypeAlias = Literal["outside", "found", "suppressed", "taken", "class", "place", "score", "nothing"]
"""What was in the way of finding an object, in the order in which it is looked for:

- ``outside``: it lies where the network's input does not reach.
- ``found``: nothing, it was not missed.
- ``suppressed``: a candidate is sure enough, and a surer box of its class overlaps it too far to be another object.
- ``taken``: a box of its class overlaps it by half, and is counted for another object, which it overlaps further.
- ``class``: a box is in its place and says another class.
- ``place``: a box of its class overlaps it by 0.1 or more and by less than half, and is no other object's.
- ``score``: a candidate is there, and its score is below that from which its class is said.
- ``nothing``: no cell whose box overlaps it has a score that makes a candidate.
"""

SAME: Final = 0.5  # the overlap from which on a box is right, as AP50 has it
NEAR: Final = 0.1  # and from which on it is one in the wrong place (TIDE)


@dataclass(frozen=True)
class Wanted:
    """The object that was missed: its ``box`` in pixels of the picture, of a point without an area; ``told`` is where.

    ``word`` is its class, by name or number, None where nobody says. ``truth`` is what is there in the picture, where
    that is known, and ``row`` which of it is asked about: then boxes that are another object's are told from others.
    """

    box: tuple[float, float, float, float]
    told: str
    word: str | int | None = None
    truth: Truth | None = None
    row: int | None = None

    @property
    def is_point(self) -> bool:
        """Whether it is a point, and no box."""
        return self.box[:2] == self.box[2:]


@dataclass(frozen=True)
class Candidate:
    """What a cell of the output says, in pixels of the picture.

    ``number`` is that of the box as it is said, 0 where it is not; ``score`` is calibrated, and from ``threshold`` on
    its class is said. ``overlap`` is that with the object; of a point 1 where the box holds it.
    """

    number: int
    name: str
    score: float
    threshold: float
    box: tuple[float, float, float, float]
    overlap: float
    at: AnswerCell
    question: BoxQuestion

    def __str__(self) -> str:
        return f"box {self.number} ({self.name} {self.score:.2f})" if self.number else f"{self.name} {self.score:.2f}"


@dataclass(frozen=True)
class Missed:
    """Why an object was not found: the ``cause``, and a ``sentence`` that says it with its figures.

    ``candidate`` is the best there is for it, ``other`` the box that is in its way; None where there is none. Of what
    is ``suppressed``, ``overlap`` is that of both, and ``limit`` the one above which the weaker goes.
    """

    cause: Cause
    wanted: Wanted
    sentence: str
    candidate: Candidate | None = None
    other: Candidate | None = None
    overlap: float | None = None
    limit: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        told: dict[str, Any] = {"cause": self.cause, "sentence": self.sentence, "box": list(self.wanted.box)}
        for name, one in (("candidate", self.candidate), ("other", self.other)):
            told[name] = one and {
                "number": one.number or None, "class": one.name, "score": one.score, "threshold": one.threshold,
                "box": list(one.box), "overlap": one.overlap,
            }  # fmt: skip
        return {**told, "overlap": self.overlap, "limit": self.limit}


def missed_rows(answer: Boxes, truth: Truth) -> list[int]:
    """Return which objects of a picture no box has that is said, in the order of its labels; both in its pixels.

    A box has an object where it is right by COCO's rule at an overlap of 0.50. Ignored ones are not missed.
    """
    have = set(taken_by(answer, truth).values())
    return [row for row in range(len(truth)) if not truth.ignored[row] and row not in have]


def missed_object(answer: Boxes, values: NDArray[Any], number: int) -> Wanted:
    """Return the object with a number, from 1, of those that an answer misses in its picture, in pixels of it.

    ``values`` (1, M, 7) are the rows of its label, as they are before they are placed. Errors: StriateError for a
    number that is not there, with those that are.
    """
    truth = truths(values)[0]
    rows = missed_rows(answer, truth)
    if not 1 <= number <= len(rows):
        each = [f"{at} {answer.names[truth.classes[row]]} in {told_box(truth.boxes[row], bare=True)}"
                for at, row in enumerate(rows, 1)]  # fmt: skip
        there, more = counted(int((~truth.ignored).sum()), "object"), f" and {len(each) - 6} more" * (len(each) > 6)
        told = (
            f"{len(rows)} {plural(len(rows), 'is')} missed: {'; '.join(each[:6])}{more}" if rows else "none is missed"
        )
        raise StriateError(f"there is no missed object {number}: of {there} {told}")
    row = rows[number - 1]
    left, top, right, bottom = truth.boxes[row].tolist()
    where, name = told_box((left, top, right, bottom)), answer.names[truth.classes[row]]
    return Wanted((left, top, right, bottom), f"in {where}", name, truth, row)


def taken_by(answer: Boxes, truth: Truth) -> dict[int, int]:
    """Return which object each box of an answer has that is said and right, in pixels of the picture."""
    from striate.metrics.box_matching import match

    said = answer.said
    found = Found(answer.boxes[said], answer.classes[said], answer.scores[said])
    taken: dict[int, int] = {}
    for one in match([found], [truth], classes=len(answer.names), thresholds=np.array([SAME])):
        right: Ints = np.flatnonzero(one.right[0, 0])
        taken.update(zip(said[one.rows[right]].tolist(), one.taken[0, 0][right].tolist(), strict=True))
    return taken
