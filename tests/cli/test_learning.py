"""``striate filter``, ``dot`` and ``walk``: on text, gray and colour pictures, models and untrained nets."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import Place
from tests.models import model_file

from striate.runs.predictor import Predictor

LINE = "0 0 1 0 0\n" * 5
NET = "conv 6 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> flatten >> dense 3"


@pytest.fixture
def pictures(place: Place) -> Place:
    (place.path / "line.txt").write_text(LINE)
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(place.path / "cat.png")
    Image.fromarray(noise[..., 0]).save(place.path / "gray.png")
    return place


@pytest.fixture
def model(pictures: Place) -> Path:
    return model_file(pictures.path / "m.safetensors", NET)


def test_filter_prints_numbers_and_draws(pictures: Place) -> None:
    said = pictures("filter", "vertical", "line.txt", "--ascii").done().out
    assert said.count("-3  6 -3") == 3 and "5x5 pixels it makes 3x3: from -3 to 6" in said
    assert "drawn in cat-sobel-x.png" in pictures("filter", "sobel-x", "cat.png").done().out
    image = Image.open(io.BytesIO((pictures.path / "cat-sobel-x.png").read_bytes()))
    assert image.width == 1000 and len(image.getcolors(1_000_000) or []) > 100
    pictures("filter", "gaussian", "5", "1.2", "gray.png").done()
    assert (pictures.path / "gray-gaussian-5-1.2.png").exists()
    told = json.loads(pictures("filter", "--kernel", "1 -1", "line.txt", "--json").done().out)
    assert told["values"][0] == [[0.0], [-1.0], [1.0], [0.0]]
    assert "\n" in pictures("filter", "box", "3", "cat.png", "--ascii").done().out


def test_filters_page_moves_and_needs_nothing(pictures: Place) -> None:
    pictures("filter", "sobel", "cat.png", "--stride", "2", "-o", "cat.html").done()
    page = (pictures.path / "cat.html").read_text()
    assert page.count('class="walk-player"') == 2 and "where the answer is strongest" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "http://" not in page.replace("http://www.w3.org", "")
    pictures("filter", "vertical", "line.txt", "-o", "line.html", "--pad", "same").done()
    assert "0·(-1) + 1·2 + " in (pictures.path / "line.html").read_text()


def test_what_filter_refuses(pictures: Place) -> None:
    pictures("filter", "sobl", "cat.png").refused("no filter is named 'sobl'; did you mean sobel")
    pictures("filter", "--kernel", "0 1; 1", "cat.png").refused("row 2 has 1 numbers and row 1 has 2")
    pictures("filter", "box", "4", "cat.png", "--pad", "same").refused("no pixel in its middle")
    pictures("filter", "box", "9", "line.txt").refused("line.txt is 5 high and 5 wide, too small for a filter of 9x9")
    pictures("filter", "sobel", "none.png").refused("none.png cannot be read: there is no such file")
    pictures("filter", "sobel", "cat.png", "-o", "cat.gif").refused("drawn as .png or .html")
    pictures("filter", "sobel", "cat.png", "-o", "cat.png").refused("is there already and is not ours")
    pictures("filter", "sobel", "cat.png", "--pad", "x").refused("--padding is 'x'")
    for text, told in (("0 1\n1", "line 2 has 1 numbers"), ("0 x", "line 1 is '0 x'"), ("# none", "no numbers")):
        (pictures.path / "bad.txt").write_text(text)
        pictures("filter", "sobel", "bad.txt").refused(f"bad.txt: {told}")
    answer = pictures("filter", "cat.png")
    assert answer.code == 2 and "which filter?" in answer.err


def test_dot_on_a_trained_model_adds_up(pictures: Place, model: Path) -> None:
    told = json.loads(pictures("dot", "cat.png", "--model", model, "--part", "dense1", "--json").done().out)
    (answer,) = Predictor.open(model, device="cpu").predict([pictures.path / "cat.png"])
    assert told["trained"] and len(told["terms"]) == 6 * 6 * 8
    assert sum(told["terms"]) + told["bias"] == pytest.approx(told["network"], rel=1e-5)
    assert ("cat", "dog", "owl")[told["channel"]] == answer.best, "the largest logit is the answer"
    said = pictures("dot", "gray.png", "--model", model, "--part", "maxpool1", "-o", "dot.html").done().out
    assert "the largest of 4" in said and "drawn in dot.html" in said
    page = (pictures.path / "dot.html").read_text()
    assert "<img" in page and not re.search(r'(src|href)="(?!data:|#)', page)


def test_dot_on_an_untrained_net_says_so(pictures: Place) -> None:
    answer = pictures("dot", "line.txt", "--net", "conv 1 3 >> relu", "--at", "1,1")
    assert "untrained, its weights are drawn" in answer.done().out
    other = pictures("dot", "line.txt", "--net", "conv 1 3 >> relu", "--at", "1,1", "--seed", "1")
    assert answer.out != other.out and "row 1, column 1" in other.out
    assert "of the 28x28 pixels" in pictures("dot", "cat.png", "--net", "lenet5", "--part", "avgpool2").out


def test_what_dot_refuses(pictures: Place, model: Path) -> None:
    asked = ("dot", "cat.png", "--model", model)
    pictures(*asked, "--part", "conv").refused("no part 'conv'; near it: conv1")
    pictures(*asked, "--at", "12,0").refused("conv1 has no place 12,0: its map is 12 high and 16 wide")
    pictures(*asked, "--channel", "6").refused("conv1 has no channel 6: it has 6, from 0 to 5")
    pictures(*asked, "--part", "dense1", "--at", "0,0").refused("flat vector of 3")
    pictures(*asked, "--at", "7").refused("--at is '7'; give a row and a column")
    pictures(*asked, "-o", "a.png").refused("the page is a .html")
    pictures("dot", "cat.png").refused("there is no run yet")
    pictures("dot", "cat.png", "--net", "lenet5", "--part", "conf1").refused("no part 'conf1'; near it: conv1")
    pictures("dot", "none.png", "--net", "lenet5").refused("none.png cannot be read: there is no such file")
    pictures("dot", "cat.png", "--net", "lenet5", "--input", "3x5").refused("is not CHANNELSxHEIGHTxWIDTH")
    assert "give one" in pictures(*asked, "--net", "lenet5").err
    (pictures.path / "far.txt").write_text("0 300")
    pictures("dot", "far.txt", "--model", model).refused("numbers from 0 to 255")


def test_walk_draws_prints_and_refuses(place: Place) -> None:
    assert "(5 - 3 + 2*1)/2 + 1 = 3" in place("walk", "--stride", "2", "--pad", "1").done().out
    assert 'class="walk-player" data-steps="9"' in (place.path / "walk.html").read_text()
    for name in ("a.svg", "a.png"):
        said = place("walk", "--input", "7", "--stride", "3", "-o", name).done().out
        assert "as a net it is refused: conv1 (conv 1 3x3 stride 3) never sees row 6 and column 6" in said
        assert (place.path / name).stat().st_size > 1000
    told = json.loads(place("walk", "--input", "3x4", "--transposed", "--stride", "2", "--json").done().out)
    assert told["output"] == [7, 9] and told["sees"]["rows"][0] == [None, None, 0]
    assert place("walk", "--ascii", "--input", "3", "--kernel", "2").done().out.count("step ") == 4
    place("walk", "--input", "2").refused("does not fit into an input 2 high", "What fits: input 1x3x3, pad 1", lines=2)
    place("walk", "--kernel", "3y").refused("--kernel '3y'")
    pooled = place("walk", "--pool", "max", "--kernel", "2", "--stride", "2").done().out
    assert "(5 - 2 + 2*0)/2 + 1 = 2.5, rounded down: 2" in pooled and "never sees row 4" in pooled
    page = (place.path / "walk.html").read_text()
    assert 'class="walk-player" data-steps="4"' in page and page.count('class="lost"') == 9
    assert place("walk", "--pool", "avg", "--kernel", "2", "--ceil", "--ascii").done().out.count("step ") == 9
    assert "'mx' is not one of 'max', 'min', 'avg'" in place("walk", "--pool", "mx").err
    place("walk", "--pool", "max", "--transposed").refused("a window without holes")
    place("walk", "-o", "a.gif").refused("drawn as .html, .svg or .png")
