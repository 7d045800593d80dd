"""Near copies among pictures with one variant of each beside them: F1, and the precision, by pairs.

Variants are made here by another rule than those that `striate doctor` learns from: a quarter turn, a mirror, 0.5 to
1.5 of the size, a part of 60 to 90 % of the area, JPEG at 30 to 60, or gray. What is found among the originals is
counted as wrong, though some may be copies of each other. The method was developed on pictures of the first two
sets; nothing was chosen on those of catsdogs and scenes-multilabel. STRIATE_COPIES is how many of a set (2,000).
near-duplicates is taken as it is, a picture being what its file name says before the first underscore; files that are
equal stand for one.
"""

import hashlib
import io
import os

import numpy as np
from PIL import Image

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.search.copy_finder import SAMPLE, copies, learn
from striate.search.measured import small
from striate.search.variants import TURNS, variants

F1, PRECISION = 0.95, 0.99
SETS = ("flowers5", "cifar10-folder", "catsdogs", "scenes-multilabel")
KINDS = ("turned", "mirrored", "resized", "cropped", "recompressed", "gray")


def run(trials: int) -> Result:
    count, rows, notes = int(os.environ.get("STRIATE_COPIES", "2000")), [], []
    for name in SETS:
        rng = np.random.default_rng(11)
        files = sorted(path for path in (SHARED / name).rglob("*") if path.suffix.lower() in (".jpg", ".png"))
        files = [files[place] for place in np.sort(rng.permutation(len(files))[:count])]
        pictures = [Image.open(path).convert("RGB") for path in files]
        kinds = [KINDS[place] for place in rng.integers(0, len(KINDS), len(pictures))]
        every = [*pictures, *(_variant(one, kind, rng) for one, kind in zip(pictures, kinds, strict=True))]
        truth = {(row, row + len(pictures)) for row in range(len(pictures))}
        found = _found(every)
        rows += _figures(name, truth, found)
        missed = [kinds[one] for one, _ in truth - found]
        lost = ", ".join(f"{kind} {missed.count(kind)}" for kind in KINDS if kind in missed) or "none"
        wrong = [f"{files[one].name} and {files[other % len(files)].name}" for one, other in sorted(found - truth)]
        notes.append(
            f"{name}, {len(pictures):,} pictures and as many variants: missed {lost}; {len(wrong)} others"
            f" ({'; '.join(wrong[:4])})."
        )
    distinct = {}
    for path in sorted((SHARED / "near-duplicates").rglob("*.*g")):
        try:
            Image.open(path).load()
        except OSError:
            continue
        distinct.setdefault(hashlib.sha256(path.read_bytes()).digest(), path)
    paths = list(distinct.values())
    what = ["ukbench00120" if path.stem.startswith("alpha") else path.stem.partition("_")[0] for path in paths]
    truth = {(one, other) for other in range(len(what)) for one in range(other) if what[one] == what[other]}
    found = _found([Image.open(path).convert("RGB") for path in paths])
    rows += _figures("near-duplicates", truth, found)
    lost = sorted({paths[one].name for pair in truth - found for one in pair if "rotation" in paths[one].name})
    notes.append(f"near-duplicates: {len(paths)} distinct files; of {len(truth - found)} missed pairs: {lost}.")
    return Result(tuple(rows), (), (" ".join(notes),))


def _found(every: list[Image.Image]) -> set[tuple[int, int]]:
    thumbs = np.stack([small(picture) for picture in every])
    rng = np.random.default_rng(0)
    varied = [(int(row), variants(every[row], rng)) for row in np.sort(rng.permutation(len(every))[:SAMPLE])]
    return {(copy.one, copy.other) for copy in copies(thumbs, learn(thumbs, varied))}


def _figures(name: str, truth: set[tuple[int, int]], found: set[tuple[int, int]]) -> list[Row]:
    hits = len(truth & found)
    precision, recall = hits / max(1, len(found)), hits / len(truth)
    f1 = 2 * hits / max(1, len(found) + len(truth))
    print(f"{name}: F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}", flush=True)
    return [
        Row(f"{name}: F1 of pairs", (f1,), "", more=True, least=F1),
        Row(f"{name}: precision of pairs", (precision,), "", more=True, least=PRECISION),
    ]


def _variant(picture: Image.Image, kind: str, rng: np.random.Generator) -> Image.Image:
    quality = 85
    if kind == "turned":
        picture = picture.transpose(TURNS[int(rng.integers(3, 8))])
    elif kind == "mirrored":
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    elif kind == "resized":
        share = rng.uniform(0.5, 1.5)
        picture = picture.resize((round(picture.width * share), round(picture.height * share)))
    elif kind == "cropped":
        share = float(np.sqrt(rng.uniform(0.6, 0.9)))
        wide, high = int(picture.width * share), int(picture.height * share)
        left, top = (int(rng.integers(0, rest + 1)) for rest in (picture.width - wide, picture.height - high))
        picture = picture.crop((left, top, left + wide, top + high))
    elif kind == "recompressed":
        quality = int(rng.integers(30, 60))
    else:
        picture = picture.convert("L")
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")
