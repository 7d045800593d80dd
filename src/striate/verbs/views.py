"""Views: what a frozen trunk is shown of every picture, once: as it is, in the mirror, and nearer or farther away.

Each is a picture moved by a matrix, and what is labelled on it moves along by the same one (`Task.move`). A task may
have those in the mirror in another light (`Task.light`), so that what was learnt at noon is known in the evening.
Beyond the edge of a picture that is seen from farther away lies the gray that pictures are padded with.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.batches import draws
from striate.data.batches.moves import Moves
from striate.data.batches.warp import move_masks, move_pictures
from striate.data.pictures.affine import Matrices
from striate.data.pictures.preprocess import FILL
from striate.data.store.store import Store
from striate.verbs.prepared import Prepared

AS_IT_IS: Final = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
MIRROR: Final = np.array([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
NEARER: Final = 4 / 3  # times as large, at most, and as small at the least


@dataclass(frozen=True, eq=False)
class Views:
    """What is shown of the pictures: ``rows`` (R,) of the store, each moved by ``geometry`` (R, 2, 3).

    The first ``still`` are pictures as they are: those to train on, then those to validate by. ``geometry`` is in the
    terms of `striate.data.batches.augment`. ``light`` (R, 2): how many times as bright each is, and how many times its
    contrast.
    """

    rows: NDArray[np.int64]
    geometry: Matrices
    still: int
    light: Matrices

    @classmethod
    def of(cls, prepared: Prepared) -> Views:
        """Return the pictures to train on and to validate by as they are, then views of the former.

        Mirrored where they may be, and as many as the task asks for (`Task.zooms`) at other sizes. The pictures to test
        with are not learnt from, and are asked as anybody's: through the whole net, in the end.
        """
        config, split = prepared.config, prepared.split
        train, val = (np.array(part, np.int64) for part in (split.train, split.val))
        rows, moves = [train, val], [np.broadcast_to(AS_IT_IS, (len(train) + len(val), 2, 3))]
        light = [np.ones((len(train) + len(val), 2))]
        if config.flip:
            rows.append(train)
            moves.append(np.broadcast_to(MIRROR, (len(train), 2, 3)))
            light.append(_lit(train, prepared.task.light, seed=config.seed))
        for number in range(prepared.task.zooms):
            rows.append(train)
            moves.append(_zoomed(train, seed=config.seed, number=number, flip=config.flip))
            light.append(np.ones((len(train), 2)))
        return cls(np.concatenate(rows), np.concatenate(moves), len(train) + len(val), np.concatenate(light))

    @property
    def digest(self) -> str:
        """What these views are told from others by."""
        light = self.light.tobytes() if (self.light != 1).any() else b""
        geometry = np.ascontiguousarray(self.geometry).tobytes()
        return hashlib.sha256(self.rows.tobytes() + geometry + light).hexdigest()

    def moves(self, some: slice, size: tuple[int, int]) -> Moves:
        """Return how some of them lie to the pictures of the store, ``size`` (height, width)."""
        geometry = self.geometry[some]
        return Moves(len(geometry), size, size, geometry)

    def pixels(self, store: Store, view: int) -> NDArray[np.uint8]:
        """Return a view (1, H, W, C) of a picture."""
        row, geometry = int(self.rows[view]), self.geometry[view]
        shown = store.pixels[row : row + 1]
        if np.array_equal(geometry, AS_IT_IS):
            return np.ascontiguousarray(shown)
        if np.array_equal(geometry, MIRROR):
            return np.ascontiguousarray(_shone(shown[:, :, ::-1], *self.light[view].tolist()))
        size = (int(shown.shape[1]), int(shown.shape[2]))
        moves = self.moves(slice(view, view + 1), size)
        moved = move_pictures(torch.from_numpy(np.array(shown)).permute(0, 3, 1, 2).float(), moves)
        beyond = move_masks(torch.zeros(1, *size, dtype=torch.uint8), moves, void=1) > 0
        pixels = moved.round().clamp(0, 255).masked_fill(beyond[:, None], FILL).to(torch.uint8)
        return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())


def _zoomed(rows: NDArray[np.int64], *, seed: int, number: int, flip: bool) -> Matrices:
    """Return moves (N, 2, 3) to another size, `NEARER` times as large to as small, anywhere it fits; half mirrored."""
    drawn = draws.uniforms(rows, 4, seed=seed, purpose="views", epoch=number)
    read = NEARER ** (1 - 2 * drawn[:, 0])
    moves = np.zeros((len(rows), 2, 3))
    moves[:, 0, 0] = np.where(flip & (drawn[:, 1] < 0.5), -read, read)
    moves[:, 1, 1] = read
    moves[:, :, 2] = (2 * drawn[:, 2:] - 1) * np.abs(1 - read)[:, None] / 2
    return moves


def _lit(rows: NDArray[np.int64], most: float, *, seed: int) -> Matrices:
    """Return brightness and contrast (N, 2): the former e^-most to e^most times, the latter 1 - most to 1 + most."""
    if not most:
        return np.ones((len(rows), 2))
    drawn = 2 * draws.uniforms(rows, 2, seed=seed, purpose="light") - 1
    return np.stack([np.exp(most * drawn[:, 0]), 1 + most * drawn[:, 1]], 1)


def _shone(pixels: NDArray[np.uint8], bright: float, contrast: float) -> NDArray[np.uint8]:
    """Return a picture so many times as bright, with so many times the contrast around its mean."""
    if bright == contrast == 1:
        return pixels
    brighter = pixels.astype(np.float32) * bright
    middle = brighter.mean()
    shone: NDArray[np.uint8] = np.clip(middle + contrast * (brighter - middle) + 0.5, 0, 255).astype(np.uint8)
    return shone
