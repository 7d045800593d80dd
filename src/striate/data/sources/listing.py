"""What stands in a folder of pictures: names and kinds, without what is no picture of anybody's. Reads no picture.

Hidden files, what systems leave behind (``Thumbs.db``, ``desktop.ini``) and folders of runs, which whoever trains from
inside the pictures has there, are passed over at any depth, by whoever walks: training, measuring and predicting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import is_text, shown
from striate.data.pictures.image import looks_like_picture
from striate.data.sources.items import Rejected
from striate.errors import SourceError

_PLAIN: Final = ("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "bmp", "dib", "gif", "tif", "tiff")
SUFFIXES: Final = frozenset((*_PLAIN, "avif", "avifs", "heic", "heif", "hif"))
UNREAD: Final = frozenset(
    (
        "jxl",
        "jp2",
        "svg",
        "ico",
        "psd",
        "xcf",
        "tga",
        "ppm",
        "pgm",
        "exr",
        "raw",
        "dng",
        "cr2",
        "cr3",
        "nef",
        "arw",
    )
)
LEFT_BEHIND: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "icon\r"})
RUN_FILES: Final = ("recipe.toml", "source.json")  # what every run has (runs/run.py); together nothing else has them
RUNS: Final = "a folder of runs, not of pictures"
NOTHING: Final = "a link to nothing"

Entries = list[os.DirEntry[str]]


@dataclass(frozen=True)
class Scan:
    """A walk below ``root``.

    ``rejected`` collects what was passed over and is said one by one, ``silent`` what is counted: hidden files, what
    systems leave behind, text beside the class folders; folders of these end with a slash.

    Example: ``folders, files = Scan(Path("pets")).listing("pets")``
    """

    root: Path
    rejected: list[Rejected] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def listing(self, folder: str | Path) -> tuple[Entries, Entries]:
        """Return folders and files of a folder by name, without what is passed over.

        Errors: SourceError for a folder that cannot be read and a link that leads to itself.
        """
        folders: Entries = []
        files: Entries = []
        try:
            with os.scandir(folder) as entries:
                every = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceError(
                f"{shown(str(folder))} cannot be read: {error.strerror or error}; allow reading it, or take it out"
            ) from None
        runs = False
        for entry in every:
            if entry.name.startswith(".") or entry.name.lower() in LEFT_BEHIND:
                self.silent.append(entry.path + "/" * entry.is_dir(follow_symlinks=False))
                continue
            if not _is_folder(entry):
                files.append(entry)
            elif is_run(entry.path):
                runs = True
            elif holds_runs(entry.path):
                self._say(entry.path)
            else:
                folders.append(entry)
        if runs:
            self._say(os.fspath(folder))
            files = [entry for entry in files if entry.name != "last"]  # the name of the newest run
        return folders, files

    def walk(self, folder: str | Path, below: str, chain: tuple[str, ...]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield the key and entry of every file at any depth; ``chain`` are the true paths of the folders above."""
        folders, files = self.listing(folder)
        for entry in files:
            yield below + entry.name, entry
        for entry in folders:
            real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(chain[-1], entry.name)  # noqa: PTH118
            if real in chain:
                raise SourceError(f"{shown(entry.path)} is a link that leads back to {shown(real)}; remove the link")
            yield from self.walk(entry.path, f"{below}{entry.name}/", (*chain, real))

    def pictures(self, folder: str, below: str) -> tuple[list[str], int]:
        """Return the keys of a folder's pictures, at any depth, and how many other files it has; those are rejected."""
        keys, others = [], 0
        chain = (os.path.realpath(self.root), os.path.realpath(folder))
        for key, entry in self.walk(folder, below, chain):
            rejected = refusal(key, entry)
            if rejected is None:
                keys.append(key)
            else:
                others += 1
                self.rejected.append(rejected)
        return keys, others

    def passed_over(self) -> tuple[str, ...]:
        """Return what was passed over and is counted, each once: paths below ``root``, in order."""
        below = len(os.path.join(self.root, ""))  # noqa: PTH118
        return tuple(sorted({shown(path[below:]) for path in self.silent}))

    def _say(self, folder: str) -> None:
        key = os.path.relpath(folder, self.root).replace(os.sep, "/") + "/"
        one = Rejected(shown(key), RUNS, bad=False)
        if one not in self.rejected:
            self.rejected.append(one)


def is_run(folder: str | Path) -> bool:
    """Return whether a folder is a run, by the files that it holds."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in RUN_FILES)  # noqa: PTH113, PTH118


def holds_runs(folder: str | Path) -> bool:
    """Return whether a folder is one of runs, whatever it is called: it holds a run, and no picture.

    A folder of pictures is left at the first of them, so that this costs next to nothing.
    """
    found = False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if suffix_of(entry.name) in SUFFIXES:
                    return False
                found = found or (entry.is_dir(follow_symlinks=False) and is_run(entry.path))
    except OSError:
        return False  # whoever lists it says so
    return found


def refusal(key: str, entry: os.DirEntry[str]) -> Rejected | None:
    """Return why a file is not taken for a picture, or None when it is.

    A name that ends like a picture's is taken for one (whether it is, decoding tells); any other file is looked into,
    sixteen bytes of it.
    """
    if not is_text(key):
        return Rejected(shown(key), "its name is not UTF-8; rename it")
    if not entry.is_file():
        missing = entry.is_symlink()
        return Rejected(key, NOTHING if missing else "not a file", bad=missing)
    suffix = suffix_of(entry.name)
    if suffix in SUFFIXES:
        return None
    try:
        with files.open_file(entry.path, limit=files.PICTURE) as file:
            start = file.read(16)
    except OSError as error:
        return Rejected(key, f"cannot be read: {error.strerror or error}")
    if looks_like_picture(start):
        return None
    if suffix in UNREAD:
        return Rejected(key, f"{suffix.upper()} pictures are not read; convert it to JPEG or PNG")
    return Rejected(key, "not a picture", bad=False)


def suffix_of(name: str) -> str:
    """Return the ending of a name in small letters: ``suffix_of("A.JPG")`` is ``"jpg"``; "" where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        raise SourceError(f"{shown(entry.path)} is a link that leads back to itself; remove the link") from None
