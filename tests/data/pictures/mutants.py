"""Broken pictures of every format, each a function of its number: what a fuzzer gives the decoders.

Run as a program, ``python -m tests.data.pictures.mutants BEGIN END``, it decodes those and says what went wrong.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import Image
from tests.data.pictures.files import chunk, gray16, png, saved, scanned, tiff

EXTREMES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "P"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "I;16", "I", "F"),
    "AVIF": ("RGB", "RGBA"),
    "HEIF": ("RGB", "RGBA"),
}
COMPRESSIONS = ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group3", "group4", "zstd", "lzma")


def _image(rng: np.random.Generator, mode: str) -> Image.Image:
    height, width = (int(side) for side in rng.integers(1, 40, 2))
    if mode == "F":
        return Image.fromarray(rng.random((height, width), np.float32))
    if mode in ("I", "I;16"):
        return Image.fromarray(rng.integers(0, 65_536, (height, width)).astype(np.int32 if mode == "I" else np.uint16))
    if mode == "LAB":
        return Image.frombytes("LAB", (width, height), rng.integers(0, 256, (height, width, 3), np.uint8).tobytes())
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(rng.integers(0, 256, (height, width), np.uint8)))
    return image.convert(mode)


def _options(rng: np.random.Generator, form: str, mode: str) -> dict[str, object]:
    options: dict[str, object] = {}
    if rng.random() < 0.4 and form not in ("BMP", "GIF"):
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(0, 10))
        options["exif"] = exif.tobytes()
    if form == "JPEG":
        options |= {"progressive": bool(rng.integers(2)), "quality": int(rng.integers(1, 100))}
    if form == "WEBP":
        options |= {"lossless": bool(rng.integers(2))}
    if form in ("AVIF", "HEIF"):
        options |= {"quality": int(rng.integers(1, 100))} | ({"speed": 10} if form == "AVIF" else {})
    if form == "TIFF":
        some = COMPRESSIONS if mode == "1" else COMPRESSIONS[:5] + COMPRESSIONS[7:]
        options["compression"] = None if (word := str(rng.choice(some))) == "raw" else word
    if form in ("GIF", "PNG", "WEBP", "TIFF", "AVIF") and rng.random() < 0.2:
        options |= {"save_all": True, "append_images": [_image(rng, "RGB") for _ in range(2)]}
    return options


@cache
def bases() -> tuple[bytes, ...]:
    """Return whole pictures of every format, mode and compression, and some that Pillow would not write."""
    with contextlib.suppress(Exception):
        import pillow_heif

        pillow_heif.register_heif_opener()
    found = []
    for form, modes in MODES.items():
        for mode in modes:
            for take in range(6 if form == "TIFF" else 2):
                rng = np.random.default_rng([ord(letter) for letter in form + mode] + [take])
                with contextlib.suppress(Exception):  # what a library does not write is no base
                    found.append(saved(_image(rng, mode), form, **_options(rng, form, mode)))
    jpeg = saved(Image.new("RGB", (30, 20)), "JPEG", progressive=True)
    packed = zlib.compress(bytes(4096))
    common = {258: (3, [8]), 259: (3, [8]), 262: (3, [1]), 277: (3, [1])}
    found += [
        scanned(jpeg, 30),
        png(9, 7, bits=16, colour=6),
        png(9, 7, bits=16, colour=4, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000)))),
        png(9, 7, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(3_000_000))) + chunk(b"acTL", bytes(8))),
        gray16([1, 2, 3, 4000], bits=12),
        gray16([1, 2, 3, 4000], t341=(3, [4095]), t270=(2, b'<OME SignificantBits="12"/>\0')),
        tiff(40, 30, packed, {**common, 322: (4, [64]), 323: (4, [64]), 324: (4, [-1]), 325: (4, [len(packed)])}),
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 5) + bytes(200),
    ]
    return tuple(found)


def mutant(number: int) -> bytes:
    """Return the broken picture of a number: of the first, the whole bases; then of each number the same always."""
    every = bases()
    if number < len(every):
        return every[number]
    rng = np.random.default_rng(number)
    data = bytearray(every[int(rng.integers(len(every)))])
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(min(len(data), 200) if rng.random() < 0.6 else len(data)))
        kind = int(rng.integers(8))
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[place] = int(rng.integers(256))
        elif kind == 2:  # a number in a header, of any width and order
            form = str(rng.choice(["<H", ">H", "<I", ">I"]))
            value = int(rng.choice(EXTREMES)) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
            data[place : place + struct.calcsize(form)] = struct.pack(form, value)
        elif kind == 3:
            del data[place : place + int(rng.integers(1, 64))]
        elif kind == 4:
            piece = data[place : place + int(rng.integers(1, 200))]
            data[place:place] = piece * int(rng.integers(1, 200))
        elif kind == 5:
            del data[place:]
        elif kind == 6:
            other = every[int(rng.integers(len(every)))]
            start = int(rng.integers(len(other)))
            data[place : place + 50] = other[start : start + int(rng.integers(1, 300))]
        else:
            data[place : place + 8] = bytes(rng.integers(0, 256, 8, np.uint8))
        if not data:
            return b""
    return bytes(data)


def tried(numbers: range) -> Iterator[str]:
    """Decode every mutant; yield what is neither pixels nor one line of PictureError."""
    from striate.data.pictures.image import as_array, decode, header, looks_like_picture
    from striate.data.pictures.preprocess import Preprocess
    from striate.errors import PictureError

    how = Preprocess(16, 16, 3)
    for number in numbers:
        data = mutant(number)
        looks_like_picture(data[:16])
        for call in (header, decode, lambda data: decode(data, channels=1, at_least=(4, 4)), how.pixels):
            try:
                got = call(data)
            except PictureError as error:
                text = str(error)
                if not text or "\n" in text or len(text) > 400 or not text.isprintable():
                    yield f"{number}: the reason is {text!r}"
                if "more memory than there is" in text:
                    yield f"{number}: {text}"
            except BaseException as error:
                yield f"{number}: {type(error).__name__}: {error}"
            else:
                if call is decode and (as_array(got).dtype != np.uint8 or 0 in got.shape):
                    yield f"{number}: {got.shape}"


def main() -> None:
    """Decode the numbers named, in no more memory and processor time than is stated, and say what went wrong."""
    import resource

    begin, end, memory, seconds = (int(word) for word in sys.argv[1:5])
    stderr = os.dup(2)  # libtiff says what it does not write while the bases are made; that is not what is looked for
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
        bases()
        os.dup2(stderr, 2)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    for number in range(begin, end):
        print(number, flush=True)  # the last one said is the one that ended the process
        for wrong in tried(range(number, number + 1)):
            print("WRONG", wrong, flush=True)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
