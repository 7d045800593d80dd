"""What kind of thing labels are: names of classes, numbers, or tags. Where nobody says, it is guessed, and said.

A column of angles or counts is as easily taken for hundreds of classes, which trains to the end and means nothing; a
column of whole numbers may be either. Each kind has a function that looks at the labels and returns a `Guess`, or None
where it sees nothing of its own; the first that does has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from striate.data.labels.numbers import NUMBERS, holds_numbers, is_number, name_and_unit
from striate.data.labels.tags import SPACE, TAGS, parts, separator, spaced, tag_table, told
from striate.data.sources.items import CLASSES
from striate.words import counted

_WHOLE: Final = re.compile(r"\+?\d{1,15}")
FEW: Final = 20  # whole numbers, up to which they are taken for classes
OFTEN: Final = 1.5  # below, on average, whole numbers are no classes however few they are,
ENOUGH: Final = 5  # from so many pictures on
PICTURES_A_CLASS: Final = 3  # below, on average, many whole numbers are measurements rather than classes
# Columns of which everybody expects classes, whatever stands there.
NAMED_CLASSES: Final = frozenset(
    {"", "label", "class", "category", "species", "class_name", "label_name", "class_id", "label_id", "classname"}
)


@dataclass(frozen=True)
class Guess:
    """What labels are taken for; ``kind`` None: a person has to say. ``note`` is the line that says so, "" for none."""

    kind: str | None
    note: str = ""


def guess(labels: Sequence[str], *, what: str, column: str = "") -> Guess:
    """Return what labels are taken for, of which nobody has said what they are.

    ``labels``: those that are there, one a picture. ``what`` names where they stand, ``column`` is the column's own
    name.
    Example: ``guess(["0.1", "0.25", "-1"], what="a.csv: the column 'angle'").kind`` is ``"numbers"``.
    """
    if labels:
        for looks in LOOKS:
            found = looks(labels, what, column)
            if found is not None:
                return found
    return Guess(CLASSES)


def _numbers(labels: Sequence[str], what: str, column: str) -> Guess | None:
    if not holds_numbers(labels):
        return None
    counts = Counter(label for label in labels if is_number(label))
    if any("," in label for label in counts):
        return None
    measured = sum(counts.values())
    low, high = min(counts, key=float), max(counts, key=float)
    said = f"({counted(measured, 'picture')}, {counted(len(counts), 'value')} from {low} to {high})"
    classes_named = name_and_unit(column)[0].lower().replace(" ", "_") in NAMED_CLASSES
    classes = Guess(
        CLASSES,
        ""
        if classes_named
        else f"{what} holds numbers {said}, taken for classes: task classify; --task regress learns them as numbers, of"
        " which 2 lies between 1 and 3",
    )
    if all(_WHOLE.fullmatch(label) for label in counts):
        values = sorted({int(label) for label in counts})
        gapless = values[-1] - values[0] == len(values) - 1
        often = measured / len(counts)
        seldom = often < OFTEN and measured >= ENOUGH and not classes_named
        if (len(counts) <= FEW and not seldom) or (gapless and often >= PICTURES_A_CLASS):
            return classes
    elif len(counts) <= 2:
        return classes  # -1 and 1, 0.0 and 1.0: a yes and a no
    return Guess(
        NUMBERS, f"{what} holds numbers {said}: task regress; --task classify takes each value as a class of its own"
    )


def _tags(labels: Sequence[str], what: str, column: str) -> Guess | None:
    mark = separator(labels, column=column)
    if mark is None:
        return None
    if mark == SPACE:
        return Guess(None, spaced(labels, what=what))
    rows = [parts(label, mark) for label in labels]
    shown = next(label for label, row in zip(labels, rows, strict=True) if len(row) > 1)
    return Guess(TAGS, told(tag_table(rows), shown=repr(shown), what=what))


LOOKS: Final[tuple[Callable[[Sequence[str], str, str], Guess | None], ...]] = (_numbers, _tags)
