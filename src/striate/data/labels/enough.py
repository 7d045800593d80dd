"""Is there enough to learn from, and to measure with? Counts of labelled pictures alone, before anything is decoded."""

from __future__ import annotations

from collections import Counter

from striate.data.sources.items import Source
from striate.errors import SourceError
from striate.words import counted

MEASURABLE = 2  # pictures of a class, below which none is left to measure it with
GOOD = 20  # pictures a class, from which a figure begins to mean something
UNEVEN = 10.0  # times as many pictures as the rarest class has, from which that is worth a word


def check_enough(source: Source) -> None:
    """Refuse a source of which nothing could be measured: one picture a class. Errors: SourceError with what is needed.

    A source with parts of its own is measured by those.
    """
    labelled = [item for item in source.items if item.labelled]
    if any(item.split in ("test", "val") for item in labelled):
        return
    counts = Counter(item.target for item in labelled)
    if counts and max(counts.values()) < MEASURABLE:
        raise SourceError(
            f"{source.location} holds {counted(len(counts), 'class')} of one picture each, so that none would be left"
            f" to measure with; it takes at least {MEASURABLE} different pictures in a class, and {GOOD} or more for a"
            " figure that means something"
        )


def uneven_note(names: tuple[str, ...], counts: dict[int, int], class_weights: str) -> tuple[str, ...]:
    """Return what to say where one class has far more pictures to train on than another, and nothing weighs them.

    ``counts``: pictures to train on by class. Example: ``uneven_note(("defect", "ok"), {0: 1, 1: 300}, "none")``
    """
    if class_weights != "none" or len(counts) < 2:
        return ()
    most, least = max(counts, key=lambda one: counts[one]), min(counts, key=lambda one: counts[one])
    if counts[most] < UNEVEN * counts[least]:
        return ()
    return (
        f"the classes are uneven: {counted(counts[most], 'picture')} of {names[most]} to train on and"
        f" {counts[least]:,} of {names[least]}; --class-weights balanced lets every class count the same",
    )
