"""Lists of files with labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.data.items import Item, Rejected
from striate.data.source import find
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
    assert found.classes == ("cat", "dog")
    assert found.name == "list"
    assert found.picture(1) == b"x"


def test_spaces_splits_and_missing_labels(tmp_path: Path) -> None:
    rows = ("a picture.jpg,10,train", "2.jpg,9,Train", "3.jpg,9,valid", "1.jpg,,")
    text = "path,label,split\n" + "".join(f"pictures/{row}\n" for row in rows)
    found = find(listed(tmp_path, text))
    assert found.classes == ("9", "10")
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
        ("path,label,split\npictures/1.jpg,cat,dev\n", "line 2: the split 'dev' is none of train, val"),
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
