"""Pictures in which objects are marked: boxes in any format of annotation tools that `data/labels` reads.

Whoever reads the labels reads the names of pictures and their headers, never pixels, and writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from striate.data.labels.classes import shown
from striate.data.labels.layouts import Layout, masked
from striate.data.labels.marks import BoxMarks, DotMarks
from striate.data.labels.object_formats import FORMATS
from striate.data.labels.settle import NO_BOX
from striate.data.sources.dotted import DOTS, dot_picture_source, found_dots, middles
from striate.data.sources.items import FolderSource, Item
from striate.data.sources.masked import MASKS, mask_source
from striate.data.sources.outlined import outline_source
from striate.data.sources.spoken import Spoken, spoken_of
from striate.errors import SourceError
from striate.words import counted, plural

BOXES: Final = "boxes"


def marked_source(
    path: Path,
    layout: Layout,
    *,
    name: str,
    kind: str | None = None,
    allow_bad: bool = False,
    least_classes: int = 2,
) -> FolderSource:
    """Return the pictures of a folder or file of labels that was recognised, with what is marked in them.

    ``kind`` is what a person wants to learn of it, None: what is there, boxes before masks and dots.
    ``allow_bad`` lets more than 1 % of the objects be unusable, ``least_classes`` is how many masks must show.
    Errors: SourceError for labels that cannot be used, and for a kind that they are none of.
    """
    beside = masked(path)
    objects = layout.what not in (MASKS, DOTS) and any(
        form.title == layout.form and form.read for form in FORMATS.values()
    )
    if kind in (None, BOXES) and objects:
        return box_source(path, name=name, allow_bad=allow_bad)
    if kind in (None, MASKS) and beside and beside.what == MASKS:
        return mask_source(path, name=name, least_classes=least_classes)
    if kind in (None, DOTS) and beside and (beside.what == DOTS or not objects):
        return dot_picture_source(path, name=name)
    if kind == DOTS and objects:
        return object_dots(path, name=name, allow_bad=allow_bad)
    if kind == MASKS and objects:
        return outline_source(path, name=name, allow_bad=allow_bad)
    raise SourceError(layout.refusal(path, kind=kind))


def box_source(
    path: Path, *, name: str, form: str | None = None, labels: Path | None = None, allow_bad: bool = False
) -> FolderSource:
    """Return the pictures that labels of objects speak of, with the boxes of each; one without an object teaches too.

    ``form`` is a name of `FORMATS`, None: found by looking. ``labels`` are those of the pictures of ``path``, where
    they are not all that lies there. A picture that is not there is rejected, one that no label
    speaks of is left out, and classes without an object are no names of the source: a note says so.
    Errors: SourceError for labels that cannot be used, of no class, or whose pictures are all elsewhere.

    Example: ``box_source(Path("scene"), name="scene").items[0].said(("cat",))`` is ``"1 cat"``.
    """
    pictures = path if labels else None
    return _boxes(spoken_of(labels or path, form=form, pictures=pictures, allow_bad=allow_bad), path, name)


def object_dots(
    path: Path, *, name: str, form: str | None = None, labels: Path | None = None, allow_bad: bool = False
) -> FolderSource:
    """Return the pictures that labels of objects speak of with a dot an object: the points, else the middles of boxes.

    Errors: as of `box_source`.

    Example: ``object_dots(Path("scene"), name="scene").items[0].target.points`` is ``((15.5, 21.0),)``.
    """
    spoken = spoken_of(labels or path, form=form, pictures=path if labels else None, allow_bad=allow_bad)
    if not any(picture.points for picture in spoken.there):
        return middles(_boxes(spoken, path, name))
    used = sorted({at for picture in spoken.there for at, *_ in picture.points})
    items = []
    for picture in spoken.there:
        places = tuple(used.index(at) for at, *_ in picture.points)
        marks = DotMarks((picture.height, picture.width), tuple((x, y) for _, x, y in picture.points), places)
        items.append(Item(picture.key, None if picture.labelled is not None else marks, picture.split or None))
    names = tuple(spoken.objects.classes[at] for at in used)
    boxes = sum(map(len, spoken.there))
    notes = [found_dots(items, names, spoken.objects.form)]
    if boxes:
        notes.append(
            f"{counted(boxes, 'object')} known by a box or outline {plural(boxes, 'is')} no dot, beside points"
        )
    return FolderSource(
        name,
        str(path),
        names,
        tuple(items),
        rejected=spoken.rejected,
        notes=(*notes, *(note for note in spoken.notes if not note.endswith(NO_BOX))),
        kind=DOTS,
        passed_over=spoken.passed_over,
        root=spoken.root,
    )


def _boxes(spoken: Spoken, path: Path, name: str) -> FolderSource:
    """Return the source of boxes of what labels say."""
    objects, there = spoken.objects, spoken.there
    if not any(map(len, there)):
        number = sum(len(picture.points) for picture in there)
        points = f"; to count its {counted(number, 'point')} say --task count" if number else ""
        raise SourceError(
            f"{shown(str(path))} holds labels of {counted(len(there), 'picture')} ({objects.form}) and no object in any"
            f" of them{points}"
        )
    counts = replace(objects, pictures=there).counts()
    used = [place for place, label in enumerate(objects.classes) if counts[label]]
    places = [used.index(place) if place in used else -1 for place in range(len(objects.classes))]
    items = tuple(
        Item(picture.key, BoxMarks.of(picture).renumbered(places, len(used)), picture.split or None)
        for picture in there
    )
    unused = tuple(label for label in objects.classes if not counts[label])
    looked = [  # classes that the labels list, that were looked for everywhere, and of which nothing is there
        label
        for place, label in enumerate(objects.classes)
        if label in unused and all(picture.labelled is None or place in picture.labelled for picture in there)
    ]
    return FolderSource(
        name,
        str(path),
        tuple(objects.classes[place] for place in used),
        items,
        rejected=spoken.rejected,
        notes=(_found(spoken), *_unused(unused), *_apart(spoken), *spoken.notes),
        kind=BOXES,
        label_facts={"unused": looked},
        passed_over=spoken.passed_over,
        root=spoken.root,
    )


def _found(spoken: Spoken) -> str:
    there = spoken.there
    number = sum(map(len, there))
    classes = len({int(index) for picture in there for index in picture.classes})
    empty = sum(not len(picture) for picture in there)
    without = f", {empty:,} of them without any" if empty else ""
    return (
        f"{counted(len(there), 'picture')} with {counted(number, 'box')} of {counted(classes, 'class')}"
        f" ({spoken.objects.form}){without}"
    )


def _apart(spoken: Spoken) -> tuple[str, ...]:
    """Return what takes no part: objects to be ignored, and classes where nobody looked for them."""
    ignored = sum(int(picture.ignored.sum()) for picture in spoken.there)
    limited = sum(picture.labelled is not None for picture in spoken.there)
    notes = []
    if ignored:
        whom = "it" if ignored == 1 else "one"
        notes.append(
            f"{counted(ignored, 'box')} {plural(ignored, 'is')} to be ignored (crowd, difficult): whoever finds {whom}"
            " is neither right nor wrong"
        )
    if limited:
        notes.append(
            f"in {counted(limited, 'picture')} not all classes were looked for: of the others nothing is taught nor"
            " measured there"
        )
    return tuple(notes)


def _unused(unused: tuple[str, ...]) -> tuple[str, ...]:
    if not unused:
        return ()
    some = ", ".join(unused[:5]) + (", ..." if len(unused) > 5 else "")
    return (f"no object is of the {plural(len(unused), 'class')} {some}: left out",)
