"""Draws: functions of their key alone, and as even and unrelated as random numbers should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data.batches import draws

ITEMS = np.arange(20_000)


def _splitmix(word: int) -> int:
    mask = (1 << 64) - 1
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    return word ^ (word >> 31)


def test_mixer_is_the_published_one():
    # The first outputs of SplitMix64 seeded with 1234567 (the reference values printed with the algorithm).
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    gamma = 0x9E3779B97F4A7C15
    states = [(1234567 + gamma * k) % 2**64 for k in (1, 2, 3)]
    assert [_splitmix(s) for s in states] == known
    assert draws._mixed(np.array(states, np.uint64)).tolist() == known


def test_values_stay_what_they_are():
    # Golden: a change here changes every training ever recorded.
    got = draws.words([0, 1, 99], 2, seed=3, purpose="geometry", epoch=2)
    assert got.tolist() == [
        [16428425331492353604, 10444294060286664001],
        [11992894785524947130, 12561689112539239936],
        [13182524420125533456, 16188941225553092597],
    ]


@given(
    items=st.lists(st.integers(0, 10**7), min_size=1, max_size=20),
    extra=st.lists(st.integers(0, 10**7), max_size=5),
    seed=st.integers(0, 2**63 - 1),
    epoch=st.integers(0, 1000),
)
def test_a_draw_knows_nothing_of_its_company(items, extra, seed, epoch):
    alone = np.concatenate([draws.uniforms([i], 3, seed=seed, purpose="p", epoch=epoch) for i in items])
    together = draws.uniforms(extra + items, 5, seed=seed, purpose="p", epoch=epoch)[len(extra) :, :3]
    assert np.array_equal(alone, together)


def test_normals_are_normal_and_know_nothing_of_their_company():
    drawn = draws.normals(ITEMS, 3, seed=2, purpose="pca", epoch=4)
    assert np.abs(drawn.mean(axis=0)).max() < 0.03 and np.abs(drawn.std(axis=0) - 1).max() < 0.03
    assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 0.03
    within = [(np.abs(drawn) < deviations).mean() for deviations in (1, 2, 3)]
    assert within == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.01)
    assert np.array_equal(draws.normals([77, 5], 3, seed=2, purpose="pca", epoch=4), drawn[[77, 5]])


def test_uniform_and_in_range():
    drawn = draws.uniforms(ITEMS, 8, seed=1, purpose="p")
    assert drawn.min() >= 0 and drawn.max() < 1
    for column in drawn.T:
        counts = np.bincount((column * 64).astype(int), minlength=64)
        chi2 = ((counts - len(ITEMS) / 64) ** 2 / (len(ITEMS) / 64)).sum()
        assert 25 < chi2 < 120  # 63 degrees of freedom: mean 63, deviation 11


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2, "purpose": "p", "epoch": 0},
        {"seed": 1, "purpose": "q", "epoch": 0},
        {"seed": 1, "purpose": "p", "epoch": 1},
        {"seed": 0, "purpose": "p", "epoch": 1},
    ],
)
def test_streams_are_unrelated(other):
    first = draws.uniforms(ITEMS, 2, seed=1, purpose="p", epoch=0)
    second = draws.uniforms(ITEMS, 2, **other)
    columns = np.corrcoef(np.concatenate([first, second], axis=1).T)
    assert np.abs(columns - np.eye(4)).max() < 0.04  # five deviations of 1/sqrt(20000)
    lagged = np.corrcoef(first[1:, 0], second[:-1, 0])[0, 1]
    assert abs(lagged) < 0.04


def test_every_key_word_changes_about_half_the_bits():
    base = draws.words(ITEMS[:2000], 1, seed=5, purpose="p", epoch=7)
    for changed in (
        draws.words(ITEMS[:2000] + 1, 1, seed=5, purpose="p", epoch=7),
        draws.words(ITEMS[:2000], 1, seed=4, purpose="p", epoch=7),
        draws.words(ITEMS[:2000], 1, seed=5, purpose="p", epoch=8),
    ):
        flipped = np.unpackbits((base ^ changed).view(np.uint8), axis=1).sum(axis=1).mean()
        assert 31 < flipped < 33


def test_permutation_is_one_and_differs_by_epoch_and_seed():
    indices = np.arange(1000) * 3
    first = draws.permutation(indices, seed=0, epoch=1)
    assert sorted(first) == indices.tolist()
    assert np.array_equal(first, draws.permutation(indices[::-1], seed=0, epoch=1))
    for other in (draws.permutation(indices, seed=0, epoch=2), draws.permutation(indices, seed=1, epoch=1)):
        assert (first == other).sum() < 10
    places = np.array([np.argsort(draws.permutation(np.arange(50), seed=s, epoch=0))[0] for s in range(2000)])
    counts = np.bincount(places, minlength=50)
    assert ((counts - 40) ** 2 / 40).sum() < 100  # 49 degrees of freedom
