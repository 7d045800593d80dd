"""Maps of a net read at pixels, as steps of an ONNX graph: a class a pixel, or how many objects there are. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.tasks.decoding import (
    BYTE,
    BYTE_CODE,
    FLOAT,
    RAW,
    Compared,
    Decoding,
    Frame,
    Out,
    double,
    far,
    real,
    whole,
)
from striate.tasks.masks import VOID
from striate.tasks.masks_pixels import logits_at, middles
from striate.tasks.number_decoding import halves

if TYPE_CHECKING:
    from striate.metrics.probability import Floats
    from striate.tasks.count_answering import LearntCounts
    from striate.tasks.masks import Masks
    from striate.tasks.points import Count
    from striate.tasks.segment_answering import LearntMasks
    from striate.tasks.values import LabelFacts

EVEN: Final = 1e-3  # of two logits of a pixel, beside the largest: rounding decides which class it is
FEW: Final = 1e-4  # of the pixels that may be of another class otherwise


def mask_decoding(facts: LabelFacts, learnt: LearntMasks, frame: Frame) -> Decoding:
    """Return the steps from maps of logits (N, K, h, w) to the class of every pixel and how sure that is.

    Of the input's pixels, or, where pictures have any size, of those of the picture.
    """
    size: tuple[int | str, ...] = frame.size if frame.crop is None else ("height", "width")
    graph = Decoding({
        "classes": Out(BYTE, size, "the number of each pixel's class; 255 where the network saw nothing of it"),
        "confidence": Out(FLOAT, size, "how likely that class is, calibrated; 0 where nothing is said"),
    })  # fmt: skip
    _, high, wide = frame.output
    maps = graph("Div", RAW, real(learnt.temperature))
    if frame.crop is None:
        down, across = (
            real(_mixing(middles(pixels, cells), cells)) for pixels, cells in zip(frame.size, (high, wide), strict=True)
        )
        lines = graph("MatMul", down, maps)  # (N, K, H, w)
        mixed = graph("MatMul", lines, across.T.copy())
        seen = None
    else:
        crop = frame.crop
        at = [
            _places(graph, crop.height, crop.top, crop.down, high / frame.size[0]),
            _places(graph, crop.width, crop.left, crop.across, wide / frame.size[1]),
        ]
        lines = graph("MatMul", _shares(graph, at[0], high), maps)
        mixed = graph("MatMul", lines, graph("Transpose", _shares(graph, at[1], wide), perm=[1, 0]))
        rows, columns = (_within(graph, where, cells) for where, cells in zip(at, (high, wide), strict=True))
        seen = graph("And", graph("Unsqueeze", rows, whole(1)), graph("Unsqueeze", columns, whole(0)))
    classes = graph("Cast", graph("ArgMax", mixed, axis=1, keepdims=0), to=BYTE_CODE)
    largest = graph("ReduceMax", mixed, whole(1), keepdims=1)
    total = graph("ReduceSum", graph("Exp", graph("Sub", mixed, largest)), whole(1), keepdims=0)
    if seen is None:
        graph("Identity", classes, into="classes")
        graph("Div", real(1.0), total, into="confidence")
    else:
        graph("Where", seen, classes, np.array(VOID, np.uint8), into="classes")
        graph("Where", seen, graph("Div", real(1.0), total), real(0.0), into="confidence")
    return graph


def _mixing(places: Floats, cells: int) -> NDArray[np.float64]:
    """Return (P, cells): how much of each cell is in what is read at each place, linearly."""
    at = np.clip(places - 0.5, 0, cells - 1)
    return np.asarray(np.maximum(0.0, 1 - np.abs(at[:, None] - np.arange(cells))), np.float64)


def _places(graph: Decoding, pixels: str, begin: str, step: str, scale: float) -> str:
    """Return where the middles of a picture's rows or columns lie, in cells (P,) float64: `CropTransform.places`."""
    middle = graph("Add", graph("Range", double(0.0), pixels, double(1.0)), double(0.5))
    return graph("Mul", graph("Div", graph("Sub", middle, begin), step), double(scale))


def _shares(graph: Decoding, places: str, cells: int) -> str:
    """Return `_mixing` of places (P,), float32."""
    at = graph("Min", graph("Max", graph("Sub", places, double(0.5)), double(0.0)), double(cells - 1))
    off = graph("Abs", graph("Sub", graph("Unsqueeze", at, whole(1)), double(np.arange(cells))))
    return graph.real(graph("Max", graph("Sub", double(1.0), off), double(0.0)))


def _within(graph: Decoding, places: str, cells: int) -> str:
    """Return which places (P,) the network saw."""
    return graph("And", graph("GreaterOrEqual", places, double(0.0)), graph("Less", places, double(cells)))


def same_masks(said: Mapping[str, NDArray[Any]], answer: Masks) -> Compared:
    """Return what a graph says of one picture against its answer.

    A pixel whose class is another one counts where that is less likely, by more than rounding: at most 1 in 10,000.
    """
    ids, found = answer.ids, said["classes"][0]
    if ids.shape != found.shape:
        return Compared(False, {"masks": float("inf"), "confidence": float("inf")})
    rows, columns = np.nonzero(ids != found)
    wrong = 0
    if len(rows):
        assert answer.crop is not None
        down, across = answer.crop.places(answer.logits.shape[1:])
        logits = logits_at(answer.logits, down[rows], across[columns])
        of = found[rows, columns].astype(np.int64)
        known = (of < logits.shape[1]) & (ids[rows, columns] != VOID)
        reached = logits[np.arange(len(of)), np.minimum(of, logits.shape[1] - 1)]
        near = logits.max(1) - reached <= EVEN * max(1.0, float(np.abs(logits).max()))
        wrong = int((~(known & near)).sum())
    share = wrong / max(1, ids.size)
    return Compared(
        wrong == 0 or share <= FEW, {"masks": share, "confidence": far(said["confidence"][0], answer.confidence)}
    )


def count_decoding(facts: LabelFacts, learnt: LearntCounts, frame: Frame) -> Decoding:
    """Return the steps from maps (N, K, h, w) to counts (N, K), the ends of their intervals, and the density."""
    from striate.tasks.points import LATE

    many, (_, high, wide) = len(facts.names), frame.output
    graph = Decoding({
        "counts": Out(FLOAT, (many,), "how many objects of each class there are, not rounded, as the names go"),
        "low": Out(FLOAT, (many,), f"from where each lies with {100 * learnt.level:g} % probability; 0 where unknown"),
        "high": Out(FLOAT, (many,), "up to where; infinity where unknown"),
        "density": Out(FLOAT, (many, high, wide), "how many objects are in each cell of the network's last map"),
    })  # fmt: skip
    each = graph("Softplus", graph("Sub", RAW, real(LATE)))
    density = graph("Mul", each, real(learnt.slopes.reshape(-1, 1, 1)), into="density")
    counts = graph("ReduceSum", graph.double(density), whole(2, 3), keepdims=0)
    said = graph.real(counts, into="counts")
    reach = []
    for place, interval in enumerate(learnt.intervals):
        column = graph("Slice", counts, whole(place), whole(place + 1), whole(1))
        reach.append(halves(graph, interval, column, learnt.level))
    half = reach[0] if many == 1 else graph("Concat", *reach, axis=1)
    graph("Max", graph("Sub", said, half), real(0.0), into="low")
    graph("Add", said, half, into="high")
    return graph


def same_counts(said: Mapping[str, NDArray[Any]], answer: Count) -> Compared:
    """Return what a graph says of one picture against its answer."""
    apart = {
        "counts": far(said["counts"][0], answer.counts),
        "intervals": max(far(said["low"][0], answer.low), far(said["high"][0], answer.high)),
        "density": far(said["density"][0], answer.density),
    }
    return Compared(True, apart)
