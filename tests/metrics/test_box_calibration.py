"""Calibration of the scores of boxes."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.box_calibration import box_calibration, by_chance
from striate.metrics.box_matching import match
from striate.metrics.boxes import Found, Truth
from striate.metrics.picture_bootstrap import PictureBootstrap

PLACES = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(10)], float)


def pictures_of(score: float, right: int, pictures: int = 4) -> tuple[list[Found], list[Truth]]:
    found = [Found(PLACES, [0] * 10, [score] * 10)] * pictures
    return found, [Truth(PLACES[:right], [0] * right)] * pictures


def of(found: list[Found], truth: list[Truth], thresholds=(0.0,), **more):
    return box_calibration(match(found, truth, classes=1), thresholds, PictureBootstrap.of(len(found)), **more)


def test_a_score_that_says_the_truth_has_no_error() -> None:
    told = of(*pictures_of(0.7, 7))
    assert told.error.value == pytest.approx(0.0)
    assert told.boxes == 40
    (used,) = [one for one in told.bins if one.boxes]
    assert used.low < 0.7 <= used.high
    assert used.score == pytest.approx(0.7)
    assert used.right.value == pytest.approx(0.7)


def test_a_score_too_high_by_a_fifth() -> None:
    told = of(*pictures_of(0.9, 7))
    assert told.error.value == pytest.approx(0.2)
    assert told.error.low <= 0.2 <= told.error.high


def test_only_what_is_said_counts() -> None:
    found = [Found(np.concatenate([PLACES, PLACES + 500]), [0] * 20, [0.9] * 10 + [0.01] * 10)]
    truth = [Truth(PLACES, [0] * 10)]
    assert of(found, truth).error.value == pytest.approx((10 * 0.1 + 10 * 0.01) / 20)
    assert of(found, truth, (0.5,)).error.value == pytest.approx(0.1)
    nothing = of(found, truth, (0.95,))
    assert nothing.error is None
    assert nothing.boxes == 0
    assert nothing.to_dict()["error"] is None


def test_boxes_in_a_crowd_do_not_count() -> None:
    found = [Found(PLACES[:2], [0, 0], [0.9, 0.5])]
    told = of(found, [Truth(PLACES[:2], [0, 0], np.array([False, True]))])
    assert told.boxes == 1
    assert told.error.value == pytest.approx(0.1)


def test_scores_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(StriateError, match="from 0 to 1"):
        of(*pictures_of(1.5, 7))


def test_by_chance_it_is_what_exact_scores_would_have_of_as_many_boxes() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.3, 1.0, 400)
    which = np.clip(np.searchsorted(np.linspace(0, 1, 16), scores, side="left") - 1, 0, 14)
    drawn = [
        np.abs(np.bincount(which, (rng.random(400) < scores) - scores, minlength=15)).sum() / 400 for _ in range(2000)
    ]
    assert by_chance(scores, which) == pytest.approx(np.mean(drawn), rel=0.03)
    told = of(*pictures_of(0.7, 7))
    assert told.chance == pytest.approx(np.sqrt(2 / np.pi * 40 * 0.7 * 0.3) / 40)
    assert told.to_dict()["by_chance"] == told.chance
    assert of(*pictures_of(0.7, 7), thresholds=(0.9,)).chance is None
