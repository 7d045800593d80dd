"""Pascal VOC: an XML file a picture, with a box an object; written by LabelImg, CVAT, Roboflow and many more.

The coordinates are one convention in the definition and another in what tools write. In the sets of the challenge
pixels count from 1 and the last one belongs to the box (Everingham and Winn, "The PASCAL VOC2012 Development Kit",
2012, section 5): left edge xmin - 1, right edge xmax. Tools write the edges: left xmin, right xmax; so do the scripts
that make YOLO and COCO of such files (``w = xmax - xmin``). A file is read by the definition where its source says that
it is of the challenge, and otherwise as tools write it, which the notes say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from striate import files
from striate.data.labels.classes import SPLITS
from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.objects import ObjectSet, PictureObjects
from striate.data.labels.parsed import number, parsed_xml, plain, size_of
from striate.data.labels.picture_files import files_below, stem, without_ending
from striate.errors import SourceError
from striate.words import counted

_CORNERS: Final = ("xmin", "ymin", "xmax", "ymax")
_TRUE: Final = ("1", "true", "True")


def read_voc(path: Path) -> Reading:
    """Return what the XML files of a folder, or one of them, say. ``difficult`` objects are ignored ones.

    The parts are those of ``ImageSets/Main``, where it is there.
    Errors: SourceError for XML that does not read. Example: ``read_voc(Path("VOC2012")).form`` is ``"Pascal VOC"``.
    """
    reading = Reading("Pascal VOC")
    parts = _parts(path) if path.is_dir() else {}
    challenge = others = passed = 0
    for file in files_below(path, "xml") if path.is_dir() else [path]:
        root = parsed_xml(file)
        if root.tag != "annotation":
            passed += 1
            continue
        source = " ".join((root.findtext("source/database") or "", root.findtext("source/annotation") or ""))
        by_definition = "VOC2" in source.upper().replace(" ", "")
        challenge += by_definition
        others += not by_definition
        drawn = tuple(one for each in root.iter("object") if (one := _object(each, by_definition, file, reading)))
        size = size_of(root.findtext("size/width"), root.findtext("size/height"))
        name = (root.findtext("filename") or "").strip() or file.stem
        if stem(name) != file.stem and stem(name).lower() != file.stem.lower() and "/" not in name:
            name = _name(name, file)
        reading.pictures.append(DrawnPicture(name, file, drawn, size, split=_part(file, parts)))
    if challenge:
        reading.notes.append(
            f"boxes of {counted(challenge, 'file')} count pixels from 1, the last included, as VOC defines it: their"
            " source is the VOC challenge (left edge xmin - 1, right edge xmax)"
        )
    if others:
        reading.notes.append(
            f"boxes of {counted(others, 'file')} are taken as tools write them, edges from 0 (xmin to xmax, nothing"
            " subtracted): their source is not the VOC challenge"
        )
    if passed:
        reading.notes.append(f"passed over: {counted(passed, 'XML file')} without an annotation of a picture")
    return reading


def _name(name: str, file: Path) -> str:
    """Return which of two names is the picture's: that in the file, or the file's own, where files were renamed."""
    beside = {one.stem for one in file.parent.iterdir() if one.suffix.lower() != ".xml"}
    return file.stem if file.stem in beside and stem(name) not in beside else name


def _object(each: ElementTree.Element, by_definition: bool, file: Path, reading: Reading) -> Drawn | None:
    label = (each.findtext("name") or "").strip()
    if not label:
        reading.refuse("without a name", file)
        return None
    rotated = each.find("robndbox")
    turned = [one.findtext("value") for one in each.iter("attribute") if one.findtext("name") == "rotation"]
    box = each.find("bndbox")
    if rotated is not None or any(number(value) % 360 for value in turned):
        reading.refuse("rotated, which a box is not", file)
        return None
    if box is None:
        if each.find("polygon") is not None:
            reading.left_out["outline of LabelMe's old XML"] += 1
        else:
            reading.refuse("without a box", file)
        return None
    left, top, right, bottom = (number((box.findtext(name) or "").strip()) for name in _CORNERS)
    if by_definition:
        left, top = left - 1, top - 1
    return Drawn(label, (left, top, right, bottom), ignored=(each.findtext("difficult") or "").strip() in _TRUE)


def _part(file: Path, parts: Mapping[str, str]) -> str:
    """Return the part of the longest end of a file's path that a list names."""
    names = file.with_suffix("").parts if parts else ()
    return next((parts[name] for at in range(len(names)) if (name := "/".join(names[at:])) in parts), "")


def _parts(root: Path) -> dict[str, str]:
    """Return the part of each picture by its name, from ImageSets/Main/{train,val,test}.txt."""
    found: dict[str, str] = {}
    for folder in (root / "ImageSets" / "Main", root.parent / "ImageSets" / "Main"):
        for word in ("train", "val", "test"):
            try:
                lines = files.read_text(folder / f"{word}.txt", limit=files.LIST).splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            found |= {without_ending(line.strip()): SPLITS[word] for line in lines if line.strip()}
        if found:
            break
    return found


def write_voc(objects: ObjectSet) -> dict[str, bytes]:
    """Return the files of a folder in VOC's form: ``Annotations/<picture>.xml``, and ``ImageSets/Main`` for parts.

    Coordinates are edges from 0, as tools write them. Errors: SourceError where two pictures differ in their ending.
    Example: ``sorted(write_voc(ObjectSet("x", ("cat",), (PictureObjects.of("a.jpg", 8, 6, [], []),))))`` is
    ``["Annotations/a.xml"]``.
    """
    made: dict[str, bytes] = {}
    parts: dict[str, list[str]] = {}
    for picture in objects.pictures:
        path = f"Annotations/{without_ending(picture.key)}.xml"
        if path in made:
            raise SourceError(
                f"{picture.key} and another picture differ in their ending alone, and VOC names both {path}; rename one"
            )
        made[path] = _xml(picture, objects.classes)
        if picture.split:
            parts.setdefault(picture.split, []).append(without_ending(picture.key))
    return made | {f"ImageSets/Main/{part}.txt": _lines(names) for part, names in parts.items()}


def _xml(picture: PictureObjects, classes: Sequence[str]) -> bytes:
    root = ElementTree.Element("annotation")
    for tag, text in (("folder", picture.key.rpartition("/")[0]), ("filename", picture.key.rpartition("/")[2])):
        ElementTree.SubElement(root, tag).text = text
    ElementTree.SubElement(ElementTree.SubElement(root, "source"), "database").text = "Unknown"
    size = ElementTree.SubElement(root, "size")
    for tag, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        ElementTree.SubElement(size, tag).text = str(value)
    ElementTree.SubElement(root, "segmented").text = "0"
    for box, index, ignored in zip(picture.boxes, picture.classes, picture.ignored, strict=True):
        one = ElementTree.SubElement(root, "object")
        difficult = str(int(ignored))
        for tag, text in (
            ("name", classes[index]),
            ("pose", "Unspecified"),
            ("truncated", "0"),
            ("difficult", difficult),
        ):
            ElementTree.SubElement(one, tag).text = text
        corners = ElementTree.SubElement(one, "bndbox")
        for tag, value in zip(_CORNERS, box, strict=True):
            ElementTree.SubElement(corners, tag).text = plain(value)
    ElementTree.indent(root, "\t")
    data: bytes = ElementTree.tostring(root, encoding="utf-8")
    return data + b"\n"


def _lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
