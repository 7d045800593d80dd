"""What is judged the same for every format: frames, edges, what is dropped, which picture is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.data.labels.written import boxes, find_objects, picture, text, voc

from striate.errors import SourceError

GOOD = [("cell", float(at % 70), 1, float(at % 70) + 8, 20 + at) for at in range(30)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["file", "seen"])
def test_a_turned_picture_has_its_boxes_where_the_size_says(tmp_path: Path, orientation: int, frame: str) -> None:
    # The truth is drawn: white where the object is, in the rows of the file, then turned by Pillow.
    lying = np.zeros((60, 80), np.uint8)
    lying[5:15, 10:40] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = np.asarray(ImageOps.exif_transpose(_with(Image.fromarray(lying), exif)))
    rows, columns = np.nonzero(seen)
    truth = [float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
    picture(tmp_path / "1.jpg", orientation=orientation)
    if frame == "file":
        voc(tmp_path / "1.xml", ("cell", 10, 5, 40, 15), size=(80, 60))
    else:
        voc(tmp_path / "1.xml", ("cell", *truth), size=seen.shape[::-1])
    found = find_objects(tmp_path)
    assert (found.pictures[0].height, found.pictures[0].width) == seen.shape
    told = [note for note in found.notes if "EXIF" in note]
    if orientation < 5 and frame == "file":  # both frames have one size: as it is seen, and said where it matters
        assert boxes(found) == {"1.jpg": [[10, 5, 40, 15]]}
        assert bool(told) == (orientation > 1) and all("nothing tells" in note for note in told)
    else:
        assert boxes(found) == {"1.jpg": [truth]}
        assert len(told) == (orientation > 1)
        if orientation >= 5:
            assert ("boxes were turned" if frame == "file" else "as it is seen") in told[0]


def _with(image: Image.Image, exif: Image.Exif) -> Image.Image:
    image.info["exif"] = exif.tobytes()
    image.getexif()[0x0112] = exif[0x0112]
    return image


def test_what_is_no_box_is_dropped_and_counted_and_the_picture_kept(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    picture(tmp_path / "2.jpg")
    voc(tmp_path / "1.xml", *GOOD, ("cell", 70, 50, 95, 55), ("cell", *GOOD[0][1:]))
    voc(
        tmp_path / "2.xml",
        ("cell", 5, 5, 5, 9),
        ("cell", 9, 5, 3, 9),
        ("cell", 90, 5, 99, 9),
        ("cell", float("nan"), 1, 2, 3),
    )
    found = find_objects(tmp_path)
    assert [len(one) for one in found.pictures] == [31, 0]
    assert found.pictures[0].boxes[-1].tolist() == [70, 50, 80, 55]
    said = "\n".join(found.notes)
    for why in ("1 object of zero size", "1 object reversed", "1 object beside", "1 object not a number",
                "1 object reached over the edge", "1 object stood there twice"):  # fmt: skip
        assert why in said
    assert found.counts() == {"cell": 31}


def test_more_than_one_in_a_hundred_stops(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    bad = [("cell", 5, 5, 5, 9 + at) for at in range(5)]
    voc(tmp_path / "1.xml", *GOOD, *bad)
    with pytest.raises(
        SourceError, match=r"5 of 35 objects .* \(14\.3 %, more than 1 %\): 5 of zero size .*--allow-bad"
    ):
        find_objects(tmp_path)
    assert len(find_objects(tmp_path, allow_bad=True).pictures[0]) == 30
    voc(tmp_path / "1.xml", *GOOD, *bad[:4])
    assert len(find_objects(tmp_path).pictures[0]) == 30


def test_labels_of_a_picture_of_another_size_are_not_used(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", *GOOD, size=(160, 120))
    with pytest.raises(SourceError, match=r"another size .*160 x 120 written, 80 x 60 in 1\.jpg"):
        find_objects(tmp_path)


def test_equal_names_in_subfolders_are_told_apart_by_the_folders(tmp_path: Path) -> None:
    for part, at in (("a", 1.0), ("b", 2.0)):
        picture(tmp_path / "images" / part / "1.jpg")
        voc(tmp_path / "annotations" / part / "1.xml", ("cell", at, 1, 30, 30))
    assert boxes(find_objects(tmp_path)) == {"images/a/1.jpg": [[1, 1, 30, 30]], "images/b/1.jpg": [[2, 1, 30, 30]]}


def test_a_name_that_may_be_two_pictures_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a" / "1.jpg")
    picture(tmp_path / "images" / "b" / "1.jpg")
    voc(tmp_path / "annotations" / "1.xml", ("cell", 1, 1, 30, 30))
    with pytest.raises(SourceError, match=r"speaks of 1\.jpg: it may be images/a/1\.jpg or images/b/1\.jpg"):
        find_objects(tmp_path)


def test_two_files_of_one_picture_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "old" / "1.xml", ("cell", 1, 1, 30, 30), name="1.jpg")
    voc(tmp_path / "new" / "1.xml", ("cell", 1, 1, 30, 31), name="1.jpg")
    with pytest.raises(SourceError, match=r"1\.jpg has objects in .*new/1\.xml and in .*old/1\.xml; name the file"):
        find_objects(tmp_path, form="voc")


def test_without_pictures_the_written_size_stands(tmp_path: Path) -> None:
    voc(tmp_path / "Annotations" / "1.xml", ("cell", 1, 1, 30, 30))
    found = find_objects(tmp_path)
    assert not found.pictures[0].found and (found.pictures[0].width, found.pictures[0].height) == (80, 60)
    assert "1 picture not there" in found.notes[-1]
    voc(tmp_path / "Annotations" / "1.xml", ("cell", 1, 1, 30, 30), size=(0, 0))
    with pytest.raises(SourceError, match=r"says no size.*--pictures"):
        find_objects(tmp_path)


def test_nothing_that_is_known(tmp_path: Path) -> None:
    text(tmp_path / "notes.txt", "hello")
    with pytest.raises(SourceError, match="holds no labels of objects that are known"):
        find_objects(tmp_path)
    with pytest.raises(SourceError, match="there is no"):
        find_objects(tmp_path / "absent")
    with pytest.raises(SourceError, match="holds no labels of pictures as CSV"):
        find_objects(tmp_path, form="csv")


@pytest.mark.parametrize(
    ("name", "key"),
    [("../../etc/a.jpg", "etc/a.jpg"), ("C:\\\\mine\\\\a.jpg", "mine/a.jpg"), ("/a.jpg", "a.jpg"), ("..", "unnamed")],
)
def test_a_picture_that_is_not_there_has_a_key_below_any_folder(tmp_path: Path, name: str, key: str) -> None:
    image = f'{{"id": 1, "file_name": "{name}", "width": 9, "height": 9}}'
    text(tmp_path / "a.json", f'{{"images": [{image}], "annotations": [], "categories": []}}')
    assert [one.key for one in find_objects(tmp_path / "a.json").pictures] == [key]


@pytest.mark.parametrize("name", ["a\\u0000", "a\\nb", "\\ud800", "a\\u2028b"])
def test_a_name_that_no_file_of_labels_can_hold(tmp_path: Path, name: str) -> None:
    categories = f'[{{"id": 1, "name": "{name}c"}}]'
    text(tmp_path / "a.json", f'{{"images": [], "annotations": [], "categories": {categories}}}')
    with pytest.raises(SourceError, match=r"the class .* has a name that is not plain text"):
        find_objects(tmp_path / "a.json")


@pytest.mark.parametrize("name", ['""', '" "', "null", "[]"])
def test_a_class_without_a_name_is_refused(tmp_path: Path, name: str) -> None:
    categories = f'[{{"id": 1, "name": {name}}}]'
    text(tmp_path / "a.json", f'{{"images": [], "annotations": [], "categories": {categories}}}')
    with pytest.raises(SourceError, match="the class '' has no name"):
        find_objects(tmp_path / "a.json")
