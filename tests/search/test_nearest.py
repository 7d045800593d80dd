"""Exact search: what a full sort of all cosines says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.search import nearest as module
from striate.search.nearest import directions, middle, nearest, widen


@given(st.integers(1, 70), st.integers(1, 9), st.integers(1, 12), st.integers(0, 10_000))
def test_it_is_what_a_full_sort_says(count: int, width: int, number: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(count, width)).astype(np.float16)
    centre = middle(vectors)
    queries = directions(draw.normal(size=(3, width)), np.zeros(width, np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 16)
        patch.setattr(module, "MOST", 2 * count)
        found = nearest(vectors, queries, number, centre=centre)
    whole = queries @ directions(vectors, centre).T
    order = np.argsort(-whole, axis=1, kind="stable")[:, :number]
    np.testing.assert_allclose(found.cosine, np.take_along_axis(whole, order, axis=1), atol=2e-6)
    assert found.rows.shape == (3, min(number, count))
    np.testing.assert_allclose(np.take_along_axis(whole, found.rows, axis=1), found.cosine, atol=2e-6)


def test_equal_ones_come_in_their_order_and_whoever_lies_in_the_middle_is_like_nothing() -> None:
    vectors = np.array([[0, 1], [1, 0], [0, 2], [1, 0]], np.float32)
    found = nearest(directions(vectors, np.zeros(2, np.float32)), np.array([[1, 0]], np.float32), 4)
    assert found.rows.tolist() == [[1, 3, 0, 2]]
    assert directions(np.ones((1, 2)), np.ones(2, np.float32)).tolist() == [[0.0, 0.0]]


def test_the_middle_of_few_is_near_zero_and_that_of_many_is_their_mean() -> None:
    assert middle(np.full((1, 1), 21.0)).tolist() == [1.0]
    assert middle(np.full((100_000, 1), 3.0, np.float16))[0] == pytest.approx(3, abs=1e-3)


def test_halves_are_widened_to_the_very_number_the_smallest_too() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    into = np.empty(len(finite), np.float32)
    widen(finite, into)
    np.testing.assert_array_equal(into.view(np.uint32), finite.astype(np.float32).view(np.uint32))
    wide = np.array([1e-30, 3.0], np.float32)
    widen(wide, into[:2])
    assert into[:2].tolist() == wide.tolist()
