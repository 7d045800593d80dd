"""Lists of files with labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from striate.data.sources.items import Item, Rejected
from striate.data.sources.source import find
from striate.errors import SourceError


def listed(folder: Path, text: str, name: str = "list.csv") -> Path:
    (folder / "pictures").mkdir(exist_ok=True)
    for key in ("1.jpg", "2.jpg", "3.jpg", "a picture.jpg"):
        (folder / "pictures" / key).write_bytes(b"x")
    (folder / name).write_text(text, "utf-8")
    return folder / name


TWO = (Item("pictures/1.jpg", 0), Item("pictures/2.jpg", 1))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "path,label\npictures/1.jpg,cat\npictures/2.jpg,dog\n"),
        ("list.csv", "\ufeffFile , Class\r\npictures/1.jpg,cat\r\n\r\npictures/2.jpg , dog\r\n"),
        ("list.csv", "id;category;filename\n7;cat;pictures/1.jpg\n8;dog;pictures/2.jpg\n"),
        ("list.csv", "pictures/1.jpg,cat\npictures/2.jpg,dog"),
        ("list.csv", '"image","target"\n"pictures/1.jpg","cat"\n"./pictures/2.jpg","dog"\n'),
        ("list.tsv", "image\ttarget\npictures/1.jpg\tcat\npictures/2.jpg\tdog\n"),
        ("list.txt", "pictures/1.jpg cat\n\npictures/2.jpg   dog\n"),
        ("list.txt", "pictures\\1.jpg cat\npictures\\2.jpg dog\n"),
        ("list.txt", "path label\npictures/1.jpg cat\npictures/2.jpg dog\n"),
    ],
)
def test_ways_to_write_a_list(tmp_path: Path, name: str, text: str) -> None:
    found = find(listed(tmp_path, text, name))
    assert found.items == TWO
    assert found.label_names == ("cat", "dog")
    assert found.name == "list"
    assert found.picture(1) == b"x"


def test_spaces_splits_and_missing_labels(tmp_path: Path) -> None:
    rows = ("a picture.jpg,10,train", "2.jpg,9,Train", "3.jpg,9,valid", "1.jpg,,")
    text = "path,label,split\n" + "".join(f"pictures/{row}\n" for row in rows)
    found = find(listed(tmp_path, text))
    assert found.label_names == ("9", "10")
    assert found.items == (
        Item("pictures/a picture.jpg", 1, "train"), Item("pictures/2.jpg", 0, "train"),
        Item("pictures/3.jpg", 0, "val"), Item("pictures/1.jpg", -1),
    )  # fmt: skip
    assert (
        find(listed(tmp_path, "pictures/a picture.jpg x\npictures/1.jpg y\n", "l.txt"))
        .items[0]
        .key.endswith("a picture.jpg")
    )


def test_missing_and_repeated_files_are_rejected(tmp_path: Path) -> None:
    text = "pictures/1.jpg,cat\npictures/gone.jpg,cat\npictures/2.jpg,dog\npictures/1.jpg,cat\n"
    found = find(listed(tmp_path, text))
    assert found.items == TWO
    assert found.rejected == (
        Rejected("pictures/gone.jpg", "no such file (line 2 of list.csv)"),
        Rejected("pictures/1.jpg", "listed again in line 4 of list.csv", bad=False),
    )


def test_absolute_paths(tmp_path: Path) -> None:
    path = listed(tmp_path, "")
    inside = (tmp_path / "pictures/1.jpg").as_posix()
    path.write_text(f"{inside},cat\npictures/2.jpg,dog\n")
    found = find(path)
    assert found.items[0].key == inside
    assert found.picture(0) == b"x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("path,label\n", "holds no pictures"),
        ("path,size\npictures/1.jpg,7\n", "none of them a label"),
        ("pictures/1.jpg,cat\npictures/1.jpg,dog\n", r"stands in line 1 \(cat\) and in line 2 \(dog\)"),
        (
            "path,label,split\npictures/1.jpg,a,train\npictures/1.jpg,a,test\n",
            "line 2 .a, train. and in line 3 .a, test.",
        ),
        ("pictures/1.jpg,cat\npictures/2.jpg\n", "line 2: 'pictures/2.jpg' has 1 of 2 columns"),
        ("pictures/1.jpg\npictures/2.jpg\n", "line 1: 'pictures/1.jpg' has 1 of 2 columns"),
        ("path,label,split\npictures/1.jpg,cat,dev\n", "line 2: the split 'dev' is none of train, training, val"),
        ("path,label\n,cat\n", "line 2: the path is empty"),
        ("pictures/1.jpg,cat\npictures/2.jpg,cat\n", "one class only"),
        ("pictures/1.jpg,cat\npictures/2.jpg,Cat\n", "differ only"),
        ("gone/1.jpg,cat\ngone/2.jpg,dog\n", "none of its 2 files is there; paths are relative to"),
        ('path,label\n"pictures/1.jpg,cat\n', "does not read as a list"),
        (
            "path,label,split\npictures/1.jpg,a,train\npictures/2.jpg,b,val\n",
            "'b' has 1 picture in val and none in train",
        ),
    ],
)
def test_refusals(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        find(listed(tmp_path, text))


def test_a_list_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"a.jpg,x\ncaf\xe9.jpg,y\n")
    with pytest.raises(SourceError, match="line 2 is not UTF-8"):
        find(tmp_path / "list.csv")


def pets(folder: Path, *names: str) -> Path:
    """Leave files and return the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "header",
    [
        "file_name,label", "filename,class", "image_path,category", "filepath,target", "image_id,label", "img,species",
        "path,labels", "File Path,Class", "photo of the day,breed", "image,tag",
    ],
)  # fmt: skip
def test_headers_that_people_have(tmp_path: Path, header: str) -> None:
    found = find(listed(tmp_path, f"{header}\npictures/1.jpg,cat\npictures/2.jpg,dog\n"))
    assert (found.items, found.notes) == (TWO, ())


@pytest.mark.parametrize(
    "text",
    [
        ",image_path,label\n0,pictures/1.jpg,cat\n1,pictures/2.jpg,dog\n",
        "Unnamed: 0,label,filename\n7,cat,pictures/1.jpg\n9,dog,pictures/2.jpg\n",
        "id,img,breed\n7,pictures/1.jpg,cat\n9,pictures/2.jpg,dog\n",
        "0,pictures/1.jpg,cat\n1,pictures/2.jpg,dog\n2,pictures/1.jpg,cat\n",
    ],
)
def test_an_index_in_front(tmp_path: Path, text: str) -> None:
    found = find(listed(tmp_path, text))
    assert (found.items, found.label_names, found.notes) == (TWO, ("cat", "dog"), ())


@pytest.mark.parametrize(
    ("column", "values", "parts", "notes"),
    [
        ("is_valid", ("False", "True"), ["train", "val"], 0),
        ("is_test", ("0", "1"), ["train", "test"], 0),
        ("subset", ("Training", "testing"), ["train", "test"], 0),
        ("fold", ("train", "val"), ["train", "val"], 0),
        ("fold", ("0", "1"), [None, None], 1),
    ],
)
def test_columns_of_parts(
    tmp_path: Path, column: str, values: tuple[str, str], parts: list[str | None], notes: int
) -> None:
    first, second = values
    text = f"path,label,{column}\npictures/1.jpg,cat,{first}\npictures/3.jpg,dog,{first}\npictures/2.jpg,dog,{second}\n"
    found = find(listed(tmp_path, text))
    assert [found.items[0].split, found.items[2].split] == parts
    assert found.notes == ("not used of the list: the column fold",) * notes


def test_rows_without_a_label_and_columns_not_used_are_said(tmp_path: Path) -> None:
    rows = ("path,label,photographer", "pictures/1.jpg,cat,A", "pictures/2.jpg,dog,B", "pictures/3.jpg,,A")
    found = find(listed(tmp_path, "\n".join((*rows, "pictures/a picture.jpg,nan,"))))
    assert [item.target for item in found.items] == [0, 1, -1, -1]
    assert found.notes == (
        "2 rows without a label are left out; the first is line 4 (pictures/3.jpg)",
        "not used of the list: the column photographer",
    )


def test_names_without_ending_folder_or_case(tmp_path: Path) -> None:
    pets(tmp_path, "images/1.jpg", "images/2.PNG", "images/deep/3.JPG", "images/4.jpg", "images/4.png")
    (tmp_path / "list.csv").write_text("image_id,label\n1,cat\n2,dog\ndeep/3.jpg,dog\n4,cat\n")
    found = find(tmp_path / "list.csv")
    assert [item.key for item in found.items] == ["images/1.jpg", "images/2.PNG", "images/deep/3.JPG"]
    assert found.rejected == (
        Rejected("4", "it may be images/4.jpg or images/4.png; name one of them (line 5 of list.csv)"),
    )


def test_names_in_several_folders(tmp_path: Path) -> None:
    pets(tmp_path, "train/1.jpg", "train/2.jpg", "test/3.jpg")
    (tmp_path / "list.csv").write_text("file,label,split\n1.jpg,a,train\n2.jpg,b,train\n3.jpg,a,test\n")
    assert [item.key for item in find(tmp_path / "list.csv").items] == ["train/1.jpg", "train/2.jpg", "test/3.jpg"]


def test_one_column_a_class(tmp_path: Path) -> None:
    found = find(listed(tmp_path, "file,cat,dog\npictures/1.jpg,1,0\npictures/2.jpg,0,1\npictures/3.jpg,0,0\n"))
    assert found.items[:2] == TWO
    assert found.label_names == ("cat", "dog") and found.items[2].target == -1


def many(folder: Path, column: str, labels: list[str]) -> Path:
    pets(folder, *(f"{number}.jpg" for number in range(len(labels))))
    rows = "".join(f'{number}.jpg,"{label}"\n' for number, label in enumerate(labels))
    (folder / "list.csv").write_text(f"file,{column}\n{rows}")
    return folder / "list.csv"


@pytest.mark.parametrize(
    ("column", "labels", "words"),
    [
        ("labels", ["sea|sunset", "sea", "sunset", "desert|sea"], "2 of 4 pictures have two or more"),
        ("label", ["sea, sunset", "sea", "sunset"], "1 of 3 pictures have two or more"),
    ],
)
def test_labels_that_are_several_tags_are_said_to_be(
    tmp_path: Path, column: str, labels: list[str], words: str
) -> None:
    path = many(tmp_path, column, labels)
    found = find(path)
    assert found.kind == "tags"
    assert words in found.notes[0]
    assert "task tag; --task classify takes each combination as a class of its own" in found.notes[0]
    assert len(find(path, kind="classes").label_names) == len(set(labels))


@pytest.mark.parametrize(
    ("column", "labels", "words"),
    [
        ("angle", ["0", "0.25", "-1"] * 4, "the column 'angle' holds numbers (12 pictures, 3 values from -1 to 0.25)"),
        (
            "label",
            [str(70 + 3 * number) for number in range(30)],
            "holds numbers (30 pictures, 30 values from 70 to 157",
        ),
        ("age", [str(number) for number in range(60)] * 2, "holds numbers"),
    ],
)
def test_labels_that_are_numbers_are_said_to_be(tmp_path: Path, column: str, labels: list[str], words: str) -> None:
    path = many(tmp_path, column, labels)
    found = find(path)
    assert (found.kind, found.label_names, found.label_facts) == ("numbers", (column,), {"units": [""]})
    assert [item.target for item in found.items] == [(float(label),) for label in labels]
    assert words in found.notes[0]
    assert "): task regress; --task classify takes each value as a class of its own" in found.notes[0]
    assert len(find(path, kind="classes").label_names) == len(set(labels))


@pytest.mark.parametrize("column", ["rating", "count [1]"])
def test_few_whole_numbers_are_classes_and_that_is_said(tmp_path: Path, column: str) -> None:
    path = many(tmp_path, column, ["1", "2", "5"] * 5)
    found = find(path)
    assert (found.kind, found.label_names) == ("classes", ("1", "2", "5"))
    assert "(15 pictures, 3 values from 1 to 5), taken for classes: task classify; --task regress" in found.notes[0]
    assert find(path, kind="numbers").items[2].target == (5.0,)
    assert find(many(tmp_path, "class", ["1", "2", "5"] * 5)).notes == ()  # a column of which everybody expects classes


def test_several_columns_of_numbers_with_units_and_gaps(tmp_path: Path) -> None:
    text = "file,angle [deg],weight (kg),note\npictures/1.jpg,350,1.5,a\npictures/2.jpg,,2.5,b\n"
    path = listed(tmp_path, text)
    with pytest.raises(SourceError, match=r"which of angle \[deg\], weight \(kg\), note is it"):
        find(path)
    found = find(path, kind="numbers")
    assert found.label_names == ("angle", "weight")
    assert found.label_facts == {"units": ["deg", "kg"]}
    assert [item.target for item in found.items] == [(350.0, 1.5), None]
    assert found.notes == (
        "1 row without a number is left out (empty); the first is line 3 (pictures/2.jpg)",
        "not used of the list: the column note",
    )
    alone = find(listed(tmp_path, text.replace(",note", "").replace(",a\n", "\n").replace(",b\n", "\n")))
    assert alone.kind == "numbers"
    assert "columns 'angle [deg]', 'weight (kg)' hold numbers: task regress" in alone.notes[0]


def test_numbers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 3 \(pictures/2.jpg\): 'left' in the column 'angle' is no number"):
        find(listed(tmp_path, "file,angle\npictures/1.jpg,1\npictures/2.jpg,left\n"), kind="numbers")


@pytest.mark.parametrize(
    ("column", "labels"),
    [
        ("label", [str(number % 10) for number in range(40)]),
        ("class", [str(number) for number in range(100)] * 3),
        ("label", ["-1", "1", "1"]),
        ("label", ["tench, Tinca tinca", "goldfish, Carassius auratus", "tench, Tinca tinca"]),
        ("label", ["black cat", "white cat", "black dog"]),
    ],
)
def test_labels_that_are_classes_are_no_question(tmp_path: Path, column: str, labels: list[str]) -> None:
    assert len(find(many(tmp_path, column, labels)).label_names) == len(set(labels))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("filename,encodedpixels\npictures/1.jpg,1 2\n", "holds boxes or outlines"),
        ("file,x,y\npictures/1.jpg,1,1\n", r"holds points \(columns x, y\)"),
        ("file,weather,place\npictures/1.jpg,sun,sea\n", "which of weather, place is it"),
        ("pictures/1.jpg,cat,x\npictures/2.jpg,dog,y\n", "3 columns and no header"),
    ],
)
def test_lists_of_other_things(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        find(listed(tmp_path, text))


@pytest.mark.parametrize(
    ("file", "name", "pictures"), [("steering-sim/angles.csv", "angle", 500), ("cells-vgg/counts.csv", "count", 200)]
)
def test_real_lists_of_numbers(shared: Path, file: str, name: str, pictures: int) -> None:
    found = find(shared / "data" / file)
    assert (found.kind, found.label_names, len(found.items)) == ("numbers", (name,), pictures)
    assert "holds numbers" in found.notes[0]


def test_a_column_that_counts_up_is_the_numbers_where_it_is_all_there_is(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("L", (4, 4), number).save(tmp_path / f"{number}.png")
    lines = ["file,count", *(f"{number}.png,{number + 1}" for number in range(6))]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(SourceError, match=r"count numbers the rows \(--task regress learns it all the same"):
        find(str(tmp_path / "list.csv"))
    source = find(str(tmp_path / "list.csv"), kind="numbers")
    assert source.label_names == ("count",) and [item.target for item in source.items] == [
        (one,) for one in range(1, 7)
    ]
    lines = ["file,number,label", *(f"{number}.png,{number},{'ab'[number % 2]}" for number in range(6))]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(SourceError, match=r"'[ab]' in the column 'label' is no number"):
        find(str(tmp_path / "list.csv"), kind="numbers")
