"""Label Studio: per cent of the written size, turned rectangles, names as uploaded, several answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.data.labels.written import boxes, find_objects, picture, text


def result(kind: str, **value: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "original_width": 80,
        "original_height": 60,
        "image_rotation": 0,
        "value": {kind: ["cat"], **value},
    }


def test_shapes(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    shapes = [
        result("rectanglelabels", x=10, y=10, width=50, height=50, rotation=0),
        result("rectanglelabels", x=50, y=50, width=10, height=10, rotation=90),
        result("polygonlabels", points=[[0, 0], [10, 0], [10, 10]]),
        result("ellipselabels", x=50, y=50, radiusX=10, radiusY=5),
        result("keypointlabels", x=50, y=50),
    ]
    cancelled, answer = {"was_cancelled": True, "result": []}, {"result": shapes}
    task = {"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-1.jpg"}, "annotations": [cancelled, answer, answer]}
    text(tmp_path / "a.json", json.dumps([task]))
    found = find_objects(tmp_path)
    assert boxes(found) == {"1.jpg": [[8, 6, 48, 36], [34, 30, 40, 38], [0, 0, 8, 6], [32, 27, 48, 33]]}
    assert [len(rings) for rings in found.pictures[0].outlines] == [0, 1, 1, 0]
    said = " ".join(found.notes)
    for what in ("1 task with several answers", "1 rotated box", "1 point beside boxes", "1 ellipse"):
        assert what in said


def test_a_picture_that_was_turned_in_the_tool_is_never_taken_as_it_lies(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    shape = {**result("rectanglelabels", x=10, y=10, width=50, height=50), "image_rotation": 90}
    task = {"data": {"image": "1.jpg"}, "annotations": [{"result": [shape]}]}
    text(tmp_path / "a.json", json.dumps([task]))
    found = find_objects(tmp_path)
    assert not len(found.pictures[0]) and "turned in the tool" in found.notes[0]
