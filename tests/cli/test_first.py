"""``striate train --first``: a filter in front of the net, and every page that shows the net says that it is frozen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.stage import QUICK, Place
from tests.pictures import paint


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("first"))
    paint(place.path / "pets")
    said = place("train", "pets", *QUICK, "--epochs", "2", "--size", "16", "--first", "sobel-x").done().out
    assert " behind sobel-x on 3x16x16: " in said
    assert "27 parameters, the first layer's, are those of sobel-x and stay frozen; the other" in said
    Image.open(place.path / "pets" / "ant" / "0-00.png").resize((40, 30)).save(place.path / "ant.png")
    return place


def test_look_says_that_it_is_frozen(trained: Place) -> None:
    part = trained("look", "ant.png", "--part", "filter").done().out
    assert "What does filter see?" in part and "It is frozen: its weights are those of sobel-x" in part
    assert "no bias, frozen" in (trained.path / "ant-filter-look.html").read_text()
    assert "frozen" not in trained("look", "ant.png", "--part", "conv1").done().out
    trained("look", "pets-1").done()
    text = (trained.path / "pets-1-look.html").read_text()
    assert "Its first layer learnt nothing: it is sobel-x, frozen from the beginning." in text
    assert "First filters, frozen" in text and "the filters of the first layer by epoch" not in text


def test_dot_says_that_it_is_frozen(trained: Place) -> None:
    said = trained("dot", "ant.png", "--part", "filter", "--channel", "1", "--at", "3,4", "-o", "dot.html").done().out
    assert "its weights are those of sobel-x: they were given, and training left them alone" in said
    assert re.search(r"-2 +0 +2 ", said), "the very filter"
    assert "training left them alone" in (trained.path / "dot.html").read_text()
    assert "left them alone" not in trained("dot", "ant.png", "--part", "conv1").done().out


def test_a_wrong_name_gets_the_nearest(trained: Place) -> None:
    trained("train", "pets", "--first", "sobelx").refused("no filter is named 'sobelx'; did you mean sobel-x")
    trained("train", "--resume", "--first", "sobel").refused(
        "only --epochs, --threads and --without-missing can be said with it, not --first"
    )


def test_it_can_be_written_in_a_recipe(trained: Place, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('first = "laplacian"\nepochs = 1\n')
    said = trained("train", "pets", *QUICK, "--size", "16", "--recipe", tmp_path / "mine.toml").done().out
    assert "those of laplacian" in said
