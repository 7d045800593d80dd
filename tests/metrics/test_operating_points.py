"""Precision, recall and F1 by threshold, by hand and against scikit-learn."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.box_matching import match
from striate.metrics.boxes import Found, Truth
from striate.metrics.intervals import wilson
from striate.metrics.operating_points import Cut, operating_points, points_at, points_of
from striate.metrics.picture_bootstrap import PictureBootstrap

TRUTH = [Truth([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [0, 0, 0])]
# Right, wrong, right, right (as sure as the last, wrong one).
FOUND = [
    Found(
        [[0, 0, 10, 10], [90, 0, 99, 9], [20, 0, 30, 10], [40, 0, 50, 10], [70, 0, 79, 9]],
        [0] * 5,
        [0.9, 0.7, 0.5, 0.2, 0.2],
    )
]


def points():
    return operating_points(match(FOUND, TRUTH, classes=1)[0])


def test_by_hand() -> None:
    found = points()
    assert found.scores.tolist() == [0.9, 0.7, 0.5, 0.2]
    assert found.precision.tolist() == [1.0, 0.5, 2 / 3, 3 / 5]
    assert found.recall.tolist() == [1 / 3, 1 / 3, 2 / 3, 1.0]
    np.testing.assert_allclose(found.f1, [0.5, 2 / 5, 4 / 6, 6 / 8])


def test_thresholds_for_what_is_wanted() -> None:
    found = points()
    assert found.best_f1() == pytest.approx(0.2)
    assert found.for_precision(0.95) == pytest.approx(0.8)  # halfway to the next box
    assert found.for_precision(0.65) == pytest.approx(0.35)
    assert found.for_recall(0.6) == pytest.approx(0.35)
    assert found.for_recall(1.0) == pytest.approx(0.2)
    short = operating_points(match(FOUND, [Truth(np.concatenate([TRUTH[0].boxes, [[60, 60, 70, 70]]]), [0] * 4)],
                                   classes=1)[0])  # fmt: skip
    assert short.for_recall(0.9) is None
    with pytest.raises(StriateError, match="share"):
        found.for_precision(1.5)


def test_without_objects_or_without_boxes_there_is_no_threshold() -> None:
    nothing = operating_points(match(FOUND, [Truth([], [])], classes=1)[0])
    assert nothing.best_f1() is None
    assert nothing.for_precision(0.5) is None
    assert nothing.for_recall(0.5) is None
    silent = operating_points(match([Found([], [], [])], TRUTH, classes=1)[0])
    assert silent.best_f1() is None
    assert silent.for_recall(0.5) is None


def test_points_at_thresholds() -> None:
    matches = match(FOUND * 2, TRUTH * 2, classes=1)
    pictures = PictureBootstrap.of(2)
    (one,) = points_at(matches, ("a",), [0.4], pictures)
    assert (one.present, one.said, one.right, one.missed) == (6, 6, 4, 2)
    assert one.precision.value == one.recall.value == one.f1.value == pytest.approx(4 / 6)
    assert one.precision.low < 4 / 6 < one.precision.high
    (each,) = points_at(matches, ("a",), [[0.4], [0.8]], pictures)  # a threshold a picture
    assert (each.said, each.right) == (4, 3)
    assert each.threshold == pytest.approx(0.6)
    (none,) = points_at(matches, ("a",), [0.95], pictures)
    assert none.precision is None
    assert none.recall.value == 0
    assert none.f1.value == 0
    assert none.to_dict()["precision"] is None
    with pytest.raises(StriateError, match="threshold for each of 1 classes"):
        points_at(matches, ("a",), [0.5, 0.5, 0.5], pictures)


def test_crowds_are_neither_said_nor_there() -> None:
    truth = [Truth([[0, 0, 10, 10], [20, 0, 60, 10]], [0, 0], np.array([False, True]))]
    (one,) = points_at(match(FOUND, truth, classes=1), ("a",), [0.1], PictureBootstrap.of(1))
    assert (one.present, one.said, one.right) == (1, 3, 1)


def test_every_threshold_is_scikit_learns() -> None:
    curve = pytest.importorskip("sklearn.metrics").precision_recall_curve
    rng = np.random.default_rng(0)
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(60)], float)
    there = rng.random(60) < 0.5
    scores = rng.integers(1, 30, 60) / 30
    found = operating_points(match([Found(boxes, [0] * 60, scores)], [Truth(boxes[there], [0] * there.sum())],
                                   classes=1)[0])  # fmt: skip
    precision, recall, thresholds = curve(there, scores)
    np.testing.assert_allclose(found.scores[::-1], thresholds)
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])


def test_points_of_answers_are_those_counted_one_by_one() -> None:
    draw = np.random.default_rng(0)
    scores, right = draw.integers(0, 20, 200) / 20, draw.random(200) < 0.6
    cut = Cut("all", points_of(scores, right, present=150), 0.0)
    steps = np.linspace(0, 1, 101)
    said, hits = cut.points.counts_from(steps)
    for step, many, good in zip(steps.tolist(), said.tolist(), hits.tolist(), strict=True):
        assert many == int((scores >= step).sum()) and good == int((right & (scores >= step)).sum())
    point = cut.at(0.5)
    assert point.precision == wilson(point.right, point.said) and point.missed == 150 - point.right
    assert Cut("boxes", cut.points, 0.0, None).at(0.5).precision is None
    nothing = points_of([], [], present=0)
    assert [one.tolist() for one in nothing.counts_from([0.5])] == [[0], [0]]
