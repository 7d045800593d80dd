"""LabelMe 3, the first LabelMe: an XML file a picture, with outlines drawn on the web (Russell and others, 2008)."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.parsed import number, parsed_xml, ring_of, size_of
from striate.data.labels.picture_files import files_below


def read_labelme_xml(path: Path) -> Reading:
    """Return what the XML files of a folder, or one of them, say: polygons, and boxes drawn as such.

    What was deleted in the tool is none. A mask in a file of its own is kept as its box and counted.
    Errors: SourceError for XML that does not read. Example: ``read_labelme_xml(Path("pets")).form`` is
    ``"LabelMe XML"``.
    """
    reading = Reading("LabelMe XML")
    for file in files_below(path, "xml") if path.is_dir() else [path]:
        root = parsed_xml(file)
        if root.tag != "annotation":
            continue
        each = (_object(one, file, reading) for one in root.iter("object") if _text(one, "deleted") != "1")
        size = size_of(root.findtext("imagesize/ncols"), root.findtext("imagesize/nrows"))
        folder, name = _text(root, "folder"), _text(root, "filename") or file.stem
        drawn = tuple(one for one in each if one)
        reading.pictures.append(DrawnPicture(f"{folder}/{name}" if folder else name, file, drawn, size))
    return reading


def _text(one: ElementTree.Element, name: str) -> str:
    return (one.findtext(name) or "").strip()


def _object(one: ElementTree.Element, file: Path, reading: Reading) -> Drawn | None:
    label = _text(one, "name")
    if not label:
        reading.refuse("without a name", file)
        return None
    box = one.find("segm/box")
    if box is not None:
        reading.boxed["mask file"] += 1
        left, top, right, bottom = (number(_text(box, name)) for name in ("xmin", "ymin", "xmax", "ymax"))
        return Drawn(label, (left, top, right, bottom))
    points = [(number(_text(each, "x")), number(_text(each, "y"))) for each in one.iterfind("polygon/pt")]
    if len(points) in (1, 2):
        reading.left_out["point" if len(points) == 1 else "line"] += 1
        return None
    ring = ring_of(points)
    if not ring:
        reading.refuse("without an outline", file)
        return None
    around = Drawn.around(label, (ring,))
    upright = {*ring} == {(around.box[at], around.box[down]) for at in (0, 2) for down in (1, 3)}
    return Drawn(label, around.box) if _text(one, "type") == "bounding_box" and upright else around
