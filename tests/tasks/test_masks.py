"""What is said of every pixel of a picture: between cells, in the person's pixels, as areas, runs and colours."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data.pictures.preprocess import Preprocess
from striate.errors import StriateError
from striate.render.png.masks_drawn import class_colours, drawn_masks
from striate.tasks.masks import Masks, mask_columns, run_lengths
from striate.tasks.masks_pixels import classes_at, confidence_at, logits_at, middles

NAMES = ("road", "sky", "tree")


def smooth(classes=3, cells=(6, 9), seed=0):
    return np.random.default_rng(seed).normal(size=(classes, *cells)).astype(np.float32)


@pytest.mark.parametrize("size", [(24, 36), (6, 9), (7, 31), (3, 4), (1, 1)])
def test_pixels_between_cells_are_those_of_torch(size):
    maps = smooth()
    wanted = torch.nn.functional.interpolate(torch.from_numpy(maps)[None], size=size, mode="bilinear")[0]
    rows, columns = middles(size[0], 6), middles(size[1], 9)
    assert np.array_equal(classes_at(maps, rows, columns), wanted.argmax(0).numpy())
    likely = wanted.softmax(0).amax(0).numpy()
    np.testing.assert_allclose(confidence_at(maps, rows, columns), likely, atol=1e-5)
    places = np.meshgrid(rows, columns, indexing="ij")
    each = logits_at(maps, places[0].ravel(), places[1].ravel())
    np.testing.assert_allclose(each, wanted.flatten(1).T.numpy(), atol=1e-5)


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_an_answer_goes_back_to_the_pixels_of_the_picture(resize):
    maps = smooth(cells=(8, 8))
    how = Preprocess(32, 32, 3, resize=resize)
    crop = how.crop_of(np.zeros((50, 80, 3), np.uint8))
    said = Masks(NAMES, maps).in_picture(crop)
    wanted = np.stack([crop.maps_back(each) for each in maps])
    left_out = np.isnan(wanted[0])
    assert said.ids.shape == (50, 80) and ((said.ids == 255) == left_out).all() and left_out.any() == (resize == "crop")
    assert (said.ids == np.where(left_out, 255, wanted.argmax(0))).mean() > 0.999
    assert not said.confidence[left_out].any() and said.confidence[~left_out].min() > 1 / 3
    assert said.areas.sum() == (~left_out).sum() and said.shares.sum() == pytest.approx(1)
    assert said.to_dict()["void"] == left_out.sum()


def test_a_turned_file_has_its_answer_as_it_lies():
    how = Preprocess(8, 12, 1)
    upright, turned = how.crop_transform(16, 24), how.crop_transform(16, 24, orientation=6)
    maps = smooth(cells=(4, 6))
    seen, lying = Masks(NAMES, maps).in_picture(upright).ids, Masks(NAMES, maps).in_picture(turned).ids
    assert lying.shape == (24, 16) and np.array_equal(turned.masks(lying), upright.masks(seen))


def test_an_answer_is_a_line_json_and_cells():
    maps = np.zeros((3, 2, 5), np.float32)
    maps[0, :, :3], maps[2, 0, 3:] = 3, 1
    maps[1, 1, 3:] = 2
    said = Masks(NAMES, maps)
    assert str(said) == "road 60 %, sky 20 %, tree 20 %" and said.text(1) == "road 60 %, and 2 more"
    assert said.cells() == ("road", 6.0, 2.0, 2.0) and said.cells(2) == ("road", "road", 6.0, "sky", 2.0)
    assert len(said.cells()) == len(mask_columns(NAMES)) and len(said.cells(2)) == len(mask_columns(NAMES, 2))
    told = json.loads(json.dumps(said.to_dict(), allow_nan=False))
    assert told["size"] == [2, 5] and [one["class"] for one in told["areas"]] == ["road", "sky", "tree"]
    assert told["areas"][0]["confidence"] == pytest.approx(np.exp(3) / (np.exp(3) + 2), rel=1e-5)
    scaled = said.at_scale(0.5, "mm")
    assert str(scaled).startswith("road 60 % (1.5 mm²)") and scaled.to_dict()["areas"][0]["area"] == 1.5
    assert str(said.at_scale(61.08, "nm")).startswith("road 60 % (22,385 nm²)"), "and no exponent"
    assert said.of("sky").sum() == 2 and np.array_equal(said.of(1), said.of("sky"))
    only = Masks(NAMES, maps[:, :, :2])
    assert str(only) == "road 100 %" and only.cells(2) == ("road", "road", 4.0, None, None)
    with pytest.raises(StriateError, match="there is no class 'roads'; there are road, sky, tree"):
        said.of("roads")
    with pytest.raises(StriateError, match="a scale is the length of a pixel's side"):
        said.at_scale(-1, "mm")
    with pytest.raises(StriateError, match="2 classes but maps of shape"):
        Masks(NAMES[:2], maps)


def test_runs_are_those_of_coco():
    coco = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for size in ((1, 1), (5, 7), (40, 30), (200, 333)):
        for share in (0.0, 0.02, 0.5, 0.98, 1.0):
            mask = random.uniform(size=size) < share
            mask[: size[0] // 2] = share > 0.4
            found = run_lengths(mask)
            wanted = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            assert found == {"size": list(size), "counts": wanted["counts"].decode()}
            assert np.array_equal(coco.decode(found).astype(bool), mask)


def test_areas_are_drawn_over_the_picture_that_they_are_of():
    picture = Image.new("RGB", (120, 80), (128, 128, 128))
    ids = np.zeros((80, 120), np.uint8)
    ids[:, 60:], ids[:10] = 1, 255
    found = np.asarray(drawn_masks(picture, ids, NAMES))
    assert found.shape == (80, 120, 3) and (found[:9] == 128).all(), "void stays as it is"
    left, right = found[70, 5].astype(float), found[70, 115].astype(float)
    assert np.abs(left - right).max() > 30 and np.abs(left - 128).max() > 10
    tint = 0.55 * 128 + 0.45 * class_colours(3)[:2]
    np.testing.assert_allclose(np.stack([left, right]), tint, atol=2)
    said = Masks(NAMES, smooth()).in_picture(Preprocess(8, 12, 3).crop_of(np.asarray(picture)))
    assert said.drawn(picture).size == picture.size and said.drawn(picture).mode == "RGB"
    with pytest.raises(StriateError, match="the picture is 80x120 and what was said of it is of 6x9 pixels"):
        Masks(NAMES, smooth()).drawn(picture)


@pytest.mark.parametrize(("height", "room"), [(30, False), (120, True)])
def test_a_name_that_would_stand_on_another_is_left_out(height, room):
    ids = np.zeros((height, 40), np.uint8)
    ids[height // 2 - 2 : height // 2 + 2] = 1
    one, other = (drawn_masks(Image.new("RGB", (40, height)), ids, ("road", name)) for name in ("sky", "sea"))
    assert (one.tobytes() != other.tobytes()) == room
