"""Boundary F: by hand, and against distances that SciPy computes."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.boundary import boundary_f, boundary_scores, default_tolerance


def halves(edge: int, width: int = 10, height: int = 4) -> np.ndarray:
    return np.broadcast_to(np.arange(width) >= edge, (height, width)).astype(int)


def test_a_straight_edge_by_hand() -> None:
    truth = halves(5)  # class 0 ends in column 4, class 1 begins in 5
    assert boundary_f(truth, truth, 2, tolerance=0).tolist() == [1.0, 1.0]
    assert boundary_f(halves(7), truth, 2, tolerance=1).tolist() == [0.0, 0.0]
    assert boundary_f(halves(7), truth, 2, tolerance=2).tolist() == [1.0, 1.0]


def test_half_of_an_edge_by_hand() -> None:
    # A bar of 2 x 1 pixels in the middle; the answer has the left one alone, and one far away.
    truth, answer = np.zeros((7, 20), int), np.zeros((7, 20), int)
    truth[3, 3:5] = 1
    answer[3, 3] = answer[3, 15] = 1
    # Class 1: of two answered boundary pixels one is near, of two true ones one: both within 0.
    assert boundary_f(answer, truth, 2, tolerance=0)[1] == pytest.approx(0.5)
    # Within 1 the second true pixel is near the first answered one: recall 1, precision 1/2.
    assert boundary_f(answer, truth, 2, tolerance=1)[1] == pytest.approx(2 / 3)


def test_only_one_of_the_two_has_the_class() -> None:
    plain, edge = np.zeros((4, 10), int), halves(5)
    found = boundary_f(edge, plain, 3)
    assert found[:2].tolist() == [0.0, 0.0]
    assert np.isnan(found[2])
    assert np.isnan(boundary_f(plain, plain, 3)).all()


def test_edges_of_the_picture_and_void_are_no_boundaries() -> None:
    truth, answer = halves(5), halves(5)
    truth[:, 4:6] = 255  # the edge itself is void
    assert np.isnan(boundary_f(answer, truth, 2)).all()
    answer[:, 4] = 1  # nor does it matter what is said there
    assert np.isnan(boundary_f(answer, truth, 2)).all()


def test_distances_are_scipys() -> None:
    far = pytest.importorskip("scipy.ndimage").distance_transform_edt
    rng = np.random.default_rng(0)
    for tolerance in (0, 1, 1.5, 2.3, 4):
        answer, truth = rng.integers(0, 2, (2, 24, 31)) & rng.integers(0, 2, (2, 24, 31))
        found = boundary_f(answer, truth, 2, tolerance=tolerance)
        for kind in (0, 1):
            edges = []
            for mask in (answer, truth):
                other = np.pad(mask, 1, mode="edge")
                steps = [other[1:-1, :-2], other[1:-1, 2:], other[:-2, 1:-1], other[2:, 1:-1]]
                edges.append((mask == kind) & np.any([step != mask for step in steps], axis=0))
            precision = (far(~edges[1])[edges[0]] <= tolerance).mean()
            recall = (far(~edges[0])[edges[1]] <= tolerance).mean()
            assert found[kind] == pytest.approx(2 * precision * recall / (precision + recall))


def test_tolerance_by_the_diagonal() -> None:
    assert default_tolerance(300, 400) == 3.75
    assert default_tolerance(20, 20) == 1.0


def test_scores_of_several_pictures_and_refusals() -> None:
    scores = boundary_scores([halves(5), np.zeros((4, 10), int)], [halves(5), np.zeros((4, 10), int)], 2)
    assert scores[0].tolist() == [1.0, 1.0]
    assert np.isnan(scores[1]).all()
    with pytest.raises(StriateError, match="not the same pixels"):
        boundary_f(np.zeros((2, 2)), np.zeros((2, 3)), 2)
    with pytest.raises(StriateError, match="0 pixels or more"):
        boundary_f(np.zeros((2, 2)), np.zeros((2, 2)), 2, tolerance=-1)
    with pytest.raises(StriateError, match="holds 5"):
        boundary_f(np.array([[0, 5]]), np.array([[0, 1]]), 2)
