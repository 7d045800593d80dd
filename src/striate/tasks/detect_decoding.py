"""How a network's output becomes boxes, as steps of an ONNX graph: what `candidates` does, in float32. No torch.

Scores stay logits until the end: so no two of them become equal that were not. `NonMaxSuppression` of ONNX is the
greedy rule too, class by class, and is told of as many boxes as there are cells, so that none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.boxes import iou
from striate.tasks.box_candidates import LOW, NEAR
from striate.tasks.boxes import Boxes
from striate.tasks.cells import HALF, NARROW, PRIOR, SIDES, Cells
from striate.tasks.decoding import (
    DOUBLE_CODE,
    FLOAT,
    MANY,
    RAW,
    REAL_CODE,
    WHOLE,
    Compared,
    CropNames,
    Decoding,
    Frame,
    Out,
    double,
    far,
    real,
    whole,
)
from striate.tasks.detect_state import LOWEST, OVERLAPS, LearntBoxes
from striate.tasks.values import LabelFacts

CLOSE: Final = 1e-4  # to a threshold, or of an overlap to that above which the weaker goes: rounding decides there
POOLED: Final = 0.05  # of an overlap, by which it changes at most when a box is pooled
OUTPUTS: Final = {
    "boxes": Out(
        FLOAT, (4,), "left, top, right, bottom in pixels of the input, of D boxes in all pictures together", MANY
    ),
    "classes": Out(WHOLE, (), "the number of each box's class", MANY),
    "scores": Out(FLOAT, (), "how likely each box is right, calibrated; picture by picture the surest first", MANY),
    "pictures": Out(WHOLE, (), "the number of each box's picture in the batch, from 0", MANY),
}


def box_decoding(facts: LabelFacts, learnt: LearntBoxes, frame: Frame) -> Decoding:
    """Return the steps from the output (N, S), or one map (N, K + 4, h, w), to the boxes that are said.

    Where data-dependent steps may not be used, to the boxes and calibrated scores of all cells.
    """
    cells = Cells.of(facts.facts, len(facts.names))
    if not frame.whole:
        return _of_cells(cells, learnt)
    graph = Decoding(OUTPUTS)
    if frame.crop is not None:
        words = "left, top, right, bottom in pixels of the picture, of D boxes"
        graph.outputs = {**OUTPUTS, "boxes": Out(FLOAT, (4,), words, MANY)}
    logits, corners = _cells(graph, cells)
    low, high = (graph("Slice", corners, whole(at), whole(at + 2), whole(1)) for at in (0, 2))
    solid = graph("ReduceMin", graph("Cast", graph("Greater", high, low), to=REAL_CODE), whole(1), keepdims=0)  # (N, A)
    each = graph("Transpose", corners, perm=[0, 2, 1])  # (N, A, 4)
    cut = float(np.log(LOW) - np.log1p(-LOW))
    # What has no area overlaps nothing, and is taken out below as if it had not been there.
    limits = whole(cells.count), real([learnt.overlap]), real([cut - 1e-6])
    chosen = graph("NonMaxSuppression", each, logits, *limits)  # (D, 3): picture, class, cell
    kind = graph("Squeeze", _column(graph, chosen, 1), whole(1))
    score = _calibrated(graph, graph("GatherND", logits, chosen), kind, learnt)
    said = graph("GreaterOrEqual", score, graph("Gather", real(learnt.thresholds), kind))
    there = graph("Greater", graph("GatherND", solid, _at(graph, chosen)), real(0.5))
    kept = graph("Squeeze", graph("NonZero", graph("And", said, there)), whole(0))
    chosen, kind, score = (graph("Gather", one, kept, axis=0) for one in (chosen, kind, score))
    where = graph("GatherND", each, _at(graph, chosen))
    if learnt.pooled:
        where = _pooled(graph, where, chosen, (logits, solid, low, high, each), cut)
    if frame.crop is not None:
        where = _in_picture(graph, where, frame.crop)
        low, high = (graph("Slice", where, whole(at), whole(at + 2), whole(1)) for at in (0, 2))
        wide = graph("ReduceMin", graph("Cast", graph("Greater", high, low), to=REAL_CODE), whole(1), keepdims=0)
        seen = graph("Squeeze", graph("NonZero", graph("Greater", wide, real(0.5))), whole(0))
        where, chosen, kind, score = (graph("Gather", one, seen, axis=0) for one in (where, chosen, kind, score))
    picture = graph("Squeeze", _column(graph, chosen, 0), whole(1))
    # Picture by picture, the surest first.
    numbers = (graph("Cast", one, to=DOUBLE_CODE) for one in (picture, score))
    place = graph("Mul", next(numbers), np.array(2.0))
    order = graph.several("TopK", graph("Sub", place, next(numbers)), graph("Shape", score), names=2, largest=0)[1]
    for one, name in zip((where, kind, score, picture), OUTPUTS, strict=True):
        graph("Gather", one, order, into=name, axis=0)
    return graph


def _of_cells(cells: Cells, learnt: LearntBoxes) -> Decoding:
    """Return the steps to what each of A cells says, for who suppresses by himself."""
    count, classes = cells.count, cells.classes
    said = ", ".join(f"{value:.4g}" for value in learnt.thresholds.tolist())
    graph = Decoding({
        "boxes": Out(FLOAT, (count, 4), "left, top, right, bottom of what each cell says, in pixels of the input"),
        "scores": Out(
            FLOAT,
            (count, classes),
            f"how likely each is of each class, calibrated; a box is said from {said} on, where no likelier one of its"
            f" class overlaps it by more than {learnt.overlap:g} (intersection over union): that is left to you",
        ),
    })  # fmt: skip
    logits, corners = _cells(graph, cells)
    graph("Transpose", corners, perm=[0, 2, 1], into="boxes")
    slopes = (real(column.reshape(-1, 1)) for column in learnt.slopes.T)
    graph("Transpose", _curve(graph, logits, *slopes), perm=[0, 2, 1], into="scores")
    return graph


def _in_picture(graph: Decoding, where: str, crop: CropNames) -> str:
    """Return boxes (D, 4) of the input in pixels of the picture: `CropTransform.boxes_back`."""
    sides = {
        name: graph("Concat", *(graph("Unsqueeze", one, whole(0)) for one in each), axis=0)
        for name, each in (
            ("scale", (crop.across, crop.down) * 2),
            ("begin", (crop.left, crop.top) * 2),
            ("end", (crop.width, crop.height) * 2),
        )
    }
    there = graph("Add", graph("Mul", graph.double(where), sides["scale"]), sides["begin"])
    return graph.real(graph("Min", graph("Max", there, double(0.0)), sides["end"]))


def _cells(graph: Decoding, cells: Cells) -> tuple[str, str]:
    """Return the logits (N, K, A) of all cells and their boxes (N, 4, A), as `Cells.split` and `boxes_at` do."""
    flat, levels, at = graph("Flatten", RAW, axis=1), [], 0
    for count in cells.counts:
        part = graph("Slice", flat, whole(at), whole(at + cells.channels * count), whole(1))
        levels.append(graph("Reshape", part, whole(0, cells.channels, count)))
        at += cells.channels * count
    every = levels[0] if len(levels) == 1 else graph("Concat", *levels, axis=2)
    found = graph("Slice", every, whole(0), whole(cells.classes), whole(1))
    logits = graph("Add", found, real(PRIOR))
    numbers = graph("Slice", every, whole(cells.classes), whole(cells.channels), whole(1))
    reach = graph("Sub", graph("Softplus", numbers), real(HALF))
    before, behind = (graph("Slice", reach, whole(at), whole(at + SIDES // 2), whole(1)) for at in (0, 2))
    side, shift = graph("Add", before, behind), graph("Mul", graph("Sub", behind, before), real(0.5))
    narrow = graph("Min", graph("Sub", graph("Mul", side, real(1 / NARROW)), real(1)), real(0))
    wide = graph("Where", graph("Greater", side, real(NARROW)), side, graph("Mul", graph("Exp", narrow), real(NARROW)))
    half, stride = graph("Mul", wide, real(0.5)), real(cells.each_stride.T[None])
    ends = []
    for operator in ("Sub", "Add"):
        off = graph("Mul", graph(operator, shift, half), stride)
        within = graph("Max", graph("Add", off, real(cells.middles.T[None])), real(0))
        ends.append(graph("Min", within, real(np.array(cells.input[::-1])[None, :, None])))
    return logits, graph("Concat", *ends, axis=1)


def _calibrated(graph: Decoding, logit: str, kind: str, learnt: LearntBoxes) -> str:
    """Return how likely boxes (D,) are right: `LearntBoxes.calibrated`."""
    return _curve(graph, logit, *(graph("Gather", real(column), kind) for column in learnt.slopes.T))


def _curve(graph: Decoding, logit: str, a: str | NDArray[Any], b: str | NDArray[Any], c: str | NDArray[Any]) -> str:
    """Return the beta calibration of logits."""
    most = float(np.log1p(-LOWEST) - np.log(LOWEST))
    bounded = graph("Max", graph("Min", logit, real(most)), real(-most))
    right, wrong = graph("Neg", graph("Softplus", graph("Neg", bounded))), graph("Softplus", bounded)
    along = graph("Add", graph("Add", graph("Mul", right, a), graph("Mul", wrong, b)), c)
    return graph("Sigmoid", along)


def _pooled(graph: Decoding, where: str, chosen: str, of: tuple[str, str, str, str, str], cut: float) -> str:
    """Return where boxes (D, 4) are by all that say the same: `striate.tasks.box_candidates.pooled`."""
    logits, solid, low, high, each = of
    number = _column(graph, chosen, 0)
    logit = graph("GatherND", logits, graph("Slice", chosen, whole(0), whole(2), whole(1)))  # (D, A)
    lows, highs, every, there = (graph("GatherND", one, number) for one in (low, high, each, solid))
    begin, end = (
        graph("Unsqueeze", graph("Slice", where, whole(at), whole(at + 2), whole(1)), whole(2)) for at in (0, 2)
    )
    shared = graph("Max", graph("Sub", graph("Min", end, highs), graph("Max", begin, lows)), real(0))  # (D, 2, A)
    inside = graph("ReduceProd", shared, whole(1), keepdims=0)
    own = graph("ReduceProd", graph("Sub", end, begin), whole(1), keepdims=0)
    union = graph(
        "Sub", graph("Add", own, graph("ReduceProd", graph("Sub", highs, lows), whole(1), keepdims=0)), inside
    )
    overlap = graph("Div", inside, graph("Max", union, real(1e-12)))
    far = graph("Sub", real(1), overlap)
    near = graph("Exp", graph("Mul", graph("Mul", far, far), real(-1 / NEAR)))
    score = graph("Sigmoid", logit)
    counts = graph("And", graph("Greater", overlap, real(OVERLAPS[0])), graph("GreaterOrEqual", logit, real(cut)))
    weight = graph("Mul", graph("Mul", graph("Mul", score, score), near), graph("Cast", counts, to=REAL_CODE))
    weight = graph("Unsqueeze", graph("Mul", weight, there), whole(1))  # (D, 1, A)
    mean = graph("Squeeze", graph("MatMul", weight, every), whole(1))
    return graph("Div", mean, graph("ReduceSum", graph("Squeeze", weight, whole(1)), whole(1), keepdims=1))


def _column(graph: Decoding, chosen: str, at: int) -> str:
    """Return one column (D, 1) of what was chosen."""
    return graph("Slice", chosen, whole(at), whole(at + 1), whole(1))


def _at(graph: Decoding, chosen: str) -> str:
    """Return picture and cell (D, 2) of what was chosen."""
    return graph("Concat", _column(graph, chosen, 0), _column(graph, chosen, 2), axis=1)


def same_boxes(
    decoded: Mapping[str, NDArray[Any]], answers: Sequence[Boxes], overlap: float, plain: Sequence[Boxes] | None = None
) -> tuple[NDArray[np.bool_], dict[str, float]]:
    """Return of which pictures a graph says the boxes of ``answers``, and how far they are apart where it does.

    The latter by the output: of the largest number. A box that one of both says alone is no difference where rounding
    decides of it: its score is at its threshold, or it overlaps a surer one by just what drops it (``overlap``).
    ``plain`` are the same answers before boxes are pooled, where they are: those are what is dropped by.
    """
    same, apart, largest = np.ones(len(answers), bool), {"boxes": 0.0, "scores": 0.0}, 1.0
    for number, (one, before) in enumerate(zip(answers, plain or answers, strict=True)):
        mine, theirs = one.said, np.flatnonzero(decoded["pictures"] == number)
        boxes, kinds, scores = one.boxes[mine], one.classes[mine], one.scores[mine]
        found, of, sure = (decoded[name][theirs].astype(np.float64) for name in ("boxes", "classes", "scores"))
        largest = max(largest, float(np.abs(boxes).max(initial=0)))
        off = np.abs(boxes[:, None] - found).max(2, initial=0) + 1e9 * (kinds[:, None] != of)
        left = set(range(len(found)))
        for row, at in enumerate(mine.tolist()):
            best = min(left, key=lambda other, row=row: off[row, other], default=None)  # type: ignore[misc]
            if best is None or off[row, best] > 1:
                same[number] &= _open(before, before.boxes[at], int(kinds[row]), float(scores[row]), overlap, CLOSE)
                continue
            left.remove(best)
            apart["boxes"] = max(apart["boxes"], float(off[row, best]))
            apart["scores"] = max(apart["scores"], abs(float(scores[row] - sure[best])))
        for row in left:  # where it was before it was pooled nobody knows
            near = CLOSE if plain is None else POOLED
            same[number] &= _open(before, found[row], int(of[row]), float(sure[row]), overlap, near)
        same[number] &= bool((np.diff(sure) <= CLOSE).all())
    apart["boxes"] /= largest
    return same, {name: float(f"{value:.1e}") for name, value in apart.items()}


def _open(one: Boxes, box: NDArray[Any], kind: int, score: float, overlap: float, near: float) -> bool:
    """Return whether rounding decides whether a box is said."""
    if min(box[2] - box[0], box[3] - box[1]) <= 2 * CLOSE * max(1.0, float(np.abs(box).max())):
        return True  # cut off by the picture's edge, but for rounding
    shares = iou(box[None], one.boxes[one.classes == kind])[0]
    return abs(score - one.thresholds[kind]) < CLOSE or bool((np.abs(shares - overlap) < near).any())


def same_said(said: Mapping[str, NDArray[Any]], answer: Boxes, overlap: float, plain: Boxes | None = None) -> Compared:
    """Return what a graph says of one picture against its answer, both in the same pixels.

    ``plain`` is the answer before boxes are pooled, where they are; it may hold other boxes beside these.
    """
    before = None
    if plain is not None:
        lying = dict(zip(zip(plain.made_by.tolist(), plain.classes.tolist(), strict=True), plain.boxes, strict=True))
        of = zip(answer.made_by.tolist(), answer.classes.tolist(), answer.boxes, strict=True)
        boxes = [lying.get((cell, kind), box) for cell, kind, box in of]
        before = [replace(answer, boxes=np.asarray(boxes).reshape(-1, 4))]
    same, apart = same_boxes(said, [answer], overlap, before)
    return Compared(bool(same[0]), apart)


def same_cells(said: Mapping[str, NDArray[Any]], plain: Boxes) -> Compared:
    """Return what a graph says of all cells of one picture against an answer that is not pooled."""
    of = plain.made_by
    if not len(of):
        return Compared(bool(np.isfinite(said["scores"]).all()), {"boxes": 0.0, "scores": 0.0})
    scores = said["scores"][0][of, plain.classes]
    return Compared(True, {"boxes": far(said["boxes"][0][of], plain.boxes), "scores": far(scores, plain.scores)})
