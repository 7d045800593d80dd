"""One path to the network's input: the same bytes whatever way a picture comes, in over 60 variants."""

from __future__ import annotations

import io
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.data.pictures.image import decode
from striate.data.pictures.preprocess import FILL, Preprocess
from striate.errors import ModelError, PictureError

SIZES = {"wide": (23, 41), "tall": (37, 19), "exact": (16, 16)}
MODES = {
    "PNG": ("1", "L", "LA", "P", "P+t", "RGB", "RGBA", "I;16"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("L", "P"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F"),
    "WEBP": ("RGB", "RGBA"),
    "JPEG": ("L", "RGB", "CMYK"),
}
if int(PIL.__version__.split(".")[0]) < 13:  # which cannot read back the YCbCr TIFFs that it writes
    MODES["TIFF"] = tuple(mode for mode in MODES["TIFF"] if mode != "YCbCr")
VARIANTS = [(form, mode, size) for form, modes in MODES.items() for mode, size in itertools.product(modes, SIZES)]
RULES = [Preprocess(16, 16, channels, resize) for channels, resize in [(3, "crop"), (1, "crop"), (3, "pad")]]
RULES.append(Preprocess(16, 16, 3, crop_share=0.875, interpolation="bilinear"))


def picture(form: str, mode: str, size: str, orientation: int | None = None) -> bytes:
    height, width = SIZES[size]
    seed = sum(map(ord, form + mode + size))
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    options: dict[str, object] = {"lossless": True, "exact": True} if form == "WEBP" else {}
    image = Image.fromarray(pixels[..., :3])
    if mode == "RGBA":
        image = Image.fromarray(pixels)
    elif mode == "LA":
        image = Image.fromarray(np.ascontiguousarray(pixels[..., :2]), "LA")
    elif mode == "I;16":
        image = Image.fromarray(pixels[..., :2].astype(np.uint16) @ np.array([1, 256], np.uint16))
    elif mode == "F":
        image = Image.fromarray(pixels[..., 0].astype(np.float32) / np.float32(255))
    elif mode == "P+t":
        image, options["transparency"] = image.quantize(16), 3
    elif mode == "P":
        image = image.quantize(16)
    elif mode != "RGB":
        image = image.convert(mode)
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_there_are_enough_variants() -> None:
    assert len(VARIANTS) >= 60


@pytest.mark.parametrize(("form", "mode", "size"), VARIANTS)
def test_every_way_gives_the_same_bytes(form: str, mode: str, size: str, tmp_path) -> None:
    data = picture(form, mode, size)
    path = tmp_path / "misnamed.dat"
    path.write_bytes(data)
    for rule in RULES:
        got = rule.pixels(data)
        assert got.shape == (16, 16, rule.channels)
        assert got.dtype == np.uint8
        assert np.array_equal(rule.pixels(path.read_bytes()), got)
        assert np.array_equal(rule.pixels(decode(data)), got), "from pixels"
        assert np.array_equal(Preprocess.from_dict(json.loads(json.dumps(rule.to_dict()))).pixels(data), got)


def test_threads_and_other_pictures_between_change_nothing() -> None:
    datas = [picture(*variant) for variant in VARIANTS]
    for rule in RULES[:2]:
        one = [rule.pixels(data) for data in datas]
        with ThreadPoolExecutor(8) as pool:
            many = list(pool.map(rule.pixels, datas[::-1]))[::-1]
        assert all(np.array_equal(*pair) for pair in zip(one, many, strict=True))


@pytest.mark.parametrize(("orientation", "rule"), list(itertools.product(range(2, 9), RULES)))
def test_a_turned_picture_equals_the_upright(orientation: int, rule: Preprocess) -> None:
    data = picture("PNG", "RGB", "wide", orientation)
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[orientation]
    upright = np.asarray(Image.fromarray(decode(picture("PNG", "RGB", "wide"))).transpose(turned))
    assert np.array_equal(rule.pixels(data), rule.pixels(np.ascontiguousarray(upright)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scaled_jpeg_is_not_shifted_whichever_way_it_is_turned(orientation: int) -> None:
    rows, columns = np.mgrid[0:375, 0:499]
    ramp = np.stack([rows * 255 / 375, columns * 255 / 499, (rows + columns) * 255 / 874], axis=-1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, "JPEG", quality=95, exif=exif)
    data = file.getvalue()
    assert decode(data, at_least=(80, 80)).size < ramp.size / 3
    for rule in (Preprocess(40, 40, 3), Preprocess(40, 40, 3, "pad"), Preprocess(40, 40, 3, "stretch")):
        shift = rule.pixels(data).astype(float) - rule.pixels(decode(data))
        assert np.abs(shift[2:-2, 2:-2].mean(axis=(0, 1))).max() < 0.1


def test_the_exact_size_is_not_resampled() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    for resize in ("crop", "stretch", "pad"):
        assert np.array_equal(Preprocess(16, 24, 3, resize).pixels(pixels), pixels)
    assert np.array_equal(Preprocess(16, 16, 3).pixels(pixels), pixels[:, 4:20])
    assert np.array_equal(Preprocess(16, 20, 3, "pad").pixels(pixels[:, :20]), pixels[:, :20])


def test_crop_takes_the_middle() -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 200
    assert (Preprocess(10, 10, 3).pixels(pixels)[:, 2:-2] == 200).all()
    assert (Preprocess(10, 10, 3).pixels(pixels.swapaxes(0, 1))[2:-2] == 200).all()


def test_crop_equals_cutting_first_where_the_cut_is_whole() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 64, 3), np.uint8)
    cut = Image.fromarray(pixels[:, 12:52]).resize((20, 20), Image.Resampling.BICUBIC)
    got = Preprocess(20, 20, 3).pixels(pixels)
    assert np.abs(got[:, 2:-2].astype(int) - np.asarray(cut)[:, 2:-2]).max() <= 1  # the edges see what was cut off


def as_torchvision(pixels: np.ndarray, shorter: int, size: int) -> np.ndarray:
    """Shorter side to ``shorter``, bilinear, then the middle: the steps of torchvision's ImageClassification preset."""
    height, width = pixels.shape[:2]
    scaled = (shorter, int(shorter * height / width)) if width <= height else (int(shorter * width / height), shorter)
    image = np.asarray(Image.fromarray(pixels).resize(scaled, Image.Resampling.BILINEAR))
    top, left = (round((side - size) / 2) for side in image.shape[:2])
    return image[top : top + size, left : left + size]


@pytest.mark.parametrize("shape", [(96, 96), (120, 90), (90, 131), (64, 64), (30, 30)])
def test_a_crop_share_is_scaling_the_shorter_side_and_then_cutting(shape: tuple[int, int]) -> None:
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (12, 12, 3), np.uint8))
    pixels = np.asarray(noise.resize(shape[::-1], Image.Resampling.BICUBIC))
    rule = Preprocess(56, 56, 3, crop_share=56 / 64, interpolation="bilinear")
    wanted = as_torchvision(pixels, 64, 56).astype(int)
    off = np.abs(rule.pixels(pixels) - wanted)
    assert off.max() <= (0 if shape == (64, 64) else 1 if shape[0] == shape[1] else 60)
    assert off.mean() < 6 < np.abs(Preprocess(56, 56, 3).pixels(pixels) - wanted).mean()  # a part of a pixel at most


def test_a_picture_of_the_very_size_is_cropped_too() -> None:
    pixels = np.zeros((16, 16, 1), np.uint8)
    pixels[4:12, 4:12] = 200
    assert (Preprocess(16, 16, 1, crop_share=0.5, interpolation="bilinear").pixels(pixels)[1:-1, 1:-1] == 200).all()


def test_stretched_and_then_cut() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (40, 60, 1), np.uint8)
    rule = Preprocess(28, 28, 1, "stretch", crop_share=28 / 32, interpolation="bilinear")
    whole = Image.fromarray(pixels[..., 0]).resize((32, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(rule.pixels(pixels)[..., 0], np.asarray(whole)[2:30, 2:30])


def test_later_fields_are_written_only_where_they_matter() -> None:
    old = {"height": 8, "width": 8, "channels": 3, "resize": "crop", "mean": [], "std": []}
    assert Preprocess(8, 8, 3).to_dict() == old
    assert Preprocess.from_dict(old) == Preprocess(8, 8, 3)
    later = Preprocess(8, 8, 3, crop_share=0.875, interpolation="bilinear")
    assert later.to_dict() == {**old, "crop_share": 0.875, "interpolation": "bilinear"}
    assert Preprocess.from_dict(json.loads(json.dumps(later.to_dict()))) == later


def test_pad_centres_on_the_fill() -> None:
    got = Preprocess(12, 12, 3, "pad").pixels(np.full((6, 24, 3), 10, np.uint8))
    assert got[:, 0, 0].tolist() == [FILL] * 4 + [10] * 3 + [FILL] * 5
    assert Preprocess(8, 8, 1, "pad").pixels(np.full((1, 500), 7, np.uint8))[:, 0, 0].tolist().count(7) == 1


def test_downscaling_does_not_alias() -> None:
    stripes = np.zeros((128, 128), np.uint8)
    stripes[:, ::2] = 255
    got = Preprocess(16, 16, 1).pixels(stripes)
    assert np.abs(got.astype(int) - 127).max() <= 12


def test_a_scaled_jpeg_decode_is_close_to_the_whole(shared) -> None:
    paths = sorted((shared / "data" / "catsdogs" / "test" / "cats").iterdir())[:12]
    rule, differences, scaled = Preprocess(64, 64, 3), [], 0
    for path in paths:
        data = path.read_bytes()
        whole = decode(data)
        scaled += decode(data, at_least=(128, 128)).shape != whole.shape
        differences.append(np.abs(rule.pixels(data).astype(int) - rule.pixels(whole)).mean())
    assert scaled >= 4
    assert max(differences) < 0.7


def test_a_photo_decoded_at_half_its_size_differs_from_the_whole_no_more_than_another_filter(shared) -> None:
    rule, other = Preprocess(160, 160, 3), Preprocess(160, 160, 3, interpolation="bilinear")
    scaled, filtered = [], []
    for path in sorted((shared / "data" / "imagenet-sample" / "images").iterdir())[:24]:
        whole = decode(data := path.read_bytes())
        pixels = rule.pixels(whole).astype(int)
        scaled.append(np.square(rule.pixels(data) - pixels).mean())
        filtered.append(np.square(other.pixels(whole) - pixels).mean())
    assert np.median(scaled) > 0
    assert np.median(scaled) < 2 * np.median(filtered)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    resize=st.sampled_from(["crop", "stretch", "pad"]),
    channels=st.sampled_from([1, 3]),
)
def test_any_size_to_any_size(height: int, width: int, rows: int, columns: int, resize: str, channels: int) -> None:
    got = Preprocess(rows, columns, channels, resize).pixels(np.full((height, width, 3), 77, np.uint8))
    assert got.shape == (rows, columns, channels)
    assert set(np.unique(got)) <= {77, FILL}
    assert 77 in got


def test_scale_and_offset() -> None:
    rule = Preprocess(2, 2, 3, mean=(0.5, 0.25, 0.125), std=(0.25, 0.5, 1.0))
    scale, offset = rule.scale_and_offset()
    assert scale.dtype == offset.dtype == np.float32
    values = np.arange(256)[:, None]
    assert np.allclose(values * scale + offset, (values / 255 - rule.mean) / rule.std, atol=1e-5)
    scale, offset = Preprocess(2, 2, 1).scale_and_offset()
    assert scale.tolist() == [np.float32(1 / 255)]
    assert offset.tolist() == [0.0]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"height": 8, "width": 8},
        {"height": 0, "width": 8, "channels": 3},
        {"height": 8.0, "width": 8, "channels": 3},
        {"height": True, "width": 8, "channels": 3},
        {"height": 8, "width": 99_999, "channels": 3},
        {"height": 8, "width": 8, "channels": 2},
        {"height": 8, "width": 8, "channels": 3, "resize": "squash"},
        {"height": 8, "width": 8, "channels": 3, "resize": ["crop"]},
        {"height": 8, "width": 8, "channels": 3, "mean": [0.5], "std": [0.5]},
        {"height": 8, "width": 8, "channels": 1, "mean": [0.5]},
        {"height": 8, "width": 8, "channels": 1, "mean": [0.5], "std": [0.0]},
        {"height": 8, "width": 8, "channels": 1, "mean": [float("nan")], "std": [1.0]},
        {"height": 8, "width": 8, "channels": 1, "mean": ["a"], "std": [1.0]},
        {"height": 8, "width": 8, "channels": 1, "mean": "a", "std": "b"},
        {"height": 8, "width": 8, "channels": 1, "colour": "bgr"},
        {"height": 8, "width": 8, "channels": 1, "interpolation": "nearest"},
        {"height": 8, "width": 8, "channels": 1, "interpolation": ["bilinear"]},
        {"height": 8, "width": 8, "channels": 1, "crop_share": 0},
        {"height": 8, "width": 8, "channels": 1, "crop_share": float("nan")},
        {"height": 8, "width": 8, "channels": 1, "crop_share": "0.875"},
        {"height": 8, "width": 8, "channels": 1, "crop_share": 0.875, "resize": "pad"},
        {"height": "8", "width": 8, "channels": 1},
        [1, 2],
        None,
    ],
)
def test_nonsense_is_a_model_error(values: object) -> None:
    with pytest.raises(ModelError, match="preprocess"):
        Preprocess.from_dict(values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        np.uint8(3),
    ],
)
def test_arrays_that_are_no_pictures(pixels: np.ndarray) -> None:
    with pytest.raises(PictureError, match="pixels of"):
        Preprocess(4, 4, 3).pixels(np.asarray(pixels))
