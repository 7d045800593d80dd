"""Pictures as files: saved by Pillow, or put together byte by byte where Pillow would never write them so."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

from PIL import Image

_WORDS = {1: "B", 2: "c", 3: "H", 4: "I"}


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """Return what Pillow writes."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, *, bits: int = 8, colour: int = 2, before: bytes = b"", pixels: bytes | None = None
) -> bytes:
    """Return a PNG of any depth and kind (0 gray, 2 RGB, 4 gray and alpha, 6 RGBA), all of one value or ``pixels``."""
    row = width * {0: 1, 2: 3, 4: 2, 6: 4}[colour] * bits // 8
    packed = zlib.compressobj(1)
    rows = (b"\x33" * row if pixels is None else pixels[y * row :][:row] for y in range(height))
    data = b"".join(packed.compress(b"\0" + line) for line in rows) + packed.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )  # fmt: skip


def tiff(width: int, height: int, data: bytes, tags: Mapping[int, tuple[int, Sequence[int] | bytes]]) -> bytes:
    """Return a little-endian TIFF: ``tags`` are tag -> (type, values); width, height and where ``data`` lies are added.

    A tag of -1 in a list of values stands for the place of the data.
    """
    every: dict[int, tuple[int, Sequence[int] | bytes]] = {256: (4, [width]), 257: (4, [height])}
    if 324 not in tags:
        every |= {273: (4, [-1]), 279: (4, [len(data)])}
    every |= tags
    begin = 8 + 2 + 12 * len(every) + 4

    def laid_out(place: int) -> tuple[bytes, bytes]:
        entries, beside = b"", b""
        for tag, (kind, values) in sorted(every.items()):
            if isinstance(values, bytes):
                body = values
            else:
                body = b"".join(struct.pack("<" + _WORDS[kind], place if v == -1 else v) for v in values)
            entries += struct.pack("<HHI", tag, kind, len(values))
            if len(body) <= 4:
                entries += body.ljust(4, b"\0")
            else:
                entries += struct.pack("<I", begin + len(beside))
                beside += body
        return entries, beside

    place = begin + len(laid_out(0)[1])
    entries, beside = laid_out(place)
    return b"II*\0" + struct.pack("<IH", 8, len(every)) + entries + struct.pack("<I", 0) + beside + data


def gray16(values: Sequence[int], *, bits: int = 16, **tags: tuple[int, Sequence[int] | bytes]) -> bytes:
    """Return a TIFF of one row of whole numbers, of ``bits`` 12 or 16; ``tags`` as ``t341=(3, [4095])``."""
    if bits == 16:
        data = struct.pack(f"<{len(values)}H", *values)
    else:
        text = "".join(f"{value:012b}" for value in values)
        data = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
    common = {258: (3, [bits]), 259: (3, [1]), 262: (3, [1]), 277: (3, [1]), 278: (4, [1])}
    return tiff(len(values), 1, data, {**common, **{int(name[1:]): value for name, value in tags.items()}})


def scanned(jpeg: bytes, times: int) -> bytes:
    """Return a progressive JPEG whose last scan stands there so many times more."""
    begin, end = jpeg.rfind(b"\xff\xda"), jpeg.rfind(b"\xff\xd9")
    return jpeg[:end] + jpeg[begin:end] * times + jpeg[end:]
