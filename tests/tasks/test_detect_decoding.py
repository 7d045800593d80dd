"""Boxes decoded within the graph: those that this program says, whatever the output, and however many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from striate.export.deployed import joined
from striate.export.onnx_walk import IR, OPSET
from striate.runs.onnx_file import session
from striate.tasks.boxes import Boxes
from striate.tasks.cells import Cells
from striate.tasks.decoding import Frame
from striate.tasks.detect_decoding import same_boxes, same_cells, same_said
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.table import TASKS
from striate.tasks.values import LabelFacts

TASK = TASKS["detect"]
FACTS = LabelFacts(("disc", "square", "bar"), {"levels": [[12, 16], [6, 8]], "input": [48, 64]})
CELLS = Cells.of(FACTS.facts, 3)


def asked(learnt: LearntBoxes, facts: LabelFacts = FACTS, *, whole: bool = True) -> onnxruntime.InferenceSession:
    """A graph that is given the output itself: what stands behind it is what is tested."""
    numbers = Cells.of(facts.facts, len(facts.names)).numbers
    graph = helper.make_graph(
        [helper.make_node("Identity", ["output"], ["boxes"], "boxes")],
        "given",
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", numbers])],
        [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", numbers])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    frame = Frame((48, 64), (numbers,), None, whole)
    content = joined(proto.SerializeToString(), TASK.output, TASK.decoding(facts, learnt, frame))
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    return session(content, many=True)


def run(graph: onnxruntime.InferenceSession, output: np.ndarray) -> dict[str, Any]:
    names = [one.name for one in graph.get_outputs()]
    return dict(zip(names, graph.run(names, {"output": output.astype(np.float32)}), strict=True))


def some(seed: int, pictures: int = 4) -> np.ndarray:
    """Outputs with few and with many boxes of all sizes, one picture of them with none."""
    random = np.random.default_rng(seed)
    output = random.normal(0.5, 1.5, (pictures, CELLS.numbers)).astype(np.float32)
    at = 0
    for count in CELLS.counts:
        scores = output[:, at : at + 3 * count]
        scores[:] = np.where(random.random(scores.shape) < 0.2, random.normal(4, 2, scores.shape), -9)
        scores[-1] = -9
        at += CELLS.channels * count
    return output


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_graph_says_the_boxes_that_are_said_here(seed: int, pooled: bool) -> None:
    random = np.random.default_rng(seed)
    learnt = LearntBoxes(
        np.stack([random.uniform(0.5, 1.5, 3), random.uniform(0.5, 1.5, 3), random.normal(0, 1, 3)], 1),
        np.array([0.3, 0.5, 0.1]), np.zeros(3), overlap=0.5 + 0.1 * (seed % 2), pooled=pooled,
    )  # fmt: skip
    output, graph = some(seed), asked(learnt)
    answers = TASK.decode({"boxes": output}, FACTS, learnt)
    found = run(graph, output)
    assert found["boxes"].dtype == found["scores"].dtype == np.float32
    assert found["classes"].dtype == found["pictures"].dtype == np.int64
    assert sum(len(one) for one in answers) > 100 and len(answers[-1]) == 0
    assert sorted(set(found["pictures"].tolist())) == [0, 1, 2] and (np.diff(found["pictures"]) >= 0).all()
    same, apart = same_boxes(found, answers, learnt.overlap)
    assert same.all() and max(apart.values()) < 1e-5
    for number, one in enumerate(answers):  # in the same order too
        mine = found["pictures"] == number
        assert found["scores"][mine] == pytest.approx(one.scores[one.said], abs=1e-5)
        assert found["classes"][mine].tolist() == one.classes[one.said].tolist()
    nothing = run(graph, output[-1:])
    assert nothing["boxes"].shape == (0, 4) and all(len(each) == 0 for each in nothing.values())


def test_there_is_no_limit_of_how_many() -> None:
    facts = LabelFacts(("dot",), {"levels": [[40, 40]], "input": [320, 320]})
    output = np.zeros((2, Cells.of(facts.facts, 1).numbers), np.float32)
    output[:, :1600] = 6.0
    found = run(asked(LearntBoxes.nothing(1), facts), output)
    assert np.bincount(found["pictures"]).tolist() == [1600, 1600]


def test_a_difference_is_told_and_where_rounding_decides_there_is_none() -> None:
    learnt = replace(LearntBoxes.nothing(3), pooled=False)
    answers = TASK.decode({"boxes": some(0)}, FACTS, learnt)
    found = run(asked(learnt), some(0))
    one, first = answers[0], np.flatnonzero(found["pictures"] == 0)
    assert isinstance(one, Boxes)

    def told(**changed: Any) -> list[bool]:
        return same_boxes({**found, **changed}, answers, learnt.overlap)[0].tolist()

    assert told() == [True] * 4
    without = {name: np.delete(each, first[0], 0) for name, each in found.items()}
    assert told(**without) == [False, True, True, True]
    assert told(classes=(found["classes"] + 1) % 3)[:3] == [False] * 3
    assert same_boxes({**found, "boxes": found["boxes"] + 0.5}, answers, 0.5)[1]["boxes"] == pytest.approx(0.0078)
    least = int(one.said[-1])
    at = replace(one, thresholds=np.full(3, one.scores[least]))
    last = {name: np.delete(each, first[len(at) - 1], 0) for name, each in found.items()}
    assert same_boxes(last, [at, *answers[1:]], learnt.overlap)[0][0]


def test_a_box_that_an_edge_cuts_off_but_for_rounding_is_no_difference() -> None:
    one = Boxes(("red",), np.array([[0.0, 0, 9, 9], [63.99999, 0, 64, 9]]), np.array([0, 0]), np.array([0.9, 0.8]))
    said = {"boxes": one.boxes[:1], "classes": np.zeros(1, np.int64), "scores": one.scores[:1]}
    assert same_said({**said, "pictures": np.zeros(1, np.int64)}, one, 0.5).same
    wide = replace(one, boxes=np.array([[0.0, 0, 9, 9], [60.0, 0, 64, 9]]))
    assert not same_said({**said, "pictures": np.zeros(1, np.int64)}, wide, 0.5).same
    moved = {**said, "boxes": said["boxes"] + 0.5, "pictures": np.zeros(1, np.int64)}
    assert same_said(
        moved, replace(one, boxes=one.boxes[:1], classes=one.classes[:1], scores=one.scores[:1]), 0.5
    ).apart["boxes"] == pytest.approx(0.5 / 9, rel=0.1)


def test_cells_alone_are_held_against_what_each_says() -> None:
    learnt = replace(LearntBoxes.nothing(3), pooled=False)
    graph = asked(learnt, whole=False)
    output = some(1)
    found, answers = run(graph, output), TASK.decode({"boxes": output}, FACTS, learnt)
    assert found["boxes"].shape == (4, CELLS.count, 4) and found["scores"].shape == (4, CELLS.count, 3)
    for number, one in enumerate(answers):
        mine = {name: value[number : number + 1] for name, value in found.items()}
        told = same_cells(mine, one)
        assert told.same and max(told.apart.values()) < 1e-5
        if len(one):
            assert same_cells({**mine, "scores": mine["scores"] + 0.1}, one).apart["scores"] == pytest.approx(
                0.1, rel=0.01
            )
