"""Lists and names of files as people have them, from the command to the answer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.stage import QUICK, Place
from tests.pictures import paint

from striate.recipe import read


def flat(root: Path) -> Path:
    """Pictures of two classes in one folder, the class in the name."""
    paint(root / "sorted", ["red_ant", "bee"], count=8)
    (root / "flat").mkdir()
    for path in (root / "sorted").rglob("*.png"):
        path.rename(root / "flat" / f"{path.parent.name}_{path.name.replace('-', '')}")
    return root / "flat"


def test_labels_out_of_names_are_kept_in_the_run(place: Place) -> None:
    folder = flat(place.path)
    (folder / "odd.png").write_bytes((folder / "bee_000.png").read_bytes())
    place("train", "flat", *QUICK).refused(r"put each class into a folder of its own, write a list", "--label-from")
    said = place("train", "flat", "--label-from", r"(.+?)_\d+", *QUICK, "--epochs", "1").done().out
    assert "16 pictures, 2 classes" in said
    assert r"note: 1 of 17 pictures is left out: (.+?)_\d+ is not in the name (odd.png)" in said
    assert read(place.path / "runs" / "flat-1" / "recipe.toml").label_from == r"(.+?)_\d+"
    assert json.loads(place("evaluate", "--json").done().out)["classes"] == ["bee", "red_ant"]
    assert "epoch 2/2" in place("train", "--resume", "--epochs", "2").done().out
    (place.path / "flat.csv").write_text("file,label\nflat/bee_000,bee\nflat/gone.png,bee\nflat/bee_001.png,\n")
    listed = place("evaluate", "--data", "flat.csv").done().out
    assert "1 file is left out: flat/gone.png: no such file (line 3 of flat.csv)" in listed
    assert "1 row without a label is left out; the first is line 4 (flat/bee_001.png)" in listed
    other = place("evaluate", "--data", "flat", "--label-from", r"(.+?)_\d+", "--json").done()
    assert json.loads(other.out)["pictures"] == 16
    place("evaluate", "--label-from", "(.)").refused("is for other pictures")


def test_labels_that_look_like_numbers_are_learnt_as_such_or_as_classes(place: Place) -> None:
    paint(place.path / "img", ["a"], count=16)
    rows = "".join(f"img/a/0-{number:02}.png,{number % 3 / 4}\n" for number in range(16))
    (place.path / "angles.csv").write_text("file,angle\n" + rows)
    said = place("train", "angles.csv", *QUICK, "--epochs", "1", "--name", "numbers").done().out
    assert "the column 'angle' holds numbers (16 pictures, 3 values from 0.0 to 0.5): task regress" in said
    assert "16 pictures, 1 number;" in said
    assert "angle is exactly 0 on 6 of 16 pictures (37.5 %): always answering 0 has a mean absolute error of" in said
    assert said.count("no intervals: an error on 2 unseen pictures was measured") == 1
    place("train", "angles.csv", "--circular", "x=360", *QUICK).refused("there is no number 'x'; there are angle")
    place("train", "angles.csv", "--task", "classify", *QUICK, "--epochs", "1", "--quiet").done()
    assert read(place.path / "runs" / "angles-1" / "recipe.toml").task == "classify"
    place("evaluate").done()
