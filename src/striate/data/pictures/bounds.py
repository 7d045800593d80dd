"""What decoding a picture would take, told from its bytes before it begins. May import errors only; no torch.

A file of a few kilobytes can ask for gigabytes or minutes: a JPEG repeats scans, a PNG is cut into a million chunks, a
TIFF is made of tiles far larger than itself. Pixels alone say little: what counts is pixels x channels x depth x the
copies that a decoder makes, and how often it goes over them.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from striate.errors import PictureError

PNG: Final = b"\x89PNG\r\n\x1a\n"
TEXTS: Final = (b"iCCP", b"zTXt", b"iTXt", b"tEXt")
_PARTS: Final = 100_000  # chunks of a PNG, segments of a JPEG, entries of a TIFF: each costs Python's time
_SCANS: Final = 1_000  # of a JPEG, however small: tools write ten, the finest script that there is a few hundred
_EXIF: Final = 64  # segments of notes in a JPEG, which Pillow lays together one by one
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Bytes a pixel beside Pillow's picture: what a decoder holds at the same time, measured (docs/performance.md).
_WORK: Final = {"WEBP": 12, "AVIF": 14, "HEIF": 12}
_WIDE: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}  # the other modes have 4


@dataclass(frozen=True)
class Limits:
    """What is refused from the header alone: more ``pixels`` in all, or a longer ``side`` (pixels); more ``memory``
    than that for decoding (bytes), or more ``visits`` to pixels, counting each of a JPEG's scans.
    """

    pixels: int = 100_000_000
    side: int = 65_500
    memory: int = 1_300_000_000
    visits: int = 4_000_000_000


@dataclass(frozen=True)
class Tags:
    """What the first directory of a TIFF says: tag -> its values (whole numbers or text), as far as they are few."""

    values: dict[int, tuple[int, ...]] = field(default_factory=dict)
    description: bytes = b""

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return (self.values.get(tag) or (default,))[0]


def check_parts(data: bytes, limits: Limits) -> None:
    """Refuse, before anything is opened, very many parts, or a canvas over the limits. Errors: PictureError."""
    if data.startswith(b"\xff\xd8"):
        _several_scans(data)
    elif data.startswith(PNG):
        _check_chunks(data)
    elif data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        tiff_tags(data)
    elif data[:4] == b"RIFF" and data[12:16] == b"VP8X":  # two canvases are made as soon as it is opened
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        check_size(width, height, limits)


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse a size over the limits, or none. Errors: PictureError with the numbers."""
    if width * height > limits.pixels:
        raise PictureError(f"too large: {width} x {height} is {width * height:,} pixels, over {limits.pixels:,}")
    if max(width, height) > limits.side:
        raise PictureError(f"too large: a side of {max(width, height):,} pixels, over {limits.side:,}")
    if not width or not height:
        raise PictureError(f"no pixels: {width} x {height}")


def check_work(picture: Image.Image, data: bytes, limits: Limits) -> int:
    """Return the bytes that decoding an opened picture takes at most, beside its file.

    Errors: PictureError where that, or the times each pixel is visited, is over the limits.
    """
    pixels = picture.size[0] * picture.size[1]
    work = _WORK.get(str(picture.format), 0) * pixels
    if picture.format in ("JPEG", "MPO"):
        work = _check_scans(picture, data, pixels, limits)
    elif picture.format == "TIFF":
        work = _check_tiles(picture, tiff_tags(data), limits)
    # Pillow's picture beside what the decoder holds; then, at three bytes a pixel, beside what it is converted to, and
    # that beside the picture of four bytes a pixel that Pillow makes of it again to resize it.
    memory = max(work + _WIDE.get(picture.mode, 4) * pixels, 7 * pixels)
    if memory > limits.memory:
        raise PictureError(
            f"too large: decoding {picture.size[0]} x {picture.size[1]} pixels of this {picture.format} takes"
            f" {memory:,} bytes, over {limits.memory:,}; make it smaller, or save it as a plain JPEG or PNG"
        )
    return memory


def scans(data: bytes) -> int:
    """Return how many scans a JPEG has, thumbnails inside it not counted."""
    place, number = 2, 0
    while (found := _MARKER.search(data, place)) is not None:
        marker, place = data[found.start() + 1], found.end()
        if marker == 0xD9:
            break
        number += marker == 0xDA
        if marker != 0x01 and place + 2 <= len(data):
            place += max(2, struct.unpack_from(">H", data, place)[0])
    return number


def _check_scans(picture: Image.Image, data: bytes, pixels: int, limits: Limits) -> int:
    """Return what libjpeg holds beside the picture: the coefficients, where a picture has several scans."""
    number = data.count(b"\xff\xda") if _several_scans(data) else 1  # which is never too few
    if number > _SCANS or number * pixels > limits.visits:
        number = scans(data)
        if number > _SCANS or number * pixels > limits.visits:
            raise PictureError(
                f"too much work: {number:,} scans of {pixels:,} pixels; JPEGs have about ten. Save it again as a JPEG"
            )
    layers: list[tuple[int, int, int, int]] = getattr(picture, "layer", [])
    if number < 2 or not layers:
        return 0
    most = max(across * down for _, across, down, _ in layers)
    return 2 * pixels * sum(across * down for _, across, down, _ in layers) // max(1, most)


def _check_chunks(png: bytes) -> None:
    place, number = len(PNG), 0
    while place + 12 <= len(png):
        number += 1
        place += 12 + int.from_bytes(png[place : place + 4], "big")
    if number > _PARTS:
        raise PictureError(f"too much work: a PNG of {number:,} chunks, over {_PARTS:,}; save it again")


def without_texts(png: bytes) -> bytes:
    """Return a PNG without its texts and colour profile."""
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        if png[place + 4 : place + 8] not in TEXTS:
            kept.append(png[place : place + 12 + length])
        place += 12 + length
    return b"".join(kept)


def _several_scans(jpeg: bytes) -> bool:
    """Return whether the first scan need not be the last; it always is where one is all of a sequential JPEG.

    Errors: PictureError for more segments before the first scan than any tool writes.
    """
    place, number, notes, components = 2, 0, 0, 0
    while place + 10 <= len(jpeg) and jpeg[place] == 0xFF:
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if marker == 0xDA:
            return components == 0 or jpeg[place + 4] < components
        if marker in (0xC0, 0xC1, 0xC9):  # sequential; all others are progressive or none that is read
            components = jpeg[place + 9]
        number += 1
        notes += marker == 0xE1 and jpeg[place + 4 : place + 8] == b"Exif"
        if number > _PARTS or notes > _EXIF:
            raise PictureError(f"too much work: a JPEG of over {number - 1:,} segments; save it again")
        place += 2 + length
    return True


_REAL: Final = {11: "f", 12: "d"}


def tiff_tags(data: bytes) -> Tags:
    """Return the first directory of a TIFF as far as it can be read. Errors: PictureError for one of very many entries.

    Values that are not whole numbers, and more than four of one tag, are left out. A largest sample value (281, 341)
    may be written as floating point, as Pillow does.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    try:
        if big:
            (at,) = struct.unpack_from(order + "Q", data, 8)
            (number,) = struct.unpack_from(order + "Q", data, at)
            at, entry, room = at + 8, struct.Struct(order + "HHQ"), 8
        else:
            (at,) = struct.unpack_from(order + "I", data, 4)
            (number,) = struct.unpack_from(order + "H", data, at)
            at, entry, room = at + 2, struct.Struct(order + "HHI"), 4
    except (struct.error, OverflowError):
        return Tags()
    if number > _PARTS:
        raise PictureError(f"too much work: a TIFF of {number:,} tags, over {_PARTS:,}")
    values: dict[int, tuple[int, ...]] = {}
    description = b""
    for _ in range(number):
        if at + entry.size + room > len(data):
            break
        tag, kind, count = entry.unpack_from(data, at)
        word = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind) or (_REAL.get(kind) if tag in (281, 341) else None)
        where = at + entry.size
        if word is not None or (tag, kind) == (270, 2):
            size = struct.calcsize(word or "B") * count
            if size > room:
                (where,) = struct.unpack_from(order + ("Q" if big else "I"), data, where)
            if word is not None and count <= 4 and where + size <= len(data):
                found = struct.unpack_from(f"{order}{count}{word}", data, where)
                if all(float(value).is_integer() for value in found):
                    values.setdefault(tag, tuple(map(int, found)))
            elif word is None:
                description = data[where : where + min(count, 1 << 16)]
        at += entry.size + room
    return Tags(values, description)


def _check_tiles(picture: Image.Image, tags: Tags, limits: Limits) -> int:
    """Return what libtiff holds of one strip or tile, and what turning the picture upright takes."""
    width, height = picture.size
    if tags.first(274, 1) >= 5:
        width, height = height, width  # the size told is the upright one
    samples = max(1, tags.first(277, 1))
    bits = max(tags.values.get(258, (1,)))
    planes = samples if tags.first(284, 1) == 2 else 1
    if 322 in tags.values:
        across, down = tags.first(322, 0), tags.first(323, 0)
        number = -(-width // max(1, across)) * -(-height // max(1, down))
    else:
        across, down = width, min(height, max(1, tags.first(278, height)))
        number = -(-height // max(1, down))
    piece = -(-across * down * bits * samples // planes // 8)
    visited = piece * planes * number
    if piece > limits.memory or visited > limits.visits:
        raise PictureError(
            f"too much work: a TIFF in {number * planes:,} tiles of {across:,} x {down:,} pixels, {visited:,} bytes for"
            f" a picture of {width:,} x {height:,}; save it again"
        )
    turned = 4 * width * height if tags.first(274, 1) != 1 else 0
    return (0 if tags.first(259, 1) == 1 else piece) + turned
