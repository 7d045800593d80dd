"""A class for every pixel: against scikit-learn, and by hand."""

from pathlib import Path

import numpy as np
import pytest

from striate.data.sources.source import find
from striate.errors import StriateError
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.segmentation import VOID, iou_of, pixel_counts, pixel_measures


def case(rng: np.random.Generator, classes: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    answers, truths = [], []
    for _ in range(int(rng.integers(1, 5))):
        shape = tuple(rng.integers(1, 9, 2))
        truth = rng.integers(0, classes, shape).astype(np.uint8)
        answer = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, classes, shape))
        truth[rng.random(shape) < 0.2] = VOID
        answers.append(answer)
        truths.append(truth)
    return answers, truths


@pytest.mark.parametrize("cases", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_shares_are_those_of_scikit_learn(cases: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(cases)
    for _ in range(cases):
        classes = int(rng.integers(2, 6))
        answers, truths = case(rng, classes)
        counts = pixel_counts(answers, truths, classes)
        mine, there = (np.concatenate([one[t != VOID] for one, t in zip(some, truths, strict=True)])
                       for some in (answers, truths))  # fmt: skip
        if not len(there):
            continue
        np.testing.assert_array_equal(
            counts.confusion, metrics.confusion_matrix(there, mine, labels=np.arange(classes))
        )
        present = np.unique(there)
        asked = {"labels": present, "average": None, "zero_division": 0}
        np.testing.assert_allclose(counts.iou[present], metrics.jaccard_score(there, mine, **asked), rtol=1e-14)
        np.testing.assert_allclose(counts.dice[present], metrics.f1_score(there, mine, **asked), rtol=1e-14)
        absent = np.setdiff1d(np.arange(classes), present)
        assert np.isnan(counts.iou[absent]).all()
        assert np.isnan(counts.dice[absent]).all()
        measured = pixel_measures(counts, [str(k) for k in range(classes)], PictureBootstrap.of(len(truths)))
        mean = metrics.jaccard_score(there, mine, labels=present, average="macro", zero_division=0)
        assert measured.mean_iou.value == pytest.approx(mean)
        assert measured.accuracy.value == pytest.approx(metrics.accuracy_score(there, mine))


@pytest.mark.parametrize("name", [pytest.param("camvid", marks=pytest.mark.slow), "membrane"])
def test_real_masks_are_measured_as_scikit_learn_measures_them(name: str, shared: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    source = find(str(shared / "data" / name), kind="masks")
    truths = [source.mask(index) for index in range(3)]
    answers = [np.where(truth == VOID, 0, np.roll(truth, 3, axis=1)).astype(int) for truth in truths]
    answers = [np.where(answer == VOID, 0, answer) for answer in answers]
    counts = pixel_counts(answers, truths, len(source.label_names))
    known = np.concatenate([truth[truth != VOID] for truth in truths])
    said = np.concatenate([answer[truth != VOID] for answer, truth in zip(answers, truths, strict=True)])
    present = np.unique(known)
    assert (counts.confusion == metrics.confusion_matrix(known, said, labels=np.arange(len(counts.iou)))).all()
    np.testing.assert_allclose(
        counts.iou[present], metrics.jaccard_score(known, said, labels=present, average=None), rtol=1e-14
    )
    np.testing.assert_allclose(
        counts.dice[present], metrics.f1_score(known, said, labels=present, average=None), rtol=1e-14
    )


def test_one_count_over_the_whole_set_and_not_a_mean_over_pictures() -> None:
    # A large picture all right, a small one all wrong: 9 of 10 pixels of class 1 are found.
    truths = [np.ones((1, 9), np.uint8), np.ones((1, 1), np.uint8)]
    answers = [np.ones((1, 9), int), np.zeros((1, 1), int)]
    counts = pixel_counts(answers, truths, 2)
    assert counts.iou[1] == pytest.approx(0.9)
    assert np.isnan(counts.iou[0])  # called so once, but not there: not 0, and not in the mean
    assert counts.by_picture.tolist() == [1.0, 0.0]
    told = pixel_measures(counts, ("sky", "sea"), PictureBootstrap.of(2))
    assert told.mean_iou.value == pytest.approx(0.9)
    assert told.per_class[0].iou is None
    assert told.per_class[0].precision is None
    assert told.per_class[0].called == 1
    assert told.to_dict()["per_class"][0]["iou"] is None
    assert told.mean_iou.low == 0.0
    assert told.mean_iou.high == 1.0  # the large one alone, or the small one alone


def test_pictures_of_void_alone_say_nothing() -> None:
    void = np.full((3, 3), VOID, np.uint8)
    counts = pixel_counts([np.zeros((3, 3), int)], [void], 2, [np.full((3, 3), 0.9)])
    assert np.isnan(counts.by_picture[0])
    told = pixel_measures(counts, ("sky", "sea"), PictureBootstrap.of(1))
    assert told.mean_iou is told.accuracy is told.calibration_error is None


def test_calibration_of_pixels_by_hand() -> None:
    truth = np.zeros((10, 10), np.uint8)
    answer = truth.astype(int)
    answer[0] = 1  # a tenth is wrong
    sure = np.full((10, 10), 0.9)
    right = pixel_measures(pixel_counts([answer] * 3, [truth] * 3, 2, [sure] * 3), "ab", PictureBootstrap.of(3))
    assert right.calibration_error.value == pytest.approx(0.0)
    truth[:5] = VOID  # what is left is all right, and was said at 0.9
    low = pixel_measures(pixel_counts([answer] * 3, [truth] * 3, 2, [sure] * 3), "ab", PictureBootstrap.of(3))
    assert low.calibration_error.value == pytest.approx(0.1)


def test_intervals_hold_the_value_and_widen_with_what_differs() -> None:
    rng = np.random.default_rng(1)
    truths = [rng.integers(0, 2, (20, 20)).astype(np.uint8) for _ in range(12)]
    answers = [np.where(rng.random((20, 20)) < (0.95 if i % 2 else 0.6), t, 1 - t) for i, t in enumerate(truths)]
    told = pixel_measures(pixel_counts(answers, truths, 2), "ab", PictureBootstrap.of(12)).mean_iou
    assert told.low < told.value < told.high
    assert told.high - told.low > 0.1


def test_one_picture_says_nothing_of_others() -> None:
    one = np.zeros((4, 4), np.uint8)
    told = pixel_measures(pixel_counts([one], [one], 2), "ab", PictureBootstrap.of(1))
    assert (told.mean_iou.value, told.mean_iou.low, told.mean_iou.high) == (1.0, 0.0, 1.0)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(StriateError, match=r"picture 0 is of \(2, 2\) and its mask of \(2, 3\)"):
        pixel_counts([np.zeros((2, 2))], [np.zeros((2, 3))], 2)
    with pytest.raises(StriateError, match="mask of picture 0 holds 7; there are only 2 classes"):
        pixel_counts([np.zeros((1, 1), int)], [np.full((1, 1), 7)], 2)
    with pytest.raises(StriateError, match="no pictures"):
        pixel_counts([], [], 2)
    with pytest.raises(StriateError, match="from 0 to 1"):
        pixel_counts([np.zeros((1, 1), int)], [np.zeros((1, 1), int)], 2, [np.array([[np.nan]])])
    assert np.isnan(iou_of(np.array([0]), np.array([0]), np.array([5]))).all()
