"""Groups: planted ones are found, what is like nothing is in none, and of very many some stand for all."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from striate.search import clusters as module
from striate.search.clusters import ALONE, clusters
from striate.search.nearest import directions


def planted(sizes: list[int], *, width: int = 16, spread: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    made = np.eye(len(sizes), width)[labels] + draw.normal(0, spread, (len(labels), width))
    return directions(made, np.zeros(width, np.float32)), labels


def test_planted_groups_are_found_the_largest_first() -> None:
    vectors, labels = planted([20, 60, 40])
    found = clusters(vectors)
    assert len(found.centres) == 3 and [int((found.labels == group).sum()) for group in range(3)] == [60, 40, 20]
    assert adjusted_rand_score(labels, found.labels) == 1
    assert found.silhouette is not None and found.silhouette > 0.4
    first = found.members(0)
    assert len(first) == 60 and (np.diff(found.nearness[first]) <= 0).all()


def test_what_is_like_nothing_else_is_in_no_group() -> None:
    vectors, _ = planted([200, 200])
    lonely = np.zeros((1, 16), np.float32)
    lonely[0, :2] = -(0.5**0.5)
    found = clusters(np.concatenate([vectors, lonely]), 2)
    assert found.labels[-1] == ALONE and found.nearness[-1] == 0
    assert (found.labels[:-1] >= 0).all()


@pytest.mark.parametrize("number", [1, 2, 5])
def test_as_many_groups_as_are_asked_for(number: int) -> None:
    vectors, _ = planted([30, 30, 30], spread=0.4)
    found = clusters(vectors, number)
    assert len(found.centres) == number and (found.silhouette is None) == (number == 1)
    assert found.labels.max() == number - 1


def test_of_very_many_some_are_compared_and_the_others_join(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = planted([200, 300, 100])
    whole = clusters(vectors)
    monkeypatch.setattr(module, "LANDMARKS", 120)
    found = clusters(vectors, seed=3)
    known = found.labels != ALONE
    assert known.mean() > 0.9 and adjusted_rand_score(labels[known], found.labels[known]) == 1
    np.testing.assert_array_equal(found.labels, clusters(vectors, seed=3).labels)
    assert len(whole.centres) == len(found.centres) == 3


def test_three_pictures_are_enough() -> None:
    vectors = directions(np.array([[0, 0, 1], [1, 0, 0], [1, 0.1, 0]]), np.zeros(3, np.float32))
    asked = clusters(vectors, number=2).labels.tolist()
    assert asked == [1, 0, 0]
    alone = clusters(vectors).labels.tolist()
    assert alone[1] == alone[2] != alone[0]
