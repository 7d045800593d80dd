"""Outlines fill the pixels whose middle they hold: against a test of every point, and against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest

from striate.data.labels.filled import filled, mask_of
from striate.data.labels.objects import PictureObjects

SQUARE = np.array([(1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0)])
HOLE = np.array([(3.0, 3.0), (6.0, 3.0), (6.0, 6.0), (3.0, 6.0)])


def inside(ring: np.ndarray, x: float, y: float) -> bool:
    """Whether a point lies in a ring, by counting the edges to its left."""
    within = False
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x > x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            within = not within
    return within


@pytest.mark.parametrize("seed", range(10))
def test_the_middles_of_pixels_decide(seed: int) -> None:
    ring = np.random.default_rng(seed).uniform(-4, 16, (7, 2))
    wanted = [[inside(ring, x + 0.5, y + 0.5) for x in range(13)] for y in range(11)]
    assert filled([ring], 11, 13).tolist() == wanted


def test_an_upright_box_fills_its_pixels() -> None:
    assert filled([SQUARE], 12, 12).sum() == 64 and filled([SQUARE], 12, 12)[1:9, 1:9].all()


@pytest.mark.parametrize("turn", [1, -1])
def test_a_ring_in_a_ring_is_a_hole_whichever_way_it_runs(turn: int) -> None:
    found = filled([HOLE[::turn], SQUARE], 12, 12)
    assert found.sum() == 64 - 9 and not found[4, 4]
    island = filled([SQUARE, HOLE, np.array([(4.0, 4.0), (5.0, 4.0), (5.0, 5.0), (4.0, 5.0)])], 12, 12)
    assert island.sum() == 64 - 9 + 1 and island[4, 4]


def test_parts_are_joined() -> None:
    assert filled([SQUARE, HOLE + 5], 12, 12).sum() == 64 + 9 - 1
    assert filled([HOLE, HOLE + 3], 12, 12).sum() == 18


def test_a_mask_of_objects() -> None:
    picture = PictureObjects.of(
        "a.jpg", 12, 12, [(3, 3, 6, 6), (1, 1, 9, 9), (10, 0, 12, 2), (0, 10, 2, 12)], [1, 0, 0, 1],
        outlines=((HOLE,), (SQUARE,), (), (np.array([(0.0, 10.0), (2.0, 10.0), (2.0, 12.0), (0.0, 12.0)]),)),
        ignored=[False, False, False, True],
    )  # fmt: skip
    mask = mask_of(picture, [1, 2], background=0)
    assert (mask == 2).sum() == 9 and mask[4, 4] == 2  # the smaller lies over the larger
    assert (mask == 1).sum() == 64 - 9
    assert (mask[0:2, 10:12] == 255).all()  # a box alone
    assert (mask[10:12, 0:2] == 255).all()  # to be ignored
    assert (mask == 255).sum() == 8 and (mask == 0).sum() == 144 - 64 - 8


def test_where_not_all_classes_were_looked_for_nothing_is_background() -> None:
    picture = PictureObjects.of("a.jpg", 12, 12, [(1, 1, 9, 9)], [0], outlines=((SQUARE,),), labelled=(0,))
    mask = mask_of(picture, [1], background=0)
    assert (mask == 1).sum() == 64 and (mask == 255).sum() == 80


def test_outlines_beyond_the_edge_and_without_a_pixel() -> None:
    far = np.array([(-5.0, -5.0), (50.0, -5.0), (50.0, 50.0), (-5.0, 50.0)])
    thin = np.array([(3.6, 3.6), (4.4, 3.6), (4.4, 3.7)])
    picture = PictureObjects.of("a.jpg", 6, 4, [(0, 0, 6, 4), (3.6, 3.6, 4.4, 3.7)], [0, 0], outlines=((far,), (thin,)))
    assert (mask_of(picture, [1], background=0) == 1).all()
    assert filled([thin], 8, 8).sum() == 0


def test_as_pycocotools_has_it() -> None:
    masks = pytest.importorskip("pycocotools.mask", reason="an oracle, for development only")
    rng = np.random.default_rng(3)
    for _ in range(20):
        angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
        ring = np.stack([60 + 40 * np.cos(angle), 50 + 35 * np.sin(angle)], axis=1)
        theirs = masks.decode(masks.frPyObjects([ring.ravel().tolist()], 100, 120))[..., 0].astype(bool)
        ours = filled([ring], 100, 120)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.96  # theirs rounds outlines to a fifth of a pixel
