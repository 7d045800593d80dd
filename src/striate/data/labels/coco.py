"""COCO: one JSON of pictures, categories and annotations, with boxes, polygons and run lengths (cocodataset.org)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from striate.data.labels.drawn import Drawn, DrawnPicture, Reading, Spot
from striate.data.labels.filled import filled, joined
from striate.data.labels.objects import ObjectSet, PictureObjects, Ring
from striate.data.labels.parsed import number, parsed_json, ring_of, size_of, word
from striate.data.labels.picture_files import files_below, split_of
from striate.data.labels.run_lengths import decoded, encoded
from striate.data.labels.traced import traced
from striate.errors import SourceError
from striate.words import counted

BY: Final = "written by Striate"


def read_coco(path: Path) -> Reading:
    """Return what a JSON file of annotations, or every one below a folder, says.

    Ids mean nothing but which belongs to which; gaps in them, and beginning at 0 or 1, are the same. Categories are in
    the order of their ids. A crowd is an ignored object. Run lengths become outlines along the edges of their pixels,
    keypoints are points. Which categories were looked for in a picture is kept, where LVIS or ``labelled`` says it.
    Errors: SourceError for a file that does not read, and for ids that belong to nothing.
    Example: ``read_coco(Path("pets")).pictures`` is ``[]``.
    """
    reading = Reading("COCO")
    for file in files_below(path, "json") if path.is_dir() else [path]:
        value = parsed_json(file)
        if is_coco(value):
            _read(value, file, reading)
    return reading


def is_coco(value: Any) -> bool:
    """Return whether a parsed JSON is COCO's. Example: ``is_coco({"images": [], "categories": []})`` is False."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), list) for name in ("images", "annotations", "categories")
    )


def _read(value: dict[str, Any], file: Path, reading: Reading) -> None:
    names: dict[Any, str] = {}
    categories: dict[Any, dict[str, Any]] = {}
    for one in sorted(_entries(value, "categories", file), key=lambda one: number(one.get("id"))):
        name = word(one.get("name"))
        categories[one.get("id")] = one
        if names.setdefault(one.get("id"), name) != name:
            raise SourceError(f"{file}: the category id {one.get('id')} is {names[one.get('id')]!r} and {name!r}")
    images: dict[Any, dict[str, Any]] = {}
    for one in _entries(value, "images", file):
        if images.setdefault(one.get("id"), one).get("file_name") != one.get("file_name"):
            raise SourceError(f"{file}: the image id {one.get('id')} belongs to two pictures; export it again")
    drawn: dict[Any, list[Drawn]] = {key: [] for key in images}
    spots: dict[Any, list[Spot]] = {key: [] for key in images}
    ids: dict[Any, Any] = {}
    repeated = 0
    for one in _entries(value, "annotations", file):
        repeated += "id" in one and one["id"] in ids
        ids[one.get("id")] = None
        image, category = _id(one, "image_id"), _id(one, "category_id")
        if image not in drawn:
            reading.refuse("of a picture that the file does not list", file)
            continue
        if category not in names:
            reading.refuse("of a category that the file does not list", file)
            continue
        spots[image] += _points(one, categories[category])
        if found := _annotation(one, names[category], file, reading):
            drawn[image].append(found)
    if repeated:
        reading.notes.append(
            f"{file.name}: {counted(repeated, 'annotation')} with an id that another has; ids mean nothing"
        )
    reading.classes += [name for name in dict.fromkeys(names.values()) if name not in reading.classes]
    part = split_of("/".join(file.stem.lower().replace("-", "_").rstrip("0123456789").split("_")) + "/")
    for key, image in images.items():
        name = word(image.get("file_name"))
        if not name:
            raise SourceError(f"{file}: the image id {key} has no file_name; export it again")
        size = size_of(image.get("width"), image.get("height"))
        kept = tuple(drawn[key])
        split = split_of(name, f"{file.parent.name}/") or part
        reading.pictures.append(
            DrawnPicture(
                name, file, kept, size, split=split, labelled=_labelled(image, kept, names), points=tuple(spots[key])
            )
        )


def _entries(value: dict[str, Any], name: str, file: Path) -> list[dict[str, Any]]:
    found = value[name]
    if not all(isinstance(one, dict) for one in found):
        raise SourceError(f"{file}: an entry of {name!r} is no object with names; export it again")
    keys = [one.get("id") for one in found]
    if not all(isinstance(key, int | str | float | None) for key in keys):
        raise SourceError(f"{file}: an id in {name!r} is neither a number nor text; export it again")
    return list(found)


def _id(one: dict[str, Any], name: str) -> Any:
    """Return an id that another entry may have, or None for what is none."""
    value = one.get(name)
    return value if isinstance(value, int | str | float) else None


def _annotation(one: dict[str, Any], label: str, file: Path, reading: Reading) -> Drawn | None:
    shape = one.get("segmentation")
    crowd = bool(one.get("iscrowd")) or bool(one.get("ignore"))
    rings = tuple(ring for each in shape if (ring := ring_of(each))) if isinstance(shape, list) else ()
    if isinstance(shape, dict):
        try:
            rings = traced(decoded(shape.get("counts"), *_size(shape.get("size"))))
        except ValueError:
            reading.boxed["broken mask"] += 1
    box = one.get("bbox")
    if isinstance(box, list) and len(box) == 4:
        left, top, width, height = map(number, box)
        return Drawn(label, (left, top, left + width, top + height), rings, crowd)
    if isinstance(box, list) and len(box) == 5:
        reading.refuse("rotated, which a box is not", file)
        return None
    if rings:
        return Drawn.around(label, rings, ignored=crowd)
    reading.refuse("without a box", file)
    return None


def _size(size: Any) -> tuple[int, int]:
    """Return height and width of run lengths. Errors: ValueError."""
    if not isinstance(size, list) or len(size) != 2 or not all(type(one) is int and one > 0 for one in size):
        raise ValueError("run lengths have no size")
    return size[0], size[1]


def _points(one: dict[str, Any], category: dict[str, Any]) -> list[Spot]:
    """Return the keypoints that are there (v > 0), each of its own class where the category names several."""
    flat = one.get("keypoints")
    if not isinstance(flat, list) or len(flat) % 3:
        return []
    names = category.get("keypoints")
    several = isinstance(names, list) and len(names) == len(flat) // 3 > 1
    label = word(category.get("name"))
    return [
        (word(names[at]) if several and isinstance(names, list) else label, number(x), number(y))
        for at, (x, y, v) in enumerate(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
        if number(v) > 0
    ]


def _labelled(image: dict[str, Any], drawn: tuple[Drawn, ...], names: dict[Any, str]) -> tuple[str, ...] | None:
    """Return the classes that were looked for in a picture, by name, or as LVIS says it.

    Of LVIS (Gupta, Dollar and Girshick, 2019) are ``neg_category_ids``; ``labelled`` is ours: a list of names.
    """
    said = image.get("labelled")
    if isinstance(said, list):
        there = {one.label for one in drawn} | {word(name) for name in said}
        return tuple(name for name in names.values() if name in there)
    negative = image.get("neg_category_ids")
    if not isinstance(negative, list):
        return None
    there = {one.label for one in drawn} | {
        names[key] for key in negative if isinstance(key, int | str) and key in names
    }
    return tuple(name for name in names.values() if name in there)


def write_coco(objects: ObjectSet) -> dict[str, bytes]:
    """Return COCO's JSON, one file by the name "": category ids from 1, as COCO's own begin.

    An ignored object is a crowd. An outline is written as polygons, whose areas' sum is that of the object; one with a
    hole, which polygons cannot say, as run lengths, and so is one whose pixels are known. What a model is how sure of
    has a ``score``.
    Example: ``json.loads(write_coco(ObjectSet("x", ("cat",), ()))[""])["categories"][0]["id"]`` is 1.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for at, picture in enumerate(objects.pictures, 1):
        entry: dict[str, Any] = {"id": at, "file_name": picture.key, "width": picture.width, "height": picture.height}
        if picture.labelled is not None:
            absent = {*picture.labelled} - {int(one) for one in picture.classes}
            entry["neg_category_ids"] = sorted(one + 1 for one in absent)
        images.append(entry)
        for place, (box, index, rings, ignored) in enumerate(
            zip(picture.boxes, picture.classes, picture.outlines, picture.ignored, strict=True)
        ):
            left, top, right, bottom = (float(value) for value in box)
            area = sum(map(_area, rings)) if rings else (right - left) * (bottom - top)
            segmentation = _segmentation(picture, rings)
            if picture.runs:
                segmentation = {"size": [picture.height, picture.width], "counts": picture.runs[place]}
            if isinstance(segmentation, dict):
                area = float(decoded(segmentation["counts"], picture.height, picture.width).sum())
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": at,
                    "category_id": int(index) + 1,
                    "bbox": [round(value, 4) for value in (left, top, right - left, bottom - top)],
                    "area": round(float(area), 4),
                    "iscrowd": int(ignored),
                    "segmentation": segmentation,
                    **({"score": picture.scores[place]} if picture.scores else {}),
                }
            )
    value = {
        "info": {"description": BY},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": at, "name": name} for at, name in enumerate(objects.classes, 1)],
    }
    return {"": json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"}


def _segmentation(picture: PictureObjects, rings: tuple[Ring, ...]) -> list[list[float]] | dict[str, Any]:
    """Return polygons, whose union is the object as COCO has it; run lengths of an object with a hole."""
    if _nested(rings):
        whole = filled(rings, picture.height, picture.width)
        if not np.array_equal(whole, joined(rings, picture.height, picture.width)):
            return {"size": [picture.height, picture.width], "counts": encoded(whole)}
    return [[round(float(value), 4) for value in ring.ravel()] for ring in rings]


def _nested(rings: tuple[Ring, ...]) -> bool:
    """Return whether one ring may lie in another, by the boxes around them."""
    around = [(*ring.min(0), *ring.max(0)) for ring in rings] if len(rings) > 1 else []
    return any(
        a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]
        for at, a in enumerate(around)
        for other, b in enumerate(around)
        if at != other
    )


def _area(ring: Ring) -> float:
    """Return the area in a ring of corners, (N, 2): the shoelace formula."""
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
