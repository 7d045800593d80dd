"""AVIF and HEIC, told by content and named with the remedy where they cannot be read; the bits that a TIFF uses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.pictures.files import chunk, gray16, png, saved

from striate.data.pictures.image import Header, decode, header, looks_like_picture
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import FolderSource
from striate.data.sources.source import find
from striate.data.store.store import open_store
from striate.errors import PictureError, SourceError

REMEDY = r"a HEIC picture, which takes the package pillow-heif: pip install 'striate\[heic\]', or save it as JPEG"


def smooth(height: int = 48, width: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows / 11 + place) + np.cos(columns / 13 - place) for place in range(3)]
    return np.clip(np.stack(waves, axis=-1) * 60 + 128, 0, 255).astype(np.uint8)


def heic(pixels: np.ndarray, **options: object) -> bytes:
    heif = pytest.importorskip("pillow_heif", reason="HEIC takes pillow-heif")
    heif.register_heif_opener()
    return saved(Image.fromarray(pixels), "HEIF", quality=95, **options)


def noted(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


def test_avif_is_read_by_its_content() -> None:
    data = saved(Image.fromarray(smooth()), "AVIF", quality=95)
    assert looks_like_picture(data[:16])
    assert header(data) == Header("AVIF", 48, 64, gray=False)
    assert np.abs(decode(data).astype(int) - smooth()).mean() < 2
    over = smooth().copy()
    seen = np.dstack([over, np.full((48, 64), 0, np.uint8)])
    assert (decode(saved(Image.fromarray(seen), "AVIF", quality=95)) >= 250).all(), "alpha lies over white"


@pytest.mark.parametrize("orientation", [3, 6, 8, 5])
def test_avif_is_turned_upright(orientation: int) -> None:
    stored = Image.fromarray(smooth())
    data = saved(stored, "AVIF", exif=noted(orientation), quality=95)
    png_of_it = saved(stored, "PNG", exif=noted(orientation))
    assert (header(data).height, header(data).width) == decode(png_of_it).shape[:2]
    assert np.abs(decode(data).astype(int) - decode(png_of_it)).mean() < 2


def test_heic_is_read_by_its_content() -> None:
    data = heic(smooth())
    assert looks_like_picture(data[:16])
    assert header(data) == Header("HEIF", 48, 64, gray=False)
    assert np.abs(decode(data).astype(int) - smooth()).mean() < 3
    assert Preprocess(16, 16, 3).pixels(data).shape == (16, 16, 3)
    broken = data[:200] + bytes(200) + data[400:]
    with pytest.raises(PictureError):
        decode(broken[:600])


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_is_turned_upright_once(orientation: int) -> None:
    data = heic(smooth(), exif=noted(orientation))
    expected = decode(saved(Image.fromarray(smooth()), "PNG", exif=noted(orientation)))
    assert (header(data).height, header(data).width) == expected.shape[:2]
    assert np.abs(decode(data).astype(int) - expected).mean() < 3


def test_a_container_of_another_kind_is_no_picture() -> None:
    assert not looks_like_picture(b"\0\0\0\x18ftypisom\0\0\0\0isom")
    with pytest.raises(PictureError, match=r"not a picture of a known format \(JPEG, .*AVIF, HEIC\)"):
        decode(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100))


HEIC_START = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(300)


def test_heic_without_its_reader_is_named_with_the_remedy(without_heif: None) -> None:
    with pytest.raises(PictureError, match=f"^{REMEDY}$") as caught:
        decode(HEIC_START)
    assert caught.value.passing


def test_a_reader_that_breaks_while_it_is_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pillow_heif.py").write_text("raise OSError('libheif.so.1: no such file')")
    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PictureError, match=r"it is there and cannot be imported: libheif.so.1: no such file\)$"):
        decode(HEIC_START)
    sys.modules.pop("pillow_heif", None)


def test_a_folder_all_of_heic_names_the_remedy(without_heif: None, tmp_path: Path) -> None:
    for name in ("a/1.heic", "a/2.HEIC", "b/1.heif", "b/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(HEIC_START)
    source = find(tmp_path)
    assert len(source.items) == 4
    with pytest.raises(SourceError, match=f"none of 4 pictures looked at can be read; the first is a/1.heic .{REMEDY}"):
        source.facts()


def test_a_store_is_decoded_again_once_the_reader_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pets" / "a").mkdir(parents=True)
    (tmp_path / "pets" / "b").mkdir()
    (tmp_path / "pets" / "a" / "1.heic").write_bytes(heic(smooth()))
    (tmp_path / "pets" / "b" / "1.png").write_bytes(png(8, 8))
    source = find(tmp_path / "pets")
    assert isinstance(source, FolderSource)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pillow_heif", None)
        stored = open_store(source, Preprocess(8, 8, 3), cache_dir=tmp_path / "cache")
        assert [one.key for one in stored.source.rejected] == ["a/1.heic"]
        del stored  # a store in use is not replaced
    stored = open_store(source, Preprocess(8, 8, 3), cache_dir=tmp_path / "cache")
    assert stored.source.rejected == ()


RAMP = [0, 16, 255, 256, 2048, 4080, 4095]


def gray(data: bytes) -> list[int]:
    return decode(data, channels=1)[0, :, 0].tolist()


def test_twelve_bits_keep_their_highest_eight() -> None:
    expected = [value >> 4 for value in RAMP]
    assert gray(gray16(RAMP, bits=12)) == expected
    assert gray(gray16(RAMP, t341=(3, [4095]))) == expected, "SMaxSampleValue"
    assert gray(gray16(RAMP, t281=(3, [4095]))) == expected, "MaxSampleValue"
    own = saved(Image.fromarray(np.array([RAMP], np.uint16)), "TIFF", tiffinfo={341: 4095})
    assert gray(own) == expected, "as Pillow writes it, in floating point"
    assert gray(gray16(RAMP, t270=(2, b'<Pixels SignificantBits="12" Type="uint16"/>\0'))) == expected, "OME"
    assert gray(gray16([1023, 512, 4], t341=(3, [1023]))) == [255, 128, 1]
    assert gray(gray16([65_535, 4096, 4095], t341=(3, [4095]))) == [255, 255, 255], "above what is stated is the most"


def test_nothing_is_stretched_by_what_a_picture_holds() -> None:
    expected = [value >> 8 for value in RAMP]
    assert gray(gray16(RAMP)) == expected
    assert gray(gray16(RAMP, t281=(3, [3900]))) == expected, "the largest value of this picture, not its depth"
    assert gray(gray16(RAMP, t341=(3, [65_535]))) == expected
    assert gray(gray16(RAMP, t270=(2, b"ImageJ max=4095.0\0"))) == expected, "how it was last displayed"


def test_significant_bits_of_a_png_change_nothing() -> None:
    # PNG (third edition, 11.3.2.5): samples are scaled to the full range, and sBIT says what they were before.
    samples = np.array([0, 0x1001, 0x8008, 0xFFFF], ">u2")
    data = png(4, 1, bits=16, colour=0, before=chunk(b"sBIT", b"\x0c"), pixels=samples.tobytes())
    assert gray(data) == [0, 16, 128, 255]
