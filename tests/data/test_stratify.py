"""Iterative stratification: rare labels stand in every part, copies in one, and nothing else matters."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.folds import ALWAYS
from striate.data.stratify import fold_labels, stratified, stratified_parts


def names(count: int) -> list[bytes]:
    return [hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(count)]


@st.composite
def tags(draw):
    pictures, labels = draw(st.integers(2, 120)), draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = generator.choice([0.0, 0.03, 0.1, 0.4], size=labels)
    return generator.random((pictures, labels)) < share


@given(tags(), st.integers(2, 5))
def test_every_picture_is_dealt_once_and_parts_are_about_equal(there, count):
    place = stratified(there, [1 / count] * count)
    assert set(place.tolist()) <= set(range(count))
    sizes = np.bincount(place, minlength=count)
    assert sizes.sum() == len(there)
    one = there & (there.sum(axis=1, keepdims=True) == 1)
    if (one == there).all():  # one label a picture at most: shares are exact to within one of each label and all
        for label in range(there.shape[1]):
            mine = np.bincount(place[there[:, label]], minlength=count)
            assert mine.max() - mine.min() <= 1


def test_a_label_of_five_stands_in_each_of_five_folds_where_chance_would_leave_holes():
    generator = np.random.default_rng(0)
    there = generator.random((400, 6)) < [0.5, 0.4, 0.3, 0.2, 0.0, 0.0]
    there[:5, 4] = True
    there[5:15, 5] = True
    folds = fold_labels(there, names(400), range(400), seed=3, count=5)
    assert folds is not None
    for label in range(6):
        mine = np.bincount(folds.places[0, there[:, label]], minlength=5)
        assert mine.min() >= 1
        assert mine.max() - mine.min() <= max(2, 0.15 * mine.sum())
    assert np.bincount(folds.places[0]).tolist() == pytest.approx([80] * 5, abs=4)


def test_shares_need_not_be_equal():
    there = np.zeros((1000, 2), bool)
    there[:20, 0] = True
    there[10:500, 1] = True
    place = stratified(there, [0.15, 0.1, 0.75])
    for label in range(2):
        found = np.bincount(place[there[:, label]], minlength=3)
        np.testing.assert_allclose(found, np.array([0.15, 0.1, 0.75]) * there[:, label].sum(), atol=1.01)
    assert set(stratified(there, [0.0, 0.2, 0.8]).tolist()) == {1, 2}
    with pytest.raises(ValueError, match="add up to 1"):
        stratified(there, [0.5, 0.2])


@given(tags(), st.integers(0, 5))
@settings(max_examples=30)
def test_order_and_names_of_pictures_do_not_matter_and_copies_stay_together(there, seed):
    digests = names(len(there))
    digests[-1] = digests[0]  # a copy, perhaps with other labels
    rows = range(len(there))
    place = stratified_parts(there, digests, rows, [0.2, 0.8], seed=seed)
    assert place[0] == place[-1]
    turned = stratified_parts(there[::-1], digests[::-1], rows, [0.2, 0.8], seed=seed)
    np.testing.assert_array_equal(place, turned[::-1])
    some = stratified_parts(there, digests, [0, 1], [0.2, 0.8], seed=seed)
    assert (some[2:-1] == -1).all()


def test_folds_of_several_labels():
    there = np.zeros((12, 3), bool)
    there[:8, 0] = True
    there[6:9, 1] = True
    there[11, 2] = True  # nobody else has it: every training sees it
    folds = fold_labels(there, names(12), range(12), seed=0, count=4, draws=2)
    assert folds is not None
    assert (folds.count, folds.draws) == (4, 2)
    assert (folds.places[:, 11] == ALWAYS).all()
    assert 11 not in folds.measured
    for draw in range(2):
        for label in (0, 1):  # nothing is answered for by a training that has not seen the label
            held = folds.places[draw, there[:, label]]
            assert len(set(held.tolist())) > 1
    assert not np.array_equal(folds.places[0], folds.places[1])
    assert fold_labels(np.zeros((4, 2), bool), names(4), range(4), seed=0, count=2) is None
    one = np.zeros((4, 1), bool)
    one[0] = True
    assert fold_labels(one, names(4), range(4), seed=0, count=2) is None


def test_pictures_without_a_label_are_dealt_too():
    there = np.zeros((20, 1), bool)
    there[:4] = True
    folds = fold_labels(there, names(20), range(20), seed=0, count=2)
    assert folds is not None
    assert np.bincount(folds.places[0]).tolist() == [10, 10]
    assert np.bincount(folds.places[0, :4]).tolist() == [2, 2]
