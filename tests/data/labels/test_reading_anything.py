"""Whatever stands in a file of labels, reading it ends in objects or in one sentence."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.data.labels.written import find_objects, picture, text

from striate.errors import SourceError

SHAPE = {"label": "a", "shape_type": "rectangle", "points": [[1, 2], [9, 9]]}
VIA = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, "region_attributes": {"c": "a"}}
RESULT = {
    "type": "rectanglelabels", "original_width": 80, "original_height": 60, "image_rotation": 0,
    "value": {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 30, "rectanglelabels": ["a"]},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "coco": {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 80, "height": 60, "neg_category_ids": [2]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0,
                         "segmentation": [[1, 2, 3, 4, 5, 6]]}],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    },
    "labelme": {
        "imagePath": "1.jpg", "imageWidth": 80, "imageHeight": 60, "shapes": [SHAPE, {**SHAPE, "shape_type": "circle"}]
    },
    "via": {"x": {"filename": "1.jpg", "regions": [VIA]}},
    "createml": [
        {"image": "1.jpg", "annotations": [{"label": "a", "coordinates": {"x": 9, "y": 9, "width": 4, "height": 4}}]}
    ],
    "label-studio": [{"data": {"image": "/data/upload/1.jpg"}, "annotations": [{"result": [RESULT]}]}],
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e400,
    10**400,
    "",
    "x",
    "\0",
    "../..",
    [],
    [[]],
    {},
    {"a": 1},
    [None],
    "nan",
    2.5,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a value where another can be put."""
    each = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in each] + [place for _, inner in each for place in places(inner)]


@pytest.mark.parametrize("form", list(WHOLE))
def test_any_value_anywhere(tmp_path: Path, form: str) -> None:
    picture(tmp_path / "1.jpg")
    assert sum(map(len, find_objects(text(tmp_path / "a.json", json.dumps(WHOLE[form])), form=form).pictures))
    draw = random.Random(0)
    refused = read = 0
    for _ in range(150):
        value = copy.deepcopy(WHOLE[form])
        for _ in range(draw.choice((1, 1, 2))):
            inside, key = draw.choice(places(value))
            inside[key] = copy.deepcopy(draw.choice(ODD))
        text(tmp_path / "a.json", json.dumps(value))
        try:
            found = find_objects(tmp_path / "a.json", form=form)
        except SourceError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        read += 1
        for one in found.pictures:
            assert (one.boxes[:, 2:] > one.boxes[:, :2]).all() and (one.boxes >= 0).all()
            assert (one.boxes[:, 2:] <= (one.width, one.height)).all()
    assert refused and read
