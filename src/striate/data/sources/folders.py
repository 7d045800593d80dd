"""Class folders: ``root/class/*.jpg`` and ``root/{train,val,test}/class/*.jpg``. Reads names, not pictures.

Pictures inside a class folder are found at any depth. What is passed over in silence, and what is rejected with a
reason, stands in listing.py. A class folder without a picture is no class, and is said. Nothing is ever written there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from striate.data.labels.classes import SPLITS, check_names, in_order, is_text, shown
from striate.data.sources.items import FolderSource, Item, Rejected
from striate.data.sources.listing import (
    NOTHING,
    RUNS,
    SUFFIXES,
    UNREAD,
    Entries,
    Scan,
    holds_runs,
    is_run,
    refusal,
    suffix_of,
)
from striate.errors import SourceError
from striate.words import counted

LISTS: Final = (".csv", ".tsv", ".txt")
SORT: Final = (
    "put each class into a folder of its own, write a list of them (CSV: path,label), or take the labels out of the"
    " file names (--label-from '(.+?)_\\d+')"
)


def folder_source(root: Path, *, name: str) -> FolderSource:
    """Return the pictures of a folder of class folders, with or without train/ val/ test/ above them.

    Errors: SourceError for pictures in no class folder, a class that train lacks, a link that leads back, a folder that
    cannot be read, and a class whose name is not UTF-8.
    """
    if is_run(root) or holds_runs(root):
        raise SourceError(f"{shown(str(root))} is {RUNS}; name the folder of pictures")
    scan = Scan(root)
    parts = parts_of(scan)
    if parts is None:
        found, empty = _classes(scan, root, "", None)
    else:
        found, empty = [], []
        _beside_the_parts(scan)
        for folder, split in parts:
            some, without = _classes(scan, folder.path, folder.name + "/", split)
            found += some
            empty += without
    _hint_at_deeper_folders(scan, found, parts)
    names = {label for _, label, _ in found}
    check_names(sorted(names), str(root))
    classes = in_order(names)
    index = {label: place for place, label in enumerate(classes)}
    items = tuple(Item(key, index[label], split) for split, label, keys in found for key in keys)
    notes = (*_empty_note(empty), *_same_folders_note(scan, classes if parts is None else ()))
    if len(classes) == 1:  # "images" beside a list of them
        notes += tuple(f"did you mean the list {shown(path)}?" for path in _lists(scan.listing(root)[1])[:1])
    return FolderSource(
        name,
        str(root),
        classes,
        items,
        rejected=tuple(scan.rejected),
        notes=notes,
        passed_over=scan.passed_over(),
        root=root,
    )


def parts_of(scan: Scan) -> list[tuple[os.DirEntry[str], str]] | None:
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


def _beside_the_parts(scan: Scan) -> None:
    """Say what lies beside train/ val/ test/: a picture is in no class there."""
    for entry in scan.listing(scan.root)[1]:
        if _is_loose_picture(entry.name, entry):
            scan.rejected.append(Rejected(shown(entry.name), "lies in no class folder", bad=False))
        else:
            scan.silent.append(entry.path)


_Found = list[tuple[str | None, str, Sequence[str]]]


def _classes(scan: Scan, folder: str | Path, below: str, split: str | None) -> tuple[_Found, list[str]]:
    """Return (split, class, keys) for every class folder of a folder that holds pictures, and the folders without."""
    folders, files = scan.listing(folder)
    loose = [entry for entry in files if _is_loose_picture(below + entry.name, entry)]
    broken = [entry for entry in files if entry.is_symlink() and not os.path.exists(entry.path)]  # noqa: PTH110
    if not folders and not loose and split in ("val", "test"):
        return [], [below]
    if not folders:
        raise SourceError(_nothing_in(scan, folder, files, len(loose), split))
    scan.silent.extend(entry.path for entry in files if entry not in loose and entry not in broken)
    scan.rejected.extend(Rejected(shown(below + entry.name), NOTHING) for entry in broken)
    scan.rejected.extend(
        Rejected(shown(below + entry.name), "lies in no class folder", bad=False)
        for entry in loose
        if entry not in broken
    )
    found: _Found = []
    empty: list[str] = []
    for entry in folders:
        if not is_text(entry.name):
            raise SourceError(f"{scan.root}: the name of the class folder {shown(below + entry.name)} is not UTF-8;"
                              " rename it")  # fmt: skip
        keys, others = scan.pictures(entry.path, f"{below}{entry.name}/")
        if keys:
            found.append((split, entry.name, keys))
        else:
            empty.append(f"{below}{entry.name}/" + (f" ({others} of another kind)" if others else ""))
    if not found and not loose and split in ("val", "test"):
        return [], [below]
    if not found and not loose:
        first = f"; {scan.rejected[0].key}: {scan.rejected[0].reason}" if scan.rejected else ""
        raise SourceError(f"{folder} holds no pictures, in none of its {len(folders)} folders: {_some(empty)}{first}")
    if not found:
        raise SourceError(_nothing_in(scan, folder, files, len(loose), split))
    return found, empty


def _empty_note(empty: Sequence[str]) -> tuple[str, ...]:
    if not empty:
        return ()
    if len(empty) == 1:
        return (f"{empty[0]} holds no pictures and is passed over",)
    return (f"{len(empty)} folders hold no pictures and are passed over: {_some(empty)}",)


def _is_loose_picture(key: str, entry: os.DirEntry[str]) -> bool:
    suffix = suffix_of(entry.name)
    return suffix in SUFFIXES or (suffix in UNREAD) or (not suffix and refusal(key, entry) is None)


def _nothing_in(scan: Scan, folder: str | Path, files: Entries, loose: int, split: str | None) -> str:
    lists = _lists(files)
    hint = f" (or did you mean the list {lists[0]}?)" if lists else ""
    if loose and split == "test":
        return (
            f"{folder} holds {counted(loose, 'picture')} and no class folders: without labels nothing is measured;"
            " sort them into class folders, or move them elsewhere and ask `striate predict`"
        )
    if loose:
        number = counted(loose, "picture")
        above = "" if hint else _class_folders_above(scan, Path(folder))
        return f"{folder} holds {number} and no class folders; {SORT}{hint}{above}"
    return f"{folder} holds no pictures; wanted class folders with pictures in them{hint}"


def _lists(files: Entries) -> list[str]:
    """Return the paths of the files that may be lists with labels, tables before text."""
    lists = [entry.path for entry in files if entry.name.lower().endswith((*LISTS, ".npz"))]
    return sorted(lists, key=lambda path: path.lower().endswith(".txt"))


def _class_folders_above(scan: Scan, folder: Path) -> str:
    """Return what to say of a folder that is a class folder itself: its neighbours hold pictures too."""
    if folder != scan.root:
        return ""
    try:
        beside = [entry for entry in Scan(folder.parent).listing(folder.parent)[0] if entry.name != folder.name]
        others = [entry.name for entry in beside[:50] if _holds_pictures(entry.path)]
    except SourceError:
        return ""
    if not others:
        return ""
    return f"; or is it one class, beside {_some(others)}? then say: striate train {shown(str(folder.parent))}"


def _holds_pictures(folder: str) -> bool:
    """Return whether a picture lies in a folder itself."""
    try:
        with os.scandir(folder) as entries:
            return any(suffix_of(entry.name) in SUFFIXES for entry in entries)
    except OSError:
        return False


def _hint_at_deeper_folders(scan: Scan, found: _Found, parts: list[tuple[os.DirEntry[str], str]] | None) -> None:
    """Refuse one class that is a folder of several folders: those are the classes. Errors: SourceError."""
    names = {label for _, label, _ in found}
    if len(names) != 1:
        return
    name = names.pop()
    if parts is not None:
        train = Path(parts[0][0].path)
        deeper = [entry.name for entry in scan.listing(train / name)[0]]
        if len(deeper) > 1 and not _holds_pictures(str(train / name)):
            raise SourceError(
                f"{train} holds one class only ({name!r}), which holds {_some(deeper)}; if those are the classes, move"
                f" them up: {', '.join(f'{part.name}/{name}/* to {part.name}/' for part, _ in parts)}"
            )
        return
    folder = scan.root / name
    inside = scan.listing(folder)[0]
    while len(inside) == 1 and not _holds_pictures(str(folder)):
        folder = folder / inside[0].name
        inside = scan.listing(folder)[0]
    if len(inside) > 1 and not _holds_pictures(str(folder)):
        raise SourceError(
            f"{scan.root} holds one class only ({name!r}), which holds {_some([entry.name for entry in inside])};"
            f" did you mean striate train {shown(str(folder))} ?"
        )


def _same_folders_note(scan: Scan, classes: Sequence[str]) -> tuple[str, ...]:
    """Return what to say where every class folder holds the same folders, and no picture beside them."""
    if not 2 <= len(classes) <= 50:
        return ()
    inside = [frozenset(entry.name for entry in scan.listing(scan.root / name)[0]) for name in classes]
    same = frozenset.intersection(*inside)
    if len(same) < 2 or any(_holds_pictures(str(scan.root / name)) for name in classes):
        return ()
    return (
        f"{_some(classes)} are taken as the classes, and each holds the folders {_some(sorted(same))}; if those are the"
        f" classes, say: striate train {shown(str(scan.root / classes[0]))}",
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
