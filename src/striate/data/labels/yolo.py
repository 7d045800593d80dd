"""YOLO: a text file a picture, a line an object: class, then shares of width and height; names in ``data.yaml``.

Four numbers are a box (middle x, middle y, width, height), six and more the corners of an outline. The form is
Darknet's (2013) and Ultralytics'; LabelImg, CVAT (``obj.names``) and Roboflow write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isnan
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from striate import files
from striate.data.labels.classes import shown
from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.objects import ObjectSet, PictureObjects
from striate.data.labels.parsed import number, parsed_yaml, plain
from striate.data.labels.picture_files import PictureFiles, files_below, split_of, stem, without_ending
from striate.data.sources.listing import suffix_of
from striate.errors import SourceError
from striate.words import counted

_NAMES: Final = ("classes.txt", "obj.names", "_darknet.labels", "names.txt")
_CLASS: Final = re.compile(r"\d{1,9}(\.0+)?")


def read_yolo(path: Path, pictures: PictureFiles) -> Reading:
    """Return what the text files of a folder say; ``path`` is the folder, or its ``data.yaml``.

    A picture below a folder ``images`` without a text file has no objects, as Ultralytics takes it.
    Errors: SourceError for a class that has no name, and files that do not read.
    Example: ``read_yolo(Path("pets"), PictureFiles.below(Path("album"))).pictures`` is ``[]``.
    """
    texts = path if path.is_dir() else path.parent
    root = _root(texts, pictures.root)
    reading = Reading("YOLO")
    splits, looked = _names(path, root, reading)
    stems = {stem(key) for key in pictures.every}
    passed: list[str] = []
    for file in files_below(texts, "txt"):
        if file.name.lower() in _NAMES:
            continue
        lines = [line.split() for line in _lines(file) if line.strip()]
        if lines and not _is_label(lines[0]) and (file.stem not in stems or len(lines[0]) == 1):
            passed.append(file.name)
            continue
        if not lines and file.stem not in stems and pictures.every:
            passed.append(file.name)
            continue
        drawn = tuple(one for line in lines if (one := _object(line, file, reading)))
        below = file.relative_to(root).with_suffix("").as_posix()
        reading.pictures.append(
            DrawnPicture(
                _picture_of(below),
                file,
                drawn,
                shares=True,
                split=_split(below, splits),
                labelled=_labelled(_picture_of(below), looked, drawn),
            )
        )
    if passed:
        reading.notes.append(
            f"passed over: {counted(len(passed), 'text file')} without labels (the first: {shown(passed[0])})"
        )
    _without(root, pictures, reading, splits, looked)
    return reading


def _without(
    root: Path, pictures: PictureFiles, reading: Reading, splits: Mapping[str, str], looked: Mapping[str, list[str]]
) -> None:
    """Add the pictures below folders ``images`` that no text file speaks of."""
    told = {pictures.find(picture.name, picture.where)[0] for picture in reading.pictures}
    folders = {key.rpartition("/")[0] for key in told}
    silent = [
        key for key in pictures.every
        if key not in told and ("images" in key.lower().split("/")[:-1] or key.rpartition("/")[0] in folders)
    ] if reading.pictures else []  # fmt: skip
    for key in silent:
        reading.pictures.append(
            DrawnPicture(
                key,
                root / "labels",
                (),
                shares=True,
                split=_split(without_ending(key), splits),
                labelled=_labelled(key, looked, ()),
            )
        )
    if silent:
        reading.notes.append(
            f"{counted(len(silent), 'picture')} without a text file, taken as without objects (the"
            f" first: {shown(silent[0])})"
        )


def _lines(file: Path) -> list[str]:
    try:
        return files.read_text(file, limit=files.TEXT).splitlines()
    except UnicodeDecodeError:
        raise SourceError(f"{file} is not UTF-8 text; take it out, or save it again") from None
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}") from None


def _is_label(words: list[str]) -> bool:
    return len(words) >= 5 and bool(_CLASS.fullmatch(words[0])) and not any(isnan(number(one)) for one in words)


def _object(words: list[str], file: Path, reading: Reading) -> Drawn | None:
    """Return the object of a line, in shares; the name of its class is looked up."""
    values = [number(word) for word in words[1:]]
    if not _CLASS.fullmatch(words[0]) or any(map(isnan, values)):
        reading.refuse("in a line that is no class and numbers", file)
        return None
    index = int(float(words[0]))
    if reading.classes and index >= len(reading.classes):
        raise SourceError(
            f"{file} has an object of class {index}, and there are names for {counted(len(reading.classes), 'class')}"
            " (0 to"
            f" {len(reading.classes) - 1}); add the missing names"
        )
    label = reading.classes[index] if reading.classes else str(index)
    if len(values) == 4:
        x, y, width, height = values
        return Drawn(label, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    if len(values) >= 6 and len(values) % 2 == 0:
        return Drawn.around(label, (tuple(zip(values[::2], values[1::2], strict=True)),))
    reading.refuse(f"of {len(values)} numbers (4 are a box, 6 or more pairs an outline)", file)
    return None


def _picture_of(below: str) -> str:
    """Return where the picture of a text file lies, without its ending: the last folder ``labels`` is ``images``."""
    parts = below.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at].lower() == "labels":
            return "/".join((*parts[:at], "images", *parts[at + 1 :]))
    return below


def _labelled(below: str, looked: Mapping[str, list[str]], drawn: tuple[Drawn, ...]) -> tuple[str, ...] | None:
    """Return the classes that were looked for in a picture, by the longest folder of it that is said; None for all."""
    folders = [folder for folder in looked if not folder or f"{below}/".startswith(f"{folder}/")]
    if not folders:
        return None
    there = {one.label for one in drawn}
    return tuple(dict.fromkeys([*looked[max(folders, key=len)], *sorted(there)]))


def _looked_for(facts: Mapping[str, Any], table: Path, classes: list[str]) -> dict[str, list[str]]:
    """Return the classes that were looked for, by folder: ``labelled: [cat]``, or ``labelled: {images/old: [cat]}``."""
    said = facts.get("labelled")
    if said is None:
        return {}
    each = said if isinstance(said, dict) else {"": said}
    found = {}
    for folder, names in each.items():
        if not isinstance(folder, str) or not isinstance(names, list) or not all(str(one) in classes for one in names):
            raise SourceError(f"{table}: labelled is neither a list of its names nor one by folder")
        found[folder.strip("/").removeprefix("./")] = [str(one) for one in names]
    return found


def _root(texts: Path, pictures: Path) -> Path:
    """Return the folder of the table of names for text files: theirs, or one above it that has the pictures too."""
    if any(_is_table(file) for file in files_below(texts, "yaml", "yml", "txt", "names", "labels")):
        return texts
    for above in (texts.parent, texts.parent.parent):
        both = above.is_relative_to(pictures) or (pictures.parent == above and pictures != texts)
        if both and any(_is_table(file) for file in above.iterdir() if file.is_file()):
            return above
    return texts


def _is_table(file: Path) -> bool:
    """Return whether a file is one of those that give classes their names."""
    if suffix_of(file.name) not in ("yaml", "yml"):
        return file.name.lower() in _NAMES
    try:
        return "names" in parsed_yaml(file)
    except SourceError:
        return False


def _names(path: Path, root: Path, reading: Reading) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Fill the names of the classes; return which part each folder of ``data.yaml`` is, and the classes looked for.

    Folders are by their path below ``root``.
    """
    tables = [path] if path.is_file() else [*files_below(root, "yaml", "yml")]
    for table in tables:
        facts = parsed_yaml(table)
        if "names" in facts:
            reading.classes += _class_names(facts, table)
            return _folders(facts, table, root, reading), _looked_for(facts, table, reading.classes)
    for file in files_below(root, "txt", "names", "labels"):
        if file.name.lower() in _NAMES:
            reading.classes += [line.strip() for line in _lines(file) if line.strip()]
            return {}, {}
    reading.notes.append(
        "no data.yaml, classes.txt or obj.names gives the classes names; they are called by their numbers"
    )
    return {}, {}


def _class_names(facts: Mapping[str, Any], table: Path) -> list[str]:
    names = facts["names"]
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise SourceError(f"{table}: the keys of names are not 0 to {len(names) - 1}; number the classes so")
        names = [names[at] for at in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(one, str | int | float | bool) for one in names):
        raise SourceError(f"{table}: names is neither a list of names nor one by number")
    if len({str(one) for one in names}) != len(names):
        raise SourceError(f"{table}: two classes have one name; give each its own")
    count = facts.get("nc", len(names))
    if count != len(names):
        raise SourceError(f"{table}: nc says {count} classes, and there are {len(names)} names; make them the same")
    return [str(one) for one in names]


def _folders(facts: Mapping[str, Any], table: Path, root: Path, reading: Reading) -> dict[str, str]:
    """Return the part of each folder that data.yaml names and that is there, inner folders first.

    Roboflow's ``../train`` is ``train``. A folder that is named for several parts is of none ("").
    """
    found: dict[str, str] = {}
    shared: dict[str, list[str]] = {}
    moved: list[str] = []
    base = table.parent / str(facts.get("path") or ".")
    for part in ("train", "val", "test"):
        said = facts.get(part)
        for one in said if isinstance(said, list) else [said]:
            if not isinstance(one, str) or not one or "\0" in one:
                continue
            near = PurePosixPath(re.sub(r"^(\.\./)+", "", one.replace("\\", "/")).lstrip("/"))
            for at in (base / one, table.parent / one, table.parent / near):
                if _is_folder(at) and at.resolve().is_relative_to(root.resolve()):
                    folder = at.resolve().relative_to(root.resolve()).as_posix()
                    if found.setdefault(folder, part) != part:
                        shared.setdefault(folder, [found[folder]]).append(part)
                    if at == table.parent / near and str(near) != one.removeprefix("./"):
                        moved.append(f"{near} for {one}")
                    break
    if moved:
        reading.notes.append(
            f"{table.name} names folders that are not where it says; taken beside it: {', '.join(moved)}"
        )
    for folder, parts in shared.items():
        reading.notes.append(
            f"{table.name} names {'its own folder' if folder == '.' else folder} for {' and '.join(parts)}; as what was"
            " learnt from measures nothing, its pictures are divided anew"
        )
        found[folder] = ""
    return dict(sorted(found.items(), key=lambda one: -len(PurePosixPath(one[0]).parts)))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long for a path
        return False


def _split(below: str, splits: Mapping[str, str]) -> str:
    picture = _picture_of(below)
    for folder, part in splits.items():
        if folder == "." or f"{picture}/".startswith(f"{folder}/") or f"{below}/".startswith(f"{folder}/"):
            return part
    return split_of(below)


def write_yolo(objects: ObjectSet) -> dict[str, bytes]:
    """Return the files of a folder in YOLO's form: a text file a picture, and ``data.yaml``.

    Each lies where Ultralytics looks for it once the pictures are put beside: ``labels/a.txt`` for ``images/a.jpg``.
    Ignored objects are left out: the form has no word for them.
    Errors: SourceError where two pictures differ in their ending.
    Example: ``sorted(write_yolo(ObjectSet("x", ("cat",), (PictureObjects.of("a.jpg", 8, 6, [], []),))))`` is
    ``["data.yaml", "labels/a.txt"]``.
    """
    import yaml

    made: dict[str, bytes] = {}
    folders: dict[str, set[str]] = {}
    for picture in objects.pictures:
        parts = without_ending(picture.key).split("/")
        at = max((place for place, part in enumerate(parts[:-1]) if part == "images"), default=None)
        inside = ["images", *parts] if at is None else parts
        folders.setdefault(picture.split or "train", set()).add("/".join(inside[:-1]))
        inside[at or 0] = "labels"
        path = "/".join(inside) + ".txt"
        if path in made:
            raise SourceError(
                f"{picture.key} and another picture differ in their ending alone, and YOLO names both {path};"
                " rename one"
            )
        made[path] = _text(picture)
    facts: dict[str, Any] = {
        "path": ".",
        **{part: sorted(folders[part]) for part in ("train", "val", "test") if part in folders},
        "nc": len(objects.classes),
        "names": dict(enumerate(objects.classes)),
    }
    text: str = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    return made | {"data.yaml": text.encode()}


def _text(picture: PictureObjects) -> bytes:
    lines = []
    scale = np.array((picture.width, picture.height), np.float64)
    for box, index, rings, ignored in zip(
        picture.boxes, picture.classes, picture.outlines, picture.ignored, strict=True
    ):
        if ignored:
            continue
        if len(rings) == 1:
            shares = np.clip(rings[0] / scale, 0, 1).ravel()
        else:
            shares = np.concatenate([(box[:2] + box[2:]) / 2 / scale, (box[2:] - box[:2]) / scale])
        lines.append(" ".join((str(index), *(plain(value, 8) for value in shares))) + "\n")
    return "".join(lines).encode()
