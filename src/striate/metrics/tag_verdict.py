"""The verdict on tags: one sentence that a person can act on, derived from the figures by stated rules."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from striate.metrics.intervals import Interval
from striate.metrics.tag_report import TagReport
from striate.metrics.tagging import TagMeasure
from striate.metrics.verdict import FINE, WIDE, Kind, Verdict
from striate.metrics.verdict_words import THEN_BEGIN, between, names_of, percent, remembered, would_tell
from striate.words import counted, plural

FAR = 0.2  # how far below the mean a tag's average precision must lie, its interval included, to be called weak
SURE = 0.9  # probability from which a wrong answer is a sure one
SURELY_WRONG = 3  # of which it takes so many


def tag_verdict(
    report: TagReport,
    *,
    part: str = "test",
    trained: Sequence[int] | None = None,
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on an evaluation of tags; the arguments are those of `striate.metrics.verdict.verdict`.

    Its kind is the first of these that holds. ``learnt``: more than a tenth of the pictures were learnt from.
    ``few``: the interval of the mean average precision is wider than 25 points. ``untested``: a tag that was trained
    has no picture here, or no tag has one. ``guess``: the interval reaches down to what tags drawn by chance would
    have, the mean share of pictures that have one. ``weak``: a tag's average precision lies 20 points below the mean,
    and its whole interval below it. ``labels``: three answers or more given at 90 % and more are wrong, and twice as
    many as were to be expected. ``fine``: the interval lies above 90 %. ``more``: none of these.

    Example: ``tag_verdict(tag_report([[0.9], [0.1]], [[1], [0]], tags=("sea",), thresholds=[0.5])).kind`` is ``"few"``.
    """
    seen = _Seen(report, part, trained, from_chance, learnt_from)
    rules = (_learnt, _few, _untested, _guess, _weak, _labels, _fine)
    kind, text, tags = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    return Verdict(kind, f"{text}.", (*_reasons(seen), *also), tags)


_Found = tuple[Kind, str, tuple[str, ...]]


@dataclass(frozen=True)
class _Seen:
    report: TagReport
    part: str
    trained: Sequence[int] | None
    from_chance: bool
    learnt_from: int

    @property
    def value(self) -> Interval:
        return self.report.macro

    @property
    def pictures(self) -> str:
        return counted(self.report.pictures, f"{self.part} picture".strip())

    @property
    def figure(self) -> str:
        return f"mean average precision is {percent(self.value.value)} on {self.pictures} ({between(self.value)})"

    @property
    def tested(self) -> list[TagMeasure]:
        return [each for each in self.report.per_tag if each.support]

    def learnt(self, name: str) -> int | None:
        """How many pictures with a tag were learnt from, where that is known."""
        return None if self.trained is None else int(self.trained[self.report.tags.index(name)])


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text, ())


def _few(seen: _Seen) -> _Found | None:
    if seen.value.high - seen.value.low <= WIDE or not seen.tested:
        return None
    rarest = min(seen.tested, key=lambda each: each.support)
    rare = f"the rarest tag, {rarest.name}, is on {rarest.support} of them"
    text = f"Too few to say: {seen.figure}, and {rare}; {would_tell(seen.part)}"
    return "few", text, (rarest.name,)


def _untested(seen: _Seen) -> _Found | None:
    folds = ", or measure with --folds 5" if seen.part != "cross-validated" else ""
    if not seen.tested:
        text = (
            f"Nothing is known of its answers: none of {seen.pictures} has a tag; add pictures with tags (10 or more)"
        )
        return "untested", text + folds, seen.report.tags
    missing = tuple(name for name in seen.report.unmeasured if (seen.learnt(name) or 0) > 0)
    if not missing:
        return None
    names = names_of(missing)
    text = (
        f"Nothing is known of {names}: {seen.figure}, and none of them has"
        f" {'that tag' if len(missing) == 1 else 'those tags'}; add pictures with {names} (10 or more)"
    )
    return "untested", text + folds, missing


def _guess(seen: _Seen) -> _Found | None:
    chance = sum(each.support for each in seen.tested) / (len(seen.tested) * seen.report.pictures)
    if seen.value.low > chance or chance >= 1:
        return None
    text = (
        f"No better than chance: {seen.figure}, and tags drawn by chance would have {percent(chance)}; look whether"
        " pictures and tags belong together"
    )
    return "guess", text + (THEN_BEGIN if seen.from_chance else ", and train longer or on more"), ()


def _weak(seen: _Seen) -> _Found | None:
    found = [
        each
        for each in seen.tested
        if each.average_precision
        and each.average_precision.value <= seen.value.value - FAR
        and each.average_precision.high < seen.value.value
    ]
    if not found:
        return None
    worst = min(found, key=lambda each: each.average_precision.value if each.average_precision else 0.0)
    share = worst.average_precision.value if worst.average_precision else 0.0
    text = f"Weak on {worst.name}: its average precision is {percent(share)}, where {seen.figure}"
    had = seen.learnt(worst.name)
    others = [n for each in seen.tested if each is not worst and (n := seen.learnt(each.name)) is not None]
    if had is not None and others and had < statistics.median(others) / 2:
        text += (
            f"; more pictures with {worst.name} would help most: it had {had} to learn from, the others"
            f" {statistics.median(others):.0f} (--class-weights balanced weighs them alike)"
        )
    else:
        text += f"; look at the pictures where it was missed or wrongly said, then add pictures with {worst.name}"
    return "weak", text, (worst.name,)


def _labels(seen: _Seen) -> _Found | None:
    sure = [one for one in seen.report.worst_misses if max(one.probability, 1 - one.probability) >= SURE]
    if len(sure) < SURELY_WRONG or len(sure) <= 2 * seen.report.surely_wrong_expected:
        return None
    text = (
        f"Look at the tags: {seen.figure}, and {counted(len(sure), 'answer')} given with great confidence"
        f" {plural(len(sure), 'is')} wrong, where {seen.report.surely_wrong_expected:.1f} were to be expected; tags may"
        " be missing, or stand where they should not"
    )
    return "labels", text, ()


def _fine(seen: _Seen) -> _Found | None:
    if seen.value.low < FINE:
        return None
    told = f"Fine as it is: {seen.figure}"
    return "fine", f"{told}, and no tag stands out as weak" if len(seen.tested) > 1 else told, ()


def _more(seen: _Seen) -> _Found:
    lead = "Fair" if seen.value.value >= 0.8 else "Not good yet"  # a word for the sentence, no rule hangs on it
    if seen.from_chance:
        text = f"{lead}: {seen.figure}; start from a network that knows photographs (--start), that helps most"
        return "more", text, ()
    lowest = sorted(seen.tested, key=lambda each: each.average_precision.value if each.average_precision else 1.0)[:2]
    names = tuple(each.name for each in lowest)
    if seen.trained is not None and len(seen.tested) > 1:
        told = ", ".join(f"{name} has {seen.learnt(name)} to learn from" for name in names)
        return (
            "more",
            f"{lead}: {seen.figure}; more pictures would help most, with {names_of(names)} first ({told})",
            names,
        )
    return "more", f"{lead}: {seen.figure}; more pictures to learn from would help most", ()


def _reasons(seen: _Seen) -> list[str]:
    """Return the figures behind the sentence, a sentence each."""
    report = seen.report
    found = [
        f"Mean average precision {percent(seen.value.value)} ({between(seen.value)}) over"
        f" {counted(len(seen.tested), 'tag')} on {seen.pictures}; all answers ranked together"
        f" {percent(report.micro.value)}.",
        f"Macro F1 {percent(report.macro_f1.value)} ({between(report.macro_f1)}); every tag right on"
        f" {percent(report.exact.value)} of the pictures.",
    ]
    if len(seen.tested) > 1:
        worst = min(seen.tested, key=lambda each: each.average_precision.value if each.average_precision else 1.0)
        if worst.average_precision:
            found.append(
                f"The lowest average precision is {worst.name}'s: {percent(worst.average_precision.value)}"
                f" ({between(worst.average_precision)}) of {counted(worst.support, 'picture')}."
            )
    if report.unmeasured and seen.trained is not None:
        found.append(f"Without a {seen.part} picture: {names_of(report.unmeasured)}.")
    return found
