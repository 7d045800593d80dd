"""Compare: two runs on the pictures that both may be judged by, picture by picture; is the difference real?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from striate.errors import RunError
from striate.render.html.compare_page import Comparison
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.tasks.pairing import Shared
from striate.tasks.task import Labels, Task
from striate.verbs.evaluate import evaluate_reopened
from striate.verbs.evaluate_folds import DESIGN
from striate.verbs.evaluation import Evaluation
from striate.verbs.prepared import Prepared
from striate.verbs.reopen import reopen_data
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted, plural


def compare(
    a: str,
    b: str,
    workspace: Workspace = HERE,
) -> Comparison:
    """Compare two runs on the pictures that both were measured by and neither learnt from, found by their content.

    Errors: RunError for runs with other labels, a run without a model, or two runs that share no such picture.

    Example: ``compare("pets-1", "pets-2").verdict()``
    """
    first, second = (_judged(name, workspace) for name in (a, b))
    task = first.task
    if second.task is not task:
        raise RunError(
            f"{first.run} and {second.run} answer other questions ({task.name} and {second.task.name}); two runs are"
            " compared on what both can say"
        )
    if set(first.names) != set(second.names):
        raise RunError(
            f"{first.run} and {second.run} answer with other {plural(2, task.noun)} ({', '.join(first.names[:5])}; "
            f"{', '.join(second.names[:5])}); two runs are compared on what both can say"
        )
    # A picture stands once, the first of its copies; and only where both runs give it the same label.
    mine, theirs_at = first.rows(), second.rows()
    shared = [(row, theirs_at[digest]) for digest, row in mine.items() if digest in theirs_at]
    pairs = np.array(sorted(shared), np.int64).reshape(-1, 2)
    rows, theirs = pairs.T
    other = Labels(second.names, second.evaluation.targets[theirs], np.ones(len(theirs), np.bool_))
    alike = first.evaluation.targets[rows] == task.matched(other, first.evaluation.labels)
    same = alike.all(axis=tuple(range(1, alike.ndim)))  # of no pictures, too
    if not same.any():
        raise RunError(
            f"{first.run} and {second.run} share no picture that neither has learnt from ({first.words};"
            f" {second.words}); train both on one folder with the same --seed and --folds, or measure both on other"
            " pictures: striate evaluate RUN --data FOLDER"
        )
    left_out = _left_out(first, second, shared=len(rows), relabelled=int((~same).sum()))
    rows, theirs = rows[same], theirs[same]
    design = DESIGN if any(one.evaluation.folds is not None for one in (first, second)) else 1.0
    return Comparison(
        a=first.run,
        b=second.run,
        parts=(first.evaluation.part, second.evaluation.part),
        keys=tuple(first.evaluation.keys[row] for row in rows),
        pixels=first.prepared.store.pixels[first.evaluation.indices[rows]],
        found=task.paired(Shared(first.evaluation.found, second.evaluation.found, rows, theirs, design)),
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
    def names(self) -> tuple[str, ...]:
        return self.evaluation.labels.names

    @property
    def task(self) -> Task:
        return self.prepared.task

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
    def words(self) -> str:
        return f"{self.run} is measured by {counted(len(self.evaluation.keys), 'picture')} ({self.evaluation.part})"


def _judged(name: str, workspace: Workspace) -> _Judged:
    run = RunDirectory.open(name, workspace.runs_dir)
    predictor = Predictor.open(run.model_path, onnx=False)
    prepared = reopen_data(run, workspace=workspace)
    return _Judged(run.name, evaluate_reopened(run, prepared, predictor), prepared)
