"""The verdict on boxes: one sentence that a person can act on, derived from the figures by stated rules."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.metrics.box_errors import KINDS
from striate.metrics.box_report import BoxReport
from striate.metrics.intervals import Interval
from striate.metrics.verdict import FINE, WIDE, Kind, Verdict
from striate.metrics.verdict_words import BEGIN_BETTER, names_of, remembered, would_tell
from striate.words import counted, plural

FAR = 0.2  # how far below the mean a class's AP50 must lie, its interval included, to be called weak
NOTHING = 0.05  # AP50, below which next to nothing is found
SURE = 0.9  # a score from which a box on nothing says that a label may be missing
SURELY_WRONG = 3  # of which it takes so many
_ADVICE = {
    "class": "classes are taken for each other: look whether they are labelled alike everywhere, then add pictures of"
    " those that are confused",
    "place": "boxes do not fit: look whether they are drawn tightly and alike everywhere; a larger size (--size) helps"
    " with small objects",
    "both": "neither place nor class is right: more pictures to learn from would help most",
    "copy": "objects get two boxes: look whether some are labelled in parts",
    "background": "boxes are said where nothing is labelled: look whether something is there after all, then add"
    " pictures of what is mistaken, without a box",
    "missed": "objects are missed: more pictures with such objects would help most, and a larger size (--size) where"
    " they are small",
}


def box_verdict(
    report: BoxReport,
    *,
    part: str = "test",
    trained: Sequence[int] | None = None,
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on an evaluation of boxes; the arguments are those of `striate.metrics.verdict.verdict`.

    ``trained`` (K,): how many boxes of each class were learnt from. Its kind is the first of these that holds.
    ``learnt``: more than a tenth of the pictures were learnt from. ``untested``: nothing is there, or a class that was
    learnt is not. ``few``: the interval of AP50 is wider than 25 points. ``guess``: AP50 may be below 0.05. ``weak``:
    a class's AP50 lies 20 points below the mean, and its whole interval below it. ``labels``: three boxes or more said
    at 0.90 and more stand on nothing that is labelled, and twice as many as were to be expected. ``fine``: the
    interval lies above 0.90. ``more``: none of these; what costs most is named.

    Example: ``box_verdict(box_report([Found([], [], [])], [Truth([[0, 0, 9, 9]], [0])], ("cat",), [0.5])).kind`` is
    ``"few"``.
    """
    seen = _Seen(report, part, trained, from_chance, learnt_from)
    rules = (_learnt, _untested, _few, _guess, _weak, _labels, _fine)
    kind, text, names = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    return Verdict(kind, f"{text}.", (*_reasons(seen), *also), names)


_Found = tuple[Kind, str, tuple[str, ...]]


@dataclass(frozen=True)
class _Seen:
    report: BoxReport
    part: str
    trained: Sequence[int] | None
    from_chance: bool
    learnt_from: int

    @property
    def value(self) -> Interval:
        """AP50; where nothing is there to measure by anything from 0 to 1."""
        return self.report.intervals.ap50 or Interval(0.0, 0.0, 1.0)

    @property
    def pictures(self) -> str:
        return counted(self.report.pictures, f"{self.part} picture".strip())

    @property
    def figure(self) -> str:
        return f"AP50 is {self.value.value:.3f} on {self.pictures} ({_between(self.value)})"

    @property
    def there(self) -> list[int]:
        """The classes of which something is there."""
        return [kind for kind, point in enumerate(self.report.points) if point.present]


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text, ())


def _untested(seen: _Seen) -> _Found | None:
    folds = ", or measure with --folds 5" if seen.part != "cross-validated" else ""
    if not seen.there:
        text = f"Nothing is known of its answers: no object is labelled in {seen.pictures}; add pictures with boxes"
        return "untested", text + folds, seen.report.names
    learnt = [0] * len(seen.report.names) if seen.trained is None else list(seen.trained)
    missing = tuple(name for kind, name in enumerate(seen.report.names) if kind not in seen.there and learnt[kind])
    if not missing:
        return None
    names = names_of(missing)
    return "untested", f"Nothing is known of {names}: {seen.figure}, and none shows one; add pictures{folds}", missing


def _few(seen: _Seen) -> _Found | None:
    if seen.value.high - seen.value.low <= WIDE:
        return None
    objects = counted(seen.report.objects, "object")
    return "few", f"Too few to say: {seen.figure}, with {objects} in them; {would_tell(seen.part)}", ()


def _guess(seen: _Seen) -> _Found | None:
    if seen.value.low > NOTHING:
        return None
    more = BEGIN_BETTER if seen.from_chance else "; look whether pictures and boxes belong together, and train longer"
    return "guess", f"It finds next to nothing: {seen.figure}{more}", ()


def _weak(seen: _Seen) -> _Found | None:
    each = seen.report.intervals.per_class_50
    far = [
        (one.value, kind)
        for kind in seen.there
        if (one := each[kind]) is not None and one.value <= seen.value.value - FAR and one.high < seen.value.value
    ]
    if not far:
        return None
    value, kind = min(far)
    name = seen.report.names[kind]
    text = f"Weak on {name}: its AP50 is {value:.3f}, where {seen.figure}"
    if seen.trained is not None and len(seen.there) > 1:
        others = statistics.median(seen.trained[other] for other in seen.there if other != kind)
        if seen.trained[kind] < others / 2:
            return (
                "weak",
                f"{text}; it had {seen.trained[kind]:,} to learn from, the others {others:,.0f}: add some",
                (name,),
            )
    most = KINDS[int(seen.report.errors.counts[kind].argmax())]
    return "weak", f"{text}; most often {_ADVICE[most]}", (name,)


def _labels(seen: _Seen) -> _Found | None:
    sure = [one for one in seen.report.errors.errors if one.kind == "background" and (one.score or 0) >= SURE]
    expected = sum(
        (1 - (one.score or 0.0)) * one.boxes for one in seen.report.calibration.bins if one.low >= SURE - 1e-9
    )
    if len(sure) < SURELY_WRONG or len(sure) <= 2 * expected:
        return None
    text = (
        f"Look at the labels: {seen.figure}, and {counted(len(sure), 'box')} said at {SURE:.2f} and more"
        f" {plural(len(sure), 'is')} where nothing is labelled; labels may be missing there"
    )
    return "labels", text, ()


def _fine(seen: _Seen) -> _Found | None:
    if seen.value.low < FINE:
        return None
    told = f"Fine as it is: {seen.figure}"
    return "fine", f"{told}, and no class stands out as weak" if len(seen.there) > 1 else told, ()


def _more(seen: _Seen) -> _Found:
    lead = "Fair" if seen.value.value >= 0.75 else "Not good yet"  # a word for the sentence, no rule hangs on it
    if seen.from_chance:
        return "more", f"{lead}: {seen.figure}{BEGIN_BETTER}", ()
    costs = seen.report.errors.costs
    most = max(KINDS, key=lambda kind: costs[kind])
    return "more", f"{lead}: {seen.figure}; most is lost where {_ADVICE[most]} (AP50 +{costs[most]:.3f} without)", ()


def _reasons(seen: _Seen) -> list[str]:
    """Return the figures behind the sentence, a sentence each."""
    report, found = seen.report, []
    if report.intervals.ap is not None:
        ap = report.intervals.ap
        found.append(f"{seen.figure}; AP is {ap.value:.3f} ({_between(ap)}).")
    right, wrong, missed = (int(some.sum()) for some in (report.right, report.wrong, report.missed))
    found.append(
        f"From their thresholds on {right:,} of {counted(right + missed, 'object')} are found, and {wrong:,} of"
        f" {counted(right + wrong, 'box')} said {plural(wrong, 'is')} wrong."
    )
    if report.calibration.error is not None:
        error = report.calibration.error
        found.append(
            f"Scores are {100 * error.value:.1f} % off in the mean ({100 * error.low:.1f} to {100 * error.high:.1f} %)."
        )
    lost = {kind: cost for kind, cost in report.errors.costs.items() if not np.isnan(cost) and cost > 0}
    if lost:
        told = ", ".join(f"{kind} {cost:.3f}" for kind, cost in sorted(lost.items(), key=lambda item: -item[1])[:3])
        found.append(f"What costs most of AP50: {told}.")
    if report.precision.absent and seen.trained is not None:
        found.append(f"Without an object of it in these pictures: {names_of(report.precision.absent)}.")
    return found


def _between(one: Interval) -> str:
    return f"{one.low:.3f} to {one.high:.3f}"
