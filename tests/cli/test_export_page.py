"""``striate export --page`` as it is typed: what it says, what it refuses, what it does not write over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.models import model_file

from striate.cli.main import striate
from striate.errors import StriateError

NET = "conv 4 3 >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    model_file(tmp_path / "m.safetensors", NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(*words: str) -> str:
    done = CliRunner().invoke(striate, ["export", "--model", "m.safetensors", "--page", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_page_is_written_and_written_again(place: Path) -> None:
    assert "open it in a browser" in export("-o", "m.html")
    told = json.loads(export("-o", "m.html", "--json"))
    assert told["bits"] == 16 and told["bytes"] == (place / "m.html").stat().st_size
    assert "16 bits a weight" in export() and (place / "model.html").is_file(), "beside the model"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "m.txt"), "the page is a .html"),
        (("--int8",), "a file of its own"),
        (("--pictures", "3"), "name a run"),
        (("--pictures", "-1"), "from 0 to"),
        (("-o", "nowhere/m.html"), "there is no folder"),
    ],
)
def test_what_cannot_be_is_refused(place: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(StriateError, match=said):
        export(*words)
    assert sorted(path.name for path in place.iterdir()) == ["m.safetensors"]


def test_a_file_that_is_not_such_a_page_stays(place: Path) -> None:
    (place / "mine.html").write_text("<!doctype html><p>mine")
    with pytest.raises(StriateError, match="is not ours"):
        export("-o", "mine.html")
    (place / "model.html").write_text("<!doctype html><p>mine")
    with pytest.raises(StriateError, match="is not ours"):
        export()
    assert (place / "mine.html").read_text() == (place / "model.html").read_text() == "<!doctype html><p>mine"
