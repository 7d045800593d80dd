"""What a file is that is no picture, by how it begins: said to whoever took it for one. Imports nothing of ours."""

from __future__ import annotations

from typing import Final

# The beginning of a file and what it is; in words that finish "it is ...".
_BEGINNINGS: Final = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the picture itself (git lfs pull fetches that)"),
    (b"\x00\x05\x16\x07", "what macOS keeps beside a file (AppleDouble), not the picture itself"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive, or a document of an office program"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"8BPS", "a picture of Photoshop (PSD), which is not read"),
    (b"\x00\x00\x01\x00", "an icon (ICO), which is not read"),
    (b"\xff\x0a", "a JPEG XL, which is not read"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL, which is not read"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000, which is not read"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000, which is not read"),
    (b"\x89HDF\r\n\x1a\n", "a file of HDF5"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"SIMPLE  =", "a FITS picture, which is not read"),
    (b"SQLite format 3\x00", "a database of SQLite"),
)
_TEXTS: Final = (
    (("<!doctype html", "<html"), "a web page (HTML)"),
    (("<svg",), "a drawing (SVG), which is not read"),
    (("<?xml",), "XML"),
    (("p1", "p2", "p3"), "a Netpbm picture (PBM, PGM, PPM), which is not read"),
)
_LOOKED_AT: Final = 512  # bytes


def kind_of(data: bytes) -> str:
    """Return what a file is by its beginning, in words that finish "it is"; "" where that cannot be told.

    >>> kind_of(b"%PDF-1.7 ...")
    'a PDF'
    >>> kind_of(b"the pictures of last summer")
    'text'
    """
    for start, words in _BEGINNINGS:
        if data.startswith(start):
            return words
    if data[4:8] == b"ftyp":
        return "a raw picture (CR3), which is not read" if data[8:12] == b"crx " else "a video (MP4 or QuickTime)"
    if data[:4] == b"RIFF":
        return {b"AVI ": "a video (AVI)", b"WAVE": "sound (WAV)"}.get(data[8:12], "")
    if data[128:132] == b"DICM":
        return "a DICOM picture, which is not read"
    if data[:2] in (b"P4", b"P5", b"P6") and data[2:3].isspace():
        return "a Netpbm picture (PBM, PGM, PPM), which is not read"
    return _text(data[:_LOOKED_AT])


def _text(start: bytes) -> str:
    if not start or b"\x00" in start:
        return ""
    try:
        text = start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # a letter cut through at the end is text all the same
            return ""
        text = start[: error.start].decode("utf-8-sig")
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return ""
    lower = text.lstrip().lower()
    for beginnings, words in _TEXTS:
        if any(lower.startswith(one) and (len(one) > 2 or lower[2:3].isspace()) for one in beginnings):
            return words
    return "text"
