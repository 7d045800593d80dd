"""Labels exchanged at random: how well `striate doctor` ranks them, beside cleanlab where that is installed.

5 % of the labels of a set are exchanged for another class, drawn by chance, and heads answer out of fold as the doctor
has them. Average precision of the ranking by self-confidence, a value a draw of the labels that are exchanged.
STRIATE_LABELS is how many pictures of a set (all). cleanlab (not needed here, and no package of ours) ranks by its
default on the same probabilities.
"""

import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.data.sources.source import find
from striate.metrics.probability import softmax
from striate.verbs.doubts import answers, features_of
from striate.verbs.index import index

BARS = {"catsdogs": 0.9, "flowers5": 0.75, "cifar10-folder": None}
SHARE, DRAWS = 0.05, 5


def run(trials: int) -> Result:
    rows, notes = [], []
    for name, bar in BARS.items():
        source = find(SHARED / name)
        count = int(os.environ.get("STRIATE_LABELS", str(len(source.items))))
        chosen = np.sort(np.random.default_rng(0).permutation(len(source.items))[:count])
        items = [source.items[row] for row in chosen]
        with tempfile.TemporaryDirectory() as folder:
            for item in items:
                place = Path(folder) / item.key
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(SHARED / name / item.key)
            made = index(Path(folder)).index
        row = {path: number for number, path in enumerate(made.paths)}
        there = np.array([row[item.key] for item in items if item.key in row])
        true = np.array([item.place for item in items if item.key in row])
        digests = [bytes(made.pictures["digest"][number]) for number in there]
        ours, theirs, right = [], [], []
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            wrong = np.zeros(len(true), np.bool_)
            wrong[rng.permutation(len(true))[: round(SHARE * len(true))]] = True
            said = np.where(wrong, (true + rng.integers(1, len(source.label_names), len(true))) % len(
                source.label_names), true)  # fmt: skip
            seen, logits = answers(features_of(made)[there], said, digests, source.label_names)
            given = softmax(logits)
            ours.append(_average_precision(1 - given[np.arange(len(seen)), said[seen]], wrong[seen]))
            right.append(float((given.argmax(axis=1) == true[seen]).mean()))
            if importlib.util.find_spec("cleanlab") is not None:
                from cleanlab.rank import get_label_quality_scores

                theirs.append(_average_precision(-get_label_quality_scores(said[seen], given), wrong[seen]))
        rows.append(Row(f"{name}: average precision", tuple(ours), "", more=True, least=bar))
        notes.append(
            f"{name}, {len(true):,} pictures: answers right for {100 * np.mean(right):.0f} %; cleanlab "
            + (f"{np.mean(theirs):.3f}." if theirs else "is not installed.")
        )
        print(f"{name}: {ours}, cleanlab {theirs or 'not installed'}", flush=True)
    return Result(tuple(rows), (), (" ".join(notes),))


def _average_precision(score: np.ndarray, wrong: np.ndarray) -> float:
    found = wrong[np.argsort(-score, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())
