"""Pictures that labels of objects speak of: which are there, and what else lies among them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate.data.labels.classes import shown
from striate.data.labels.object_formats import find_with_pictures
from striate.data.labels.objects import ObjectSet, PictureObjects
from striate.data.sources.items import Rejected
from striate.data.sources.listing import SUFFIXES, Scan, refusal, suffix_of
from striate.errors import SourceError
from striate.words import counted, plural

_LABELS: Final = frozenset(("xml", "json", "txt", "yaml", "yml", "names", "labels", "data", "csv"))  # files of labels


@dataclass(frozen=True)
class Spoken:
    """Objects of a set and its pictures.

    Arguments:
        objects: what the labels say.
        root: the folder below which the pictures are.
        there: the entries of the pictures that are there.
        rejected: pictures that are not there or that no label speaks of, and what is no picture.
        passed_over: files that nobody meant as pictures.
        notes: what to say of all that, and of how the labels were read.
    """

    objects: ObjectSet
    root: Path
    there: tuple[PictureObjects, ...]
    rejected: tuple[Rejected, ...]
    passed_over: tuple[str, ...]
    notes: tuple[str, ...]


def spoken_of(path: Path, *, form: str | None = None, pictures: Path | None = None, allow_bad: bool = False) -> Spoken:
    """Return the objects of a folder or file of labels, and which of its pictures are there.

    ``form`` is a name of `FORMATS`, None: found by looking. ``pictures`` is the folder below which the pictures are,
    None: that of the labels. Errors: SourceError for labels that cannot be used, and where no picture is there.

    Example: ``spoken_of(Path("scene")).there[0].key`` is ``"1.jpg"``.
    """
    objects, files = find_with_pictures(path, form=form, pictures=pictures, allow_bad=allow_bad)
    there = tuple(picture for picture in objects.pictures if picture.found)
    if not there:
        raise SourceError(
            f"{shown(str(path))} holds labels of {counted(len(objects.pictures), 'picture')} ({objects.form}), and none"
            f" of them is below {shown(str(files.root))}: {shown(objects.pictures[0].key)}; name the folder of the"
            " pictures, and these labels with --labels"
        )
    gone = [
        Rejected(shown(one.key), "labels speak of it, and it is not there") for one in objects.pictures if not one.found
    ]
    gone += [Rejected(shown(key), why) for key, why in objects.broken]
    named = {*(picture.key for picture in objects.pictures), *(key for key, _ in objects.broken)}
    unspoken = [Rejected(shown(key), "no label speaks of it", bad=False) for key in files.every if key not in named]
    scan = Scan(files.root)
    for key, entry in scan.walk(files.root, "", (os.path.realpath(files.root),)):
        if suffix_of(entry.name) not in {*SUFFIXES, *_LABELS} and (why := refusal(key, entry)):
            scan.rejected.append(why)
    rejected = (*gone, *unspoken, *scan.rejected)
    number = len(unspoken)
    silent = (
        (
            f"{counted(number, 'picture')} {plural(number, 'is')} left out, of which no label speaks (the first:"
            f" {unspoken[0].key})",
        )
        if unspoken
        else ()
    )
    return Spoken(objects, files.root, there, rejected, scan.passed_over(), (*silent, *objects.notes))
