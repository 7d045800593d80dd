"""A small file may not take much memory or time: refused from its bytes, or decoded within stated bounds."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.pictures.files import chunk, gray16, png, saved, scanned, tiff

from striate.data.pictures.bounds import Limits, check_parts, check_work, scans, tiff_tags
from striate.data.pictures.image import decode
from striate.errors import PictureError

MB = 2**20
MEASURE = """
import resource, sys
from striate.data.pictures.image import decode
from striate.data.pictures.preprocess import Preprocess
from striate.errors import PictureError
how = Preprocess(64, 64, 3)
decode(open(sys.argv[1], "rb").read())  # what the decoders need once
data = open(sys.argv[2], "rb").read()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
before = status("VmRSS")
try:
    how.pixels(data)
    print("decoded", status("VmHWM") - before)
except PictureError as error:
    print("refused", status("VmHWM") - before, error)
"""
linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read as Linux has it"
)


def measured(data: bytes, folder: Path) -> tuple[str, int, str]:
    """Return "decoded" or "refused", the memory that it took at most (bytes, beside the file's), and the reason."""
    (folder / "first.png").write_bytes(saved(Image.new("RGB", (8, 8)), "PNG"))
    (folder / "picture").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, folder / "first.png", folder / "picture"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    word, kilobytes, *reason = done.stdout.split(maxsplit=2)
    return word, int(kilobytes) * 1024, " ".join(reason)


SIDE = 2000
LARGE = {
    "CIELAB": lambda: saved(Image.new("LAB", (SIDE, SIDE)), "TIFF", compression="tiff_deflate"),
    "float": lambda: saved(Image.new("F", (SIDE, SIDE)), "TIFF", compression="tiff_deflate"),
    "32-bit": lambda: saved(Image.new("I", (SIDE, SIDE)), "TIFF", compression="tiff_deflate"),
    "CMYK": lambda: saved(Image.new("CMYK", (SIDE, SIDE)), "TIFF", compression="tiff_deflate"),
    "RGBA 16": lambda: png(SIDE, SIDE, bits=16, colour=6),
    "gray alpha 16": lambda: png(SIDE, SIDE, bits=16, colour=4),
    "RGBA": lambda: png(SIDE, SIDE, colour=6),
    "key colour": lambda: png(SIDE, SIDE, before=chunk(b"tRNS", b"\0\1\0\1\0\1")),
    "palette": lambda: saved(Image.new("P", (SIDE, SIDE)), "GIF", transparency=0),
    "progressive": lambda: saved(Image.new("RGB", (SIDE, SIDE)), "JPEG", progressive=True, subsampling=0),
    "turned": lambda: saved(Image.new("RGB", (SIDE, SIDE)), "TIFF", compression="tiff_lzw", tiffinfo={274: 6}),
    "one strip": lambda: tiff(
        SIDE, SIDE, zlib.compress(bytes(SIDE * SIDE * 8), 1),
        {258: (3, [16] * 4), 259: (3, [8]), 262: (3, [2]), 277: (3, [4]), 278: (4, [SIDE]), 338: (3, [2])},
    ),
    "WebP": lambda: saved(Image.new("RGBA", (SIDE, SIDE)), "WEBP", lossless=True),
    "AVIF": lambda: saved(Image.new("RGB", (SIDE, SIDE)), "AVIF", speed=10),
}  # fmt: skip


@linux
@pytest.mark.parametrize("kind", LARGE)
def test_what_decoding_takes_is_what_was_told_before(kind: str, tmp_path: Path) -> None:
    data = LARGE[kind]()
    word, taken, _ = measured(data, tmp_path)
    assert word == "decoded"
    with Image.open(tmp_path / "picture") as picture:
        told = check_work(picture, data, Limits())
    assert told <= 20 * SIDE * SIDE
    # A strip and its conversion, the decoders' own buffers and the file come on top.
    assert taken <= told + 16 * MB + 2 * len(data), f"{taken / SIDE**2:.1f} bytes a pixel, told {told / SIDE**2:.1f}"


def refused(data: bytes, match: str, limits: Limits | None = None) -> None:
    with pytest.raises(PictureError, match=match):
        decode(data, limits=limits or Limits())


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    plain = saved(Image.new("L", (640, 480)), "JPEG", progressive=True, quality=10)
    assert scans(plain) == 6
    assert decode(scanned(plain, 20)).shape == (480, 640, 3)
    refused(scanned(plain, 15_000), "too much work: 15,006 scans of 307,200 pixels")
    refused(scanned(plain, 60), r"too much work: 66 scans of 307,200 pixels", Limits(visits=20_000_000))


def test_scans_of_a_sequential_jpeg_are_counted_where_there_may_be_several() -> None:
    plain = saved(Image.new("L", (64, 64)), "JPEG")
    claimed = bytearray(plain)
    claimed[plain.find(b"\xff\xc0") + 9] = 3  # components: the first scan has one of them, others may follow
    refused(scanned(bytes(claimed), 2_000), "too much work: 2,001 scans")


def test_thumbnails_inside_a_jpeg_are_no_scans_of_it() -> None:
    plain = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    thumbnail = saved(Image.new("RGB", (8, 8)), "JPEG")
    many = b"".join(b"\xff\xe5" + struct.pack(">H", len(thumbnail) + 2) + thumbnail for _ in range(50))
    assert scans(plain[:2] + many + plain[2:]) == scans(plain)
    assert decode(plain[:2] + many + plain[2:], limits=Limits(visits=20 * 64 * 64)).shape == (64, 64, 3)
    assert scans(plain + scanned(plain, 100)) == scans(plain)  # what follows the end is another picture


def test_a_picture_of_a_million_parts_is_refused() -> None:
    whole = png(4, 4)
    head, rest = whole[:33], whole[33:]
    many = head + chunk(b"IDAT", b"") * 150_000 + rest
    refused(many, "a PNG of 150,003 chunks, over 100,000")
    assert decode(head + chunk(b"tEXt", b"a\0b") * 500 + rest).shape == (4, 4, 3)
    jpeg = saved(Image.new("RGB", (8, 8)), "JPEG")
    refused(jpeg[:2] + b"\xff\xfe\0\2" * 150_000 + jpeg[2:], "a JPEG of over 100,000 segments")
    refused(jpeg[:2] + (b"\xff\xe1\0\x08Exif\0\0") * 65 + jpeg[2:], "a JPEG of over 6[0-9] segments")
    big = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**40) + bytes(2_000)
    refused(big, "a TIFF of 1,099,511,627,776 tags")


def test_tiles_far_larger_than_their_picture_are_refused() -> None:
    common = {258: (3, [8]), 259: (3, [8]), 262: (3, [1]), 277: (3, [1])}
    data = zlib.compress(bytes(10_000))
    huge = tiff(10, 10, data, {**common, 322: (4, [40_000]), 323: (4, [40_000]), 324: (4, [-1]), 325: (4, [len(data)])})
    refused(huge, "too much work: a TIFF in 1 tiles of 40,000 x 40,000 pixels, 1,600,000,000 bytes")
    many = {322: (4, [16]), 323: (4, [1_000_000]), 324: (4, [-1] * 600), 325: (4, [len(data)] * 600)}
    refused(tiff(9_600, 1, data, {**common, **many}), r"a TIFF in 600 tiles of 16 x 1,000,000 pixels, 9,600,000,000")


def test_memory_is_refused_with_the_numbers() -> None:
    refused(
        saved(Image.new("RGB", (100, 100)), "WEBP"),
        "decoding 100 x 100 pixels of this WEBP takes 160,000 bytes, over 159,999; make it smaller",
        Limits(memory=159_999),
    )
    assert decode(saved(Image.new("RGB", (100, 100)), "WEBP"), limits=Limits(memory=160_000)).shape == (100, 100, 3)


def test_the_canvas_of_a_webp_is_checked_before_it_is_made() -> None:
    data = bytearray(saved(Image.new("RGBA", (9, 9), (1, 2, 3, 4)), "WEBP"))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\x3f\0\xff\x3f\0"
    with pytest.raises(PictureError, match="16384 x 16384 is 268,435,456 pixels, over 100,000,000"):
        check_parts(bytes(data), Limits())


def test_the_largest_plain_pictures_are_within_the_limits() -> None:
    limits, pixels = Limits(), 100_000_000
    assert 7 * pixels <= limits.memory, "RGBA, and what it becomes"
    assert (2 * 4 + 4) * pixels <= limits.memory, "a progressive CMYK JPEG"
    assert 12 * pixels <= limits.memory, "RGBA of 16 bits in one strip"


def test_the_first_directory_of_a_tiff() -> None:
    tags = tiff_tags(gray16([1, 2, 3], t341=(3, [4095]), t270=(2, b"<OME SignificantBits='12'/>\0")))
    assert (tags.first(256, 0), tags.first(258, 0), tags.first(341, 0), tags.first(999, 7)) == (3, 16, 4095, 7)
    assert tags.description == b"<OME SignificantBits='12'/>\0"
    for broken in (b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0+" + b"\xff" * 30, gray16([1, 2, 3])[:40]):
        tiff_tags(broken)


def test_libtiff_says_nothing_and_others_may(tmp_path: Path) -> None:
    """Broken TIFFs make libtiff write to descriptor 2 by itself; that is silent, in every thread, and ours is not."""
    rng = np.random.default_rng(3)
    for number, compression in enumerate(["group4", "tiff_lzw", "tiff_deflate", "jpeg", "group3"] * 8):
        mode = "1" if compression.startswith("group") else "RGB"
        pixels = Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).convert(mode)
        data = bytearray(saved(pixels, "TIFF", compression=compression))
        for place in rng.integers(8, len(data), 20 if number % 2 else 3):
            data[place] = rng.integers(256)
        (tmp_path / f"{number}.tif").write_bytes(data)
    code = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from striate.data.pictures.image import decode
from striate.errors import PictureError
def tried(path):
    os.write(2, b".")
    try:
        decode(path.read_bytes())
    except PictureError:
        return 1
    return 0
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(tried, sorted(Path(sys.argv[1]).glob("*.tif")))))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10
    assert done.stderr == "." * 40
