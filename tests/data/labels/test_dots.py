"""Dots of tables and of pictures of dots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from striate.data.labels.dots import dots_in, is_dot_table, read_dots
from striate.data.pictures.stored import Stored
from striate.errors import PictureError, SourceError


def stored(values: np.ndarray) -> Stored:
    return Stored(values, values.dtype == np.uint32, None, "PNG")


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        ("file,x,y", True),
        ("X;Y;Image;Class", True),
        ("filename\tx\ty", True),
        ("file,x,y,width,height", False),
        ("file,xmin,ymin,xmax,ymax", False),
        ("file,count", False),
        ("x,y", False),
        ("", False),
    ],
)
def test_which_tables_are_of_dots(tmp_path: Path, head: str, is_one: bool) -> None:
    (tmp_path / "a.csv").write_text(head + "\n")
    assert is_dot_table(tmp_path / "a.csv") is is_one
    (tmp_path / "a.json").write_text(head)
    assert not is_dot_table(tmp_path / "a.json")


def test_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,x,file,class,split\n1,2,a.png,cell,train\n3.5,4,a.png,,train\n,,b.png,,test\n")
    found = read_dots(tmp_path / "a.csv")
    assert dict(found.points) == {"a.png": [(2, 1, "cell"), (4, 3.5, "object")], "b.png": []}
    assert found.splits == {"a.png": "train", "b.png": "test"} and not found.whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,x,y\na.png,1\n", "line 2: 'a.png,1' has not the 3 columns"),
        ("file,x,y\na.png,1,two\n", "line 2: '1', 'two' is no point"),
        ("file,x,y\na.png,1,\n", "line 2: '1', '' is no point"),
        ("file,x,y\na.png,nan,1\n", "is no point"),
        ("file,x,y,split\na.png,1,1,train\na.png,2,2,test\n", "line 3: a.png is in train above"),
        ("file,x,y,split\na.png,1,1,other\n", "the split 'other' is none of"),
        ("file,count\na.png,1\n", "no list of dots"),
    ],
)
def test_lines_that_do_not_read(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(SourceError, match=said):
        read_dots(tmp_path / "a.csv")


def test_every_pixel_is_a_dot() -> None:
    values = np.zeros((20, 30), np.uint8)
    values[3, 4] = values[10, 12] = 255
    values[11, 13] = 255  # two that touch, among others that do not
    values[19, 29] = 255
    dots, spots = dots_in(stored(values))
    assert not spots and sorted(dots) == [(4.5, 3.5, 255), (12.5, 10.5, 255), (13.5, 11.5, 255), (29.5, 19.5, 255)]


def test_spots_are_dots_at_their_middles() -> None:
    values = np.zeros((40, 60), np.uint32)
    values[3:6, 4:7] = 0xFF0000
    values[20:23, 30:33] = 0x00FF00
    values[21, 31] = 0x00FE00
    dots, spots = dots_in(stored(values))
    assert spots and dots == [(5.5, 4.5, 0xFF0000), (31.5, 21.5, 0x00FF00)]


def test_the_colours_of_a_palette_count_and_not_its_numbers() -> None:
    values = np.ones((20, 30), np.uint8)
    values[3, 4] = 0
    found, _ = dots_in(Stored(values, False, np.array([0xFF0000, 0], np.uint32), "PNG"))
    assert found == [(4.5, 3.5, 0xFF0000)]


def test_no_dots_is_a_picture_of_dots_too_and_a_mask_is_none() -> None:
    assert dots_in(stored(np.zeros((20, 30), np.uint8))) == ([], False)
    with pytest.raises(PictureError, match=r"600 pixels that are not black \(100 %\)"):
        dots_in(stored(np.ones((20, 30), np.uint8)))
