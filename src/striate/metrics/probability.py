"""Logits to probabilities, and the checks every measure starts with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.words import counted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def log_softmax(logits: ArrayLike, temperature: float | Floats = 1.0) -> Floats:
    """Return the logarithms of the probabilities, (N, K) float64, exact for logits of any size.

    ``temperature`` divides the logits first: above 1 softens, below 1 sharpens (Guo et al. 2017); one for all, or (N,)
    one a picture.

    Example: ``log_softmax([[0.0, 0.0]])`` is ``[[-0.693, -0.693]]``.
    """
    scaled = checked_scores(logits) / checked_temperature(temperature)
    shifted = scaled - scaled.max(axis=1, keepdims=True)  # the largest becomes 0: exp cannot overflow
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def softmax(logits: ArrayLike, temperature: float | Floats = 1.0) -> Floats:
    """Return the probabilities of (N, K) logits divided by ``temperature``, float64, each row summing to 1.

    Example: ``softmax([[1.0, 1.0]])`` is ``[[0.5, 0.5]]``.
    """
    exponentials = np.exp(log_softmax(logits, temperature))
    result: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def sigmoid(logits: ArrayLike) -> Floats:
    """Return 1 / (1 + exp(-z)) of (N, T) logits, float64: the probability of each tag by itself, exact at any size.

    Example: ``sigmoid([[0.0, 2.0]])`` is ``[[0.5, 0.881]]``.
    """
    return np.exp(log_sigmoid(logits))


def log_sigmoid(logits: ArrayLike) -> Floats:
    """Return the logarithm of `sigmoid`, (N, T) float64; of one minus it, give the logits with the other sign.

    Example: ``log_sigmoid([[0.0]])`` is ``[[-0.693]]``.
    """
    result: Floats = -np.logaddexp(0.0, -checked_scores(logits))
    return result


def checked_scores(scores: ArrayLike) -> Floats:
    """Return (N, K) logits or probabilities as float64, or raise StriateError that names what is wrong."""
    array = np.asarray(scores)
    if array.ndim != 2 or array.shape[1] < 1:
        raise StriateError(f"scores must be (pictures, classes) with at least one class, not of shape {array.shape}")
    result = array.astype(np.float64)
    finite = np.isfinite(result).all(axis=1)
    if not finite.all():
        raise StriateError(
            f"{int((~finite).sum())} of {len(result)} rows of scores hold NaN or infinity (first: row "
            f"{int(np.argmin(finite))}); the model that gave them is broken, so train it again from a sound checkpoint"
        )
    return result


def checked_targets(targets: ArrayLike, *, pictures: int, classes: int) -> Ints:
    """Return (N,) class numbers as int64, or raise StriateError that names what is wrong."""
    array: NDArray[Any] = np.asarray(targets)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise StriateError(f"targets must be a row of whole numbers, not {array.dtype} of shape {array.shape}")
    if len(array) != pictures:
        raise StriateError(
            f"{counted(pictures, 'row')} of scores but {counted(len(array), 'target')}; there must be one"
            " target a picture"
        )
    result = array.astype(np.int64)
    if pictures and (result.min() < 0 or result.max() >= classes):
        wrong = int(np.argmax((result < 0) | (result >= classes)))
        raise StriateError(
            f"target {result[wrong]} of picture {wrong} is none of the classes 0..{classes - 1}; "
            "leave pictures without a label out before measuring"
        )
    return result


def checked_pair(scores: ArrayLike, targets: ArrayLike) -> tuple[Floats, Ints]:
    """Return scores (N, K) and targets (N,) that belong together, at least one picture of them."""
    matrix = checked_scores(scores)
    if len(matrix) == 0:
        raise StriateError("there are no pictures to measure; give at least one with its label")
    return matrix, checked_targets(targets, pictures=len(matrix), classes=matrix.shape[1])


def checked_tags(targets: ArrayLike, *, pictures: int, tags: int) -> Bools:
    """Return (N, T) booleans, which tags each picture has, or raise StriateError that names what is wrong."""
    array: NDArray[Any] = np.asarray(targets)
    if array.shape != (pictures, tags):
        raise StriateError(
            f"the tags must be (pictures, tags), {pictures} x {tags} as the scores are, not of shape {array.shape}"
        )
    if array.dtype.kind not in "biuf" or not ((array == 0) | (array == 1)).all():
        raise StriateError("a tag is there or not, 1 or 0, and these hold other values")
    return array.astype(bool)


def checked_tag_pair(scores: ArrayLike, targets: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores (N, T) and tags (N, T) that belong together, at least one picture of them."""
    matrix = checked_scores(scores)
    if len(matrix) == 0:
        raise StriateError("there are no pictures to measure; give at least one with its tags")
    return matrix, checked_tags(targets, pictures=len(matrix), tags=matrix.shape[1])


def checked_temperature(temperature: float | Floats) -> float | Floats:
    """Return the temperature, one a picture as a column, or raise StriateError when it is not a positive number."""
    values = np.asarray(temperature, np.float64)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise StriateError(
            f"a temperature must be a positive number, not {values[wrong][0] if values.ndim else values}"
        )
    return values[:, None] if values.ndim else float(values)
