"""Sections that a task gives as plain values: every part is drawn, every word is escaped, and read as text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.page_reader import Read
from tests.render.html.test_page import HOSTILE

from striate.errors import StriateError
from striate.metrics.intervals import Interval
from striate.render.html.environment import html
from striate.render.html.sections import columns, drawn, lines
from striate.render.svg.plots import MOST, bars, points
from striate.tasks.overlays import Mark, MarkOverlay
from striate.tasks.sections import (
    Bar,
    Bars,
    Figure,
    Matrix,
    Part,
    Points,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    number,
    percent,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), dtype=np.uint8)
ROWS, KEYS = np.array([3, 1]), ("a.png", f"{HOSTILE}.png")
PARTS: tuple[Part, ...] = (
    Text(HOSTILE),
    Text(HOSTILE, strong=True),
    Table((HOSTILE, "figure"), ((HOSTILE, Figure("9 %", "8 to 10")),), HOSTILE, folded=True),
    Tiles((Tile(0, HOSTILE), Tile(1, "plain", file=False)), HOSTILE),
    Bars((Bar(HOSTILE, 0.5, HOSTILE, 0.4, 0.6), Bar("none", 0.0, "0")), HOSTILE),
    Points(np.array([0.0, 1.0]), np.array([1.0, 3.0]), HOSTILE, "y", HOSTILE, diagonal=True, level=2.0),
    Matrix((HOSTILE,), ("one", "two"), np.array([[0.2, 0.8]]), (("2", "8"),), HOSTILE, HOSTILE),
)


def body(*parts: Part) -> str:
    return drawn(Section("Why?", parts), pixels=PIXELS, rows=ROWS, keys=KEYS).body


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_every_part_is_drawn_and_hostile_words_stay_text(part: Part) -> None:
    shown = body(part)
    read = Read(shown)  # tags balance
    assert HOSTILE not in shown and "<script" not in shown
    attributes = [value for _, given in read.tags for value in given.values() if value]
    assert any(HOSTILE in text for text in [*read.text, *attributes]), "it stands there, as text"


def test_tiles_show_the_evaluated_pictures_by_their_rows() -> None:
    import base64
    import io

    from PIL import Image

    shown = body(Tiles((Tile(1, "second"),)))
    (data,) = re.findall(r'src="data:image/png;base64,([^"]*)"', shown)
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == PIXELS[1]).all()


def test_what_lies_over_pictures_is_drawn_and_explained_once_a_section() -> None:
    over = MarkOverlay((Mark((1, 1, 3, 3), HOSTILE, "missed"),), ())
    tiles = Tiles((Tile(0, "first", overlay=over), Tile(1, "second")))
    shown = body(Text("why"), Tiles((Tile(1, "plain"),)), tiles, tiles)
    assert shown.count("Left what is there, right what was said") == 1
    assert len(re.findall(r'class="grid-of-pictures pairs"', shown)) == 2
    assert len(re.findall(r'class="grid-of-pictures large"', shown)) == 1
    assert "Left what" not in body(Tiles((Tile(1, "plain"),)))


def test_bars_reach_as_far_as_their_values() -> None:
    drawn_bars = bars(Bars((Bar("a", 2.0, "2"), Bar("b", -1.0, "-1", -2.0, 0.0), Bar("c", 0.0, "0")), "three"))
    found = re.findall(r'class="bar" style="left:([\d.]+)%;width:([\d.]+)%"', drawn_bars)
    assert found == [("50.00", "50.00"), ("25.00", "25.00"), ("50.00", "0.00")], "from -2 to 2"
    assert re.findall(r'class="span" style="left:([\d.]+)%;width:([\d.]+)%"', drawn_bars) == [("0.00", "50.00")]
    assert "Nothing to draw" in bars(Bars((), "none"))


@pytest.mark.parametrize("value", [0.0, 5.0, -1e6, 1e-9])
def test_points_that_are_all_alike_are_drawn_inside(value: float) -> None:
    drawn_points = points(Points(np.full(3, value), np.full(3, value), "x", "y", "alike", diagonal=True))
    for x, y in re.findall(r'<circle class="dot c0" cx="([\d.-]+)" cy="([\d.-]+)"', drawn_points):
        assert 0 <= float(x) <= 520 and 0 <= float(y) <= 280


def test_many_points_are_thinned_and_those_that_are_none_left_out() -> None:
    x = np.arange(3.0 * MOST)
    assert points(Points(x, x, "x", "y", "many")).count("<circle") == MOST
    assert (
        points(Points(np.array([0.0, np.nan, 1.0]), np.array([0.0, 1.0, np.inf]), "x", "y", "few")).count("<cir") == 1
    )
    assert "Nothing to draw" in points(Points(np.array([np.nan]), np.array([1.0]), "x", "y", "none"))


def test_parts_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(StriateError, match="a table of 2 columns has a row of 1"):
        Table(("a", "b"), (("x",),), "t")
    with pytest.raises(StriateError, match="points need an x and a y each"):
        Points(np.zeros(2), np.zeros(3), "x", "y", "p")
    with pytest.raises(StriateError, match=r"a matrix of \(1, 2\)"):
        Matrix(("a",), ("b", "c"), np.zeros((1, 1)), (("1", "2"),), "is", "m")


def test_figures_read_as_people_read_them() -> None:
    assert str(percent(Interval(0.983, 0.971, 0.99))) == "98.3 % (97.1 to 99.0)"
    assert str(number(Interval(12.345, 11.9, 13.1), unit="deg")) == "12.3 deg (11.9 to 13.1)"
    assert str(number(Interval(0.00123, 0.0011, 0.0014))) == "0.00123 (0.00110 to 0.00140)"
    assert str(number(Interval(1234.0, 1200.0, 1300.0))) == "1234 (1200 to 1300)"
    tile = html("sections/figure.html", figure=percent(Interval(0.5, 0.4, 0.6), HOSTILE))
    assert "50.0 %" in tile and "40.0 to 60.0" in tile and HOSTILE not in tile


def test_as_text_tables_stand_in_columns() -> None:
    told = lines([Section("What?", (Text("So."), Table(("a", "bb"), (("long", Figure("1", "0 to 2")),), "t")))])
    assert told == ["What?", "So.", "a     bb", "long  1 (0 to 2)"]
    assert columns([("a", "b")]) == ["a  b"]
