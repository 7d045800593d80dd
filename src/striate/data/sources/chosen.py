"""Which labels of a place are meant, where a person says so: those of a format, or a file or folder by its path.

A folder may hold labels of several tools, or labels may lie elsewhere than their pictures. Unsaid, they are found by
looking (`striate.data.sources.source`).
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final

from striate.data.labels.box_csv import is_box_table
from striate.data.labels.classes import shown
from striate.data.labels.dots import is_dot_table
from striate.data.labels.layouts import Layout, form_of, layouts, masked, recognised
from striate.data.labels.mask_files import DOT_FOLDERS
from striate.data.labels.object_formats import FORMATS, READ
from striate.data.sources.dotted import DOTS, dot_picture_source, dot_table_in, dot_table_source
from striate.data.sources.folders import folder_source
from striate.data.sources.items import FolderSource
from striate.data.sources.linked import with_tags
from striate.data.sources.listing import SUFFIXES, suffix_of
from striate.data.sources.lists import list_source
from striate.data.sources.marked import BOXES, box_source, object_dots
from striate.data.sources.masked import MASKS, mask_source
from striate.data.sources.outlined import outline_source
from striate.errors import SourceError

FOLDERS: Final = "folders"  # a class a folder
WORDS: Final = (*READ, DOTS, FOLDERS)
_LISTS: Final = (".csv", ".tsv", ".txt")


def chosen(word: str, place: Path) -> str | Path:
    """Return which labels of a place ``word`` says: a name of `WORDS`, or the path of a file or folder.

    A path begins in the working directory, or in ``place``. Errors: SourceError for a word that is neither, and for one
    that is there in both.

    Example: ``chosen("coco", Path("pets"))`` is ``"coco"``, ``chosen("cats", Path("pets")).name`` is ``"cats"``.
    """
    if word in WORDS:
        return word
    here = [Path(os.path.abspath(Path(word).expanduser()))]  # noqa: PTH100  (links stay as they were written)
    if place.is_dir():
        here.append(Path(os.path.abspath(place / word)))  # noqa: PTH100
    there = list(dict.fromkeys(path for path in here if os.path.lexists(path)))
    if len(there) > 1:
        raise SourceError(f"labels {word!r} may be {' or '.join(shown(str(path)) for path in there)}; say all of it")
    if not there:
        near = difflib.get_close_matches(word.lower(), WORDS, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise SourceError(
            f"labels {shown(word)!r} are neither a format ({', '.join(WORDS)}){meant} nor a file or folder, here or in"
            f" {shown(str(place))}"
        )
    return there[0]


def lasting(word: str, place: Path) -> str:
    """Return which labels are meant in a word that says the same from any working directory.

    Example: ``lasting("coco", Path("pets"))`` is ``"coco"``.
    """
    return str(chosen(word, place))


def chosen_source(
    path: Path, word: str, *, name: str, kind: str | None, allow_bad: bool = False, least_classes: int = 2
) -> FolderSource:
    """Return the pictures of a folder (or file of labels) with the labels that a person chose.

    ``word`` is as of `chosen`, ``kind`` what is to be learnt, None: what these labels are.
    Errors: SourceError for labels that are not there, cannot be used, or are of another kind.

    Example: ``chosen_source(Path("pets"), "folders", name="pets", kind=None).label_names`` is ``("cats", "dogs")``.
    """
    said = chosen(word, path)
    if isinstance(said, Path):
        if not path.is_dir():
            raise SourceError(
                f"{shown(str(path))} is a file; with labels {word!r} name the folder of the pictures that they are of"
            )
        return _at(path, said, name=name, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
    if said == FOLDERS:
        _check_kind(path, kind, "a class a folder", "classes", "tags")
        return with_tags(folder_source(path, name=name), kind=kind)
    if said == DOTS:
        _check_kind(path, kind, "dots", DOTS)
        table = dot_table_in(path) if path.is_dir() else path if is_dot_table(path) else None
        if table is None:
            return dot_picture_source(path, name=name)
        return dot_table_source(table, name=name, location=path, kind=DOTS, allow_bad=allow_bad)
    if said == MASKS:
        _check_kind(path, kind, "masks", MASKS)
        return mask_source(path, name=name, least_classes=least_classes)
    return _objects(path, None, said, name=name, kind=kind, allow_bad=allow_bad)


def others(path: Path, layout: Layout, found: str, *, kind: str | None = None) -> tuple[str, ...]:
    """Return in a sentence what else than the labels that were taken lies in a folder, and how to choose it.

    ``layout`` is what the folder was recognised as, ``found`` the kind of labels that were taken of it, and ``kind``
    the kind that was asked for: what is of no use for that is not named.
    Example: ``others(Path("VOC2012"), Layout("boxes", "Pascal VOC", "Annotations/1.xml"), "boxes")`` is ``()``.
    """
    beside = masked(path)
    taken = beside if beside is not None and beside.what == found else layout
    useless = {BOXES: (MASKS, DOTS), MASKS: (DOTS, BOXES)}.get(kind or "", ())
    more = [one for one in layouts(path) if one.form != taken.form and one.what not in useless and _word(one)]
    if path.is_dir() and DOTS not in (found, *useless) and (table := dot_table_in(path)):
        more.append(Layout(DOTS, "a table of dots", table.name))
    if not more:
        return ()
    there = ", ".join(f"{one.form} with --labels {_word(one)} ({one.shown_by})" for one in more)
    return (f"{taken.form} is taken ({taken.shown_by}); other labels are there too: {there}",)


def _word(layout: Layout) -> str:
    """Return the word that chooses a layout; "" where it is none that is read."""
    if layout.what == DOTS:
        return DOTS
    return next((word for word in READ if FORMATS[word].title == layout.form), "")


def _at(path: Path, labels: Path, *, name: str, kind: str | None, allow_bad: bool, least_classes: int) -> FolderSource:
    """Return the pictures of a folder with the labels of a file or folder that was named."""
    if labels.is_dir():
        if (table := dot_table_in(labels)) and kind in (None, DOTS) and not recognised(labels):
            return dot_table_source(table, name=name, location=path, kind=DOTS, pictures=path, allow_bad=allow_bad)
        found = recognised(labels)
        if found is not None and found.what not in (MASKS, DOTS):
            return _objects(path, labels, None, name=name, kind=kind, allow_bad=allow_bad)
        if any(suffix_of(one.name) in SUFFIXES for one in labels.rglob("*")):
            if kind == DOTS or (kind is None and labels.name.lower() in DOT_FOLDERS):
                return dot_picture_source(path, name=name, dots=labels)
            _check_kind(labels, kind, "masks", MASKS)
            return mask_source(path, name=name, masks=labels, least_classes=least_classes)
        raise SourceError(f"{shown(str(labels))} holds no labels that are known, neither files of them nor masks")
    if not labels.is_file():
        raise SourceError(f"{shown(str(labels))} is neither a file nor a folder")
    if kind in (None, DOTS) and is_dot_table(labels):
        return dot_table_source(labels, name=name, location=path, kind=kind, pictures=path, allow_bad=allow_bad)
    if form_of(labels) and not (is_box_table(labels) and kind not in (None, BOXES, DOTS)):
        return _objects(path, labels, None, name=name, kind=kind, allow_bad=allow_bad)
    if labels.name.lower().endswith(_LISTS):
        return list_source(labels, name=name, kind="numbers" if kind == DOTS else kind, pictures=path)
    raise SourceError(
        f"{shown(str(labels))} is no file of labels that is known; wanted a list (.csv, .tsv, .txt) or what an"
        f" annotation tool writes ({', '.join(READ)})"
    )


def _objects(
    path: Path, labels: Path | None, form: str | None, *, name: str, kind: str | None, allow_bad: bool
) -> FolderSource:
    """Return pictures with the objects that labels say, as boxes, as dots or as masks of their outlines."""
    _check_kind(labels or path, kind, "objects", BOXES, MASKS, DOTS)
    if kind == DOTS:
        return object_dots(path, name=name, form=form, labels=labels, allow_bad=allow_bad)
    if kind == MASKS:
        return outline_source(path, name=name, form=form, labels=labels, allow_bad=allow_bad)
    return box_source(path, name=name, form=form, labels=labels, allow_bad=allow_bad)


def _check_kind(where: Path, kind: str | None, what: str, *kinds: str) -> None:
    """Refuse labels that are none of the kind that is to be learnt."""
    if kind is not None and kind not in kinds:
        raise SourceError(
            f"{shown(str(where))} was chosen for its {what}, and to learn {kind} was asked; leave one out"
        )
