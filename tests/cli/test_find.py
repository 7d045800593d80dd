"""``striate index`` and ``striate find`` as they are typed: lines, JSON, paths, a page; words up to the next option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.models import model_file
from tests.pictures import paint

from striate.cli.main import striate
from striate.errors import StriateError
from striate.verbs.cache import clear

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    paint(tmp_path / "photos", count=4)
    model_file(tmp_path / "m.safetensors", NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def ran(*words: str) -> Result:
    done = CliRunner().invoke(striate, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_an_index_is_made_and_asked(place: Path) -> None:
    (place / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    said = ran("index", "photos", "-o", "i", "--model", "m.safetensors").output
    assert "12 pictures indexed by m.safetensors: 12 made" in said and "cannot be read: broken.png" in said
    assert "striate find PICTURE --in i" in said
    facts = json.loads(ran("index", "photos", "-o", "i", "--json").output)
    assert (facts["pictures"], facts["made"], len(facts["unread"])) == (12, 0, 1)
    lines = ran("find", "photos/ant/0-00.png", "--in", "i", "-n", "3").stdout.splitlines()
    assert len(lines) == 3 and all("/ant/" in line for line in lines)
    paths = ran("find", "photos/ant/0-00.png", "--in", "i", "-n", "2", "--paths").stdout.splitlines()
    assert [Path(path).parent.name for path in paths] == ["ant", "ant"]
    found = json.loads(ran("find", "photos/ant/0-00.png", "--in", "i", "--json", "-n", "1").stdout)
    assert found["among"] == 12 and found["found"][0]["cosine"] > 0.5 and "broken.png" in found["cautions"][-1]


def test_a_folder_is_indexed_on_the_way_and_several_words_follow_an_option(place: Path) -> None:
    asked = [
        "--like",
        "photos/ant/0-00.png",
        "photos/cow/0-00.png",
        "--not",
        "photos/cow/0-01.png",
        "photos/cow/0-02.png",
    ]
    lines = ran("find", *asked, "--in", "photos", "--model", "m.safetensors", "-n", "3").stdout.splitlines()
    assert all("/ant/" in line for line in lines)


def test_the_page_shows_what_was_asked_and_what_was_found(place: Path) -> None:
    ran("index", "photos", "-o", "i", "--model", "m.safetensors")
    said = ran("find", "photos/bee/0-01.png", "--in", "i", "-o", "found.html", "--box", "0,0,8,16").stdout
    page = (place / "found.html").read_text(encoding="utf-8")
    assert "found.html" in said and page.count("<img") == 12 and "Which pictures are like this one?" in page
    (place / "mine.html").write_text("mine")
    with pytest.raises(StriateError, match="not ours"):
        ran("find", "photos/bee/0-01.png", "--in", "i", "-o", "mine.html")


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "0,0,99,9", "5,5,5,9"])
def test_a_box_that_is_none_is_refused(place: Path, box: str) -> None:
    ran("index", "photos", "-o", "i", "--model", "m.safetensors")
    with pytest.raises(StriateError, match="box"):
        ran("find", "photos/bee/0-01.png", "--in", "i", "--box", box)


def test_an_index_in_the_cache_is_said_and_cleared(place: Path) -> None:
    ran("index", "photos", "--model", "m.safetensors")
    said = ran("cache").output
    assert "indices of pictures, for striate find: 1, " in said and "striate cache clear removes them too" in said
    size = sum(path.stat().st_size for path in (place / "cache" / "index").glob("*/*"))
    assert clear() >= size > 0
    assert "indices" not in ran("cache").output and not list((place / "cache" / "index").iterdir())
    assert "12 made" in ran("index", "photos", "--model", "m.safetensors").output
