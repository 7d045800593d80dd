"""Label Studio: a JSON of tasks, whose answers are shapes in per cent of the picture (labelstud.io/guide/export)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from striate.data.labels.drawn import Drawn, DrawnPicture, Reading, Spot
from striate.data.labels.parsed import number, parsed_json, ring_of, size_of, word
from striate.data.labels.picture_files import PictureFiles, files_below
from striate.data.labels.turned_shapes import ellipse_box, turned_box
from striate.words import counted

_UPLOADED: Final = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of a file it is given
_NEITHER: Final = {
    "brushlabels": "mask of a brush",
    "choices": "answer about a whole picture",
}


def read_label_studio(path: Path, pictures: PictureFiles) -> Reading:
    """Return what an export says: rectangles, polygons, ellipses, points, per cent made pixels of the written size.

    Where several people answered a task, the first answer that was not cancelled counts. A rotated rectangle is an
    outline. A name is looked for as uploaded, and without what the upload put before it.
    Errors: SourceError for a file that does not read.
    Example: ``read_label_studio(Path("pets"), PictureFiles.below(Path("album"))).pictures`` is ``[]``.
    """
    reading = Reading("Label Studio")
    more = turned = 0
    for file in files_below(path, "json") if path.is_dir() else [path]:
        value = parsed_json(file)
        for task in value if isinstance(value, list) else ():
            if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
                continue
            answers = task.get("annotations")
            answers = [one for one in answers if isinstance(one, dict)] if isinstance(answers, list) else []
            answers = [one for one in answers if not one.get("was_cancelled")]
            name = _name(task["data"], file, pictures)
            if not answers or not name:
                reading.left_out["task without an answer or a picture"] += 1
                continue
            more += len(answers) > 1
            results = answers[0].get("result")
            results = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
            sizes = [
                size for one in results if (size := size_of(one.get("original_width"), one.get("original_height")))
            ]
            spots = tuple(spot for one in results for spot in _points(one))
            drawn = tuple(shape for one in results for shape in _shapes(one, file, reading))
            turned += sum(one.get("type") == "rectanglelabels" and bool(_turn(one)) for one in results)
            reading.pictures.append(DrawnPicture(name, file, drawn, sizes[0] if sizes else None, points=spots))
    if more:
        reading.notes.append(f"{counted(more, 'task')} with several answers; the first counts")
    reading.rotated(turned)
    return reading


def _name(data: dict[str, Any], file: Path, pictures: PictureFiles) -> str:
    """Return the picture of a task: the value that ends like a path or an address."""
    texts = [data[key] for key in sorted(data, key=lambda key: key != "image") if isinstance(data[key], str)]
    for text in texts:
        name: str = text.partition("?d=")[2] or text.partition("?")[0]
        last = name.rpartition("/")[2]
        if "." not in last and text is not data.get("image"):
            continue
        plain = name[: len(name) - len(last)] + _UPLOADED.sub("", last)
        return plain if plain != name and not pictures.find(name, file)[0] else name
    return ""


def _turn(result: dict[str, Any]) -> float:
    value = result.get("value")
    return number(value.get("rotation", 0)) % 360 if isinstance(value, dict) else 0.0


def _points(result: dict[str, Any]) -> list[Spot]:
    """Return the points of an answer, per cent made pixels."""
    value = result.get("value")
    size = size_of(result.get("original_width"), result.get("original_height"))
    if result.get("type") != "keypointlabels" or not isinstance(value, dict) or size is None:
        return []
    labels = value.get("keypointlabels")
    x, y = number(value.get("x")) * size[0] / 100, number(value.get("y")) * size[1] / 100
    return [(name, x, y) for one in (labels if isinstance(labels, list) else []) if (name := word(one))]


def _shapes(result: dict[str, Any], file: Path, reading: Reading) -> list[Drawn]:
    value, kind = result.get("value"), str(result.get("type"))
    if kind == "keypointlabels":
        return []
    if kind in _NEITHER or not isinstance(value, dict) or kind not in value:
        reading.left_out[_NEITHER.get(kind, "answer without a shape and a name")] += 1
        return []
    labels = [name for one in value[kind] if (name := word(one))] if isinstance(value[kind], list) else []
    size = size_of(result.get("original_width"), result.get("original_height"))
    if not labels or size is None or number(result.get("image_rotation", 0)) % 360:
        reading.refuse("on a picture that was turned in the tool, or without a name or size", file)
        return []
    wide, high = size[0] / 100, size[1] / 100
    x, y = number(value.get("x")) * wide, number(value.get("y")) * high
    if kind == "rectanglelabels":
        box = (x, y, x + number(value.get("width")) * wide, y + number(value.get("height")) * high)
        if turn := _turn(result):
            return [Drawn.around(label, (turned_box(box, turn, (x, y)),)) for label in labels]
        return [Drawn(label, box) for label in labels]
    if kind == "polygonlabels" and (ring := ring_of(value.get("points"))):
        return [Drawn.around(label, (tuple((px * wide, py * high) for px, py in ring),)) for label in labels]
    if kind == "ellipselabels":
        reading.boxed["ellipse"] += 1
        rx, ry = number(value.get("radiusX")) * wide, number(value.get("radiusY")) * high
        return [Drawn(label, ellipse_box(x, y, rx, ry, _turn(result))) for label in labels]
    reading.refuse(f"of a shape that is not known ({kind})", file)
    return []
