"""The verdict on a class for every pixel: one sentence that a person can act on, derived from the figures by rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from striate.metrics.intervals import Interval
from striate.metrics.mask_report import MaskReport
from striate.metrics.verdict import WIDE, Kind, Verdict
from striate.metrics.verdict_words import BEGIN_BETTER, names_of, percent, remembered, would_tell
from striate.words import counted

FAR = 0.2  # how far below the mean a class's IoU must lie, its interval included, to be called weak
FINE = 0.8  # the least that mean IoU must be, at the low end of its interval
TOLD = 0.4  # mean IoU, below which it is not two classes that are confused, but most
CONFUSED = 0.2  # the share of a class's pixels that are called another one, from which on the two are confused


def mask_verdict(
    report: MaskReport,
    *,
    part: str = "test",
    trained: Sequence[int] | None = None,
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on masks; the arguments are those of `striate.metrics.verdict.verdict`.

    ``trained`` (K,): in how many pictures of those learnt from each class is. Its kind is the first of these that
    holds. ``learnt``: more than a tenth of the pictures were learnt from. ``untested``: nothing is there, or a class
    that was learnt is not. ``few``: the interval of mean IoU is wider than 25 points. ``guess``: pixel accuracy is not
    above that of always saying the most frequent class. ``weak``: a class's IoU lies 20 points below the mean, and its
    whole interval below it. ``confused``: mean IoU is 40 % or more, and a fifth of a class's pixels are
    called another. ``fine``: the interval lies
    above 80 %. ``more``: none of these.

    Example: ``mask_verdict(mask_report([np.array([[0, 1]])], [np.array([[0, 0]])], ("sky", "sea"))).kind`` is
    ``"few"``.
    """
    seen = _Seen(report, part, trained, from_chance, learnt_from)
    rules = (_learnt, _untested, _few, _guess, _weak, _confused, _fine)
    kind, text, names = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    return Verdict(kind, f"{text}.", (*_reasons(seen), *also), names)


_Found = tuple[Kind, str, tuple[str, ...]]


@dataclass(frozen=True)
class _Seen:
    report: MaskReport
    part: str
    trained: Sequence[int] | None
    from_chance: bool
    learnt_from: int

    @property
    def value(self) -> Interval:
        """The mean IoU; where nothing is there to measure by anything from 0 to 1."""
        return self.report.measures.mean_iou or Interval(0.0, 0.0, 1.0)

    @property
    def pictures(self) -> str:
        return counted(self.report.pictures, f"{self.part} picture".strip())

    @property
    def figure(self) -> str:
        return f"mean IoU is {percent(self.value.value)} on {self.pictures} ({_between(self.value)})"


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text, ())


def _untested(seen: _Seen) -> _Found | None:
    if seen.report.measures.mean_iou is None:
        return "untested", f"Nothing is known of its answers: all pixels of {seen.pictures} are void", seen.report.names
    learnt = [0] * len(seen.report.names) if seen.trained is None else list(seen.trained)
    missing = tuple(
        name for name, had in zip(seen.report.names, learnt, strict=True) if had and name in seen.report.absent
    )
    if not missing:
        return None
    folds = ", or measure with --folds 5" if seen.part != "cross-validated" else ""
    names = names_of(missing)
    return "untested", f"Nothing is known of {names}: {seen.figure}, and none shows it; add pictures{folds}", missing


def _few(seen: _Seen) -> _Found | None:
    if seen.value.high - seen.value.low <= WIDE:
        return None
    return "few", f"Too few to say: {seen.figure}; {would_tell(seen.part)}", ()


def _guess(seen: _Seen) -> _Found | None:
    name, share = seen.report.constant
    accuracy = seen.report.measures.accuracy
    if accuracy is None or accuracy.low > share or len(seen.report.names) - len(seen.report.absent) < 2:
        return None
    more = BEGIN_BETTER if seen.from_chance else "; look whether pictures and masks belong together, and train longer"
    text = (
        f"No better than always saying {name}: {percent(accuracy.value)} of the pixels are right, and"
        f" {percent(share)} are {name}; {seen.figure}{more}"
    )
    return "guess", text, (name,)


def _weak(seen: _Seen) -> _Found | None:
    far = [
        (one.iou.value, kind)
        for kind, one in enumerate(seen.report.measures.per_class)
        if one.iou is not None and one.iou.value <= seen.value.value - FAR and one.iou.high < seen.value.value
    ]
    if not far:
        return None
    value, kind = min(far)
    one = seen.report.measures.per_class[kind]
    share = one.pixels / max(1, int(seen.report.counts.there.sum()))
    text = f"Weak on {one.name}: its IoU is {percent(value)}, where {seen.figure}; it is {percent(share)} of the pixels"
    row = seen.report.counts.confusion[kind].copy()
    row[kind] = 0
    if row.sum() and row.max() >= CONFUSED * one.pixels:
        text += f", and {100 * row.max() / one.pixels:.0f} % of it is called {seen.report.names[int(row.argmax())]}"
    return "weak", f"{text}; more pictures with {one.name} would help most", (one.name,)


def _confused(seen: _Seen) -> _Found | None:
    pairs = [pair for pair in seen.report.confused() if pair[2] >= CONFUSED]
    if not pairs or len(seen.report.names) == 2 or seen.value.value < TOLD:
        return None
    row, column, share = max(pairs, key=lambda pair: pair[2])
    text = (
        f"{row} and {column} are confused: {100 * share:.0f} % of the pixels of {row} are called {column}, where"
        f" {seen.figure}; look whether they are labelled alike everywhere"
    )
    return "confused", text, (row, column)


def _fine(seen: _Seen) -> _Found | None:
    if seen.value.low < FINE:
        return None
    return "fine", f"Fine as it is: {seen.figure}, and no class stands out as weak", ()


def _more(seen: _Seen) -> _Found:
    lead = "Fair" if seen.value.value >= 0.65 else "Not good yet"  # a word for the sentence, no rule hangs on it
    if seen.from_chance:
        return "more", f"{lead}: {seen.figure}{BEGIN_BETTER}", ()
    return "more", f"{lead}: {seen.figure}; more pictures to learn from would help most", ()


def _reasons(seen: _Seen) -> list[str]:
    """Return the figures behind the sentence, a sentence each."""
    measures, found = seen.report.measures, [f"{seen.figure[0].upper()}{seen.figure[1:]}."]
    name, share = seen.report.constant
    if measures.accuracy is not None:
        found.append(
            f"{percent(measures.accuracy.value)} of the pixels are right ({_between(measures.accuracy)}); always"
            f" saying {name} would be right on {percent(share)}."
        )
    known = [one for one in measures.per_class if one.iou is not None]
    if len(known) > 1:
        worst = min(known, key=lambda one: one.iou.value if one.iou else 1.0)
        assert worst.iou is not None  # it is one of those that are known
        found.append(f"The lowest IoU is that of {worst.name}: {percent(worst.iou.value)} ({_between(worst.iou)}).")
    if seen.report.boundary is not None:
        found.append(f"Boundary F is {percent(seen.report.boundary.value)} ({_between(seen.report.boundary)}).")
    if seen.report.absent:
        found.append(f"Without a pixel of it in these pictures: {names_of(seen.report.absent)}.")
    return found


def _between(one: Interval) -> str:
    return f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
