"""How a network's output becomes boxes, as steps of an ONNX graph: what `candidates` does, in float32. No torch.

Scores stay logits until the end: so no two of them become equal that were not. `NonMaxSuppression` of ONNX is the
greedy rule too, class by class, and is told of as many boxes as there are cells, so that none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.boxes import iou
from striate.tasks.box_candidates import LOW, NEAR
from striate.tasks.boxes import Boxes
from striate.tasks.cells import HALF, NARROW, PRIOR, SIDES, Cells
from striate.tasks.decoding import FLOAT, RAW, WHOLE, Decoding, Out
from striate.tasks.detect_state import LOWEST, OVERLAPS, LearntBoxes
from striate.tasks.values import LabelFacts

CLOSE: Final = 1e-4  # to a threshold, or of an overlap to that above which the weaker goes: rounding decides there
POOLED: Final = 0.05  # of an overlap, by which it changes at most when a box is pooled
_REAL, _DOUBLE = 1, 11  # how ONNX numbers float32 and float64
OUTPUTS: Final = {
    "boxes": Out(FLOAT, (4,), "left, top, right, bottom in pixels of the input, of D boxes in all pictures together"),
    "classes": Out(WHOLE, (), "the number of each box's class"),
    "scores": Out(FLOAT, (), "how likely each box is right, calibrated; picture by picture the surest first"),
    "pictures": Out(WHOLE, (), "the number of each box's picture in the batch, from 0"),
}


def _whole(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _real(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def box_decoding(facts: LabelFacts, learnt: LearntBoxes) -> Decoding:
    """Return the steps from the output (N, S), or one map (N, K + 4, h, w), to the boxes that are said."""
    cells, graph = Cells.of(facts.facts, len(facts.names)), Decoding(OUTPUTS)
    logits, corners = _cells(graph, cells)
    low, high = (graph("Slice", corners, _whole(at), _whole(at + 2), _whole(1)) for at in (0, 2))
    solid = graph("ReduceMin", graph("Cast", graph("Greater", high, low), to=_REAL), _whole(1), keepdims=0)  # (N, A)
    each = graph("Transpose", corners, perm=[0, 2, 1])  # (N, A, 4)
    cut = float(np.log(LOW) - np.log1p(-LOW))
    # What has no area overlaps nothing, and is taken out below as if it had not been there.
    limits = _whole(cells.count), _real([learnt.overlap]), _real([cut - 1e-6])
    chosen = graph("NonMaxSuppression", each, logits, *limits)  # (D, 3): picture, class, cell
    kind = graph("Squeeze", _column(graph, chosen, 1), _whole(1))
    score = _calibrated(graph, graph("GatherND", logits, chosen), kind, learnt)
    said = graph("GreaterOrEqual", score, graph("Gather", _real(learnt.thresholds), kind))
    there = graph("Greater", graph("GatherND", solid, _at(graph, chosen)), _real(0.5))
    kept = graph("Squeeze", graph("NonZero", graph("And", said, there)), _whole(0))
    chosen, kind, score = (graph("Gather", one, kept, axis=0) for one in (chosen, kind, score))
    where = graph("GatherND", each, _at(graph, chosen))
    if learnt.pooled:
        where = _pooled(graph, where, chosen, (logits, solid, low, high, each), cut)
    picture = graph("Squeeze", _column(graph, chosen, 0), _whole(1))
    # Picture by picture, the surest first.
    numbers = (graph("Cast", one, to=_DOUBLE) for one in (picture, score))
    place = graph("Mul", next(numbers), np.array(2.0))
    order = graph.several("TopK", graph("Sub", place, next(numbers)), graph("Shape", score), names=2, largest=0)[1]
    for one, name in zip((where, kind, score, picture), OUTPUTS, strict=True):
        graph("Gather", one, order, into=name, axis=0)
    return graph


def _cells(graph: Decoding, cells: Cells) -> tuple[str, str]:
    """Return the logits (N, K, A) of all cells and their boxes (N, 4, A), as `Cells.split` and `boxes_at` do."""
    flat, levels, at = graph("Flatten", RAW, axis=1), [], 0
    for count in cells.counts:
        part = graph("Slice", flat, _whole(at), _whole(at + cells.channels * count), _whole(1))
        levels.append(graph("Reshape", part, _whole(0, cells.channels, count)))
        at += cells.channels * count
    every = levels[0] if len(levels) == 1 else graph("Concat", *levels, axis=2)
    found = graph("Slice", every, _whole(0), _whole(cells.classes), _whole(1))
    logits = graph("Add", found, _real(PRIOR))
    numbers = graph("Slice", every, _whole(cells.classes), _whole(cells.channels), _whole(1))
    reach = graph("Sub", graph("Softplus", numbers), _real(HALF))
    before, behind = (graph("Slice", reach, _whole(at), _whole(at + SIDES // 2), _whole(1)) for at in (0, 2))
    side, shift = graph("Add", before, behind), graph("Mul", graph("Sub", behind, before), _real(0.5))
    narrow = graph("Min", graph("Sub", graph("Mul", side, _real(1 / NARROW)), _real(1)), _real(0))
    wide = graph(
        "Where", graph("Greater", side, _real(NARROW)), side, graph("Mul", graph("Exp", narrow), _real(NARROW))
    )
    half, stride = graph("Mul", wide, _real(0.5)), _real(cells.each_stride.T[None])
    ends = []
    for operator in ("Sub", "Add"):
        off = graph("Mul", graph(operator, shift, half), stride)
        within = graph("Max", graph("Add", off, _real(cells.middles.T[None])), _real(0))
        ends.append(graph("Min", within, _real(np.array(cells.input[::-1])[None, :, None])))
    return logits, graph("Concat", *ends, axis=1)


def _calibrated(graph: Decoding, logit: str, kind: str, learnt: LearntBoxes) -> str:
    """Return how likely boxes (D,) are right: `LearntBoxes.calibrated`."""
    most = float(np.log1p(-LOWEST) - np.log(LOWEST))
    bounded = graph("Max", graph("Min", logit, _real(most)), _real(-most))
    right, wrong = graph("Neg", graph("Softplus", graph("Neg", bounded))), graph("Softplus", bounded)
    a, b, c = (graph("Gather", _real(column), kind) for column in learnt.slopes.T)
    along = graph("Add", graph("Add", graph("Mul", a, right), graph("Mul", b, wrong)), c)
    return graph("Sigmoid", along)


def _pooled(graph: Decoding, where: str, chosen: str, of: tuple[str, str, str, str, str], cut: float) -> str:
    """Return where boxes (D, 4) are by all that say the same: `striate.tasks.box_candidates.pooled`."""
    logits, solid, low, high, each = of
    number = _column(graph, chosen, 0)
    logit = graph("GatherND", logits, graph("Slice", chosen, _whole(0), _whole(2), _whole(1)))  # (D, A)
    lows, highs, every, there = (graph("GatherND", one, number) for one in (low, high, each, solid))
    begin, end = (
        graph("Unsqueeze", graph("Slice", where, _whole(at), _whole(at + 2), _whole(1)), _whole(2)) for at in (0, 2)
    )
    shared = graph("Max", graph("Sub", graph("Min", end, highs), graph("Max", begin, lows)), _real(0))  # (D, 2, A)
    inside = graph("ReduceProd", shared, _whole(1), keepdims=0)
    own = graph("ReduceProd", graph("Sub", end, begin), _whole(1), keepdims=0)
    whole = graph(
        "Sub", graph("Add", own, graph("ReduceProd", graph("Sub", highs, lows), _whole(1), keepdims=0)), inside
    )
    overlap = graph("Div", inside, graph("Max", whole, _real(1e-12)))
    far = graph("Sub", _real(1), overlap)
    near = graph("Exp", graph("Mul", graph("Mul", far, far), _real(-1 / NEAR)))
    score = graph("Sigmoid", logit)
    counts = graph("And", graph("Greater", overlap, _real(OVERLAPS[0])), graph("GreaterOrEqual", logit, _real(cut)))
    weight = graph("Mul", graph("Mul", graph("Mul", score, score), near), graph("Cast", counts, to=_REAL))
    weight = graph("Unsqueeze", graph("Mul", weight, there), _whole(1))  # (D, 1, A)
    mean = graph("Squeeze", graph("MatMul", weight, every), _whole(1))
    return graph("Div", mean, graph("ReduceSum", graph("Squeeze", weight, _whole(1)), _whole(1), keepdims=1))


def _column(graph: Decoding, chosen: str, at: int) -> str:
    """Return one column (D, 1) of what was chosen."""
    return graph("Slice", chosen, _whole(at), _whole(at + 1), _whole(1))


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
    shares = iou(box[None], one.boxes[one.classes == kind])[0]
    return abs(score - one.thresholds[kind]) < CLOSE or bool((np.abs(shares - overlap) < near).any())
