"""LabelMe: rectangles from any corner, polygons, circles, and what is neither box nor outline."""

from __future__ import annotations

import json
from pathlib import Path

from tests.data.labels.written import boxes, find_objects, picture, text


def test_shapes(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    shapes = [
        {"label": "a", "shape_type": "rectangle", "points": [[30, 40], [10, 20]]},
        {"label": "b", "shape_type": "polygon", "points": [[0, 0], [9, 0], [9, 9]]},
        {"label": "c", "shape_type": "circle", "points": [[40, 30], [43, 34]]},
        {"label": "d", "shape_type": "linestrip", "points": [[0, 0], [9, 0], [9, 9]]},
    ]
    value = {
        "imagePath": "..\\elsewhere\\1.jpg",
        "imageData": None,
        "imageWidth": 80,
        "imageHeight": 60,
        "shapes": shapes,
    }
    text(tmp_path / "1.json", json.dumps(value))
    found = find_objects(tmp_path)
    assert boxes(found) == {"1.jpg": [[10, 20, 30, 40], [0, 0, 9, 9], [35, 25, 45, 35]]}
    assert found.classes == ("a", "b", "c") and [len(rings) for rings in found.pictures[0].outlines] == [0, 1, 0]
    assert found.notes == ("left out: 1 line, which is neither box nor outline", "kept as a box: 1 circle")
