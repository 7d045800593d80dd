"""Tiled: pictures much larger than the network's input, answered tile by tile at the scale that it learnt at.

A picture no larger than one tile is answered as any other. Of a larger one no more is held than its decoded pixels, a
few tiles, and the answer.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures import tiles
from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.given import Given, enumerated
from striate.data.pictures.tiles import Tiling
from striate.errors import ModelError, PictureError, StriateError
from striate.runs.onnx_file import thread_count
from striate.runs.reading import Progress, Seen, content_of, unreadable
from striate.tasks.values import SCALE

if TYPE_CHECKING:
    from striate.data.pictures.depth import Depth
    from striate.runs.predictor import Predictor
    from striate.tasks.prediction import Prediction
    from striate.tasks.values import Outputs

AUTO: Final = "auto"
LEAST, MOST = 16, 65_500  # pixels of a picture along a tile's longer side
MUCH: Final = 2.0  # times as large as those it learnt from, from which on a picture is worth tiles


def scale_of(predictor: Predictor, tile: int | str) -> tuple[float, float]:
    """Return how many pixels of a picture one of a tile is, down and across.

    ``tile`` is how many pixels of the picture a tile's longer side is, or "auto": as in the pictures learnt from, whose
    median the model knows. Errors: StriateError for what is neither, ModelError for a model that does not know it.
    """
    learnt, size = _learnt(predictor), (predictor.preprocess.height, predictor.preprocess.width)
    if isinstance(tile, str) and tile.isdecimal() and tile.isascii():
        tile = int(tile[:9])
    if tile == AUTO:
        if learnt is None:
            raise ModelError(
                "this model does not say how large the pictures were that it learnt from; say how many of their pixels"
                f" a tile is to be long, such as {max(size)} for pictures that are shown to it as they are: --tile SIZE"
            )
        return learnt
    if isinstance(tile, bool) or not isinstance(tile, int) or not LEAST <= tile <= MOST:
        raise StriateError(
            f"--tile {tile}: it is how many pixels of the picture a tile's longer side is, a whole number from {LEAST}"
            f" to {MOST:,}, or {AUTO}"
        )
    down, across = learnt or (1.0, 1.0)
    longer = max(size[0] * down, size[1] * across)
    return down * tile / longer, across * tile / longer


def larger(predictor: Predictor, crop: CropTransform | None) -> float | None:
    """Return how many times as large as those learnt from a picture is, whose ``crop`` this is, where that is much."""
    learnt = _learnt(predictor) if crop is not None else None
    if crop is None or learnt is None:
        return None
    times = math.sqrt(crop.down * crop.across / (learnt[0] * learnt[1]))
    return times if times >= MUCH else None


def _learnt(predictor: Predictor) -> tuple[float, float] | None:
    scale = predictor.labels.facts.get(SCALE)
    if scale is None:
        return None
    sound = isinstance(scale, list | tuple) and len(scale) == 2
    if not sound or not all(type(one) in (int, float) and 1e-3 <= one <= 1e5 for one in scale):
        raise ModelError("the scale of the pictures it learnt from does not read; the model file is damaged")
    return float(scale[0]), float(scale[1])


class Tiler:
    """What answers about large pictures by tiles of one size; see `scale_of` for ``tile`` and errors."""

    def __init__(self, predictor: Predictor, tile: int | str) -> None:
        if not predictor.task.placed:  # which is refused there, in the task's own words
            predictor.task.stitcher(Tiling.of((1, 1), (1, 1), (1.0, 1.0)), predictor.labels, predictor.learnt)
        self._predictor, self._scale = predictor, scale_of(predictor, tile)
        self._cells: tuple[int, ...] | None = None

    def tiling(self, size: tuple[int, int]) -> Tiling | None:
        """Return the tiles of a picture of this (height, width), None for one that is no larger than a tile.

        Errors: StriateError for a net whose maps cannot be laid together.
        """
        how, labels = self._predictor.preprocess, self._predictor.labels
        tile = how.height, how.width
        if all(side <= one * own + 0.5 for side, one, own in zip(size, self._scale, tile, strict=True)):
            return None
        if self._cells is None:
            said = self._asked(np.zeros((1, *tile, how.channels), np.uint8), many=False)[self._predictor.task.output]
            self._cells = said.shape[2:]
        cells = self._cells if len(self._cells) == 2 else None
        return Tiling.of(size, tile, self._scale, share=self._predictor.task.overlap(labels), cells=cells)

    def answer(
        self,
        picture: bytes | NDArray[np.uint8],
        tiling: Tiling,
        options: Mapping[str, Any],
        lanes: int,
        step: Callable[[int, int], None] | None = None,
    ) -> tuple[Prediction, Depth | None]:
        """Return the answer about a picture by its tiles, of which so many ``lanes`` are computed at once.

        ``step`` is told how many tiles are done, of how many. Errors: PictureError, and ModelError for an answer that
        is none.
        """
        owner = self._predictor
        stitcher = owner.task.stitcher(tiling, owner.labels, owner.learnt, options)
        many = len(tiling) > lanes > 0
        with (
            tiles.cutting(owner.preprocess, picture, tiling) as (cut, depth),
            ThreadPoolExecutor(lanes or 1, thread_name_prefix="striate-tile") as pool,
        ):

            def said(place: tuple[int, int]) -> Outputs:
                return self._asked(cut(*place)[None], many=many)

            waiting: deque[tuple[tuple[int, int], Future[Outputs]]] = deque()
            places, done = iter(tiling), 0
            try:
                while True:
                    for place in islice(places, max(1, 2 * lanes) - len(waiting)):
                        waiting.append((place, pool.submit(said, place)))
                    if not waiting:
                        break
                    place, future = waiting.popleft()
                    stitcher.add(*place, future.result())
                    done += 1
                    if step is not None:
                        step(done, len(tiling))
            except StriateError as error:
                if isinstance(error, PictureError | ModelError):
                    raise
                raise ModelError(f"{owner.path or 'the model'}: {error}") from None
            finally:
                pool.shutdown(cancel_futures=True)
        return stitcher.answer(), depth

    def _asked(self, pixels: NDArray[np.uint8], *, many: bool) -> Outputs:
        return self._predictor.ask(pixels, many=many)


def each(
    predictor: Predictor,
    pictures: Given,
    tile: int | str,
    *,
    options: Mapping[str, Any],
    seen: Seen | None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Prediction | PictureError]]:
    """Yield (key, answer) for each picture in order, one after the other; see `Predictor.predict_each`.

    ``progress`` is told what is waited for, how many tiles of it are done, and of how many.
    """
    tiler = Tiler(predictor, tile)
    lanes = thread_count() if predictor.onnx is not None else 0
    for key, picture in enumerated(pictures.pictures):
        answer: Prediction | PictureError
        try:
            content = content_of(picture)
            tiling = tiler.tiling(tiles.upright_size(content))
            if tiling is None:
                answer = _alone(predictor, key, content, options, seen)
            else:
                step = None if progress is None else partial(progress, f"tiles of {Path(key).name}")
                answer, depth = tiler.answer(content, tiling, options, lanes, step)
                if seen is not None:
                    seen(key, depth, None)
        except OSError as error:
            answer = unreadable(key, error)
        except PictureError as error:
            answer = PictureError(f"{key}: {error}")
        yield key, answer


def _alone(
    predictor: Predictor, key: str, content: bytes | NDArray[np.uint8], options: Mapping[str, Any], seen: Seen | None
) -> Prediction | PictureError:
    """Return the answer about a picture that is no larger than a tile, as any other is answered."""

    def named(_: str, depth: Depth | None, crop: CropTransform | None) -> None:
        if seen is not None:
            seen(key, depth, crop)

    ((_, answer),) = predictor.each(Given((content,), False, 1), options=options, batch_size=1, seen=named)
    if isinstance(answer, PictureError):
        raise PictureError(str(answer).removeprefix("picture 1: "))
    return answer
