"""Pictures of a page chosen by tags: radio buttons and rules, no script, and what has no tags is as before."""

from __future__ import annotations

import re

import numpy as np
import pytest

from striate.errors import StriateError
from striate.render.html.environment import environment
from striate.render.html.sections import part_html
from striate.tasks.sections import MOST_FILTERS, MOST_TAGS, Filter, Tile, Tiles

PIXELS = {"pixels": np.zeros((3, 8, 8, 3), np.uint8), "rows": np.arange(3), "keys": ["a.png", "b.png", "c.png"]}


def test_each_picture_has_the_marks_of_its_tags_and_each_mark_a_button_and_a_rule() -> None:
    filters = (Filter("Kind of error", ("missed", "wrong <class>")), Filter("Class", ("RBC",)))
    tags = [({"missed"}, {"RBC"}), ({"wrong <class>", "missed"}, {"RBC"}), (set(), set())]
    tiles = tuple(Tile(row, "", tags=(frozenset(a), frozenset(b))) for row, (a, b) in enumerate(tags))
    page = str(part_html(Tiles(tiles, filters=filters), **PIXELS))
    assert [one.split()[1:] for one in re.findall(r'<div class="(pick[^"]*)">', page)] == [
        ["pick-0-0", "pick-1-0"], ["pick-0-0", "pick-0-1", "pick-1-0"], []
    ]  # fmt: skip
    assert re.findall(r'id="(pick-[^"]+)"', page) == ["pick-0-0", "pick-0-1"], "one class alone is no choice"
    style = environment().get_template("style.css").render()
    for mark in ("0-0", "0-1", "1-19", f"{MOST_FILTERS - 1}-{MOST_TAGS - 1}"):
        assert f".choice:has(#pick-{mark}:checked) .pick:not(.pick-{mark}) {{ display: none; }}" in style
    assert ".chosen-by { display: none; }" in style and page.count('<div class="chosen-by">') == 1
    assert not re.findall(r"^ *\.chosen-by \{ display: flex", style, re.M), "shown where a browser can choose alone"
    assert page.count("checked>") == 1 and "<script" not in page and "wrong &lt;class&gt;" in page
    assert page.count("<legend>Kind of error</legend>") == 1 and page.count("<div") == page.count("</div>")
    plain = str(part_html(Tiles(tuple(Tile(row, "") for row in range(3))), **PIXELS))
    assert "pick" not in plain and plain.count("<figure>") == 3


def test_a_picture_without_its_tags_is_refused() -> None:
    with pytest.raises(StriateError, match="pictures with 1 filters have one with 0 sets of tags"):
        Tiles((Tile(0, ""),), filters=(Filter("Class", ("a", "b")),))
