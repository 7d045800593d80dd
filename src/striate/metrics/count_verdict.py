"""The verdict on counts: one sentence that a person can act on, derived from the figures by stated rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from striate.data.labels.marks import several
from striate.metrics.count_report import CountReport
from striate.metrics.counting import CountMeasure
from striate.metrics.number_report import span
from striate.metrics.verdict import Kind, Verdict
from striate.metrics.verdict_words import THEN_BEGIN, remembered, would_tell
from striate.words import counted

FEWEST = 10  # pictures, below which nothing is said
FINE = 0.05  # of the mean count: an error as small as this, at the high end of its interval, is fine
BIASED = 0.5  # of the mean absolute error: a bias as large as this, its interval included, is most of the error


def count_verdict(
    report: CountReport,
    *,
    part: str = "test",
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on an evaluation of counts; the arguments are those of `striate.metrics.verdict.verdict`.

    Of several classes it is on the one that is farthest off for how many there are. Its kind is the first of these that
    holds. ``learnt``: more than a tenth of the pictures were learnt from. ``untested``: no count is known. ``few``:
    there are fewer than 10 pictures. ``guess``: the interval of the mean absolute error reaches up to what always the
    same count has. ``weak``: bias, its interval included, is half of the error or more, or in a range of the true count
    it is larger than the error; or intervals hold fewer counts than they promise, beyond chance. ``fine``: the error,
    its interval included, is at most a twentieth of the mean count. ``more``: none of these.

    Example: ``count_verdict(count_report([[3.0], [5.0]], [[3], [7]], ("cell",))).kind`` is ``"few"``.
    """
    if not report.known:
        pictures = counted(report.pictures, f"{part} picture".strip())
        text = f"Nothing is known of its counts: nobody counted in {pictures}"
        return Verdict("untested", f"{text}.", tuple(also), report.names)
    seen = _Seen(report, part, from_chance, learnt_from)
    rules = (_learnt, _few, _guess, _weak, _narrow, _fine)
    kind, text = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    names = (seen.one.name,) if len(report.known) > 1 else ()
    return Verdict(kind, f"{text[0].upper()}{text[1:]}.", (*_reasons(seen), *also), names)


_Found = tuple[Kind, str]


@dataclass(frozen=True)
class _Seen:
    report: CountReport
    part: str
    from_chance: bool
    learnt_from: int

    @property
    def one(self) -> CountMeasure:
        """The class that is farthest off for what always the same count would be off by."""
        return max(self.report.known, key=lambda one: one.measures.mae.value / max(one.constant[1].mae, 1e-9))

    @property
    def pictures(self) -> str:
        return counted(self.one.pictures, f"{self.part} picture".strip())

    @property
    def figure(self) -> str:
        mae = self.one.measures.mae
        return (
            f"counts of {several(self.one.name)} are off by {mae.value:.3g} in the mean on {self.pictures}"
            f" ({mae.low:.3g} to {mae.high:.3g}), where {self.one.objects / self.one.pictures:.3g} are there"
        )


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text)


def _few(seen: _Seen) -> _Found | None:
    if seen.one.pictures >= FEWEST:
        return None
    return "few", f"too few to say: {seen.figure}; {would_tell(seen.part)}"


def _guess(seen: _Seen) -> _Found | None:
    name, constant = seen.one.constant
    if seen.one.measures.mae.high < constant.mae:
        return None
    sure = "is not shown to be" if seen.one.measures.mae.value < constant.mae else "is not"
    return (
        "guess",
        f"it {sure} better than always saying {constant.value:.4g} (the {name}), which is off by {constant.mae:.3g}:"
        f" {seen.figure}; look whether pictures and counts belong together"
        + (THEN_BEGIN if seen.from_chance else ", and give it more of them"),
    )


def _weak(seen: _Seen) -> _Found | None:
    mae, bias = seen.one.measures.mae.value, seen.one.measures.bias
    least = bias.low if bias.value > 0 else -bias.high  # how large it is at least
    if least >= BIASED * mae > 0:
        way = "too many" if bias.value > 0 else "too few"
        return (
            "weak",
            f"most of the error is bias: it counts {abs(bias.value):.3g} {way} in the mean; {seen.figure}; pictures"
            " like these to learn from would help most",
        )
    for part in sorted(seen.one.ranges, key=lambda one: -abs(one.bias.value)):
        if len(seen.one.ranges) > 1 and (part.bias.low > mae or part.bias.high < -mae):
            way = "too many" if part.bias.value > 0 else "too few"
            return (
                "weak",
                f"where {span(part.low, part.high)} are there it counts {abs(part.bias.value):.3g} {way}"
                f" ({counted(part.pictures, 'picture')}); {seen.figure}; give it more such pictures",
            )
    return None


def _narrow(seen: _Seen) -> _Found | None:
    held, level = seen.one.coverage, seen.one.level
    if held is None or held.high >= level:
        return None
    return (
        "weak",
        f"its {100 * level:g} % intervals are too narrow: they hold {100 * held.value:.0f} % of the counts of"
        f" {several(seen.one.name)}; {seen.figure}; folds (--folds 5) take them from every picture",
    )


def _fine(seen: _Seen) -> _Found | None:
    worst = [one for one in seen.report.known if one.measures.mae.high > FINE * one.objects / one.pictures]
    return None if worst else ("fine", f"fine as it is: {seen.figure}")


def _more(seen: _Seen) -> _Found:
    more = f"{THEN_BEGIN}" if seen.from_chance else ""
    return "more", f"it has learnt to count: {seen.figure}; more pictures are what helps{more}"


def _reasons(seen: _Seen) -> tuple[str, ...]:
    """Return the figures behind the sentence, a sentence each."""
    one = seen.one
    name, constant = one.constant
    bias = one.measures.bias
    reasons = [
        f"{seen.figure[0].upper()}{seen.figure[1:]}.",
        f"Bias is {bias.value:+.3g} ({bias.low:+.3g} to {bias.high:+.3g}); always {constant.value:.4g} (the {name})"
        f" would be off by {constant.mae:.3g}.",
    ]
    if one.coverage is not None:
        reasons.append(
            f"{100 * one.coverage.value:.0f} % lie in their {100 * one.level:g} % interval"
            f" ({100 * one.coverage.low:.0f} to {100 * one.coverage.high:.0f} %)."
        )
    return tuple(reasons)
