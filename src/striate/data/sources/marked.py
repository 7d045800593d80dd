"""Pictures in which objects are marked: boxes in any format of annotation tools that `data/labels` reads.

Whoever reads the labels reads the names of pictures and their headers, never pixels, and writes nothing.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from striate.data.labels.classes import shown
from striate.data.labels.layouts import Layout
from striate.data.labels.marks import BoxMarks
from striate.data.labels.object_formats import FORMATS, find_with_pictures
from striate.data.labels.objects import ObjectSet
from striate.data.labels.picture_files import PictureFiles
from striate.data.sources.items import FolderSource, Item, Rejected
from striate.data.sources.listing import SUFFIXES, Scan, refusal, suffix_of
from striate.errors import SourceError
from striate.words import counted, plural

BOXES: Final = "boxes"
_LABELS: Final = frozenset(("xml", "json", "txt", "yaml", "yml", "names", "labels", "data", "csv"))  # files of labels


def marked_source(
    path: Path, layout: Layout, *, name: str, kind: str | None = None, allow_bad: bool = False
) -> FolderSource:
    """Return the pictures of a folder or file of labels that was recognised, with what is marked in them.

    ``kind`` is what a person wants to learn of it, None: what is there. ``allow_bad`` lets more than 1 % of the objects
    be unusable.
    Errors: SourceError for labels that cannot be used, and for a kind that they are none of.
    """
    if kind in (None, BOXES) and any(form.title == layout.form and form.read for form in FORMATS.values()):
        return box_source(path, name=name, allow_bad=allow_bad)
    raise SourceError(layout.refusal(path, kind=kind))


def box_source(path: Path, *, name: str, form: str | None = None, allow_bad: bool = False) -> FolderSource:
    """Return the pictures that labels of objects speak of, with the boxes of each; one without an object teaches too.

    ``form`` is a name of `FORMATS`, None: found by looking. A picture that is not there is rejected, one that no label
    speaks of is left out, and classes without an object are no names of the source: a note says so.
    Errors: SourceError for labels that cannot be used, of no class, or whose pictures are all elsewhere.

    Example: ``box_source(Path("scene"), name="scene").items[0].said(("cat",))`` is ``"1 cat"``.
    """
    objects, files = find_with_pictures(path, form=form, allow_bad=allow_bad)
    there = [picture for picture in objects.pictures if picture.found]
    if not there:
        raise SourceError(
            f"{shown(str(path))} holds labels of {counted(len(objects.pictures), 'picture')} ({objects.form}), and none"
            f" of them is below {shown(str(files.root))}: {shown(objects.pictures[0].key)}; put the pictures beside the"
            " labels"
        )
    if not any(map(len, there)):
        raise SourceError(
            f"{shown(str(path))} holds labels of {counted(len(there), 'picture')} ({objects.form}) and no object in any"
            " of them"
        )
    counts = replace(objects, pictures=tuple(there)).counts()
    used = [place for place, label in enumerate(objects.classes) if counts[label]]
    places = [used.index(place) if place in used else -1 for place in range(len(objects.classes))]
    items = tuple(
        Item(picture.key, BoxMarks.of(picture).renumbered(places, len(used)), picture.split or None)
        for picture in there
    )
    unused = tuple(label for label in objects.classes if not counts[label])
    others, silent = _others(files, {picture.key for picture in objects.pictures})
    return FolderSource(
        name,
        str(path),
        tuple(objects.classes[place] for place in used),
        items,
        rejected=(*(_gone(picture.key) for picture in objects.pictures if not picture.found), *others),
        notes=(_found(objects, len(there)), *_unused(unused), *_silent(others), *objects.notes),
        kind=BOXES,
        label_facts={"unused": list(unused)},  # classes that the labels list: they were looked for
        passed_over=silent,
        root=files.root,
    )


def _gone(key: str) -> Rejected:
    return Rejected(shown(key), "labels speak of it, and it is not there")


def _found(objects: ObjectSet, pictures: int) -> str:
    there = [picture for picture in objects.pictures if picture.found]
    number = sum(map(len, there))
    classes = len({int(index) for picture in there for index in picture.classes})
    empty = sum(not len(picture) for picture in there)
    without = f", {empty:,} of them without any" if empty else ""
    return (
        f"{counted(pictures, 'picture')} with {counted(number, 'box')} of {counted(classes, 'class')}"
        f" ({objects.form}){without}"
    )


def _unused(unused: tuple[str, ...]) -> tuple[str, ...]:
    if not unused:
        return ()
    some = ", ".join(unused[:5]) + (", ..." if len(unused) > 5 else "")
    return (f"no object is of the {plural(len(unused), 'class')} {some}: left out",)


_UNSPOKEN: Final = "no label speaks of it"


def _silent(others: tuple[Rejected, ...]) -> tuple[str, ...]:
    """Return what to say of pictures that no label speaks of."""
    keys = [one.key for one in others if one.reason == _UNSPOKEN]
    if not keys:
        return ()
    number = len(keys)
    return (
        f"{counted(number, 'picture')} {plural(number, 'is')} left out, of which no label speaks (the first:"
        f" {keys[0]})",
    )


def _others(files: PictureFiles, spoken: set[str]) -> tuple[tuple[Rejected, ...], tuple[str, ...]]:
    """Return what lies among the pictures and is none to learn from, and what is passed over and counted alone."""
    scan = Scan(files.root)
    for key, entry in scan.walk(files.root, "", (os.path.realpath(files.root),)):
        if suffix_of(entry.name) not in {*SUFFIXES, *_LABELS} and (rejected := refusal(key, entry)):
            scan.rejected.append(rejected)
    unspoken = tuple(Rejected(shown(key), _UNSPOKEN, bad=False) for key in files.every if key not in spoken)
    return (*unspoken, *scan.rejected), scan.passed_over()
