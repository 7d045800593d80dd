"""VGG Image Annotator 2: one JSON of pictures and the regions drawn on them (robots.ox.ac.uk/~vgg/software/via)."""

from __future__ import annotations

from collections import Counter
from math import degrees
from pathlib import Path
from typing import Any, Final

from striate.data.labels.drawn import Drawn, DrawnPicture, Reading, Spot
from striate.data.labels.parsed import number, parsed_json, ring_of, word
from striate.data.labels.picture_files import files_below
from striate.data.labels.turned_shapes import ellipse_box
from striate.errors import SourceError

_CLASS: Final = ("class", "classes", "label", "labels", "category", "name", "type", "object", "species")
_NEITHER: Final = {"polyline": "line"}


def read_via(path: Path) -> Reading:
    """Return what a JSON of annotations, or a project of VIA, says: rectangles, polygons, circles,
    ellipses and points.

    The class is the attribute of the regions that is called so (class, label, category, name, type), or the only one.
    Errors: SourceError where no attribute is the class. Example: ``read_via(Path("pets")).pictures`` is ``[]``.
    """
    reading = Reading("VGG Image Annotator")
    for file in files_below(path, "json") if path.is_dir() else [path]:
        value = parsed_json(file)
        if isinstance(value, dict) and isinstance(value.get("_via_img_metadata"), dict):
            value = value["_via_img_metadata"]
        entries = [one for one in value.values() if isinstance(one, dict)] if isinstance(value, dict) else []
        if not entries or not all("filename" in one and "regions" in one for one in entries):
            continue
        regions = [_regions(one) for one in entries]
        attribute = _attribute([region for each in regions for region in each], file)
        for entry, each in zip(entries, regions, strict=True):
            spots: list[Spot] = []
            drawn = tuple(one for region in each if (one := _region(region, attribute, file, reading, spots)))
            reading.pictures.append(DrawnPicture(str(entry["filename"]), file, drawn, points=tuple(spots)))
    return reading


def _regions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the regions of a picture: a list in VIA 2, a mapping by number in VIA 1."""
    each = entry["regions"]
    each = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return [one for one in each if isinstance(one, dict)]


def _attribute(regions: list[dict[str, Any]], file: Path) -> str:
    """Return the name of the attribute that holds the class."""
    number_of = Counter(
        str(name)
        for one in regions
        for name in (one["region_attributes"] if isinstance(one.get("region_attributes"), dict) else ())
    )
    known = [name for word in _CLASS for name in number_of if name.lower() == word]
    if known or len(number_of) == 1:
        return known[0] if known else next(iter(number_of))
    if not regions:
        return ""
    raise SourceError(
        f"{file}: the regions have "
        + (
            f"the attributes {', '.join(sorted(number_of)[:6])}, and none is called class"
            if number_of
            else "no attribute"
        )
        + "; name the one with the class so"
    )


def _region(region: dict[str, Any], attribute: str, file: Path, reading: Reading, spots: list[Spot]) -> Drawn | None:
    shape, facts = region.get("shape_attributes"), region.get("region_attributes")
    if not isinstance(shape, dict) or not isinstance(facts, dict):
        reading.refuse("without a shape", file)
        return None
    label = facts.get(attribute, "")
    if isinstance(label, dict):  # of check boxes
        label = next((name for name, ticked in label.items() if ticked), "")
    label = word(label)
    kind = str(shape.get("name"))
    if kind in _NEITHER:
        reading.left_out[_NEITHER[kind]] += 1
        return None
    if not label:
        reading.refuse("without a name", file)
        return None
    if kind == "point":
        spots.append((label, number(shape.get("cx")), number(shape.get("cy"))))
        return None
    x, y, width, height = (number(shape.get(name)) for name in ("x", "y", "width", "height"))
    if kind == "rect":
        return Drawn(label, (x, y, x + width, y + height))
    across, down = shape.get("all_points_x"), shape.get("all_points_y")
    if kind == "polygon" and isinstance(across, list) and isinstance(down, list) and len(across) == len(down):
        if ring := ring_of(list(zip(across, down, strict=True))):
            return Drawn.around(label, (ring,))
    elif kind in ("circle", "ellipse"):
        reading.boxed[kind] += 1
        rx, ry = (number(shape.get(name, shape.get("r"))) for name in ("rx", "ry"))
        turn = degrees(number(shape.get("theta", 0)))
        return Drawn(label, ellipse_box(number(shape.get("cx")), number(shape.get("cy")), rx, ry, turn))
    reading.refuse(f"of a shape that is not known ({kind})", file)
    return None
