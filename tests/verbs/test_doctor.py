"""Doctor: each fault that is planted in a folder is found, by its kind and its picture, and no other is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.errors import SearchError
from striate.render.html.doctor_page import whole_page
from striate.search.examined import Finding
from striate.session.doctor import lines
from striate.verbs import copies, examining
from striate.verbs.doctor import doctor
from striate.verbs.workspace import Workspace


def painted(seed: int, height: int = 80, width: int = 100, cells: int = 10) -> Image.Image:
    """A colourful picture with edges, unlike any other."""
    rng = np.random.default_rng(seed)
    squares = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return Image.fromarray(squares).resize((width, height), Image.Resampling.NEAREST)


@pytest.fixture(autouse=True)
def undoubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told of classes, which asks the usual trunk: tests/verbs/test_told.py."""
    monkeypatch.setattr("striate.verbs.doctor.told", lambda _, examined, __: (examined, ()))


@pytest.fixture
def uncompared(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is compared with others, which is most of the work, for tests of something else."""
    monkeypatch.setattr("striate.verbs.doctor.near_copies", lambda *_: ((), ""))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, begin in (("cats", 0), ("dogs", 100)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for seed in range(24):
            painted(begin + seed).save(tmp_path / "photos" / name / f"{seed:02}.png")
    return tmp_path / "photos"


def found(photos: Path) -> dict[str, Finding]:
    return {one.kind: one for one in doctor(photos).findings}


def about(finding: Finding) -> list[tuple[str, ...]]:
    return [case.paths for case in finding.cases]


def test_a_sound_folder_has_nothing_wrong(photos: Path) -> None:
    diagnosis = doctor(photos)
    assert diagnosis.findings == ()
    assert lines(diagnosis)[0].endswith("photos: 48 pictures in 2 classes: nothing found.")


def test_each_fault_is_found_and_no_other(photos: Path) -> None:
    whole = (photos / "cats" / "00.png").read_bytes()
    (photos / "cats" / "half.png").write_bytes(whole[: len(whole) // 2])
    (photos / "cats" / "text.jpg").write_text("no picture")
    (photos / "dogs" / "same.png").write_bytes(whole)
    (photos / "dogs" / "again.png").write_bytes((photos / "dogs" / "05.png").read_bytes())
    painted(300).save(photos / "cats" / "png.jpg", "PNG")
    painted(301).convert("CMYK").save(photos / "cats" / "inks.jpg", quality=95)
    note = Image.Exif()
    note[0x0112] = 6
    painted(302).save(photos / "cats" / "turned.jpg", exif=note, quality=95)
    painted(303, 20, 20).save(photos / "cats" / "tiny.png")
    painted(304, 2100, 2100, 100).save(photos / "cats" / "huge.png")
    painted(305, 80, 400).save(photos / "cats" / "long.png")
    Image.new("RGB", (100, 80), (200, 10, 10)).save(photos / "cats" / "blank.png")
    painted(306).point([value // 6 for value in range(256)] * 3).save(photos / "cats" / "dark.png")
    painted(307).point([215 + value // 6 for value in range(256)] * 3).save(photos / "cats" / "bright.png")
    small = painted(308).resize((8, 7), Image.Resampling.BILINEAR)
    small.resize((100, 80), Image.Resampling.BICUBIC).save(photos / "cats" / "blurred.png")
    painted(309).convert("L").convert("RGB").save(photos / "cats" / "gray.png")
    cut = np.array(painted(310))
    cut[60:] = 128
    Image.fromarray(cut).save(photos / "cats" / "cut.png")
    seen = found(photos)
    expected = {
        "unreadable": [("cats/half.png",), ("cats/text.jpg",)],
        "equal-across-classes": [("cats/00.png", "dogs/same.png")],
        "equal-copies": [("dogs/05.png", "dogs/again.png")],
        "wrong-ending": [("cats/png.jpg",)],
        "unusual-pixels": [("cats/inks.jpg",)],
        "turned": [("cats/turned.jpg",)],
        "tiny": [("cats/tiny.png",)],
        "huge": [("cats/huge.png",)],
        "stretched": [("cats/long.png",)],
        "blank": [("cats/blank.png",)],
        "dark": [("cats/dark.png",)],
        "bright": [("cats/bright.png",)],
        "blurred": [("cats/blurred.png",)],
        "gray-among-colour": [("cats/gray.png",)],
        "unfinished": [("cats/cut.png",)],
    }
    assert {kind: about(one) for kind, one in seen.items()} == expected
    levels = [one.level for one in seen.values()]
    assert levels == sorted(levels, key=["wrong", "doubtful", "to know"].index)
    assert seen["unreadable"].cases[0].said.startswith("begins as PNG of 100 x 80, but ")
    again = doctor(photos)
    page = whole_page(again)
    assert "What is wrong with photos?" in page and all(one.remedy[:20] in page for one in seen.values())
    json.dumps(again.to_dict())


def test_what_a_split_parts_is_said(tmp_path: Path) -> None:
    for number, place in enumerate(("train/cats", "train/dogs", "test/cats", "test/dogs")):
        (tmp_path / place).mkdir(parents=True)
        for seed in range(3):
            painted(10 * number + seed).save(tmp_path / place / f"{seed}.png")
    (tmp_path / "test" / "cats" / "leak.png").write_bytes((tmp_path / "train" / "cats" / "1.png").read_bytes())
    finding = found(tmp_path)["equal-across-parts"]
    assert about(finding) == [("test/cats/leak.png", "train/cats/1.png")] and finding.level == "wrong"


def test_near_copies_are_said_with_what_makes_them(photos: Path) -> None:
    mirrored = painted(100).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(photos / "cats" / "mirrored.jpg", quality=80)
    (photos / "cats" / "again.jpg").write_bytes((photos / "cats" / "mirrored.jpg").read_bytes())
    painted(7).resize((50, 40)).save(photos / "cats" / "smaller.png")
    seen = found(photos)
    wrong, same = seen["near-across-classes"], seen["near-copies"]
    assert about(wrong) == [("cats/again.jpg", "cats/mirrored.jpg", "dogs/00.png")]
    assert wrong.cases[0].said == "cats and dogs; mirrored" and wrong.level == "wrong"
    assert about(same) == [("cats/07.png", "cats/smaller.png")]


@pytest.mark.usefixtures("uncompared")
def test_sizes_that_go_with_a_class_are_a_shortcut(photos: Path) -> None:
    for seed in range(40):
        painted(500 + seed, 120, 90).save(photos / "dogs" / f"large{seed}.png")
        painted(600 + seed).save(photos / "cats" / f"more{seed}.png")
    finding = found(photos)["shortcut-size"]
    assert finding.level == "doubtful" and "50 %" in finding.said and "dogs 90 x 120" in finding.remedy


def test_a_folder_without_classes_is_examined_and_that_is_said(tmp_path: Path) -> None:
    for seed in range(3):
        painted(seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "1.png").read_bytes())
    diagnosis = doctor(tmp_path)
    assert [one.kind for one in diagnosis.findings] == ["equal-copies"]
    assert "no folder of them" in diagnosis.notes[0]


@pytest.mark.usefixtures("uncompared")
def test_only_what_has_changed_is_measured_again(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    real = examining.measured
    monkeypatch.setattr(examining, "measured", lambda content: (measured.append(1), real(content))[1])
    before = doctor(photos)
    assert len(measured) == 48
    (photos / "cats" / "00.png").rename(photos / "dogs" / "moved.png")
    painted(900).save(photos / "cats" / "01.png")
    os.utime(photos / "cats" / "02.png")
    again = doctor(photos)
    assert len(measured) == 49 and len(again.examined) == len(before.examined)
    fresh = examining.measured((photos / "dogs" / "moved.png").read_bytes())
    assert again.examined.rows[again.examined.paths.index("dogs/moved.png")] == fresh
    examining.kept_at(photos).write_bytes(b"damaged")
    assert len(doctor(photos).examined) == 48 and len(measured) == 49 + 1 + 48


@pytest.mark.usefixtures("uncompared")
def test_what_was_measured_before_a_stop_is_kept(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(what: str, done: int, of: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        doctor(photos, workspace=Workspace(progress=stop))
    left: list[int] = []
    doctor(photos, workspace=Workspace(progress=lambda _, done, of: left.append(of)))
    assert left[0] == 48 - 20


def test_the_folder_is_only_read(photos: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*")}
    doctor(photos)
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*")} == before


def test_refusals_name_the_folder(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="no folder"):
        doctor(tmp_path / "none")
    with pytest.raises(SearchError, match="holds no picture"):
        doctor(tmp_path)


def test_near_copies_are_kept_while_the_pictures_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(9):
        painted(seed).save(tmp_path / f"{seed}.png")
    painted(7).resize((50, 40)).save(tmp_path / "smaller.png")
    asked: list[int] = []
    real = copies.learn
    monkeypatch.setattr(copies, "learn", lambda *given, **also: (asked.append(1), real(*given, **also))[1])
    before = doctor(tmp_path)
    assert before.examined.near and len(asked) == 1
    assert doctor(tmp_path).examined.near == before.examined.near and len(asked) == 1
    (tmp_path / "zz.png").write_bytes((tmp_path / "smaller.png").read_bytes())
    (group,) = doctor(tmp_path).examined.near
    assert len(group.rows) == 3 and len(asked) == 1  # an equal file is no other picture
    painted(8).resize((50, 40)).save(tmp_path / "other.png")
    assert len(doctor(tmp_path).examined.near) == 2 and len(asked) == 2
    kept = examining.kept_at(tmp_path).with_suffix(".copies.json")
    for damaged in (b"", b"[]", b"{", kept.read_bytes().replace(b"[[", b"[[99", 1)):
        kept.write_bytes(damaged)
        assert len(doctor(tmp_path).examined.near) == 2
    assert len(asked) == 2 + 4


def test_without_classes_copies_are_in_none(tmp_path: Path) -> None:
    for seed in range(4):
        painted(seed).save(tmp_path / f"{seed}.png")
    painted(1).resize((50, 40)).save(tmp_path / "smaller.png")
    finding = found(tmp_path)["near-copies"]
    assert finding.said == "2 pictures in 1 group of near copies"


@pytest.mark.usefixtures("uncompared")
def test_labels_are_left_out_on_request(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.verbs.doctor.told", lambda _, examined, __: (examined, ("asked",)))
    assert "asked" in doctor(photos).notes and "asked" not in doctor(photos, labels=False).notes


@pytest.mark.usefixtures("uncompared")
def test_boxes_of_a_folder_are_looked_at(tmp_path: Path, photos: Path) -> None:
    folder = tmp_path / "yolo"
    (folder / "images" / "train").mkdir(parents=True)
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "data.yaml").write_text("train: images/train\nval: images/train\nnc: 1\nnames: [cell]\n")
    for seed in range(3):
        painted(seed).save(folder / "images" / "train" / f"{seed}.png")
        twice = "0 0.5 0.5 0.4 0.4\n0 0.51 0.5 0.4 0.4\n" if seed == 1 else "0 0.5 0.5 0.4 0.4\n"
        (folder / "labels" / "train" / f"{seed}.txt").write_text(twice)
    assert about(found(folder)["box-twice"]) == [("images/train/1.png",)]
    with pytest.raises(SearchError, match="no pictures with boxes"):
        doctor(photos, model="pets-1")
