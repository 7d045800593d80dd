"""Shortcuts are measured on pictures that the neighbours asked are not."""

from __future__ import annotations

import numpy as np

from striate.search.checks.shortcut import cross_validated


def test_chance_is_no_shortcut() -> None:
    rng = np.random.default_rng(0)
    right = cross_validated(rng.normal(size=(600, 2)), rng.integers(0, 2, 600))
    assert 0.42 < right.mean() < 0.58


def test_what_goes_with_a_class_tells_it() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    values = target[:, None] * 4.0 + rng.normal(size=(600, 1))
    assert cross_validated(values, target).mean() > 0.9
