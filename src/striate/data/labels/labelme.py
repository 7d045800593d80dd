"""LabelMe: a JSON a picture, with shapes drawn by hand (github.com/wkentaro/labelme)."""

from __future__ import annotations

from base64 import b64decode
from math import hypot
from pathlib import Path
from typing import Any

from striate.data.labels.drawn import Drawn, DrawnPicture, Points, Reading, Spot
from striate.data.labels.parsed import number, parsed_json, ring_of, size_of, word
from striate.data.labels.picture_files import files_below
from striate.data.labels.traced import traced
from striate.data.pictures.stored import stored_values
from striate.errors import PictureError


def read_labelme(path: Path) -> Reading:
    """Return what the JSON files of a folder, or one of them, say: rectangles, polygons, masks, circles and points.

    Shapes of one group are kept apart. Lines are left out and counted. The picture inside a file
    (``imageData``) is not read.
    Errors: SourceError for a file that does not read. Example: ``read_labelme(Path("pets")).form`` is ``"LabelMe"``.
    """
    reading = Reading("LabelMe")
    for file in files_below(path, "json") if path.is_dir() else [path]:
        value = parsed_json(file)
        if not isinstance(value, dict) or not isinstance(value.get("shapes"), list) or "imagePath" not in value:
            continue
        spots: list[Spot] = []
        shapes = tuple(shape for one in value["shapes"] if (shape := _shape(one, file, reading, spots)))
        size = size_of(value.get("imageWidth"), value.get("imageHeight"))
        name = word(value["imagePath"]) or file.stem
        reading.pictures.append(DrawnPicture(name, file, shapes, size, points=tuple(spots)))
    return reading


def _mask(text: Any, corner: tuple[float, float]) -> tuple[Points, ...]:
    """Return the outlines of a mask, a PNG as base64 whose upper left corner this is; none for one that is none."""
    try:
        stored = stored_values(b64decode(text, validate=True)) if isinstance(text, str) else None
    except (PictureError, ValueError):
        return ()
    return () if stored is None else traced(stored.values != 0, left=corner[0], top=corner[1])


def _shape(shape: Any, file: Path, reading: Reading, spots: list[Spot]) -> Drawn | None:
    points = shape.get("points") if isinstance(shape, dict) else None
    if not isinstance(points, list) or not all(isinstance(one, list) and len(one) == 2 for one in points) or not points:
        reading.refuse("without points", file)
        return None
    label, kind = word(shape.get("label")), shape.get("shape_type") or "polygon"
    corners = [(number(x), number(y)) for x, y in points]
    if not label:
        reading.refuse("without a name", file)
        return None
    if kind == "rectangle" and len(corners) in (2, 4):
        across, down = [x for x, _ in corners], [y for _, y in corners]
        return Drawn(label, (min(across), min(down), max(across), max(down)))  # drawn from any corner to the other
    if kind == "circle" and len(corners) == 2:
        (x, y), (on_x, on_y) = corners
        radius = hypot(on_x - x, on_y - y)
        reading.boxed["circle"] += 1
        return Drawn(label, (x - radius, y - radius, x + radius, y + radius))
    if kind == "polygon" and (ring := ring_of(points)):
        return Drawn.around(label, (ring,))
    if kind == "mask" and len(corners) == 2:
        rings = _mask(shape.get("mask"), corners[0])
        if not rings:
            reading.boxed["broken mask"] += 1
        return Drawn(label, (*corners[0], corners[1][0] + 1, corners[1][1] + 1), rings)
    if kind == "point" and len(corners) == 1:
        spots.append((label, *corners[0]))
        return None
    reading.left_out[{"linestrip": "line", "line": "line"}.get(str(kind), "other shape")] += 1
    return None
