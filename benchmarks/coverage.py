"""How often the 95 % interval of a cross-validated figure holds what the kept head is worth on all other pictures.

Small folders are drawn from a large one whose features are made once: a head is cross-validated on each as `striate
train` does it, the head that is kept is fitted to all of it, and asked about every picture that was not drawn. A row is
a size; its values are one a folder, whether the interval held (0 or 1). The notes say how far off the figure was in
the mean, and how many times the variance of independent answers its error has (the design effect).

STRIATE_DRAWN says how many folders a size (40), STRIATE_WEIGHTS from which weights the features are.
"""

import os

import numpy as np

from benchmarks.small_folders import Drawn, drawn_heads, features_of
from benchmarks.table import Result, Row
from striate.metrics.intervals import wilson
from striate.verbs.evaluate_folds import DESIGN

SIZES = (60, 120, 240, 400)
FOLDERS = int(os.environ.get("STRIATE_DRAWN", "40"))


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the folders are the trials."""
    rows, notes = [], []
    large = features_of("flowers5")
    for size in SIZES:
        found = [drawn_heads(large, size, seed) for seed in range(FOLDERS)]
        held = tuple(float(_holds(one)) for one in found)
        rows.append(Row(f"flowers5, {size} pictures: the interval held", held, "", more=True))
        errors = np.array([_accuracy(one) - _truth(one) for one in found])
        truth = float(np.mean([_truth(one) for one in found]))
        alone = truth * (1 - truth) * (1 / size + 1 / len(found[0].rest_targets))
        notes.append(
            f"{size} pictures: held {100 * np.mean(held):.0f} %, worth {100 * truth:.1f} % in the mean, the figure off"
            f" by {100 * errors.mean():+.1f} points in the mean, design effect {(errors**2).mean() / alone:.2f}."
        )
        print(notes[-1], flush=True)
    return Result(tuple(rows), (), tuple(notes))


def _accuracy(drawn: Drawn) -> float:
    return float((drawn.logits.argmax(1) == drawn.targets).mean())


def _truth(drawn: Drawn) -> float:
    return float((drawn.rest_logits.argmax(1) == drawn.rest_targets).mean())


def _holds(drawn: Drawn) -> bool:
    right = int((drawn.logits.argmax(1) == drawn.targets).sum())
    interval = wilson(right, len(drawn.targets), design=DESIGN)
    return interval is not None and interval.low <= _truth(drawn) <= interval.high
