"""Answers about objects, areas and counts, drawn: over their picture, what a place of one sees, and why one was missed.

Whatever is drawn is drawn on the picture as a person has it, not as the network is given it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from striate.data.pictures.crop_transform import Box
from striate.interpret.activations.receptive import TAIL, Effective
from striate.interpret.attribution.value import Evidence
from striate.render.answer import Answer, Legend, Row, Table, Tile
from striate.render.png.drawn import as_rgb, enlarged, framed, large, over, picture_tile
from striate.render.png.missed_drawn import BoxDrawn, drawn_boxes
from striate.tasks.prediction import Prediction
from striate.words import counted, readable

if TYPE_CHECKING:
    from striate.interpret.torch_probe import TorchProbe
    from striate.tasks.missed import Candidate, Missed

_WIDE = 360  # pixels
MEANS = {
    "outside": "The network is given a part of the picture alone, and the object is not in it.",
    "found": "Nothing was in the way: a box has it.",
    "suppressed": "Two objects of a class that overlap this far are taken for one. Nothing in the picture says so: it"
    " is the rule by which boxes that say the same are dropped.",
    "taken": "Each box counts for one object: two that stand this close take two boxes.",
    "class": "It was seen, and taken for something else.",
    "place": "It was seen, and its edges are too far off to count.",
    "score": "A box is there, and the net is not sure enough: a lower threshold says it, and all that is as unsure.",
    "nothing": "The net sees nothing of the kind there: no threshold would find it.",
}

_TWICE = "A box is there, and two things are in its way: its score, and a surer box that it overlaps too far."


def drawn_answer(probe: TorchProbe, answer: Prediction) -> Tile | None:
    """Return an answer drawn over its picture: boxes with their numbers, areas in colours, a density with its count.

    None for an answer that has no drawing of its own.
    """
    if type(answer).drawn is Prediction.drawn:
        return None
    image = Image.fromarray(as_rgb(probe.original))
    return picture_tile(
        np.asarray(answer.drawn(image).convert("RGB")),
        caption="What it says, on the picture",
        alt=f"the picture with the answer drawn on it: {readable(str(answer))}",
        shown=_WIDE,
    )


def seen_answer(field: Effective, probe: TorchProbe, why: Evidence | None) -> Answer:
    """Return what the place of the answer sees that was asked about, and how much of its box where it made one."""
    row, column = field.place
    tall, wide = probe.shape(field.part).size
    box, (height, width) = field.seen.box, probe.pixels.shape[:2]
    place = f"row {row}, column {column} of the {tall} x {wide} places of {field.part}"
    whole = " (all of them)" if (box.height, box.width) == (height, width) else ""
    said = [
        f"The answer there is made at {place}. By arithmetic it can see {box.height:.0f} x {box.width:.0f} of the"
        f" {height} x {width} pixels that the net is given{whole}; in effect it is moved by about {field.side:.0f} x"
        f" {field.side:.0f}."
    ]
    frames, labels = [box], ["can see"]
    about = None if why is None else getattr(why.question, "box", None)
    if about is not None:
        left, top, right, bottom = about
        object_ = Box(top, left, bottom, right)
        frames.append(object_)
        labels.append("its box")
        moved = _inside(np.asarray(field.influence > TAIL, np.float64), object_) * field.pixels
        sees, moves = _share(object_, box), moved / max(object_.height * object_.width, 1e-9)
        said.append(
            f"It can see {100 * sees:.0f} % of its box and is moved by {100 * moves:.0f} % of it;"
            f" {100 * _inside(field.influence, object_):.0f} % of all influence lies within the box, the rest around"
            " it."
        )
    shown = large(probe.pixels)[0]
    heat = over(shown, enlarged(field.influence, shown.shape[:2]), high=1.0, opacity=0.55)
    return Answer(
        "What did the place that answered see?",
        " ".join(said),
        (
            Row(
                (
                    picture_tile(
                        framed(probe.pixels, frames, labels),
                        caption="All that it can see" + (", and its box" * (len(frames) > 1)),
                        alt=f"the picture with {counted(len(frames), 'frame')}. {' '.join(said)}",
                        shown=_WIDE,
                    ),
                    picture_tile(
                        heat,
                        caption="How strongly each pixel moves it",
                        alt=f"the picture in gray with the influence of each pixel; {field.pixels:,} pixels count",
                        shown=_WIDE,
                    ),
                ),
                legend=Legend(0.0, 1.0, "influence: size of the gradient, 1 at its largest"),
            ),
        ),
        shows="which pixels can reach that place, and the gradient of what it says by each of them on this picture"
        f" (Luo et al. 2016); those count as moving it whose gradient is above {100 * TAIL:.3g} % of the largest.",
        hides="whether a pixel speaks for or against the answer: that is the evidence above.",
    )


def missed_answer(missed: Missed, probe: TorchProbe, answer: Prediction) -> Answer:
    """Return why an object was not found: the object, the best candidate for it and what was in its way, drawn."""
    drawn: list[BoxDrawn] = []
    if not missed.wanted.is_point:
        drawn.append(BoxDrawn(missed.wanted.box, "the object", "object"))
    if missed.other is not None:
        drawn.append(BoxDrawn(missed.other.box, _short(missed.other), "other"))
    if missed.candidate is not None:
        drawn.append(BoxDrawn(missed.candidate.box, _short(missed.candidate), "candidate"))
    point = missed.wanted.box[:2] if missed.wanted.is_point else None
    picture = drawn_boxes(Image.fromarray(as_rgb(probe.original)), drawn, point)
    parts = ["white and dashed is the object" if point is None else "the cross is the point that was asked about"]
    parts += ["orange the best candidate for it"] * (missed.candidate is not None)
    parts += ["blue the box that " + ("has it" if missed.cause == "found" else "is in the way")] * (
        missed.other is not None
    )
    tiles = (
        picture_tile(
            np.asarray(picture),
            caption=f"{'; '.join(parts)[0].upper()}{'; '.join(parts)[1:]}",
            alt=f"the picture with {'; '.join(parts)}. {missed.sentence}",
            shown=_WIDE,
        ),
        drawn_answer(probe, answer),
    )
    rows = [_row("the best candidate", missed.candidate), _row("in the way", missed.other)]
    table = [row for row in rows if row is not None]
    heads = ("", "what it says", "score", "said from", "overlap with the object")
    return Answer(
        "Was it missed, and why?" if missed.cause == "found" else "Why was it missed?",
        missed.sentence,
        (Row(tuple(tile for tile in tiles if tile is not None)),),
        shows="what the places of the answer say of that object: box, score, and what became of it on the way.",
        hides="what in the picture made the score: that is the evidence below, where there is a candidate.",
        notes=(_TWICE if missed.cause == "score" and missed.other is not None else MEANS[missed.cause],),
        table=Table(heads, tuple(table)) if table else None,
    )


def _row(name: str, one: Candidate | None) -> tuple[str, ...] | None:
    if one is None:
        return None
    said = f"box {one.number}, {one.name}" if one.number else one.name
    return name, said, f"{one.score:.2f}", f"{one.threshold:.2f}", f"{one.overlap:.2f}"


def _short(one: Candidate) -> str:
    return f"{one.number} {one.name} {one.score:.2f}" if one.number else f"{one.name} {one.score:.2f}"


def _share(inner: Box, outer: Box) -> float:
    """Return which share of a box lies within another."""
    both = outer.clipped(inner.bottom, inner.right)
    down, across = both.bottom - max(both.top, inner.top), both.right - max(both.left, inner.left)
    area = inner.height * inner.width
    return max(0.0, down) * max(0.0, across) / area if area > 0 else 0.0


def _inside(values: np.ndarray, box: Sequence[float]) -> float:
    """Return which share of values (H, W) lies in a box of pixels (top, left, bottom, right); edges count in part."""
    top, left, bottom, right = box
    rows, columns = np.arange(values.shape[0]), np.arange(values.shape[1])
    down = np.clip(np.minimum(rows + 1, bottom) - np.maximum(rows, top), 0, 1)
    across = np.clip(np.minimum(columns + 1, right) - np.maximum(columns, left), 0, 1)
    total = float(values.sum())
    return float(down @ values @ across) / total if total else 0.0
