"""Pictures with dots are sources: of tables, of pictures of dots, of the middles of boxes; counts beside dots lose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.labels.written import coco, picture, text, voc

from striate.data.labels.marks import DotMarks
from striate.data.sources.source import check_rejected, find
from striate.errors import SourceError


def marks(*points: tuple[float, float], classes: tuple[int, ...] | None = None) -> DotMarks:
    return DotMarks((60, 80), points, classes or (0,) * len(points))


def dots(path: Path, *points: tuple[int, int], size: tuple[int, int] = (60, 80)) -> None:
    values = np.zeros(size, np.uint8)
    for x, y in points:
        values[y, x] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def test_a_table_beside_pictures(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "4"):
        picture(tmp_path / "images" / f"{name}.jpg")
    text(tmp_path / "dots.csv", "file,x,y\nimages/1.jpg,3,4\nimages/1.jpg,7,2\nimages/2.jpg,,\n3.jpg,79,59\n")
    source = find(tmp_path)
    assert source.kind == "dots" and source.label_names == ("object",)
    assert {item.key: item.target for item in source.items} == {
        "images/1.jpg": marks((3.5, 4.5), (7.5, 2.5)),
        "images/2.jpg": marks(),
        "images/3.jpg": marks((79.5, 59.5)),
    }
    assert source.notes[0] == "3 pictures with 3 dots (dots.csv), 1 of them without any"
    assert "half a pixel further" in source.notes[1]
    assert source.items[0].said(source.label_names) == "2 objects"
    again = find(tmp_path / "dots.csv")
    assert [(item.key, item.target) for item in again.items] == [(item.key, item.target) for item in source.items]


@pytest.mark.parametrize("row", ["1.jpg,3.25,4", "1.jpg,80,60"])  # a fraction; the edge, which no pixel has
def test_coordinates_that_are_no_pixels_are_edges(tmp_path: Path, row: str) -> None:
    picture(tmp_path / "1.jpg")
    text(tmp_path / "dots.csv", f"file,x,y\n1.jpg,7,2\n{row}\n")
    x, y = map(float, row.split(",")[1:])
    source = find(tmp_path)
    assert source.items[0].target == marks((7, 2), (x, y))
    assert not any("half a pixel" in note for note in source.notes)


def test_classes_and_parts(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "1.jpg")
    picture(tmp_path / "test" / "2.jpg")
    text(tmp_path / "points.csv", "file,x,y,label\ntrain/1.jpg,1,1,b\ntrain/1.jpg,2,2,a\ntest/2.jpg,3,3,b\n")
    source = find(tmp_path)
    assert source.label_names == ("a", "b")
    assert [(item.split, item.target) for item in source.items] == [
        ("train", marks((1.5, 1.5), (2.5, 2.5), classes=(1, 0))),
        ("test", marks((3.5, 3.5), classes=(1,))),
    ]
    assert source.notes[0] == "2 pictures with 3 dots of 2 classes (points.csv)"


def test_counts_beside_dots_lose_and_tell_which_pictures_have_none(tmp_path: Path) -> None:
    for name in "123":
        picture(tmp_path / f"{name}.jpg")
    text(tmp_path / "dots.csv", "file,x,y\n1.jpg,3,4\n1.jpg,7,2\n2.jpg,7,2\n")
    text(tmp_path / "counts.csv", "file,count\n1.jpg,2\n2.jpg,5\n3.jpg,0\n")
    source = find(tmp_path)
    assert {item.key: len(item.target.points) for item in source.items if isinstance(item.target, DotMarks)} == {
        "1.jpg": 2, "2.jpg": 1, "3.jpg": 0,
    }  # fmt: skip
    told = next(note for note in source.notes if "counts.csv" in note)
    assert "the dots are learnt, and it says other numbers of 1 picture (the first: 2.jpg, 5 and 1 dots)" in told
    assert "of 1 picture it says that there is none" in told


def test_counts_alone_are_numbers_for_whoever_counts(tmp_path: Path) -> None:
    for name in "123":
        picture(tmp_path / f"{name}.jpg")
    path = text(tmp_path / "counts.csv", "file,count\n1.jpg,2\n2.jpg,2\n3.jpg,0\n")
    for place in (path, tmp_path):
        source = find(place, kind="dots")
        assert (source.kind, source.label_names) == ("numbers", ("count",))
        assert [item.target for item in source.items] == [(2.0,), (2.0,), (0.0,)]


def test_counts_alone_in_a_folder_are_counted_without_being_asked(tmp_path: Path) -> None:
    for name in "123":
        picture(tmp_path / "images" / f"{name}.jpg")
    text(tmp_path / "counts.csv", "file,count\nimages/1.jpg,2\nimages/2.jpg,2\nimages/3.jpg,0\n")
    source = find(tmp_path)
    assert (source.kind, source.label_facts["task"]) == ("numbers", "count")
    assert source.notes[0].startswith("counts alone of 3 pictures (counts.csv): task count; --task regress")
    assert find(tmp_path, kind="dots").label_facts == source.label_facts
    for place in (tmp_path, tmp_path / "counts.csv"):
        assert "task" not in find(place, kind="numbers").label_facts
    for name in "ab":  # class folders are what they were
        picture(tmp_path / name / "1.jpg")
    assert find(tmp_path, least_classes=1).kind == "classes"


def test_dots_beside_the_picture_are_dropped_and_too_many_stop(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    good = "".join(f"1.jpg,{at},5\n" for at in range(20))
    path = text(tmp_path / "dots.csv", f"file,x,y\n{good}1.jpg,90,5\n1.jpg,-1,5\n1.jpg,3,5\n")
    source = find(tmp_path)
    assert isinstance(source.items[0].target, DotMarks) and len(source.items[0].target.points) == 20
    assert "dropped, the picture kept: 2 dots beside the picture (1.jpg: 90, 5 in 80 x 60 pixels)" in source.notes
    assert "1 dot stood there twice and is counted once" in source.notes
    text(path, f"file,x,y\n{good}" + "".join(f"1.jpg,{at},5\n" for at in range(90, 95)))
    with pytest.raises(SourceError, match=r"5 of 25 dots .* lie beside .*--allow-bad"):
        find(tmp_path)
    assert len(find(tmp_path, allow_bad=True).items) == 1


def test_shares_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    text(tmp_path / "dots.csv", "file,x,y\n1.jpg,0.25,0.5\n1.jpg,0.75,0.5\n")
    with pytest.raises(SourceError, match="2 points lie within 0 and 1, which are shares"):
        find(tmp_path)


def test_one_point_a_picture_is_a_question(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    text(tmp_path / "dots.csv", "file,x,y\n1.jpg,5,5\n")
    with pytest.raises(
        SourceError, match=r"holds points \(columns x, y\), one a picture: .*--task count.*--task regress"
    ):
        find(tmp_path)
    assert find(tmp_path, kind="dots").items[0].target == marks((5.5, 5.5))


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    text(tmp_path / "dots.csv", "file,x,y\n1.jpg,1,1\n1.jpg,2,2\n" + "".join(f"{at}.jpg,1,1\n" for at in range(2, 7)))
    with pytest.raises(SourceError, match=r"5 of 6 pictures"):
        check_rejected(find(tmp_path))
    (tmp_path / "1.jpg").unlink()
    with pytest.raises(SourceError, match="none of its 6 pictures is there"):
        find(tmp_path)


def test_turned_pictures_are_said(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg", orientation=6)
    text(tmp_path / "dots.csv", "file,x,y\n1.jpg,1,70\n1.jpg,2,2\n")
    source = find(tmp_path)
    assert source.items[0].target == DotMarks((80, 60), ((1.5, 70.5), (2.5, 2.5)), (0, 0))
    assert "EXIF turns 1 picture, and nothing tells in which frame" in source.notes[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [("images/1.jpg", "dots/1.png"), ("1.jpg", "1_dots.png"), ("001cell.png", "001dots.png")],
)
def test_pictures_of_dots(tmp_path: Path, one: str, other: str) -> None:
    picture(tmp_path / one)
    dots(tmp_path / other, (4, 3), (60, 50))
    source = find(tmp_path)
    assert source.kind == "dots" and source.notes[0] == "1 picture with 2 dots (pictures of dots)"
    assert [(item.key, item.target) for item in source.items] == [(one, marks((4.5, 3.5), (60.5, 50.5)))]


def test_pictures_of_dots_that_do_not_fit_are_rejected_with_numbers(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / "images" / f"{number}.jpg")
    dots(tmp_path / "dots" / "0.png", (4, 3))
    dots(tmp_path / "dots" / "1.png", (4, 3), size=(30, 40))
    Image.new("L", (80, 60), 9).save(tmp_path / "dots" / "2.png")
    source = find(tmp_path)
    assert [one.reason for one in source.rejected] == [
        "its dots dots/1.png: is 40 x 30 pixels, and the picture 80 x 60",
        "its dots dots/2.png: holds 4,800 pixels that are not black (100 %): a mask or a photograph, and no dots",
    ]


def test_the_middles_of_boxes(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", ("cell", 10, 5, 40, 15), ("dust", 1, 2, 3, 4))
    source = find(tmp_path, kind="dots")
    assert (source.kind, source.label_names) == ("dots", ("cell", "dust"))
    assert source.items[0].target == marks((25, 10), (2, 3), classes=(0, 1))
    assert source.notes[-1] == "the middles of the boxes are the dots"


def test_points_of_annotation_tools_are_dots(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    shapes = [
        {"label": "cell", "shape_type": "point", "points": [[4.5, 3]]},
        {"label": "cell", "shape_type": "point", "points": [[40, 30]]},
        {"label": "dust", "shape_type": "rectangle", "points": [[1, 1], [5, 5]]},
    ]
    labels = {"imagePath": "1.jpg", "imageWidth": 80, "imageHeight": 60, "shapes": shapes}
    text(tmp_path / "1.json", json.dumps(labels))
    source = find(tmp_path, kind="dots")
    assert source.label_names == ("cell",) and source.items[0].target == marks((4.5, 3), (40, 30))
    assert source.notes == (
        "1 picture with 2 dots of 1 class (LabelMe)",
        "1 object known by a box or outline is no dot, beside points",
    )
    assert find(tmp_path).label_names == ("dust",)
    text(tmp_path / "1.json", json.dumps(labels | {"shapes": shapes[:2]}))
    with pytest.raises(SourceError, match="no object in any of them; to count its 2 points say --task count"):
        find(tmp_path)


def test_where_not_all_classes_were_looked_for_nothing_is_counted(tmp_path: Path) -> None:
    for name in "12":
        picture(tmp_path / f"{name}.jpg")
    images = [{"id": at, "file_name": f"{at}.jpg", "width": 80, "height": 60} for at in (1, 2)]
    images[1]["neg_category_ids"] = [1]
    drawn = [{"id": at, "image_id": 1, "category_id": at, "bbox": [1, 2, 10, 20]} for at in (1, 2)]
    coco(tmp_path / "a.json", images, drawn, [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}])
    source = find(tmp_path, kind="dots")
    assert [item.labelled for item in source.items] == [True, False]
    assert "not all classes were looked for" in source.notes[-1]


def test_class_folders_stay_class_folders(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        picture(tmp_path / name / "1.jpg")
    text(tmp_path / "dots.csv", "file,x,y\ncats/1.jpg,1,1\ncats/1.jpg,2,2\n")
    assert find(tmp_path).kind == "classes"
    assert find(tmp_path, kind="dots").kind == "dots"


def test_cells(shared: Path) -> None:
    source = find(shared / "data" / "cells-vgg")
    assert (source.kind, len(source.items), source.label_names) == ("dots", 200, ("object",))
    assert source.notes[0] == "200 pictures with 35,192 dots (dots.csv)"
    assert any("the dots are learnt, and it says as many" in note for note in source.notes)
    assert isinstance(source.items[0].target, DotMarks) and source.items[0].target.points[0] == (27.5, 0.5)
