"""What the file says beside its pixels: an ending that is another format's, unusual kinds of pixels, a turn by EXIF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from striate.data.sources.listing import suffix_of
from striate.search.examined import Examined, Finding, of_rows, standing_out
from striate.words import counted, plural

ENDINGS: Final = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "mpo"), "JPEG"),
    **dict.fromkeys(("png", "apng"), "PNG"),
    "webp": "WEBP",
    **dict.fromkeys(("bmp", "dib"), "BMP"),
    "gif": "GIF",
    **dict.fromkeys(("tif", "tiff"), "TIFF"),
    **dict.fromkeys(("avif", "avifs"), "AVIF"),
    **dict.fromkeys(("heic", "heif", "hif"), "HEIF"),
}
UNUSUAL: Final = {
    "CMYK": "inks (CMYK), made to colours without a profile",
    "YCCK": "inks (YCCK), made to colours without a profile",
    "LAB": "CIE L*a*b*, made to sRGB",
    "F": "floating-point numbers",
    "I": "32 bits a pixel, of which 8 are kept",
    "I;16": "16 bits a pixel, of which 8 are kept",
    "I;16B": "16 bits a pixel, of which 8 are kept",
    "1": "black and white without a gray",
    "RGBA": "transparency, laid over white",
    "LA": "transparency, laid over white",
    "PA": "transparency, laid over white",
}


def wrong_ending(examined: Examined) -> Iterator[Finding]:
    """Find files whose name ends like another format's than they are."""
    said = [ENDINGS.get(suffix_of(path), "") for path in examined.paths]
    forms = [form.decode() for form in examined.rows["format"]]
    wrong = [row for row, (one, other) in enumerate(zip(said, forms, strict=True)) if one and one != other]
    if not wrong:
        return
    words = [f"is {forms[row]}" for row in wrong]
    cases, share = of_rows(examined, np.array(wrong), words)
    yield Finding(
        "wrong-ending",
        "to know",
        f"{counted(len(wrong), 'picture')} {plural(len(wrong), 'is')} of another format than the name ends like",
        "Here they read all the same, for formats are told by content; other programs may fail at them.",
        "Rename them, where other programs are to read them.",
        cases,
        share,
    )


def unusual_pixels(examined: Examined) -> Iterator[Finding]:
    """Find pictures whose pixels are neither 8 bits of gray nor of colour."""
    modes = [mode.decode() for mode in examined.rows["mode"]]
    odd = [row for row, mode in enumerate(modes) if mode in UNUSUAL]
    if not odd:
        return
    kinds = sorted({modes[row] for row in odd})
    cases, share = of_rows(examined, np.array(odd), [UNUSUAL[modes[row]] for row in odd])
    yield Finding(
        "unusual-pixels",
        "to know" if share > 0.5 or set(kinds) <= {"RGBA", "LA", "PA"} else "doubtful",
        f"{counted(len(odd), 'picture')} {plural(len(odd), 'has')} pixels of an unusual kind ({', '.join(kinds)})",
        "They are made to 8 bits of gray or colour by fixed rules, which may not show what was meant.",
        "Look at some as they are shown here; where that is not what was meant, convert them yourself.",
        cases,
        share,
    )


def turned(examined: Examined) -> Iterator[Finding]:
    """Find pictures whose rows lie otherwise than they are seen, by a note of the camera."""
    how = examined.rows["orientation"]
    chosen = np.flatnonzero(how > 1)
    yield from standing_out(
        examined,
        chosen,
        [f"EXIF orientation {how[row]}" for row in chosen],
        kind="turned",
        level="to know",
        said="turned or mirrored by a note of the camera",
        means="Here the note is followed; a program that does not sees them lying, and so do labels drawn with it.",
        remedy="Nothing, as long as labels were drawn on the pictures as they are seen.",
    )
