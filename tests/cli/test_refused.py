"""What a person may do wrongly: exit code 2, one line that says what and how to mend it, and nothing left behind."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.stage import QUICK, Place
from tests.pictures import paint


def one_class(root: Path) -> None:
    paint(root / "pets", ["ant"])


def no_pictures(root: Path) -> None:
    (root / "pets").mkdir()


def a_file(root: Path) -> None:
    (root / "pets").write_bytes(b"not a folder of pictures")


def elsewhere(root: Path) -> None:
    paint(root / "petz", count=1)


def stranger_in_val(root: Path) -> None:
    paint(root / "pets" / "train", ["ant", "bee"])
    paint(root / "pets" / "val", ["ant", "emu"], count=3)


def loose_pictures(root: Path) -> None:
    paint(root / "x", ["ant"], count=3)
    (root / "x" / "ant").rename(root / "pets")


def not_utf8(root: Path) -> None:
    paint(root / "pets")
    try:
        os.rename(os.fsencode(root / "pets" / "ant"), os.fsencode(root / "pets") + b"/caf\xe9")  # noqa: PTH104
    except OSError:
        pytest.skip("this file system takes no such names")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (one_class, ["pets holds one class only", "'ant', 14 pictures", "at least 2"]),
        (no_pictures, ["pets holds no pictures", "wanted class folders"]),
        (a_file, ["pets is a file", "wanted a folder of class folders"]),
        (elsewhere, ["there is no 'pets' in", r"did you mean petz\?"]),
        (stranger_in_val, ["'emu' has 3 pictures in val and none in train"]),
        (loose_pictures, ["3 pictures and no class folders"]),
        (not_utf8, ["not UTF-8", r"caf\\xe9", "rename it"]),
    ],
)
def test_pictures_that_cannot_be_learnt_from(place: Place, make: Callable[[Path], None], says: list[str]) -> None:
    if make is not_utf8 and sys.platform != "linux":
        pytest.skip("names are text there")
    make(place.path)
    answer = place("train", "pets", *QUICK, "--epochs", "1")
    answer.refused(*says)
    assert not answer.out and not (place.path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--recipe", "bad.toml"], ["bad.toml is not TOML", "line 1"]),
        (["--recipe", "latin.toml"], ["latin.toml is not UTF-8"]),
        (["--recipe", "none.toml"], ["none.toml cannot be read: No such file"]),
        (["--recipe", "pets"], ["recipe pets cannot be read"]),
        (["--recipe", "field.toml"], ["field.toml: a recipe has no field 'epoch'; did you mean epochs"]),
        (["--set", "weight_decai=1"], ["no field 'weight_decai'; did you mean weight_decay"]),
        (["--set", "nonsense"], ["'nonsense' is not FIELD=VALUE"]),
        (["--set", "schedule=cosin"], ["schedule = 'cosin'", "did you mean cosine"]),
        (["--set", "clip=-1"], ["clip = -1"]),
        (["--set", "val=0.9", "--set", "test=0.2"], ["no picture to train on"]),
        (["--size", "big"], ["--size 'big'", "96x128"]),
        (["--lr", "nan"], ["learning_rate = nan"]),
        (["--device", "cuda:99"], ["device 'cuda:99' is not here; this machine has"]),
        (["--device", "tpu"], ["device = 'tpu'"]),
    ],
)
def test_how_to_train_said_wrongly(place: Place, words: list[str], says: list[str]) -> None:
    paint(place.path / "pets", count=3)
    (place.path / "bad.toml").write_text("epochs = = 3\n")
    (place.path / "latin.toml").write_bytes(b'source = "caf\xe9"\n')
    (place.path / "field.toml").write_text("epoch = 3\n")
    answer = place("train", "pets", "--epochs", "1", "--threads", "1", *words)
    answer.refused(*says)
    assert not answer.out and not (place.path / "runs").exists()


@pytest.mark.parametrize(
    ("net", "says", "lines"),
    [
        ("conv 8 3x3 stride 4 >> flatten >> dense", [r"\(16 - 3 \+ 2\*0\)/4 \+ 1 = 4.25 is not whole", "What fits"], 2),
        (
            "conv 8 17x17 >> flatten >> dense",
            ["conv1", "17 high does not fit into an input 16 high", "What fits: "],
            2,
        ),
        ("conv 8 3x3 >> dense", ["takes a flat vector", "What fits: flatten"], 2),
        ("conv 8 3x3", ["puts out 8x14x14, and 3 classes"], 1),
        ("flatten >> dense 4", ["puts out 4, and 3 classes"], 1),
        ("convv 8 3x3", ["no layer 'convv'; did you mean 'conv'", "column 1"], 3),
        ("lenet6", ["lenet6", "lenet5"], 1),
    ],
)
def test_a_net_that_cannot_be(place: Place, net: str, says: list[str], lines: int | None) -> None:
    paint(place.path / "pets", count=3)
    answer = place("train", "pets", "--epochs", "1", "--net", net)
    answer.refused(*says, lines=lines)
    assert not answer.out and not (place.path / "runs").exists()


def test_no_source_at_all(place: Place) -> None:
    place("train", "--epochs", "1").refused("which pictures", "striate train digits")


def test_a_data_set_that_is_not_here(place: Place) -> None:
    (place.path / "empty").mkdir()
    answer = place("train", "mnist", "--offline", "--data-dir", place.path / "empty", *QUICK)
    answer.refused("mnist is not in .*empty", "train-images-idx3-ubyte.gz", "--data-dir or STRIATE_DATA")
    assert not (place.path / "runs").exists()


def test_no_run_to_speak_of(place: Place) -> None:
    paint(place.path / "pets", count=1)
    for words in (["evaluate"], ["predict", "pets"], ["train", "--resume"], ["train", "--resume", "pets-7"]):
        place(*words).refused("no run")
    assert not (place.path / "runs").exists()


def test_runs_where_a_file_is(place: Place) -> None:
    paint(place.path / "pets", count=3)
    (place.path / "runs").write_text("in the way")
    place("train", "pets", *QUICK, "--epochs", "1").refused("runs is a file")
    assert (place.path / "runs").read_text() == "in the way"


def test_more_than_one_in_a_hundred_bad_stops_unless_allowed(place: Place) -> None:
    pets = paint(place.path / "pets")
    for number in range(6):
        (pets / "bee" / f"bad{number}.jpg").write_bytes(b"not a picture")
    (pets / "cow" / "0-00.png").write_bytes((pets / "cow" / "0-00.png").read_bytes()[:-60])
    words = ("train", "pets", *QUICK, "--epochs", "1")
    answer = place(*words)
    answer.refused("7 of 48 pictures", "14.6 %, more than 1 %", r"bee/bad0\.jpg: not a picture", "--allow-bad")
    assert not answer.out and not (place.path / "runs").exists()

    answer = place(*words, "--allow-bad").done()
    assert "pets: 41 pictures, 3 classes" in answer.out
    assert "skipped bee/bad0.jpg: not a picture" in answer.out and "and 2 more, listed in" in answer.out
    rejected = json.loads((place.path / "runs" / "pets-1" / "source.json").read_text())["rejected"]
    assert {one["key"] for one in rejected} == {*(f"bee/bad{number}.jpg" for number in range(6)), "cow/0-00.png"}
    assert all(one["reason"] for one in rejected)
    assert "cow/0-00.png" in (place.path / "runs" / "pets-1" / "report.html").read_text()
    place("evaluate").done()
    place(*words, "--resume").refused("--resume goes on with a run as it was begun")


def test_words_the_command_line_does_not_know(place: Place) -> None:
    for words in (["trian", "pets"], ["train", "--no-such"], ["predict"], ["train", "--epochs", "0"]):
        answer = place(*words)
        assert answer.code == 2 and answer.err.startswith("Usage: striate ") and "Error: " in answer.err
        assert "Traceback" not in answer.err and not (place.path / "runs").exists()
