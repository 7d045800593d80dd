"""Decoding by the stated rules: known answers, every format and mode, and what is refused."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from striate.data.pictures.image import FORMATS, Header, Limits, decode, header, looks_like_picture
from striate.data.pictures.modes import to_channels
from striate.errors import PictureError


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return drawn[..., 0] if channels == 1 else drawn


def smooth(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows / 31 + place) + np.cos(columns / 43 - place) for place in range(3)]
    return np.clip(np.stack(waves, axis=-1) * 60 + 128, 0, 255).astype(np.uint8)


LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True, "exact": True}}


@pytest.mark.parametrize("form", LOSSLESS)
def test_lossless_formats_give_back_what_was_saved(form: str) -> None:
    pixels = noise(13, 17)
    data = saved(Image.fromarray(pixels), form, **LOSSLESS[form])
    assert np.array_equal(decode(data), pixels)
    assert header(data) == Header(form, 13, 17, gray=False)
    assert looks_like_picture(data[:16])


def test_gif_gives_its_first_frame() -> None:
    frames = [Image.fromarray(np.full((5, 7), value, np.uint8)) for value in (10, 200)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode(data), np.full((5, 7, 3), 10, np.uint8))
    assert header(data) == Header("GIF", 5, 7, gray=True)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_several_frames_give_the_first(form: str) -> None:
    frames = [Image.fromarray(np.full((6, 6, 3), value, np.uint8)) for value in (30, 99)]
    options = {"lossless": True} if form == "WEBP" else {}
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert np.array_equal(decode(data), np.full((6, 6, 3), 30, np.uint8))


def test_alpha_is_laid_over_white() -> None:
    pixels = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 100, 200, 128]]], np.uint8)
    # by hand: (0·128 + 255·127) / 255 = 127; (100·128 + 255·127) / 255 = 177.2; (200·128 + 255·127) / 255 = 227.4
    expected = [[[255, 255, 255], [10, 20, 30], [127, 177, 227]]]
    for form in ("PNG", "WEBP", "TIFF"):
        data = saved(Image.fromarray(pixels), form, **LOSSLESS[form])
        assert decode(data).tolist() == expected


@given(st.integers(0, 255), st.integers(0, 255))
def test_alpha_rounds_to_the_nearest(colour: int, alpha: int) -> None:
    data = saved(Image.fromarray(np.array([[[colour, alpha]]], np.uint8), "LA"), "PNG")
    exact = (colour * alpha + 255 * (255 - alpha)) / 255
    assert abs(int(decode(data, channels=1)[0, 0, 0]) - exact) <= 0.5


def test_palette_with_and_without_transparency() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    red, green, blue, white = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]
    assert decode(saved(image, "PNG")).tolist() == [[red, green, blue]]
    assert decode(saved(image, "PNG", transparency=1)).tolist() == [[red, white, blue]]
    assert decode(saved(image, "PNG", transparency=bytes([255, 0, 0]))).tolist() == [[red, white, white]]
    assert decode(saved(image, "GIF", transparency=2)).tolist() == [[red, green, white]]
    assert decode(saved(image, "BMP")).tolist() == [[red, green, blue]]


def test_a_key_colour_is_transparent() -> None:
    gray = Image.fromarray(np.array([[0, 7, 9]], np.uint8))
    assert decode(saved(gray, "PNG", transparency=7), channels=1)[..., 0].tolist() == [[0, 255, 9]]
    colour = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    assert decode(saved(colour, "PNG", transparency=(4, 5, 6))).tolist() == [[[1, 2, 3], [255, 255, 255]]]


def test_cmyk() -> None:
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [100, 50, 25, 80]]], np.uint8)
    # (255 - C)(255 - K) / 255: 155·175/255 = 106.4, 205·175/255 = 140.7, 230·175/255 = 157.8
    expected = np.array([[[255, 255, 255], [0, 255, 255], [0, 0, 0], [106, 141, 158]]])
    data = saved(Image.fromarray(inks, "CMYK"), "TIFF")
    assert np.abs(decode(data).astype(int) - expected).max() <= 1


def test_inverted_cmyk_of_adobe() -> None:
    # Pillow writes CMYK JPEGs as Adobe does: inverted, with the APP14 marker.
    wide = np.repeat(np.repeat(np.array([[[0, 200, 255, 10]]], np.uint8), 16, 0), 16, 1)
    data = saved(Image.fromarray(wide, "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in data[:100]
    expected = [245, 55 * 245 // 255, 0]
    assert np.abs(decode(data)[8, 8].astype(int) - expected).max() <= 3


def test_sixteen_bits_keep_the_high_byte() -> None:
    values = np.array([[0, 255, 256, 257, 32_767, 32_768, 65_534, 65_535]], np.uint16)
    expected = [[0, 0, 1, 1, 127, 128, 255, 255]]
    for form in ("PNG", "TIFF"):
        data = saved(Image.fromarray(values), form)
        assert decode(data, channels=1)[..., 0].tolist() == expected
        assert header(data).gray
    big = io.BytesIO()
    Image.frombytes("I;16B", (8, 1), values.astype(">u2").tobytes()).save(big, "TIFF")
    assert decode(big.getvalue(), channels=1)[..., 0].tolist() == expected


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    values = np.array([[[0, 256, 65_535], [257, 32_768, 511]]], ">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode(png).tolist() == (values >> 8).tolist()


def test_whole_numbers_of_32_bits_are_clipped() -> None:
    values = np.array([[-5, 0, 256, 65_535, 70_000]], np.int32)
    assert decode(saved(Image.fromarray(values), "TIFF"), channels=1)[..., 0].tolist() == [[0, 0, 1, 255, 255]]


def test_floating_point() -> None:
    def tiff(*values: float) -> bytes:
        return saved(Image.fromarray(np.array([values], np.float32)), "TIFF")

    assert decode(tiff(0.0, 0.5, 1.0), channels=1)[..., 0].tolist() == [[0, 128, 255]]
    assert decode(tiff(0.0, 1.6, 255.0), channels=1)[..., 0].tolist() == [[0, 2, 255]]
    for refused in (tiff(-0.1, 1.0), tiff(0.0, 256.0), tiff(0.0, float("nan"))):
        with pytest.raises(PictureError, match=r"floating-point values from"):
            decode(refused)


def test_one_bit() -> None:
    image = Image.fromarray(np.array([[0, 255, 255], [255, 0, 0]], np.uint8)).convert("1")
    for form in ("PNG", "BMP", "TIFF", "GIF"):
        assert decode(saved(image, form), channels=1)[..., 0].tolist() == [[0, 255, 255], [255, 0, 0]], form


def test_lab_agrees_with_littlecms() -> None:
    pixels = noise(16, 16, seed=4) // 2 + 64  # within the gamut of sRGB for the most part
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB", 5000)
    there = ImageCms.profileToProfile(Image.fromarray(pixels), srgb, lab, outputMode="LAB")
    back = decode(saved(there, "TIFF"))
    assert np.abs(back.astype(int) - pixels).mean() < 2
    assert np.abs(back.astype(int) - pixels).max() <= 8


@pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="Pillow before 13 cannot read back its own")
def test_ycbcr_tiff() -> None:
    pixels = smooth(16, 16)
    data = saved(Image.fromarray(pixels).convert("YCbCr"), "TIFF")
    assert np.abs(decode(data).astype(int) - pixels).max() <= 4  # rounded to whole YCbCr on the way


def test_luma_is_pillows() -> None:
    pixels = noise(40, 30)
    red, green, blue = (pixels[..., place].astype(np.int64) for place in range(3))
    expected = (19_595 * red + 38_470 * green + 7_471 * blue + 32_768) >> 16
    assert np.array_equal(to_channels(pixels, 1)[..., 0], expected)
    assert np.array_equal(decode(saved(Image.fromarray(pixels), "PNG"), channels=1)[..., 0], expected)


def test_gray_is_repeated() -> None:
    pixels = noise(5, 6, 1)
    data = saved(Image.fromarray(pixels), "PNG")
    assert np.array_equal(decode(data), np.repeat(pixels[..., None], 3, axis=2))
    assert header(data).gray


def test_a_gray_palette_is_gray() -> None:
    image = Image.new("P", (2, 2))
    image.putpalette([value for level in (0, 90, 200) for value in (level, level, level)])
    assert header(saved(image, "PNG")).gray
    image.putpalette([0, 0, 1])
    assert not header(saved(image, "PNG")).gray


TURNS = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright.swapaxes(0, 1), 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize(("form", "orientation"), list(itertools.product(["PNG", "WEBP", "TIFF"], TURNS)))
def test_orientation(form: str, orientation: int) -> None:
    upright = noise(9, 14, seed=orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](upright)))
    data = saved(stored, form, exif=exif, **LOSSLESS[form])
    assert np.array_equal(decode(data), upright)
    assert (header(data).height, header(data).width) == (9, 14)
    assert np.array_equal(decode(data, channels=1), to_channels(upright, 1))


@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_of_jpeg(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = smooth(48, 64)
    data = saved(Image.fromarray(np.ascontiguousarray(TURNS[orientation](upright))), "JPEG", exif=exif, quality=95)
    assert (header(data).height, header(data).width) == (48, 64)
    assert np.abs(decode(data).astype(int) - upright).mean() < 1.5
    assert decode(data, at_least=(24, 32)).shape == (24, 32, 3)
    assert decode(data, at_least=(25, 32)).shape == (48, 64, 3)


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_is_none_turns_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    pixels = noise(4, 6)
    assert np.array_equal(decode(saved(Image.fromarray(pixels), "PNG", exif=exif)), pixels)


@given(height=st.integers(1, 300), width=st.integers(1, 300), rows=st.integers(1, 320), columns=st.integers(1, 320))
def test_a_scaled_jpeg_is_never_smaller_than_asked(height: int, width: int, rows: int, columns: int) -> None:
    data = saved(Image.new("RGB", (width, height), (9, 99, 199)), "JPEG")
    got = decode(data, at_least=(rows, columns)).shape
    assert got[0] >= min(rows, height)
    assert got[1] >= min(columns, width)


def test_a_scaled_jpeg_looks_like_the_whole() -> None:
    pixels = smooth(512, 768)
    data = saved(Image.fromarray(pixels), "JPEG", quality=90)
    whole = decode(data)
    for factor in (2, 4, 8):
        scaled = decode(data, at_least=(512 // factor, 768 // factor))
        assert scaled.shape == (512 // factor, 768 // factor, 3)
        reference = np.asarray(Image.fromarray(whole).reduce(factor))
        assert np.abs(scaled.astype(int) - reference).mean() < 1.0


def test_limits_are_checked_before_decoding() -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    bomb = b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(PictureError, match=r"too large"):
        decode(bomb)
    data = saved(Image.fromarray(noise(20, 30)), "PNG")
    with pytest.raises(PictureError, match=r"30 x 20 is 600 pixels, over 599"):
        decode(data, limits=Limits(pixels=599))
    with pytest.raises(PictureError, match=r"a side of 30 pixels, over 29"):
        header(data, limits=Limits(side=29))
    assert decode(data, limits=Limits(pixels=600, side=30)).shape == (20, 30, 3)


def test_between_pillows_warning_and_our_limit_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert header(saved(Image.new("1", (9_500, 9_500)), "PNG")).height == 9_500


@pytest.mark.parametrize("form", FORMATS)
def test_cut_off_anywhere_is_an_error_or_the_whole(form: str) -> None:
    image = Image.fromarray(noise(24, 24))
    data = saved(image, form)
    whole = decode(data)
    for length in range(0, len(data), max(1, len(data) // 40)):
        try:
            got = decode(data[:length])
        except PictureError as error:
            assert str(error)
            continue
        assert np.array_equal(got, whole), f"{form} cut to {length} of {len(data)} gave other pixels"


@given(st.binary(max_size=200))
def test_garbage_is_a_picture_error(garbage: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP"):
        with contextlib.suppress(PictureError):
            decode(start + garbage)


@given(st.sampled_from(FORMATS), st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_is_pixels_or_a_picture_error(form: str, place: int, value: int) -> None:
    data = bytearray(saved(Image.fromarray(smooth(20, 20)), form))
    data[place % len(data)] = value
    for call in (decode, header):
        with contextlib.suppress(PictureError):
            call(bytes(data), limits=Limits(pixels=1_000_000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, world", "not a picture of a known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture of a known format"),
        (saved(Image.new("RGB", (4, 4)), "PPM"), "not a picture of a known format"),
        (saved(Image.new("RGB", (4, 4)), "ICO"), "not a picture of a known format"),
        (saved(Image.new("RGB", (64, 64)), "JPEG")[:400], "does not decode"),
    ],
)
def test_what_is_refused_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(data)


def test_a_huge_profile_and_odd_exif_are_harmless() -> None:
    pixels = noise(8, 8)
    profile = bytes(np.random.default_rng(0).integers(0, 4, 3_000_000, np.uint8))
    png = saved(Image.fromarray(pixels), "PNG", icc_profile=profile)
    assert np.array_equal(decode(png), pixels)
    jpeg = saved(Image.fromarray(pixels), "JPEG")
    for extra in (
        {"icc_profile": profile},
        {"exif": b"Exif\0\0" + b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60_000},
        {"exif": b"Exif\0\0garbage"},
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.array_equal(decode(saved(Image.fromarray(pixels), "JPEG", **extra)), decode(jpeg))


def test_threads_and_repeats_agree() -> None:
    datas = [saved(Image.fromarray(noise(50, 40, seed=seed)), form) for seed in range(6) for form in FORMATS]
    one = [decode(data, at_least=(10, 10)) for data in datas]
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda data: decode(data, at_least=(10, 10)), datas * 4))
    assert all(np.array_equal(got, one[place % len(one)]) for place, got in enumerate(many))


def test_the_real_pictures(shared) -> None:
    folder = shared / "data" / "near-duplicates"
    for path in folder.rglob("*.*"):
        data = path.read_bytes()
        if "corrupt" in path.name:
            with pytest.raises(PictureError):
                decode(data)
        elif path.suffix != "":
            got, head = decode(data), header(data)
            assert got.shape == (head.height, head.width, 3)
    over = decode((folder / "alpha_channel_image.png").read_bytes())
    with Image.open(folder / "alpha_channel_image.png") as image:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
    assert np.abs(over.astype(int) - np.asarray(white.convert("RGB"))).max() <= 1
