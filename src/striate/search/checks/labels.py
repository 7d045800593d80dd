"""Labels that answers of others speak against: worth a look, the one that is thought least of first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from striate.search.examined import Case, Examined, Finding
from striate.words import counted, plural

ALIKE: Final = 10  # nearest pictures that are asked for their label


def doubtful_labels(examined: Examined) -> Iterator[Finding]:
    """Find labels that look wrong, by `striate.verbs.told`."""
    if not examined.doubts:
        return
    cases = tuple(
        Case(
            (examined.paths[one.row],),
            f"labelled {examined.names[one.label]}; {examined.names[one.said]} by {100 * one.probability:.0f} %, and"
            f" {one.alike} of the {ALIKE} pictures most like it are {examined.names[one.said]}",
        )
        for one in examined.doubts
    )
    yield Finding(
        "label",
        "doubtful",
        f"{counted(len(cases), 'label')} {plural(len(cases), 'is')} worth a look: what the other pictures say speaks"
        f" against {'it' if len(cases) == 1 else 'them'}",
        "Each was answered for by all other pictures, by what the usual trunk sees in them. Some will be right, and"
        " the pictures hard; where many are wrong, a network learns them, and is measured by them.",
        "Look at them from the top, and put those that are wrong into the folder of their class.",
        cases,
        len(cases) / max(1, len(examined)),
    )
