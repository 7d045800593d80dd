"""Masks as a format of labels: read to outlines of classes, written from outlines.

A mask says which class a pixel is of and not which object: read, all pixels of a class are one object in parts.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from striate import files
from striate.data.labels.class_tables import find_table
from striate.data.labels.classes import shown
from striate.data.labels.drawn import Drawn, DrawnPicture, Reading
from striate.data.labels.filled import mask_of
from striate.data.labels.mask_codes import Looked, find_code
from striate.data.labels.mask_files import IMAGES, find_pairs, mask_folders
from striate.data.labels.objects import ObjectSet
from striate.data.labels.picture_files import without_ending
from striate.data.labels.traced import traced
from striate.data.pictures.crop_transform import VOID
from striate.data.pictures.stored import Stored, stored_values
from striate.errors import PictureError, SourceError
from striate.words import counted

BACKGROUND: Final = "background"


def read_masks(path: Path) -> Reading:
    """Return what the masks beside the pictures of a folder show: the outline of every class but the background.

    Void is left out. Each mask is decoded twice, so that none is kept.
    Errors: SourceError for masks that do not read or say no classes.

    Example: ``read_masks(Path("street")).pictures[0].drawn[0].label`` is ``"0"``.
    """
    reading = Reading("a mask a picture")
    if not path.is_dir():
        raise SourceError(f"{shown(str(path))} is a file; masks are a folder beside a folder of pictures")
    pairs = find_pairs(path).pairs
    if not pairs:
        raise SourceError(f"{shown(str(path))} holds no masks beside pictures of the same names")
    table = find_table(path, *dict.fromkeys(folder.parent for _, folder in mask_folders(path)))
    code = find_code([Looked.at(pair.mask, _stored(path, pair.mask)) for pair in pairs], table, least=1)
    reading.notes += code.notes
    reading.classes += [name for name in code.names if name.lower() != BACKGROUND]
    void = 0
    for pair in pairs:
        stored = _stored(path, pair.mask)
        mask = code.read(stored, range(len(code.names)))
        void += bool((mask == VOID).any())
        drawn = tuple(
            Drawn.around(code.names[at], traced(mask == at))
            for at in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:VOID]).tolist()
            if code.names[at].lower() != BACKGROUND
        )
        size = (mask.shape[1], mask.shape[0])
        reading.pictures.append(DrawnPicture(pair.picture, path / pair.mask, drawn, size, split=pair.split))
    if void:
        reading.notes.append(f"void pixels of {counted(void, 'mask')} are left out, and belong to no object")
    return reading


def _stored(root: Path, key: str) -> Stored:
    try:
        stored = stored_values(files.read_bytes(root / key, limit=files.PICTURE))
    except OSError as error:
        raise SourceError(f"{root / key} cannot be read: {error.strerror or error}") from None
    except PictureError as error:
        raise SourceError(f"{root / key} {error}") from None
    if stored.format == "JPEG":
        raise SourceError(f"{root / key} is a JPEG, which changes values; save masks as PNG")
    return stored


def write_masks(objects: ObjectSet) -> dict[str, bytes]:
    r"""Return the files of a folder of masks: PNG of numbers with VOC's colours, and ``classes.txt`` that names them.

    0 is the background, 255 void: objects to be ignored, and those that are known by their boxes alone. A picture of
    ``images`` has its mask in ``masks``. Errors: SourceError for more classes than masks have room for, and where two
    pictures differ in their ending.

    Example: ``write_masks(ObjectSet("x", ("cat",), ()))["classes.txt"]`` is ``b"0 background\n1 cat\n"``.
    """
    own = next((at for at, name in enumerate(objects.classes) if name.lower() == BACKGROUND), None)
    names = [name for at, name in enumerate(objects.classes) if at != own]
    if len(names) >= VOID:
        raise SourceError(f"a mask has room for {VOID - 1} classes and the background, and there are {len(names):,}")
    numbers = [0 if at == own else names.index(name) + 1 for at, name in enumerate(objects.classes)]
    made = {"classes.txt": "".join(f"{at} {name}\n" for at, name in enumerate([BACKGROUND, *names])).encode()}
    for picture in objects.pictures:
        path = _path(picture.key)
        if path in made:
            raise SourceError(f"{picture.key} and another picture would both have the mask {path}; rename one")
        image = Image.fromarray(mask_of(picture, numbers, background=0))
        image.putpalette(PALETTE)
        file = io.BytesIO()
        image.save(file, "PNG", optimize=False)
        made[path] = file.getvalue()
    return made


def _path(key: str) -> str:
    """Return where the mask of a picture lies: its last folder that is called like one of pictures is ``masks``."""
    parts = without_ending(key).split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at].lower() in IMAGES:
            return "/".join((*parts[:at], "masks", *parts[at + 1 :])) + ".png"
    return "masks/" + "/".join(parts) + ".png"


def _colours() -> bytes:
    """Return the colours of VOC's masks, three bytes a number: bit by bit of it, the lowest to the highest of each.

    Source: the colour map of the PASCAL VOC development kit (2012), written anew here.
    """
    table = np.zeros((256, 3), np.uint8)
    number = np.arange(256)
    for bit in range(8):
        for band in range(3):
            table[:, band] |= (((number >> (3 * bit + band)) & 1) << (7 - bit)).astype(np.uint8)
    return table.tobytes()


PALETTE: Final = _colours()
