"""The map over its picture: colours that mean what the legend says, where the crops are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from striate.errors import StriateError
from striate.render.colours import sequential
from striate.render.png.overlay import is_ours, legend_end, overlay
from striate.tasks.score_map import ScoreMap


def lab(rgb: np.ndarray) -> np.ndarray:
    """OKLab of (N, 3) sRGB, by the matrices from sRGB (the module has those from OKLab)."""
    given = rgb / 255
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    cones = np.array([[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.6299787]])  # fmt: skip  # noqa: E501
    turn = np.array([[0.21045426, 0.79361779, -0.00407205], [1.9779985, -2.42859221, 0.45059371], [0.02590404, 0.78277177, -0.80867577]])  # fmt: skip  # noqa: E501
    return np.cbrt(linear @ cones.T) @ turn.T  # type: ignore[no-any-return]


def test_equal_steps_of_the_score_look_equal() -> None:
    steps = np.linalg.norm(np.diff(lab(sequential()[::15].astype(float)), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.2
    assert (np.diff(lab(sequential()[::15].astype(float))[:, 0]) > 0.02).all(), "and lighter is always more"


def example(high: float = 0.9) -> ScoreMap:
    scores = np.full((2, 3, 2), 0.0)
    scores[..., 0] = 0.1
    scores[1, 2, 0] = high
    scores[..., 1] = 1 - scores[..., 0]
    pixels = np.full((120, 140, 3), 128, np.uint8)
    return ScoreMap(("cat", "dog"), scores, pixels, (5.0, 0.0, 285.0, 240.0), (240, 290), (100, 100), (20, 20), ())


def test_where_the_crops_are_in_the_pictures_own_pixels() -> None:
    answer = example()
    assert answer.number() == 0 or answer.number() == 1
    assert answer.best(0) == (1, 2)
    assert answer.box(0, 0) == (5, 0, 205, 200)
    assert answer.box(1, 2) == (85, 40, 285, 240)
    told = answer.to_dict(0)
    assert told["stride"] == [40, 40]
    assert told["exact"] is True
    assert told["best"] == {"row": 1, "column": 2, "probability": 0.9, "box": [85, 40, 285, 240]}
    with pytest.raises(StriateError, match="no class 'cow'"):
        answer.number("cow")


def test_a_cell_has_the_colour_of_its_score_over_the_picture() -> None:
    data = overlay(example(), 0, ["words"])
    assert is_ours(data)
    assert not is_ours(b"\x89PNG\r\n")
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    shown, left = 4.0, (image.shape[1] - 560) // 2  # 140 pixels are shown four times as large
    for row, column, score in ((0, 0, 0.1), (1, 2, 0.9)):
        y, x = ((place * 20 + 50) * shown for place in (row, column))
        wanted = 0.6 * sequential()[int(255 * score)] + 0.4 * 128
        np.testing.assert_allclose(image[round(y), left + round(x)], wanted, atol=3)
    assert image[8, left + 8].tolist() == [128, 128, 128], "the rim is the picture itself"
    assert Image.open(io.BytesIO(data)).text["Description"] == "words"  # type: ignore[attr-defined]


def test_the_legend_ends_at_a_round_number_above_the_highest() -> None:
    assert [legend_end(high) for high in (0.0, 0.03, 0.2, 0.21, 0.6, 1.0)] == [1e-4, 0.05, 0.2, 0.5, 1.0, 1.0]


def test_a_strip_of_more_cells_than_pixels_shows_the_highest_of_those_that_share_one() -> None:
    """10000 x 20 pixels at a net of 8 x 8: 4000 x 8 is seen, with a cell every two pixels, drawn at 6000 at most."""
    scores = np.full((1, 7997, 2), 0.1)
    scores[0, 4001, 0] = 0.9
    scores[..., 1] = 1 - scores[..., 0]
    pixels = np.full((8, 16_000, 1), 128, np.uint8)
    answer = ScoreMap(("cat", "dog"), scores, pixels, (0.0, 0.0, 16_000.0, 8.0), (8, 16_000), (8, 8), (2, 2), ())
    image = np.asarray(Image.open(io.BytesIO(overlay(answer, 0, ["words"]))).convert("RGB")).astype(float)
    left, middle = (image.shape[1] - 6000) // 2, 1
    wanted = 0.6 * sequential()[int(255 * 0.9)] + 0.4 * 128
    # The frame of the best place is drawn over a few pixels of its own; beside it lie the low cells.
    around = image[middle, left + 2990 : left + 3015]
    low = 0.6 * sequential()[int(255 * 0.1)] + 0.4 * 128
    assert (np.abs(around[0] - low) <= 3).all()
    assert (np.abs(around - low).max(axis=1) > 10).any(), f"nothing of {wanted} is seen"


def test_a_long_strip_is_drawn_wide_enough_to_be_seen() -> None:
    pixels = np.full((8, 4_000, 3), 128, np.uint8)
    scores = np.full((1, 1997, 2), 0.5)
    answer = ScoreMap(("cat", "dog"), scores, pixels, (0.0, 0.0, 10_000.0, 20.0), (20, 10_000), (8, 8), (2, 2), ())
    image = Image.open(io.BytesIO(overlay(answer, 0, ["words"])))
    assert image.width >= 6000, "12 pixels high and 6,000 wide, not 2 and 1,200"
