"""What is wrong with the classes of one picture's mask: by kind, of those that matter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from striate.metrics.segmentation import PixelCounts

KINDS = ("missed", "invented", "too small", "too large")
MEANS = {
    "missed": "a tenth of its pixels at most is called so",
    "invented": "it is called where nothing of it is there",
    "too small": "more of its pixels are called something else than others are called so",
    "too large": "more pixels of others are called so than its own are called something else",
}
MATTERS = 0.1  # of the wrong pixels of a picture, from which a class counts as told wrong in it
FOUND = 0.1  # of the pixels of a class, up to which it was missed
HALF = 0.5  # the intersection over union below which a class that is there is told wrong however few its pixels


@dataclass(frozen=True)
class MaskError:
    """A class that is told wrong in a picture: its ``number``, the ``kind`` of error, and how many ``pixels``."""

    number: int
    kind: str
    pixels: int


def mask_errors(counts: PixelCounts, row: int) -> tuple[MaskError, ...]:
    """Return which classes are told wrong in a picture, and how, the most pixels first.

    A class is, where a tenth of the picture's wrong pixels or more are of it or called so, or where it is there with
    an intersection over union below a half. A wrong pixel is one of two classes: of what it is, and of what it is
    called.

    Of sky of which a third is called road it is ``("too small", "too large")`` for sky and road.
    """
    hits, there, called = (np.asarray(each[row], np.int64) for each in (counts.hits, counts.there, counts.called))
    lost, more = there - hits, called - hits
    wrong, found = int(lost.sum()), []
    for kind in np.flatnonzero(lost + more).tolist():
        off = int(lost[kind] + more[kind])
        poor = there[kind] > 0 and hits[kind] < HALF * (hits[kind] + off)
        if off < MATTERS * wrong and not poor:
            continue
        if not there[kind]:
            told = "invented"
        elif hits[kind] <= FOUND * there[kind]:
            told = "missed"
        else:
            told = "too small" if lost[kind] >= more[kind] else "too large"
        found.append(MaskError(kind, told, off))
    return tuple(sorted(found, key=lambda one: -one.pixels))
