"""The checks of a folder, in one table: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from striate.search.checks.boxes import boxes, contradicted
from striate.search.checks.class_sizes import class_sizes
from striate.search.checks.colour import gray_among_colour
from striate.search.checks.equal import equal_files
from striate.search.checks.groups import groups
from striate.search.checks.labels import doubtful_labels
from striate.search.checks.light import blank, dark_or_bright
from striate.search.checks.more_pictures import more_pictures
from striate.search.checks.names import turned, unusual_pixels, wrong_ending
from striate.search.checks.near import near_copies
from striate.search.checks.outliers import outliers
from striate.search.checks.overlap import overlap
from striate.search.checks.readable import unfinished, unreadable
from striate.search.checks.sharp import blurred
from striate.search.checks.shortcut import shortcuts
from striate.search.checks.sizes import huge, stretched, tiny
from striate.search.examined import LEVELS, Examined, Finding

Check = Callable[[Examined], Iterator[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    unreadable,
    unfinished,
    equal_files,
    near_copies,
    doubtful_labels,
    outliers,
    overlap,
    class_sizes,
    boxes,
    contradicted,
    wrong_ending,
    unusual_pixels,
    turned,
    tiny,
    huge,
    stretched,
    blank,
    dark_or_bright,
    blurred,
    gray_among_colour,
    shortcuts,
    groups,
    more_pictures,
)

KINDS: Final = (
    *("unreadable", "unfinished", "equal-across-classes", "equal-across-parts", "equal-copies", "near-across-classes"),
    *("near-across-parts", "near-copies", "blank", "unusual-pixels", "tiny", "stretched", "dark", "bright", "blurred"),
    *("gray-among-colour", "shortcut-size", "shortcut-file", "shortcut-colour", "groups-across-parts", "groups"),
    *("huge", "turned", "wrong-ending", "label", "overlap", "outlier", "class-sizes", "more-pictures", "box-twice"),
    *("box-two-classes", "box-tiny", "box-odd", "no-object", "box-missing", "box-class", "box-unsupported"),
)
"""The kinds of findings that these checks give."""


def checked(examined: Examined) -> tuple[Finding, ...]:
    """Return all findings, worst first: by level, then by the share of pictures they are about."""
    found = [finding for check in CHECKS for finding in check(examined)]
    return tuple(sorted(found, key=lambda finding: (LEVELS.index(finding.level), -finding.share)))
