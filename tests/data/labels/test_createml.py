"""Create ML: boxes by their middle; shares of the picture are never taken for pixels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.data.labels.written import boxes, find_objects, picture, text

from striate.errors import SourceError


def createml(tmp_path: Path, x: float, width: float) -> None:
    picture(tmp_path / "1.jpg")
    at = {"x": x, "y": x, "width": width, "height": width}
    each = [{"image": "1.jpg", "annotations": [{"label": "cat", "coordinates": at}]}]
    text(tmp_path / "a.json", json.dumps(each))


def test_the_middle(tmp_path: Path) -> None:
    createml(tmp_path, 20, 10)
    assert boxes(find_objects(tmp_path)) == {"1.jpg": [[15, 15, 25, 25]]}


def test_shares(tmp_path: Path) -> None:
    createml(tmp_path, 0.5, 0.2)
    with pytest.raises(SourceError, match="a share of the picture; export them in pixels"):
        find_objects(tmp_path)
