"""Doctor: what is wrong with a folder of pictures, worst first, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.labels.marks import BoxMarks
from striate.data.labels.mending import Mending, fitted
from striate.data.sources.items import CLASSES, FolderSource, Item
from striate.data.sources.marked import BOXES
from striate.data.sources.mended import check_classes, check_digests
from striate.data.sources.source import find as find_source
from striate.errors import DataError, SearchError
from striate.search.checks.table import checked
from striate.search.examined import LEVELS, Examined, Finding
from striate.search.judged import unjudged
from striate.search.marked import Marked
from striate.verbs.box_doubts import box_doubts
from striate.verbs.copies import near_copies
from striate.verbs.examining import examine
from striate.verbs.indexing import File, files_of
from striate.verbs.mending import Applied, apply, place_of, read_mending, shown
from striate.verbs.told import told
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What was found in a folder, worst first; ``notes`` say what could not be looked for, and why.

    ``judged`` are in sentences the decisions of a person that were kept to; ``examined`` is as they leave it.
    """

    examined: Examined
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return in a sentence what was looked at and how much was found."""
        pictures = len(self.examined) + len(self.examined.unreadable)
        within = f" in {counted(len(self.examined.names), 'class')}" if self.examined.names else ""
        each = [(level, sum(one.level == level for one in self.findings)) for level in LEVELS]
        found = ", ".join(f"{number} {level}" for level, number in each if number)
        if not found:
            return f"{counted(pictures, 'picture')}{within}: nothing found."
        return f"{counted(pictures, 'picture')}{within}: {counted(len(self.findings), 'finding')} ({found})."

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "folder": self.examined.folder,
            "pictures": len(self.examined) + len(self.examined.unreadable),
            "classes": list(self.examined.names),
            "findings": [one.to_dict() for one in self.findings],
            "notes": list(self.notes),
            "judged": list(self.judged),
        }


def doctor(
    photos: Path,
    *,
    labels: bool = True,
    mend: str | None = None,
    model: str | None = None,
    workspace: Workspace = HERE,
) -> Diagnosis:
    """Return what is wrong with the pictures of a folder, which is read at any depth and never written to.

    Arguments:
        photos: the folder; where it is one of class folders, with or without train, val and test above them, what goes
            with classes and what lies on both sides of the split is looked for too; where boxes are labelled, what is
            wrong with those.
        labels: whether labels are doubted too, which asks the usual trunk about every picture.
        mend: the file of what a person decided before; "none", or None for the one kept beside the runs, if any.
        model: a run or a model file that finds boxes, which is asked what speaks against those that are labelled.
        workspace: where runs and weights are, and who hears of progress.

    Each picture is measured once; that is kept in the cache by the content of its file, also where it is stopped, and
    so are the near copies that were found, while the pictures and their order stay. What was judged before does not
    come back. Errors: SearchError for a folder that is not there or holds no picture, SourceError for a file of
    decisions that cannot be used.

    Example: ``len(doctor(Path("album")).examined)`` is ``6``.
    """
    if not photos.is_dir():
        raise SearchError(f"there is no folder {photos} of pictures")
    files = files_of(photos)
    if not files:
        raise SearchError(f"{photos} holds no picture")
    place = place_of(mend, photos, workspace.runs_dir)
    decided = Mending() if place is None else read_mending(place)
    check_digests(decided, str(photos), name="" if place is None else shown(place))
    found = examine(photos, files, workspace)
    source, notes = _source(photos)
    of_classes = source is not None and source.kind == CLASSES
    names = source.label_names if source and of_classes else ()
    said = {item.key: item for item in source.items} if source else {}
    items = [said.get(file.path) for file in found.files]
    examined = Examined(
        str(photos),
        tuple(file.path for file in found.files),
        found.rows,
        _sizes(found.files),
        found.digests,
        np.array([item.place if item else -1 for item in items], np.int64),
        names,
        tuple((item.split or "") if item else "" for item in items),
        found.unreadable,
        marked=None if source is None or of_classes else _marked(source, items),
    )
    if model is not None and examined.marked is None:
        raise SearchError(f"--model is asked about boxes, and {photos} has no pictures with boxes")
    near, left = near_copies(photos, examined, workspace)
    fitting = fitted(decided, examined.digest_of)
    examined = _decided(replace(examined, near=near), fitting.mending, "" if place is None else shown(place))
    examined, untold = told(photos, examined, workspace) if names and labels else (examined, ())
    if model is not None and examined.marked is not None:
        against, unsaid = box_doubts(photos, examined.paths, examined.marked, model, workspace)
        examined, untold = replace(examined, marked=against), (unsaid,)
    findings = unjudged(checked(examined), fitting.mending)
    judged = () if place is None else fitting.lines(shown(place))
    return Diagnosis(examined, findings, (*notes, *filter(None, (left, *untold))), judged)


def decide(photos: Path, file: Path, *, mend: str | None = None, workspace: Workspace = HERE) -> Applied:
    """Add the decisions of a file about a folder of pictures to those that are kept (`striate.verbs.mending.apply`).

    Arguments:
        photos: the folder, which is only read.
        file: decisions, as the page of what is wrong gives them, or written by hand.
        mend: the file they are added to; None: the one kept beside the runs.
        workspace: where runs are.

    Errors: SearchError, SourceError; nothing is kept then.

    Example: ``decide(Path("pets"), Path("labels.toml"), mend="decided.toml").lines()[1].strip()`` is
    ``"dogs/3.png: dropped"``.
    """
    if not photos.is_dir():
        raise SearchError(f"there is no folder {photos} of pictures")
    source, _ = _source(photos)
    names = source.label_names if source and source.kind == CLASSES else ()
    return apply(photos, file, names, mend=mend, runs_dir=workspace.runs_dir)


def _decided(examined: Examined, mending: Mending, name: str) -> Examined:
    """Return what was examined with the labels that a person gave, without the pictures that were dropped."""
    given = mending.relabelled
    check_classes(mending, examined.names, name=name)
    number = {label: index for index, label in enumerate(examined.names)}
    labels = [
        number[given[path]] if path in given else label
        for path, label in zip(examined.paths, examined.labels.tolist(), strict=True)
    ]
    return replace(examined, labels=np.array(labels, np.int64)).without(mending.dropped)


def _sizes(files: tuple[File, ...]) -> Any:
    return np.array([file.size for file in files], np.int64)


def _source(photos: Path) -> tuple[FolderSource | None, tuple[str, ...]]:
    """Return the source that the folder is, where it is one of classes or of boxes; else why it is not."""
    try:
        source = find_source(photos, least_classes=1)
    except DataError as error:
        why = str(error).partition(";")[0]  # what follows is how to train on it all the same
        return None, (f"nothing was looked for that needs classes, for this is no folder of them: {why}",)
    if not isinstance(source, FolderSource) or source.kind not in (CLASSES, BOXES):
        return None, (f"nothing was looked for that needs classes: the labels here are {source.kind}",)
    return source, source.notes if source.kind == BOXES else ()


def _marked(source: FolderSource, items: list[Item | None]) -> Marked:
    targets = [item.target if item else None for item in items]
    return Marked(source.label_names, tuple(one if isinstance(one, BoxMarks) else None for one in targets))
