"""What is wrong with a picture's mask, class by class."""

import numpy as np

from striate.metrics.mask_errors import FOUND, HALF, KINDS, MATTERS, MEANS, mask_errors
from striate.metrics.segmentation import pixel_counts


def errors(answer: list[list[int]], truth: list[list[int]], classes: int = 4) -> list[tuple[int, str, int]]:
    counts = pixel_counts([np.array(answer)], [np.array(truth, np.uint8)], classes)
    return [(one.number, one.kind, one.pixels) for one in mask_errors(counts, 0)]


def test_a_wrong_pixel_is_one_of_two_classes() -> None:
    assert errors([[0, 0, 1, 1, 1, 1]], [[0, 0, 0, 1, 1, 1]]) == [(0, "too small", 1), (1, "too large", 1)]
    assert errors([[0, 0, 2, 1]], [[0, 0, 0, 1]]) == [(0, "too small", 1), (2, "invented", 1)]
    assert errors([[0, 0, 0, 0]], [[0, 0, 0, 1]]) == [(0, "too large", 1), (1, "missed", 1)]
    assert errors([[0, 1]], [[0, 1]]) == []


def test_void_is_no_error() -> None:
    assert errors([[0, 3, 3]], [[0, 255, 255]]) == []


def test_little_matters_where_a_class_is_poor_by_itself_alone() -> None:
    """Of 41 wrong pixels 40 are of road called sky; one of a pole, of two."""
    truth, answer = np.zeros((1, 402), int), np.zeros((1, 402), int)
    truth[0, :200], truth[0, 400:] = 1, 2
    answer[0, 40:200], answer[0, 400] = 1, 2
    assert errors(answer.tolist(), truth.tolist()) == [(0, "too large", 41), (1, "too small", 40)]
    answer[0, 400] = 0  # nothing of the pole is called so
    assert (2, "missed", 2) in errors(answer.tolist(), truth.tolist())


def test_each_kind_has_its_words_and_its_bounds() -> None:
    assert tuple(MEANS) == KINDS
    assert FOUND < HALF and 0 < MATTERS < 1
