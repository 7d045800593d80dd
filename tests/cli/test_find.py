"""``striate index`` and ``striate find`` as they are typed: lines, JSON, paths, a page; words up to the next option."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from tests.models import model_file

from striate.cli.main import striate
from striate.errors import StriateError
from striate.verbs.cache import clear

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"
COLOURS = {"red": (220, 30, 30), "green": (20, 200, 40), "blue": (30, 40, 220)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, colour in COLOURS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for seed in range(4):
            noise = np.random.default_rng(seed).normal(0, 12, (24, 32, 3)) + colour
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "photos" / name / f"{seed}.png")
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
    lines = ran("find", "photos/red/0.png", "--in", "i", "-n", "3").stdout.splitlines()
    assert len(lines) == 3 and all("/red/" in line for line in lines)
    paths = ran("find", "photos/red/0.png", "--in", "i", "-n", "2", "--paths").stdout.splitlines()
    assert [Path(path).parent.name for path in paths] == ["red", "red"]
    found = json.loads(ran("find", "photos/red/0.png", "--in", "i", "--json", "-n", "1").stdout)
    assert found["among"] == 12 and found["found"][0]["cosine"] > 0.5 and "broken.png" in found["cautions"][-1]


def test_a_folder_is_indexed_on_the_way_and_several_words_follow_an_option(place: Path) -> None:
    asked = ["--like", "photos/red/0.png", "photos/blue/0.png", "--not", "photos/blue/1.png", "photos/blue/2.png"]
    lines = ran("find", *asked, "--in", "photos", "--model", "m.safetensors", "-n", "3").stdout.splitlines()
    assert all("/red/" in line for line in lines)


def test_the_page_shows_what_was_asked_and_what_was_found(place: Path) -> None:
    ran("index", "photos", "-o", "i", "--model", "m.safetensors")
    said = ran("find", "photos/green/1.png", "--in", "i", "-o", "found.html", "--box", "0,0,16,24").stdout
    page = (place / "found.html").read_text(encoding="utf-8")
    assert "found.html" in said and page.count("<img") == 12 and "Which pictures are like this one?" in page
    (place / "mine.html").write_text("mine")
    with pytest.raises(StriateError, match="not ours"):
        ran("find", "photos/green/1.png", "--in", "i", "-o", "mine.html")


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "0,0,99,9", "5,5,5,9"])
def test_a_box_that_is_none_is_refused(place: Path, box: str) -> None:
    ran("index", "photos", "-o", "i", "--model", "m.safetensors")
    with pytest.raises(StriateError, match="box"):
        ran("find", "photos/green/1.png", "--in", "i", "--box", box)


def test_an_index_in_the_cache_is_said_and_cleared(place: Path) -> None:
    ran("index", "photos", "--model", "m.safetensors")
    said = ran("cache").output
    assert "indices of pictures, for striate find: 1, " in said and "striate cache clear removes them too" in said
    size = sum(path.stat().st_size for path in (place / "cache" / "index").glob("*/*"))
    assert clear() >= size > 0
    assert "indices" not in ran("cache").output and not list((place / "cache" / "index").iterdir())
    assert "12 made" in ran("index", "photos", "--model", "m.safetensors").output
