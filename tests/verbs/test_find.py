"""Find: what is alike comes first, the picture itself does not, and a part is framed where it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.models import model_file
from tests.pictures import COLOURS, paint

from striate.errors import PictureError, SearchError
from striate.search import approximate
from striate.verbs.find import find
from striate.verbs.index import index

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"


def painted(name: str, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 12, (24, 32, 3))
    return (noise + COLOURS[name]).clip(0, 255).astype(np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    paint(tmp_path / "photos", count=8)
    return tmp_path / "photos"


@pytest.fixture
def place(photos: Path) -> Path:
    model = model_file(photos.parent / "m.safetensors", NET)
    return index(photos, photos.parent / "i", model=str(model), parts=True).folder


def kinds(found: object) -> set[str]:
    return {hit.path.parent.name for hit in found.hits}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["ant", "bee", "cow"])
def test_what_is_alike_comes_first(photos: Path, place: Path, name: str) -> None:
    assert kinds(find([painted(name, 99)], place, number=8)) == {name}


def test_the_picture_itself_is_not_found_and_a_copy_is_said_to_be_one(photos: Path, place: Path) -> None:
    asked = photos / "ant" / "0-03.png"
    found = find([asked], place, number=23)
    assert len(found.hits) == 23 and asked not in [hit.path for hit in found.hits]
    copy = photos.parent / "copy.png"
    copy.write_bytes(asked.read_bytes())
    first = find([copy], place, number=1).hits[0]
    assert first.path == asked and first.same and first.cosine == pytest.approx(1, abs=1e-3)
    assert first.rare.startswith("more alike than ")


def test_what_it_shall_not_be_like_is_left_behind(photos: Path, place: Path) -> None:
    both = [photos / "ant" / "0-00.png", photos / "bee" / "0-00.png"]
    assert kinds(find(both, place, number=14)) >= {"ant", "bee"}
    without = find(both, place, unlike=[photos / "bee" / "0-01.png"], number=7)
    assert kinds(without) == {"ant"}


def test_a_box_asks_with_a_part_and_parts_are_framed(photos: Path, place: Path) -> None:
    half = painted("ant", 50)
    half[:, 16:] = painted("cow", 51)[:, 16:]
    assert kinds(find([half], place, number=6, box=(17, 0, 32, 24))) == {"cow"}
    Image.fromarray(half).save(photos / "half.png")
    model = str(photos.parent / "m.safetensors")
    again = index(photos, photos.parent / "i", model=model, parts=True).folder
    found = find([painted("cow", 77)], again, parts=True, number=25)
    (hit,) = [hit for hit in found.hits if hit.path.name == "half.png"]
    assert hit.box is not None and hit.box[0] >= 12 and hit.box[2] == 32
    whole = find([painted("cow", 77)], again, number=25)
    assert next(one for one in whole.hits if one.path.name == "half.png").cosine < hit.cosine


def test_refusals_name_the_thing(photos: Path, place: Path) -> None:
    red = photos / "ant" / "0-00.png"
    with pytest.raises(SearchError, match="nothing to look for"):
        find([], place)
    with pytest.raises(SearchError, match="one picture, and 2"):
        find([red, red], place, box=(0, 0, 5, 5))
    with pytest.raises(SearchError, match="32 wide and 24 high"):
        find([painted("ant", 3)], place, box=(0, 0, 33, 5))
    with pytest.raises(SearchError, match="0 pictures"):
        find([red], place, number=0)
    with pytest.raises(PictureError, match=r"there is no picture .*cat\.jpg"):
        find(["cat.jpg"], place)


def test_what_is_like_nothing_here_is_said(photos: Path, place: Path) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    place = index(photos, place, model=str(photos.parent / "m.safetensors"), parts=True).folder
    odd = np.zeros((24, 32, 3), np.uint8)
    odd[::2, ::2] = 255
    lines = find([odd], place).cautions
    assert any("broken.png" in line and "is not among these" in line for line in lines)
    assert any("nothing here is much like it" in line for line in lines)
    assert not any("much like" in line for line in find([painted("ant", 5)], place).cautions)


def test_a_picture_that_does_not_decode_is_named(photos: Path, place: Path) -> None:
    broken = photos.parent / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(PictureError, match=r"broken\.png: "):
        find([broken], place)
    with pytest.raises(PictureError, match="the picture: "):
        find([broken.read_bytes()], place)
    with pytest.raises(PictureError, match="cannot be read"):
        find([photos], place)


def test_of_very_many_an_approximate_index_answers_is_kept_and_says_what_it_finds(
    photos: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find([painted("ant", 99)], place, number=8)
    monkeypatch.setattr("striate.search.approximate.FROM", 10)
    monkeypatch.setattr("striate.search.approximate.installed", lambda: False)
    found = find([painted("ant", 99)], place, number=8)
    assert "pip install 'striate[search]'" in found.cautions[-1] and found.hits == whole.hits
    assert find([painted("ant", 99)], place, number=8, exact=True).cautions == whole.cautions
    monkeypatch.undo()
    if not approximate.installed():
        pytest.skip("usearch is not installed")
    monkeypatch.setattr("striate.search.approximate.FROM", 10)
    found = find([painted("ant", 99)], place, number=8)
    assert re.search(r"in 100 \([\d.]+ to [\d.]+\), measured against the exact answer", found.cautions[-1])
    assert kinds(found) == {"ant"}
    assert [one.path for one in found.hits] == [one.path for one in whole.hits]
    (kept,) = place.glob("graph-*.usearch")
    monkeypatch.setattr("striate.search.approximate.linked", None)  # it is not built again
    assert find([painted("ant", 99)], place, number=8).hits == found.hits
    (photos / "ant" / "0-00.png").unlink()
    index(photos, place, model=str(photos.parent / "m.safetensors"), parts=True)
    assert not kept.exists(), "it was of the vectors that were"
