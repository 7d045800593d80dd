"""Boxes as a table, as people and tools write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.labels.written import SHARED, boxes, find_objects, picture, same, text

from striate.data.labels.box_csv import is_box_table, write_csv
from striate.data.sources.source import find
from striate.errors import SourceError


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "1.jpg,80,60,cat,1,2,11,22"),
        ("image_path;x1;y1;x2;y2;label", "1.jpg;1;2;11;22;cat"),
        ("image,class,x,y,w,h", "1.jpg,cat,1,2,10,20"),
        ("label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name", "cat,1,2,10,20,1.jpg"),
    ],
)  # fmt: skip
def test_headers(tmp_path: Path, head: str, row: str) -> None:
    picture(tmp_path / "1.jpg")
    path = text(tmp_path / "a.csv", f"{head}\n{row}\n")
    assert is_box_table(path)
    for place in (path, tmp_path):
        found = find_objects(place)
        assert found.form == "CSV" and boxes(found) == {"1.jpg": [[1, 2, 11, 22]]} and found.classes == ("cat",)
        assert find(place).kind == "boxes"


@pytest.mark.parametrize("head", ["path,label", "file,x,y", "file,count", "xmin,ymin,xmax,ymax", ""])
def test_other_tables_are_none(tmp_path: Path, head: str) -> None:
    assert not is_box_table(text(tmp_path / "a.csv", head + "\n"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1.jpg,80,60,cat,1,2,11\n", "line 2: .* has not the 8 columns"),
        ("1.jpg,80,60,cat,1,2,11,22\n1.jpg,90,60,cat,1,2,11,22\n", "line 3: 1.jpg has another size"),
    ],
)
def test_lines_that_do_not_read(tmp_path: Path, rows: str, said: str) -> None:
    path = text(tmp_path / "a.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n" + rows)
    with pytest.raises(SourceError, match=said):
        find_objects(path)


def test_pictures_without_objects_and_what_is_to_be_ignored(tmp_path: Path) -> None:
    for name in "12":
        picture(tmp_path / f"{name}.jpg")
    rows = "1.jpg,80,60,cat,1,2,11,22,1\n2.jpg,80,60,,,,,,\n"
    found = find_objects(text(tmp_path / "a.csv", "filename,width,height,class,xmin,ymin,xmax,ymax,ignored\n" + rows))
    assert [len(one) for one in found.pictures] == [1, 0] and found.pictures[0].ignored.tolist() == [True]


def test_our_own_table_of_blood_cells_comes_back(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the shared pictures")
    first = find_objects(SHARED / "bccd")
    path = tmp_path / "b.csv"
    path.write_bytes(write_csv(first)[""])
    same(first, find_objects(path, pictures=SHARED / "bccd"))


def test_raccoons_by_their_table_and_by_their_files(shared: Path) -> None:
    table = find(shared / "data" / "raccoon" / "raccoon_labels.csv")
    assert len(table.items) == 200 and table.notes[0] == "200 pictures with 217 boxes of 1 class (CSV)"
    voc = {item.key: item.target for item in find(shared / "data" / "raccoon").items}
    assert sum(voc[item.key] == item.target for item in table.items) >= 190  # some were corrected in one of the two
