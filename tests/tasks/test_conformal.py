"""Conformal intervals hold what they say over many draws, and say so where there are too few pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from striate.errors import StriateError
from striate.tasks.conformal import KEPT, Conformal, covered, fit_conformal, rank, too_few


def drawn(generator: np.random.Generator, pictures: int, *, uneven: bool) -> tuple[np.ndarray, np.ndarray]:
    """Answers and true numbers; ``uneven``: errors grow with the answer."""
    answers = generator.uniform(0, 10, pictures)
    return answers, answers + generator.standard_t(4, pictures) * (0.2 + answers if uneven else 1.0)


def test_the_rank_is_exact_where_the_product_is_whole():
    assert rank(9, 0.9) == 9
    assert rank(8, 0.9) == 9
    assert rank(99, 0.9) == 90
    assert rank(100, 0.9) == 91
    assert rank(19, 0.95) == 19


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("pictures", [30, 200])
def test_intervals_hold_nine_of_ten(pictures, uneven):
    generator = np.random.default_rng(pictures)
    held = []
    for _ in range(150):
        known = fit_conformal(*drawn(generator, pictures, uneven=uneven))
        answers, targets = drawn(generator, 200, uneven=uneven)
        half = known.halves(answers)
        held.append(covered(answers - half, answers + half, targets).mean())
    assert 0.88 <= np.mean(held) <= 0.925  # 28 of 31 is 90.3 %; the deviation of the mean is below half a point


def test_a_curve_is_used_where_it_makes_intervals_narrower_and_only_there():
    generator = np.random.default_rng(0)
    even = [fit_conformal(*drawn(generator, 300, uneven=False)).adaptive for _ in range(20)]
    uneven = [fit_conformal(*drawn(generator, 300, uneven=True)) for _ in range(20)]
    assert sum(even) <= 2
    curved = [one for one in uneven if one.adaptive]
    assert len(curved) >= 17
    assert all(one.halves([0.5])[0] < 0.5 * one.halves([9.5])[0] for one in curved)


def test_too_few_pictures_have_no_interval_and_say_so():
    known = fit_conformal(np.zeros(8), np.arange(8.0))
    assert known.halves([1.0]).tolist() == [math.inf]
    assert fit_conformal(np.zeros(9), np.arange(9.0)).halves([1.0]).tolist() == [8.0]
    assert "8 unseen pictures" in too_few(8)
    assert "9 different ones" in too_few(8)
    assert too_few(9) == ""
    assert fit_conformal([], []).halves([1.0]).tolist() == [math.inf]


def test_copies_count_once():
    wrong = np.arange(1.0, 21.0)
    once = fit_conformal(np.zeros(20), wrong)
    copies = np.concatenate([wrong, np.full(500, 1.0)])
    groups = np.concatenate([np.arange(20), np.zeros(500, int)])
    grouped = fit_conformal(np.zeros(520), copies, groups=groups)
    assert grouped.count == 20
    assert [grouped.size(level) for level in (0.5, 0.8, 0.9)] == [once.size(level) for level in (0.5, 0.8, 0.9)]
    assert fit_conformal(np.zeros(520), copies).size(0.9) == 1.0


def test_of_many_errors_some_are_kept_never_the_smaller():
    wrong = np.random.default_rng(1).exponential(size=3 * KEPT + 17)
    known = fit_conformal(np.zeros(len(wrong)), wrong)
    assert len(known.sizes) == KEPT
    for level in (0.5, 0.9, 0.95, 0.999):
        exact = np.sort(wrong)[rank(len(wrong), level) - 1]
        assert exact <= known.size(level) <= exact * 1.2


def test_on_a_circle_an_interval_passes_the_seam_and_is_never_wider_than_it():
    generator = np.random.default_rng(2)
    targets = generator.uniform(0, 360, 400)
    answers = (targets + generator.normal(0, 8, 400)) % 360
    known = fit_conformal(answers, targets, where=np.ones(400), period=360)
    half = known.halves(np.ones(400))
    assert half[0] == pytest.approx(13.2, abs=2.5)
    assert covered(answers - half, answers + half, targets, period=360).mean() >= 0.9
    assert covered([350.0], [370.0], [5.0], period=360).tolist() == [True]
    assert covered([350.0], [370.0], [11.0], period=360).tolist() == [False]
    lost = fit_conformal(generator.uniform(0, 360, 50), generator.uniform(0, 360, 50), period=360, adaptive=False)
    assert covered([-math.inf], [math.inf], [123.0], period=360).tolist() == [True]
    assert lost.halves([0.0])[0] <= 180 or math.isinf(lost.halves([0.0])[0])


def test_a_model_without_an_error_has_an_interval_of_no_width():
    known = fit_conformal(np.arange(100.0), np.arange(100.0))
    assert known.halves([5.0]).tolist() == [0.0]


def test_what_a_file_keeps_comes_back():
    known = fit_conformal(*drawn(np.random.default_rng(3), 300, uneven=True))
    again = Conformal.of(known.to_arrays(), known.count)
    assert again.halves([1.0, 5.0]).tolist() == known.halves([1.0, 5.0]).tolist()
    broken = {**known.to_arrays(), "sizes": known.sizes[::-1]}
    with pytest.raises(StriateError, match="not in order"):
        Conformal.of(broken, known.count)
    with pytest.raises(StriateError, match="not finite"):
        Conformal.of({**known.to_arrays(), "spread": known.spread * np.nan}, known.count)
    with pytest.raises(StriateError, match="between 0 and 1"):
        known.halves([1.0], level=90)
