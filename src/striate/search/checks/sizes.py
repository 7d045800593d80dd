"""Pictures that are far smaller, larger or longer than the others of their folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.search.examined import Examined, Finding, standing_out

SMALL: Final = 64  # pixels of the shorter side from which on a picture is not tiny, whatever the others are
LARGE: Final = 25e6  # pixels below which a picture is not huge, unless the others are far smaller
LONG: Final = 3.0  # times as long as wide


def _sides(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    high, wide = (examined.rows[side].astype(np.float64) for side in ("height", "width"))
    return high, wide


def _words(examined: Examined, chosen: NDArray[np.int64]) -> list[str]:
    return [f"{examined.rows['width'][row]} x {examined.rows['height'][row]}" for row in chosen]


def tiny(examined: Examined) -> Iterator[Finding]:
    """Find pictures whose shorter side is under 64 pixels and under half of what is usual in the folder."""
    shorter = np.minimum(*_sides(examined))
    usual = float(np.median(shorter)) if len(shorter) else 0.0
    chosen = np.flatnonzero((shorter < SMALL) & (shorter < usual / 2))
    chosen = chosen[np.argsort(shorter[chosen], kind="stable")]
    yield from standing_out(
        examined,
        chosen,
        _words(examined, chosen),
        kind="tiny",
        level="doubtful",
        said=f"tiny: under {SMALL} pixels, where the shorter side usually has {usual:.0f}",
        means="Made larger they are blurred, and look unlike the others for a reason that has nothing to do with what"
        " they show; often they are thumbnails or icons.",
        remedy="Fetch them in full, or remove them.",
    )


def huge(examined: Examined) -> Iterator[Finding]:
    """Find pictures of over 25 million pixels, and those of over 4 million that have 16 times as many as is usual."""
    high, wide = _sides(examined)
    pixels = high * wide
    usual = float(np.median(pixels)) if len(pixels) else 0.0
    chosen = np.flatnonzero((pixels > LARGE) | ((pixels > 4e6) & (pixels > 16 * usual)))
    chosen = chosen[np.argsort(-pixels[chosen], kind="stable")]
    yield from standing_out(
        examined,
        chosen,
        _words(examined, chosen),
        kind="huge",
        level="to know",
        said=f"huge, where {usual / 1e6:.2g} million pixels are usual",
        means="They take long to decode, and small things in them vanish at the size that a network sees.",
        remedy="Nothing, where what they show fills them; else cut out what matters.",
    )


def stretched(examined: Examined) -> Iterator[Finding]:
    """Find pictures that are over 3 times as long as wide, where the others are not."""
    high, wide = _sides(examined)
    longer = np.maximum(high, wide) / np.maximum(1, np.minimum(high, wide))
    usual = float(np.median(longer)) if len(longer) else 1.0
    chosen = np.flatnonzero((longer > LONG) & (longer > 2 * usual))
    chosen = chosen[np.argsort(-longer[chosen], kind="stable")]
    yield from standing_out(
        examined,
        chosen,
        _words(examined, chosen),
        kind="stretched",
        level="doubtful",
        said=f"over {LONG:g} times as long as wide",
        means="A network sees the middle of them, or all of it squeezed; banners and strips of several pictures"
        " are such.",
        remedy="Cut out what they show, or remove them.",
    )
