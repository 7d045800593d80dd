"""Windows of pictures: what is cut out, and that pictures without an up are shown every way."""

from __future__ import annotations

import numpy as np
import torch

from striate.data.batches.augment import Augment, draw_moves, named
from striate.data.batches.warp import move_masks, move_pictures


def test_windows_are_pieces_of_the_turned_picture_pixel_by_pixel() -> None:
    drawn = torch.arange(96 * 96).view(1, 1, 96, 96).float()
    moves = draw_moves(named("windows", flip=True), seed=1, epoch=0, items=range(64), source=(96, 96))
    assert moves.size == (64, 64) and moves.corners is not None  # half of 96 is 48: the multiple of 32 at hand
    inputs = move_pictures(drawn.expand(64, 1, 96, 96), moves)
    turned = [torch.rot90(one, k, (0, 1)) for one in (drawn[0, 0], drawn[0, 0].flip(1)) for k in range(4)]
    seen = set()
    for picture, (left, top) in zip(inputs[:, 0], moves.corners.tolist(), strict=True):
        pieces = [one[top : top + 64, left : left + 64] for one in turned]
        alike = [way for way, piece in enumerate(pieces) if torch.allclose(picture, piece, atol=0.05)]
        assert len(alike) == 1
        seen.add(alike[0])
    assert seen == set(range(8))
    assert len({tuple(corner) for corner in moves.corners.tolist()}) > 40
    assert moves.corners.min() == 0 and moves.corners.max() == 32


def test_masks_go_where_their_windows_go() -> None:
    drawn = (np.arange(96 * 64) % 251).astype(np.uint8).reshape(96, 64)
    moves = draw_moves(Augment(window=0.7, flip=True), seed=2, epoch=0, items=range(20), source=(96, 64))
    masks = move_masks(torch.from_numpy(drawn).expand(20, 96, 64), moves)
    pictures = move_pictures(torch.from_numpy(drawn).float().expand(20, 1, 96, 64), moves)
    assert torch.equal(masks.float(), pictures[:, 0])


def test_a_picture_smaller_than_the_least_window_is_shown_whole() -> None:
    moves = draw_moves(Augment(window=0.5), seed=0, epoch=0, items=[3], source=(20, 70))
    assert moves.size == (20, 32) and moves.corners is not None and moves.corners[0, 1] == 0
