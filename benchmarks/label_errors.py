"""Labels exchanged at random: how well `striate doctor` ranks them, beside cleanlab where that is installed.

5 % of the labels of a set are exchanged for another class, drawn by chance, and each picture is answered for by the
others as the doctor has it. Average precision of the ranking over all pictures; a draw is a trial. STRIATE_LABELS is
how many pictures of a set (all; of cifar10-folder 3,000), STRIATE_DRAWS how many draws (3). What the doctor does was
chosen on draws 10 to 13, so that 0 and on are reported. cleanlab (not needed here, and never installed by us) ranks by
each of its methods on the same probabilities.
"""

import importlib.util
import os

import numpy as np

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.data.sources.source import find
from striate.data.store.rows import digest_of
from striate.search.examined import Examined
from striate.search.kernel_answers import seen
from striate.search.left_out import against, answers, neighbours
from striate.search.measured import MEASURED
from striate.verbs.pooled import pooled
from striate.verbs.told import copies_of
from striate.verbs.workspace import Workspace

BARS = {"catsdogs": 0.9, "flowers5": 0.75, "cifar10-folder": None}
MOST = {"cifar10-folder": 3000}
SHARE, DRAWS = 0.05, 3
METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def run(trials: int) -> Result:
    rows, notes = [], []
    cleanlab = importlib.util.find_spec("cleanlab") is not None
    for name, bar in BARS.items():
        examined = set_of(name)
        features = pooled(SHARED / name, examined, Workspace(download=False))
        vectors, groups = seen(features.values, features.widths), copies_of(examined)[features.rows]
        last = vectors[:, : features.widths[0]] * np.float32(np.sqrt(len(features.widths)))
        true, classes = examined.labels[features.rows], len(examined.names)
        ranked: dict[str, list[float]] = {}
        right = []
        for seed in range(int(os.environ.get("STRIATE_DRAWS", str(max(trials, DRAWS))))):
            said, wrong = exchanged(true, classes, seed)
            given = answers(vectors, said, classes, groups)
            shares, _ = neighbours(last, said, classes, groups)
            own = np.arange(len(said)), said
            scores = {
                "Striate": against(given, shares, said),
                "answers alone": 1 - given[own],
                "nearest alone": 1 - shares[own],
            }
            if cleanlab:
                from cleanlab.rank import get_label_quality_scores

                scores |= {f"cleanlab {one}": -get_label_quality_scores(said, given, method=one) for one in METHODS}
            for words, score in scores.items():
                ranked.setdefault(words, []).append(average_precision(score, wrong))
            right.append(float((given.argmax(axis=1) == true).mean()))
            print(
                f"{name}, draw {seed}: { ({words: round(each[-1], 3) for words, each in ranked.items()}) }", flush=True
            )
        for words, each in ranked.items():
            ours = words == "Striate"
            rows.append(Row(f"{name}: {words}", tuple(each), "", more=True, peer=not ours, least=bar if ours else None))
        notes.append(f"{name}, {len(true):,} pictures: answers agree with {100 * np.mean(right):.0f} % of true labels.")
    if not cleanlab:
        notes.append("cleanlab is not installed, so that nothing is compared with it.")
    return Result(tuple(rows), (), (" ".join(notes),))


def set_of(name: str) -> Examined:
    """Return the pictures of a set as far as they are asked for, nothing measured of them but their digests."""
    source = find(SHARED / name)
    most = int(os.environ.get("STRIATE_LABELS", str(MOST.get(name, len(source.items)))))
    chosen = np.sort(np.random.default_rng(0).permutation(len(source.items))[:most])
    items = [source.items[row] for row in chosen]
    digests = tuple(digest_of((SHARED / name / item.key).read_bytes()) for item in items)
    count = len(items)
    labels = np.array([item.place for item in items])
    paths = tuple(item.key for item in items)
    parts = tuple(item.split or "" for item in items)
    return Examined(
        str(SHARED / name), paths, np.zeros(count, MEASURED), np.ones(count, np.int64), digests, labels,
        source.label_names, parts,
    )  # fmt: skip


def exchanged(true: np.ndarray, classes: int, seed: int, share: float = SHARE) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which a share is another class's, and which these are."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(true), np.bool_)
    wrong[rng.permutation(len(true))[: round(share * len(true))]] = True
    return np.where(wrong, (true + rng.integers(1, classes, len(true))) % classes, true), wrong


def average_precision(score: np.ndarray, wrong: np.ndarray) -> float:
    """Return the mean precision at each wrong one, from the highest score down."""
    found = wrong[np.argsort(-score, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())
