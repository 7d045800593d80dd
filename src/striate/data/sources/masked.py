"""Pictures with a class a pixel: masks in files beside them.

Every mask is looked at once, for what values it holds and whether it fits its picture, which the cache keeps; none is
kept in memory, and `Source.mask` reads one when it is asked for.
"""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.data.labels.class_tables import find_table
from striate.data.labels.classes import shown
from striate.data.labels.marks import MaskMarks
from striate.data.labels.mask_codes import Looked, MaskCode, find_code
from striate.data.labels.mask_files import MaskPair, MaskPairs, find_pairs, folders_for, mask_folders
from striate.data.pictures.image import Header
from striate.data.pictures.modes import turned_back
from striate.data.pictures.stored import Stored, stored_values
from striate.data.sources import mask_notes
from striate.data.sources.items import FolderSource, Item, Rejected, file_header
from striate.errors import PictureError, SourceError
from striate.words import counted, plural

MASKS: Final = "masks"
_Masked = TypeVar("_Masked", bound="MaskedSource")


@dataclass(frozen=True, eq=False)
class MaskedSource(FolderSource):
    """Pictures with masks; ``places`` are the indices of their classes, as files or labels have them, in the names."""

    places: tuple[int, ...] = field(kw_only=True)

    @abstractmethod
    def classes_at(self, index: int) -> NDArray[np.uint8]:
        """Return the class of every pixel of a picture, an index of ``label_names``, 255 for void.

        Errors: SourceError.
        """

    def mask(self, index: int) -> NDArray[np.uint8]:
        """Return the class of every pixel of a picture, (H, W) as it is seen; 255 is void."""
        if not isinstance(self.items[index].target, MaskMarks):
            raise SourceError(f"{self.location}: {self.items[index].key} has no mask")
        return self.classes_at(index)

    def named_as(self: _Masked, names: Sequence[str]) -> _Masked:
        """Return the same source with these names; pixels of a class that is none of them are void."""
        place = {name: at for at, name in enumerate(names)}
        places = tuple(-1 if at < 0 else place.get(self.label_names[at], -1) for at in self.places)
        return replace(self, label_names=tuple(names), places=places)


@dataclass(frozen=True, eq=False)
class MaskFileSource(MaskedSource):
    """Masks that are files, read by ``code``."""

    code: MaskCode = field(kw_only=True)

    def classes_at(self, index: int) -> NDArray[np.uint8]:
        """Return the class of every pixel of a picture, read from its file."""
        marks = self.items[index].target
        assert isinstance(marks, MaskMarks)
        try:
            stored = _stored(self.root / marks.key)
            mask = _turned(self.code.read(stored, self.places), file_header(self.path(index)))
        except (PictureError, SourceError) as error:
            raise SourceError(f"{self.root / marks.key} {error}") from None
        return mask


@dataclass(frozen=True)
class _Seen:
    """What a mask was found to be, or why it is none."""

    looked: Looked | None
    stamp: str = ""
    turned: str = ""  # "file": in the frame of the file; "untold": nothing tells in which
    why: str = ""

    def note(self, pair: MaskPair, stamp: str) -> list[Any] | None:
        """Return what is kept of it, plain JSON; None of what is not."""
        one = self.looked
        if one is None or not stamp or not mask_notes.small(one.values):
            return None
        return [stamp, pair.picture, list(one.values), one.colours, list(one.palette), self.stamp, self.turned]

    @classmethod
    def of(cls, note: Any, pair: MaskPair, stamp: str) -> _Seen | None:
        """Return what `note` made, None where that is of other files, or does not read."""
        if not isinstance(note, list) or len(note) != 7 or not stamp or note[:2] != [stamp, pair.picture]:
            return None
        values, colours, palette, digest, turned = note[2:]
        if not (isinstance(values, list) and isinstance(palette, list) and isinstance(colours, bool)):
            return None
        if not all(type(one) is int and 0 <= one < 2**24 for one in (*values, *palette)):
            return None
        if not (isinstance(digest, str) and turned in ("", "file", "untold", "seen")):
            return None
        return cls(Looked(pair.mask, tuple(values), colours, tuple(palette)), digest, turned)


def mask_source(path: Path, *, name: str, masks: Path | None = None, least_classes: int = 2) -> MaskFileSource:
    """Return the pictures of a folder that have masks beside them; ``masks`` is the folder of these, None: found.

    Errors: SourceError for masks that say no classes, or of which none fits its picture.

    Example: ``mask_source(Path("street"), name="street").mask(0).max()`` is 1.
    """
    root, pairs = (path, mask_folders(path)) if masks is None else folders_for(path, masks)
    found = find_pairs(root, pairs)
    if not found.pairs:
        raise SourceError(f"{shown(str(masks or path))} holds no masks beside pictures of the same names")
    folders = [folder for _, folder in pairs]
    table = find_table(path, *dict.fromkeys(folder.parent for folder in folders), *folders)
    seen = _seen(root, found.pairs)
    good = [(pair, one) for pair, one in zip(found.pairs, seen, strict=True) if one.looked is not None]
    bad = [Rejected(pair.picture, one.why) for pair, one in zip(found.pairs, seen, strict=True) if one.looked is None]
    if not good:
        first = f"; {bad[0].key}: {bad[0].reason}" if bad else ""
        raise SourceError(f"{shown(str(path))} holds no mask that fits its picture{first}")
    code = find_code([one.looked for _, one in good if one.looked], table, least=least_classes)
    notes = (
        f"{counted(len(good), 'picture')} with masks of {counted(len(code.names), 'class')}:"
        f" {', '.join(code.names[:12])}{', ...' if len(code.names) > 12 else ''}",
        *code.notes,
        *_frames([one.turned for _, one in good]),
        *_over(found),
    )
    return MaskFileSource(
        name,
        str(path),
        code.names,
        tuple(Item(pair.picture, MaskMarks(pair.mask, one.stamp), pair.split or None) for pair, one in good),
        rejected=(*bad, *(Rejected(key, "it has no mask", bad=False) for key in found.pictures)),
        notes=notes,
        kind=MASKS,
        root=root,
        places=tuple(range(len(code.names))),
        code=code,
    )


def _seen(root: Path, pairs: Sequence[MaskPair]) -> list[_Seen]:
    """Return what each mask was found to be, from the cache or looked at now."""
    notes = mask_notes.kept(root)
    stamps = [mask_notes.stamp_of(root, pair) for pair in pairs]

    def look(pair: MaskPair, stamp: str) -> tuple[_Seen, bool]:
        known = _Seen.of(notes.get(pair.mask), pair, stamp)
        return (_look(root, pair), True) if known is None else (known, False)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="striate-masks") as pool:
        found = list(pool.map(look, pairs, stamps))
    if any(new for _, new in found):
        each = zip(pairs, stamps, found, strict=True)
        mask_notes.keep(root, {pair.mask: note for pair, stamp, (one, _) in each if (note := one.note(pair, stamp))})
    return [one for one, _ in found]


def _stored(path: Path) -> Stored:
    try:
        return stored_values(files.read_bytes(path, limit=files.PICTURE))
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from None


def _look(root: Path, pair: MaskPair) -> _Seen:
    """Look at a mask and its picture."""
    try:
        data = files.read_bytes(root / pair.mask, limit=files.PICTURE)
        stored = stored_values(data)
    except OSError as error:
        return _Seen(None, why=f"its mask {shown(pair.mask)} cannot be read: {error.strerror or error}")
    except PictureError as error:
        return _Seen(None, why=f"its mask {shown(pair.mask)} {error}")
    if stored.format == "JPEG":
        return _Seen(None, why=f"its mask {shown(pair.mask)} is a JPEG, which changes values; save masks as PNG")
    try:
        head = file_header(root / pair.picture)
    except PictureError as error:
        return _Seen(None, why=str(error))
    size = stored.values.shape
    if size not in _sizes(head):
        return _Seen(
            None,
            why=f"its mask {shown(pair.mask)} is {size[1]} x {size[0]} pixels, and the picture"
            f" {head.width} x {head.height}",
        )
    told = "" if head.orientation == 1 else "file" if size != (head.height, head.width) else "untold"
    if told == "untold" and head.orientation >= 5 and head.height != head.width:
        told = "seen"
    stamp = hashlib.blake2b(data, digest_size=8).hexdigest()
    return _Seen(Looked.at(pair.mask, stored), stamp, told)


def _sizes(head: Header) -> tuple[tuple[int, int], ...]:
    """Return the sizes, height and width, that a mask of a picture may have: as it is seen, and as its rows lie."""
    seen = (head.height, head.width)
    return (seen, seen[::-1]) if head.orientation >= 5 else (seen,)


def _turned(mask: NDArray[np.uint8], head: Header) -> NDArray[np.uint8]:
    """Return a mask in the frame of its picture as it is seen. Errors: SourceError for another size."""
    seen = (head.height, head.width)
    if mask.shape == seen:
        return mask
    if mask.shape not in _sizes(head):
        raise SourceError(f"is {mask.shape[1]} x {mask.shape[0]} pixels, and its picture {head.width} x {head.height}")
    upright = np.empty(seen, np.uint8)
    turned_back(upright, head.orientation)[...] = mask
    return upright


def _frames(told: Sequence[str]) -> tuple[str, ...]:
    """Return what to say of masks of pictures that EXIF turns."""
    said = {
        "file": "lie as the rows of the file; they are turned with the pictures",
        "seen": "lie as the picture is seen, as their sizes say",
        "untold": "may lie either way, as far as their sizes tell; they are taken as the picture is seen",
    }
    return tuple(
        f"EXIF turns {counted(told.count(one), 'picture')} whose masks {what}"
        for one, what in said.items()
        if one in told
    )


def _over(found: MaskPairs) -> tuple[str, ...]:
    notes = []
    for keys, what in ((found.pictures, "picture"), (found.masks, "mask")):
        if keys:
            other = "mask" if what == "picture" else "picture"
            notes.append(
                f"{counted(len(keys), what)} without a {other} {plural(len(keys), 'is')} left out (the first:"
                f" {shown(keys[0])})"
            )
    return tuple(notes)
