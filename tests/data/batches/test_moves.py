"""What is labelled on a picture is found where its moves say: a dot, a box, a mask, for every augmentation.

The pixels are moved by the code that trains (`move_pictures` on what `draw_moves` drew); the labels by `Moves`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from striate.data.batches.augment import Augment, draw_moves, named
from striate.data.batches.loader import batches
from striate.data.batches.moves import Moves
from striate.data.batches.warp import VOID, apply, move_masks, move_pictures, shrunk
from striate.data.store.store import Store

COMPONENTS = ((0.5, 0.1, 0.0), (0.4, -0.1, 0.02), (0.3, 0.0, -0.03))
ALL = Augment(
    max_shift=0.1,
    scale=(0.3, 1.2),
    aspect=1.4,
    enlarge=(1.0, 1.3),
    max_rotate=40.0,
    max_shear=15.0,
    flip=True,
    brightness=0.5,
    contrast=0.4,
    saturation=0.4,
    hue=20.0,
    erase=0.3,
    pca=0.1,
    components=COMPONENTS,
    quarters=True,
    window=0.7,
)
ONE_BY_ONE = {
    "still": Augment(),
    "max_shift": Augment(max_shift=0.3),
    "scale": Augment(scale=(0.2, 1.0)),
    "zoom out": Augment(scale=(1.0, 4.0)),
    "aspect": Augment(scale=(0.3, 0.6), aspect=2.0),
    "enlarge": Augment(enlarge=(1.0, 2.5)),
    "max_rotate": Augment(max_rotate=180.0),
    "max_shear": Augment(max_shear=40.0),
    "flip": Augment(flip=True),
    "brightness": Augment(brightness=1.0),
    "contrast": Augment(contrast=0.6),
    "saturation": Augment(saturation=0.9),
    "hue": Augment(hue=90.0),
    "erase": Augment(erase=0.5),
    "pca": Augment(pca=0.3, components=COMPONENTS),
    "quarters": Augment(quarters=True),
    "window": Augment(window=0.9),
    "window and erase": Augment(window=0.9, erase=0.6),
}
STRENGTHS = ("light", "standard", "strong", "vgg-2014", "googlenet-2014")
NAMED = {name: replace(named(name, flip=True), components=COMPONENTS) for name in STRENGTHS}
EVERY = {**ONE_BY_ONE, **NAMED, "all together": ALL}
SOURCE = (72, 90)
BATCH = 6


@st.composite
def batches_moved(draw: st.DrawFn, augment: Augment) -> Moves:
    """Moves of a batch, at the full size or at a smaller one of progressive resizing."""
    items = draw(st.lists(st.integers(0, 10**6), min_size=BATCH, max_size=BATCH, unique=True))
    size = draw(st.sampled_from([SOURCE, SOURCE, (36, 45), (57, 71)]))
    return draw_moves(augment, seed=draw(st.integers(0, 99)), epoch=3, items=items, source=SOURCE, size=size)


def every(examples: int):
    """Run a test for every augmentation, on so many batches of each; it returns how many pictures it could compare."""

    def decorated(test):
        @pytest.mark.parametrize("name", EVERY)
        def run(name):
            compared = []

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(moves=batches_moved(EVERY[name]), data=st.data())
            def one(moves, data):
                compared.append(test(name, moves, data))

            one()
            assert sum(compared) >= examples

        return run

    return decorated


def coordinates() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y (H, W) of the middles of the stored picture's pixels."""
    y, x = np.mgrid[: SOURCE[0], : SOURCE[1]] + 0.5
    return x, y


def moved(drawn: np.ndarray, moves: Moves) -> np.ndarray:
    """Return how much of what was drawn (N, H, W; 0 to 1) each pixel of the inputs shows, whatever its colour is now.

    Drawn in black and white on three channels, moved as a batch is; colour, which is one line from black to white, is
    told from two pictures that are all black and all white, and taken back.
    """
    given = torch.from_numpy(drawn).float()[:, None].expand(-1, 3, -1, -1).contiguous()
    inputs = move_pictures(given * 2 - 1, moves).double().numpy()
    ends = torch.ones(len(moves), 3, *moves.size)
    black, white = (apply(ends * value, None, moves.colour).double().numpy() for value in (-1, 1))
    channel = np.abs(white - black)[:, :, 0, 0].argmax(1)  # where there is something to see
    at = np.arange(len(moves))
    return ((inputs - black) / np.where(white == black, 1, white - black))[at, channel]


def shows(moves: Moves) -> np.ndarray:
    """Return (N, h, w): which pixels of the inputs show the picture, not its mirror image and nothing erased."""
    return move_masks(torch.zeros(len(moves), *SOURCE, dtype=torch.uint8), moves).numpy() != VOID


def near_an_edge(mask: np.ndarray) -> np.ndarray:
    """Return which pixels have another value than some neighbour, or lie beside the edge of the input."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), constant_values=-1).astype(int)
    height, width = mask.shape[1:]
    around = [padded[:, r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.max(around, axis=0) != np.min(around, axis=0)


@every(8)
def test_a_dot_is_where_its_point_says(name, moves, data):
    x, y = coordinates()
    places = np.array([[data.draw(st.floats(12, SOURCE[1] - 12)), data.draw(st.floats(12, SOURCE[0] - 12))]] * BATCH)
    dots = np.exp(-((x - places[:, :1, None]) ** 2 + (y - places[:, 1:, None]) ** 2) / (2 * 1.5**2))
    inputs, visible = moved(dots, moves), shows(moves)
    rows = np.arange(BATCH)
    expected = moves.points(places, rows)
    assert np.allclose(moves.points_back(expected, rows), places, atol=1e-9)
    around = places[:, None] + 6 * np.stack([np.cos(np.arange(12)), np.sin(np.arange(12))], -1)
    rim = moves.points(around.reshape(-1, 2), np.repeat(rows, 12))
    whole = moves.sees(rim, np.repeat(rows, 12)).reshape(-1, 12).all(1) & moves.sees(expected, rows)
    j, i = np.mgrid[: moves.size[0], : moves.size[1]] + 0.5
    compared = 0
    for at in np.flatnonzero(whole):
        left, top, right, bottom = moves.erased_boxes[at]
        if right > left and np.hypot(*(np.clip(expected[at], (left, top), (right, bottom)) - expected[at])) < 12:
            continue  # part of the dot may be covered
        seen = np.where(visible[at], inputs[at], 0.0)
        seen[seen < 1e-3] = 0.0
        centre = (seen * i).sum() / seen.sum(), (seen * j).sum() / seen.sum()
        assert np.abs(expected[at] - centre).max() < 0.1, (name, at, expected[at], centre)
        compared += 1
    return compared


@every(6)
def test_a_box_is_where_its_edges_say_and_as_much_of_it_is_seen(name, moves, data):
    x, y = coordinates()
    left, top = data.draw(st.integers(0, SOURCE[1] - 20)), data.draw(st.integers(0, SOURCE[0] - 20))
    box = (
        left,
        top,
        left + data.draw(st.integers(14, SOURCE[1] - left)),
        top + data.draw(st.integers(14, SOURCE[0] - top)),
    )
    drawn = ((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).astype(float)
    rows = np.arange(BATCH)
    inputs, visible = moved(np.repeat(drawn[None], BATCH, 0), moves), shows(moves)
    got, share = moves.boxes([box] * BATCH, rows)
    height, width = moves.size
    assert (got >= 0).all() and (got <= (width, height, width, height)).all() and (share >= 0).all()
    stretch = np.abs(np.linalg.det(moves.matrices[:, :, :2]))
    compared = 0
    for at in rows:
        seen = (inputs[at] > 0.5) & visible[at]
        area = (box[2] - box[0]) * (box[3] - box[1]) * stretch[at]
        rim = 2 * (got[at, 2] - got[at, 0] + got[at, 3] - got[at, 1]) + 4
        assert abs(seen.sum() - share[at] * area) <= rim, (name, at)
        if moves.erased_boxes[at, 2] > moves.erased_boxes[at, 0]:
            continue  # the hull is that of the box, whatever covers it
        if share[at] == 0:
            assert not seen.any()
            continue
        columns, lines = np.flatnonzero(seen.any(0)), np.flatnonzero(seen.any(1))
        if len(columns) and share[at] > 0.05:
            found = np.array([columns[0], lines[0], columns[-1] + 1, lines[-1] + 1])
            # A corner that was turned is thinner than a pixel, and none shows more than half of it.
            slack = 1.0 if np.count_nonzero(moves.matrices[at, :, :2]) == 2 else 3.0
            assert np.abs(found - got[at]).max() <= slack, (name, at, found, got[at])
            compared += 1
    return compared


@every(6)
def test_a_mask_is_what_its_pixels_show(name, moves, data):
    x, y = coordinates()
    centre = data.draw(st.floats(10, SOURCE[1] - 10)), data.draw(st.floats(10, SOURCE[0] - 10))
    wide, high = data.draw(st.floats(6, 40)), data.draw(st.floats(6, 40))
    drawn = (((x - centre[0]) / wide) ** 2 + ((y - centre[1]) / high) ** 2 < 1).astype(np.uint8)
    inputs = moved(np.repeat(drawn[None].astype(float), BATCH, 0), moves) > 0.5
    masks = move_masks(torch.from_numpy(drawn).expand(BATCH, -1, -1), moves).numpy()
    assert set(np.unique(masks)) <= {0, 1, VOID}
    clear = ~near_an_edge(masks) & (masks != VOID)
    assert (inputs[clear] == masks[clear]).all()
    return (clear & (masks == 1)).any((1, 2)).sum()


@pytest.mark.parametrize("name", EVERY)
def test_what_shows_nothing_of_the_picture_is_void_and_nothing_else(name):
    moves = draw_moves(EVERY[name], seed=1, epoch=0, items=range(40), source=SOURCE)
    j, i = np.mgrid[: moves.size[0], : moves.size[1]] + 0.5
    middles = np.stack([i.ravel(), j.ravel()], 1)
    void = ~shows(moves)
    for at in range(40):
        x, y = moves.points_back(middles, at).T
        outside = ((x < 0) | (x >= SOURCE[1]) | (y < 0) | (y >= SOURCE[0])).reshape(moves.size)
        unsure = ((np.abs(x - x.round()) < 1e-6) | (np.abs(y - y.round()) < 1e-6)).reshape(moves.size)
        left, top, right, bottom = moves.erased_boxes[at]
        outside[top:bottom, left:right] = True
        assert (void[at] == outside)[~unsure].all()


def test_every_augmentation_is_among_those_tested():
    plain = Augment()
    used = {
        field
        for augment in ONE_BY_ONE.values()
        for field in Augment.__dataclass_fields__
        if getattr(augment, field) != getattr(plain, field)
    }
    assert used == set(Augment.__dataclass_fields__)
    assert all(getattr(ALL, field) != getattr(plain, field) for field in Augment.__dataclass_fields__)


def _one(geometry, *, source=(4, 8), size=None) -> Moves:
    return Moves(1, source, size or source, np.array([geometry], float))


MIRROR = [[-1, 0, 0], [0, 1, 0]]


def test_by_hand_a_mirror():
    moves = _one(MIRROR)
    assert moves.matrices.tolist() == [[[-1, 0, 8], [0, 1, 0]]]
    assert moves.points([[0.5, 0.5], [8, 4]]).tolist() == [[7.5, 0.5], [0, 4]]  # the middle of a pixel stays one
    assert moves.boxes([[0, 0, 3, 5]]).boxes.tolist() == [[5, 0, 8, 4]]
    assert moves.boxes([[0, 0, 3, 5]]).visible.tolist() == [0.8]
    assert moves.mirrored.tolist() == [True] and moves.turned.tolist() == [0]
    assert moves.signs([2.5]).tolist() == [-2.5] and moves.angles([30, 270], of=0).round(9).tolist() == [150, 270]


def test_by_hand_a_quarter_turn():
    # The input is read from what lies a quarter turn away: what was at the right of the picture is now at its bottom.
    moves = _one([[0, 1, 0], [-1, 0, 0]], source=(8, 8))
    pixels = torch.zeros(1, 1, 8, 8)
    pixels[0, 0, 4, 7] = 1.0  # row 4, column 7
    got = move_pictures(pixels, moves)[0, 0]
    row, column = divmod(int(got.argmax()), 8)
    assert moves.points([[7.5, 4.5]]).tolist() == [[column + 0.5, row + 0.5]] == [[3.5, 7.5]]
    assert moves.boxes([[7, 4, 8, 6]]).boxes.tolist() == [[2, 7, 4, 8]]
    assert moves.turned.tolist() == [-90] and moves.mirrored.tolist() == [False]
    assert moves.angles([0.0]).round(9).tolist() == [270]  # what pointed right points down
    assert moves.angles([90.0], zero="up", clockwise=True).round(9).tolist() == [180]


def test_by_hand_half_the_size_and_whole_pixels():
    # A shift of 0.3 of 4 pixels is 1 whole one, of the 8 stored ones therefore 2 and not 2.4.
    moves = _one([[1, 0, 0.3], [0, 1, 0]], source=(8, 8), size=(4, 4))
    assert moves.matrices.tolist() == [[[0.5, 0, -1], [0, 0.5, 0]]]
    assert moves.points([[3, 1]]).tolist() == [[0.5, 0.5]]
    pixels = torch.arange(8.0).expand(1, 1, 8, 8)
    assert move_pictures(pixels, moves)[0, 0, 1, :2].tolist() == pytest.approx([2.5, 4.5], abs=0.2)
    full = _one([[1, 0, 0.3], [0, 1, 0]], source=(8, 8))
    assert full.points([[3, 1]]).tolist() == [[1, 1]]


def test_by_hand_boxes_at_an_edge():
    # Turned by 45 degrees about the middle (4, 4): the square of side 2 stands on a corner, 2 * sqrt(2) across.
    root = math.sqrt(0.5)
    turn = _one([[root, -root, 0], [root, root, 0]], source=(8, 8))
    boxes, visible = turn.boxes([[3, 3, 5, 5], [-20, 3, -18, 5]])
    assert boxes[0] == pytest.approx([4 - 2 * root, 4 - 2 * root, 4 + 2 * root, 4 + 2 * root])
    assert visible.round(12).tolist() == [1, 0] and (boxes[1, :2] == boxes[1, 2:]).all()
    # The same, moved until its middle lies on the left edge: half of it, a triangle, is left.
    edge = _one([[root, -root, 0.5 * root], [root, root, 0.5 * root]], source=(8, 8))
    boxes, visible = edge.boxes([[3, 3, 5, 5]])
    assert boxes[0] == pytest.approx([0, 4 - 2 * root, 2 * root, 4 + 2 * root]) and visible[0] == pytest.approx(0.5)
    # The input lies within a box that is larger: all of the input, and so much of the box.
    boxes, visible = _one([[0.5, 0, 0], [0, 0.5, 0]], source=(8, 8)).boxes([[0, 0, 8, 8]])
    assert boxes.tolist() == [[0, 0, 8, 8]] and visible.tolist() == [0.25]
    # What erasing covers is not seen; the hull stays.
    covered = Moves(1, (8, 8), (8, 8), erased=np.array([[0.0, 0.0, 0.5, 0.5]]))
    boxes, visible = covered.boxes([[2, 2, 6, 6]])
    assert boxes.tolist() == [[2, 2, 6, 6]] and visible.tolist() == [0.75]
    assert covered.sees([[1, 1], [4.5, 1], [9, 1]]).tolist() == [False, True, False]
    # A dot and a line have no area: they are seen or not.
    assert turn.boxes([[4, 4, 4, 4], [4, 2, 4, 5], [90, 4, 90, 9]]).visible.tolist() == [1, 1, 0]


def test_areas_equal_counting():
    draws = np.random.default_rng(4)
    moves = draw_moves(ALL, seed=5, epoch=1, items=range(60), source=(200, 240))
    lefts = draws.uniform([0, 0], [180, 150], (60, 2))
    boxes = np.concatenate([lefts, lefts + draws.uniform(10, 90, (60, 2))], 1)
    _, share = moves.boxes(boxes, np.arange(60))
    j, i = np.mgrid[:200, :240] + 0.5
    middles = np.stack([i.ravel(), j.ravel()], 1)
    for at, (left, top, right, bottom) in enumerate(boxes):
        x, y = moves.points_back(middles, at).T
        within = (x > left) & (x < right) & (y > top) & (y < bottom) & moves.sees(middles, at)
        area = (right - left) * (bottom - top) * abs(np.linalg.det(moves.matrices[at, :, :2]))
        assert share[at] == pytest.approx(within.sum() / area, abs=0.02 + 30 / area)


@pytest.mark.parametrize("name", ["max_rotate", "flip", "max_shear", "all together"])
@pytest.mark.parametrize(("zero", "clockwise"), [("right", False), ("up", True), ("up", False)])
def test_an_angle_is_that_of_two_points(name, zero, clockwise):
    moves = draw_moves(EVERY[name], seed=2, epoch=0, items=range(30), source=SOURCE)
    degrees = np.random.default_rng(0).uniform(0, 360, 30)
    seen = np.radians((-degrees if clockwise else degrees) + (90 if zero == "up" else 0))
    ends = np.stack([45 + 10 * np.cos(seen), 36 - 10 * np.sin(seen)], 1)
    rows = np.arange(30)
    x, y = (moves.points(ends, rows) - moves.points([[45, 36]] * 30, rows)).T
    found = np.degrees(np.arctan2(-y, x)) - (90 if zero == "up" else 0)
    off = (moves.angles(degrees, zero=zero, clockwise=clockwise) - (-found if clockwise else found)) % 360
    assert np.minimum(off, 360 - off).max() < 1e-9
    if name in ("max_rotate", "flip"):
        plain = np.where(moves.mirrored, 180 - degrees, degrees) + moves.turned
        off = (moves.angles(degrees) - plain) % 360
        assert np.minimum(off, 360 - off).max() < 1e-9


@cache
def _store() -> Store:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 12, 16, 3), np.uint8)
    return Store(pixels, tuple(bytes([i]) * 16 for i in range(30)))


@pytest.mark.parametrize("prefetch", [0, 2])
def test_batches_carry_their_moves(prefetch):
    """Drawn by (seed, epoch, row) alone, at the size of their place in the epoch, resumed in the middle or not."""
    store, sizes = _store(), [(6, 8), (6, 8), (12, 16), (12, 16)]
    whole = replace(ALL, window=1.0)  # a window is as large as it is, whatever the size of the epoch
    how = {"batch_size": 8, "shuffle": True, "seed": 4, "epoch": 2, "prefetch": prefetch, "augment": whole}
    made = list(batches(store, [0] * 30, range(30), size_at=lambda at: sizes[at], **how))
    for at, batch in enumerate(made):
        one = draw_moves(whole, seed=4, epoch=2, items=batch.items, source=(12, 16), size=sizes[at])
        assert batch.moves.size == sizes[at] and len(batch.moves) == len(batch.items)
        assert np.array_equal(batch.moves.matrices, one.matrices) and np.array_equal(batch.moves.colour, one.colour)
        assert move_pictures(batch.pixels.float(), batch.moves).shape[2:] == sizes[at]
    rest = list(batches(store, [0] * 30, range(30), size_at=lambda at: sizes[at], skip=2, **how))
    assert [batch.moves.matrices.tolist() for batch in rest] == [batch.moves.matrices.tolist() for batch in made[2:]]
    plain = next(batches(store, [0] * 30, range(30), batch_size=8))
    assert plain.moves.matrices.tolist() == [[[1, 0, 0], [0, 1, 0]]] * 8 and plain.moves.source == (12, 16)
    inputs = plain.pixels.float()
    assert move_pictures(inputs, plain.moves) is inputs


@pytest.mark.parametrize("name", EVERY)
def test_a_part_of_a_batch_is_moved_as_in_the_whole(name):
    inputs = torch.from_numpy(np.random.default_rng(1).normal(size=(9, 3, 24, 20))).float()
    moves = draw_moves(EVERY[name], seed=0, epoch=1, items=range(9), source=(24, 20), size=(12, 10))
    whole = move_pictures(inputs, moves)
    assert torch.equal(torch.cat([move_pictures(inputs[i:j], moves[i:j]) for i, j in ((0, 1), (1, 6), (6, 9))]), whole)
    shown = apply(shrunk(inputs, moves.moved_at), moves.geometry, moves.colour, erased=moves.erased)
    if moves.corners is not None:
        assert moves.moved_at == moves.source  # a window is of a picture in its own size
        parts = [one[:, top:, left:] for one, (left, top) in zip(shown, moves.corners.tolist(), strict=True)]
        shown = torch.stack([part[:, : moves.size[0], : moves.size[1]] for part in parts])
    assert torch.equal(shown, whole)
    assert np.array_equal(moves[np.array([4, 2])].matrices, moves.matrices[[4, 2]])


# What is drawn is part of what a run is: one that is resumed, or made again from its recipe, draws these very numbers.
# Made by the version before there were `Moves`: seed 7, epoch 3, item 12345; geometry, colour, erased.
DRAWN = {
    "light": ([1.0, 0.0, 0.033170965647, 0.0, 1.0, -0.093206353915], None, None),
    "standard": (
        [0.948938406442, -0.113829614598, 0.010803476721, 0.111494729227, 0.929473679168, 0.027703386442],
        [
            1.133057824123,
            0.021481849177,
            -0.004416431165,
            0.089836695324,
            0.003351210422,
            1.139099060567,
            0.007672971147,
            0.089836695324,
            0.027503504103,
            0.000422119975,
            1.122197618058,
            0.089836695324,
        ],
        None,
    ),
    "strong": (
        [0.904721050599, -0.07805559717, 0.016809205301, 0.213880086475, 0.912283927269, 0.041500353619],
        [
            1.264556852962,
            0.056304830019,
            -0.02061519871,
            0.179673390649,
            0.000793894403,
            1.275656462977,
            0.023796126891,
            0.179673390649,
            0.089519155672,
            -0.021059663824,
            1.231786992423,
            0.179673390649,
        ],
        [0.052811919708, 0.092372246867, 0.564461368012, 0.506045032539],
    ),
    "googlenet-2014": (
        [0.907271159314, 0.0, 0.02263491856, 0.0, 0.888661115122, 0.048298105122],
        [
            1.316833477956,
            0.048965201532,
            0.009509425851,
            0.224591738311,
            0.024941388855,
            1.340857290633,
            0.009509425851,
            0.224591738311,
            0.024941388855,
            0.048965201532,
            1.301401514952,
            0.224591738311,
        ],
        None,
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_is_drawn_as_ever(name):
    moves = draw_moves(named(name, flip=True), seed=7, epoch=3, items=[0, 12345], source=(9, 9))
    for got, expected in zip((moves.geometry, moves.colour, moves.erased), DRAWN[name], strict=True):
        assert (got is None) == (expected is None)
        if got is not None:
            assert got[1].ravel() == pytest.approx(expected, abs=1e-11)
