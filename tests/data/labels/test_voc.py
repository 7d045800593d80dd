"""Pascal VOC: which convention the coordinates have, what is ignored, and what an XML file must not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.labels.written import boxes, find_objects, picture, text, voc

from striate.errors import SourceError

CHALLENGE = "<source><database>The VOC2007 Database</database><annotation>PASCAL VOC2007</annotation></source>"


def test_tools_write_edges_and_the_challenge_counts_from_one(tmp_path: Path) -> None:
    picture(tmp_path / "tool.jpg")
    picture(tmp_path / "challenge.jpg")
    voc(tmp_path / "tool.xml", ("dog", 1, 1, 80, 60))
    voc(tmp_path / "challenge.xml", ("dog", 1, 1, 80, 60), more=CHALLENGE)
    found = find_objects(tmp_path)
    assert boxes(found) == {"challenge.jpg": [[0, 0, 80, 60]], "tool.jpg": [[1, 1, 80, 60]]}
    said = " ".join(found.notes)
    assert "1 file count pixels from 1" in said and "1 file are taken as tools write them" in said


def test_one_pixel_of_the_challenge_is_a_box(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    voc(tmp_path / "1.xml", ("dog", 5, 5, 5, 5), more=CHALLENGE)
    assert boxes(find_objects(tmp_path)) == {"1.jpg": [[4, 4, 5, 5]]}


def test_difficult_is_ignored_and_a_picture_without_objects_is_kept(tmp_path: Path) -> None:
    for name in "12":
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    voc(tmp_path / "Annotations" / "1.xml", ("dog", 1, 2, 3, 4), inside="<difficult>1</difficult>")
    voc(tmp_path / "Annotations" / "2.xml")
    text(tmp_path / "ImageSets" / "Main" / "train.txt", "1\n")
    text(tmp_path / "ImageSets" / "Main" / "val.txt", "2\n")
    found = find_objects(tmp_path)
    assert [one.ignored.tolist() for one in found.pictures] == [[True], []]
    assert [one.split for one in found.pictures] == ["train", "val"]


def test_a_picture_that_was_renamed_with_its_file(tmp_path: Path) -> None:
    picture(tmp_path / "new.jpg")
    voc(tmp_path / "new.xml", ("dog", 1, 2, 3, 4), name="old.jpg")
    assert list(boxes(find_objects(tmp_path))) == ["new.jpg"]


def test_a_rotated_box_is_never_taken_as_upright(tmp_path: Path) -> None:
    turned = "<attributes><attribute><name>rotation</name><value>30.0</value></attribute></attributes>"
    voc(tmp_path / "1.xml", ("dog", 1, 2, 3, 4), inside=turned)
    found = find_objects(tmp_path)
    assert not len(found.pictures[0]) and "1 object rotated, which a box is not" in found.notes[1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><annotation><filename>&b;</filename></annotation>',
            "entities",
        ),
        ("<annotation><object></annotation>", "no XML"),
    ],
)
def test_what_is_not_read(tmp_path: Path, content: str, says: str) -> None:
    text(tmp_path / "1.xml", content)
    with pytest.raises(SourceError, match=says):
        find_objects(tmp_path, form="voc")


@pytest.mark.parametrize("folders", [["SegmentationClass"], ["SegmentationClass", "SegmentationObject"]])
def test_a_mask_is_not_the_picture_of_its_name(tmp_path: Path, folders: list[str]) -> None:
    for folder in folders:
        picture(tmp_path / folder / "1.png", 40, 30)
    voc(tmp_path / "Annotations" / "1.xml", ("dog", 1, 2, 70, 50))
    assert boxes(find_objects(tmp_path)) == {"1.jpg": [[1, 2, 70, 50]]}
