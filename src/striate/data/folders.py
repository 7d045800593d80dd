"""Class folders: ``root/class/*.jpg`` and ``root/{train,val,test}/class/*.jpg``. Reads names, not pictures.

Pictures inside a class folder are found at any depth. A name that ends like a picture's is taken for one (whether it
is, decoding tells); any other file is looked into, sixteen bytes of it. Hidden files and what systems leave behind are
passed over in silence, every other file is rejected with a reason. Nothing is ever written there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from striate import files
from striate.data.classes import SPLITS, check_names, in_order, is_text, shown
from striate.data.image import looks_like_picture
from striate.data.items import FolderSource, Item, Rejected
from striate.errors import SourceError
from striate.words import counted

SUFFIXES: Final = frozenset(
    ("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "bmp", "dib", "gif", "tif", "tiff")
)
UNREAD: Final = frozenset(
    (
        "heic",
        "heif",
        "avif",
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
LISTS: Final = (".csv", ".tsv", ".txt")
_LEFT_BEHIND: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "icon\r"})


def folder_source(root: Path, *, name: str) -> FolderSource:
    """Return the pictures of a folder of class folders, with or without train/ val/ test/ above them.

    Errors: SourceError for an empty class folder, pictures in no class folder, a class that train lacks, a link that
    leads back, a folder that cannot be read, and a class whose name is not UTF-8.
    """
    scan = _Scan(root)
    parts = _parts(scan)
    if parts is None:
        found = _classes(scan, root, "", None)
    else:
        found = [one for folder, split in parts for one in _classes(scan, folder.path, folder.name + "/", split)]
    names = {label for _, label, _ in found}
    check_names(sorted(names), str(root))
    classes = in_order(names)
    index = {label: place for place, label in enumerate(classes)}
    items = tuple(Item(key, index[label], split) for split, label, keys in found for key in keys)
    if len(classes) == 1 and parts is None:
        _hint_at_deeper_folder(scan, classes[0])
    return FolderSource(name, str(root), classes, items, rejected=tuple(scan.rejected), root=root)


@dataclass(frozen=True)
class _Scan:
    root: Path
    rejected: list[Rejected] = field(default_factory=list)

    def listing(self, folder: str | Path) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
        """Return folders and files of a folder by name, without what is passed over."""
        folders: list[os.DirEntry[str]] = []
        files: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.name.startswith(".") or entry.name.lower() in _LEFT_BEHIND:
                        continue
                    (folders if _is_folder(entry) else files).append(entry)
        except OSError as error:
            raise SourceError(
                f"{shown(str(folder))} cannot be read: {error.strerror or error}; allow reading it, or take it out"
            ) from None
        return folders, files

    def walk(self, folder: str, below: str, chain: tuple[str, ...]) -> Iterator[tuple[str, os.DirEntry[str]]]:
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
        """Return the keys of a class folder's pictures and how many other files it has; those are rejected."""
        keys, others = [], 0
        chain = (os.path.realpath(self.root), os.path.realpath(folder))
        for key, entry in self.walk(folder, below, chain):
            rejected = _refusal(key, entry)
            if rejected is None:
                keys.append(key)
            else:
                others += 1
                self.rejected.append(rejected)
        return keys, others


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        raise SourceError(f"{shown(entry.path)} is a link that leads back to itself; remove the link") from None


def _refusal(key: str, entry: os.DirEntry[str]) -> Rejected | None:
    """Return why a file is not taken for a picture, or None when it is."""
    if not is_text(key):
        return Rejected(shown(key), "its name is not UTF-8; rename it")
    if not entry.is_file():
        missing = entry.is_symlink()
        return Rejected(key, "a link to nothing" if missing else "not a file", bad=missing)
    suffix = _suffix(entry.name)
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


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _parts(scan: _Scan) -> list[tuple[os.DirEntry[str], str]] | None:
    """Return the folders of the parts, train first, or None when the root holds class folders."""
    folders, files = scan.listing(scan.root)
    parts = [(entry, SPLITS[entry.name.lower()]) for entry in folders if entry.name.lower() in SPLITS]
    others = [entry for entry in folders if entry.name.lower() not in SPLITS]
    for entry in files:
        if entry.name.lower() in SPLITS and (parts or not folders):
            raise SourceError(f"{entry.path} is a file; it should be a folder of class folders")
    deep = [entry for entry, _ in parts if scan.listing(entry.path)[0]]
    if not parts or (others and not deep):
        return None  # "train" may be a class, beside "bus" and "tram"
    if others:
        raise SourceError(
            f"{scan.root} holds both {deep[0].name}/ with folders in it and {_some([entry.name for entry in others])};"
            " it should be class folders alone, or train/ val/ test/ alone"
        )
    for wanted in ("train", "val", "test"):
        same = [entry.name for entry, split in parts if split == wanted]
        if len(same) > 1:
            raise SourceError(f"{scan.root} holds {same[0]}/ and {same[1]}/, which mean the same; keep one")
        if wanted == "train" and not same:
            raise SourceError(f"{scan.root} holds {_some([entry.name for entry, _ in parts])} but no train/; add it")
    return sorted(parts, key=lambda part: ("train", "val", "test").index(part[1]))


def _classes(
    scan: _Scan, folder: str | Path, below: str, split: str | None
) -> list[tuple[str | None, str, Sequence[str]]]:
    """Return (split, class, keys) for every class folder of a folder."""
    folders, files = scan.listing(folder)
    loose = [entry for entry in files if _is_loose_picture(below + entry.name, entry)]
    if not folders:
        raise SourceError(_nothing_in(folder, files, len(loose), split))
    scan.rejected.extend(Rejected(shown(below + entry.name), "lies in no class folder", bad=False) for entry in loose)
    found: list[tuple[str | None, str, Sequence[str]]] = []
    empty: list[str] = []
    for entry in folders:
        if not is_text(entry.name):
            raise SourceError(f"{scan.root}: the name of the class folder {shown(below + entry.name)} is not UTF-8;"
                              " rename it")  # fmt: skip
        keys, others = scan.pictures(entry.path, f"{below}{entry.name}/")
        if not keys:
            empty.append(f"{below}{entry.name}/" + (f" (of {others} files none is one)" if others else ""))
        found.append((split, entry.name, keys))
    if empty:
        if len(empty) == len(folders) and not loose:
            raise SourceError(f"{folder} holds no pictures, in none of its {len(folders)} folders: {_some(empty)}")
        what = "class folder holds no pictures" if len(empty) == 1 else "class folders hold no pictures"
        raise SourceError(f"{scan.root}: {len(empty)} {what}: {', '.join(empty[:5])}; fill or remove them")
    return found


def _is_loose_picture(key: str, entry: os.DirEntry[str]) -> bool:
    suffix = _suffix(entry.name)
    return suffix in SUFFIXES or (suffix in UNREAD) or (not suffix and _refusal(key, entry) is None)


def _nothing_in(folder: str | Path, files: Sequence[os.DirEntry[str]], loose: int, split: str | None) -> str:
    lists = [entry.path for entry in files if entry.name.lower().endswith((*LISTS, ".npz"))]
    hint = f" (or did you mean the list {lists[0]}?)" if lists else ""
    if loose and split == "test":
        return (
            f"{folder} holds {counted(loose, 'picture')} and no class folders: without labels nothing is measured;"
            " sort them into class folders, or move them elsewhere and ask `striate predict`"
        )
    if loose:
        number = counted(loose, "picture")
        return f"{folder} holds {number} and no class folders; put each class into a folder of its own{hint}"
    return f"{folder} holds no pictures; wanted class folders with pictures in them{hint}"


def _hint_at_deeper_folder(scan: _Scan, name: str) -> None:
    deeper = [entry.name for entry in scan.listing(scan.root / name)[0]]
    if len(deeper) > 1:
        raise SourceError(
            f"{scan.root} holds one class only ({name!r}), which holds {_some(deeper)};"
            f" did you mean {scan.root / name}?"
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
