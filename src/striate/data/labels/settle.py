"""From what a tool wrote to objects of the house: which picture, in which frame, and which boxes are none.

The same for every format, so that a box means the same whatever file it came from:

- Coordinates become pixels of the picture as it is seen. Where EXIF turns a picture, the size that was written down
  beside the boxes says in which frame they are; where it says nothing (none was written, or both frames have that
  size), they are taken as the picture is seen, as tools show it, and the notes say so.
- A box that reaches over the edge is clipped. One without an area, reversed, beside the picture or not a number is
  dropped and counted, and its picture is kept. More than 1 % of those, and at least five, stops.
- An object that stands there twice, equal to the digit, counts once.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import in_order, shown
from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.marks import OBJECT
from striate.data.labels.objects import ObjectSet, PictureObjects, Ring
from striate.data.labels.picture_files import PictureFiles, split_of
from striate.data.sources.items import file_header
from striate.errors import PictureError, SourceError
from striate.words import counted, plural

NO_BOX: Final = " beside boxes and outlines, of use for counting alone"
_NOTED: Final = 0.01  # pixels or less over the edge is rounding, and is not worth a word


@dataclass
class _Counts:
    clipped: int = 0
    points: int = 0
    beside: int = 0  # points that are not in their picture
    copies: int = 0
    turned: int = 0  # pictures whose boxes were in the frame of the file
    upright: int = 0  # whose boxes were written for the picture as it is seen
    untold: int = 0  # which EXIF turns, and no size tells the frame
    broken: list[tuple[str, str]] = field(default_factory=list)  # pictures that do not read, and why
    absent: list[str] = field(default_factory=list)
    resized: Counter[str] = field(default_factory=Counter)


def settled(reading: Reading, files: PictureFiles, location: Path, *, allow_bad: bool = False) -> ObjectSet:
    """Return the objects of a reading, judged as this page says.

    ``files`` are the pictures, ``location`` is how a person named the labels; ``allow_bad`` lets any number be dropped.
    Errors: SourceError where two files speak of one picture, sizes are unknown, or more than 1 % cannot be used.

    Example::

        picture = DrawnPicture("a.jpg", Path("a.xml"), (Drawn("cat", (0, 0, 9, 4)),), size=(8, 6))
        found = settled(Reading("Pascal VOC", pictures=[picture]), PictureFiles.below(Path("album")), Path("album"))
        found.pictures[0].boxes.tolist() == [[0, 0, 8, 4]]
    """
    named = {label for picture in reading.pictures for label in _labels(picture)}
    classes = (*reading.classes, *in_order(named - {*reading.classes}))
    for name in classes:
        _check_text(name, "the class", location)
    index = {name: place for place, name in enumerate(classes)}
    counts = _Counts()
    done: dict[str, PictureObjects] = {}
    said_by: dict[str, Path] = {}
    for picture in reading.pictures:
        key, why = files.find(picture.name, picture.where)
        if not key and why.startswith("it may be"):
            raise SourceError(f"{picture.where} speaks of {shown(picture.name)}: {why}; name one of them in full")
        try:
            settled_one = _settled(picture, key, files, index, reading, counts)
        except PictureError as error:  # nothing says its size
            counts.broken.append((key, str(error)))
            continue
        _check_text(settled_one.key, "the picture", picture.where)
        before = said_by.setdefault(settled_one.key, picture.where)
        if settled_one.key in done:
            raise SourceError(
                f"{shown(settled_one.key)} has objects in {before} and "
                + (f"in {picture.where}" if before != picture.where else "again in the same file under another entry")
                + "; name the file you mean (--labels FILE), or take one of them out"
            )
        done[settled_one.key] = settled_one
    _check(reading, counts, sum(map(len, done.values())), location, allow_bad=allow_bad)
    if len(counts.broken) >= 5 and len(counts.broken) * 100 > len(reading.pictures) and not allow_bad:
        raise SourceError(
            f"{len(counts.broken):,} of {counted(len(reading.pictures), 'picture')} in {location} do not read, more"
            f" than 1 % ({shown(counts.broken[0][0])}: {counts.broken[0][1]}). Repair or remove them, or allow it"
            " (--allow-bad)"
        )
    pictures = tuple(done[key] for key in sorted(done))
    if not pictures:
        if counts.broken:
            key, why = counts.broken[0]
            raise SourceError(f"{shown(key)}: {why}; repair it, or take it and its labels out")
        raise SourceError(f"{location} holds no labels of pictures as {reading.form} writes them")
    return ObjectSet(reading.form, classes, pictures, (*reading.notes, *_notes(reading, counts)), tuple(counts.broken))


def _check_text(name: str, what: str, where: Path) -> None:
    """Refuse a name that files of labels cannot hold: none, with line ends or control characters, or not UTF-8."""
    if not name.strip():
        raise SourceError(f"{where}: {what} {name!a} has no name; give it one")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        raise SourceError(f"{where}: {what} {name!a} has a name that is not plain text; rename it")


def _labels(picture: DrawnPicture) -> set[str]:
    return (
        {one.label for one in picture.drawn}
        | {*(picture.labelled or ())}
        | {label or OBJECT for label, *_ in picture.points}
    )


def _settled(
    picture: DrawnPicture, key: str, files: PictureFiles, index: dict[str, int], reading: Reading, counts: _Counts
) -> PictureObjects:
    """Return one picture's objects; what happened on the way is added to ``counts`` and ``reading``."""
    size, orientation, usable = _frame(picture, key, files, counts)
    width, height = size
    lying = (height, width) if orientation >= 5 else (width, height)
    scale = np.array(lying if picture.shares else (1, 1), np.float64)
    split = picture.split or split_of(key or picture.name, picture.where.name and _below(picture.where, files.root))
    boxes, classes, outlines, ignored = [], [], [], []
    seen: set[object] = set()
    for one in picture.drawn:
        if not usable:
            reading.refuse("drawn on a picture of another size", picture.where)
            continue
        mark = (one.label, one.box, one.rings)
        if mark in seen:
            counts.copies += 1
            continue
        seen.add(mark)
        box, why = _box(one, scale, lying, counts)
        if box is None:
            reading.refuse(why, picture.where)
            continue
        corners = _turned(box.reshape(2, 2), lying, orientation)
        boxes.append((*corners.min(0), *corners.max(0)))
        classes.append(index[one.label])
        outlines.append(tuple(_turned(np.array(ring, np.float64) * scale, lying, orientation) for ring in one.rings))
        ignored.append(one.ignored)
    points = _points(picture, scale, lying, orientation, index, counts) if usable else ()
    labelled = None if picture.labelled is None else tuple(sorted(index[name] for name in picture.labelled))
    return PictureObjects.of(
        key or _as_key(picture.name), width, height, boxes, classes,
        outlines=tuple(outlines), ignored=ignored, split=split, labelled=labelled, found=bool(key), points=points,
    )  # fmt: skip


def _as_key(name: str) -> str:
    """Return a name as a path below any folder: whoever writes files by it stays in the folder that it was given."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..") and not part.endswith(":")) or "unnamed"


def _below(where: Path, root: Path) -> str:
    return where.relative_to(root).as_posix() if where.is_relative_to(root) else where.name


def _frame(picture: DrawnPicture, key: str, files: PictureFiles, counts: _Counts) -> tuple[tuple[int, int], int, bool]:
    """Return the upright size, the orientation in which the boxes lie (1: as seen), and whether the size fits."""
    written = picture.size
    if not key:
        counts.absent.append(picture.name)
        if written is None:
            raise SourceError(
                f"{picture.where} says no size, and its picture {shown(picture.name)} is not below {files.root};"
                " put the pictures beside the labels (striate convert is told where they are: --pictures)"
            )
        return written, 1, True
    try:
        head = file_header(files.root / key)
    except PictureError:
        if written is None:
            raise
        counts.absent.append(key)
        return written, 1, True
    seen = (head.width, head.height)
    lying = seen[::-1] if head.orientation >= 5 else seen
    if head.orientation != 1 and picture.drawn:
        if written is None or seen == lying:
            counts.untold += 1
        elif written == lying:
            counts.turned += 1
            return seen, head.orientation, True
        elif written == seen:
            counts.upright += 1
    if written is not None and written not in (seen, lying):
        counts.resized[f"{written[0]} x {written[1]} written, {seen[0]} x {seen[1]} in {shown(key)}"] += 1
        return seen, 1, False
    return seen, 1, True


def _box(
    one: Drawn, scale: NDArray[np.float64], size: tuple[int, int], counts: _Counts
) -> tuple[NDArray[np.float64] | None, str]:
    """Return a box in pixels within the picture, or None and why it is none."""
    box = np.array(one.box, np.float64) * np.tile(scale, 2)
    if not np.isfinite(box).all() or not all(np.isfinite(np.array(ring)).all() for ring in one.rings):
        return None, "not a number"
    if (box[2:] < box[:2]).any():
        return None, "reversed"
    if (box[2:] == box[:2]).any():
        return None, "of zero size"
    inside = np.clip(box, 0, np.tile(np.array(size, np.float64), 2))
    if (inside[2:] <= inside[:2]).any():
        return None, "beside the picture"
    counts.clipped += bool(np.abs(inside - box).max() > _NOTED)
    return inside, ""


def _points(
    picture: DrawnPicture,
    scale: NDArray[np.float64],
    lying: tuple[int, int],
    orientation: int,
    index: dict[str, int],
    counts: _Counts,
) -> tuple[tuple[int, float, float], ...]:
    """Return the points of a picture in pixels, as it is seen; those beside it are dropped and counted."""
    found = []
    for label, *at in picture.points:
        place = np.array(at, np.float64) * scale
        if not (np.isfinite(place).all() and (place >= 0).all() and (place <= lying).all()):
            counts.beside += 1
            continue
        ((x, y),) = _turned(place[None], lying, orientation).tolist()
        found.append((index[label or OBJECT], x, y))
    counts.points += len(found)
    return tuple(found)


def _turned(points: Ring, lying: tuple[int, int], orientation: int) -> Ring:
    """Return (N, 2) points of a file's rows, ``lying`` wide and high, as the picture is seen under an orientation.

    The eight of EXIF 2.32, tag 0x0112.
    """
    x, y = points[:, 0], points[:, 1]
    if orientation in (2, 3, 7, 8):
        x = lying[0] - x
    if orientation in (3, 4, 6, 7):
        y = lying[1] - y
    return np.stack((y, x) if orientation >= 5 else (x, y), axis=1)


def _check(reading: Reading, counts: _Counts, kept: int, location: Path, *, allow_bad: bool) -> None:
    """Stop where more than 1 % of the objects, and at least five, cannot be used."""
    bad = reading.unusable.total()
    total = kept + bad
    if allow_bad or bad < 5 or bad * 100 <= total:
        return
    whys = "; ".join(f"{number:,} {why} (see {reading.first[why]})" for why, number in reading.unusable.most_common(3))
    sizes = f"; sizes differ: {next(iter(counts.resized))}" if counts.resized else ""
    raise SourceError(
        f"{bad:,} of {counted(total, 'object')} in {location} cannot be used ({100 * bad / total:.1f} %, more than 1"
        f" %): {whys}{sizes}. Repair or remove them, or allow it (--allow-bad)"
    )


def _notes(reading: Reading, counts: _Counts) -> list[str]:
    notes = [
        f"dropped, the picture kept: {counted(number, 'object')} {why} (see {reading.first[why]})"
        for why, number in reading.unusable.most_common()
    ]
    notes += [
        f"left out: {counted(number, what)}, which {plural(number, 'is')} neither box nor outline"
        for what, number in reading.left_out.most_common()
    ]
    if counts.points:
        notes.append(f"{counted(counts.points, 'point')}{NO_BOX}")
    if counts.beside:
        notes.append(f"dropped, the picture kept: {counted(counts.beside, 'point')} beside the picture")
    notes += [f"kept as a box: {counted(number, what)}" for what, number in reading.boxed.most_common()]
    if counts.clipped:
        notes.append(f"{counted(counts.clipped, 'object')} reached over the edge of the picture; clipped")
    if counts.copies:
        notes.append(f"{counted(counts.copies, 'object')} stood there twice, equal to the digit, and counted once")
    if counts.turned:
        notes.append(
            f"EXIF turns {counted(counts.turned, 'picture')} whose boxes were in the frame of the file, as the width"
            " and height beside them say; the boxes were turned with the pictures"
        )
    if counts.upright:
        notes.append(
            f"EXIF turns {counted(counts.upright, 'picture')}; the width and height beside the boxes say that they are"
            " for the picture as it is seen"
        )
    if counts.untold:
        notes.append(
            f"EXIF turns {counted(counts.untold, 'picture')} and nothing tells in which frame the boxes are; they were"
            " taken as the picture is seen"
        )
    if counts.broken:
        notes.append(
            f"left out: {counted(len(counts.broken), 'picture')} of which nothing tells the size (the first:"
            f" {shown(counts.broken[0][0])}: {counts.broken[0][1]})"
        )
    if counts.absent:
        notes.append(
            f"{counted(len(counts.absent), 'picture')} not there or not readable (the first: {shown(counts.absent[0])})"
            "; the size was taken as written"
        )
    return notes
