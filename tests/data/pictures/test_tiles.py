"""Tiles: where they lie, what they show, and that nothing is missed or counted twice."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.data.pictures.image import header
from striate.data.pictures.preprocess import Preprocess
from striate.data.pictures.tiles import LIMITS, Line, Tiling, cutting, upright_size
from striate.errors import PictureError, StriateError


@given(
    st.integers(1, 5000), st.floats(0.3, 4), st.sampled_from([64, 96, 320]), st.floats(0, 0.6), st.sampled_from([1, 4])
)
def test_tiles_reach_over_the_whole_side_and_share_what_is_asked(
    side: int, scale: float, reach: int, share: float, step: int
) -> None:
    line = Line.of(side, scale, reach, share=share, step=step)
    if side / scale <= reach:
        assert line.starts == (0,) and 0 <= line.ahead <= reach // 2
        return
    assert line.begin == 0 and line.starts[0] == 0
    assert line.long * line.scale == pytest.approx(side)  # the last ends where the picture does
    assert abs(line.long - side / scale) <= step / 2 + 1e-6 or len(line.starts) == 2
    assert all(start % step == 0 for start in line.starts)
    apart = np.diff(line.starts)
    assert (apart > 0).all() and (reach - apart >= reach * min(share, 0.5) - step - 1e-6).all()
    weights = line.weights(reach // step)
    total = np.zeros(line.long // step)
    for start, each in zip(line.starts, weights, strict=True):
        total[start // step :][: reach // step] += each
    assert np.abs(total - 1).max() < 1e-6


def test_a_tile_shows_what_the_whole_would_at_its_place() -> None:
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (40, 60, 3), dtype=np.uint8)).resize((300, 200))
    pixels = np.asarray(coarse)
    how = Preprocess(32, 40, 3, resize="stretch", mean=(0.5,) * 3, std=(0.25,) * 3)
    tiling = Tiling.of((200, 300), (32, 40), (1.5, 2.0), share=(0.25, 0.4), cells=(8, 10))
    whole = Preprocess(*tiling.whole.size, 3, resize="stretch").pixels(pixels)
    stored = io.BytesIO()
    coarse.save(stored, "PNG")
    for given_as in (pixels, stored.getvalue()):
        with cutting(how, given_as, tiling) as (cut, depth):
            assert depth is None
            for row, column in tiling:
                top, left = tiling.rows.starts[row], tiling.columns.starts[column]
                wanted = whole[top : top + 32, left : left + 40].astype(int)
                assert np.abs(cut(row, column) - wanted).max() <= 1
                crop = tiling.crop(row, column)
                assert crop.top == pytest.approx(top * tiling.rows.scale)
                assert crop.size == (32, 40) and crop.picture == (200, 300)


@pytest.mark.parametrize(("resize", "around"), [("pad", 128), ("stretch", 51)])
def test_beyond_a_picture_that_is_shorter_than_a_tile_there_is_nothing(resize: str, around: int) -> None:
    how = Preprocess(32, 32, 1, resize=resize, mean=(0.2,), std=(0.25,))
    tiling = Tiling.of((10, 90), (32, 32), (1.0, 1.0))
    with cutting(how, np.full((10, 90), 200, np.uint8), tiling) as (cut, _):
        tile = cut(0, 1)[..., 0]
    assert (tile[11:21] == 200).all() and (tile[:11] == around).all() and (tile[21:] == around).all()
    back = tiling.crop(0, 0).boxes_back([[0, 11, 4, 21], [0, 0, 4, 9]])
    assert back.tolist() == [[0, 0, 4, 10], [0, 0, 4, 0]]


def test_pictures_are_cut_as_they_are_seen_and_jpegs_no_larger_than_they_are_shown() -> None:
    ramp = np.repeat(np.arange(240, dtype=np.uint8)[:, None], 400, 1)
    stored = io.BytesIO()
    notes = Image.Exif()
    notes[0x0112] = 6  # turned by a quarter
    Image.fromarray(ramp).save(stored, "JPEG", exif=notes, quality=95)
    data = stored.getvalue()
    assert upright_size(data) == (400, 240)
    tiling = Tiling.of((400, 240), (40, 40), (4.0, 4.0), share=(0.0, 0.0))
    with cutting(Preprocess(40, 40, 1), data, tiling) as (cut, _):
        first, last = cut(0, 0)[..., 0].mean(0), cut(0, 1)[..., 0].mean(0)
    assert first[0] > 230 and first[20] > last[20] and last[-1] < 8  # what was above is at the right


def test_what_cannot_be_tiled_is_refused() -> None:
    with pytest.raises(StriateError, match=r"23, 23\) cells does not divide the input of 90 x 90"):
        Tiling.of((500, 500), (90, 90), (1.0, 1.0), cells=(23, 23))
    with pytest.raises(PictureError, match="not a picture"):
        upright_size(b"hello there, this is text")


def test_a_picture_for_tiles_may_have_more_pixels_than_pillow_reads_by_itself() -> None:
    """The header alone of a JPEG of 20,000 x 20,000 pixels, made of one of 8 x 8 (JPEG, table B.2: frame header)."""
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 20_000, 20_000)
    before = Image.MAX_IMAGE_PIXELS
    assert before is not None and 2 * before < 20_000**2 < LIMITS.pixels
    assert upright_size(bytes(data)) == (20_000, 20_000)
    assert before == Image.MAX_IMAGE_PIXELS
    with pytest.raises(PictureError, match="400000000 pixels"):
        header(bytes(data))
