"""Small sets of labels, written for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from striate.data.labels.object_formats import find_objects
from striate.data.labels.objects import ObjectSet

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def picture(path: Path, width: int = 80, height: int = 60, *, orientation: int = 1) -> None:
    """Write a picture whose rows are ``width`` long, with an EXIF orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), (90, 120, 30)).save(path, exif=exif)


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def voc(
    path: Path,
    *objects: tuple[str, float, float, float, float],
    name: str = "",
    size: tuple[int, int] = (80, 60),
    more: str = "",
    inside: str = "",
) -> Path:
    """Write a VOC file of objects (class, xmin, ymin, xmax, ymax)."""
    each = "".join(
        f"<object><name>{label}</name>{inside}<bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for label, a, b, c, d in objects
    )  # fmt: skip
    named = name or f"{path.stem}.jpg"
    wide, high = size
    return text(
        path,
        f"<annotation><filename>{named}</filename>{more}<size><width>{wide}</width><height>{high}</height></size>"
        f"{each}</annotation>",
    )


def coco(
    path: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]], categories: list[dict[str, Any]]
) -> Path:
    return text(path, json.dumps({"images": images, "annotations": annotations, "categories": categories}))  # fmt: skip


def boxes(found: ObjectSet) -> dict[str, list[list[float]]]:
    """Return the boxes of each picture, to four decimals."""
    return {one.key: one.boxes.round(4).tolist() for one in found.pictures}


def same(one: ObjectSet, other: ObjectSet, *, within: float = 1e-3, outlines: bool = True) -> None:
    """Assert that two sets hold the same objects in the same order."""
    assert [(p.key, p.width, p.height) for p in one.pictures] == [(p.key, p.width, p.height) for p in other.pictures]
    for left, right in zip(one.pictures, other.pictures, strict=True):
        assert len(left) == len(right), left.key
        assert [one.classes[c] for c in left.classes] == [other.classes[c] for c in right.classes], left.key
        assert not len(left) or abs(left.boxes - right.boxes).max() <= within, left.key
        assert left.ignored.tolist() == right.ignored.tolist()
        if outlines:
            for rings, others in zip(left.outlines, right.outlines, strict=True):
                assert len(rings) == len(others)
                for ring, again in zip(rings, others, strict=True):
                    assert ring.shape == again.shape and abs(ring - again).max() <= within


__all__ = ["SHARED", "boxes", "coco", "find_objects", "picture", "same", "text", "voc"]
