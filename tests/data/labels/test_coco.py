"""COCO: ids that mean nothing, crowds, polygons in parts, what LVIS adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.labels.written import boxes, coco, find_objects, picture, text

from striate.data.labels.coco import write_coco
from striate.data.labels.filled import filled
from striate.data.labels.run_lengths import encoded
from striate.errors import SourceError

IMAGES = [{"id": at, "file_name": f"{at}.jpg", "width": 80, "height": 60} for at in (0, 7, 90)]
CATS = [{"id": 3, "name": "dog"}, {"id": 0, "name": "cat"}]


def one(image: int, category: int, bbox: list[float], **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": bbox, **more}


def test_ids_with_gaps_from_zero_and_repeated(tmp_path: Path) -> None:
    each = [one(90, 3, [1, 2, 10, 20], id=5), one(0, 0, [3, 4, 5, 6], id=5), one(0, 0, [3, 4, 5, 6], id=5)]
    found = find_objects(coco(tmp_path / "a.json", IMAGES, each, CATS))
    assert found.classes == ("cat", "dog") and found.counts() == {"cat": 1, "dog": 1}
    assert boxes(found) == {"0.jpg": [[3, 4, 8, 10]], "7.jpg": [], "90.jpg": [[1, 2, 11, 22]]}
    said = " ".join(found.notes)
    assert "2 annotations with an id that another has" in said and "1 object stood there twice" in said


def test_crowds_parts_and_masks(tmp_path: Path) -> None:
    rle = {"size": [60, 80], "counts": [0, 4800]}
    parts = [[0, 0, 10, 0, 10, 10], [20, 20, 30, 20, 30, 30, 20, 30]]
    each = [
        one(0, 0, [0, 0, 80, 60], iscrowd=1, segmentation=rle),
        one(0, 3, [0, 0, 30, 30], segmentation=parts),
        one(7, 3, [5, 5, 9, 9], segmentation={"size": [60, 80], "counts": [0, 4799]}),
    ]
    found = find_objects(coco(tmp_path / "a.json", IMAGES, each, CATS))
    assert found.pictures[0].ignored.tolist() == [True, False]
    assert [len(rings) for rings in found.pictures[0].outlines] == [1, 2]
    assert found.pictures[0].outlines[0][0].tolist() == [[0, 0], [80, 0], [80, 60], [0, 60]]
    assert "kept as a box: 1 broken mask" in found.notes
    written = json.loads(write_coco(found)[""])
    assert [a["area"] for a in written["annotations"]] == [4800, 150, 81]


def test_which_classes_were_looked_for(tmp_path: Path) -> None:
    images = [{**IMAGES[0], "neg_category_ids": [0]}, IMAGES[1]]
    path = coco(tmp_path / "a.json", images, [one(0, 3, [1, 1, 5, 5])], [*CATS, {"id": 8, "name": "owl"}])
    found = find_objects(path)
    assert [picture.labelled for picture in found.pictures] == [(0, 1), None]
    again = text(tmp_path / "b" / "b.json", write_coco(found)[""].decode())
    assert [picture.labelled for picture in find_objects(again).pictures] == [(0, 1), None]


@pytest.mark.parametrize(
    ("name", "folder", "split"),
    [
        ("instances_train2017.json", "annotations", "train"),
        ("_annotations.coco.json", "valid", "val"),
        ("a.json", "x", ""),
    ],
)
def test_the_part(tmp_path: Path, name: str, folder: str, split: str) -> None:
    found = find_objects(coco(tmp_path / folder / name, IMAGES, [], CATS))
    assert {picture.split for picture in found.pictures} == {split}


@pytest.mark.parametrize(
    ("images", "each", "says"),
    [
        ([*IMAGES, {"id": 0, "file_name": "b.jpg"}], [], "the image id 0 belongs to two pictures"),
        (IMAGES, [one(1, 0, [0, 0, 1, 1])] * 5, "5 of a picture that the file does not list"),
        (IMAGES, [one(0, 1, [0, 0, 1, 1])] * 5, "5 of a category that the file does not list"),
        (IMAGES, [one(0, 0, [0, 0, 5, 5, 0.3])] * 5, "5 rotated"),
        (IMAGES, ["x"], "is no object with names"),
        ([{"id": [1]}], [], "neither a number nor text"),
        ([{"id": 3, "file_name": None, "width": 9, "height": 9}], [], "the image id 3 has no file_name"),
    ],
)
def test_what_is_refused(tmp_path: Path, images: list[Any], each: list[Any], says: str) -> None:
    with pytest.raises(SourceError, match=says):
        find_objects(coco(tmp_path / "a.json", images, each, CATS))


def test_broken_json(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no JSON: .* in line 2"):
        find_objects(text(tmp_path / "a.json", '{"images": [], "annotations": [],\n "categories": }'))


@pytest.mark.parametrize(("folder", "found"), [("annotations", True), ("elsewhere", False)])
def test_pictures_beside_a_folder_of_annotations_are_found_from_its_file(
    tmp_path: Path, folder: str, found: bool
) -> None:
    picture(tmp_path / "images" / "7.jpg")
    each = find_objects(coco(tmp_path / folder / "a.json", [IMAGES[1]], [], CATS)).pictures
    assert [(one.key, one.found) for one in each] == [("images/7.jpg" if found else "7.jpg", found)]


def test_run_lengths_and_holes_go_both_ways(tmp_path: Path) -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:30, 20:50] = True
    mask[15:20, 30:35] = False  # a hole
    mask[40, 60] = True  # a part
    shape = {"size": [60, 80], "counts": encoded(mask)}
    found = find_objects(coco(tmp_path / "a.json", IMAGES, [one(0, 3, [20, 10, 41, 31], segmentation=shape)], CATS))
    rings = found.pictures[0].outlines[0]
    assert len(rings) == 3 and np.array_equal(filled(rings, 60, 80), mask)
    (written,) = json.loads(write_coco(found)[""])["annotations"]
    assert written["segmentation"] == shape and written["area"] == mask.sum()


def test_run_lengths_in_the_frame_of_the_file_are_turned_with_the_picture(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg", orientation=6)
    mask = np.zeros((60, 80), bool)
    mask[0:10, 0:30] = True
    shape = {"size": [60, 80], "counts": encoded(mask)}
    image = {"id": 1, "file_name": "1.jpg", "width": 80, "height": 60}
    found = find_objects(coco(tmp_path / "a.json", [image], [one(1, 3, [0, 0, 30, 10], segmentation=shape)], CATS))
    assert np.array_equal(filled(found.pictures[0].outlines[0], 80, 60), np.rot90(mask, -1))


def test_keypoints_are_points(tmp_path: Path) -> None:
    cats = [{"id": 1, "name": "cell"}, {"id": 2, "name": "person", "keypoints": ["nose", "hand"]}]
    each = [
        one(0, 1, [1, 1, 4, 4], keypoints=[3, 2, 2]),
        one(0, 2, [1, 1, 9, 9], keypoints=[5, 6, 1, 7, 8, 0]),
        one(7, 1, [1, 1, 4, 4], keypoints=[900, 2, 2]),
    ]
    found = find_objects(coco(tmp_path / "a.json", IMAGES, each, cats))
    names = [(found.classes[at], x, y) for at, x, y in found.pictures[0].points]
    assert names == [("cell", 3, 2), ("nose", 5, 6)]  # the hand is not there
    assert "dropped, the picture kept: 1 point beside the picture" in found.notes


def test_classes_that_were_looked_for_by_name(tmp_path: Path) -> None:
    images = [{**IMAGES[0], "labelled": ["owl"]}, IMAGES[1]]
    path = coco(tmp_path / "a.json", images, [one(0, 3, [1, 1, 5, 5])], [*CATS, {"id": 8, "name": "owl"}])
    found = find_objects(path)
    assert found.classes == ("cat", "dog", "owl")
    assert [picture.labelled for picture in found.pictures] == [(1, 2), None]  # what is drawn was looked for too
