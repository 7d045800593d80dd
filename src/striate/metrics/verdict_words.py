"""What the sentences of all verdicts have in common: that pictures were learnt from, what would tell more, names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from striate.metrics.intervals import Interval

LEARNT: Final = 0.1  # share of pictures that were learnt from, above which there is no verdict
THEN_BEGIN: Final = ", then start from a network that knows photographs (--start)"
BEGIN_BETTER: Final = "; start from a network that knows photographs (--start), that helps most"


def remembered(figure: str, learnt_from: int, pictures: int) -> str | None:
    """Return why there is no verdict, where more than a tenth of the pictures were learnt from; else None.

    Example: ``remembered("3 of 4 are right", 0, 4)`` is None.
    """
    if learnt_from <= LEARNT * pictures:
        return None
    return (
        f"No verdict: {figure}, but the model has learnt from {learnt_from:,} of them, so that this says how"
        " well it remembers; pictures it has not seen would tell"
    )


def would_tell(part: str) -> str:
    """Return what tells more than the pictures of a part, of which there are too few.

    Example: ``would_tell("test")`` is ``"--folds 5 measures on every picture there is"``.
    """
    if part in ("test", "validation"):
        return "--folds 5 measures on every picture there is"
    return "only more pictures would tell" if part == "cross-validated" else "more pictures would tell"


def names_of(names: Sequence[str], most: int = 3) -> str:
    """Return names as a list in words; of many the first few.

    Example: ``names_of(("cat", "dog"))`` is ``"cat and dog"``.
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def percent(share: float) -> str:
    """Return a share as it is read. Example: ``percent(0.983)`` is ``"98.3 %"``."""
    return f"{100 * share:.1f} %"


def between(value: Interval, *, digits: int = 1) -> str:
    """Return the ends of an interval of a share as percent: ``95.8 to 99.4``; with ``%`` where it stands alone."""
    text = f"{100 * value.low:.{digits}f} to {100 * value.high:.{digits}f}"
    return text if digits else f"{text} %"
