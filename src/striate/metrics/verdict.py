"""The verdict: one sentence on an evaluation that a person can act on, derived from its numbers by stated rules."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from striate.metrics.classification import ClassMeasure
from striate.metrics.intervals import Z95, Interval
from striate.metrics.mistakes import SURE
from striate.metrics.report import ClassificationReport
from striate.metrics.verdict_words import THEN_BEGIN, between, names_of, percent, remembered, would_tell
from striate.metrics.weak import far_below
from striate.words import counted, plural

Kind = Literal["learnt", "few", "untested", "guess", "weak", "confused", "labels", "fine", "more"]

WIDE = 0.25  # an interval as wide as this says nothing
PAIR = (3, 1 / 3, 0.02)  # confusions of two classes that matter: so many, that share of mistakes and of pictures
SURELY_WRONG = 3  # of which it takes so many: two are soon found by chance
FINE = 0.9  # the least that the accuracy must be, at the low end of its interval
GOAL = 0.1  # the width of an interval worth having


@dataclass(frozen=True)
class Verdict:
    """What an evaluation comes to: the ``kind`` of rule that decided, the sentence, and the figures it rests on.

    ``kind`` is the first of these that holds:

    - ``learnt``: more than a tenth of the pictures were learnt from, so that they say nothing of others;
    - ``few``: the accuracy's 95 % interval is wider than 25 points;
    - ``untested``: a class that was trained has no picture to be measured on;
    - ``guess``: the accuracy's interval reaches down to what always answering the commonest class would have;
    - ``weak``: a class's recall lies far below the accuracy (`striate.metrics.weak.far_below`);
    - ``confused``: of more than two classes, two make up a third of the mistakes, and 2 % of the pictures;
    - ``labels``: of answers given at 87 % and more, three are wrong, and over twice as many as were to be expected;
    - ``fine``: the accuracy's interval lies above 90 %, or nothing is wrong;
    - ``more``: none of these, so more to learn from is what helps.
    """

    kind: Kind
    text: str
    reasons: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def wants_a_look(self) -> bool:
        """Whether what it asks for first is a look at pictures and their labels."""
        return self.kind in ("labels", "confused", "guess") or (self.kind == "weak" and len(self.classes) == 2)

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {"kind": self.kind, "text": self.text, "reasons": list(self.reasons), "classes": list(self.classes)}


def verdict(
    report: ClassificationReport,
    *,
    part: str = "test",
    trained: Sequence[int] | None = None,
    from_chance: bool = False,
    learnt_from: int = 0,
    also: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on an evaluation.

    ``part``: which pictures those are, as it stands before "pictures" (test, validation, cross-validated; nothing for
    others than a run's own). ``trained``: of each class, how many pictures it was learnt from (None: not known, and
    then no class counts as untested).
    ``from_chance``: photographs were learnt without weights to start from, which would help most. ``learnt_from``: how
    many of the pictures the model has learnt from. ``also``: further
    sentences for the reasons.

    Example: ``verdict(classification_report([[2.0, 0.0], [0.0, 1.0]], [0, 1], classes=("cat", "dog"))).kind`` is
    ``"few"``.
    """
    seen = _Seen(report, part, trained, from_chance, learnt_from)
    rules = (_learnt, _few, _untested, _guess, _weak, _confused, _labels, _fine)
    kind, text, classes = next((found for rule in rules if (found := rule(seen))), None) or _more(seen)
    return Verdict(kind, f"{text}.", (*_reasons(seen), *also), classes)


_Found = tuple[Kind, str, tuple[str, ...]]


@dataclass(frozen=True)
class _Seen:
    report: ClassificationReport
    part: str
    trained: Sequence[int] | None
    from_chance: bool
    learnt_from: int

    @property
    def accuracy(self) -> Interval:
        return self.report.accuracy

    @property
    def pictures(self) -> str:
        return counted(self.report.pictures, f"{self.part} picture".strip())

    @property
    def correct(self) -> int:
        return int(self.report.confusion.trace())

    @property
    def mistakes(self) -> int:
        return self.report.pictures - self.correct

    @property
    def figure(self) -> str:
        verb = plural(self.report.pictures, "is")
        return f"{percent(self.accuracy.value)} of {self.pictures} {verb} right ({between(self.accuracy)})"

    @property
    def tested(self) -> list[ClassMeasure]:
        return [each for each in self.report.per_class if each.support]

    def learnt(self, name: str) -> int | None:
        """How many pictures of a class were learnt from, where that is known."""
        return None if self.trained is None else int(self.trained[self.report.classes.index(name)])


def _learnt(seen: _Seen) -> _Found | None:
    text = remembered(seen.figure, seen.learnt_from, seen.report.pictures)
    return None if text is None else ("learnt", text, ())


def _few(seen: _Seen) -> _Found | None:
    if seen.accuracy.high - seen.accuracy.low <= WIDE:
        return None
    share = min(max(seen.accuracy.value, 0.1), 0.9)
    wanted = math.ceil(4 * Z95**2 * share * (1 - share) / GOAL**2 / 10) * 10
    verb = plural(seen.report.pictures, "is")
    text = (
        f"Too few to say: {seen.correct} of {seen.pictures} {verb} right, which may stand for anything from"
        f" {between(seen.accuracy, digits=0)}; {would_tell(seen.part)} (about {wanted} tell it to 5 points)"
    )
    return "few", text, ()


def _untested(seen: _Seen) -> _Found | None:
    missing = tuple(
        each.name for each in seen.report.per_class if not each.support and (seen.learnt(each.name) or 0) > 0
    )
    if not missing:
        return None
    names = names_of(missing)
    text = (
        f"Nothing is known of {names}: {seen.figure}, and none of them is of"
        f" {'that class' if len(missing) == 1 else 'those classes'}; add pictures of {names} (10 or more)"
    )
    if seen.part != "cross-validated":
        text += ", or measure with --folds 5"
    return "untested", text, missing


def _guess(seen: _Seen) -> _Found | None:
    common = max(seen.report.per_class, key=lambda each: each.support)
    share = common.support / seen.report.pictures
    if len(seen.tested) < 2 or seen.accuracy.low > share:
        return None
    text = (
        f"No better than always answering {common.name}: {seen.figure}, and {percent(share)} are {common.name};"
        " look whether pictures and labels belong together"
    )
    return "guess", text + (THEN_BEGIN if seen.from_chance else ", and train longer or on more"), (common.name,)


def _weak(seen: _Seen) -> _Found | None:
    found = far_below(seen.report.per_class, seen.accuracy)
    if not found:
        return None
    worst = found[0]
    hits = round((worst.recall.value if worst.recall else 0.0) * worst.support)
    text = f"Weak on {worst.name}: {hits} of {worst.support} right, where {seen.figure}"
    others = [had for each in seen.tested if each is not worst and (had := seen.learnt(each.name)) is not None]
    had = seen.learnt(worst.name)
    if had is not None and others and had < statistics.median(others) / 2:
        text += (
            f"; more pictures of {worst.name} would help most: it had {had} to learn from, the others"
            f" {statistics.median(others):.0f} (--class-weights balanced weighs them alike)"
        )
        return "weak", text, (worst.name,)
    called, count = _mostly_called(seen, worst.name)
    text += (
        f"; {count} are called {called}: look at these and their labels first, then add pictures of both"
        if count > 1
        else f"; more pictures of {worst.name} would help most"
    )
    return "weak", text, (worst.name, called) if count > 1 else (worst.name,)


def _confused(seen: _Seen) -> _Found | None:
    matrix = seen.report.confusion
    both = matrix + matrix.T
    least, of_mistakes, of_pictures = PAIR
    if len(seen.report.classes) <= 2:
        return None
    pairs = [(int(both[a, b]), a, b) for a in range(len(both)) for b in range(a)]
    count, a, b = max(pairs, key=lambda pair: pair[0])
    if count < max(least, of_mistakes * seen.mistakes, of_pictures * seen.report.pictures):
        return None
    one, other = sorted((seen.report.classes[a], seen.report.classes[b]))
    text = (
        f"Confuses {one} with {other}: {seen.figure}, and {count} of {counted(seen.mistakes, 'mistake')} are between"
        f" these two; look at them and their labels first, then add pictures of both"
    )
    return "confused", text, (one, other)


def _labels(seen: _Seen) -> _Found | None:
    sure = [
        each
        for each in seen.report.reliability
        if each.low >= SURE - 1e-9 and each.confidence is not None and each.accuracy is not None
    ]
    wrong = sum(round(each.pictures * (1 - each.accuracy.value)) for each in sure if each.accuracy)
    expected = sum(each.pictures * (1 - (each.confidence or 0.0)) for each in sure)
    if wrong < SURELY_WRONG or wrong <= 2 * expected:
        return None
    text = (
        f"Look at the labels: {seen.figure}, and {wrong} of {counted(seen.mistakes, 'mistake')} were answered with"
        f" great confidence, where {expected:.1f} were to be expected; some of those may be labelled wrong"
    )
    return "labels", text, ()


def _fine(seen: _Seen) -> _Found | None:
    if not seen.mistakes and seen.accuracy.low < FINE:
        few = f"which with so few stands for {percent(seen.accuracy.low)} or more"
        return "fine", f"Nothing wrong as far as seen: all of {seen.pictures} are right, {few}", ()
    if seen.accuracy.low < FINE:
        return None
    if not seen.mistakes:
        return "fine", f"Fine as it is: all of {seen.pictures} are right ({between(seen.accuracy)})", ()
    told = f"Fine as it is: {seen.figure}"
    return "fine", f"{told}, and no class stands out as weak" if len(seen.tested) > 1 else told, ()


def _more(seen: _Seen) -> _Found:
    lead = "Fair" if seen.accuracy.value >= 0.8 else "Not good yet"  # a word for the sentence, no rule hangs on it
    if seen.from_chance:
        return (
            "more",
            f"{lead}: {seen.figure}; start from a network that knows photographs (--start), that helps most",
            (),
        )
    if seen.trained is not None and len(seen.trained) > 1:
        lowest = sorted(seen.tested, key=lambda each: each.recall.value if each.recall else 1.0)[:2]
        names = tuple(each.name for each in lowest if each.recall and each.recall.value < seen.accuracy.value)
        if names:
            told = ", ".join(f"{name} has {seen.learnt(name)} to learn from" for name in names)
            return (
                "more",
                f"{lead}: {seen.figure}; more pictures would help most, of {names_of(names)} first ({told})",
                names,
            )
    return "more", f"{lead}: {seen.figure}; more pictures to learn from would help most", ()


def _reasons(seen: _Seen) -> list[str]:
    """Return the figures behind the sentence, a sentence each."""
    found = [f"Accuracy {percent(seen.accuracy.value)} ({between(seen.accuracy)}) on {seen.pictures}."]
    scored = [each for each in seen.tested if each.recall]
    if len(scored) > 1:
        worst = min(scored, key=lambda each: each.recall.value if each.recall else 1.0)
        if worst.recall and worst.recall.value < 1:
            found.append(
                f"The lowest recall is {worst.name}'s: {percent(worst.recall.value)} ({between(worst.recall)}) of"
                f" {counted(worst.support, 'picture')}."
            )
    if seen.report.confused_pairs and seen.mistakes > 1:
        pair = seen.report.confused_pairs[0]
        found.append(
            f"Most often {seen.report.classes[pair.target]} is called {seen.report.classes[pair.predicted]}:"
            f" {pair.pictures} of {counted(seen.mistakes, 'mistake')}."
        )
    untested = [each.name for each in seen.report.per_class if not each.support]
    if untested and seen.trained is not None:
        found.append(f"Without a {seen.part} picture: {names_of(tuple(untested))}.")
    return found


def _mostly_called(seen: _Seen, name: str) -> tuple[str, int]:
    row = seen.report.confusion[seen.report.classes.index(name)].copy()
    row[seen.report.classes.index(name)] = 0
    return seen.report.classes[int(row.argmax())], int(row.max())
