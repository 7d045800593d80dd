"""How tags are written: the marks that set them apart, lists, brackets, and what looks like tags and is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from striate.data.labels.tags import TAGS, parts, separator, separator_said, tag_table, told
from striate.data.sources.items import CLASSES
from striate.data.sources.source import find
from striate.errors import SourceError


@pytest.mark.parametrize(
    ("labels", "column", "mark"),
    [
        (["sea|sunset", "sea", "sunset"], "label", "|"),
        (["sea;sunset", "sea", "sunset"], "label", ";"),
        (["sea, sunset", "sea", "sunset"], "label", ","),
        (["sea sunset", "sea", "sunset"], "tags", " "),
        (["sea sunset", "sea", "sunset"], "label", None),  # a name with a space
        (["tench, Tinca tinca", "cock", "hen, Gallus"], "label", None),  # no part comes back
        (["cat", "dog"], "tags", None),
        (["['sea', 'sunset']", "['sea']", "['sunset']"], "label", ","),
        ([], "tags", None),
    ],
)
def test_what_sets_tags_apart(labels, column, mark):
    assert separator(labels, column=column) == mark


def test_where_a_person_says_that_they_are_tags_any_mark_is_one():
    assert separator_said(["tench, Tinca tinca", "cock"]) == ","
    assert separator_said(["cat", "new york"]) is None
    assert separator_said(["a|b, c", "b"]) == "|"


def test_parts_of_a_label():
    assert parts("sea | sunset|| sea ", "|") == ("sea", "sunset")
    assert parts("", "|") == ()
    assert parts("new york", None) == ("new york",)
    assert parts("['sea', \"sunset\"]", ",") == ("sea", "sunset")
    assert parts("[]", ",") == ()


def test_a_table_of_tags():
    table = tag_table([("sea", "sunset"), (), ("desert",), ("sea",)], tags=("snow",))
    assert table.tags == ("desert", "sea", "snow", "sunset")
    np.testing.assert_array_equal(table.there.sum(axis=0), [1, 2, 0, 1])
    assert table.of(0) == ("sea", "sunset")
    assert (table.without, table.several) == (1, 1)
    line = told(table, shown="'sea|sunset'", what="a.csv: the column 'labels'")
    assert "1 of 4 pictures have two or more, such as 'sea|sunset'; 4 tags in all): task tag; --task classify" in line


def photos(folder: Path, count: int = 6) -> Path:
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(b"x")
    return folder


ROWS = ["sea|sunset", "sea", "sunset|mountains", "", "mountains", "sea|mountains|sunset"]


def written(folder: Path, kind: str) -> Path:
    """Write the same tags in one of the ways that people write them."""
    path = photos(folder) / "tags.csv"
    names = ("mountains", "sea", "sunset")
    lines = []
    for number, row in enumerate(ROWS):
        tags = row.split("|") if row else []
        if kind == "columns":
            lines.append(",".join([f"{number}.jpg", *(str(int(name in tags)) for name in names)]))
        elif kind == "lines":
            lines += [f"{number}.jpg,{tag}" for tag in tags] or [f"{number}.jpg,"]
        else:
            lines.append(f'{number}.jpg,"{kind.join(tags)}"')
    head = "file," + (",".join(names) if kind == "columns" else "labels")
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


@pytest.mark.parametrize("kind", ["|", ";", ",", ", ", "columns", "lines"])
def test_every_way_to_write_tags_gives_the_same_labels(tmp_path: Path, kind: str) -> None:
    found = find(written(tmp_path, kind), kind=TAGS if kind == "lines" else None)
    assert found.kind == TAGS
    assert found.label_names == ("mountains", "sea", "sunset")
    assert [item.key for item in found.items] == [f"{number}.jpg" for number in range(6)]
    assert [item.target for item in found.items] == [
        (0.0, 1.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0),
    ]  # fmt: skip
    if kind == "lines":
        assert found.notes == ()
    else:
        assert "3 of 6 pictures have two or more" in found.notes[0].replace("of 5 pictures", "of 6 pictures")
        assert "task tag; --task classify" in found.notes[0]


def test_tags_that_a_person_says_are_classes_are_classes(tmp_path: Path) -> None:
    found = find(written(tmp_path, "|"), kind=CLASSES)
    assert found.kind == CLASSES
    assert "sea|sunset" in found.label_names


def test_one_column_a_class_with_one_1_a_row_is_classes(tmp_path: Path) -> None:
    path = photos(tmp_path) / "list.csv"
    path.write_text("file,cat,dog\n0.jpg,1,0\n1.jpg,0,1\n2.jpg,1,0\n")
    assert find(path).kind == CLASSES
    found = find(path, kind=TAGS)
    assert [item.target for item in found.items] == [(1.0, 0.0), (0.0, 1.0), (1.0, 0.0)]


def test_a_column_of_0_and_1_that_nobody_has_is_left_out_and_others_are_said(tmp_path: Path) -> None:
    path = photos(tmp_path) / "list.csv"
    path.write_text("file,sea,snow,dune,author\n0.jpg,1,0,1,ann\n1.jpg,0,0,1,bob\n2.jpg,0,0,0,ann\n")
    found = find(path, kind=TAGS)
    assert found.label_names == ("dune", "sea")
    assert "no picture has the tag snow: left out" in found.notes
    assert any("author" in note for note in found.notes)


def test_tags_set_apart_by_spaces_are_a_question(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"set apart by spaces, or names.*say --task tag for the former"):
        find(written(tmp_path, " "))
    assert find(written(tmp_path, " "), kind=TAGS).label_names == ("mountains", "sea", "sunset")


def test_two_lines_of_one_picture_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="keep one, or say --task tag: then a picture has the tags of all its lines"):
        find(written(tmp_path, "lines"))


def test_an_array_of_0_and_1_is_tags(tmp_path: Path) -> None:
    x = np.zeros((4, 8, 8), np.uint8)
    y = np.array([[1, 1], [0, 1], [0, 0], [1, 0]])
    np.savez(tmp_path / "a.npz", x=x, y=y)
    found = find(tmp_path / "a.npz")
    assert (found.kind, found.label_names) == (TAGS, ("tag 1", "tag 2"))
    assert [item.target for item in found.items] == [(1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (1.0, 0.0)]
    assert "1 of 4 pictures have two or more, such as tag 1, tag 2" in found.notes[0]
    np.savez(tmp_path / "b.npz", x=x, y=y, classes=np.array(["sea", "sky"]))
    assert find(tmp_path / "b.npz").label_names == ("sea", "sky")


def test_scenes_in_both_their_forms_have_the_same_labels() -> None:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data" / "scenes-multilabel"
    if not folder.exists():
        pytest.skip("no data sets at ../shared/data")
    one, other = (find(folder / name) for name in ("labels_list.csv", "labels_onehot.csv"))
    assert one.kind == other.kind == TAGS
    assert one.label_names == other.label_names
    assert one.items == other.items
    assert "106 of 500 pictures have two or more" in one.notes[0]
    assert "106 of 500 pictures have two or more" in other.notes[0]
