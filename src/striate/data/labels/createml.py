"""Create ML: a JSON of pictures with boxes by their middle, in pixels (Apple, "Building an object detector")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.parsed import number, parsed_json, word
from striate.data.labels.picture_files import files_below
from striate.errors import SourceError


def read_createml(path: Path) -> Reading:
    """Return what the JSON files of a folder, or one of them, say; ``x`` and ``y`` are the middle of a box.

    Errors: SourceError where every number is a share of the picture: pixels are read.
    Example: ``read_createml(Path("pets")).pictures`` is ``[]``.
    """
    reading = Reading("CreateML")
    for file in files_below(path, "json") if path.is_dir() else [path]:
        value = parsed_json(file)
        entries = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
        for entry in entries:
            name = entry.get("image") or entry.get("imagefilename")
            each = entry.get("annotations", entry.get("annotation"))
            if isinstance(name, str) and isinstance(each, list):
                drawn = tuple(one for shape in each if (one := _object(shape, file, reading)))
                reading.pictures.append(DrawnPicture(name, file, drawn))
    every = [one.box for picture in reading.pictures for one in picture.drawn]
    if every and all(value <= 1 for box in every for value in box):
        raise SourceError(f"{path}: every coordinate is at most 1, a share of the picture; export them in pixels")
    return reading


def _object(shape: Any, file: Path, reading: Reading) -> Drawn | None:
    at = shape.get("coordinates") if isinstance(shape, dict) else None
    label = word(shape.get("label")) if isinstance(shape, dict) else ""
    if not isinstance(at, dict) or not label:
        reading.refuse("without a name or a box", file)
        return None
    x, y, width, height = (number(at.get(name)) for name in ("x", "y", "width", "height"))
    return Drawn(label, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
