"""Vectors on a map: groups stay apart, neighbours stay neighbours, of more than are laid out too; seeded."""

from __future__ import annotations

import numpy as np
import pytest

from striate.search import layout as laid
from striate.search.layout import layout


def groups(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    of = np.arange(count) % 3
    vectors = 3 * np.eye(3, 16)[of] + 0.3 * rng.normal(size=(count, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), of


@pytest.mark.parametrize("landmarks", [60, 2000])
def test_groups_stay_apart_also_those_that_were_laid_beside_others(
    landmarks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laid, "LANDMARKS", landmarks)
    vectors, of = groups(120)
    place = layout(vectors)
    assert place.shape == (120, 2) and place.min() >= 0 and place.max() <= 1 and place.dtype == np.float32
    away = ((place[:, None] - place[None]) ** 2).sum(axis=2) + np.eye(120)
    assert (of[away.argmin(axis=1)] == of).all()
    assert (layout(vectors) == place).all(), "the same seed, the same map"


@pytest.mark.parametrize("count", [1, 2, 3, 9, 12])
def test_few_vectors_have_places_too(count: int) -> None:
    place = layout(groups(count)[0])
    assert place.shape == (count, 2) and np.isfinite(place).all()
    assert np.isfinite(layout(np.ones((count, 4), np.float32))).all(), "and those that are all the same"
