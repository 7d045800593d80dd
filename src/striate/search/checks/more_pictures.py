"""What twice as many pictures would bring, by how answers become with an eighth, a quarter, half and all of these."""

from __future__ import annotations

from collections.abc import Iterator

from striate.metrics.intervals import Interval
from striate.search.examined import Examined, Finding


def more_pictures(examined: Examined) -> Iterator[Finding]:
    """Say how right answers would be with twice as many pictures, as far as that is known."""
    curve = None if examined.told is None else examined.told.curve
    if curve is None:
        return
    now, gain = curve.now, curve.gain
    before = ", ".join(
        f"{number:,}: {100 * one.value:.1f} %" for number, one in zip(curve.pictures, curve.right, strict=True)
    )
    if gain.high < 0.005:
        said = f"twice as many pictures like these would bring next to nothing: {_share(now)} stays below"
        said = f"{said} {100 * curve.twice.high:.1f} %"
        remedy = "Better labels or other pictures than these help more than many like them."
    elif gain.low <= 0.001 or gain.high - gain.low > 2 * gain.value:
        said = (
            "whether twice as many pictures would help cannot be told:"
            f" {_share(now)} would be between {100 * curve.twice.low:.0f} and {100 * curve.twice.high:.0f} %"
        )
        remedy = "Collect some more and ask again; a curve is known from a few hundred pictures on."
    else:
        said = (
            f"twice as many pictures: {_share(now)} → {100 * curve.twice.value:.{_digits(now)}f} %"
            f" ({100 * curve.twice.low:.{_digits(now)}f} to {100 * curve.twice.high:.{_digits(now)}f} %)"
        )
        remedy = "Whether that is worth the work of collecting them, you know best."
    yield Finding(
        "more-pictures",
        "to know",
        said,
        "Right answers by how many pictures they were learnt from, on the usual trunk, each to a picture that was left"
        f" out: {before}. A power law through these is carried on to twice the last; a network that is trained"
        " whole is right more often, and gains more.",
        remedy,
        share=0.0,
    )


def _digits(now: Interval) -> int:
    return 1 if now.value > 0.95 or now.high - now.low < 0.02 else 0


def _share(now: Interval) -> str:
    return f"{100 * now.value:.{_digits(now)}f} %"
