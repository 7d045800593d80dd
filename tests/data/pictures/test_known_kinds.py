"""What is no picture is said by what it is, whatever its name ends in."""

from __future__ import annotations

import doctest
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from striate.data.pictures import known_kinds
from striate.data.pictures.image import decode
from striate.data.pictures.known_kinds import kind_of
from striate.errors import PictureError


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


def saved(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, kind)
    return buffer.getvalue()


CASES = {
    "text": (b"the pictures of last summer\n", "text"),
    "cut text": (("ä".encode() * 300)[:511], "text"),
    "page": (b"\n<!DOCTYPE html><html>", "web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
    "video": (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video"),
    "moved": (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "zip": (zipped(), "ZIP"),
    "ppm": (saved("PPM"), "Netpbm"),
    "icon": (saved("ICO"), "icon"),
    "drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "noise": (bytes(range(1, 256)) * 4, ""),
    "nothing known": (b"\x00" * 600, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_is_said(name: str) -> None:
    data, words = CASES[name]
    assert words in kind_of(data) and bool(kind_of(data)) == bool(words)
    with pytest.raises(PictureError, match=r"not a picture of a known format|does not decode|no pixels") as raised:
        decode(data)
    if words:
        assert f"; it is {kind_of(data)}" in str(raised.value)


def test_pictures_of_another_name_are_read_by_their_content(tmp_path: Path) -> None:
    from striate.data.sources.source import find

    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.HEIC").write_bytes(saved("JPEG"))
        (tmp_path / name / "2.heic").write_bytes(saved("PNG"))
    assert find(tmp_path).facts().common_size == (16, 16)


def test_examples() -> None:
    assert not doctest.testmod(known_kinds).failed
