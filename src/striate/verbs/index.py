"""Index: the vectors of a folder's pictures, made once, kept, and brought up to date by what has changed alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.store.cache import cache_dir
from striate.errors import SearchError
from striate.model.files import tensorfile
from striate.runs import durable
from striate.search import index_files
from striate.search.embedder import Embedder
from striate.search.index_files import ROW, Index
from striate.verbs.indexing import Work, files_of
from striate.verbs.predict import find_model
from striate.verbs.workspace import HERE, Workspace


@dataclass(frozen=True, eq=False)
class Indexed:
    """An index that is up to date, in its ``folder``, and what was done for that.

    ``made`` pictures were looked at, ``moved`` known by what is in their files, ``gone`` taken out.
    """

    index: Index
    folder: Path
    made: int = 0
    moved: int = 0
    gone: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return what there is and what was done, ready for JSON."""
        return {
            "index": str(self.folder),
            "pictures": len(self.index),
            "made": self.made,
            "moved": self.moved,
            "gone": self.gone,
            "unread": [{"picture": one.path, "reason": one.reason} for one in self.index.unread],
            "model": self.index.embedder.words,
            "parts": self.index.parts is not None,
        }


def index(
    photos: Path,
    output: Path | None = None,
    *,
    model: str | None = None,
    parts: bool = False,
    workspace: Workspace = HERE,
) -> Indexed:
    """Bring the index of a folder of pictures up to date, making it where there is none, and return it.

    Arguments:
        photos: the folder, read at any depth and never written to.
        output: the folder of the index; None: one in the cache.
        model: a run, a model file or published weights whose maps become vectors; None: those of the index that is
            there, or else the trunk that photographs start from.
        parts: whether parts of pictures are to be found too, which takes 50 times the room. An index that has them
            keeps them.
        workspace: where runs and weights are, and who hears of progress.

    What was made is kept every 30 seconds and when it is stopped, so that the next call goes on. Errors: SearchError
    for a folder without pictures, an index that is damaged, another folder's, of another model or being made.

    Example: ``len(index(Path("album")).index)`` is ``6``.
    """
    if not photos.is_dir():
        raise SearchError(f"there is no folder {photos} of pictures")
    place = output or index_place(photos, None if model is None else _weights(model, workspace))
    if place.resolve().is_relative_to(photos.resolve()):
        raise SearchError(f"{place} is within {photos}, which is only read; name a place outside it with -o")
    files = files_of(photos)
    if not files:
        raise SearchError(f"{photos} holds no picture")
    _make_place(place)
    lock = index_files.locked(place)
    try:
        before = _before(place, photos, model, workspace, parts=parts)
        work = Work(photos, place, before, files)
        work.run(workspace)
        return Indexed(work.index, place, work.made, work.moved, work.gone)
    finally:
        lock.release()


def kept_index(photos: Path, model: str | None = None, *, workspace: Workspace = HERE) -> Indexed | None:
    """Return the index of a folder as it was made last, nothing brought up to date; None where there is none yet.

    ``model`` is whose maps are compared, as `index` takes it. Errors: SearchError for one that is damaged; those of a
    ``model`` that is not here.

    Example: ``kept_index(Path("album"))``
    """
    place = index_place(photos, None if model is None else _weights(model, workspace))
    return Indexed(index_files.read(place), place) if index_files.is_index(place) else None


def open_index(where: Path, model: str | None = None, *, parts: bool = False, workspace: Workspace = HERE) -> Indexed:
    """Return the index that ``where`` is, as it is, or that of the pictures in the folder ``where``, up to date.

    Errors: as `index`, and SearchError for an index of another model than ``model``, or without parts that are needed.
    """
    if not index_files.is_index(where):
        return index(where, model=model, parts=parts, workspace=workspace)
    found = index_files.read(where)
    _check_model(found, model, where, workspace)
    if parts and found.parts is None:
        raise SearchError(
            f"the index {where} has no parts of pictures; striate index {found.folder} --parts -o {where} makes them"
        )
    return Indexed(found, where)


def index_place(photos: Path, weights: str | None) -> Path:
    """Return the folder in the cache where the index of a folder of pictures is kept.

    ``weights`` is the digest of those that make the vectors, so that a run that was trained anew has another; None: the
    usual trunk's.
    """
    real = photos.resolve()
    said = f"{real}\0{weights or ''}"
    return cache_dir() / "index" / f"{real.name[:60] or 'root'}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _make_place(place: Path) -> None:
    if place.exists() and (not place.is_dir() or (any(place.iterdir()) and not index_files.is_begun(place))):
        raise SearchError(f"{place} is there already and is no index; name a new folder with -o")
    durable.make_parents(place)


def _before(place: Path, photos: Path, model: str | None, workspace: Workspace, *, parts: bool) -> Index:
    """Return the index as it was, or one without a picture."""
    if index_files.is_index(place):
        index_files.verify(place)
        found = index_files.read(place)
        if Path(found.folder) != photos.resolve() and Path(found.folder).is_dir():
            raise SearchError(f"{place} is the index of {found.folder}; name another folder with -o")
        _check_model(found, model, place, workspace)
        if found.parts is not None or not parts:
            return replace(found, folder=str(photos.resolve()))
        workspace.tell(f"the index {place} is made anew, with parts of pictures")
        return _empty(photos, found.embedder, parts=True)
    from striate.verbs.embedder import open_embedder  # with all that reads models, half of what a question takes

    return _empty(photos, open_embedder(model, workspace), parts=parts)


def _empty(photos: Path, embedder: Embedder, *, parts: bool) -> Index:
    _, high, wide = embedder.shape
    width = embedder.projection.shape[1]
    return Index(
        str(photos.resolve()),
        (),
        np.zeros((0, width), np.float16),
        np.zeros(0, ROW),
        np.zeros(width, np.float32),
        embedder,
        np.zeros((0, high, wide, width), np.float16) if parts else None,
    )


def _weights(model: str, workspace: Workspace) -> str:
    """Return the digest of the weights that a run, a model file or a name stands for now."""
    path = find_model(model=model, workspace=workspace)
    return tensorfile.read_header(path).metadata.get(tensorfile.CHECKSUM, "")


def _check_model(found: Index, model: str | None, place: Path, workspace: Workspace) -> None:
    """Refuse another model than the one that made the vectors: of the same name too, where it was trained anew."""
    if model is not None and _weights(model, workspace) != found.embedder.model:
        raise SearchError(
            f"the vectors in {place} were made by {found.embedder.words} ({found.embedder.model[:8]}), and those of"
            f" {model} as it is now do not compare with them; leave out --model, or name another folder for its index"
        )
