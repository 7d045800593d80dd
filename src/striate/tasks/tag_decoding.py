"""How logits become the calibrated probabilities of tags, and which are said, as steps of an ONNX graph. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.tasks.decoding import FLOAT, RAW, YES, Compared, Decoding, Out, double, far

if TYPE_CHECKING:
    from striate.tasks.tag_answering import LearntTags
    from striate.tasks.tags import Tags
    from striate.tasks.values import LabelFacts

EVEN: Final = 1e-4  # from its threshold, within which rounding decides whether a tag is said


def tag_decoding(facts: LabelFacts, learnt: LearntTags) -> Decoding:
    """Return the steps from logits (N, T) to probabilities, and to which tags are said."""
    tags = len(facts.names)
    graph = Decoding({
        "probabilities": Out(FLOAT, (tags,), f"how likely each tag is, {learnt.calibration}; in the names' order"),
        "said": Out(YES, (tags,), "whether each tag is said: its probability is at least its threshold"),
    })  # fmt: skip
    shifts = double(learnt.calibration.shifts or [0.0] * tags)
    scaled = graph("Add", graph("Div", graph.double(RAW), double(learnt.calibration.temperature)), shifts)
    probabilities = graph("Sigmoid", scaled)
    graph.real(probabilities, into="probabilities")
    graph("GreaterOrEqual", probabilities, double(learnt.thresholds), into="said")
    return graph


def same_tags(said: Mapping[str, NDArray[Any]], answer: Tags) -> Compared:
    """Return what a graph says of one picture against its answer."""
    wanted, limits = answer.probabilities, answer.thresholds
    differ = said["said"][0].astype(bool) != (wanted >= limits)
    same = not bool((differ & (np.abs(wanted - limits) > EVEN)).any())
    return Compared(same, {"probabilities": far(said["probabilities"][0], wanted)})
