"""Compare: two runs on the pictures that both may be judged by, picture by picture; is the difference real?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate.errors import RunError
from striate.metrics.intervals import Bootstrap, widened
from striate.metrics.outcomes import outcomes
from striate.metrics.paired import paired_accuracy
from striate.metrics.probability import Floats, softmax
from striate.render.html.compare_page import Comparison
from striate.runs.run import Run
from striate.verbs.evaluate import Evaluation, evaluate
from striate.verbs.evaluate_folds import DESIGN
from striate.verbs.prepared import Prepared, Progress
from striate.verbs.reopen import reopen_data
from striate.words import counted


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
    order = np.array([first.classes.index(name) for name in second.classes], np.int64)
    # A picture stands once, the first of its copies; and only where both runs call it by the same class.
    mine, theirs_at = first.rows(), second.rows()
    shared = [(row, theirs_at[digest]) for digest, row in mine.items() if digest in theirs_at]
    pairs = np.array(sorted(shared), np.int64).reshape(-1, 2)
    rows, theirs = pairs.T
    same = first.evaluation.targets[rows] == order[second.evaluation.targets[theirs]]
    if not same.any():
        raise RunError(
            f"{first.run} and {second.run} share no picture that neither has learnt from ({first.words};"
            f" {second.words}); train both on one folder with the same seed, or measure both on other pictures:"
            " striate evaluate RUN --data FOLDER"
        )
    left_out = _left_out(first, second, shared=len(rows), relabelled=int((~same).sum()))
    rows, theirs = rows[same], theirs[same]
    targets = first.evaluation.targets[rows]
    logits_b = np.empty((len(rows), len(first.classes)), second.evaluation.logits.dtype)
    logits_b[:, order] = second.evaluation.logits[theirs]
    sides = [
        (first.evaluation.logits[rows], first.temperatures[rows]),
        (logits_b, second.temperatures[theirs]),
    ]
    seen = [outcomes(logits, targets, temperature=temperature) for logits, temperature in sides]
    drawn = Bootstrap(len(rows))
    design = DESIGN if any(one.evaluation.folds is not None for one in (first, second)) else 1.0
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
        accuracy=paired_accuracy(seen[0].correct, seen[1].correct, design=design),
        log_loss=(
            widened(drawn.mean(seen[0].nll), design),
            widened(drawn.mean(seen[1].nll), design),
            widened(drawn.mean(seen[1].nll - seen[0].nll), design, low=-math.inf),
        ),
        left_out=left_out,
    )


def _left_out(first: _Judged, second: _Judged, *, shared: int, relabelled: int) -> tuple[str, ...]:
    """Return which pictures are not compared, a sentence for each reason."""
    sentences = []
    if relabelled:
        label = "whose label is another" if relabelled == 1 else "whose labels are others"
        sentences.append(f"left out: {counted(relabelled, 'picture')} {label} in the second run")
    for one in (first, second):
        copies, alone = len(one.digests) - len(one.rows()), len(one.rows()) - shared
        if copies:
            sentences.append(f"left out: {counted(copies, 'copy')} among those of {one.run}")
        if alone:
            sentences.append(f"left out: {counted(alone, 'picture')} by which {one.run} alone is measured")
    return tuple(sentences)


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

    def rows(self) -> dict[bytes, int]:
        """Return the first row of each content."""
        first: dict[bytes, int] = {}
        for row, digest in enumerate(self.digests):
            first.setdefault(digest, row)
        return first

    @property
    def temperatures(self) -> Floats:
        """Each picture's (N,): one for all, or of out-of-fold answers what was fitted to the other folds."""
        one, each = self.evaluation.calibration.temperature, self.evaluation.temperatures
        return np.full(len(self.evaluation.keys), one) if each is None else each

    @property
    def words(self) -> str:
        return f"{self.run} is measured by {counted(len(self.evaluation.keys), 'picture')} ({self.evaluation.part})"


def _judged(name: str, runs_dir: Path, data_dir: Path | None, progress: Progress | None) -> _Judged:
    run = Run.open(name, runs_dir)
    evaluation = evaluate(name, runs_dir=runs_dir, data_dir=data_dir, progress=progress)
    return _Judged(run.name, evaluation, reopen_data(run, data_dir=data_dir, progress=progress))
