"""CVAT for images 1.1: one XML of a task, its pictures and the shapes drawn on them (docs.cvat.ai)."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from striate.data.labels.classes import SPLITS
from striate.data.labels.drawn import Drawn, DrawnPicture, Points, Reading, Spot
from striate.data.labels.parsed import number, parsed_xml, ring_of, size_of
from striate.data.labels.picture_files import files_below
from striate.data.labels.run_lengths import rows_decoded
from striate.data.labels.traced import traced
from striate.data.labels.turned_shapes import ellipse_box, turned_box
from striate.errors import SourceError

_NEITHER: Final = {"polyline": "line", "cuboid": "cuboid", "skeleton": "skeleton"}


def read_cvat(path: Path) -> Reading:
    """Return what CVAT's XML says: boxes, polygons, masks, ellipses (as boxes) and points; a rotated box is an outline.

    Errors: SourceError for XML that does not read, and for the tracks of a video.
    Example: ``read_cvat(Path("VOC2012")).pictures`` is ``[]``.
    """
    reading = Reading("CVAT XML")
    turned = 0
    for file in files_below(path, "xml") if path.is_dir() else [path]:
        root = parsed_xml(file)
        if root.tag != "annotations":
            continue
        if root.find("track") is not None:
            raise SourceError(f"{file} holds tracks of a video; export the task as CVAT for images, or as COCO")
        names = [name.text or "" for name in root.findall("meta//labels/label/name")]
        reading.classes += [name for name in dict.fromkeys(names) if name not in reading.classes]
        for image in root.findall("image"):
            drawn = tuple(one for shape in image if (one := _shape(shape, file, reading)))
            turned += sum(shape.tag == "box" and bool(number(shape.get("rotation", 0)) % 360) for shape in image)
            spots = [spot for shape in image if shape.tag == "points" for spot in _points(shape)]
            split = SPLITS.get(image.get("subset", "").lower(), "")
            size = size_of(image.get("width"), image.get("height"))
            reading.pictures.append(
                DrawnPicture(image.get("name", ""), file, drawn, size, split=split, points=tuple(spots))
            )
    reading.rotated(turned)
    return reading


def _points(shape: ElementTree.Element) -> list[Spot]:
    pairs = [pair.split(",") for pair in shape.get("points", "").split(";")]
    return [(shape.get("label", ""), number(x), number(y)) for x, y in (pair for pair in pairs if len(pair) == 2)]


def _mask(shape: ElementTree.Element) -> tuple[Points, ...]:
    """Return the outlines of a mask, run lengths along the rows of its box; none where they do not read."""
    left, top, width, height = (number(shape.get(name, "")) for name in ("left", "top", "width", "height"))
    try:
        runs = [int(run) for run in shape.get("rle", "").split(",")]
        return traced(rows_decoded(runs, int(height), int(width)), left=left, top=top)
    except (ValueError, OverflowError):
        return ()


def _shape(shape: ElementTree.Element, file: Path, reading: Reading) -> Drawn | None:
    label = shape.get("label", "")

    def value(name: str, otherwise: str = "") -> float:
        return number(shape.get(name, otherwise))

    if shape.tag == "tag":
        reading.left_out["tag of a whole picture"] += 1
        return None
    if shape.tag == "points":
        return None
    if shape.tag in _NEITHER:
        reading.left_out[_NEITHER[shape.tag]] += 1
        return None
    if not label:
        reading.refuse("without a name", file)
        return None
    if shape.tag == "box":
        box = (value("xtl"), value("ytl"), value("xbr"), value("ybr"))
        if turn := value("rotation", "0") % 360:
            middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            return Drawn.around(label, (turned_box(box, turn, middle),))
        return Drawn(label, box)
    if shape.tag == "polygon" and (ring := ring_of([pair.split(",") for pair in shape.get("points", "").split(";")])):
        return Drawn.around(label, (ring,))
    if shape.tag == "ellipse":
        reading.boxed["ellipse"] += 1
        return Drawn(label, ellipse_box(value("cx"), value("cy"), value("rx"), value("ry"), value("rotation", "0")))
    if shape.tag == "mask":
        rings = _mask(shape)
        if not rings:
            reading.boxed["broken mask"] += 1
        left, top = value("left"), value("top")
        return Drawn(label, (left, top, left + value("width"), top + value("height")), rings)
    reading.refuse(f"as {shape.tag!r}, which is not known", file)
    return None
