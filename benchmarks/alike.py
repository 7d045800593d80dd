"""What is alike: each picture asks for those of its class, by vectors of several kinds; groups against the folders.

The kinds were chosen between on ``CHOSEN``; ``FRESH`` are other pictures, which nothing was chosen by. An interval is
of pictures that ask, drawn again. STRIATE_ASKED says how many pictures of a set at most (1,500).
"""

from __future__ import annotations

import csv
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.search.nearest import cosines, directions, middle
from striate.verbs.cluster import cluster
from striate.verbs.embedder import _tapped, open_embedder
from striate.verbs.index import index

ASKED = int(os.environ.get("STRIATE_ASKED", "1500"))
Files = list[tuple[Path, str]]


def _drawn(folder: str, *, rest: bool = False) -> Files:
    """Return pictures of class folders with their classes: some, or ``rest``: some of all others."""
    files = sorted((SHARED / folder).rglob("*.jpg"), key=str)
    random.Random(0).shuffle(files)
    some = files[1500:][:ASKED] if rest else files[: min(1500, ASKED)]
    return [(file, file.parent.name) for file in sorted(some)]


def _scenes() -> Files:
    """Return the scenes that have one label."""
    with (SHARED / "scenes-multilabel" / "labels_list.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert len(head) == 2
    found = [(SHARED / "scenes-multilabel" / name, label) for name, label in rows if "|" not in label]
    return sorted(found)[:ASKED]


CHOSEN: dict[str, Callable[[], Files]] = {
    "catsdogs, 940": lambda: _drawn("catsdogs"),
    "flowers5, 1,500": lambda: _drawn("flowers5"),
    "cifar10-folder/test, 1,500": lambda: _drawn("cifar10-folder/test"),
}
FRESH: dict[str, Callable[[], Files]] = {
    "flowers5, 1,500 others": lambda: _drawn("flowers5", rest=True),
    "cifar10-folder/train, 1,500": lambda: _drawn("cifar10-folder/train"),
    "scenes-multilabel, 394 with one label": _scenes,
}


def run(trials: int) -> Result:
    rows: list[Row] = []
    notes: list[str] = []
    for fresh, sets in ((False, CHOSEN), (True, FRESH)):
        for name, of in sets.items():
            with tempfile.TemporaryDirectory() as folder:
                rows += _one(f"{name}{'' if fresh else ' (chosen by)'}", of(), Path(folder), notes, fresh=fresh)
    return Result(tuple(rows), (), tuple(notes))


def _one(name: str, files: Files, place: Path, notes: list[str], *, fresh: bool) -> list[Row]:
    photos = place / "photos"
    for number, (file, label) in enumerate(files):
        (photos / label).mkdir(parents=True, exist_ok=True)
        (photos / label / f"{number:05}{file.suffix}").symlink_to(file)
    ours = index(photos, place / "index").index
    labels = np.array([Path(path).parent.name for path in ours.paths])
    kinds = _kinds([photos / path for path in ours.paths])
    kinds["striate index"] = directions(ours.vectors, ours.centre)
    if fresh:
        other = index(photos, place / "squeezenet", model="imagenet-squeezenet1_0").index
        kinds["SqueezeNet, pooled"] = directions(other.vectors, np.zeros_like(other.centre))
    precision = {kind: _precision(vectors, labels) for kind, vectors in kinds.items()}
    plain = precision["the mean, 1,280 numbers"]
    better = precision["striate index"] - plain
    low, high = _interval(better)
    notes.append(f"{name}: less the mean of the trunk: {better.mean():+.3f} ({low:+.3f} to {high:+.3f}).")
    rows = []
    for kind, values in precision.items():
        least = max(float(one.mean()) for key, one in precision.items() if _is_peer(key)) if fresh else None
        bar = least if kind == "striate index" else None
        rows.append(Row(f"{name}: {kind}", (float(values.mean()),), "", True, least=bar))
        print(f"{name}: {kind}: {values.mean():.3f} ({' to '.join(f'{v:.3f}' for v in _interval(values))})", flush=True)
    made = cluster(place / "index")
    assert made.agreement is not None
    rows.append(Row(f"{name}: groups by themselves, adjusted Rand index", (made.agreement.rand,), "", True))
    print(f"{name}: {len(made.groups)} groups, silhouette {made.found.silhouette:.2f}, {made.agreement}", flush=True)
    print(notes[-1], flush=True)
    return rows


def _is_peer(kind: str) -> bool:
    return kind in ("the mean, 1,280 numbers", "SqueezeNet, pooled")


def _kinds(files: list[Path]) -> dict[str, NDArray[np.float32]]:
    """Return vectors of several kinds (N, D), of length 1, by what they are."""
    made = open_embedder()
    plain = replace(made, projection=np.zeros((made.shape[0], 0), np.float32))
    maps = [plain.maps(plain.preprocess.pixels(file.read_bytes())) for file in files]
    mean = np.stack([one.mean(axis=(0, 1)) for one in maps])
    gem = np.stack([np.cbrt((np.maximum(one, 1e-6) ** 3).mean(axis=(0, 1))) for one in maps])
    zero = np.zeros(mean.shape[1], np.float32)
    axes = _axes()
    about = mean - mean.mean(axis=0)
    _, values, own = np.linalg.svd(about, full_matrices=False)
    found = {
        "the mean, 1,280 numbers": directions(mean, zero),
        "GeM (p = 3)": directions(gem, zero),
        "the mean, centred": directions(mean, middle(mean)),
        "whitened by these pictures, 256": _unit((about @ own[:256].T) / values[:256]),
    }
    for width in (128, 256, 512):
        found[f"along the last layer's directions, centred, {width}"] = _unit(about @ axes[:width].T)
    return found


def _axes() -> NDArray[np.float32]:
    """Return all directions of the last layer of the usual trunk."""
    from striate.model.files.weights import read_arrays
    from striate.runs.rebuild import width_of
    from striate.spec import Shape, parse
    from striate.verbs.start import open_start

    arrays, facts = read_arrays(open_start("efficientnet_lite0").path)
    head = _tapped(parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input))[2]
    weights = np.asarray(arrays[f"{head}.weight"], np.float64)
    return np.linalg.svd(weights - weights.mean(axis=0), full_matrices=False)[2].astype(np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return directions(vectors, np.zeros(vectors.shape[1], np.float32))


def _precision(vectors: NDArray[np.float32], labels: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the average precision with which those of a picture's class come first, of every picture (N,)."""
    found = cosines(vectors, vectors)
    np.fill_diagonal(found, -2)
    order = np.argsort(-found, axis=1, kind="stable")[:, :-1]
    right = labels[order] == labels[:, None]
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    one: NDArray[np.float64] = (precision * right).sum(axis=1) / np.maximum(right.sum(axis=1), 1)
    return one


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, pictures drawn again."""
    draw = np.random.default_rng(0)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
