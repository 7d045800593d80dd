"""Mending: where what a person decided about the pictures of a folder is kept, and how it is found and added to."""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from striate import files
from striate.data.groups import Groups, together
from striate.data.labels.classes import is_text
from striate.data.labels.classes import shown as path_shown
from striate.data.labels.mending import IGNORE, NAME, Entry, Fitting, Mending, fitted, read
from striate.data.sources.items import FolderSource, Source
from striate.data.sources.mended import check_classes, mended
from striate.data.store.rows import digest_of
from striate.errors import SourceError
from striate.recipe_words import no_such
from striate.runs import durable
from striate.runs.lock import acquire
from striate.search.checks.table import KINDS
from striate.verbs.workspace import Workspace

LABELS = "labels"  # the folder beside the runs where decisions are kept, a file a folder of pictures
NONE = "none"  # as ``mend``: no decisions, whatever is kept
_NAME = 200  # bytes of a folder's name that the file is called by: file systems take 255, with all that is added
_LIMIT = 2**26  # bytes of a file: some hundred thousand decisions


def kept_at(photos: Path, runs_dir: Path) -> Path:
    """Return the file beside the runs that keeps what was decided about a folder of pictures.

    It is called like the folder; where that name is taken by another folder, or is too long, a few signs of the path
    are added. A file of a folder that is not there any more is one of this folder, which was moved, if any picture that
    it names is here: else that one may come back (a drive that is not plugged in), and its decisions wait for it.
    """
    real = photos.resolve()
    sign = hashlib.sha256(os.fsencode(real)).hexdigest()[:8]
    name = os.fsencode(real.name)
    if len(name) > _NAME:
        return runs_dir / LABELS / f"{name[:_NAME].decode(errors='ignore')}-{sign}.toml"
    place = runs_dir / LABELS / f"{real.name or 'pictures'}.toml"
    if not place.exists():
        return place
    kept = read_mending(place)
    if not kept.folder or Path(kept.folder) == real:
        return place
    # Of pathlib, is_dir raises for a path that is too long or forbidden.
    if not os.path.isdir(kept.folder) and _any_here(kept, real):  # noqa: PTH112
        return place
    return place.with_name(f"{place.stem}-{sign}.toml")


def _any_here(kept: Mending, photos: Path) -> bool:
    """Whether a folder has any of the pictures that decisions name, by path and content; or they name none."""
    named = sorted({one for entry in kept.entries for one in entry.pictures})
    return not named or any(_content(photos / one.path) == one.digest for one in named if one.digest)


def _content(path: Path) -> str | None:
    """Return the digest of a file in hexadecimal digits; None where it cannot be read."""
    try:
        return digest_of(files.read_bytes(path, limit=files.PICTURE)).hex()
    except OSError:
        return None


def place_of(mend: str | None, photos: Path | None, runs_dir: Path) -> Path | None:
    """Return the file of decisions that is meant: the one that is named, else the one kept for a folder, if any.

    ``mend`` is a path, "none", or None for what is kept. Errors: SourceError for a file that is not there.
    """
    if mend == NONE:
        return None
    if mend is not None:
        place = Path(mend).expanduser().absolute()
        if not place.is_file():
            raise SourceError(f"there is no file {mend} of decisions; say {NONE} to do without")
        return place
    if photos is None:
        return None
    place = kept_at(photos, runs_dir).absolute()
    return place if place.is_file() else None


def read_mending(path: Path) -> Mending:
    """Return the decisions of a file. Errors: SourceError, in a line that names it."""
    try:
        return read(files.read_text(path, limit=_LIMIT), str(path))
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None


def with_mending(source: Source, mend: str | None, workspace: Workspace) -> Source:
    """Return a source with what was decided about its pictures done to it, as `place_of` finds that; else as it is.

    Errors: SourceError for a file that cannot be used.
    """
    own = isinstance(source, FolderSource) and source.location == str(source.root)
    place = place_of(mend, Path(source.location) if own else None, workspace.runs_dir)
    if place is None:
        return source
    return replace(mended(source, read_mending(place), name=shown(place)), mended_by=str(place))


def decided_groups(source: Source) -> tuple[Groups, ...]:
    """Return the groups that a person said stay together (``same_group``): they are one to a split, as copies are."""
    if source.mending is None or not source.mending.together:
        return ()
    return (together([item.key for item in source.items], source.mending.together, NAME),)


def shown(place: Path) -> str:
    """Return how a file is called in a sentence: from the current folder, where it lies below that."""
    here = Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else str(place)


@dataclass(frozen=True)
class Applied:
    """What `apply` did: the ``fitting`` part of the decisions, the file they were added to, and what that holds now.

    ``found`` is whether a training finds that file by itself.
    """

    named: str
    fitting: Fitting
    place: Path
    kept: Mending
    found: bool

    def lines(self) -> list[str]:
        """Return what was decided, each picture in a line, and where it is kept."""
        entries = self.fitting.mending.entries
        said = [*self.fitting.lines(self.named), *(f"  {_line(entry)}" for entry in entries)]
        train = "the next striate train" if self.found else f"striate train --mend {shlex.quote(str(self.place))}"
        return [*said, f"kept in {self.place}, which holds: {self.kept.said()}; {train} goes by it"]


def _line(entry: Entry) -> str:
    paths = " = ".join(one.path for one in entry.pictures)
    if entry.kind == "relabel":
        return f"{paths}: {entry.word}"
    if entry.kind == "ignore":
        return f"{paths or 'the whole folder'}: not shown again as {entry.word}"
    return f"{paths}: {'dropped' if entry.kind == 'drop' else 'on one side of every split'}"


def apply(photos: Path, file: Path, names: tuple[str, ...], *, mend: str | None, runs_dir: Path) -> Applied:
    """Add the decisions of a file to those that are kept for a folder of pictures, which itself is only read.

    ``names`` are its classes, ``mend`` the file they are kept in (None: beside the runs). A decision that was written
    by hand gets the digest that its picture has now. Errors: SourceError where the file cannot be used, gives a class
    that is none or fits nothing that is there, or would be kept among the pictures.
    """
    if not is_text(str(photos.resolve())):
        raise SourceError(f"the name of {path_shown(str(photos.resolve()))} is not UTF-8; rename it")
    if mend == NONE:
        raise SourceError(f"decisions are kept in a file, and mend = {NONE!r} names none")
    place = Path(mend).expanduser() if mend is not None else kept_at(photos, runs_dir)
    if place.resolve().is_relative_to(photos.resolve()):
        raise SourceError(f"{place} lies in {photos}, which is never written to; name a file outside (--mend)")
    given = read_mending(file)

    def now(path: str) -> str | None:
        return _content(photos / path)

    fitting = fitted(given.with_digests(now), now)
    name = shown(file.absolute())
    if not fitting.mending.entries:
        raise SourceError("; ".join((f"{name}: nothing in it is about what lies in {photos}", *fitting.lines(name))))
    check_classes(fitting.mending, names, name=name)
    for entry in given.of(IGNORE):
        if entry.word not in KINDS:
            raise SourceError(f"{name}: {no_such('the doctor', entry.word, KINDS, called='finding')}")
    here = Mending(fitting.mending.entries, str(photos.resolve()))
    durable.make_parents(place.parent)
    lock = acquire(place.parent / "lock")
    if lock is None:
        raise SourceError(f"another process is keeping decisions in {place.parent}; say it again when it is done")
    try:
        kept = here.added_to(read_mending(place).with_digests(now)) if place.exists() else here
        durable.write(place, kept.to_toml().encode())
    finally:
        lock.release()
    return Applied(name, fitting, place, kept, found=mend is None)


def keep_in(run: Path, source: Source) -> None:
    """Write what is in force into a run, which goes by that from then on, whatever is decided later."""
    if source.mending is not None:
        durable.write(run / NAME, source.mending.to_toml().encode())


def kept_in(run: Path, source: Source) -> Source:
    """Return the source of a run that is opened again with what was in force when it was begun."""
    place = run / NAME
    return mended(source, read_mending(place), name=str(place)) if place.exists() else source
