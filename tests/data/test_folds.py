"""Folds: each picture held once a draw, copies together, classes spread evenly, names without meaning."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.folds import ALWAYS, fold

Pictures = tuple[np.ndarray, list[bytes]]


def made(sizes: list[int], copies: int = 0, across: int = 0, seed: int = 0) -> Pictures:
    """Return targets and digests of so many different pictures a class, with copies within and across classes."""
    rng = np.random.default_rng(seed)
    targets = [target for target, size in enumerate(sizes) for _ in range(size)]
    digests = [hashlib.sha256(f"{seed} {number}".encode()).digest() for number in range(len(targets))]
    for _ in range(copies):
        row = int(rng.integers(len(targets)))
        targets.append(targets[row])
        digests.append(digests[row])
    for _ in range(across):
        row = int(rng.integers(len(targets)))
        targets.append((targets[row] + 1) % len(sizes))
        digests.append(digests[row])
    return np.array(targets, np.int64), digests


@given(
    st.lists(st.integers(1, 23), min_size=2, max_size=6),
    st.integers(0, 9),
    st.integers(0, 6),
    st.integers(0, 2**63 - 1),
    st.integers(2, 7),
)
@settings(max_examples=150, deadline=None)
def test_every_training_has_every_class_and_no_picture_it_answers_for(
    sizes: list[int], copies: int, across: int, seed: int, count: int
) -> None:
    targets, digests = made(sizes, copies, across, seed % 1000)
    folds = fold(targets, digests, range(len(targets)), seed=seed, count=count, draws=2)
    if folds is None:
        return
    for draw in range(2):
        held = [folds.held(draw, number) for number in range(folds.count)]
        once = np.concatenate(held)
        assert len(set(once.tolist())) == len(once)
        for number, rows in enumerate(held):
            others = folds.others(draw, number)
            assert set(rows) | set(others) == set(range(len(targets))) and not set(rows) & set(others)
            assert not {digests[row] for row in rows} & {digests[row] for row in others}
            assert set(targets[others]) == set(targets)


@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.integers(0, 1000), st.integers(2, 6))
@settings(max_examples=100, deadline=None)
def test_classes_and_folds_are_spread_to_within_one(sizes: list[int], seed: int, count: int) -> None:
    targets, digests = made(sizes, seed=seed)
    folds = fold(targets, digests, range(len(targets)), seed=seed, count=count)
    assert folds is not None and folds.count == min(count, max(sizes)) and ALWAYS not in folds.places
    by_class = np.array([np.bincount(folds.places[0][targets == k], minlength=folds.count) for k in range(len(sizes))])
    assert (np.ptp(by_class, axis=1) <= 1).all()
    assert np.ptp(by_class.sum(axis=0)) <= 1


def test_names_order_and_other_classes_names_do_not_matter() -> None:
    targets, digests = made([9, 7, 12], copies=4, across=2)
    folds = fold(targets, digests, range(len(targets)), seed=3, count=4, draws=2)
    assert folds is not None
    place = {digest: folds.places[:, row].tolist() for row, digest in enumerate(digests)}
    shuffled = np.random.default_rng(1).permutation(len(targets))
    renamed = np.array([2, 0, 1])[targets][shuffled]
    again = fold(renamed, [digests[row] for row in shuffled], range(len(targets)), seed=3, count=4, draws=2)
    assert again is not None
    assert {digests[row]: again.places[:, at].tolist() for at, row in enumerate(shuffled)} == place


def test_draws_and_seeds_differ_and_the_first_draw_stays() -> None:
    targets, digests = made([30, 30])
    one, three, other = (
        fold(targets, digests, range(60), seed=seed, count=5, draws=draws) for seed, draws in ((0, 1), (0, 3), (1, 1))
    )
    assert one is not None and three is not None and other is not None
    assert (one.places[0] == three.places[0]).all()
    assert (three.places[0] != three.places[1]).any() and (one.places[0] != other.places[0]).any()


def test_only_the_rows_asked_for_are_dealt() -> None:
    targets, digests = made([10, 10])
    folds = fold(targets, digests, [*range(8), *range(10, 18)], seed=0, count=4)
    assert folds is not None
    assert folds.measured.tolist() == [*range(8), *range(10, 18)]
    assert not {8, 9, 18, 19} & set(folds.others(0, 0).tolist())


@pytest.mark.parametrize(("sizes", "count"), [([3, 2], 3), ([2, 2], 2), ([2, 1], 2), ([1, 1], None)])
def test_few_pictures_a_class_give_fewer_folds(sizes: list[int], count: int | None) -> None:
    targets, digests = made(sizes)
    folds = fold(targets, digests, range(len(targets)), seed=0, count=5)
    assert (None if folds is None else folds.count) == count
    if folds is not None:  # the only picture of a class is always trained on, and nobody answers for it
        alone = [row for row in range(len(targets)) if sizes[targets[row]] == 1]
        assert set(folds.measured.tolist()) == set(range(len(targets))) - set(alone)
