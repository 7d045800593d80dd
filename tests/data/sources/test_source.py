"""Class folders: what is found, every state that is refused, and that the folder is never touched."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate import files
from striate.data.sources import named, source
from striate.data.sources.items import FolderSource, Item, Rejected
from striate.data.sources.source import Facts, check_rejected, find
from striate.errors import PictureError, SourceError


def jpeg(height: int = 8, width: int = 6, value: int = 0, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), value).save(file, "JPEG")
    return file.getvalue()


JPEG = jpeg()


def make(root: Path, *keys: str, data: bytes = JPEG) -> Path:
    for key in keys:
        path = root / key
        if key.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return root


def fingerprint(root: Path) -> str:
    """Names, sizes, modes and times of change of a whole tree."""
    sha = hashlib.sha256()
    for folder, _, names in sorted(os.walk(root)):
        for name in ["", *sorted(names)]:
            stat = os.lstat(Path(folder) / name)
            sha.update(
                f"{folder}\0{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_mode}\n".encode("utf-8", "replace")
            )
    return sha.hexdigest()


def refused(root: Path, *words: str) -> None:
    with pytest.raises(SourceError) as caught:
        find(root)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"


def test_class_folders(tmp_path: Path) -> None:
    make(tmp_path / "pets", "dogs/a.jpg", "cats/b.JPG", "cats/deep/er/c.png", "cats/0.jpeg")
    found = find(tmp_path / "pets")
    assert isinstance(found, FolderSource)
    assert (found.name, found.location) == ("pets", str(tmp_path / "pets"))
    assert found.label_names == ("cats", "dogs")
    assert found.items == (
        Item("cats/0.jpeg", 0), Item("cats/b.JPG", 0), Item("cats/deep/er/c.png", 0), Item("dogs/a.jpg", 1),
    )  # fmt: skip
    assert found.rejected == ()
    assert found.picture(3) == JPEG
    assert found.facts() == Facts(gray=False, common_size=(8, 6), median_size=(8, 6))


@pytest.mark.parametrize("val", ["val", "valid", "validation", "VAL"])
def test_parts(tmp_path: Path, val: str) -> None:
    make(
        tmp_path,
        "train/a/1.jpg",
        "train/b/1.jpg",
        f"{val}/a/1.jpg",
        "test/b/1.jpg",
        "test/a/2.jpg",
    )
    found = find(tmp_path)
    assert [(item.split, item.key, item.target) for item in found.items] == [
        ("train", "train/a/1.jpg", 0),
        ("train", "train/b/1.jpg", 1),
        ("val", f"{val}/a/1.jpg", 0),
        ("test", "test/a/2.jpg", 0),
        ("test", "test/b/1.jpg", 1),
    ]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert find(make(tmp_path, "train/1.jpg", "bus/1.jpg", "tram/1.jpg")).label_names == ("bus", "train", "tram")


def test_numbers_are_ordered_by_value(tmp_path: Path) -> None:
    assert find(make(tmp_path, "10/1.jpg", "9/1.jpg", "2/1.jpg")).label_names == ("2", "9", "10")


def test_what_is_passed_over_and_what_is_rejected(tmp_path: Path) -> None:
    make(
        tmp_path, "a/1.jpg", "b/1.jpg", ".git/config", "__MACOSX/a/1.jpg", "a/.DS_Store", "a/._1.jpg", "b/Thumbs.db",
        "b/desktop.ini", ".hidden.jpg", "a/.thumbs/1.jpg", "readme.txt",
    )  # fmt: skip
    make(tmp_path, "a/notes.txt", "a/list.xml", "loose.jpg", data=b"some text")
    make(tmp_path, "a/photo.jxl", data=b"\0\0\0\x0cJXL ")
    make(tmp_path, "a/no-suffix", "a/odd.dat", data=JPEG)
    found = find(tmp_path)
    assert [item.key for item in found.items] == ["a/1.jpg", "a/no-suffix", "a/odd.dat", "b/1.jpg"]
    assert {(one.key, one.bad) for one in found.rejected} == {
        ("a/notes.txt", False), ("a/list.xml", False), ("loose.jpg", False), ("a/photo.jxl", True),
    }  # fmt: skip
    assert (
        next(one.reason for one in found.rejected if one.bad) == "JXL pictures are not read; convert it to JPEG or PNG"
    )


def test_refusals(tmp_path: Path) -> None:
    refused(make(tmp_path / "one", "cats/1.jpg", "cats/2.jpg"), "one class only", "'cats'", "2 pictures")
    assert len(find(tmp_path / "one", least_classes=1).items) == 2
    refused(tmp_path / "none", "there is no 'none'")
    (tmp_path / "bare").mkdir()
    refused(tmp_path / "bare", "bare holds no pictures", "class folders")
    refused(make(tmp_path / "hollow", "a/", "b/"), "holds no pictures", "2 folders", "a/, b/")
    refused(make(tmp_path / "flat", "1.jpg", "2.png"), "holds 2 pictures and no class folders", "folder of its own")
    refused(make(tmp_path / "test", "1.jpg"), "1 picture and no class folders")
    refused(make(tmp_path / "case", "Cat/1.jpg", "cat/1.jpg"), "'Cat'", "'cat'", "differ only")
    refused(make(tmp_path / "accent", "caf\u00e9/1.jpg", "cafe\u0301/1.jpg"), "differ only")
    refused(make(tmp_path / "cases", "train/Cat/1.jpg", "train/dog/1.jpg", "val/cat/1.jpg"), "'Cat'", "'cat'")


def test_refusals_of_parts(tmp_path: Path) -> None:
    refused(
        make(tmp_path / "new", "train/a/1.jpg", "train/b/1.jpg", "val/c/1.jpg", "val/c/2.jpg"),
        "the class 'c' has 2 pictures in val and none in train",
    )
    refused(make(tmp_path / "newtest", "train/a/1.jpg", "train/b/1.jpg", "test/c/1.jpg"), "'c' has 1 picture in test")
    refused(make(tmp_path / "no-train", "val/a/1.jpg", "test/a/1.jpg"), "test, val but no train/")
    refused(make(tmp_path / "both", "train/a/1.jpg", "cats/1.jpg"), "both train/", "cats")
    refused(make(tmp_path / "twice", "train/a/1.jpg", "val/a/1.jpg", "valid/a/1.jpg"), "val/ and valid/", "keep one")
    refused(make(tmp_path / "flat", "train/1.jpg", "test/2.jpg"), "train holds 1 picture and no class folders")
    refused(
        make(tmp_path / "kaggle", "train/a/1.jpg", "train/b/1.jpg", "test/1.jpg", "test/2.jpg"),
        "test holds 2 pictures and no class folders", "predict",
    )  # fmt: skip
    refused(
        make(tmp_path / "hollow", "train/a/1.jpg", "train/b/", "test/a/1.jpg"), "one class only", "train/b/ holds no"
    )
    refused(make(tmp_path / "void", "train/", "test/a/1.jpg"), "train holds no pictures")
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "train").write_bytes(b"x")
    refused(tmp_path / "file", "train is a file; it should be a folder")
    refused(make(tmp_path / "deeper", "pets/cats/1.jpg", "pets/dogs/1.jpg"), "one class only", "did you mean", "pets")


def test_an_empty_class_folder_is_said_and_no_class(tmp_path: Path) -> None:
    make(tmp_path, "c/notes.txt", data=b"text")
    found = find(make(tmp_path, "a/1.jpg", "b/1.jpg"))
    assert found.label_names == ("a", "b")
    assert found.notes == ("c/ (1 of another kind) holds no pictures and is passed over",)


def test_an_empty_part_is_said_and_no_part(tmp_path: Path) -> None:
    found = find(make(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "train/c/", "test/", "val/a/"))
    assert {item.split for item in found.items} == {"train"}
    assert found.notes == ("3 folders hold no pictures and are passed over: train/c/, val/, test/",)


def test_training_and_testing_are_parts(tmp_path: Path) -> None:
    found = find(make(tmp_path, "Training/a/1.jpg", "Training/b/1.jpg", "Testing/a/1.jpg"))
    assert (found.label_names, [item.split for item in found.items]) == (("a", "b"), ["train", "train", "test"])


def run_folder(path: Path) -> None:
    """Leave what a run leaves."""
    make(path, "recipe.toml", "source.json", "model.safetensors", "checkpoints/1.safetensors", "report.html", data=b"x")


@pytest.mark.parametrize("where", ["runs", "out", "a/runs", "a/deep/er"])
def test_folders_of_runs_are_passed_over_anywhere(tmp_path: Path, where: str) -> None:
    make(tmp_path, "a/1.jpg", "b/1.jpg", "a/deep/2.jpg")
    run_folder(tmp_path / where / "pets-1")
    run_folder(tmp_path / where / "pets-2")
    make(tmp_path / where, "last", data=b"pets-2")
    found = find(tmp_path)
    assert [item.key for item in found.items] == ["a/1.jpg", "a/deep/2.jpg", "b/1.jpg"]
    assert found.rejected == (Rejected(f"{where}/", "a folder of runs, not of pictures", bad=False),)
    assert found.notes == ()


def test_runs_beside_parts_and_a_run_beside_pictures(tmp_path: Path) -> None:
    make(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg")
    run_folder(tmp_path / "runs" / "pets-1")
    run_folder(tmp_path / "train" / "a" / "pets-7")
    assert [item.key for item in find(tmp_path).items] == ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg"]
    refused(tmp_path / "runs", "runs is a folder of runs", "name the folder of pictures")
    refused(tmp_path / "runs" / "pets-1", "is a folder of runs")


def test_a_class_may_be_called_runs(tmp_path: Path) -> None:
    assert find(make(tmp_path, "runs/1.jpg", "walks/1.jpg", "runs/recipe.toml")).label_names == ("runs", "walks")


def test_one_level_too_deep_or_too_high(tmp_path: Path) -> None:
    make(tmp_path / "a", "archive/pets/cats/1.jpg", "archive/pets/dogs/1.jpg")
    refused(tmp_path / "a", "one class only", "cats, dogs", f"striate train {tmp_path / 'a/archive/pets'} ?")
    make(tmp_path / "b", "train/images/cats/1.jpg", "train/images/dogs/1.jpg", "test/images/cats/1.jpg")
    refused(tmp_path / "b", "move them up: train/images/* to train/, test/images/* to test/")
    make(tmp_path / "c", "cats/1.jpg", "dogs/1.jpg")
    refused(tmp_path / "c" / "cats", "is it one class, beside dogs?", f"striate train {tmp_path / 'c'}")
    found = find(make(tmp_path / "d", "first/cats/1.jpg", "first/dogs/1.jpg", "second/dogs/1.jpg", "second/cats/2.jpg"))
    assert found.label_names == ("first", "second")
    assert f"if those are the classes, say: striate train {tmp_path / 'd/first'}" in found.notes[0]


def test_a_broken_link_to_a_class_folder_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "c").symlink_to(tmp_path / "gone")
    (tmp_path / "d.jpg").symlink_to(tmp_path / "gone")
    assert find(tmp_path).rejected == (Rejected("c", "a link to nothing"), Rejected("d.jpg", "a link to nothing"))


def test_files_where_a_folder_should_be(tmp_path: Path) -> None:
    make(tmp_path, "picture.jpg")
    refused(tmp_path / "picture.jpg", "is one picture")
    make(tmp_path, "pets", "pets.zip", data=b"whatever")
    refused(tmp_path / "pets", "is a file that is not known")
    refused(tmp_path / "pets.zip", "is an archive; unpack it")
    refused(tmp_path / "pets" / "cats", "there is no 'cats'")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    refused(tmp_path / "link", "a link to nothing")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "neither a file nor a folder")


def test_a_missing_path_proposes_what_is_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "Pets/", "holiday/")
    refused(tmp_path / "pets2", "there is no 'pets2' in", "did you mean Pets?")
    refused(tmp_path / "holyday" / "x" / "y", "there is no 'holyday'", "did you mean holiday?")
    monkeypatch.chdir(tmp_path)
    refused(Path("minst"), "did you mean mnist?")
    refused(Path("zzz"), "digits, mnist, fashion-mnist, cifar10")
    with pytest.raises(SourceError, match="no pictures named"):
        find("")
    with pytest.raises(SourceError, match="there is no"):
        find("a" * 5000)


def test_a_path_goes_before_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(tmp_path, "digits/a/1.jpg", "digits/b/1.jpg", "mnist/"))
    assert find("digits").location == str(tmp_path / "digits")
    with pytest.raises(SourceError, match=r"the data set 'mnist' is hidden by"):
        find("mnist")


def test_the_names_known_without_opening_anything_are_the_names() -> None:
    assert source._NAMES == named.NAMES


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    make(tmp_path / "a", "x/1.jpg", "y/1.jpg")
    (tmp_path / "a" / "x" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(JPEG)
    found = find(tmp_path / "a")
    assert found.rejected == (Rejected("x/caf\\xe9.jpg", "its name is not UTF-8; rename it"),)
    (tmp_path / "a" / os.fsdecode(b"\xe9t\xe9")).mkdir()
    refused(tmp_path / "a", "class folder \\xe9t\\xe9 is not UTF-8")
    refused(make(tmp_path / os.fsdecode(b"\xe9"), "a/1.jpg", "b/1.jpg"), "\\xe9 is not UTF-8; rename it")


def test_links(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "1.jpg", "2.jpg")
    root = make(tmp_path / "root", "a/1.jpg", "b/1.jpg")
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    found = find(root)
    assert [item.key for item in found.items] == ["a/1.jpg", "b/1.jpg", "c/1.jpg", "c/2.jpg"]
    assert found.rejected == (Rejected("a/gone.jpg", "a link to nothing"),)
    (root / "a" / "round").symlink_to(root)
    refused(root, "a/round is a link that leads back to")
    (root / "a" / "round").unlink()
    (root / "a" / "self").symlink_to(root / "a" / "self")
    refused(root, "self is a link that leads back to itself")


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/1.jpg", "b/1.jpg")
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    refused(tmp_path, "b cannot be read: Permission denied")


def test_a_list_beside_loose_pictures_is_proposed(tmp_path: Path) -> None:
    make(tmp_path, "1.jpg", "2.jpg", "labels.csv")
    refused(tmp_path, "did you mean the list", "labels.csv")


def test_a_list_beside_one_folder_of_pictures_is_proposed(tmp_path: Path) -> None:
    make(tmp_path, "images/1.jpg", "images/2.jpg", "a-readme.txt", "labels.csv")
    refused(tmp_path, "one class only", f"did you mean the list {tmp_path / 'labels.csv'}?")


def test_facts(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg", data=jpeg(10, 20, mode="L"))
    make(tmp_path, "a/2.jpg", "b/1.jpg", data=jpeg(30, 40, mode="L"))
    make(tmp_path, "b/broken.jpg", data=JPEG[:50])
    assert find(tmp_path).facts() == Facts(gray=True, common_size=None, median_size=(30, 40))
    make(tmp_path, "b/2.jpg")
    assert not find(tmp_path).facts().gray
    make(tmp_path / "x", "a/1.jpg", "b/2.jpg", data=b"")
    with pytest.raises(
        SourceError, match=r"none of 2 pictures looked at can be read; the first is a/1.jpg \(the file is"
    ):
        find(tmp_path / "x").facts()


def test_facts_read_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{name}/{number}.jpg" for name in "ab" for number in range(300)))
    found = find(tmp_path)
    opened: list[Path] = []
    original = files.open_file
    monkeypatch.setattr(files, "open_file", lambda path, **limit: opened.append(path) or original(path, **limit))
    found.facts()
    assert len(opened) == 200
    assert len({path.parent.name for path in opened}) == 2


def test_stamp_and_picture(tmp_path: Path) -> None:
    found = find(make(tmp_path, "a/1.jpg", "b/1.jpg"))
    first = found.stamp(0)
    assert first == find(tmp_path).stamp(0) != found.stamp(1)
    os.utime(tmp_path / "a/1.jpg", ns=(1, 1))
    assert found.stamp(0) != first
    (tmp_path / "a/1.jpg").unlink()
    assert found.stamp(0).startswith("gone:")
    with pytest.raises(PictureError, match="cannot be read: No such file"):
        found.picture(0)


def test_only_and_without(tmp_path: Path) -> None:
    found = find(make(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"))
    assert [item.key for item in found.only({"b/2.jpg", "a/1.jpg", "gone"}).items] == ["a/1.jpg", "b/2.jpg"]
    clean = found.without({2: "does not decode"})
    assert [item.key for item in clean.items] == ["a/1.jpg", "a/2.jpg", "b/2.jpg"]
    assert clean.rejected == (Rejected("b/1.jpg", "does not decode"),)
    assert clean.picture(2) == JPEG
    digits = find("digits")
    part = digits.without({0: "x"}).only({"all:5", "all:9"})
    assert np.array_equal(part.picture(1), digits.picture(9))
    assert part.stamp(1) == digits.stamp(9)


def test_named_as_another_order_and_other_names(tmp_path: Path) -> None:
    found = find(make(tmp_path, "ant/1.jpg", "bee/1.jpg", "cow/1.jpg"))
    again = found.named_as(("cow", "ant", "emu"))
    assert again.label_names == ("cow", "ant", "emu") and [item.target for item in again.items] == [1, -1, 0]
    assert found.named_as(found.label_names) is found
    tagged = replace(found, items=(Item("a", (1.0, 0.0, 1.0)), Item("b", None)))
    assert [item.target for item in tagged.named_as(("cow", "ant", "emu")).items] == [(1.0, 1.0, 0.0), None]


def test_too_many_bad_pictures_stop(tmp_path: Path) -> None:
    found = find(make(tmp_path, *(f"{name}/{number}.jpg" for name in "ab" for number in range(250))))
    check_rejected(found)
    four = found.without(dict.fromkeys(range(4), "broken"))
    check_rejected(four)
    five = found.without(dict.fromkeys(range(5), "broken"))
    check_rejected(five)  # 5 of 500 are 1 %, not more
    six = found.without(dict.fromkeys(range(6), "broken"))
    with pytest.raises(SourceError, match=r"6 of 500 pictures in .* \(1\.2 %.*a/0\.jpg: broken; .*--allow-bad"):
        check_rejected(six)
    check_rejected(six, allow_bad=True)
    few = found.only({item.key for item in found.items[240:260]}).without(dict.fromkeys(range(4), "broken"))
    check_rejected(few)


def test_finding_opens_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{name}/{number}.jpg" for name in "ab" for number in range(50)))
    monkeypatch.setattr(files, "open_file", lambda *_, **__: pytest.fail("a file was opened"))
    assert len(find(tmp_path).items) == 100


@pytest.mark.parametrize(
    ("name", "pictures", "classes", "parts"),
    [
        ("cifar10-folder", 24_000, 10, {"train": 20_000, "test": 4_000}),
        ("catsdogs", 940, 2, {"train": 700, "test": 240}),
        ("flowers5", 4_317, 5, {None: 4_317}),
    ],
)
def test_real_folders_are_found_and_left_alone(
    shared: Path, name: str, pictures: int, classes: int, parts: dict
) -> None:
    root = shared / "data" / name
    before = fingerprint(root)
    found = find(root)
    assert (len(found.items), len(found.label_names), found.rejected) == (pictures, classes, ())
    for part, number in parts.items():
        assert sum(item.split == part for item in found.items) == number
    found.facts()
    found.picture(0)
    assert fingerprint(root) == before


def test_real_facts(shared: Path) -> None:
    data = shared / "data"
    assert find(data / "cifar10-folder").facts() == Facts(gray=False, common_size=(32, 32), median_size=(32, 32))
    assert find(data / "flowers5").facts().common_size == (128, 128)
    assert find(data / "catsdogs").facts().common_size is None


def test_near_duplicates(shared: Path) -> None:
    found = find(shared / "data" / "near-duplicates")
    assert {one.key for one in found.rejected} == {"alpha_channel_image.png", "ukbench00120_gray.jpg"}
    assert len(found.items) == 24
