"""YOLO: names, parts, outlines, pictures without a file, and where Roboflow's folders are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.labels.written import boxes, find_objects, picture, text

from striate.errors import SourceError

NINE = [f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]" for n in range(1, 12)]
BOMB = "\n".join(["a0: &a0 [x, x]", *NINE, "names: [a]", "nc: *a11"])


def test_roboflow(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['cat', 'dog']\n")
    text(tmp_path / "README.roboflow.txt", "Exported by hand\n")
    for part in ("train", "valid"):
        picture(tmp_path / part / "images" / "1.jpg")
        text(tmp_path / part / "labels" / "1.txt", "1 0.5 0.5 0.5 0.5\n")
    found = find_objects(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [(one.key, one.split) for one in found.pictures] == [
        ("train/images/1.jpg", "train"),
        ("valid/images/1.jpg", "val"),
    ]
    assert boxes(found)["train/images/1.jpg"] == [[20, 15, 60, 45]]
    assert "train/images for ../train/images" in found.notes[0] and "README.roboflow.txt" in found.notes[1]
    assert boxes(find_objects(tmp_path / "data.yaml")) == boxes(found)


def test_outlines_and_pictures_without_a_file_and_empty_files(tmp_path: Path) -> None:
    for name in "123":
        picture(tmp_path / "images" / f"{name}.jpg")
    text(tmp_path / "labels" / "1.txt", "0 0 0 0.5 0 0.5 0.5\n")
    text(tmp_path / "labels" / "2.txt", "")
    text(tmp_path / "classes.txt", "leaf\n")
    found = find_objects(tmp_path)
    assert boxes(found) == {"images/1.jpg": [[0, 0, 40, 30]], "images/2.jpg": [], "images/3.jpg": []}
    assert np.array_equal(found.pictures[0].outlines[0][0], [[0, 0], [40, 0], [40, 30]])
    assert "1 picture without a text file" in found.notes[0]


def test_odd_folders_have_the_part_that_the_table_says(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", "path: /nowhere\ntrain: images/first\nval: images/second\nnames:\n  0: cat\n")
    for part in ("first", "second"):
        picture(tmp_path / "images" / part / f"{part}.jpg")
        text(tmp_path / "labels" / part / f"{part}.txt", "0 0.5 0.5 0.5 0.5\n")
    assert [one.split for one in find_objects(tmp_path).pictures] == ["train", "val"]


@pytest.mark.parametrize(("said", "where"), [("images", "images"), ("images/", "images"), (".", "its own folder")])
def test_a_folder_named_for_training_and_validation_is_of_no_part(tmp_path: Path, said: str, where: str) -> None:
    """As coco8 and coco128 come: who measures on what was learnt from measures nothing."""
    text(tmp_path / "data.yaml", f"train: {said}\nval: {said}\ntest: images/held\nnames:\n  0: cat\n")
    for key in ("1", "2", "held/3"):
        picture(tmp_path / "images" / f"{key}.jpg")
        text(tmp_path / "labels" / f"{key}.txt", "0 0.5 0.5 0.5 0.5\n")
    found = find_objects(tmp_path)
    assert {one.key: one.split for one in found.pictures} == {
        "images/1.jpg": "", "images/2.jpg": "", "images/held/3.jpg": "test"
    }  # fmt: skip
    assert any(note.startswith(f"data.yaml names {where} for train and val") for note in found.notes)


@pytest.mark.parametrize(
    ("table", "line", "says"),
    [
        ("names: [a]\nnc: 2\n", "0 .5 .5 .1 .1", "nc says 2 classes, and there are 1 names"),
        ("names: [a]\nnc: 1\n", "3 .5 .5 .1 .1", r"class 3, and there are names for 1 class \(0 to 0\)"),
        ("names: {1: a}\nnc: 1\n", "0 .5 .5 .1 .1", "not 0 to 0"),
        ("names: [a, a]\nnc: 2\n", "0 .5 .5 .1 .1", "two classes have one name"),
        ("names: [a\nnc: 1\n", "0 .5 .5 .1 .1", "no YAML in line"),
        ("names: [a]\nnc: 1\n", "\n".join(f"0 {at} 5 1 1" for at in range(2, 7)), "5 beside the picture"),
        ("names: [a]\nnc: 1\n", "\n".join(f"0 .5 .5 .1 .1 .{at}" for at in range(1, 6)), "of 5 numbers"),
        ("names: [a]\nnc: 1\n", "\n".join(f"a .5 .5 .1 .{at}" for at in range(1, 6)), "5 in a line that is no class"),
        ("names: !!python/object/apply:os.system ['true']\nnc: 1\n", "0 .5 .5 .1 .1", "no YAML in line 1"),
        (BOMB, "0 .5 .5 .1 .1", r"no YAML in line 2: it refers to itself"),
        ("names: [a]\nnc: 1\n", "\n".join(f"{'9' * 400} .5 .5 .1 .{at}" for at in range(1, 6)), "that is no class"),
    ],
)
def test_what_is_refused(tmp_path: Path, table: str, line: str, says: str) -> None:
    text(tmp_path / "data.yaml", table)
    picture(tmp_path / "images" / "1.jpg")
    text(tmp_path / "labels" / "1.txt", line)
    with pytest.raises(SourceError, match=says):
        find_objects(tmp_path, form="yolo")


def test_a_part_whose_folder_no_system_can_have_is_passed_over(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", f"names: [a]\nnc: 1\nval: {'x' * 5000}\n")
    picture(tmp_path / "images" / "1.jpg")
    text(tmp_path / "labels" / "1.txt", "0 .5 .5 .1 .1")
    assert [one.split for one in find_objects(tmp_path).pictures] == [""]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("[dog]", [(0, 1), (1,)]),  # what is drawn was looked for too
        ("{images/old: [dog], images: [cat, dog, owl]}", [(0, 1, 2), (1,)]),
        ("{images/old: []}", [None, ()]),
    ],
)
def test_pictures_in_which_only_some_classes_were_looked_for(tmp_path: Path, said: str, wanted: list[object]) -> None:
    picture(tmp_path / "images" / "new" / "1.jpg")
    picture(tmp_path / "images" / "old" / "2.jpg")
    text(tmp_path / "labels" / "new" / "1.txt", "0 0.5 0.5 0.1 0.1\n")
    text(tmp_path / "labels" / "old" / "2.txt", "")
    text(tmp_path / "data.yaml", f"names: [cat, dog, owl]\nlabelled: {said}\n")
    assert [one.labelled for one in find_objects(tmp_path).pictures] == wanted


def test_classes_looked_for_that_are_none(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    text(tmp_path / "labels" / "1.txt", "0 0.5 0.5 0.1 0.1\n")
    text(tmp_path / "data.yaml", "names: [cat]\nlabelled: [dog]\n")
    with pytest.raises(SourceError, match="labelled is neither a list of its names"):
        find_objects(tmp_path)
