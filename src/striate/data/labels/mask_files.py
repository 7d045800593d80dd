"""Which file is the mask of which picture: folders side by side, and names that differ in their ending or in a word.

``images/1.jpg`` and ``masks/1.png`` (or ``1_mask.png``), ``{train,val,test}/{images,masks}``, ``images/train`` and
``masks/train``, ``train`` and ``trainannot``, VOC's ``JPEGImages`` and ``SegmentationClass``, and ``1.jpg`` beside
``1_mask.png`` in one folder. Pictures of dots (``dots/1.png``, ``1_dots.png``) are found in the same way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import SPLITS, shown
from striate.data.labels.picture_files import files_below, split_of, without_ending
from striate.data.sources.listing import SUFFIXES, suffix_of
from striate.errors import SourceError

IMAGES: Final = frozenset(
    ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "leftimg8bit", "frames", "inputs")
)
MASKS: Final = frozenset(
    ("masks", "mask", "segmentationclass", "segmentationobject", "gtfine", "ground_truth", "groundtruth", "gt",
     "labels", "label", "annotations", "targets", "segmentations", "annotated")
)  # fmt: skip
DOT_FOLDERS: Final = frozenset(("dots", "points", "dot", "dotted"))
_OBJECTS: Final = "segmentationobject"  # a number an object: no classes
_TAILS: Final = re.compile(r"[_-]?(annot|annotations?|masks?|labels?|gt|seg)")
_MASK_WORDS: Final = re.compile(
    r"(^|[_.-])(masks?|seg|segmentation|gt|labels?|l|p|matte|annot|gtfine|labelids|labeltrainids|dots)(?=$|[_.-])"
    r"|(?<=\d)(dots|mask)$",
    re.IGNORECASE,
)
_PICTURE_WORDS: Final = re.compile(
    r"(^|[_.-])(image|img|sat|leftimg8bit|picture|photo|cell)(?=$|[_.-])|(?<=\d)cell$", re.IGNORECASE
)
_IN_ONE_FOLDER: Final = re.compile(r"([_.-](masks?|seg|segmentation|gt|label|dots)|(?<=\d)(dots|mask))$", re.IGNORECASE)


@dataclass(frozen=True)
class MaskPair:
    """A picture, its mask, and the part it is of ("train", "val", "test", "" for none): paths below the root.

    Example: ``MaskPair("images/1.jpg", "masks/1.png").split`` is ``""``.
    """

    picture: str
    mask: str
    split: str = ""


@dataclass(frozen=True)
class MaskPairs:
    """The pictures with their masks, the pictures that have none, and the masks of which no picture is there."""

    pairs: tuple[MaskPair, ...]
    pictures: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()


def mask_folders(root: Path) -> list[tuple[Path, Path]]:
    """Return the folders of pictures and of masks beside each other, in a folder or in its parts; none is [].

    Looked at are names, and whether the files of both have names in common. Where both lie in one folder, both are it.
    Example: ``mask_folders(Path("pets"))`` is ``[]``.
    """
    inside = _folders(root)
    found = _beside(inside)
    if not found:
        for folder in inside:
            if folder.name.lower() in SPLITS:
                found += _beside(_folders(folder))
    places = [root, *(folder for folder in inside if folder.name.lower() in {*SPLITS, *IMAGES})]
    return found or [(folder, folder) for folder in places if _mixed(folder)]


def dots_beside(folders: list[tuple[Path, Path]]) -> bool:
    """Return whether what lies beside pictures is called dots, in some folders as `mask_folders` finds them.

    Example: ``dots_beside([(Path("images"), Path("dots"))])`` is True.
    """
    return bool(folders) and all(
        masks.name.lower() in DOT_FOLDERS
        if masks != pictures
        else all(one.lower().endswith("dots") for one in _stems(masks) if _IN_ONE_FOLDER.search(one))
        for pictures, masks in folders
    )


def _mixed(folder: Path) -> bool:
    """Return whether most pictures of a folder have a mask in it that is called like them with a word more."""
    stems = _stems(folder)
    masks = {one for one in stems if _IN_ONE_FOLDER.search(one)}
    pictures = {*(stems - masks), *(_plain(one, _PICTURE_WORDS) for one in stems - masks)}
    fitting = sum(_IN_ONE_FOLDER.sub("", one) in pictures for one in masks)
    return fitting > 0 and fitting * 2 >= len(masks) and fitting * 2 >= len(stems - masks)


def _beside(folders: list[Path]) -> list[tuple[Path, Path]]:
    """Return pairs of folders, among some that lie side by side, of pictures and of masks of the same names."""
    pictures = [folder for folder in folders if folder.name.lower() in IMAGES]
    masks = [folder for folder in folders if folder.name.lower() in {*MASKS, *DOT_FOLDERS} - {_OBJECTS}]
    found = []
    for folder in pictures[:1]:
        best = next((mask for mask in sorted(masks, key=_rank) if _alike(folder, mask)), None)
        if best is not None:
            found.append((folder, best))
    if not found:
        named = {folder.name.lower(): folder for folder in folders}
        for name, folder in named.items():
            tails = [other for other in named if other.startswith(name) and _TAILS.fullmatch(other[len(name) :])]
            if tails and _alike(folder, named[tails[0]]):
                found.append((folder, named[tails[0]]))
    return found


def _rank(folder: Path) -> tuple[bool, str]:
    """Order folders by how plainly they are of masks: VOC's Annotations and YOLO's labels hold other files."""
    return "mask" not in folder.name.lower() and not folder.name.lower().startswith("seg"), folder.name


def _alike(pictures: Path, masks: Path) -> bool:
    """Return whether at least half of the masks, of those that are looked at, are called like a picture."""
    own, others = _some(pictures), _some(masks)
    if not own or not others:
        return False
    plain = {*own, *(_plain(one, _PICTURE_WORDS) for one in own)}
    common = sum(1 for one in others if one in plain or _plain(one, _MASK_WORDS) in plain)
    return common * 2 >= len(others)


def _some(folder: Path) -> set[str]:
    """Return the names without ending of a folder's pictures, or of those one folder further down."""
    found = _stems(folder)
    for inside in [] if found else _folders(folder)[:10]:
        found |= _stems(inside)
    return found


def _stems(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            every = (entry.name for entry in entries)
            return {name.rpartition(".")[0] for name in every if suffix_of(name) in SUFFIXES and name[0] != "."}
    except OSError:
        return set()


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                folder / name for name in sorted(entry.name for entry in entries if entry.is_dir()) if name[0] != "."
            ]
    except OSError:
        return []


def _plain(name: str, words: re.Pattern[str]) -> str:
    """Return a name without the words that only say what it is: ``12_mask`` is ``12``."""
    return words.sub("", name).strip("_.-")


def folders_for(pictures: Path, masks: Path) -> tuple[Path, list[tuple[Path, Path]]]:
    """Return the folder that holds both pictures and a folder of masks that was named, and the pair of them.

    The pictures lie in a folder beside the masks, or in ``pictures`` itself. Errors: SourceError where no picture has
    the name of a mask.

    Example: ``folders_for(Path("street"), Path("street/masks"))[0]`` is ``Path("street")``.
    """
    beside = [folder for folder in _folders(masks.parent) if folder.name.lower() in IMAGES and folder != masks]
    inside = [folder for folder in beside if folder.is_relative_to(pictures)]
    for folder in (*inside, *(one for one in _folders(pictures) if one.name.lower() in IMAGES), pictures):
        if folder != masks and _alike(folder, masks):
            return Path(os.path.commonpath((folder, masks, pictures))), [(folder, masks)]
    raise SourceError(
        f"no picture in {shown(str(pictures))} is called like a mask in {shown(str(masks))}: masks/1.png is that of"
        " 1.jpg"
    )


def find_pairs(root: Path, folders: Sequence[tuple[Path, Path]] | None = None) -> MaskPairs:
    """Return which picture has which mask; ``folders`` are those of pictures and of masks, None: found by looking.

    Errors: SourceError for one that has several, or may have.

    Example: ``find_pairs(Path("pets")).pairs`` is ``()``.
    """
    pairs: list[MaskPair] = []
    alone: list[str] = []
    over: list[str] = []
    parts = _lists(root)
    for pictures, masks in mask_folders(root) if folders is None else folders:
        mixed = pictures == masks
        named = _by_name(root, pictures, masks)
        plain: dict[str, list[str]] = {}
        for name in named:
            plain.setdefault(_below(name, _PICTURE_WORDS), []).append(name)
        taken: dict[str, str] = {}
        for path in files_below(masks, *SUFFIXES):
            key = path.relative_to(root).as_posix()
            name = without_ending(path.relative_to(masks).as_posix())
            if mixed and not _IN_ONE_FOLDER.search(name):
                continue
            same = [name] if name in named else plain.get(_below(name, _MASK_WORDS), [])
            if len(same) > 1:
                raise SourceError(
                    f"{root}: {shown(key)} may be the mask of {' or '.join(named[one] for one in same[:3])}"
                )
            if not same:
                over.append(key)
                continue
            if (other := taken.setdefault(same[0], key)) != key:
                raise SourceError(
                    f"{root}: {shown(named[same[0]])} has the masks {shown(other)} and {shown(key)}; a mask has every"
                    " class of its picture: keep one, or join them (a mask an object is not learnt)"
                )
        for name, key in named.items():
            if name in taken:
                split = split_of(key) or parts.get(without_ending(key).rpartition("/")[2], "")
                pairs.append(MaskPair(key, taken[name], split))
            else:
                alone.append(key)
    return MaskPairs(tuple(pairs), tuple(alone), tuple(over))


def _below(name: str, words: re.Pattern[str]) -> str:
    """Return a path below its folder of pictures or masks, its last part without words that say what it is."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + _plain(last, words)


def _by_name(root: Path, pictures: Path, masks: Path) -> dict[str, str]:
    """Return the keys of the pictures of a folder by their path in it without ending; masks are none."""
    named: dict[str, str] = {}
    for path in files_below(pictures, *SUFFIXES):
        key = path.relative_to(root).as_posix()
        name = without_ending(path.relative_to(pictures).as_posix())
        if _IN_ONE_FOLDER.search(name) if pictures == masks else path.is_relative_to(masks):
            continue
        if (other := named.setdefault(name, key)) != key:
            raise SourceError(
                f"{root}: {shown(other)} and {shown(key)} differ in their ending alone, and a mask is found by the rest"
                " of the name; rename one, with its mask"
            )
    return named


def _lists(root: Path) -> dict[str, str]:
    """Return the part of each picture by its name, from VOC's ImageSets/Segmentation/{train,val,test}.txt."""
    found: dict[str, str] = {}
    for word in ("train", "val", "test"):
        try:
            lines = files.read_text(root / "ImageSets" / "Segmentation" / f"{word}.txt", limit=files.LIST).splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        found |= {line.strip(): SPLITS[word] for line in lines if line.strip()}
    return found
