"""Box doubts: what a trained model says against the boxes of a folder's pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from striate.data.labels.marks import Box, BoxMarks
from striate.errors import PictureError, RunError, SearchError
from striate.metrics.boxes import iou
from striate.runs.run import RunDirectory
from striate.search.marked import BoxDoubt, Marked
from striate.tasks.boxes import Boxes
from striate.verbs.workspace import Workspace

SURE: Final = 0.7  # of a box that is said, calibrated, from which a label is missed beside it
NEXT_TO_NOTHING: Final = 0.05  # the best score at a label's place, below which nothing supports it
THERE: Final = 0.3  # the overlap from which a label has to do with a box
LEAST: Final = 1 / 3  # of all labels may be without support, for a model to speak against any
PLACE: Final = 0.5  # and from which both are one object


def box_doubts(
    photos: Path, paths: tuple[str, ...], marked: Marked, model: str, workspace: Workspace
) -> tuple[Marked, str]:
    """Return what is marked with what a model says against it, and why it says nothing ("" where it may).

    ``paths`` are those of all pictures, below ``photos``. A model that sees next to nothing at a third of the boxes is
    too weak to speak against any.

    Errors: SearchError for a model that finds no boxes, or knows none of the classes; ModelError, RunError.
    """
    from striate.verbs.predict import open_predictor, predict

    predictor = open_predictor(model=model, workspace=workspace)
    asked = [row for row, marks in enumerate(marked.marks) if marks is not None]
    learnt = _learnt_from(model, workspace)
    found: list[BoxDoubt] = []
    for number, (row, (_, answer)) in enumerate(
        zip(asked, predict(predictor, [photos / paths[row] for row in asked]), strict=True)
    ):
        if workspace.progress is not None:
            workspace.progress("asking the model", number + 1, len(asked))
        if isinstance(answer, PictureError):
            continue
        if not isinstance(answer, Boxes):
            raise SearchError(f"{model} finds no boxes; --model is for a run that does")
        if not set(answer.names) & set(marked.names):
            raise SearchError(
                f"{model} knows {', '.join(answer.names[:4])}, and none of the classes here:"
                f" {', '.join(marked.names[:4])}"
            )
        marks = marked.marks[row]
        assert marks is not None
        found += _of_picture(row, marks, marked.names, answer)
    labelled = sum(len(marks.boxes) for marks in marked.marks if marks is not None)
    alone = sum(one.what == "alone" for one in found)
    if alone > LEAST * labelled:
        return marked, (
            f"nothing is said by {model}, which sees next to nothing at {alone:,} of {labelled:,} labelled boxes: it is"
            " too weak to speak against any"
        )
    order = sorted(found, key=lambda one: one.score if one.what == "alone" else -one.score)
    known = sum(paths[row] in learnt for row in asked)
    return replace(marked, doubts=tuple(order), asked=len(asked), learnt=known), ""


def _of_picture(row: int, marks: BoxMarks, names: tuple[str, ...], answer: Boxes) -> list[BoxDoubt]:
    known = set(names if marks.labelled is None else (names[place] for place in marks.labelled))
    labels = np.array(marks.boxes, np.float64).reshape(-1, 4)
    overlap = (
        iou(answer.boxes, labels) if len(labels) and len(answer.boxes) else np.zeros((len(answer.boxes), len(labels)))
    )
    said = [answer.names[place] for place in answer.classes]
    found: list[BoxDoubt] = []
    for at in answer.said.tolist():
        if answer.scores[at] < SURE or said[at] not in known:
            continue
        if not len(labels) or overlap[at].max() < THERE:
            left, top, right, bottom = (float(edge) for edge in answer.boxes[at])
            box: Box = (left, top, right, bottom)
            found.append(BoxDoubt("missing", row, box, said[at], said[at], float(answer.scores[at])))
    for number, box in enumerate(marks.boxes):
        name = names[marks.classes[number]]
        if number in marks.ignored or name not in answer.names:
            continue
        near = np.flatnonzero(overlap[:, number] >= PLACE)
        mine = [float(answer.scores[at]) for at in near if said[at] == name]
        others = [(float(answer.scores[at]), said[at]) for at in near if said[at] != name]
        if others and max(others)[0] >= SURE and max(mine, default=0.0) < 1 - SURE:
            found.append(BoxDoubt("class", row, box, name, max(others)[1], max(others)[0]))
        elif max([*mine, *(score for score, _ in others)], default=0.0) < NEXT_TO_NOTHING:
            found.append(BoxDoubt("alone", row, box, name, "", max(mine, default=0.0)))
    return found


def _learnt_from(model: str, workspace: Workspace) -> set[str]:
    """Return the keys of the pictures that a run has learnt from; none of a model file, or where nothing says it."""
    try:
        return set(RunDirectory.open(model, workspace.runs_dir).split().get("train", ()))
    except RunError:
        return set()
