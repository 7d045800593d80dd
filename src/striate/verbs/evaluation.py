"""Evaluation: what a model is worth on some pictures, as a value, and how one is made of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from striate.data.copies import groups_of
from striate.data.folds import Folds
from striate.data.sources.source import Source
from striate.defaults import SMALL
from striate.metrics.mistakes import Mistake
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis
from striate.tasks.task import LabelFacts, Outputs, Task
from striate.verbs.asking import InferFn
from striate.verbs.cautions import copies_of
from striate.verbs.prepared import Prepared

JUDGING = ("train", "val")  # parts of a run on which what it learnt after training stands
CHOSEN_BY = "by these validation pictures it was calibrated, and whatever else was chosen: expect less on new ones"
PART_WORDS = {"test": "test", "val": "validation", "train": "training", "cross-validated": "cross-validated"}


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on some pictures.

    ``indices`` (N,) into the store, ``targets`` (N, ...), ``outputs`` by name, each (N, ...); ``found`` is what the
    task makes of them, and ``report`` its figures. ``labels`` are what the outputs are called. ``notes`` are sentences
    a person should read: what was added or is missing since. Of other pictures than the run's own ``trained_on`` says
    how many of them it was trained on, where that is known. Of out-of-fold answers ``folds`` are how the pictures were
    dealt, and ``means`` is what the figure means, in a sentence. ``trained``: the targets of the pictures that the
    model learnt from, where they are known; ``from_chance``: it learnt photographs without weights to start from;
    ``also`` are sentences for the verdict. ``source`` and ``pixels`` (M, H, W, C) uint8 are what ``indices`` point
    into, where the evaluation holds its pictures.
    """

    name: str
    part: str
    labels: LabelFacts
    keys: tuple[str, ...]
    indices: np.ndarray
    targets: np.ndarray
    outputs: Outputs
    found: Assessment
    notes: tuple[str, ...] = ()
    trained_on: int | None = None
    trained: np.ndarray | None = None
    from_chance: bool = False
    also: tuple[str, ...] = ()
    folds: Folds | None = None
    means: str = ""
    source: Source | None = None
    pixels: np.ndarray | None = None

    @property
    def report(self) -> Any:
        """All figures: `text` and `to_dict` of them, and each by its name."""
        return self.found.report

    @property
    def label_issues(self) -> tuple[Mistake, ...]:
        """Answers that stand against a label with confidence, the one that thinks least of its label first.

        None where the answers say nothing of labels: the pictures were learnt from, or it is no better than a guess.
        """
        return self.found.label_issues(self.verdict)

    def named(self, mistake: Mistake) -> dict[str, Any]:
        """Return a wrong answer with the names of its picture and labels, ready for JSON."""
        return mistake.named(self.keys, self.labels.names)

    @property
    def verdict(self) -> Verdict:
        """What the figures come to, in a sentence that a person can act on."""
        return self.found.verdict(
            About(
                part=PART_WORDS.get(self.part, ""),
                trained=self.trained,
                from_chance=self.from_chance,
                learnt_from=len(self.keys) if self.part == "train" else self.trained_on or 0,
                also=self.also,
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pictures' own rows, ready for JSON."""
        return {
            "name": self.name,
            "part": self.part,
            "pictures": len(self.keys),
            "headline": self.found.headline.to_dict(),
            "verdict": self.verdict.to_dict(),
            "notes": list(self.notes),
            "trained_on": self.trained_on,
            "folds": None if self.folds is None else {"count": self.folds.count, "repeats": self.folds.draws},
            "means": self.means,
            **self.found.to_dict(),
            **self.report.to_dict(),
            **self.found.pictures_to_dict(self.keys),
            "label_issues": [self.named(one) for one in self.label_issues],
        }


def of_run(evaluation: Evaluation, prepared: Prepared) -> Evaluation:
    """Return an evaluation that knows what its model was trained on."""
    config, size = prepared.config, (prepared.preprocess.height, prepared.preprocess.width)
    photographs = prepared.preprocess.channels > 1 and max(size) > SMALL
    copies = copies_of(prepared).lines(prepared.source.items, prepared.labels.names)
    return replace(
        evaluation,
        trained=prepared.labels.values[list(prepared.split.train)],
        from_chance=config.start is None and photographs,
        also=(*evaluation.also, *([CHOSEN_BY] if evaluation.part == "val" else ()), *copies),
        source=prepared.source,
        pixels=prepared.store.pixels,
    )


def measure(
    name: str,
    part: str,
    source: Source,
    values: np.ndarray,
    chosen: np.ndarray,
    ask: InferFn,
    task: Task,
    labels: LabelFacts,
    learnt: Any,
    basis: Basis,
) -> Evaluation:
    """Ask the model about the ``chosen`` pictures and compare with their labels, ``values`` (N, ...) of all."""
    outputs, targets = ask(chosen), values[chosen]
    return Evaluation(
        name=name,
        part=part,
        labels=labels,
        keys=tuple(source.items[index].key for index in chosen),
        indices=chosen,
        targets=targets,
        outputs=outputs,
        found=task.evaluate(outputs, targets, labels, learnt, basis),
    )


def basis_of(identities: Sequence[bytes], chosen: np.ndarray, *, judging: bool) -> Basis:
    """Return the basis of a model's own answers to the ``chosen`` pictures: copies are one observation.

    ``identities`` of all pictures are equal for copies, and for those of a group (`Prepared.identities`).
    """
    return Basis(judging=judging, groups=groups_of([identities[row] for row in chosen]))
