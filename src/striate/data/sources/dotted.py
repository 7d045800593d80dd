"""Pictures with dots: a table of points beside them, pictures of dots, or the middles of boxes.

Where counts stand beside dots (``counts.csv``) the dots win: they say the same and where. What both say is compared.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import in_order, shown
from striate.data.labels.dots import DotTable, dots_in, is_dot_table, read_dots
from striate.data.labels.marks import OBJECT, BoxMarks, DotMarks
from striate.data.labels.mask_files import find_pairs, folders_for
from striate.data.labels.picture_files import split_of
from striate.data.pictures.stored import stored_values
from striate.data.sources.items import FolderSource, Item, Rejected, file_header
from striate.data.sources.listed_files import ListedFiles
from striate.data.sources.lists import list_source
from striate.errors import PictureError, SourceError
from striate.words import counted, plural

DOTS: Final = "dots"
_NAMED: Final = ("dots", "points", "annotations", "labels", "centers", "centroids", "locations")  # before other names
Points = Sequence[tuple[float, float, str]]


@dataclass
class _Counts:
    """What was met on the way."""

    turned: int = 0
    copies: int = 0
    beside: int = 0
    first: str = ""  # the picture of the first dot beside its picture
    rejected: list[Rejected] = field(default_factory=list)


def dot_table_in(folder: Path) -> Path | None:
    """Return the table of dots that lies in a folder, or None. Example: ``dot_table_in(Path("pets"))`` is None."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith((".csv", ".tsv")))
    except OSError:
        return None
    found = [folder / name for name in names[:50] if is_dot_table(folder / name)]
    rank = {name: at for at, name in enumerate(_NAMED)}
    return min(found, key=lambda path: (rank.get(path.stem.lower(), len(rank)), path.name)) if found else None


def dot_table_source(
    table: Path,
    *,
    name: str,
    location: Path,
    kind: str | None = None,
    pictures: Path | None = None,
    allow_bad: bool = False,
) -> FolderSource:
    r"""Return the pictures that a table of dots names, with the dots of each; ``location`` is what a person named.

    ``pictures`` is the folder that its paths begin in, None: that of the table.

    A picture that the table does not name is left out, unless a list of counts beside it says that it has none.
    ``kind`` is what a person wants to learn, None where nobody has said.
    Errors: SourceError for a table that does not read, points that are shares, or too many beside their pictures.

    Example::

        Path("album/dots.csv").write_text("file,x,y\ncat_1.png,3,4\ncat_1.png,7,2\n")
        found = dot_table_source(Path("album/dots.csv"), name="album", location=Path("album"))
        found.items[0].said(("object",)) == "2 objects"
    """
    read = read_dots(table)
    if kind is None and all(len(points) < 2 for points in read.points.values()):
        raise SourceError(
            f"{table} holds points (columns x, y), one a picture: to count them say so (--task count); to learn where"
            " it is, two numbers, --task regress"
        )
    root = table.parent if pictures is None else pictures
    where = ListedFiles.of(root, list(read.points))
    counts = _Counts()
    drawn: dict[str, Points] = {}
    splits: dict[str, str | None] = {}
    for said, points in read.points.items():
        key, exists, why = where.find(said)
        if not exists:
            counts.rejected.append(Rejected(shown(key), f"{why} ({table.name})"))
        elif key in drawn:
            raise SourceError(
                f"{table}: {shown(key)} stands there under two names, of which {shown(said)} is one; keep one"
            )
        else:
            drawn[key], splits[key] = points, read.splits.get(said) or split_of(key) or None
    notes = [f"{table.name}: x and y are pixels, whose middles are meant (half a pixel further)"] if read.whole else []
    notes += _beside(table, drawn, splits, root)
    if not drawn:
        raise SourceError(
            f"{table}: none of its {counted(len(read.points), 'picture')} is there; paths are relative to"
            f" {root}" + (f": {counts.rejected[0].key}" if counts.rejected else "")
        )
    return _source(name, location, root, drawn, splits, counts, notes, read, allow_bad=allow_bad)


def _beside(table: Path, drawn: dict[str, Points], splits: dict[str, str | None], root: Path) -> list[str]:
    """Compare with a list of counts beside the dots, and take from it the pictures that have none."""
    path = next((table.parent / name for name in ("counts.csv", "count.csv") if (table.parent / name).is_file()), None)
    if path is None:
        return []
    try:
        counts = list_source(path, name="counts", kind="numbers", pictures=root)
    except SourceError as error:
        return [f"{path.name} is not used, and does not read: {error}"]
    numbers = {item.key: item.target[0] for item in counts.items if isinstance(item.target, tuple)}
    empty = [key for key, value in numbers.items() if value == 0 and key not in drawn]
    for key in empty:
        drawn[key], splits[key] = (), split_of(key) or None
    other = [key for key, value in numbers.items() if key in drawn and value != len(drawn[key])]
    told = "it says as many" if not other else (
        f"it says other numbers of {counted(len(other), 'picture')} (the first: {other[0]}, {numbers[other[0]]:g} and"
        f" {len(drawn[other[0]])} dots)"
    )  # fmt: skip
    more = f"; of {counted(len(empty), 'picture')} it says that there is none" if empty else ""
    return [
        f"{table.name} and {path.name} are there: the dots are learnt, and {told}{more}; name {path} for counts alone"
    ]


def _source(
    name: str,
    location: Path,
    root: Path,
    drawn: Mapping[str, Points],
    splits: Mapping[str, str | None],
    counts: _Counts,
    notes: Sequence[str],
    read: DotTable,
    *,
    allow_bad: bool,
) -> FolderSource:
    """Return the source of what a table says of pictures that are there."""
    names = in_order({label for points in drawn.values() for *_, label in points}) or (OBJECT,)
    sizes: dict[str, tuple[int, int]] = {}
    for key in drawn:
        try:
            head = file_header(root / key)
        except PictureError as error:
            counts.rejected.append(Rejected(key, str(error)))
            continue
        sizes[key] = (head.height, head.width)
        counts.turned += head.orientation != 1 and bool(drawn[key])
    every = [(key, x, y) for key in sizes for x, y, _ in drawn[key]]
    if len(every) > 1 and not read.whole and all(0 <= x <= 1 and 0 <= y <= 1 for _, x, y in every):
        raise SourceError(
            f"{read.path}: all of its {counted(len(every), 'point')} lie within 0 and 1, which are shares of width and"
            " height; write pixels (x times the width, y times the height)"
        )
    # A whole number that is the width itself can be no pixel, whose last is one less: these are edges.
    half = 0.5 if read.whole and all(x < sizes[key][1] and y < sizes[key][0] for key, x, y in every) else 0.0
    place = {label: at for at, label in enumerate(names)}
    items = []
    for key, (height, width) in sizes.items():
        marks: dict[tuple[float, float, int], None] = {}
        for x, y, label in drawn[key]:
            if not (0 <= x + half <= width and 0 <= y + half <= height):
                counts.beside += 1
                counts.first = counts.first or f"{key}: {x:g}, {y:g} in {width} x {height} pixels"
                continue
            counts.copies += (x, y, place[label]) in marks
            marks[x, y, place[label]] = None
        points = tuple((x + half, y + half) for x, y, _ in marks)
        items.append(Item(key, DotMarks((height, width), points, tuple(at for *_, at in marks)), splits[key]))
    kept = sum(len(item.target.points) for item in items if isinstance(item.target, DotMarks))
    if counts.beside >= 5 and counts.beside * 100 > kept + counts.beside and not allow_bad:
        raise SourceError(
            f"{counts.beside:,} of {counted(kept + counts.beside, 'dot')} in {read.path} lie beside their pictures"
            f" ({counts.first}), more than 1 %. Repair or remove them, or allow it (--allow-bad)"
        )
    if not half:
        notes = [note for note in notes if "half a pixel" not in note]
    return FolderSource(
        name,
        str(location),
        names,
        tuple(items),
        rejected=tuple(counts.rejected),
        notes=(found_dots(items, names, read.path.name), *notes, *_told(counts)),
        kind=DOTS,
        root=root,
    )


def found_dots(items: Sequence[Item], names: Sequence[str], what: str) -> str:
    """Return what was found in one line; ``what`` is where.

    Example: ``found_dots([], ("object",), "dots.csv")`` is ``"0 pictures with 0 dots (dots.csv)"``.
    """
    number = Counter(at for item in items if isinstance(item.target, DotMarks) for at in item.target.classes)
    empty = sum(isinstance(item.target, DotMarks) and not item.target.points for item in items)
    without = f", {empty:,} of them without any" if empty else ""
    several = f" of {counted(len(names), 'class')}" if len(names) > 1 or names[0] != OBJECT else ""
    return f"{counted(len(items), 'picture')} with {counted(number.total(), 'dot')}{several} ({what}){without}"


def _told(counts: _Counts) -> list[str]:
    notes = []
    if counts.beside:
        notes.append(f"dropped, the picture kept: {counted(counts.beside, 'dot')} beside the picture ({counts.first})")
    if counts.copies:
        notes.append(
            f"{counted(counts.copies, 'dot')} stood there twice and {plural(counts.copies, 'is')} counted once"
        )
    if counts.turned:
        notes.append(
            f"EXIF turns {counted(counts.turned, 'picture')}, and nothing tells in which frame the dots are; they were"
            " taken as the picture is seen"
        )
    return notes


def dot_picture_source(path: Path, *, name: str, dots: Path | None = None) -> FolderSource:
    """Return the pictures of a folder that have a picture of dots beside them; ``dots`` is the folder of those.

    Errors: SourceError where none of these is one. Example: ``dot_picture_source(Path("street"), name="street")``.
    """
    root, pairs = (path, None) if dots is None else folders_for(path, dots)
    found = find_pairs(root, pairs)
    if not found.pairs:
        raise SourceError(
            f"{shown(str(dots or path))} holds neither a table of dots (file,x,y) nor pictures of dots beside"
            " pictures of the same names"
        )
    rejected = [Rejected(key, "it has no picture of dots", bad=False) for key in found.pictures]
    read: list[tuple[str, str, tuple[int, int], list[tuple[float, float, int]]]] = []
    spots = 0
    for pair in found.pairs:
        try:
            stored = stored_values(files.read_bytes(root / pair.mask, limit=files.PICTURE))
            if stored.format == "JPEG":
                raise PictureError("is a JPEG, in which a dot is a blur; save dots as PNG")
            head = file_header(root / pair.picture)
            size = (head.height, head.width)
            if stored.values.shape != size:
                height, width = stored.values.shape
                raise PictureError(f"is {width} x {height} pixels, and the picture {size[1]} x {size[0]}")
            points, round_ones = dots_in(stored)
        except OSError as error:
            rejected.append(
                Rejected(pair.picture, f"its dots {shown(pair.mask)} cannot be read: {error.strerror or error}")
            )
            continue
        except PictureError as error:
            rejected.append(Rejected(pair.picture, f"its dots {shown(pair.mask)}: {error}"))
            continue
        spots += round_ones
        read.append((pair.picture, pair.split, size, points))
    if not read:
        first = f"; {rejected[0].key}: {rejected[0].reason}" if rejected else ""
        raise SourceError(f"{shown(str(path))} holds no picture of dots that fits its picture{first}")
    values = sorted({value for *_, dots in read for *_, value in dots})
    names = tuple(map(str, values)) if len(values) > 1 else (OBJECT,)
    items = tuple(
        Item(
            key,
            DotMarks(size, tuple((x, y) for x, y, _ in dots), tuple(values.index(value) for *_, value in dots)),
            split or None,
        )
        for key, split, size, dots in read
    )
    notes = [found_dots(items, names, "pictures of dots")]
    if len(values) > 1:
        notes.append(f"dots of {len(values)} values, each taken for a class: {', '.join(names[:6])}")
    if spots:
        notes.append(
            f"{counted(spots, 'picture')} of dots {plural(spots, 'is')} of spots: the middle of each is its dot"
        )
    return FolderSource(
        name, str(path), names, items, rejected=tuple(rejected), notes=tuple(notes), kind=DOTS, root=root
    )


def middles(source: FolderSource) -> FolderSource:
    """Return a source of boxes as one of dots, the middle of each box; boxes to be ignored are none.

    Example: ``middles(box_source(Path("scene"), name="scene")).kind`` is ``"dots"``.
    """
    items = []
    partly = 0
    for item in source.items:
        marks = item.target
        assert isinstance(marks, BoxMarks)
        if marks.labelled is not None:  # of the classes that were not looked for nothing is known, not even none
            items.append(replace(item, target=None))
            partly += 1
            continue
        kept = [at for at in range(len(marks.boxes)) if at not in marks.ignored]
        boxes = [marks.boxes[at] for at in kept]
        points = tuple(((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes)
        items.append(replace(item, target=DotMarks(marks.size, points, tuple(marks.classes[at] for at in kept))))
    notes = ["the middles of the boxes are the dots"]
    if partly:
        notes.append(
            f"{counted(partly, 'picture')} in which not all classes were looked for {plural(partly, 'is')} left out"
        )
    return replace(source, items=tuple(items), kind=DOTS, notes=(*source.notes, *notes))
