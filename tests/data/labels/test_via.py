"""VGG Image Annotator: which attribute is the class, projects, mappings of regions, shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.data.labels.written import boxes, find_objects, picture, text

from striate.errors import SourceError

RECT = {"name": "rect", "x": 1, "y": 2, "width": 10, "height": 20}


def via(tmp_path: Path, regions: Any) -> Path:
    picture(tmp_path / "1.jpg")
    return text(tmp_path / "a.json", json.dumps({"1.jpg99": {"filename": "1.jpg", "size": 99, "regions": regions}}))


def test_shapes_and_the_class(tmp_path: Path) -> None:
    each = [
        (RECT, {"note": "blurred", "Label": "cat"}),
        ({"name": "polygon", "all_points_x": [0, 9, 9], "all_points_y": [0, 0, 9]}, {"Label": {"dog": True}}),
        ({"name": "circle", "cx": 40, "cy": 30, "r": 5}, {"Label": "cat"}),
        ({"name": "point", "cx": 4, "cy": 3}, {"Label": "cat"}),
    ]
    via(tmp_path, [{"shape_attributes": shape, "region_attributes": facts} for shape, facts in each])
    found = find_objects(tmp_path)
    assert boxes(found) == {"1.jpg": [[1, 2, 11, 22], [0, 0, 9, 9], [35, 25, 45, 35]]}
    assert found.counts() == {"cat": 2, "dog": 1} and "1 point beside boxes" in found.notes[0]


def test_a_project_with_regions_by_number(tmp_path: Path) -> None:
    path = via(tmp_path, {"0": {"shape_attributes": RECT, "region_attributes": {"kind": "cat"}}})
    path.write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": json.loads(path.read_text())}))
    assert boxes(find_objects(tmp_path)) == {"1.jpg": [[1, 2, 11, 22]]}


@pytest.mark.parametrize(
    ("facts", "says"), [({"a": "x", "b": "y"}, "the attributes a, b, and none is called class"), ({}, "no attribute")]
)
def test_no_class(tmp_path: Path, facts: dict[str, str], says: str) -> None:
    via(tmp_path, [{"shape_attributes": RECT, "region_attributes": facts}])
    with pytest.raises(SourceError, match=says):
        find_objects(tmp_path)
