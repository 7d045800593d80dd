"""Finding pictures that are alike: the index from a cold process, its update, exact search.

``index`` embeds photographs of 500 x 375 (catsdogs, resized) in turns with a plain PyTorch script of the same trunk;
STRIATE_PICTURES says how many (1,000). The update is of 10,000 small pictures, 10 of which have changed. Search is over
100,000 vectors, by one process after another and within one; with STRIATE_VECTORS=1000000 the graph of
`striate.search.approximate` is made of so many too, which takes minutes, and asked.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.machine import SHARED, measured, striate
from benchmarks.table import Result, Row
from striate.search import approximate, index_files
from striate.search.index_files import ROW, Index
from striate.search.nearest import directions, middle, nearest
from striate.verbs.embedder import open_embedder

MANY, UPDATED, CHANGED = 100_000, 10_000, 10
PEER = Path(__file__).parent / "peers" / "lite_vectors.py"


def run(trials: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = [*_embedding(place, trials), *_update(place, trials), *_search(place, trials), *_million()]
    return Result(tuple(rows), ("striate index FOLDER", "striate find PICTURE --in INDEX"))


def _embedding(place: Path, trials: int) -> list[Row]:
    number = int(os.environ.get("STRIATE_PICTURES", "1000"))
    photos = place / "photos"
    photos.mkdir()
    files = sorted((SHARED / "catsdogs").rglob("*.jpg"))
    for at in range(number):
        picture = Image.open(files[at % len(files)]).convert("RGB").resize((500, 375))
        if at >= len(files):  # no two the same
            picture = picture.rotate(at % 7 + 1)
        picture.save(photos / f"{at:05}.jpg", quality=90)
    ours, theirs, peak = [], [], 0.0
    for trial in range(trials):
        theirs.append(measured([sys.executable, str(PEER), str(photos)])[0])
        target = place / f"index{trial}"
        seconds, memory, _ = measured(striate("index", photos, "-o", target))
        ours.append(seconds)
        peak = max(peak, memory)
    what = f"{number:,} photographs of 500x375"
    return [
        Row(f"{what}, a plain PyTorch script", tuple(theirs), peer=True),
        Row(f"{what}, striate index", tuple(ours), ratio=2.0, peak=peak),
    ]


def _update(place: Path, trials: int) -> list[Row]:
    photos, target = place / "small", place / "small.index"
    photos.mkdir()
    target.mkdir()
    draw = np.random.default_rng(0)
    for number in range(UPDATED):
        _small(photos / f"{number:05}.png", draw)
    paths = tuple(f"{number:05}.png" for number in range(UPDATED))
    pictures = np.zeros(UPDATED, ROW)
    for number, path in enumerate(paths):
        facts = (photos / path).stat()
        pictures[number] = (draw.bytes(16), facts.st_size, facts.st_mtime_ns, 8, 8)
    index_files.write(target, _drawn(photos, paths, pictures, draw))
    found = []
    for _ in range(trials):
        for number in draw.choice(UPDATED, CHANGED, replace=False):
            _small(photos / f"{number:05}.png", draw)
        seconds, _, said = measured(striate("index", photos, "-o", target, "--json"))
        assert json.loads(said)["made"] == CHANGED
        found.append(seconds)
    return [Row(f"update, {CHANGED} of {UPDATED:,} changed", tuple(found), most=2.0)]


def _search(place: Path, trials: int) -> list[Row]:
    draw = np.random.default_rng(1)
    target = place / "many.index"
    target.mkdir()
    paths = tuple(f"{number // 1000:03}/{number:06}.jpg" for number in range(MANY))
    pictures = np.zeros(MANY, ROW)
    pictures["digest"] = np.frombuffer(draw.bytes(16 * MANY), "V16")
    found = _drawn(place, paths, pictures, draw)
    index_files.write(target, found)
    picture = place / "photos" / "00000.jpg"
    cold = [measured(striate("find", picture, "--in", target))[0] for _ in range(max(trials, 5))]
    vectors = directions(found.vectors, found.centre)
    warm = []
    for _ in range(30):
        query = directions(draw.normal(size=(1, vectors.shape[1])), np.zeros(vectors.shape[1], np.float32))
        began = time.perf_counter()
        nearest(vectors, query, 12)
        warm.append(1000 * (time.perf_counter() - began))
    return [
        Row(f"{MANY:,} vectors, first answer of a cold process", tuple(cold), most=0.7),
        Row(f"{MANY:,} vectors, one more question", tuple(warm), "ms", most=10.0),
    ]


def _million() -> list[Row]:
    """Of vectors that lie in few directions more than in others, about many kinds of things."""
    said = os.environ.get("STRIATE_VECTORS", "")
    if not said or not approximate.installed():
        return []
    count = int(said)
    draw = np.random.default_rng(2)
    spread = (1 / np.sqrt(np.arange(1, 257))).astype(np.float32)
    kinds = (draw.normal(size=(1000, 256)) * spread).astype(np.float32)

    def drawn(number: int) -> np.ndarray:
        own = draw.normal(size=(number, 256)).astype(np.float32) * spread
        return (kinds[draw.integers(0, len(kinds), number)] + own).astype(np.float16)

    vectors = np.concatenate([drawn(min(50_000, count - begin)) for begin in range(0, count, 50_000)])
    centre = middle(vectors)
    began = time.perf_counter()
    graph = approximate.linked(vectors, centre)
    made = time.perf_counter() - began
    taken = []
    for query in directions(drawn(200), centre):
        began = time.perf_counter()
        graph.nearest(query[None], 10)
        taken.append(1000 * (time.perf_counter() - began))
    return [
        Row(f"{count:,} vectors, the graph made and measured", (made,)),
        Row(f"{count:,} vectors, one question to the graph", tuple(taken), "ms", most=2.0),
        Row(f"{count:,} vectors, recall at 10 of the graph", (graph.recall.value,), "", least=approximate.RECALL),
    ]


def _small(path: Path, draw: np.random.Generator) -> None:
    Image.fromarray(draw.integers(0, 256, (8, 8, 3), np.uint8)).save(path)


def _drawn(photos: Path, paths: tuple[str, ...], pictures: np.ndarray, draw: np.random.Generator) -> Index:
    """Return an index of vectors that were drawn."""
    embedder = open_embedder()
    vectors = draw.normal(size=(len(paths), embedder.projection.shape[1])).astype(np.float16)
    return Index(str(photos.resolve()), paths, vectors, pictures, middle(vectors), embedder)
