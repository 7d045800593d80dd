"""Boxes: overlaps against pycocotools, suppression against the rule written down plainly."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.boxes import Found, Truth, box_areas, iou, suppress


def drawn(rng: np.random.Generator, count: int, size: int = 100) -> np.ndarray:
    corner = rng.integers(0, size, (count, 2))
    return np.concatenate([corner, corner + rng.integers(0, size // 2, (count, 2))], axis=1).astype(float)


def plain_suppression(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, overlap: float) -> list[int]:
    kept: list[int] = []
    for row in sorted(range(len(boxes)), key=lambda row: (-scores[row], row)):
        if all(classes[row] != classes[other] or iou(boxes[[other]], boxes[[row]])[0, 0] <= overlap for other in kept):
            kept.append(row)
    return kept


def test_overlap_by_hand() -> None:
    a, b = [[0, 0, 10, 10]], [[5, 0, 15, 10], [0, 0, 10, 10], [10, 0, 20, 10], [2, 2, 4, 4]]
    np.testing.assert_allclose(iou(a, b), [[50 / 150, 1.0, 0.0, 0.04]])


def test_of_a_crowd_the_found_box_alone_counts() -> None:
    found, crowd = [[0, 0, 10, 10]], [[0, 0, 100, 100], [5, 0, 100, 100]]
    np.testing.assert_allclose(iou(found, crowd, [True, True]), [[1.0, 0.5]])
    np.testing.assert_allclose(iou(found, crowd, [True, False]), [[1.0, 50 / (100 + 9500 - 50)]])


def test_boxes_without_area_overlap_nothing_and_raise_no_warning() -> None:
    with np.errstate(all="raise"):
        assert iou([[3, 3, 3, 3]], [[3, 3, 3, 3], [0, 0, 10, 10]]).tolist() == [[0.0, 0.0]]
        assert iou([[3, 3, 3, 3]], [[0, 0, 10, 10]], [True]).tolist() == [[0.0]]


def test_none_with_any_is_an_empty_table() -> None:
    assert iou(np.zeros((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou([[0, 0, 1, 1]], []).shape == (1, 0)


def test_overlaps_are_those_of_pycocotools() -> None:
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = drawn(rng, int(rng.integers(1, 20))), drawn(rng, int(rng.integers(1, 20)))
        crowd = rng.random(len(b)) < 0.3
        a_wide, b_wide = (np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], axis=1) for x in (a, b))
        assert (iou(a, b, crowd) == mask.iou(a_wide, b_wide, crowd.astype(np.uint8))).all()


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.6, 1.0])
def test_suppression_is_the_greedy_rule(overlap: float) -> None:
    rng = np.random.default_rng(1)
    for count in (0, 1, 7, 400):  # the last in several blocks
        boxes, classes = drawn(rng, count), rng.integers(0, 3, count)
        scores = rng.integers(0, 20, count) / 20  # with ties
        assert suppress(boxes, scores, classes, overlap=overlap).tolist() == plain_suppression(
            boxes, scores, classes, overlap
        )


def test_ten_thousand_boxes_one_class_none_left_out() -> None:
    rng = np.random.default_rng(2)
    corner = np.stack(np.meshgrid(np.arange(100), np.arange(100)), axis=-1).reshape(-1, 2) * 10.0
    boxes = np.concatenate([corner, corner + 10], axis=1)
    assert len(suppress(boxes, rng.random(10_000))) == 10_000
    twice = np.concatenate([boxes, boxes + 1.0])
    scores = np.concatenate([np.full(10_000, 0.9), np.full(10_000, 0.5)])
    kept = suppress(twice, scores)  # the second ones overlap the first by 0.68
    assert kept.tolist() == list(range(10_000))


def test_other_classes_do_not_drop_each_other_and_most_is_kept_to() -> None:
    boxes = [[0, 0, 10, 10]] * 3
    assert suppress(boxes, [0.1, 0.3, 0.2], [0, 1, 2]).tolist() == [1, 2, 0]
    assert suppress(boxes, [0.1, 0.3, 0.2]).tolist() == [1]
    assert suppress(boxes, [0.1, 0.3, 0.2], [0, 1, 2], most=2).tolist() == [1, 2]


def test_truth_fills_in_what_is_not_said() -> None:
    truth = Truth([[0, 0, 10, 4], [1, 1, 2, 2]], [2, 0], unlooked=(5, 1, 5))
    assert truth.areas.tolist() == [40.0, 1.0]
    assert truth.ignored.tolist() == [False, False]
    assert truth.unlooked == (1, 5)
    assert truth.at([1]).classes.tolist() == [0]
    assert truth.at([]).boxes.shape == (0, 4)
    assert truth.at([]).unlooked == (1, 5)


def test_a_picture_without_boxes() -> None:
    assert len(Found([], [], [])) == 0
    assert Found([], [], []).boxes.shape == (0, 4)
    assert len(Truth([], [])) == 0
    assert box_areas([]).shape == (0,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Found([[0, 0, 1]], [0], [0.5]), "left, top, right, bottom"),
        (lambda: Found([[5, 0, 1, 1]], [0], [0.5]), r"box 0 is \[5.0, 0.0, 1.0, 1.0\]"),
        (lambda: Found([[0, 0, 1, 1], [0, 0, float("nan"), 1]], [0, 0], [0.5, 0.5]), "box 1"),
        (lambda: Found([[0, 0, 1, 1]], [0.5], [0.5]), "class numbers"),
        (lambda: Found([[0, 0, 1, 1]], [-1], [0.5]), "-1 among them"),
        (lambda: Found([[0, 0, 1, 1]], [0], [0.5, 0.2]), "1 boxes need 1 scores"),
        (lambda: Found([[0, 0, 1, 1]], [0], [float("inf")]), "finite"),
        (lambda: Truth([[0, 0, 1, 1]], [0], np.array([1])), "True or False"),
        (lambda: Truth([[0, 0, 1, 1]], [0], areas=np.array([1.0, 2.0])), "areas"),
        (lambda: suppress([[0, 0, 1, 1]], [0.5], overlap=1.5), "between 0 and 1"),
    ],
)
def test_what_is_no_box_is_refused(make, words: str) -> None:
    with pytest.raises(StriateError, match=words):
        make()
