"""Tables of classes as people and tools write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.data.labels.class_tables import find_table, is_void, read_table
from striate.errors import SourceError


@pytest.mark.parametrize(
    ("name", "text", "names", "ids", "colours"),
    [
        ("classes.txt", "road\nsky\n\n", ("road", "sky"), None, None),
        ("classes.txt", "0 road\n7 traffic light\n", ("road", "traffic light"), (0, 7), None),
        ("classes.txt", "\ufeff0: road\n1: sky\n", ("road", "sky"), (0, 1), None),
        ("classes.txt", "1 road\nsky\n", ("1 road", "sky"), None, None),  # not every line has a number: names
        ("label_colors.txt", "64 128 64\tAnimal\n0 0 0\tVoid\n", ("Animal", "Void"), None, (0x408040, 0)),
        ("labelmap.txt", "# label:color_rgb::\nsky:128,0,0::\nb:0,0,1::\n", ("sky", "b"), None, (0x800000, 1)),
        ("class_dict.csv", "name,r,g,b\nsky,128,0,0\n", ("sky",), None, (0x800000,)),
        ("_classes.csv", "Pixel Value, Class\n0, background\n3, sky\n", ("background", "sky"), (0, 3), None),
        ("classes.csv", "name\nsky\nroad\n", ("sky", "road"), None, None),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, name: str, text: str, names: tuple[str, ...], ids: object, colours: object) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = find_table(tmp_path)
    assert found is not None and (found.names, found.ids, found.colours) == (names, ids, colours)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("classes.txt", "\n", "names no class"),
        ("classes.txt", "sky\nroad\nsky\n", "the name sky twice"),
        ("classes.txt", "0 sky\n0 road\n", "the number 0 twice"),
        ("classes.txt", "Sky\nsky\n", "differ only in how they are written"),
        ("labelmap.txt", "sky:300,0,0::\n", "300, 0, 0 is no colour"),
        ("class_dict.csv", "name,r,g,b\nsky,128,0\n", "fewer than 4 cells"),
        ("_classes.csv", "Pixel Value,Class\nx,sky\n", "not all whole numbers"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        read_table(tmp_path / name)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="not UTF-8"):
        read_table(tmp_path / "classes.txt")


def test_which_names_are_no_class() -> None:
    assert all(map(is_void, ("Void", "unlabelled", "UNLABELED", "ignore_label")))
    assert not any(map(is_void, ("background", "other", "road", "voids")))
