"""Find pictures and targets: ``find`` turns a place or a name into a Source. No torch.

What a source is stands in items.py; each kind of place has a file of its own (folders, lists, idx, cifar, npz, named).
Finding reads names and headers, never decodes, and never writes.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import check_source, is_text, shown
from striate.data.pictures.image import looks_like_picture
from striate.data.sources.items import TASK, ArraySource, Facts, FolderSource, Item, Rejected, Source, check_rejected
from striate.errors import DataError, SourceError
from striate.words import counted

__all__ = ["ArraySource", "Facts", "FolderSource", "Item", "Rejected", "Source", "check_rejected", "find"]

_NAMES: Final = ("digits", "mnist", "fashion-mnist", "cifar10")
_ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar", ".tar.xz", ".tar.bz2")


def find(
    location: str | Path,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
    least_classes: int = 2,
    label_from: str | None = None,
    labels: str | None = None,
    kind: str | None = None,
    allow_bad: bool = False,
) -> Source:
    """Return the pictures and targets of a place, or of a data set by name.

    ``location``: a folder of class folders (with or without train/ val/ test/), a CSV, TSV or text list, a folder or
    file of boxes in one of the formats that `striate.data.labels.object_formats` reads, masks or dots beside pictures,
    IDX files or their folder, CIFAR's binary files or their folder, an .npz file; or ``digits``, ``mnist``,
    ``fashion-mnist``, ``cifar10``, also as "mnist@FOLDER". What is there as a file or folder goes before a data set
    of the same name.
    ``data_dir`` (or STRIATE_DATA) is where the files of data sets are; ``progress(file, bytes done, bytes in all)``.
    ``least_classes``: how many classes there must be; 1 is enough for measuring. ``label_from`` is a pattern that takes
    the labels out of the names of files (label_from.py). ``labels`` says which labels of the folder are meant: those of
    a format, or a file or folder (chosen.py). ``kind`` is what the labels are, whatever they look like; without it that
    is guessed, and a note says so. ``allow_bad``: more than 1 % of marked objects may be unusable.

    Errors: SourceError, or DownloadError for a data set that is not to be had; one line, with the remedy.
    Example: ``find("pets").label_names`` is ``("cats", "dogs")``.
    """
    text = os.fspath(location)
    if not text.strip():
        raise SourceError(f"no pictures named; give a folder, a list, or one of {', '.join(_NAMES)}")
    path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  (links stay as they were written)
    name, _, folder = text.partition("@")
    if os.path.lexists(path):
        if not is_text(str(path)):
            raise SourceError(f"the name of {shown(str(path))} is not UTF-8; rename it")
        try:
            source = _at(path, label_from, labels, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
            check_source(source, least_classes=least_classes)
        except DataError as error:
            if text in _NAMES:
                raise SourceError(f"{error} (the data set {text!r} is hidden by what is called so here)") from None
            raise
        return source
    if name in _NAMES:
        for option, said in (("--label-from", label_from), ("--labels", labels)):
            if said is not None:
                raise SourceError(f"{option} is for a folder of pictures, and {name} has its labels")
        from striate.data.sources.named import named_source

        where = Path(os.path.abspath(folder)) if folder else None  # noqa: PTH100
        source = named_source(name, data_dir=data_dir, download=download, progress=progress, folder=where)
        check_source(source, least_classes=least_classes)
        return source
    raise SourceError(files.not_a_url(text) or _not_there(path, text))


def _at(
    path: Path,
    label_from: str | None,
    labels: str | None,
    *,
    kind: str | None,
    allow_bad: bool,
    least_classes: int,
) -> Source:
    name = shown(path.resolve().name) or "pictures"
    try:
        if labels is not None and path.exists():
            from striate.data.sources.chosen import chosen_source

            if label_from is not None:
                raise SourceError("--labels and --label-from both say where the labels are; leave out one")
            named = name if path.is_dir() else shown(path.name.partition(".")[0]) or name
            return chosen_source(path, labels, name=named, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
        if path.is_dir():
            return _folder(path, name, label_from, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
        if not path.is_file():
            if not path.exists():
                raise SourceError(f"{shown(str(path))} is a link to nothing")
            raise SourceError(f"{shown(str(path))} is neither a file nor a folder")
        if label_from is not None:
            raise SourceError(f"--label-from is for a folder of pictures, and {shown(str(path))} is a file")
        return _file(
            path,
            shown(path.name.partition(".")[0]) or name,
            kind=kind,
            allow_bad=allow_bad,
            least_classes=least_classes,
        )
    except OSError as error:
        raise SourceError(f"{shown(str(path))} cannot be read: {error.strerror or error}") from None


def _folder(
    path: Path, name: str, label_from: str | None, *, kind: str | None, allow_bad: bool, least_classes: int
) -> Source:
    from striate.data.labels.label_from import label_source
    from striate.data.labels.layouts import class_folders, recognised
    from striate.data.labels.numbers import NUMBERS
    from striate.data.sources.chosen import others
    from striate.data.sources.cifar import batches_in, cifar_source
    from striate.data.sources.dotted import DOTS, dot_table_in, dot_table_source
    from striate.data.sources.folders import folder_source
    from striate.data.sources.idx import idx_source, images_in
    from striate.data.sources.linked import with_tags
    from striate.data.sources.marked import BOXES, marked_source
    from striate.data.sources.masked import MASKS

    if label_from is not None:
        return label_source(path, label_from, name=name)
    if images := images_in(path):
        return idx_source(images, name=name, location=str(path))
    if batches := batches_in(path):
        return cifar_source(batches, name=name, location=str(path))
    dots = kind == DOTS or (kind is None and not class_folders(path))
    table = dot_table_in(path) if dots else None
    layout = recognised(path, classes=kind not in (BOXES, MASKS, DOTS))
    if table is not None and (kind == DOTS or layout is None):
        return dot_table_source(table, name=name, location=path, kind=kind, allow_bad=allow_bad)
    if layout is not None:
        found = marked_source(path, layout, name=name, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
        return replace(found, notes=(*found.notes[:1], *others(path, layout, found.kind, kind=kind), *found.notes[1:]))
    if (dots or kind == NUMBERS) and (path / "counts.csv").is_file():
        listed = _file(path / "counts.csv", name, kind=NUMBERS, allow_bad=allow_bad, least_classes=least_classes)
        if kind == NUMBERS:
            return listed
        told = f"counts alone of {counted(len(listed.items), 'picture')} (counts.csv): task count"
        if kind is None:
            told += "; --task regress learns them as any numbers"
        return replace(listed, notes=(told, *listed.notes), label_facts={**listed.label_facts, TASK: "count"})
    return with_tags(folder_source(path, name=name), kind=kind)


def _file(path: Path, name: str, *, kind: str | None, allow_bad: bool, least_classes: int) -> Source:
    lower = path.name.lower()
    with files.open_file(path, limit=files.MODEL) as file:
        start = file.read(16)
    if lower.endswith(".npz"):
        from striate.data.sources.npz import npz_source

        return npz_source(path, name=name, kind=kind)
    if lower.endswith((".csv", ".tsv", ".txt")):
        from striate.data.labels.box_csv import is_box_table
        from striate.data.labels.dots import is_dot_table
        from striate.data.labels.layouts import recognised
        from striate.data.sources.dotted import DOTS, dot_table_source
        from striate.data.sources.lists import list_source
        from striate.data.sources.marked import marked_source

        if kind in (None, DOTS) and is_dot_table(path):
            return dot_table_source(path, name=name, location=path, kind=kind, allow_bad=allow_bad)
        if kind in (None, "boxes", DOTS) and is_box_table(path) and (layout := recognised(path)):
            return marked_source(path, layout, name=name, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
        return list_source(path, name=name, kind="numbers" if kind == DOTS else kind)  # counts alone
    if lower.endswith((".json", ".xml", ".yaml", ".yml")):
        from striate.data.labels.layouts import recognised
        from striate.data.sources.marked import marked_source

        if layout := recognised(path):
            return marked_source(path, layout, name=name, kind=kind, allow_bad=allow_bad, least_classes=least_classes)
    if lower.endswith(".bin"):
        from striate.data.sources.cifar import cifar_source

        return cifar_source([path], name=name, location=str(path))
    from striate.data.sources.idx import idx_source, is_idx

    if is_idx(path):
        return idx_source([path], name=name, location=str(path))
    if looks_like_picture(start):
        raise SourceError(f"{path} is one picture; to learn takes a folder of class folders with many")
    if lower.endswith(_ARCHIVES):
        raise SourceError(f"{path} is an archive; unpack it and name the folder")
    raise SourceError(
        f"{path} is a file that is not known; wanted a folder of class folders, a list (.csv, .tsv, .txt), labels"
        " of boxes, .npz, CIFAR's .bin or IDX"
    )


def _not_there(path: Path, text: str) -> str:
    """Say what is not there, up to where the path still is, and what is called nearly so."""
    gone = path
    while gone.parent != gone and not os.path.lexists(gone.parent):
        gone = gone.parent
    try:
        beside = sorted(entry.name for entry in gone.parent.iterdir())
    except OSError:
        beside = []
    names = [*beside, *(_NAMES if os.sep not in text else ())]
    lower = {name.lower(): name for name in reversed(names)}
    near = [lower[name] for name in difflib.get_close_matches(gone.name.lower(), lower, n=3, cutoff=0.6)]
    remedy = f"did you mean {' or '.join(shown(name) for name in near)}?" if near else ""
    if not remedy and os.sep not in text:
        remedy = f"data sets known by name: {', '.join(_NAMES)}"
    return f"there is no {shown(gone.name)!r} in {gone.parent}" + (f"; {remedy}" if remedy else "")
