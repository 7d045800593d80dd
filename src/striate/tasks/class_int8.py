"""What a classifier in int8 costs: pictures that it gets wrong, and where "none of these" begins then. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Ints
from striate.tasks.assessment import Cost
from striate.tasks.ood import OODDetector
from striate.words import counted


def class_cost(
    logits: tuple[NDArray[np.float32], NDArray[np.float32]],
    embeddings: tuple[NDArray[np.float32], NDArray[np.float32]],
    targets: Ints,
    unknown: OODDetector | None,
    *,
    trained: bool,
    known: bool,
) -> Cost:
    """Return what int8 costs on pictures of classes ``targets`` (N,): each pair is float32's and int8's.

    Its embeddings lie a little elsewhere, so strange begins elsewhere too: where as many of these pictures are kept as
    float32 keeps. ``known``: their own embeddings are stored in ``unknown``; ``trained``: they were trained on.
    """
    right, right_int8 = (float((each.argmax(1) == targets).mean()) for each in logits)
    kept: float | None = None
    kept_int8: float | None = None
    threshold: float | None = None
    if unknown is not None and unknown.threshold is not None:
        plain, strange = (
            np.sort(unknown.score(found, said, stored=known)) for found, said in zip(embeddings, logits, strict=True)
        )
        count = max(1, int((plain <= unknown.threshold).sum()))
        threshold = float(strange[count - 1])
        if count == len(targets):  # float32 begins beyond all of them: so does int8, and as far
            threshold += max(0.0, unknown.threshold - float(plain[-1]))
        if unknown.answers:
            kept, kept_int8 = float((plain <= unknown.threshold).mean()), float((strange <= threshold).mean())
    facts: dict[str, Any] = {
        "pictures": len(targets),
        "accuracy": right,
        "accuracy_int8": right_int8,
        "kept": kept,
        "kept_int8": kept_int8,
        "threshold": threshold,
        "learnt": trained,
    }
    return Cost(right - right_int8, class_cost_words(facts), facts)


def class_cost_words(facts: Mapping[str, Any]) -> str:
    """Return what int8 costs in words, from what its file keeps. Errors: KeyError, TypeError for what is none."""
    what = "training picture" if facts.get("learnt") else "validation picture"
    text = (
        f"int8 is right on {100 * facts['accuracy_int8']:.2f} % of {counted(facts['pictures'], what)}, float32 on"
        f" {100 * facts['accuracy']:.2f} %"
    )
    kept, kept_int8 = facts.get("kept"), facts.get("kept_int8")
    if kept is not None and kept_int8 is not None:
        text += f'; not "none of these": {100 * kept_int8:.1f} % and {100 * kept:.1f} %'
    return text


def adapted(unknown: OODDetector | None, facts: Mapping[str, Any]) -> OODDetector | None:
    """Return what is known as it holds for the embeddings of an int8 file that keeps these facts."""
    return None if unknown is None else replace(unknown, threshold=facts.get("threshold"))
