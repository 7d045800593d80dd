"""Drawn scenes: discs and squares on noise, whose boxes are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NAMES = ("disc", "square")


def scene(random: np.random.Generator, height: int = 48, width: int = 64, most: int = 5):
    """Return a picture (H, W) uint8, its boxes (G, 4) and their classes (G,); none of them overlaps another."""
    picture = random.normal(60, 12, (height, width))
    across, down = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    boxes: list[tuple[float, float, float, float]] = []
    classes: list[int] = []
    for _ in range(int(random.integers(1, most + 1))):
        side = float(random.integers(8, 20))
        left, top = (float(random.integers(0, int(span - side))) for span in (width, height))
        box = (left, top, left + side, top + side)
        if any(left < r + 2 and box[2] > w - 2 and top < b + 2 and box[3] > t - 2 for w, t, r, b in boxes):
            continue
        kind = int(random.integers(0, 2))
        within = (across > left) & (across < box[2]) & (down > top) & (down < box[3])
        if kind == 0:
            within = np.hypot(across - left - side / 2, down - top - side / 2) < side / 2
        picture[within] += 120
        boxes.append(box)
        classes.append(kind)
    return picture.clip(0, 255).astype(np.uint8), np.array(boxes, float).reshape(-1, 4), np.array(classes, int)


def write_voc(root: Path, pictures: int, *, seed: int = 0, parts: tuple[str, ...] = ()) -> list[NDArray[np.float64]]:
    """Write pictures with Pascal VOC files beside them; return the boxes of each."""
    random, found = np.random.default_rng(seed), []
    root.mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        pixels, boxes, classes = scene(random)
        Image.fromarray(pixels).save(root / f"{number:03}.png")
        objects = "".join(
            f"<object><name>{NAMES[kind]}</name><bndbox><xmin>{w:g}</xmin><ymin>{t:g}</ymin><xmax>{r:g}</xmax>"
            f"<ymax>{b:g}</ymax></bndbox></object>"
            for (w, t, r, b), kind in zip(boxes.tolist(), classes.tolist(), strict=True)
        )
        height, width = pixels.shape
        (root / f"{number:03}.xml").write_text(
            f"<annotation><filename>{number:03}.png</filename><size><width>{width}</width><height>{height}</height>"
            f"<depth>1</depth></size>{objects}</annotation>"
        )
        found.append(boxes)
    return found
