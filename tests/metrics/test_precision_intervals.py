"""Intervals of average precision: a resample is what COCO's protocol says of the pictures drawn."""

import numpy as np
import pytest
from tests.metrics.test_average_precision import NAMES, case

from striate.metrics.average_precision import coco
from striate.metrics.boxes import Found, Truth
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.precision_intervals import _areas, precision_intervals


def pictures_of(rng: np.random.Generator, least: int) -> tuple[list[Found], list[Truth]]:
    found, truth = [], []
    while len(found) < least:
        more, there = case(rng)
        # Scores without ties: copies of a picture stand together then, as they do in the resamples.
        found += [Found(one.boxes, one.classes, rng.random(len(one))) for one in more]
        truth += there
    return found, truth


def test_a_resample_is_the_protocol_on_the_pictures_drawn() -> None:
    rng = np.random.default_rng(0)
    found, truth = pictures_of(rng, 12)
    precision = coco(found, truth, NAMES)
    pictures = PictureBootstrap.of(len(found), seed=3, resamples=100)
    times = np.concatenate(list(pictures.times())).astype(int)
    mine = [np.stack([_areas(one, size, pictures) for size in range(4)], axis=2) for one in precision.matches]
    for row in range(0, 100, 7):
        again = np.repeat(np.arange(len(found)), times[row])
        drawn = coco([found[i] for i in again], [truth[i] for i in again], NAMES)
        for kind in range(3):
            np.testing.assert_allclose(mine[kind][row], drawn.precision[:, :, kind].mean(axis=1), atol=1e-6)


def test_intervals_hold_the_values_and_say_none_where_nothing_is() -> None:
    rng = np.random.default_rng(1)
    found, truth = pictures_of(rng, 10)
    found = [one.at(one.classes != 2) for one in found]
    truth = [one.at(one.classes != 2) for one in truth]
    precision = coco(found, truth, NAMES)
    said = precision_intervals(precision)
    for value, one in ((precision.ap, said.ap), (precision.ap50, said.ap50), (precision.ap75, said.ap75)):
        assert one.value == value
        assert 0 <= one.low < value < one.high <= 1
    assert said.per_class[2] is None
    assert said.per_class[0].value == pytest.approx(precision.ap_of[0])
    assert said.to_dict()["per_class_50"][2] is None
    assert precision_intervals(precision) == said  # the seed is fixed


def test_all_right_still_has_width() -> None:
    truth = [Truth([[0, 0, 10, 10]], [0])] * 5
    found = [Found([[0, 0, 10, 10]], [0], [0.9])] * 5
    one = precision_intervals(coco(found, truth, ("a",))).ap
    assert one.low < 0.7
    assert one.high == pytest.approx(1.0)


def test_copies_of_pictures_and_folds_widen() -> None:
    rng = np.random.default_rng(2)
    found, truth = pictures_of(rng, 10)
    once = coco(found, truth, NAMES)
    twice = coco(found * 2, truth * 2, NAMES)
    copies = precision_intervals(twice, groups=list(range(len(found))) * 2).ap
    strangers = precision_intervals(twice).ap
    assert copies.high - copies.low > 1.2 * (strangers.high - strangers.low)
    plain, folds = precision_intervals(once).ap, precision_intervals(once, design=2.0).ap
    assert folds.low < plain.low
    assert folds.high > plain.high
