"""Groups dealt into parts: none is divided, and every part has its share of every class where that can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.group_dealing import dealt, dealt_parts, drawn, fold_groups
from striate.data.strata import Strata

SHARES = (0.15, 0.1, 0.75)  # test, val, train


def case(seed: int, groups: int, classes: int) -> tuple[np.ndarray, list[bytes]]:
    random = np.random.default_rng(seed)
    counts = random.integers(0, 30, (groups, classes)) * (random.random((groups, classes)) < 0.5)
    return counts, [bytes([seed % 256, one]) for one in range(groups)]


def test_shares_of_every_class_are_near_to_what_is_wanted() -> None:
    counts, names = case(1, 40, 3)
    place = dealt_parts(counts, SHARES, drawn(names, 0), first=2)
    for part, share in enumerate(SHARES):
        here = counts[place == part].sum(axis=0) / counts.sum(axis=0)
        assert np.abs(here - share).max() < 0.05, (part, here)
    other = dealt_parts(counts, SHARES, drawn(names, 1), first=2)
    assert (place != other).any(), "the seed decides"
    turned = dealt_parts(counts[::-1], SHARES, drawn(names, 0)[::-1], first=2)
    assert (turned[::-1] == place).all(), "the order does not"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
def test_train_has_every_class_and_no_part_is_empty_where_it_need_not_be(seed: int, groups: int, classes: int) -> None:
    counts, names = case(seed, groups, classes)
    counts = counts[counts.sum(axis=1) > 0]
    place = dealt_parts(counts, SHARES, drawn(names[: len(counts)], 0), first=2)
    there = counts > 0
    assert all(there[place == 2][:, one].any() for one in np.flatnonzero(there.any(axis=0)))
    if classes == 1 and len(counts) >= 3:
        assert set(place.tolist()) == {0, 1, 2}


def test_parts_without_a_share_get_nothing() -> None:
    counts, names = case(3, 10, 2)
    assert set(dealt(counts, (0.0, 0.25, 0.75), drawn(names, 0)).tolist()) == {1, 2}


def test_folds_divide_no_group_and_share_the_classes() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 20, 200)
    values = (groups + random.integers(0, 2, 200)) % 2
    strata = Strata(values, np.ones(200, bool), ("a", "b"))
    names = [b"%d" % one for one in groups]
    folds = fold_groups(strata, names, range(200), seed=0, count=5, draws=2)
    assert folds is not None and folds.count == 5 and folds.draws == 2
    for places in folds.places:
        assert all(len(set(places[groups == one].tolist())) == 1 for one in range(20))
        assert np.bincount(places[values == 0], minlength=5).min() > 0
        assert np.ptp(np.bincount(places)) <= 25, "about 40 each, in groups of ten"
    assert (folds.places[0] != folds.places[1]).any()


def test_a_class_in_one_group_is_seen_by_every_training_and_not_measured() -> None:
    values = np.array([0, 0, 0, 0, 1, 1])
    strata = Strata(values, np.ones(6, bool), ("a", "b"))
    folds = fold_groups(strata, [b"1", b"1", b"2", b"2", b"3", b"3"], range(6), seed=0, count=5)
    assert folds is not None and folds.count == 2
    assert folds.measured.tolist() == [0, 1, 2, 3]
    alone = Strata(np.array([0, 0, 1, 1]), np.ones(4, bool), ("a", "b"))
    assert fold_groups(alone, [b"1", b"1", b"2", b"2"], range(4), seed=0, count=2) is None
    with pytest.raises(ValueError, match="two folds at least"):
        fold_groups(alone, [b"1"] * 4, range(4), seed=0, count=1)
