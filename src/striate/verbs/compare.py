"""Compare: two runs on the pictures that both may be judged by, picture by picture; is the difference real?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate.errors import RunError
from striate.metrics.intervals import Bootstrap, Interval
from striate.metrics.outcomes import outcomes
from striate.metrics.paired import PairedAccuracy, paired_accuracy
from striate.metrics.probability import softmax
from striate.runs.run import Run
from striate.verbs.evaluate import Evaluation, evaluate
from striate.verbs.prepare import Prepared, Progress
from striate.verbs.reopen import reopen_data
from striate.words import counted

_POWER = (1.959963984540054 + 0.8416212335729143) ** 2  # found 80 times of 100, at 5 %


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs, ``a`` and ``b``, asked about the same N pictures, none of which either has learnt from.

    ``keys`` (N,) and ``pixels`` (N, H, W, C) uint8 are as run a has them; ``targets`` and the two ``answers`` (N,) are
    indices into ``classes``, ``sure`` how likely each said its answer to be. ``log_loss`` is that of a, that of b, and
    b - a, in nats. ``parts`` are the parts of the runs that the pictures come from.
    """

    a: str
    b: str
    parts: tuple[str, str]
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    pixels: np.ndarray
    targets: np.ndarray
    answers: tuple[np.ndarray, np.ndarray]
    sure: tuple[np.ndarray, np.ndarray]
    accuracy: PairedAccuracy
    log_loss: tuple[Interval, Interval, Interval]

    @property
    def needed(self) -> int | None:
        """How many pictures would show a difference of this size 80 times of 100; None where none is seen.

        Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample design".
        """
        gap = abs(self.accuracy.difference.value)
        apart = (self.accuracy.only_a + self.accuracy.only_b) / self.accuracy.pictures
        return math.ceil(_POWER * apart / gap**2) if gap else None

    def verdict(self) -> str:
        """Return in a sentence which run is better, and whether that is more than noise."""
        found = self.accuracy
        value, low, high = (
            100 * part for part in (found.difference.value, found.difference.low, found.difference.high)
        )
        on = counted(found.pictures, "picture")
        span = f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
        if found.real:
            better, worse = (self.b, self.a) if value > 0 else (self.a, self.b)
            return f"{better} is better than {worse}: {self.b} - {self.a} is {span} on {on}, p = {found.p_value:.2g}"
        more = "" if self.needed is None else f"; about {self.needed:,} pictures would show a difference of that size"
        return f"no difference that {on} can show: {self.b} - {self.a} is {span}, p = {found.p_value:.2g}{more}"

    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which pictures a alone gets right, and which b alone does; those first whose error was surest."""
        right = [answer == self.targets for answer in self.answers]
        only = (np.flatnonzero(right[0] & ~right[1]), np.flatnonzero(right[1] & ~right[0]))
        return tuple(  # type: ignore[return-value]
            rows[np.argsort(-self.sure[wrong][rows], kind="stable")] for rows, wrong in zip(only, (1, 0), strict=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pixels, ready for JSON."""
        said = [[self.classes[index] for index in answer] for answer in self.answers]
        return {
            "a": self.a,
            "b": self.b,
            "parts": list(self.parts),
            "verdict": self.verdict(),
            "accuracy": self.accuracy.to_dict(),
            "log_loss": {
                name: value.to_dict() for name, value in zip(("a", "b", "difference"), self.log_loss, strict=True)
            },
            "needed": self.needed,
            "pictures": [
                {"picture": key, "is": self.classes[target], "a": a, "b": b}
                for key, target, a, b in zip(self.keys, self.targets, *said, strict=True)
            ],
        }


def compare(
    a: str,
    b: str,
    *,
    runs_dir: Path | str = "runs",
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two runs on the pictures that both were measured by and neither learnt from, found by their content.

    Errors: RunError for runs of other classes, a run without a model, or two runs that share no such picture.

    Example: ``compare("pets-1", "pets-2").verdict()``
    """
    first, second = (_judged(name, Path(runs_dir), data_dir, progress) for name in (a, b))
    if set(first.classes) != set(second.classes):
        raise RunError(
            f"{first.run} and {second.run} answer with other classes ({', '.join(first.classes[:5])}; "
            f"{', '.join(second.classes[:5])}); two runs are compared on what both can say"
        )
    # A picture stands once, however many copies of it there are, and only where both call it by the same class.
    order = np.array([first.classes.index(name) for name in second.classes], np.int64)
    place = {digest: row for row, digest in enumerate(second.digests)}
    mine = {digest: row for row, digest in enumerate(first.digests) if digest in place}
    rows = np.array(sorted(mine.values()), np.int64)
    theirs = np.array([place[first.digests[row]] for row in rows], np.int64)
    if len(rows):
        same = first.evaluation.targets[rows] == order[second.evaluation.targets[theirs]]
        rows, theirs = rows[same], theirs[same]
    if not len(rows):
        raise RunError(
            f"{first.run} and {second.run} share no picture that neither has learnt from ({first.words};"
            f" {second.words}); train both on one folder with the same seed, or measure both on other pictures:"
            " striate evaluate RUN --data FOLDER"
        )
    targets = first.evaluation.targets[rows]
    logits_b = np.empty((len(rows), len(first.classes)), second.evaluation.logits.dtype)
    logits_b[:, order] = second.evaluation.logits[theirs]
    sides = [
        (first.evaluation.logits[rows], first.evaluation.calibration.temperature),
        (logits_b, second.evaluation.calibration.temperature),
    ]
    seen = [outcomes(logits, targets, temperature=temperature) for logits, temperature in sides]
    drawn = Bootstrap(len(rows))
    return Comparison(
        a=first.run,
        b=second.run,
        parts=(first.evaluation.part, second.evaluation.part),
        classes=first.classes,
        keys=tuple(first.evaluation.keys[row] for row in rows),
        pixels=first.prepared.store.pixels[first.evaluation.indices[rows]],
        targets=targets,
        answers=(seen[0].predicted, seen[1].predicted),
        sure=(softmax(*sides[0]).max(axis=1), softmax(*sides[1]).max(axis=1)),
        accuracy=paired_accuracy(seen[0].right, seen[1].right),
        log_loss=(
            drawn.mean(seen[0].surprise),
            drawn.mean(seen[1].surprise),
            drawn.mean(seen[1].surprise - seen[0].surprise),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """A run's answers for the pictures it is measured by, with the digest of each."""

    run: str
    evaluation: Evaluation
    prepared: Prepared

    @property
    def classes(self) -> tuple[str, ...]:
        return self.evaluation.classes

    @property
    def digests(self) -> list[bytes]:
        return [self.prepared.store.digests[index] for index in self.evaluation.indices]

    @property
    def words(self) -> str:
        return f"{self.run} is measured by {counted(len(self.evaluation.keys), 'picture')} ({self.evaluation.part})"


def _judged(name: str, runs_dir: Path, data_dir: Path | None, progress: Progress | None) -> _Judged:
    run = Run.open(name, runs_dir)
    evaluation = evaluate(name, runs_dir=runs_dir, data_dir=data_dir, progress=progress)
    return _Judged(run.name, evaluation, reopen_data(run, data_dir=data_dir, progress=progress))
