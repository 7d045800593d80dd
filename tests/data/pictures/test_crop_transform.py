"""What is labelled on a person's picture is found in the network's input where the crop transform says, and back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.data.pictures.crop_transform import VOID, CropTransform
from striate.data.pictures.image import decode, header
from striate.data.pictures.preprocess import Preprocess
from striate.errors import PictureError

TURNS = range(1, 9)  # of EXIF


def png(stored: np.ndarray, orientation: int, form: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(stored).save(file, form, exif=exif, **({"quality": 95} if form == "JPEG" else {}))
    return file.getvalue()


@st.composite
def rules(draw: st.DrawFn) -> Preprocess:
    resize = draw(st.sampled_from(["crop", "stretch", "pad"]))
    share = 1.0 if resize == "pad" else draw(st.sampled_from([1.0, 0.875, 0.6]))
    side = st.integers(20, 48)
    how = draw(st.sampled_from(["bilinear", "bicubic"]))
    return Preprocess(draw(side), draw(side), 1, resize, crop_share=share, interpolation=how)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Preprocess, np.ndarray, CropTransform, bool]:
    """A rule, an empty picture as its file holds it, its transform, and whether that speaks of the file's rows."""
    how = draw(rules())
    stored = np.zeros((draw(st.integers(18, 110)), draw(st.integers(18, 110))), np.uint8)
    orientation = draw(st.sampled_from(list(TURNS)))
    upright = stored.shape if orientation < 5 else stored.shape[::-1]
    return how, stored, how.crop_transform(*upright, orientation=orientation), draw(st.booleans())


def spread(crop: CropTransform) -> tuple[float, float]:
    """How many pixels of the picture, across and down, one of the input is; at least 1."""
    across, down = max(1.0, crop.across), max(1.0, crop.down)
    return (down, across) if crop.orientation >= 5 else (across, down)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(case=cases(), share=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)))
def test_a_dot_is_where_its_point_says_in_all_eight_turns(case, share):
    how, stored, crop, as_seen = case
    tall, wide = stored.shape
    point = share[0] * wide, share[1] * tall
    y, x = np.mgrid[:tall, :wide] + 0.5
    across, down = spread(crop)
    shape = ((x - point[0]) / (1.5 * across)) ** 2 + ((y - point[1]) / (1.5 * down)) ** 2
    reach = 4.5 * np.array([across, down])
    assume((np.array(point) > reach).all() and (point + reach < (wide, tall)).all())
    stored[:] = np.rint(250 * np.exp(-shape / 2))
    data = png(stored, crop.orientation)
    ends = crop.points([point - reach, point + reach])
    assume((ends >= 0).all() and (ends <= crop.size[::-1]).all())
    shown = crop.masks(np.zeros(stored.shape, np.uint8)) != VOID
    seen = np.where(shown, how.pixels(data)[..., 0].astype(float), 0.0)
    seen[seen < 3] = 0
    j, i = np.mgrid[: crop.size[0], : crop.size[1]] + 0.5
    centre = (seen * i).sum() / seen.sum(), (seen * j).sum() / seen.sum()
    expected = crop.points([point])[0]
    assert np.abs(expected - centre).max() < 0.3
    assert crop.points_back([expected])[0] == pytest.approx(point, abs=1e-9)
    # Where nobody turned anything, the point is that of the picture as it is seen.
    if as_seen:
        upright = decode(data, channels=1)[..., 0].astype(float)
        rows, columns = np.mgrid[: upright.shape[0], : upright.shape[1]] + 0.5
        upright[upright < 3] = 0
        place = (upright * columns).sum() / upright.sum(), (upright * rows).sum() / upright.sum()
        assert how.crop_of(data).points([place])[0] == pytest.approx(expected, abs=0.3)
        assert how.crop_of(data, stored=True) == crop


@settings(max_examples=80, deadline=None, derandomize=True)
@given(case=cases(), data=st.data())
def test_a_box_and_a_mask_are_where_they_say_and_come_back(case, data):
    how, stored, crop, _ = case
    tall, wide = stored.shape
    left, top = data.draw(st.integers(0, wide - 8)), data.draw(st.integers(0, tall - 8))
    right, bottom = data.draw(st.integers(left + 8, wide)), data.draw(st.integers(top + 8, tall))
    stored[top:bottom, left:right] = 255
    pixels = how.pixels(png(stored, crop.orientation))[..., 0]
    mask = crop.masks((stored > 0).astype(np.uint8))
    shown = mask != VOID
    seen = (pixels > 127) & shown
    (box,), (share,) = crop.boxes([[left, top, right, bottom]])
    shrink = abs(np.linalg.det(crop.matrix[:, :2]))
    around = 2 * (box[2] - box[0] + box[3] - box[1]) + 4
    assert abs(seen.sum() - share * (right - left) * (bottom - top) * shrink) <= around / 2
    assert (seen != (mask == 1))[shown].sum() <= around  # they may differ along the edge alone
    if (box[2:] - box[:2] > 2).all():
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        assert np.abs(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) - box).max() <= 1
    # Back again: the box to what of it the crop holds, the mask to within half a pixel of the coarser of the two.
    across, down = spread(crop)
    (back,) = crop.boxes_back([box])
    if share == pytest.approx(1):
        assert back == pytest.approx([left, top, right, bottom], abs=1e-9)
    assert back[0] >= left - 1e-9 or share == 0
    again = crop.masks_back(mask)
    assert again.shape == stored.shape
    y, x = np.mgrid[:tall, :wide] + 0.5
    edge = np.minimum(np.abs(x - left), np.abs(x - right)) <= across / 2 + 0.5
    edge |= np.minimum(np.abs(y - top), np.abs(y - bottom)) <= down / 2 + 0.5
    clear = (again != VOID) & ~edge
    assert (again[clear] == (stored[clear] > 0)).all()
    ends = crop.points(np.stack([x.ravel(), y.ravel()], 1))
    outside = ((ends < 0) | (ends >= crop.size[::-1])).any(1).reshape(stored.shape)
    on_the_edge = (np.minimum(np.abs(ends), np.abs(ends - crop.size[::-1])) < 1e-6).any(1).reshape(stored.shape)
    assert ((again == VOID) == outside)[~on_the_edge].all()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("resize", ["crop", "stretch", "pad"])
def test_a_map_comes_back_to_its_picture(resize, orientation):
    """A ramp over the input, at its own resolution or a coarser one, is the same ramp over the picture."""
    how = Preprocess(24, 32, 1, resize)
    size = (90, 71) if orientation >= 5 else (71, 90)
    crop = how.crop_transform(*size, orientation=orientation)
    x, y = (np.mgrid[: crop.picture[0], : crop.picture[1]] + 0.5)[::-1]
    places = crop.points(np.stack([x.ravel(), y.ravel()], 1)).reshape(*crop.picture, 2)
    inside = ((places >= 0) & (places < (32, 24))).all(-1)
    for coarse in (1, 4):
        rows, columns = np.mgrid[: 24 // coarse, : 32 // coarse] * coarse + coarse / 2
        ramp = np.stack([columns, rows]).astype(np.float32)
        back = crop.maps_back(ramp)
        assert back.shape == (2, *crop.picture) and back.dtype == np.float32
        assert (np.isfinite(back[0]) == inside).all()
        ends = np.clip(places, coarse / 2, np.array([32, 24]) - coarse / 2)  # beyond the last middle it stays as it is
        assert np.abs(back[0] - ends[..., 0])[inside].max() < 1e-3
        assert np.abs(back[1] - ends[..., 1])[inside].max() < 1e-3
    assert (crop.maps_back(ramp, fill=0.0)[0] == 0).sum() == (~inside).sum()


# In a picture 6 wide and 4 high as it is seen, a tip is at (5, 1): where a file of each orientation holds it.
TIP = {1: (5, 1), 2: (1, 1), 3: (1, 3), 4: (5, 3), 5: (1, 5), 6: (1, 1), 7: (3, 1), 8: (3, 5)}


@pytest.mark.parametrize("orientation", TURNS)
def test_by_hand_each_turn(orientation):
    crop = Preprocess(2, 3, 1, "stretch").crop_transform(4, 6, orientation=orientation)
    assert crop.picture == ((4, 6) if orientation < 5 else (6, 4))
    assert crop.points([TIP[orientation]]).tolist() == [[2.5, 0.5]]
    assert crop.points_back([[2.5, 0.5]]).tolist() == [list(TIP[orientation])]


def test_by_hand_the_middle_of_a_pixel():
    crop = Preprocess(4, 4, 1).crop_transform(8, 16)  # the middle 8 x 8, at half its size
    assert crop.points([[4, 0], [5, 1], [12, 8]]).tolist() == [[0, 0], [0.5, 0.5], [4, 4]]
    assert crop.matrix.tolist() == [[0.5, 0, -2], [0, 0.5, 0]]
    padded = Preprocess(4, 4, 1, "pad").crop_transform(4, 8)  # two rows of it are the picture, with one above and below
    assert padded.points([[0, 0], [8, 4]]).tolist() == [[0, 1], [4, 3]]
    assert padded.masks(np.ones((4, 8), np.uint8)).tolist() == [[VOID] * 4, [1] * 4, [1] * 4, [VOID] * 4]
    boxes, visible = crop.boxes([[0, 0, 8, 8], [0, 0, 2, 2]])
    assert boxes.tolist() == [[0, 0, 2, 4], [0, 0.5, 0, 0.5]] and visible.tolist() == [0.5, 0]
    # A box whose edge is, but for rounding, that of the input: 4 x 12 of its 8 x 47 pixels are seen.
    _, visible = Preprocess(20, 20, 1, crop_share=0.6).crop_transform(82, 20).boxes([[0, 0, 8, 47]])
    assert visible[0] == pytest.approx(4 * 12 / (8 * 47))
    assert padded.boxes_back([[0, 0, 4, 4]]).tolist() == [[0, 0, 8, 4]]  # what is padding is no part of the picture


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_a_file_says_how_its_rows_lie(form, orientation):
    stored = np.zeros((30, 50, 3), np.uint8)
    stored[:6, :10] = 255  # the corner of the first rows
    data = png(stored, orientation, form)
    told = header(data)
    assert told.orientation == orientation
    assert (told.height, told.width) == ((30, 50) if orientation < 5 else (50, 30))
    how = Preprocess(10, 10, 3, "stretch")
    crop = how.crop_of(data, stored=True)
    (left, top, right, bottom), _ = (value[0] for value in crop.boxes([[0, 0, 10, 6]]))
    pixels = how.pixels(data)
    assert (right - left, bottom - top) == (2, 2)
    assert pixels[int(top) : int(bottom), int(left) : int(right)].min() > 200 and pixels.mean() < 25


def test_by_hand_where_nothing_is_resampled():
    pixels = np.arange(16 * 19, dtype=np.uint32).reshape(16, 19).astype(np.uint8)
    crop = Preprocess(16, 16, 1).crop_transform(16, 19)  # a column and a half too many at each side: one is left out
    assert crop.points([[1, 0]]).tolist() == [[0, 0]]
    assert np.array_equal(crop.masks(pixels), Preprocess(16, 16, 1).pixels(pixels)[..., 0])


def test_what_is_no_mask_of_the_picture_is_refused():
    crop = Preprocess(4, 4, 1).crop_transform(8, 16)
    with pytest.raises(PictureError, match="a mask of 16 x 8 pixels for a picture of 8 x 16"):
        crop.masks(np.zeros((16, 8), np.uint8))
    with pytest.raises(PictureError, match="orientation 9"):
        Preprocess(4, 4, 1).crop_transform(8, 16, orientation=9)
    assert Preprocess(4, 4, 1).crop_of(np.zeros((8, 16), np.uint8)) == crop
