"""``striate doctor`` as it is typed: lines, JSON, a page, and a folder that is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from striate.cli.main import striate
from striate.errors import SearchError, StriateError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("red", "green"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for seed in range(12):
            noise = np.random.default_rng([seed, len(name)]).integers(0, 256, (24, 32, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "photos" / name / f"{seed}.png")
    (tmp_path / "photos" / "red" / "text.png").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def ask(*words: str) -> Result:
    return CliRunner().invoke(striate, ["doctor", *words])


def test_lines_json_and_a_page_without_doubting_labels(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("labels were doubted")

    monkeypatch.setattr("striate.verbs.doctor.told", never)
    said = ask("photos", "--no-labels", "-o", "page.html")
    assert said.exit_code == 0 and "photos: 25 pictures in 2 classes: 1 finding (1 wrong)." in said.stdout
    assert "WRONG: 1 picture cannot be read" in said.stdout and "as a page: page.html" in said.stdout
    assert "red/text.png" in Path("page.html").read_text(encoding="utf-8")
    found = json.loads(ask("photos", "--no-labels", "--json").stdout)
    assert found["pictures"] == 25 and [one["kind"] for one in found["findings"]] == ["unreadable"]


def test_labels_are_doubted_where_nothing_else_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.verbs.doctor.told", lambda _, examined, __: (examined, ("labels were looked at",)))
    assert "note: labels were looked at" in ask("photos").stderr


def test_a_page_is_put_over_nothing_of_somebody_else(place: Path) -> None:
    Path("mine.html").write_text("mine")
    result = ask("photos", "--no-labels", "-o", "mine.html")
    assert isinstance(result.exception, StriateError) and Path("mine.html").read_text() == "mine"
    assert isinstance(ask("none").exception, SearchError)


def test_decisions_are_kept_and_the_next_look_is_quiet(place: Path) -> None:
    shutil.copy("photos/red/1.png", "photos/green/same.png")
    args = ("photos", "--no-labels")
    assert "under several classes" in ask(*args).stdout
    Path("labels.toml").write_text(
        '[[drop]]\npicture = "red/text.png"\n[[relabel]]\npicture = "green/same.png"\nto = "red"\n'
        '[[same_group]]\npictures = ["red/1.png", "green/same.png"]\n'
    )
    kept = ask("photos", "--apply", "labels.toml")
    assert kept.exit_code == 0 and kept.stdout.splitlines() == [
        "labels.toml: 1 relabelled, 1 dropped, 1 group kept together",
        "  green/same.png: red",
        "  red/text.png: dropped",
        "  green/same.png = red/1.png: on one side of every split",
        "kept in runs/labels/photos.toml, which holds: 1 relabelled, 1 dropped, 1 group kept together;"
        " the next striate train goes by it",
    ]
    quiet = ask(*args)
    assert "photos: 25 pictures in 2 classes: nothing found." in quiet.stdout
    assert "note: runs/labels/photos.toml: 1 relabelled, 1 dropped, 1 group kept together" in quiet.stderr
    assert "under several classes" in ask(*args, "--mend", "none").stdout


def test_decisions_that_cannot_be_used_are_refused(place: Path) -> None:
    Path("labels.toml").write_text("[[drop]")
    for words in (
        ("photos", "--apply", "labels.toml"),
        ("photos", "--apply", "labels.toml", "--json"),
        ("photos", "--apply", "none"),
    ):
        assert isinstance(ask(*words).exception, StriateError) and not Path("runs").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "photos", "--no-labels"),
        ("cluster", "photos"),
        ("find", "photos/red/1.png", "--in", "photos"),
        ("doctor", ".", "--no-labels"),
    ],
)
def test_no_page_is_put_among_the_pictures(place: Path, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(striate, [*words, "-o", "photos/red/page.html"])
    assert isinstance(result.exception, StriateError) and "which is only read" in str(result.exception)
    assert not Path("photos/red/page.html").exists()


@pytest.mark.parametrize(
    "words", [("doctor", ""), ("cluster", ""), ("index", ""), ("predict", ""), ("find", "photos/red/1.png", "--in", "")]
)
def test_an_empty_path_is_not_the_folder_one_is_in(place: Path, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(striate, list(words))
    assert result.exit_code == 2 and "an empty path" in result.output
