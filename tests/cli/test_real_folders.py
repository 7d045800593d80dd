"""Folders as people have them: runs among the pictures, files of systems, broken links, empty folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.stage import QUICK, Place, contents
from tests.pictures import paint

TRAIN = ("train", ".", *QUICK, "--epochs", "2", "--batch", "8", "--quiet")


class Inside(Place):
    """A working directory that is the folder of pictures; the cache is beside it."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "STRIATE_CACHE": str(self.path.parent / "cache")}


def test_train_evaluate_resume_and_predict_inside_the_pictures(tmp_path: Path) -> None:
    paint(tmp_path / "pets")
    place = Inside(tmp_path / "pets")
    for name in ("pets-1", "pets-2"):
        place(*TRAIN).done()
        assert (tmp_path / "pets" / "runs" / name / "finished.json").is_file()
    said = place("train", ".", *QUICK, "--epochs", "1").done().out
    assert "42 pictures, 3 classes" in said
    assert "skipped runs/: a folder of runs, not of pictures" in said
    assert place("evaluate").done().out.startswith("pets-3 on ")
    assert "epoch 3/3" in place("train", "--resume", "pets-1", "--epochs", "3").done().out
    answer = place("predict", ".", "--no-unknown").done()
    assert answer.out.count("\n") == 42


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("trained"))
    paint(place.path / "pets")
    place("train", "pets", *QUICK, "--epochs", "1", "--quiet").done()
    return place


def test_a_predicted_folder_with_what_systems_leave_behind(trained: Place, tmp_path: Path) -> None:
    new = paint(tmp_path / "neue Bilder é", ["ant"], count=3, seed=5)
    (new / "ant" / "0-00.PNG").write_bytes((new / "ant" / "5-00.png").read_bytes())
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "notes.txt"):
        (new / "ant" / name).write_bytes(b"no picture")
    (new / "linked").symlink_to(trained.path / "pets" / "bee")
    before = contents(new)
    answer = trained("predict", new, "--no-unknown", "--json")
    assert answer.code == 0
    assert answer.err == "passed over 4 files that are no pictures: .DS_Store, Thumbs.db, desktop.ini, ...\n"
    assert len(json.loads(answer.out)) == 4 + 14, "links to folders are followed"
    assert contents(new) == before
    only = tmp_path / "only"
    only.mkdir()
    (only / "Thumbs.db").write_bytes(b"x")
    trained("predict", only).refused(r"only holds no picture to answer for \(of 1 files none is one\)")


def test_a_broken_link_is_named(trained: Place, tmp_path: Path) -> None:
    new = paint(tmp_path / "new", ["ant"], count=2)
    (new / "ant" / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    answer = trained("predict", new, "--no-unknown")
    answer.refused(r"broken\.jpg cannot be read: it is a link to nothing")
    assert answer.out.count("\n") == 2, "the others are answered"
    trained("predict", new / "ant" / "broken.jpg").refused("it is a link to nothing")


def test_broken_links_and_empty_folders_are_named_in_training(place: Place) -> None:
    pets = paint(place.path / "pets", count=8)
    for number in range(7):
        (pets / "bee" / f"note-{number}.txt").write_text("text")
    (pets / "cow" / "zz.jpg").symlink_to(place.path / "gone.jpg")
    (pets / "emu").mkdir()
    said = place("train", "pets", *QUICK, "--epochs", "1").done().out
    assert "24 pictures, 3 classes" in said
    assert "skipped cow/zz.jpg: a link to nothing" in said, "what is bad comes before what was no picture"
    assert "... and 3 more" in said
    assert "note: emu/ holds no pictures and is passed over" in said
