"""From logits to answers: calibrated probabilities, and whether a picture is none of the classes. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.probability import checked_scores, softmax
from striate.tasks.ood import OODDetector
from striate.tasks.prediction import Scores
from striate.words import counted, plural


def decode(
    logits: ArrayLike,
    classes: Sequence[str],
    *,
    temperature: float = 1.0,
    embeddings: ArrayLike | None = None,
    unknown: OODDetector | None = None,
) -> list[Scores]:
    """Return the answer to each of (N, K) logits: calibrated probabilities, and whether it is none of the classes.

    Whether a picture is unknown is looked at where both its embedding (N, D) and ``unknown`` are given.

    Example: ``decode([[2.0, 0.0]], ("cat", "dog"))[0].best`` is ``"cat"``.
    """
    matrix, names = checked_scores(logits), tuple(classes)
    if matrix.shape[1] != len(names):
        raise StriateError(
            f"the logits have {counted(matrix.shape[1], 'column')} but there {plural(len(names), 'is')}"
            f" {counted(len(names), 'class')}"
        )
    probabilities = softmax(matrix, temperature)
    if unknown is None or embeddings is None:
        return [Scores(names, row) for row in probabilities]
    ood_score = unknown.score(embeddings, matrix)
    if not np.isfinite(ood_score).all():
        raise StriateError(
            'the out-of-distribution score of a picture is NaN or infinity; what is known of "none of these" is broken'
        )
    flags = unknown.is_unknown(ood_score)
    words, threshold = str(unknown.told()["words"]), unknown.threshold if unknown.answers else None
    return [
        Scores(names, row, unknown=bool(flag), ood_score=float(strange), threshold=threshold, strangers=words)
        for row, flag, strange in zip(probabilities, flags, ood_score, strict=True)
    ]
