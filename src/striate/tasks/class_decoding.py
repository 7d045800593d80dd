"""How logits become calibrated probabilities and "none of these", as steps of an ONNX graph. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.tasks.decoding import (
    EMBEDDED,
    FLOAT,
    RAW,
    WHOLE,
    YES,
    Compared,
    Decoding,
    Out,
    double,
    far,
    real,
    whole,
)
from striate.tasks.ood import DISTANCE, GAMMA, LIKELIEST, OODDetector, Usual
from striate.tasks.sketch import NEIGHBOURS, WIDTH, folded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from striate.tasks.classify import Learnt
    from striate.tasks.prediction import Scores
    from striate.tasks.values import LabelFacts

EVEN: Final = 2e-4  # two probabilities, or a score and its threshold, between which rounding decides


def class_decoding(facts: LabelFacts, learnt: Learnt) -> Decoding:
    """Return the steps from logits (N, K) and embeddings to what `striate.tasks.decode.decode` says."""
    classes, detector = len(facts.names), learnt.unknown
    outputs = {
        "probabilities": Out(
            FLOAT, (classes,), f"how likely each class is, {learnt.calibration}; in the order of the names"
        ),
        "class": Out(WHOLE, (), "the number of the likeliest class, from 0"),
        "unknown": Out(YES, (), "whether the picture is none of the classes"),
    }
    if detector is not None:
        beyond = f"; unknown above {detector.threshold:.4g}" if detector.answers else "; nothing is said by it here"
        outputs["ood_score"] = Out(
            FLOAT, (), f"how unlike everything trained on the picture is, higher is stranger{beyond}"
        )
    graph = Decoding(outputs)
    logits = graph.double(RAW)
    probabilities = graph("Softmax", graph("Div", logits, double(learnt.calibration.temperature)), axis=1)
    graph.real(probabilities, into="probabilities")
    graph("ArgMax", probabilities, into="class", axis=1, keepdims=0)
    if detector is None:
        largest = graph("ReduceMax", probabilities, whole(1), keepdims=0)
        graph("Greater", largest, double(2.0), into="unknown")
        return graph
    score = _strangeness(graph, logits, detector, classes)
    graph.real(score, into="ood_score")
    limit = detector.threshold if detector.answers and detector.threshold is not None else np.inf
    graph("Greater", score, double(limit), into="unknown")
    return graph


def _strangeness(graph: Decoding, logits: str, detector: OODDetector, classes: int) -> str:
    """Return the ood_score (N,) float64: what `OODDetector.score` says."""
    embedding = EMBEDDED
    if detector.width > WIDTH:
        embedding = graph("MatMul", embedding, real(folded(np.eye(detector.width, dtype=np.float32))))
    exact = graph.double(embedding)
    length = graph("Sqrt", graph("ReduceSum", graph("Mul", exact, exact), whole(1), keepdims=1))
    units = graph.real(graph("Div", exact, graph("Max", length, double(1e-30))))
    likeness = graph("MatMul", units, real(detector.stored.astype(np.float32).T))
    near = min(NEIGHBOURS, len(detector.stored))
    nearest = graph.several("TopK", likeness, whole(near), names=2, axis=1)[0]
    total = graph("ReduceSum", graph.double(nearest), whole(1), keepdims=0)
    distance = graph("Sub", double(1.0), graph("Div", total, double(near)))
    far_off = _deviations(
        graph, graph("Log", graph("Add", graph("Max", distance, double(0.0)), double(1e-6))), detector.distance
    )
    if detector.measure == DISTANCE:
        return far_off
    undecided = _deviations(graph, _indecision(graph, logits, detector.temperature, classes), detector.indecision)
    larger, smaller = graph("Max", far_off, undecided), graph("Min", far_off, undecided)
    return graph("Add", larger, graph("Log", graph("Add", graph("Exp", graph("Sub", smaller, larger)), double(1.0))))


def _deviations(graph: Decoding, value: str, usual: Usual) -> str:
    return graph("Div", graph("Sub", value, double(usual.mean)), double(usual.spread))


def _indecision(graph: Decoding, logits: str, temperature: float, classes: int) -> str:
    """Return the log of the generalised entropy (N,) of the likeliest classes."""
    scaled = graph("Div", logits, double(temperature))
    centred = graph("Sub", scaled, graph("ReduceMax", scaled, whole(1), keepdims=1))
    total = graph("Log", graph("ReduceSum", graph("Exp", centred), whole(1), keepdims=1))
    log = graph("Sub", centred, total)
    many = min(LIKELIEST, classes)
    likeliest = graph.several("TopK", log, whole(many), names=2, axis=1)[0]  # the likeliest first
    each = graph("Exp", likeliest)
    first, others = (graph("Slice", each, whole(begin), whole(end), whole(1)) for begin, end in ((0, 1), (1, many)))
    rest = graph("Sub", double(1.0), others)
    if many == 1:
        rest = graph("Sub", first, first)
    else:
        rest = graph("Concat", graph("ReduceSum", others, whole(1), keepdims=1), rest, axis=1)
    rest = graph("Max", rest, double(0.0))
    terms = graph("Mul", graph("Exp", graph("Mul", likeliest, double(GAMMA))), graph("Pow", rest, double(GAMMA)))
    return graph("Log", graph("Add", graph("ReduceSum", terms, whole(1), keepdims=0), double(1e-30)))


def same_class(said: Mapping[str, NDArray[Any]], answer: Scores) -> Compared:
    """Return what a graph says of one picture against its answer. Where rounding decides, both are the same."""
    (number,), wanted = said["class"].tolist(), answer.probabilities
    best = int(wanted.argmax())
    same = number == best or bool(wanted[best] - wanted[number] <= EVEN)
    apart = {"probabilities": far(said["probabilities"][0], wanted)}
    if answer.ood_score is not None and "ood_score" in said:
        apart["ood_score"] = far(said["ood_score"], [answer.ood_score])
        open_ = answer.threshold is not None and abs(answer.ood_score - answer.threshold) <= EVEN * max(
            1.0, abs(answer.threshold)
        )
        same &= bool(said["unknown"][0]) == answer.unknown or open_
    else:
        same &= bool(said["unknown"][0]) == answer.unknown
    return Compared(same, apart, frozenset({"ood_score"}))
