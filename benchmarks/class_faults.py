"""What `striate doctor` says of classes where faults are planted: one class made two, strangers among the pictures,
copies of test pictures in train; and whether twice as many pictures bring what was said.

Of STRIATE_DRAWS draws (3 at least). A class of flowers5 is dealt into two by chance: both must be told to be one, and
no other pair may be. Five pictures of imagenet-sample that are neither cats nor dogs are put into a set: how many are
found, and how many of what is found they are. From half of a set what the whole comes to is told, and compared with
it. A third of the test pictures of cifar10-folder are put into train.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.label_errors import set_of
from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.data.store.rows import digest_of
from striate.search import left_out
from striate.search.checks.overlap import overlap
from striate.search.examined import Examined
from striate.search.kernel_answers import seen
from striate.search.learning_curve import learning_curve
from striate.search.measured import MEASURED
from striate.search.outliers import far
from striate.search.told import Told
from striate.verbs.leaks import leak
from striate.verbs.pooled import Features, pooled
from striate.verbs.told import copies_of
from striate.verbs.workspace import Workspace

STRANGERS, PETS = 5, range(151, 294)  # the classes of ImageNet that are dogs, cats and what is nearest to them
HELD = Workspace(download=False)


def run(trials: int) -> Result:
    draws = max(trials, int(os.environ.get("STRIATE_DRAWS", "3")))
    rows = [*_split(draws), *_strangers(draws), *_curves(draws), *_leaks(draws)]
    return Result(tuple(rows), (), ("Every draw of a split of a class is another class, in turn.",))


def _of(name: str) -> tuple[Examined, Features]:
    examined = set_of(name)
    features = pooled(SHARED / name, examined, HELD)
    assert len(features.rows) == len(examined)
    return examined, features


def _split(draws: int) -> list[Row]:
    examined, features = _of("flowers5")
    vectors, groups = seen(features.values, features.widths), copies_of(examined)
    found, false = [], []
    number = len(examined.names)
    names = (*examined.names, "planted")
    for draw in range(draws):
        place, rng = draw % number, np.random.default_rng(draw)
        labels = examined.labels.copy()
        mine = np.flatnonzero(labels == place)
        labels[mine[rng.permutation(len(mine))[: len(mine) // 2]]] = number
        said = left_out.answers(vectors, labels, number + 1, groups)
        told = Told(np.arange(len(labels)), labels, said)
        pairs = [one.said for one in overlap(replace(examined, labels=labels, names=names, told=told))]
        hit = [one for one in pairs if one.startswith(f"{names[place]} and planted ")]
        found.append(float(len(hit)))
        false.append(float(len(pairs) - len(hit)))
        print(f"flowers5, {names[place]} in two: {pairs}", flush=True)
    return [
        Row("flowers5, a class in two by chance: found", tuple(found), "", more=True, least=1.0),
        Row("flowers5, a class in two by chance: other pairs said", tuple(false), "", more=False),
    ]


def _strangers(draws: int) -> list[Row]:
    folder = SHARED / "imagenet-sample" / "images"
    paths = tuple(sorted(one.name for one in folder.iterdir()))
    digests = tuple(digest_of((folder / one).read_bytes()) for one in paths)
    count = len(paths)
    strangers = Examined(
        str(folder), paths, np.zeros(count, MEASURED), np.ones(count, np.int64), digests, np.zeros(count, np.int64)
    )
    others = pooled(folder, strangers, HELD)
    index = json.loads(Path(SHARED, "imagenet-sample", "imagenet_class_index.json").read_text())
    number = {key: int(place) for place, (key, _) in index.items()}
    kinds = [number[re.match(r"n\d+", paths[row]).group()] for row in others.rows]  # type: ignore[union-attr]
    free = np.flatnonzero([kind not in PETS for kind in kinds])
    rows = []
    for name in ("catsdogs", "flowers5", "cifar10-folder"):
        examined, features = _of(name)
        precise, recalled, clean = [], [], []
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            taken = rng.permutation(free)[:STRANGERS]
            labels = np.concatenate([examined.labels, rng.integers(0, len(examined.names), STRANGERS)])
            values = np.concatenate([features.values, others.values[taken]])
            vectors = seen(values[:, : features.widths[0]], features.widths[:1])
            away = far(vectors, labels, np.arange(len(labels)))
            assert away is not None
            hit = away.score >= away.threshold
            right = int(hit[-STRANGERS:].sum())
            clean.append(float(hit[:-STRANGERS].sum()))
            precise.append(right / max(1, int(hit.sum())))
            recalled.append(right / STRANGERS)
            print(f"{name}, {STRANGERS} strangers: {right} found among {int(hit.sum())}", flush=True)
        what = f"{name}, {STRANGERS} strangers among {len(examined):,}"
        rows += [
            Row(f"{what}: recall", tuple(recalled), "", more=True),
            Row(f"{what}: precision", tuple(precise), "", more=True),
            Row(f"{what}: others said", tuple(clean), "", more=False),
        ]
    return rows


def _curves(draws: int) -> list[Row]:
    """From half of a set, the interval of what the whole comes to, and whether that is in it."""
    held, off, wide = [], [], []
    for name in ("catsdogs", "flowers5", "cifar10-folder"):
        examined, features = _of(name)
        vectors, number = seen(features.values, features.widths), len(examined.names)
        groups = copies_of(examined)
        whole = left_out.curve_answers(vectors, examined.labels, number, groups)
        assert whole is not None
        true = float(whole[1][-1].mean())
        for draw in range(draws):
            half = np.flatnonzero(left_out.dealt(examined.labels, 2, 100 + draw) == 0)
            part = left_out.curve_answers(vectors[half], examined.labels[half], number, groups[half])
            if part is None:
                continue
            told = learning_curve(*part)
            held.append(float(told.twice.low <= true <= told.twice.high))
            off.append(100 * abs(told.twice.value - true))
            wide.append(100 * (told.twice.high - told.twice.low))
            print(f"{name}: half {told.now}, twice {told.twice}, true {true:.3f}", flush=True)
    mean = (float(np.mean(held)),)
    return [
        Row("twice as many: the interval held, of all draws and sets", mean, "", more=True),
        Row("twice as many: points off", tuple(off), "points", more=False),
        Row("twice as many: width of the interval", tuple(wide), "points", more=False),
    ]


def _leaks(draws: int) -> list[Row]:
    examined, features = _of("cifar10-folder")
    vectors, number = seen(features.values, features.widths), len(examined.names)
    worth, real = [], []
    for draw in range(draws):
        test = np.flatnonzero(np.array(examined.parts) == "test")
        copied = np.random.default_rng(draw).permutation(test)[: len(test) // 3]
        rows = np.concatenate([np.arange(len(examined)), copied])
        parts = (*examined.parts, *("train",) * len(copied))
        found = leak(vectors[rows], examined.labels[rows], number, rows, parts)
        assert found is not None
        worth.append(100 * found.worth.value)
        real.append(100 * found.real.value)
        print(f"leak: {found}", flush=True)
    return [
        Row("cifar10-folder, a third of test in train: worth", tuple(worth), "points", more=True),
        Row("cifar10-folder, a third of test in train: without it", tuple(real), "%", more=True),
    ]
