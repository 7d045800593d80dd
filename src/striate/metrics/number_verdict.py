"""The verdict on predicted numbers: one sentence that a person can act on, derived from the figures by stated rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from striate.metrics.intervals import Interval
from striate.metrics.number_report import NumberReport, RegressionReport, WorstNumber, span
from striate.metrics.regression import shorter_way
from striate.metrics.verdict import FINE, Kind, Verdict
from striate.metrics.verdict_words import THEN_BEGIN, remembered
from striate.words import counted

WIDE = 0.5  # of R2: an interval as wide as this says little
FEWEST = 10  # pictures, below which nothing is said
FAR = 6.0  # times the median error: so far off is an answer whose label is worth a look
SOME_FAR = 3  # of which it takes so many
RARE = 0.05  # and not more than that share of the pictures: many are no mistakes in a list


def number_verdict(
    report: RegressionReport,
    *,
    part: str = "test",
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on an evaluation; the arguments are those of `striate.metrics.verdict.verdict`.

    Of several numbers it is on the one that is told worst. Its kind is the first of these that holds. ``learnt``: more
    than a tenth of the pictures were learnt from. ``few``: there are fewer than 10 pictures, or R2's interval is wider
    than 0.5. ``untested``: a number is the same on all pictures. ``guess``: the mean absolute error's interval reaches
    up to what a constant answer has, or R2's down to 0. ``labels``: three answers or more are off by over six times the
    median error. ``weak``: its intervals hold fewer numbers than they promise, beyond chance, or in a range of the
    number the bias, its interval included, is larger than the mean absolute error. ``fine``: R2's interval lies above
    0.9. ``more``: none of these.

    Example: ``number_verdict(regression_report([[1.0], [4.0]], [[2.0], [2.0]], names=("angle",))).kind`` is ``"few"``.
    """
    seen = _Seen(report, part, from_chance, learnt_from)
    rules = (_learnt, _few, _untested, _guess, _labels, _narrow, _weak, _fine)
    kind, text = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    names = tuple(one.name for one in report.each if one.unvaried) if kind == "untested" else (seen.one.name,)
    return Verdict(
        kind,
        f"{text[0].upper()}{text[1:]}.",
        (*_reasons(seen), *also),
        names if len(report.each) > 1 else (),
    )


@dataclass(frozen=True)
class _Seen:
    report: RegressionReport
    part: str
    from_chance: bool
    learnt_from: int

    @property
    def one(self) -> NumberReport:
        """The number that is told worst, of those that vary where one does."""
        return min(self.report.each, key=lambda one: one.measures.r2.value if one.measures.r2 else math.inf)

    @property
    def pictures(self) -> str:
        return counted(self.report.pictures, f"{self.part} picture".strip())

    @property
    def unit(self) -> str:
        return f" {self.one.unit}" if self.one.unit else ""

    @property
    def figure(self) -> str:
        mae = self.one.measures.mae
        named = f"{self.one.name}: " if len(self.report.each) > 1 else ""
        return (
            f"{named}answers are {mae.value:.3g}{self.unit} off in the mean on {self.pictures} ({mae.low:.3g} to"
            f" {mae.high:.3g})"
        )

    @property
    def far(self) -> list[WorstNumber]:
        """The answers that are off by over six times the median error, where nearly all others are not."""
        place = self.report.each.index(self.one)
        limit = FAR * self.one.median
        far = [worst for worst in self.report.worst if worst.number == place and _off(worst, self.one.period) > limit]
        return far if limit > 0 and len(far) <= RARE * self.report.pictures else []


_Found = tuple[Kind, str]


def _off(worst: WorstNumber, period: float | None) -> float:
    gap = worst.predicted - worst.target
    return abs(gap if period is None else float(shorter_way(gap, period)))


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text)


def _few(seen: _Seen) -> _Found | None:
    r2 = seen.one.measures.r2
    if seen.report.pictures >= FEWEST and (r2 is None or r2.high - r2.low <= WIDE or r2.high < 0):
        return None
    few = seen.report.pictures < FEWEST
    between = "" if r2 is None or few else f": R2 may be anything from {max(-1.0, r2.low):.2f} to {r2.high:.2f}"
    return "few", f"{seen.pictures} are too few to say how good it is{between}; measure on more"


def _untested(seen: _Seen) -> _Found | None:
    unvaried = [one for one in seen.report.each if one.unvaried]
    if not unvaried:
        return None
    names = " and ".join(one.name for one in unvaried)
    told = "" if len(unvaried) == len(seen.report.each) else f" ({seen.figure})"
    folds = ", or measure with --folds 5" if seen.part in ("test", "validation") else ""
    return (
        "untested",
        f"how well {names} is told is not known{told}: {'; '.join(one.unvaried for one in unvaried)}; measure on"
        f" pictures with other numbers{folds}",
    )


def _guess(seen: _Seen) -> _Found | None:
    one = seen.one
    name, constant = one.constant
    r2 = one.measures.r2
    if one.measures.mae.high < constant.mae and (r2 is None or r2.low > 0):
        return None
    sure = "is not shown to be" if one.measures.mae.value < constant.mae else "is not"
    return (
        "guess",
        f"it {sure} better than always answering {constant.value:.4g}{seen.unit} (the {name}), which is"
        f" {constant.mae:.3g}{seen.unit} off in the mean: the pictures may not show the number, or it takes more of"
        f" them{THEN_BEGIN if seen.from_chance else ''}",
    )


def _labels(seen: _Seen) -> _Found | None:
    far = seen.far
    if len(far) < SOME_FAR:
        return None
    return (
        "labels",
        f"{counted(len(far), 'answer')} are off by over {FAR:g} times the usual error: look at these pictures and their"
        " numbers first",
    )


def _narrow(seen: _Seen) -> _Found | None:
    held, level = seen.one.coverage, seen.one.level
    if held is None or held.high >= level:
        return None
    return (
        "weak",
        f"its {100 * level:g} % intervals are too narrow: they hold {100 * held.value:.0f} % of the numbers on"
        f" {seen.pictures}; folds (--folds 5) take them from every picture",
    )


def _weak(seen: _Seen) -> _Found | None:
    mae = seen.one.measures.mae.value
    for one in sorted(seen.one.ranges, key=lambda part: -abs(part.bias.value)):
        if len(seen.one.ranges) > 1 and (one.bias.low > mae or one.bias.high < -mae):
            way = "high" if one.bias.value > 0 else "low"
            off = f"{abs(one.bias.value):.3g}{seen.unit} too {way} ({counted(one.pictures, 'picture')})"
            return "weak", f"numbers of {span(one.low, one.high)}{seen.unit} are told {off}: give it more such pictures"
    return None


def _fine(seen: _Seen) -> _Found | None:
    r2: Interval | None = seen.one.measures.r2
    if r2 is None or r2.low < FINE:
        return None
    return "fine", f"Fine as it is: {seen.figure}; {100 * r2.value:.0f} % of the number's variance is predicted"


def _more(seen: _Seen) -> _Found:
    better = THEN_BEGIN if seen.from_chance else ""
    return "more", f"it has learnt something; more pictures are what helps{better}"


def _reasons(seen: _Seen) -> tuple[str, ...]:
    one = seen.one
    name, constant = one.constant
    reasons = [
        seen.figure,
        f"always {constant.value:.4g}{seen.unit} (the {name}) would be {constant.mae:.3g}{seen.unit} off",
    ]
    if one.measures.r2 is not None:
        r2 = one.measures.r2
        reasons.append(f"R2 is {r2.value:.3f} ({r2.low:.3f} to {r2.high:.3f})")
    if one.coverage is not None:
        reasons.append(
            f"{100 * one.coverage.value:.0f} % lie in their {100 * one.level:g} % interval"
            f" ({100 * one.coverage.low:.0f} to {100 * one.coverage.high:.0f} %)"
        )
    return tuple(reasons)
