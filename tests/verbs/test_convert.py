"""Converting: what is written where, what is refused, and that nothing is left half-written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.data.labels.written import find_objects, picture, voc

from striate.cli.convert import command
from striate.errors import DataError, DiskError, SourceError
from striate.verbs import convert as module
from striate.verbs.convert import convert


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    for name in "12":
        picture(tmp_path / "scene" / "images" / f"{name}.jpg")
    voc(tmp_path / "scene" / "labels" / "1.xml", ("cat", 1, 2, 30, 40), ("dog, old", 5, 5, 9, 9))
    voc(tmp_path / "scene" / "labels" / "2.xml")
    return tmp_path / "scene"


def test_what_a_person_reads(scene: Path, tmp_path: Path) -> None:
    asked = [str(scene), "--to", "yolo", "-o", str(tmp_path / "new")]
    done = CliRunner().invoke(command, asked, catch_exceptions=False)
    lines = done.output.splitlines()
    assert lines[0] == "Pascal VOC: 2 pictures (1 without objects), 2 objects (cat 1, dog, old 1)"
    assert lines[-1] == f"written to {tmp_path / 'new'} (3 files)"
    assert (
        tmp_path / "new" / "labels" / "1.txt"
    ).read_text() == "0 0.19375 0.35 0.3625 0.63333333\n1 0.0875 0.11666667 0.05 0.06666667\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "scene"]


def test_json_and_csv(scene: Path, tmp_path: Path) -> None:
    asked = [str(scene), "--to", "csv", "-o", str(tmp_path / "a.csv"), "--json"]
    said = json.loads(CliRunner().invoke(command, asked, catch_exceptions=False).output)
    assert said["objects"] == {"cat": 1, "dog, old": 1} and said["without_objects"] == 1 and said["lost"] == []
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [(row["filename"], row["class"], row["xmax"]) for row in rows] == [
        ("images/1.jpg", "cat", "30"), ("images/1.jpg", "dog, old", "9"), ("images/2.jpg", "", ""),
    ]  # fmt: skip


def test_ours_is_replaced_and_nothing_else(scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    convert(scene, to="coco", output=out)
    before = out.read_bytes()
    convert(scene, to="coco", output=out)
    assert out.read_bytes() == before
    out.write_text("{}")
    with pytest.raises(DataError, match="is not ours"):
        convert(scene, to="coco", output=out)
    assert out.read_text() == "{}"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(DataError, match="is there already; name a new folder"):
        convert(scene, to="voc", output=tmp_path / "full")
    with pytest.raises(DataError, match="is a folder; name a file"):
        convert(scene, to="coco", output=tmp_path / "full")
    with pytest.raises(DataError, match="there is no folder"):
        convert(scene, to="coco", output=tmp_path / "no" / "a.json")


@pytest.mark.parametrize("to", ["coco", "voc"])
def test_what_was_given_is_never_written_to(scene: Path, to: str) -> None:
    before = sorted(scene.rglob("*"))
    with pytest.raises(DataError, match="is only read; name a place outside"):
        convert(scene, to=to, output=scene / "images" / "out")
    with pytest.raises(DataError, match="is only read; name a place outside"):
        convert(scene / "labels", to=to, output=scene / "images" / "out", pictures=scene / "images")
    voc(scene / "images" / "1.xml", ("cat", 1, 2, 3, 4))
    with pytest.raises(DataError, match="is only read; name a place outside"):
        convert(scene / "images" / "1.xml", to=to, output=scene / "images" / "out")
    assert sorted(scene.rglob("*")) == sorted([*before, scene / "images" / "1.xml"])


def test_nothing_is_left_where_writing_fails(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def full(path: Path, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        return len(data)

    monkeypatch.setattr(module.Path, "write_bytes", full)
    with pytest.raises(DiskError, match="disk is full"):
        convert(scene, to="voc", output=tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


def test_two_pictures_that_one_name_would_stand_for(scene: Path, tmp_path: Path) -> None:
    picture(scene / "images" / "1.png")
    voc(scene / "labels" / "1b.xml", ("cat", 1, 2, 3, 4), name="images/1.png")
    assert len(find_objects(scene).pictures) == 3
    for to in ("voc", "yolo"):
        with pytest.raises(SourceError, match="differ in their ending alone"):
            convert(scene, to=to, output=tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("which", ["labels", "output", "pictures"])
def test_a_path_that_no_system_can_have(scene: Path, tmp_path: Path, which: str) -> None:
    asked: dict[str, Path] = {"labels": scene, "output": tmp_path / "a.json", "pictures": scene}
    asked[which] = tmp_path / ("x" * 300)
    with pytest.raises(DataError, match="can be no path: it is too long"):
        convert(asked["labels"], to="coco", output=asked["output"], pictures=asked["pictures"])
