"""CVAT: boxes, turned boxes, polygons, ellipses, masks as boxes; lines are left out, tracks refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.labels.written import boxes, find_objects, text

from striate.errors import SourceError

META = "<meta><task><labels><label><name>b</name></label><label><name>a</name></label></labels></task></meta>"


def test_shapes(tmp_path: Path) -> None:
    shapes = (
        '<box label="a" xtl="1.5" ytl="2" xbr="10" ybr="12"/>'
        '<box label="a" xtl="20" ytl="20" xbr="40" ybr="30" rotation="90"/>'
        '<polygon label="b" points="0,0;9,0;9,9"/><ellipse label="b" cx="50" cy="30" rx="4" ry="2"/>'
        '<mask label="b" rle="1, 3" left="60" top="50" width="2" height="2"/><polyline label="b" points="0,0;5,5"/>'
        '<tag label="b"/>'
    )  # fmt: skip
    images = f'<image id="0" name="x/1.jpg" subset="Validation" width="80" height="60">{shapes}</image>'
    text(tmp_path / "a.xml", f"<annotations><version>1.1</version>{META}{images}</annotations>")
    found = find_objects(tmp_path)
    assert found.classes == ("b", "a") and found.pictures[0].split == "val"
    wanted = [[1.5, 2, 10, 12], [25, 15, 35, 35], [0, 0, 9, 9], [46, 28, 54, 32], [60, 50, 62, 52]]
    assert boxes(found) == {"x/1.jpg": wanted}
    assert [len(rings) for rings in found.pictures[0].outlines] == [0, 1, 1, 0, 1]
    assert found.pictures[0].outlines[4][0].tolist() == [[61, 50], [62, 50], [62, 52], [60, 52], [60, 51], [61, 51]]
    said = " ".join(found.notes)
    for what in ("1 rotated box taken as outline", "1 line,", "1 tag of a whole", "1 ellipse"):
        assert what in said


def test_tracks(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", '<annotations><track id="0"/></annotations>')
    with pytest.raises(SourceError, match="tracks of a video"):
        find_objects(tmp_path)
