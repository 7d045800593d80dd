"""Labels out of file names."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.sources.test_source import make

from striate.data.sources.items import Item, Rejected
from striate.data.sources.source import find
from striate.errors import SourceError


def test_a_pattern_takes_labels_out_of_names(tmp_path: Path) -> None:
    make(tmp_path, "great_pyrenees_173.jpg", "beagle_1.JPG", "deep/beagle_2.png", "Thumbs.db", "README")
    make(tmp_path, "notes.txt", data=b"text")
    found = find(tmp_path, label_from=r"(.+?)_\d+")
    assert found.label_names == ("beagle", "great_pyrenees")
    assert found.items == (Item("beagle_1.JPG", 0), Item("great_pyrenees_173.jpg", 1), Item("deep/beagle_2.png", 0))
    assert find(tmp_path, label_from=r"^(.+)_\d+\.(?:jpg|JPG|png)$").label_names == found.label_names, "with the ending"
    assert find(tmp_path, label_from=r"^(.+)_\d+$").label_names == found.label_names, "and without it"


def test_names_that_do_not_match_are_said(tmp_path: Path) -> None:
    found = find(make(tmp_path, "a_1.jpg", "b_2.jpg", "odd.jpg"), label_from=r"(.+?)_\d+")
    assert found.notes == (r"1 of 3 pictures is left out: (.+?)_\d+ is not in the name (odd.jpg)",)
    assert found.rejected == (Rejected("odd.jpg", r"(.+?)_\d+ is not in its name", bad=False),)


def test_parts_and_paths(tmp_path: Path) -> None:
    make(tmp_path, "train/a_1.jpg", "train/b_1.jpg", "test/a_2.jpg")
    assert [item.split for item in find(tmp_path, label_from=r"(.+?)_\d+").items] == ["test", "train", "train"]
    make(tmp_path / "by", "site 1/a/x.jpg", "site 2/b/y.jpg")
    assert find(tmp_path / "by", label_from=r"([^/]+)/[^/]+$").label_names == ("a", "b")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "is no pattern"),
        (r".+_\d+", "has 0 groups in brackets; it takes one"),
        (r"(.+)_(\d+)", "has 2 groups"),
        (r"(\d+)x", "is in none of the 2 names .* the first is a_1.jpg"),
    ],
)
def test_refusals(tmp_path: Path, pattern: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        find(make(tmp_path, "a_1.jpg", "b_2.jpg"), label_from=pattern)


def test_only_for_folders(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("a.jpg,x\n")
    for what in (tmp_path / "list.csv", "digits"):
        with pytest.raises(SourceError, match="is for a folder of pictures"):
            find(what, label_from="(.)")
