"""Score map: a net slid over a picture larger than its own. Imports runs and the model; prints nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from striate.data.pictures.image import header
from striate.data.pictures.preprocess import LARGEST
from striate.errors import DescribeError, PictureError
from striate.files import PICTURE, read_bytes
from striate.runs.predictor import Predictor
from striate.spec.sliding import slide
from striate.tasks.score_map import ScoreMap

MOST_PIXELS = 8_000_000  # that a net is given at once: its maps take some hundred times as many bytes


def score_map(predictor: Predictor, picture: Path | bytes, *, scale: float = 1.0) -> ScoreMap:
    """Return what a net says at every place of a picture, as its task shows it: calibrated probabilities.

    The picture is brought to the size that training cuts its crops from, its shorter side covering the net's, times
    ``scale``, and keeps its proportions. What a whole number of strides does not reach is left out evenly at both
    ends. Whether a place is "none of these" is not judged.

    Errors: DescribeError naming the part of a net that cannot slide, PictureError for a picture that cannot be read,
    gives one place alone, or is too large.

    Example: ``score_map(predictor, Path("cat.jpg")).best(0)``
    """
    sliding = slide(predictor.model.net, predictor.model.shape)
    data, name = (picture, "the picture") if isinstance(picture, bytes) else (_read(picture), str(picture))
    try:
        told = header(data)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    given, crop = (told.height, told.width), sliding.crop.size
    shrink = min(own / side for own, side in zip(given, crop, strict=True)) / scale  # its pixels per pixel seen
    tall, wide = sliding.fitting(round(given[0] / shrink), round(given[1] / shrink))
    if (tall, wide) == crop:
        larger = scale * (1 + max(step / side for step, side in zip(sliding.stride, crop, strict=True)))
        raise PictureError(
            f"{name} is {told.width}x{told.height} and gives a single place at this scale, as the net looks at "
            f"{crop[1]}x{crop[0]} pixels and moves by {sliding.stride[1]}: --scale {larger + 0.05:.1f} or more looks "
            "closer; without --map the picture is answered as a whole"
        )
    if tall * wide > MOST_PIXELS or max(tall, wide) > LARGEST:
        raise PictureError(
            f"{name} would be {wide:,}x{tall:,} pixels at this scale, and a net is given at most {MOST_PIXELS:,}: "
            "give a smaller --scale, or cut the picture"
        )
    try:
        pixels = replace(predictor.preprocess, height=tall, width=wide, resize="crop").pixels(data)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    output = _output(predictor, pixels)
    rows, columns = output.shape[1:]
    values = predictor.task.map_values(output.reshape(len(output), -1).T, predictor.labels, predictor.learnt)
    if values is None:
        raise DescribeError(f"a map shows where something is, and this net's answer is a {predictor.task.noun}")
    return ScoreMap(
        predictor.labels.names,
        values.reshape(rows, columns, -1),
        pixels,
        _region(given, (tall, wide)),
        given,
        crop,
        sliding.stride,
        sliding.padded,
    )


@torch.no_grad()
def _output(predictor: Predictor, pixels: np.ndarray) -> np.ndarray:
    """Return the outputs (K, rows, columns) for what the net sees, (H, W, C) uint8."""
    model = predictor.model.as_convolutional()
    inputs = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(predictor.device)
    result: np.ndarray = model(model.normalise(inputs))[0].float().cpu().numpy()
    return result


def _region(given: tuple[int, int], seen: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the part of a picture that its crop to the size seen shows (`Preprocess`, "crop")."""
    shrink = min(given[0] / seen[0], given[1] / seen[1])
    top, left = ((own - side * shrink) / 2 for own, side in zip(given, seen, strict=True))
    return left, top, given[1] - left, given[0] - top


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, limit=PICTURE)
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}") from None
