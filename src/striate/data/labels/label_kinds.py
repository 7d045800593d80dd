"""What kind of thing labels are: names of classes, or numbers or tags, about which a person has to be asked.

Striate learns classes. A column of ages, angles or counts is as easily taken for hundreds of classes, which trains to
the end and means nothing; so labels that look like numbers, or like several tags a picture, stop with a question, and
``task = "classify"`` answers it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from striate.data.labels.tags import parts, separator
from striate.words import counted

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE: Final = re.compile(r"\+?\d{1,15}")
FEW: Final = 20  # whole numbers, up to which they are taken for classes without a word
PICTURES_A_CLASS: Final = 3  # below, on average, many whole numbers are measurements rather than classes


def question(labels: Sequence[str], *, what: str, column: str = "") -> str | None:
    """Return what to ask about labels that may be no classes, or None where they are.

    ``labels``: those that are there, one a picture. ``what`` names where they stand, ``column`` is the column's own
    name.
    Example: ``question(["0.1", "0.25", "-1"], what="a.csv: the column 'angle'")``
    """
    if not labels:
        return None
    return _numbers(labels, what) or _tags(labels, what, column)


def _numbers(labels: Sequence[str], what: str) -> str | None:
    counts = Counter(labels)
    if not all(_NUMBER.fullmatch(label) for label in counts):
        return None
    if all(_WHOLE.fullmatch(label) for label in counts):
        values = sorted({int(label) for label in counts})
        gapless = values[-1] - values[0] == len(values) - 1
        if len(counts) <= FEW or (gapless and len(labels) >= PICTURES_A_CLASS * len(counts)):
            return None
    elif len(counts) == 2:
        return None  # -1 and 1, 0.0 and 1.0: a yes and a no
    low, high = min(counts, key=float), max(counts, key=float)
    return (
        f"{what} holds numbers ({counted(len(labels), 'picture')}, {counted(len(counts), 'value')} from {low} to"
        f" {high}): are they classes? Then say so with --task classify, which takes each value as a class of its own;"
        " to predict a number (regression) is not there yet"
    )


def _tags(labels: Sequence[str], what: str, column: str) -> str | None:
    mark = separator(labels, column=column)
    if mark is None:
        return None
    counts = Counter(labels)
    several = [label for label in counts if len(parts(label, mark)) > 1]
    rows = sum(counts[label] for label in several)
    tags = {part for label in counts for part in parts(label, mark)}
    return (
        f"{what} holds several tags a picture, set apart by {mark!r} ({rows:,} of"
        f" {counted(len(labels), 'picture')}, such as {several[0]!r}; {counted(len(tags), 'tag')} in all): several"
        " tags a picture are not learnt yet. To take each combination as a class of its own, say --task classify;"
        " or keep one label a picture"
    )
