"""Boxes, after training: what was found, what that is worth, what may be asked of it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.tasks.answering import PARTS, Answering, wrong_word
from striate.tasks.box_candidates import BOXES, candidates, found_in
from striate.tasks.box_rows import FRAME, UNLOOKED, counts, truths
from striate.tasks.boxes import BOX_COLUMNS, Boxes
from striate.tasks.cells import Cells
from striate.tasks.detect_state import OVERLAPS, LearntBoxes, fit_boxes, learnt_from
from striate.tasks.values import NOTHING, LabelFacts, Labels, Outputs, State
from striate.words import counted

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.metrics.boxes import Found, Truth
    from striate.metrics.probability import Ints
    from striate.tasks.assessment import Basis
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.detect_assessment import BoxAssessment
    from striate.tasks.detect_question import BoxQuestion
    from striate.tasks.missed import Missed, Wanted
    from striate.tasks.sections import Part

UNUSED: Final = "unused"  # a fact of labels: classes that they list, of which no object was found anywhere
AP50: Final = "AP50"
AP: Final = "AP"
COUNTS: Final = "error of counts"
SPARE: Final = 8.0  # pixels of the input from a tile's edge, within which a box may be of something that it cuts
LEAST: Final = 0.2  # of a tile, that the next one sees too
QUICK: Final = 0.05  # and of an epoch's figures


def by_overlap(outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[float, list[Found]]:
    """Return all boxes with raw scores, in pixels of the pictures, for each overlap that two of them may have."""
    raw = LearntBoxes.nothing(len(facts.names))
    tried = OVERLAPS if len(targets) else OVERLAPS[:1]
    return {one: found_in(candidates(outputs, facts, replace(raw, overlap=one)), targets) for one in tried}


def learnt_of(
    found: Mapping[float, Sequence[Found]], there: Sequence[Truth], rows: Sequence[int] | Ints, facts: LabelFacts
) -> State:
    """Return what is learnt of the boxes of some pictures, ``rows`` of those ``found`` by `by_overlap`.

    Which overlap two boxes may have: the one with the best average precision, of AP50 and AP the mean; and what
    `fit_boxes` learns.
    """
    from striate.metrics.average_precision import coco

    truth, tried = [there[row] for row in rows], []
    for overlap, every in found.items():
        some = [every[row] for row in rows]
        precision = coco(some, truth, facts.names) if truth else None
        tried.append((np.nan_to_num(precision.ap50 + precision.ap) if precision else 0.0, some, overlap))
    _, best, overlap = max(tried, key=lambda one: one[0])
    return fit_boxes(best, truth, facts.names, overlap=overlap)


def by_folds(
    outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, folds: Ints
) -> tuple[list[Boxes], NDArray[np.float64]]:
    """Return out-of-fold answers as the other folds teach, and from which score on boxes are said (N, K)."""
    found, there, output = by_overlap(outputs, targets, facts), truths(targets), outputs[BOXES]
    answers: dict[int, Boxes] = {}
    thresholds = np.zeros((len(targets), len(facts.names)))
    for fold in np.unique(folds):
        mine = np.flatnonzero(folds == fold)
        learnt = learnt_from(learnt_of(found, there, np.flatnonzero(folds != fold), facts), len(facts.names))
        thresholds[mine] = learnt.thresholds
        answers |= dict(zip(mine.tolist(), candidates({BOXES: output[mine]}, facts, learnt), strict=True))
    return [answers[row] for row in range(len(targets))], thresholds


class DetectAnswering(Answering):
    """The answering half of `striate.tasks.detect.Detect`. ``learnt`` is a `LearntBoxes`."""

    output = BOXES
    headline = AP50
    higher_is_better = True
    aims = ("precision", "recall")
    asks = frozenset({"object", "missed"})

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:  # noqa: D102
        return BOX_COLUMNS

    def warnings(self, learnt: Any, options: Mapping[str, Any] = NOTHING) -> tuple[str, ...]:
        """Return that nothing was learnt of scores, or that what is asked for was not reached."""
        if options.get("precision") is not None and options.get("recall") is not None:
            raise StriateError("precision and recall are asked for together; one decides where boxes are said from")
        for name in ("precision", "recall"):
            share = options.get(name)
            if share is None:
                continue
            if not 0 < float(share) <= 1:
                raise StriateError(f"{name} {share}: it is a share above 0, at most 1, such as 0.95")
            short = learnt.unreached(options)
            if not short:
                continue
            if not learnt.curves:
                return (f"a {name} of {share:g} cannot be promised: {learnt.why or 'no scores were calibrated'}",)
            which = "that class is" if len(short) == 1 else "those are"
            return (f"{counted(len(short), 'class')} did not reach a {name} of {share:g} where it was measured;"
                    f" {which} said from the nearest score on",)  # fmt: skip
        return ()

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to the boxes that are said: thresholds, calibration and suppression too."""
        from striate.tasks.detect_decoding import box_decoding

        return box_decoding(facts, learnt, frame)

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what a graph said of one picture, against its answer."""
        from striate.tasks.detect_decoding import same_cells, same_said

        plain = candidates(outputs, facts, replace(learnt, pooled=False))[0]
        if crop is not None:
            plain = plain.in_picture(crop)
        if "pictures" not in said:
            return same_cells(said, plain)
        return same_said(said, answer, learnt.overlap, plain if learnt.pooled else None)

    def overlap(self, facts: LabelFacts) -> tuple[float, float]:
        """Return enough for nearly all boxes trained on to lie whole in a tile; half where that is not known."""
        extent, size = facts.facts.get("extent", 0), facts.facts.get("input", 0)
        try:
            down, across = ((float(long) + 2 * SPARE) / own for long, own in zip(extent, size, strict=True))
        except (TypeError, ValueError, ZeroDivisionError):  # of an older model, or damaged
            return 0.5, 0.5
        return min(max(down, LEAST), 0.5), min(max(across, LEAST), 0.5)

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return AP50, AP, and how far counts are off a picture and class, of boxes with a score of 0.05 and more."""
        from striate.metrics.average_precision import coco

        answers = candidates(outputs, facts, LearntBoxes.nothing(len(facts.names)), low=QUICK)
        there = truths(targets)
        found = coco(found_in(answers, targets), there, facts.names)
        said = np.array([list(one.counts.values()) for one in answers])
        off = float(np.abs(said - counts(targets, len(facts.names))).mean())
        return {AP50: float(np.nan_to_num(found.ap50)), AP: float(np.nan_to_num(found.ap)), COUNTS: off}

    def standing(self, loss: float, figures: Mapping[str, float]) -> float:
        """Return how far AP is from 1: the loss rises while boxes get better, as what it wants goes by what is said."""
        return 1.0 - figures[AP] if AP in figures else loss

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a figure to three places: ``AP50 0.873``."""
        return f"{name} {value:.2f}" if name == COUNTS else f"{name} {value:.3f}"

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> BoxAssessment:
        """Return average precision by COCO's protocol and what else boxes are worth, in pixels of the pictures.

        Scores of out-of-fold answers are calibrated, and cut, by those of the other folds.
        """
        from striate.tasks.detect_assessment import assess_boxes

        thresholds = learnt.thresholds
        if basis.folds is None:
            answers = candidates(outputs, facts, learnt)
        else:
            answers, thresholds = by_folds(outputs, targets, facts, basis.folds)
        frames = targets[targets[:, :, 0] == FRAME][:, 1:5]
        intervals = [[one.count(name)[2:] for name in facts.names] for one in answers]
        return assess_boxes(
            found_in(answers, targets),
            truths(targets),
            facts.names,
            basis,
            thresholds,
            frames=frames,
            count_intervals=intervals if learnt.pictures and not basis.judging else None,
        )

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return how many boxes of each class each part has, and in how many pictures."""
        from striate.tasks.sections import Table

        used = [part for part in PARTS if len(parts[part])]
        many = {part: counts(values[parts[part]], len(facts.names)) for part in used}
        rows = [
            (
                name,
                *(f"{int(many[part][:, kind].sum()):,} in {int((many[part][:, kind] > 0).sum()):,}" for part in used),
            )
            for kind, name in enumerate(facts.names)
        ]
        none = {part: int((~many[part].any(axis=1)).sum()) for part in used}
        if any(none.values()):
            rows.append(("pictures without a box", *(f"{none[part]:,}" for part in used)))
        rows.append(("pictures", *(f"{len(parts[part]):,}" for part in used)))
        heads = ("boxes, in pictures", *(PARTS[part] for part in used))
        return (Table(heads, tuple(rows), label="boxes of each class by part", folded=len(rows) > 40),)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return the boxes of another source by the classes of this model.

        A class that it lacks was not looked for there, unless it lists it: then there is none.

        Errors: StriateError for classes that the model does not know.
        """
        strange = [name for name in labels.names if name not in facts.names]
        if strange:
            raise StriateError(
                f"has boxes of {counted(len(strange), 'class')} the model does not know:"
                f" {', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''}; it knows {', '.join(facts.names[:10])}"
            )
        places = np.array([facts.names.index(name) for name in labels.names], np.float32)
        known = {*labels.names, *labels.facts.get(UNUSED, ())}
        lacking = [at for at, name in enumerate(facts.names) if name not in known]
        more = np.zeros((len(labels.values), len(lacking), labels.values.shape[2]), np.float32)
        more[:, :, 0] = UNLOOKED
        more[:, :, 1] = lacking
        values = np.concatenate([labels.values, more], axis=1)
        for column, chosen in ((0, labels.values[:, :, 0] >= 0), (1, labels.values[:, :, 0] == UNLOOKED)):
            own = values[:, : labels.values.shape[1], column]
            own[chosen] = places[own[chosen].astype(np.int64)]
        return values

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> BoxQuestion:
        """Return what made a box: ``word`` is its number from 1, or a class, of which the surest is taken."""
        from striate.tasks.detect_question import box_question

        if against is not None:
            raise StriateError("boxes are found one by one, none against another; leave that out, and name a box alone")
        answer = candidates({BOXES: output[None]}, facts, learnt, low=1e-6)[0]
        said = answer.said.tolist()
        if isinstance(word, str) and word.isdecimal():
            word = int(word)
        if isinstance(word, int):
            if not 1 <= word <= len(said):
                there = f"they go from 1 to {len(said)}" if said else "nothing was found"
                raise StriateError(f"there is no box {word}: {there}")
            row = said[word - 1]
        else:
            if word is not None and word not in facts.names:
                raise wrong_word(word, facts.names, "class")
            mine = np.arange(len(answer.boxes))
            if word is not None:
                mine = np.flatnonzero(answer.classes == facts.names.index(word))
            if not len(mine):
                raise StriateError(f"there is nothing{'' if word is None else f' like {word}'} to ask about")
            row = next((one for one in said if one in set(mine.tolist())), int(mine[0]))
        number = said.index(row) + 1 if row in said else 0
        return box_question(answer, row, number, Cells.of(facts.facts, len(facts.names)))

    def missed_object(self, answer: Any, values: NDArray[Any], number: int) -> Wanted:
        """Return the object with a number, from 1, of those that no box of an answer has, in the label's order."""
        from striate.tasks.missed import missed_object

        return missed_object(answer, values, number)

    def missed(
        self, output: NDArray[np.float32], facts: LabelFacts, learnt: Any, wanted: Wanted, crop: CropTransform
    ) -> Missed:
        """Return why an object was not found: the best candidate for it, and what that lacked."""
        from striate.tasks.missed_why import why_missed

        return why_missed(output, facts, learnt, wanted, crop)
