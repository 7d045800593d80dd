"""The formats of objects by name: what each is called, what reads it, what writes it, and what it has no word for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate.data.labels.box_csv import HEAD, read_csv, write_csv
from striate.data.labels.classes import in_order, shown
from striate.data.labels.coco import BY, read_coco, write_coco
from striate.data.labels.createml import read_createml
from striate.data.labels.cvat import read_cvat
from striate.data.labels.drawn import Reading
from striate.data.labels.label_studio import read_label_studio
from striate.data.labels.labelme import read_labelme
from striate.data.labels.labelme_xml import read_labelme_xml
from striate.data.labels.layouts import form_of
from striate.data.labels.mask_format import read_masks, write_masks
from striate.data.labels.objects import ObjectSet, Ring
from striate.data.labels.picture_files import PictureFiles, split_of
from striate.data.labels.settle import settled
from striate.data.labels.via import read_via
from striate.data.labels.voc import read_voc, write_voc
from striate.data.labels.yolo import read_yolo, write_yolo
from striate.errors import SourceError
from striate.words import counted


@dataclass(frozen=True)
class Format:
    """One format.

    Arguments:
        title: what people call it, and what `striate.data.labels.layouts` recognises it as.
        read: what reads a file or folder of it, given the pictures.
        write: what makes its files, by their paths in a folder; one by the name "" is a file by itself.
        outlines: how many rings an object may have there: 0 none, 1, or any number (None).
        ignored, labelled, parts: whether it says what is ignored, which classes were looked for, and train or test.
        listed: whether it lists the classes, those without an object among them, in their order.
        begins: how a file of ours in it begins, None for a folder.
        runs: whether it can say which pixels an object has.
    """

    title: str
    read: Callable[[Path, PictureFiles], Reading] | None = None
    write: Callable[[ObjectSet], dict[str, bytes]] | None = None
    outlines: int | None = 0
    ignored: bool = True
    labelled: bool = False
    parts: bool = True
    listed: bool = True
    begins: bytes | None = None
    runs: bool = False


FORMATS: Final[Mapping[str, Format]] = {
    "coco": Format(
        "COCO", lambda path, _: read_coco(path), write_coco, outlines=None, labelled=True, parts=False,
        begins=f'{{"info": {{"description": "{BY}"'.encode(), runs=True,
    ),
    "voc": Format("Pascal VOC", lambda path, _: read_voc(path), write_voc, listed=False),
    "yolo": Format("YOLO", read_yolo, write_yolo, outlines=1, ignored=False),
    "labelme": Format("LabelMe", lambda path, _: read_labelme(path)),
    "labelme-xml": Format("LabelMe XML", lambda path, _: read_labelme_xml(path)),
    "cvat": Format("CVAT XML", lambda path, _: read_cvat(path)),
    "via": Format("VGG Image Annotator", lambda path, _: read_via(path)),
    "createml": Format("CreateML", lambda path, _: read_createml(path)),
    "label-studio": Format("Label Studio", read_label_studio),
    "csv": Format(
        "CSV", lambda path, _: read_csv(path), write_csv, parts=False, listed=False, begins=",".join(HEAD).encode()
    ),
    "masks": Format("a mask a picture", lambda path, _: read_masks(path), write_masks, outlines=None, ignored=True),
}  # fmt: skip
READ: Final = tuple(name for name, form in FORMATS.items() if form.read)
_BESIDE: Final = ("annotations", "annotation", "labels", "label")  # folders of labels, which lie beside the pictures
WRITTEN: Final = tuple(name for name, form in FORMATS.items() if form.write)


def find_objects(
    path: Path, *, form: str | None = None, pictures: Path | None = None, allow_bad: bool = False
) -> ObjectSet:
    """Return the objects that a folder or file of labels holds; see `find_with_pictures`.

    Example: ``find_objects(Path("scene")).classes`` is ``("cat",)``.
    """
    return find_with_pictures(path, form=form, pictures=pictures, allow_bad=allow_bad)[0]


def find_with_pictures(
    path: Path, *, form: str | None = None, pictures: Path | None = None, allow_bad: bool = False
) -> tuple[ObjectSet, PictureFiles]:
    """Return the objects that a folder or file of labels holds, and the pictures among which theirs were looked for.

    ``form`` is a name of `FORMATS`, None: found by looking. ``pictures`` is the folder below which the pictures are,
    None: the folder of the labels itself, or of a file the folder it is in, or the one above ``annotations``.
    Errors: SourceError for what is not there, is of no known format, or cannot be used.

    Example: ``find_with_pictures(Path("scene"))[1].root`` is ``Path("scene")``.
    """
    if not path.exists():
        raise SourceError(f"there is no {shown(str(path))}; name a folder or a file of labels")
    if form is None:
        form = _found(path)
    read = FORMATS[form].read
    if read is None:
        raise SourceError(f"{form} is written only; read are {', '.join(READ)}")
    below = pictures or (path if path.is_dir() else path.parent)
    if not below.is_dir():
        raise SourceError(f"there is no folder {shown(str(below))}, which --pictures names")
    files = PictureFiles.below(below)
    if pictures is None and path.is_file() and not files.every and path.resolve().parent.name.lower() in _BESIDE:
        files = PictureFiles.below(path.resolve().parent.parent)  # annotations/instances.json beside images/
    return settled(read(path, files), files, path, allow_bad=allow_bad), files


def _found(path: Path) -> str:
    """Return the name of the format of a folder or file, by looking."""
    title = form_of(path)
    for name, form in FORMATS.items():
        if form.title == title and form.read:
            return name
    if title:
        raise SourceError(f"{shown(str(path))} holds labels as {title} writes them; read are {', '.join(READ)}")
    raise SourceError(
        f"{shown(str(path))} holds no labels of objects that are known; if it does, say as which they are to be read"
        f" (--labels {', '.join(READ)})"
    )


def _lost_in_masks(each: list[tuple[Ring, ...]], ignored: int) -> list[str]:
    """Return what a class a pixel does not say of objects."""
    told = []
    if number := sum(not rings for rings in each):
        told.append(f"{counted(number, 'object')} known by {'its box' if number == 1 else 'their boxes'} alone, void")
    if ignored:
        told.append(f"the class of {counted(ignored, 'object')} to be ignored, void")
    if sum(bool(rings) for rings in each) > 1:
        told.append("which object a pixel is of, and what lies under another")
    return told


def losses(objects: ObjectSet, form: str) -> tuple[str, ...]:
    """Return what a format has no word for, each with its number, as sentences; none where all is carried.

    Example: ``losses(ObjectSet("x", (), ()), "voc")`` is ``()``.
    """
    to = FORMATS[form]
    each = [
        (rings, bool(ignored))
        for picture in objects.pictures
        for rings, ignored in zip(picture.outlines, picture.ignored, strict=True)
    ]
    told = []
    if not to.ignored and (number := sum(ignored for _, ignored in each)):
        told.append(f"{counted(number, 'object')} to be ignored (crowd, difficult), left out")
    if to.write is write_masks:
        told += _lost_in_masks([rings for rings, ignored in each if not ignored], sum(ignored for _, ignored in each))
    kept = [rings for rings, ignored in each if to.ignored or not ignored]
    if to.outlines is not None and (number := sum(len(rings) > to.outlines for rings in kept)):
        told.append(f"{counted(number, 'outline')}{' in parts' * bool(to.outlines)}, written as boxes")
    if points := sum(len(picture.points) for picture in objects.pictures):
        told.append(f"{counted(points, 'point')}, left out")
    limited = sum(picture.labelled is not None for picture in objects.pictures)
    if not to.labelled and limited:
        told.append(f"which classes were looked for, in {counted(limited, 'picture')}")
    parts = sum(picture.split not in ("", split_of(picture.key)) for picture in objects.pictures)
    if not to.parts and parts:
        told.append(f"which part (train, val, test) {counted(parts, 'picture')} {'is' if parts == 1 else 'are'} of")
    if not to.listed:
        used = [name for name, number in objects.counts().items() if number]
        if unused := [name for name in objects.classes if name not in used]:
            some = ", ".join(unused[:6]) + (", ..." if len(unused) > 6 else "")
            told.append(f"{counted(len(unused), 'class')} without objects ({some})")
        if used != [*in_order(used)]:
            told.append(f"the order of {counted(len(used), 'class')}")
    return tuple(told)
