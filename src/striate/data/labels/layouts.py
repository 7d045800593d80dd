"""Layouts of other tasks: boxes, masks and outlines beside pictures, told by what lies where.

Reads names, and beginnings of the files that are no pictures. Whoever names such a folder meant something that class
folders cannot say. It is named, with what can be done.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.box_csv import is_box_table
from striate.data.labels.classes import SPLITS
from striate.data.labels.mask_files import DOT_FOLDERS, IMAGES, MASKS, dots_beside, mask_folders
from striate.data.sources.listing import SUFFIXES, suffix_of

_LOOKED_AT: Final = 40  # tables of a folder that are looked at
_EACH: Final = 5  # files of each ending that are
_START: Final = 1 << 14  # bytes of a file that are
_YOLO_LINE: Final = re.compile(rb"\d+( -?\d+(\.\d+)?([eE]-?\d+)?){4,}\s*")
_REMEDY: Final = (
    "For classes, tags or numbers of these pictures name a list of them (CSV: path,label), or for classes sort them"
    " into a folder a class"
)


@dataclass(frozen=True)
class Layout:
    """What was recognised: ``what`` it holds (boxes, masks), the ``form`` by name, and a file that shows so."""

    what: str
    form: str
    shown_by: str

    def refusal(self, root: Path, *, kind: str | None = None) -> str:
        """Return why these are no labels of ``kind``, and what can be done, as one line."""
        but = f", and to learn {kind} was asked" if kind else ""
        return f"{root} holds {self.what} ({self.form}; see {self.shown_by}){but}. {_REMEDY}"


def recognised(root: Path, *, classes: bool = True) -> Layout | None:
    """Return the layout of a folder or file of another task than telling classes apart, or None.

    Class folders are none, whatever else is in them, unless ``classes`` is False. Where a folder holds labels of
    several tools it is the first of `layouts`.
    Example: ``recognised(Path("VOC2012")).form`` is ``"Pascal VOC"``.
    """
    if classes and root.is_dir() and class_folders(root):
        return None
    return next(_layouts(root), None)


def layouts(root: Path) -> tuple[Layout, ...]:
    """Return every layout that a folder or file has, one of each form, in the order in which they are believed.

    Looked at are the folder, the folders in it, and those in its parts (``train/images``); never all of their files.
    Example: ``[one.form for one in layouts(Path("VOC2012"))]`` is ``["Pascal VOC"]``.
    """
    found: dict[str, Layout] = {}
    for one in _layouts(root):
        found.setdefault(one.form, one)
    return tuple(found.values())


def _layouts(root: Path) -> Iterator[Layout]:
    """Yield the layouts of a folder or file, place after place."""
    if not root.is_dir():
        if found := _file(root, root.name):
            yield found
        return
    folders = _folders(root)
    places = [root, *folders]
    for folder in folders:
        if folder.name.lower() in {*SPLITS, *IMAGES, *MASKS}:
            places += _folders(folder)[:10]
    for place in places:
        yield from _annotated(place, root, folders)
    yield from filter(None, (masked(root), _table(root, root)))


def _table(place: Path, root: Path) -> Layout | None:
    """Return the table of boxes that lies in a folder, the first by name."""
    try:
        names = sorted(entry for entry in os.listdir(place) if suffix_of(entry) in ("csv", "tsv"))  # noqa: PTH208
    except OSError:
        return None
    found = next((name for name in names[:_LOOKED_AT] if is_box_table(place / name)), None)
    return Layout("boxes", "CSV", os.path.relpath(place / found, root)) if found else None


def masked(root: Path) -> Layout | None:
    """Return the layout of a folder with masks or dots beside its pictures, whatever else it holds, or None.

    Example: ``masked(Path("pets"))`` is None.
    """
    found = mask_folders(root) if root.is_dir() else []
    if not found:
        return None
    where = os.path.relpath(found[0][1], root)
    if dots_beside(found):
        return Layout("dots", "a picture of dots a picture", where)
    return Layout("masks", "a mask a picture", where)


def form_of(path: Path) -> str:
    """Return the form of a folder or of one file of labels, as `Layout` names it, or "" where none is recognised.

    Example: ``form_of(Path("VOC2012"))`` is ``"Pascal VOC"``, ``form_of(Path("cat.jpg"))`` is ``""``.
    """
    found = recognised(path, classes=False)
    return found.form if found else ""


def class_folders(root: Path) -> bool:
    """Return whether at least two folders, here or in train/, hold pictures and have no name of another layout.

    Example: ``class_folders(Path("pets"))`` is True.
    """
    folders = _folders(root)
    other = {*SPLITS, *IMAGES, *MASKS, *DOT_FOLDERS}
    train = [folder for folder in folders if SPLITS.get(folder.name.lower()) == "train"]
    for each in (folders, *(_folders(folder) for folder in train)):
        named = [folder for folder in each if folder.name.lower() not in other]
        if sum(1 for folder in named[:50] if _holds_picture(folder)) >= 2:
            return True
    return False


def _holds_picture(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(suffix_of(entry.name) in SUFFIXES for entry in entries)
    except OSError:
        return False


def _annotated(place: Path, root: Path, folders: list[Path]) -> Iterator[Layout]:
    """Yield what the files that are no pictures, in one folder, say of pictures."""
    names = _names(place)
    beside = place in (root, *folders) or any(place.parent == folder for folder in folders)
    for name in sorted(name for ending in ("xml", "json", "yaml", "yml") for name in names[ending][:_EACH]):
        if suffix_of(name) in ("yaml", "yml") and place != root:
            continue
        if found := _file(place / name, os.path.relpath(place / name, root)):
            yield found
    texts = [name for name in names["txt"] if name.lower() != "classes.txt"][:_EACH]
    lines = [_start(place / name).splitlines() for name in texts]
    if beside and any(lines) and all(_YOLO_LINE.fullmatch(line) for each in lines for line in each[:20]):
        yield Layout("boxes", "YOLO", os.path.relpath(place / texts[0], root))


def _file(path: Path, shown: str) -> Layout | None:
    """Return what one file that is no picture says of pictures."""
    start = _start(path)
    if suffix_of(path.name) == "xml":
        if b"<annotation>" in start[:400] or b"<annotation " in start[:400]:
            outlines = b"<polygon" in start and b"<bndbox" not in start
            return Layout("outlines" if outlines else "boxes", "LabelMe XML" if outlines else "Pascal VOC", shown)
        if b"<annotations>" in start[:400]:
            return Layout("boxes or outlines", "CVAT XML", shown)
    elif suffix_of(path.name) == "json":
        return _json(path, start, shown)
    elif is_box_table(path):
        return Layout("boxes", "CSV", shown)
    elif suffix_of(path.name) in ("yaml", "yml") and b"names:" in start and (b"train:" in start or b"nc:" in start):
        return Layout("boxes", "YOLO", shown)
    return None


def _json(path: Path, start: bytes, shown: str) -> Layout | None:
    """Return what a JSON file says of pictures, by the names in its beginning and its end."""
    both = start + _end(path)
    if sum(name in both for name in (b'"images"', b'"annotations"', b'"categories"')) >= 2:
        return Layout("boxes or outlines", "COCO", shown)
    if b'"imagePath"' in both and b'"shapes"' in both:
        return Layout("outlines", "LabelMe", shown)
    if b'"regions"' in both and b'"shape_attributes"' in both:
        return Layout("outlines", "VGG Image Annotator", shown)
    if b'"coordinates"' in both and b'"annotations"' in both:
        return Layout("boxes", "CreateML", shown)
    if b'"annotations"' in both and (b'"rectanglelabels"' in both or b'"polygonlabels"' in both):
        return Layout("boxes or outlines", "Label Studio", shown)
    return None


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                folder / name for name in sorted(entry.name for entry in entries if entry.is_dir()) if name[0] != "."
            ]
    except OSError:
        return []


def _names(folder: Path) -> dict[str, list[str]]:
    """Return the files of a folder that may hold labels, by their ending, in name order."""
    found: dict[str, list[str]] = {ending: [] for ending in ("xml", "json", "yaml", "yml", "txt")}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (ending := suffix_of(entry.name)) in found:
                    found[ending].append(entry.name)
    except OSError:
        pass
    return {ending: sorted(names) for ending, names in found.items()}


def _start(path: Path) -> bytes:
    try:
        with files.open_file(path, limit=files.MODEL) as file:
            return file.read(_START)
    except OSError:
        return b""


def _end(path: Path) -> bytes:
    try:
        with files.open_file(path, limit=files.MODEL) as file:
            file.seek(max(0, path.stat().st_size - _START))
            return file.read(_START)
    except OSError:
        return b""
