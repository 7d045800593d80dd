"""Several labels a picture: how they are written, and which of them a picture has.

One column of ``sea|sunset``, ``sea,sunset`` or ``sea;sunset``, or one column of 0 and 1 a tag; a picture without any is
as good as others. Labels alone: no file is read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import in_order
from striate.words import counted

TAGS: Final = "tags"  # the kind of labels: `Source.kind`
MARKS: Final = ("|", ";", ",")  # what sets tags apart, the least ambiguous first
SURE: Final = ("|", ";")  # of these: hardly ever a part of a name
SPACE: Final = " "
NAMED_TAGS: Final = frozenset({"labels", "tags", "classes", "categories"})  # columns in which a space may, too
_BRACKETS: Final = frozenset({"[]", "()", "{}"})


@dataclass(frozen=True, eq=False)
class TagTable:
    """Which tags each of N pictures has: ``tags`` are T names in their order, ``there`` (N, T) booleans."""

    tags: tuple[str, ...]
    there: NDArray[np.bool_]

    def of(self, row: int) -> tuple[str, ...]:
        """Return the tags of a picture."""
        return tuple(self.tags[tag] for tag in np.flatnonzero(self.there[row]))

    @property
    def without(self) -> int:
        """How many pictures have no tag."""
        return int((~self.there.any(axis=1)).sum())

    @property
    def several(self) -> int:
        """How many pictures have two tags or more."""
        return int((self.there.sum(axis=1) > 1).sum())


def separator(labels: Sequence[str], *, column: str = "") -> str | None:
    """Return what sets tags apart in labels that look like several a picture, or None where they do not.

    Half of the parts at least must come back in other company: in names like "tench, Tinca tinca" no part is the part
    of another label. In a column called so (NAMED_TAGS) a ``|`` or ``;`` is enough, and a space counts as well.

    Example: ``separator(["sea|sunset", "sea", "sunset"])`` is ``"|"``.
    """
    counts = Counter(labels)
    named = column.strip().lower() in NAMED_TAGS
    for mark in (*MARKS, SPACE) if named else MARKS:
        several = [label for label in counts if len(parts(label, mark)) > 1]
        if not several:
            continue
        used = Counter(part for label in counts for part in set(parts(label, mark)))
        inside = {part for label in several for part in parts(label, mark)}
        if (named and mark in SURE) or 2 * sum(used[part] > 1 for part in inside) >= len(inside):
            return mark
    return None


def separator_said(labels: Sequence[str], *, column: str = "") -> str | None:
    """Return what sets tags apart where a person has said that these are tags; None where each label is one tag.

    Any mark that stands in a label does then, and a space where `separator` takes it for one.
    """
    found = separator(labels, column=column)
    return found or next((mark for mark in MARKS if any(mark in label for label in labels)), None)


def parts(label: str, mark: str | None) -> tuple[str, ...]:
    """Return the tags of a label as it is written, each once, in the order in which they stand.

    Brackets about the whole and quotes about a tag (``['sea', 'sunset']``, as Python writes lists) are taken off.

    Example: ``parts("sea | sunset|", "|")`` is ``("sea", "sunset")``.
    """
    text = label.strip()
    if len(text) > 1 and text[0] + text[-1] in _BRACKETS:
        text = text[1:-1]
    some = [text] if mark is None else text.split(mark)
    cleaned = (one.strip().strip("'\"").strip() for one in some)
    return tuple(dict.fromkeys(one for one in cleaned if one))


def tag_table(rows: Sequence[Sequence[str]], *, tags: Sequence[str] = ()) -> TagTable:
    """Return which tags pictures have, given the tags of each; ``tags`` names those that exist though no row has them.

    Example: ``tag_table([("sea", "sunset"), ()]).tags`` is ``("sea", "sunset")``.
    """
    names = in_order({*tags, *(tag for row in rows for tag in row)})
    index = {name: place for place, name in enumerate(names)}
    there = np.zeros((len(rows), len(names)), bool)
    for place, row in enumerate(rows):
        there[place, [index[tag] for tag in row]] = True
    return TagTable(names, there)


def told(table: TagTable, *, shown: str, what: str) -> str:
    """Return the line that says that labels were taken for several tags a picture; ``shown`` is one such label.

    ``what`` names where they stand.
    """
    return (
        f"{what} holds several tags a picture ({table.several:,} of {counted(len(table.there), 'picture')} have two or"
        f" more, such as {shown}; {counted(len(table.tags), 'tag')} in all): task tag; --task classify takes each"
        " combination as a class of its own"
    )


def spaced(labels: Sequence[str], *, what: str) -> str:
    """Return the question about labels that a space may set apart, for names have spaces too."""
    shown = next(label for label in labels if len(parts(label, SPACE)) > 1)
    return (
        f"{what} may hold several tags a picture, set apart by spaces, or names with spaces in them, such as {shown!r}:"
        " say --task tag for the former, --task classify for the latter"
    )


TWICE: Final = "keep one, or say --task tag: then a picture has the tags of all its lines"
