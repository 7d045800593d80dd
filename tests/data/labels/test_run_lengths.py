"""Run lengths and outlines of masks: the same mask back, the same text as pycocotools."""

from __future__ import annotations

import numpy as np
import pytest

from striate.data.labels.filled import filled
from striate.data.labels.run_lengths import decoded, encoded, rows_decoded
from striate.data.labels.traced import traced


def masks(number: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [tuple(rng.integers(1, 15, 2)) for _ in range(number)]
    return [rng.random(size) < rng.choice([0.0, 0.2, 0.5, 0.8, 1.0]) for size in sizes]


@pytest.mark.parametrize("mask", masks())
def test_a_mask_comes_back_from_both(mask: np.ndarray) -> None:
    assert np.array_equal(decoded(encoded(mask), *mask.shape), mask)
    rings = [np.array(ring) for ring in traced(mask)]
    assert np.array_equal(filled(rings, *mask.shape), mask)


def test_a_large_mask_comes_back(tmp_path: object) -> None:
    y, x = np.mgrid[:300, :400]
    mask = (np.hypot(x - 200, y - 150) < 120) & (np.hypot(x - 220, y - 150) > 40)
    assert np.array_equal(decoded(encoded(mask), 300, 400), mask)
    rings = traced(mask)
    assert len(rings) == 2 and np.array_equal(filled([np.array(ring) for ring in rings], 300, 400), mask)
    moved = traced(mask, left=10, top=20)
    assert np.allclose(np.array(moved[0]) - np.array(rings[0]), (10, 20))


def test_lists_go_down_the_columns_and_cvats_along_the_rows() -> None:
    assert decoded([2, 1, 3], 3, 2).tolist() == [[False, False], [False, False], [True, False]]
    assert rows_decoded([2, 1, 3], 3, 2).tolist() == [[False, False], [True, False], [False, False]]


@pytest.mark.parametrize(
    "counts",
    [
        [1, 2],
        [-1, 7],
        [1.0, 5],
        [True, 5],
        None,
        {"a": 1},
        "\x7f",
        "0" * 3,
        "P",
        "~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
        [10**20],
    ],
)
def test_what_does_not_read(counts: object) -> None:
    with pytest.raises(ValueError, match=r"run|text|mask"):
        decoded(counts, 2, 3)


def test_nobody_is_asked_for_more_memory_than_there_is() -> None:
    with pytest.raises(ValueError, match="pixels"):
        decoded([10**12], 10**6, 10**6)


def test_as_pycocotools_has_it() -> None:
    theirs = pytest.importorskip("pycocotools.mask", reason="an oracle, for development only")
    for mask in [*masks(200), np.random.default_rng(1).random((200, 300)) < 0.01]:
        text = theirs.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        assert encoded(mask) == text
        assert np.array_equal(decoded(text, *mask.shape), mask)
