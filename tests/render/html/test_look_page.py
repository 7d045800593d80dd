"""Answers drawn: escaped, balanced, folded but for the first; the sheet and the text say the same."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from tests.cli.test_look import whole

from striate.render.answer import Answer, Legend, Row, Table, Tile
from striate.render.html.look_page import as_png, as_text, characters, is_ours, page
from striate.render.png.drawn import framed, map_tile, moving, over, sheet
from striate.words import figure

HOSTILE = '"><img src=http://evil.example/x onerror=alert(1)><script>alert(1)</script>&amp;'


def _answer(text: str) -> Answer:
    tile = map_tile(np.arange(6.0).reshape(2, 3), low=0, high=5, caption=text, alt=text)
    still = moving([tile.pixels, tile.pixels[::-1]], labels=["epoch 1", "epoch 2"])
    two = Tile(tile.pixels, text, text, smooth=True, moving=still)
    rows = (Row((tile, two), text, Legend(-1, 1, text)),)
    more = (Answer(text, text),)
    return Answer(text, text, rows, text, text, (text,), Table((text, text), ((text, "1"),)), more=more)


def test_whatever_a_name_holds_the_page_needs_nothing_and_runs_nothing() -> None:
    text = page(HOSTILE, HOSTILE, [_answer(HOSTILE), _answer(HOSTILE)])
    read = whole(text)
    assert [tag for tag, _ in read.tags].count("details") == 3 and is_ours(text.encode())
    assert not any("evil" in (facts.get("src") or "") for _, facts in read.tags)


def test_sheet_and_text_say_the_same() -> None:
    answer = _answer("a plain name")
    data = as_png(answer, "quiet")
    assert is_ours(data) and Image.open(io.BytesIO(data)).width == 1000
    assert not is_ours(b"<html>") and not is_ours(b"\x89PNG\r\n")
    text = as_text([answer, answer])
    assert text.count("It shows: a plain name") == 1 and text.endswith("a plain name a plain name\n")


def test_characters_follow_the_light_and_squares_stay_square() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:, 2:] = 255
    assert characters(pixels) == ["@@@@", "@@@@", "@@@@", "@@@@"]  # eight wide, the light half is paper
    assert len(characters(np.zeros((100, 200, 3), np.uint8))) == 16


def test_pictures() -> None:
    pixels = np.full((20, 30, 3), 90, np.uint8)
    shown = framed(pixels, [(2, 3, 10, 12)], ["5"])
    scale = shown.shape[0] // 20
    assert (shown[2 * scale + 1, 6 * scale] == 255).all() and (shown[15 * scale, 20 * scale] == 90).all()
    heat = over(pixels, np.linspace(0, 1, 600).reshape(20, 30), high=1.0)
    assert heat[-1, -1].sum() > heat[0, 0].sum()
    assert (
        over(pixels, np.zeros((20, 30)), high=1.0, crossed=True) != over(pixels, np.zeros((20, 30)), high=1.0)
    ).any()
    board = sheet(np.array([[[[0.0, 1.0], [-1.0, 0.0]]]]))
    assert {tuple(colour) for colour in board[4:-4:4, 4:-4:4].reshape(-1, 3)} >= {(127,) * 3, (255,) * 3, (0,) * 3}
    assert [figure(value) for value in (2280.4, -3913, 0.7991, 12.04)] == ["2,280", "-3,913", "0.799", "12"]
