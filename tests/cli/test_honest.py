"""Said beside a figure: copies, classes that are uneven, rare or too few."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tests.cli.stage import QUICK, Place
from tests.pictures import paint

SHORT = (*QUICK, "--epochs", "1", "--batch", "8")


def figures(place: Place, run: str, name: str) -> dict:
    return json.loads((place.path / "runs" / run / name).read_text())


def test_copies_are_named_and_counted(place: Place) -> None:
    pets = paint(place.path / "pets", ["ant", "bee"], count=12)
    shutil.copy(pets / "ant" / "0-00.png", pets / "ant" / "again.png")
    shutil.copy(pets / "ant" / "0-01.png", pets / "bee" / "wrong.png")
    said = place("train", "pets", *SHORT).done().out
    assert (
        "note: 1 picture stands in several classes, of which one at most is right: ant/0-01.png = bee/wrong.png" in said
    )
    assert "note: 1 picture is a copy of another in the same class: ant/0-00.png = ant/again.png" in said
    counts = {"groups": 2, "pictures": 4, "within_class": 1, "across_classes": 1, "across_split": 0}
    assert figures(place, "pets-1", "finished.json")["copies"] == counts
    kept = figures(place, "pets-1", "source.json")["copies"]
    assert kept == {**counts, "keys": [["ant/0-01.png", "bee/wrong.png"], ["ant/0-00.png", "ant/again.png"]]}


def test_copies_across_the_sources_own_split(place: Place) -> None:
    paint(place.path / "pets" / "train", ["ant", "bee"], count=10)
    paint(place.path / "pets" / "test", ["ant", "bee"], count=4, seed=1)
    shutil.copy(place.path / "pets/train/ant/0-00.png", place.path / "pets/test/ant/leak.png")
    said = place("train", "pets", *SHORT).done().out
    assert "1 picture stands in several parts of the source's own split: train/ant/0-00.png = test/ant/leak.png" in said
    assert figures(place, "pets-1", "finished.json")["copies"]["across_split"] == 1


def test_one_picture_a_class_is_refused_before_anything_is_decoded(place: Place) -> None:
    paint(place.path / "pets", count=1)
    place("train", "pets", *SHORT).refused("3 classes of one picture each", "at least 2 different pictures")
    assert not (place.path / "runs").exists() and not (place.path / "cache").exists()


def test_too_few_to_test_with_finishes_and_says_so(place: Place) -> None:
    pets = paint(place.path / "pets", count=1)
    for name in ("ant", "bee", "cow"):
        shutil.copy(pets / name / "0-00.png", pets / name / "again.png")
    answer = place("train", "pets", *SHORT).done()
    assert "no picture was left to test with" in answer.out
    assert (place.path / "runs" / "pets-1" / "finished.json").is_file()
    place("predict", pets / "ant").done()


def grain(root: Path, name: str, count: int) -> None:
    """Different pictures of one class, all alike."""
    (root / name).mkdir(parents=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / name / f"{number}.png")


def test_uneven_classes_and_one_without_a_test_picture(place: Place) -> None:
    grain(place.path / "parts", "ok", 60)
    grain(place.path / "parts", "defect", 1)
    said = place("train", "parts", *SHORT, "--seed", "1").done().out
    assert "of ok to train on and 1 of defect; --class-weights balanced lets every class count the same" in said
    assert "no picture to measure of class defect: how well it is told is not known" in said
    weighed = place("train", "parts", *SHORT, "--seed", "1", "--class-weights", "balanced").done().out
    assert "--class-weights balanced" not in weighed
    assert 'class_weights = "balanced"' in (place.path / "runs" / "parts-2" / "recipe.toml").read_text()
    assert "macro F1 (1 of 2 classes)" in place("evaluate").done().out


def test_wrong_labels_are_named_on_the_screen_in_json_and_in_the_report(place: Place) -> None:
    pets = paint(place.path / "pets", ["ant", "bee"], count=24)
    for number in range(3):  # what a hurried hand does
        (pets / "ant" / f"0-0{number}.png").rename(pets / "bee" / f"wrong-{number}.png")
    said = place("train", "pets", *QUICK, "--epochs", "8", "--batch", "4", "--lr", "0.1", "--folds", "3").done().out
    after = said.partition(" worth a look, the least likely first:\n")[2].splitlines()
    named = [line.split()[0] for line in after if line.startswith("  ")]
    assert len(named) > 1 and set(named) <= {f"bee/wrong-{number}.png" for number in range(3)}
    assert "labelled bee (0." in after[0] and "answered ant (0." in after[0]
    kept = figures(place, "pets-1", "finished.json")["label_issues"]
    again = place("evaluate").done().out
    assert again.rstrip().splitlines()[-len(named) :] == [line for line in after if line.startswith("  ")]
    assert json.loads(place("evaluate", "--json").done().out)["label_issues"] == kept
    assert [one["picture"] for one in kept] == named and kept[0]["label"] == "bee" and kept[0]["answer"] == "ant"
    wrong = json.loads(place("evaluate", "--json").done().out)["worst_mistakes"]
    assert {one["picture"] for one in wrong} >= set(named)
    report = (place.path / "runs" / "pets-1" / "report.html").read_text()
    assert all(report.partition("Which labels are worth a look?")[2].count(name) >= 2 for name in named)
    place("look", "pets-1").done()
    page = (place.path / "pets-1-look.html").read_text()
    assert "Which labels are worth a look?" in page and f": {named[0]}, labelled bee and called ant." in page
    learnt = place("evaluate", "pets-1", "--split", "train").done().out
    assert "worth a look" not in learnt, "a net repeats the labels that it has learnt from"


def test_files_that_are_no_pictures_are_counted(place: Place) -> None:
    pets = paint(place.path / "pets", ["ant", "bee"], count=12)
    for name in ("Thumbs.db", ".DS_Store", "readme.txt"):
        (pets / name).write_text("x")
    (pets / "ant" / "desktop.ini").write_text("x")
    (pets / "ant" / "notes.txt").write_text("x")
    (pets / ".git").mkdir()
    said = place("train", "pets", *SHORT).done().out
    assert "; 5 other files passed over (.DS_Store, .git/, Thumbs.db, ...)\n" in said
    assert "skipped ant/notes.txt: not a picture" in said
    assert figures(place, "pets-1", "finished.json")["left_out"] == {"skipped": 1, "passed_over": 5}
    assert "5 other files were passed over" in (place.path / "runs" / "pets-1" / "report.html").read_text()
    paint(place.path / "split" / "train", ["ant", "bee"], count=10)
    paint(place.path / "split" / "test", ["ant", "bee"], count=4, seed=1)
    shutil.copy(pets / "ant" / "0-00.png", place.path / "split" / "cover.png")
    (place.path / "split" / "LICENSE").write_text("free")
    said = place("train", "split", *SHORT).done().out
    assert "; 1 other file passed over (LICENSE)\n" in said and "skipped cover.png: lies in no class folder" in said
