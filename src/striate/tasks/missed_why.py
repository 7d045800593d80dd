"""Why an object was not found: what each cell of the output says of it, and the first cause that holds. No torch.

What the causes are, and in which order they are looked for, is said in `striate.tasks.missed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.boxes import iou
from striate.tasks.answering import number_of
from striate.tasks.box_candidates import BOXES, LOW, candidates
from striate.tasks.box_rows import VISIBLE
from striate.tasks.boxes import Boxes
from striate.tasks.cells import Cells, boxes_at
from striate.tasks.detect_question import box_question
from striate.tasks.missed import NEAR, SAME, Candidate, Cause, Missed, Wanted, taken_by
from striate.tasks.question import AnswerCell
from striate.tasks.values import NOTHING, LabelFacts

if TYPE_CHECKING:
    from striate.data.pictures.crop_transform import CropTransform
    from striate.metrics.probability import Bools, Floats
    from striate.tasks.detect_state import LearntBoxes


def why_missed(
    output: NDArray[np.floating],
    facts: LabelFacts,
    learnt: LearntBoxes,
    wanted: Wanted,
    crop: CropTransform,
    *,
    options: Mapping[str, Any] = NOTHING,
) -> Missed:
    """Return why an object of a picture was not found, of which a net says ``output`` (S,).

    ``crop`` is where the network's input lies in the picture. Errors: StriateError for a class that is not there, or an
    output that is laid out otherwise.
    """
    kind = _kind(wanted, facts)
    what = f"{'an object' if kind is None else facts.names[kind]} {wanted.told}"
    if not _shown(wanted, crop):
        whole = f"{crop.picture[1]} x {crop.picture[0]}"
        return Missed(
            "outside", wanted, f"Missed: {what} lies outside of what the network is given of the {whole} pixels."
        )
    seen = _Seen.of(output, facts, learnt, wanted, crop, options)
    found = seen.told(kind, what)
    return replace(found, sentence=f"{found.sentence[0].upper()}{found.sentence[1:]}")


@dataclass(frozen=True, eq=False)
class _Seen:
    """All that the output says of one object.

    Of A cells and K classes: ``scores`` and ``raw`` (K, A), ``boxes`` (A, 4) of the input and ``overlaps`` (K, A) with
    the object, of a box that is left where it is put by all that say it; ``solid`` cells have a box with an area.
    ``answer`` are the boxes that are left, in pixels of the input, of which ``rows`` are said; ``taken`` says which of
    those is right about which object.
    """

    wanted: Wanted
    cells: Cells
    answer: Boxes
    raw: Floats
    scores: Floats
    boxes: Floats
    overlaps: Floats
    solid: Bools
    rows: list[int]
    taken: dict[int, int]
    limit: float
    crop: CropTransform

    @classmethod
    def of(
        cls,
        output: NDArray[np.floating],
        facts: LabelFacts,
        learnt: LearntBoxes,
        wanted: Wanted,
        crop: CropTransform,
        options: Mapping[str, Any],
    ) -> _Seen:
        outputs = {BOXES: np.asarray(output, np.float32)[None]}
        (answer,) = candidates(outputs, facts, learnt, options=options)
        cells = Cells.of(facts.facts, len(facts.names))
        (logits,), (numbers,) = cells.split(outputs[BOXES])
        raw = 1 / (1 + np.exp(-logits.astype(np.float64)))
        boxes = boxes_at(cells, numbers.T, np.arange(cells.count))
        kinds = np.repeat(np.arange(len(facts.names)), cells.count)
        scores = learnt.calibrated(raw.ravel(), kinds).reshape(raw.shape)
        solid = np.asarray((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
        placed = replace(answer, boxes=crop.boxes_back(answer.boxes))
        overlaps = np.tile(np.where(solid, _overlaps(crop.boxes_back(boxes), wanted), 0.0), (len(raw), 1))
        overlaps[answer.classes, answer.made_by] = _overlaps(placed.boxes, wanted)
        taken = {} if wanted.truth is None else taken_by(placed, wanted.truth)
        return cls(
            wanted,
            cells,
            answer,
            raw,
            scores,
            boxes,
            overlaps,
            solid,
            answer.said.tolist(),
            taken,
            learnt.overlap,
            crop,
        )

    def told(self, kind: int | None, what: str) -> Missed:
        """Return the cause, the first that holds, with its sentence."""
        has = self._has(kind)
        if has is not None:
            by = "which holds that point" if self.wanted.is_point else f"which overlaps it by {has.overlap:.2f}"
            return Missed("found", self.wanted, f"Not missed: {what} is {has}, {by}.", other=has)
        best = self._best(kind)
        lead = f"missed: {what}."
        if best is not None and best.score >= best.threshold:
            other, overlap = self._suppressor(best)
            said = (
                f"{lead} {self._candidate(best)} is sure enough ({best.name} is said from {best.threshold:.2f}), but"
                f" overlaps {other} by {overlap:.2f}: above {self.limit:.2f} the surer one of a class stays alone."
            )
            return Missed("suppressed", self.wanted, said, best, other, overlap, self.limit)
        weak = self._weak(kind, best)
        ways: tuple[Cause, ...] = ("taken", "class", "place")
        for cause in ways:
            there = self._other(kind, cause)
            if there is not None:
                return Missed(cause, self.wanted, f"{lead} {self._in_the_way(cause, there)}; {weak}.", best, there)
        if best is not None:
            told, cut = _apart(best)
            said = f"{lead} {self._candidate(best, told)} is below {cut}, from which {best.name} is said"
            if (best.at.channel, self._cell(best)) in self._left():
                return Missed("score", self.wanted, f"{said}.", best)
            other, overlap = self._suppressor(best)
            more = f"; and it overlaps {other} by {overlap:.2f}: above {self.limit:.2f} the surer one stays alone"
            return Missed("score", self.wanted, f"{said}{more}.", best, other, overlap, self.limit)
        return Missed("nothing", self.wanted, f"{lead} Nothing like it is proposed: {weak}.")

    def _has(self, kind: int | None) -> Candidate | None:
        """Return the box that is said and has the object, where one does."""
        if self.wanted.truth is not None and self.wanted.row is not None:
            row = next((row for row, there in self.taken.items() if there == self.wanted.row), None)
            return None if row is None else self._said(row)
        rows = [row for row in self.rows if kind is None or self.answer.classes[row] == kind]
        near = [row for row in rows if self._overlap(row) >= SAME]
        # Of several that hold a point, the smallest is about it; of a box, the one that overlaps it most.
        best = min(near, key=lambda row: self._area(row) if self.wanted.is_point else -self._overlap(row), default=None)
        return None if best is None else self._said(best)

    def _best(self, kind: int | None) -> Candidate | None:
        """Return the best candidate that is not said: the highest score, as a share of that from which it is said."""
        said = {(int(self.answer.classes[row]), int(self.answer.made_by[row])) for row in self.rows}
        pairs = [
            (one, int(cell))
            for one in (range(len(self.raw)) if kind is None else [kind])
            for cell in np.flatnonzero(self.solid & (self.overlaps[one] >= SAME) & (self.raw[one] >= LOW))
            if (one, int(cell)) not in said
        ]
        if not pairs:
            return None
        shares = [self.scores[one, cell] / max(float(self.answer.thresholds[one]), 1e-9) for one, cell in pairs]
        return self._of_cell(*pairs[int(np.argmax(shares))])

    def _left(self) -> set[tuple[int, int]]:
        """Return the class and the cell of each box that no surer one dropped."""
        return set(zip(self.answer.classes.tolist(), self.answer.made_by.tolist(), strict=True))

    def _suppressor(self, best: Candidate) -> tuple[Candidate, float]:
        """Return the surest box that is left and overlaps a candidate of its class too far, and by how much."""
        box = self.boxes[self._cell(best)]
        alike = np.flatnonzero(self.answer.classes == best.at.channel)
        over = iou(box[None], self.boxes[self.answer.made_by[alike]])[0]  # before they are put where all say
        first = int(np.flatnonzero(over > self.limit)[0])  # rows are in order of their scores
        return self._said(int(alike[first])), float(over[first])

    def _other(self, kind: int | None, cause: str) -> Candidate | None:
        """Return the box that is said and in the way by a cause, that which overlaps the object most."""
        if kind is None or (self.wanted.is_point and cause != "class"):
            return None
        found = []
        for row in self.rows:
            mine, overlap = self.answer.classes[row] == kind, self._overlap(row)
            holds = {
                "taken": mine and overlap >= SAME,
                "class": not mine and overlap >= SAME and row not in self.taken,
                "place": mine and NEAR <= overlap < SAME and row not in self.taken,
            }[cause]
            found += [row] * bool(holds)
        return self._said(max(found, key=self._overlap)) if found else None

    def _in_the_way(self, cause: str, other: Candidate) -> str:
        if cause == "taken":
            by = f"overlaps it by {other.overlap:.2f}"
            return f"{_upper(other)} {by}, but counts for another object, which it overlaps more"
        if cause == "class":
            by = "its box holds that point" if self.wanted.is_point else f"it overlaps it by {other.overlap:.2f}"
            return f"{_upper(other)} is in its place ({by}), and says another class"
        return f"{_upper(other)} overlaps it by {other.overlap:.2f} alone, and {SAME:.2f} is right"

    def _weak(self, kind: int | None, best: Candidate | None) -> str:
        """Return what the best candidate, or the best cell of all, comes to."""
        if best is not None:
            told, below = _apart(best)
            return f"the best candidate for it, {best.name} {told}, is below {below}, from which {best.name} is said"
        within = (
            "whose box holds that point" if self.wanted.is_point else f"whose box overlaps it by {SAME:.2f} or more"
        )
        free = self.solid.copy()
        free[[int(self.answer.made_by[row]) for row in self.rows if self.answer.classes[row] == kind]] = False
        kinds = list(range(len(self.raw))) if kind is None else [kind]
        most = self.overlaps[kinds].max(axis=0)
        right = np.flatnonzero(free & (most >= SAME))
        if not len(right):
            nearest = float(most[free].max(initial=0.0))
            far = "" if self.wanted.is_point else f" (the nearest by {nearest:.2f})"
            other = "other " if len(self.rows) else ""
            return f"of {self.cells.count:,} cells there is no {other}one {within}{far}"
        top = max(kinds, key=lambda one: float(self.scores[one, right].max()))
        score, cut = float(self.scores[top, right].max()), float(self.answer.thresholds[top])
        name = self.answer.names[top]
        return (
            f"the highest score of {name} among the {len(right):,} of {self.cells.count:,} cells {within} is"
            f" {score:.3f}, and {name} is said from {cut:.2f}"
        )

    def _candidate(self, one: Candidate, score: str = "") -> str:
        by = "which holds that point" if self.wanted.is_point else f"which overlaps it by {one.overlap:.2f}"
        return f"The best candidate for it, {f'{one.name} {score}' if score else one}, {by},"

    def _said(self, row: int) -> Candidate:
        """Return a box that is left, said or not, as a candidate."""
        number = self.rows.index(row) + 1 if row in self.rows else 0
        return self._candidate_of(int(self.answer.classes[row]), int(self.answer.made_by[row]), number)

    def _of_cell(self, kind: int, cell: int) -> Candidate:
        return self._candidate_of(kind, cell, 0)

    def _candidate_of(self, kind: int, cell: int, number: int) -> Candidate:
        left_over = np.flatnonzero((self.answer.classes == kind) & (self.answer.made_by == cell))
        names, box = self.answer.names, self.answer.boxes[left_over] if len(left_over) else self.boxes[cell : cell + 1]
        score, cuts = float(self.scores[kind, cell]), self.answer.thresholds
        alone = Boxes(names, box, np.array([kind]), np.array([score]), cuts, np.array([cell]))
        left, top, right, bottom = self.crop.boxes_back(box)[0].tolist()
        return Candidate(
            number,
            names[kind],
            score,
            float(cuts[kind]),
            (left, top, right, bottom),
            float(self.overlaps[kind, cell]),
            AnswerCell(*self.cells.where(cell), kind),
            box_question(alone, 0, number, self.cells),
        )

    def _cell(self, one: Candidate) -> int:
        level, row, column, _ = one.at
        return sum(self.cells.counts[:level]) + row * self.cells.sizes[level][1] + column

    def _overlap(self, row: int) -> float:
        return float(self.overlaps[self.answer.classes[row], self.answer.made_by[row]])

    def _area(self, row: int) -> float:
        left, top, right, bottom = self.answer.boxes[row].tolist()
        return float((right - left) * (bottom - top))


def _apart(one: Candidate) -> tuple[str, str]:
    """Return the score of a candidate and that from which its class is said, to as many places as tell them apart."""
    for places in (2, 3, 4):
        told, cut = f"{one.score:.{places}f}", f"{one.threshold:.{places}f}"
        if told != cut:
            break
    return told, cut


def _upper(one: Candidate) -> str:
    return f"{str(one)[0].upper()}{str(one)[1:]}"


def _kind(wanted: Wanted, facts: LabelFacts) -> int | None:
    """Return the number of the class of an object, None where nobody says. Errors: StriateError."""
    return None if wanted.word is None else number_of(wanted.word, facts.names)


def _shown(wanted: Wanted, crop: CropTransform) -> bool:
    """Return whether the network's input shows an object: a point lies within it, of a box a quarter or more."""
    if wanted.is_point:
        (x, y), (height, width) = crop.points([wanted.box[:2]])[0].tolist(), crop.size
        return bool(0 <= x < width and 0 <= y < height)
    return float(crop.boxes([wanted.box]).visible[0]) >= VISIBLE


def _overlaps(boxes: Floats, wanted: Wanted) -> Floats:
    """Return how far boxes (A, 4) of the picture overlap the object (A,); of a point 1 where they hold it, else 0."""
    if not wanted.is_point:
        return np.asarray(iou(boxes, [wanted.box])[:, 0])
    x, y = wanted.box[:2]
    holds = (boxes[:, 0] <= x) & (x < boxes[:, 2]) & (boxes[:, 1] <= y) & (y < boxes[:, 3])
    return holds.astype(np.float64)
