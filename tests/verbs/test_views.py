"""What a frozen trunk is shown of a picture, and that the boxes on it move along."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from striate.data.labels.marks import BoxMarks
from striate.data.split import Split
from striate.data.store.store import Store
from striate.tasks.box_rows import rows_of
from striate.tasks.detect import Detect
from striate.verbs.views import AS_IT_IS, MIRROR, NEARER, Views, _lit

BOX = (24.0, 16.0, 40.0, 30.0)


def prepared(*, flip: bool = True, zooms: int = 2) -> Any:
    """Three pictures to train on, one to validate and one to test by: a bright box on dark ground each."""
    pixels = np.full((5, 48, 64, 3), 40, np.uint8)
    pixels[:, 16:30, 24:40] = 240
    task = SimpleNamespace(zooms=zooms, light=0.0)
    config = SimpleNamespace(flip=flip, seed=3)
    return SimpleNamespace(config=config, split=Split((0, 2, 4), (1,), (3,)), task=task, store=Store(pixels, ()))


def test_pictures_to_test_with_are_not_shown_and_those_to_validate_by_as_they_are() -> None:
    views = Views.of(prepared())
    assert views.rows.tolist() == [0, 2, 4, 1, 0, 2, 4, 0, 2, 4, 0, 2, 4] and views.still == 4
    assert Views.of(prepared(flip=False, zooms=0)).rows.tolist() == [0, 2, 4, 1]
    assert views.digest == Views.of(prepared()).digest != Views.of(prepared(zooms=1)).digest


@pytest.mark.parametrize("view", range(13))
def test_a_box_lies_on_a_view_where_what_it_is_around_does(view: int) -> None:
    given = prepared()
    views = Views.of(given)
    shown = views.pixels(given.store, view)
    assert shown.shape == (1, 48, 64, 3) and shown.dtype == np.uint8 and shown.flags.c_contiguous
    rows = Detect().move(rows_of([BoxMarks((48, 64), (BOX,), (0,))], 1), views.moves(slice(view, view + 1), (48, 64)))
    left, top, right, bottom = rows[0, 0, 1:5]
    down, across = np.nonzero(shown[0, :, :, 0] > 140)
    seen = (across.min(), down.min(), across.max() + 1, down.max() + 1)
    assert seen == pytest.approx((left, top, right, bottom), abs=1.1)
    size = (right - left) / 16
    assert 1 / NEARER - 0.01 <= size <= NEARER + 0.01
    if size < 0.95 and view >= 7:
        assert (shown[0, :, :, 0] == 128).any(), "beyond the edge it is gray"


def test_without_mirrors_nothing_is_mirrored() -> None:
    assert (Views.of(prepared(flip=False)).geometry[:, 0, 0] > 0).all()
    assert (Views.of(prepared(zooms=20)).geometry[7:, 0, 0] < 0).mean() == pytest.approx(0.5, abs=0.2)


def test_light_is_drawn_by_picture_within_its_bounds() -> None:
    drawn = _lit(np.arange(500), 0.4, seed=3)
    assert np.array_equal(drawn[[7, 2]], _lit(np.array([7, 2]), 0.4, seed=3))
    assert np.exp(-0.4) <= drawn[:, 0].min() < 0.7 and 1.45 < drawn[:, 0].max() <= np.exp(0.4)
    assert 0.6 <= drawn[:, 1].min() < 0.62 and 1.38 < drawn[:, 1].max() <= 1.4
    assert (_lit(np.arange(5), 0.0, seed=3) == 1).all()


def test_a_view_in_the_mirror_is_brighter_and_has_more_contrast_and_is_told_from_one_as_it_was() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3) + 100
    store, rows = Store(pixels, (b"a",)), np.zeros(2, np.int64)
    moves = np.stack([AS_IT_IS, MIRROR])
    plain, lit = (Views(rows, moves, 1, np.array([[1.0, 1.0], light])) for light in ([1.0, 1.0], [1.5, 1.2]))
    assert np.array_equal(lit.pixels(store, 0), pixels)
    mirrored = plain.pixels(store, 1)
    assert np.array_equal(mirrored, pixels[:, :, ::-1])
    middle = 1.5 * mirrored.mean()
    wanted = np.clip(middle + 1.2 * (1.5 * mirrored - middle), 0, 255)
    assert np.abs(lit.pixels(store, 1).astype(float) - wanted).max() <= 0.5
    assert lit.digest != plain.digest
