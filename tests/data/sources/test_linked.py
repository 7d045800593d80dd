"""One picture in several class folders: by symbolic and hard links, and as copies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from striate.data.labels.tags import TAGS
from striate.data.sources.folders import folder_source
from striate.data.sources.items import CLASSES
from striate.data.sources.linked import is_linked, linked
from striate.data.sources.source import find


def photos(root: Path) -> Path:
    for key, content in {"sea/1.jpg": b"one", "sea/2.jpg": b"two", "sunset/3.jpg": b"six"}.items():
        (root / key).parent.mkdir(exist_ok=True, parents=True)
        (root / key).write_bytes(content)
    return root


def by_key(source, found) -> dict[str, tuple[str, ...]]:
    return {source.items[index].key: found.table.of(row) for row, index in enumerate(found.first)}


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_links_into_several_class_folders_are_several_tags(tmp_path: Path, kind: str) -> None:
    root = photos(tmp_path)
    if kind == "symbolic":
        (root / "sunset/1.jpg").symlink_to("../sea/1.jpg")
    else:
        os.link(root / "sea/1.jpg", root / "sunset/1.jpg")
    source = folder_source(root, name="photos")
    assert is_linked(source)
    found = linked(source, by_content=False)
    assert by_key(source, found) == {"sea/1.jpg": ("sea", "sunset"), "sea/2.jpg": ("sea",), "sunset/3.jpg": ("sunset",)}
    assert [tuple(source.items[i].key for i in group) for group in found.several] == [("sea/1.jpg", "sunset/1.jpg")]


def test_copies_are_tags_where_that_is_said_and_no_links(tmp_path: Path) -> None:
    root = photos(tmp_path)
    (root / "sunset/a copy.jpg").write_bytes(b"one")
    source = folder_source(root, name="photos")
    assert not is_linked(source)
    assert len(linked(source, by_content=False).first) == 4
    found = linked(source, by_content=True)
    assert by_key(source, found)["sea/1.jpg"] == ("sea", "sunset")
    assert len(found.first) == 3


def test_links_within_one_class_folder_are_no_tags(tmp_path: Path) -> None:
    root = photos(tmp_path)
    (root / "sea/again.jpg").symlink_to("1.jpg")
    source = folder_source(root, name="photos")
    assert not is_linked(source)


def test_the_parts_of_a_split_keep_their_pictures(tmp_path: Path) -> None:
    photos(tmp_path / "train")
    (tmp_path / "test/sea").mkdir(parents=True)
    (tmp_path / "test/sea/9.jpg").write_bytes(b"one")
    (tmp_path / "train/sunset/1.jpg").symlink_to("../sea/1.jpg")
    source = folder_source(tmp_path, name="photos")
    found = linked(source, by_content=True)
    assert by_key(source, found)["train/sea/1.jpg"] == ("sea", "sunset")
    assert by_key(source, found)["test/sea/9.jpg"] == ("sea",)


def test_a_folder_of_links_is_found_as_tags_and_says_so(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    (root / "sunset/1.jpg").symlink_to("../sea/1.jpg")
    (root / "sunset/a copy.jpg").write_bytes(b"two")
    found = find(root)
    assert (found.kind, found.label_names) == (TAGS, ("sea", "sunset"))
    assert {item.key: item.target for item in found.items} == {
        "sea/1.jpg": (1.0, 1.0), "sea/2.jpg": (1.0, 0.0), "sunset/3.jpg": (0.0, 1.0), "sunset/a copy.jpg": (0.0, 1.0),
    }  # fmt: skip
    assert "such as sea/1.jpg = sunset/1.jpg" in found.notes[0]
    assert "task tag; --task classify" in found.notes[0]
    said = find(root, kind=TAGS)  # then copies count too
    assert {item.key: item.target for item in said.items} == {
        "sea/1.jpg": (1.0, 1.0), "sea/2.jpg": (1.0, 1.0), "sunset/3.jpg": (0.0, 1.0),
    }  # fmt: skip
    assert said.notes == ()
    assert find(root, kind=CLASSES).kind == CLASSES
    assert found.picture(0) == b"one"
    assert [item.key for item in said.items] == ["sea/1.jpg", "sea/2.jpg", "sunset/3.jpg"]


def test_a_few_links_among_many_pictures_say_nothing(tmp_path: Path) -> None:
    root = photos(tmp_path)
    for number in range(100):
        (root / f"sea/more {number}.jpg").write_bytes(b"%d" % number)
    os.link(root / "sea/1.jpg", root / "sunset/1.jpg")
    assert not is_linked(folder_source(root, name="photos"))
