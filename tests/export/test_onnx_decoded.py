"""Boxes decoded within the graph: those that this program says, whatever the output, and however many there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from tests.cli.stage import Place
from tests.cli.test_predict_files import scene_model

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError, StriateError
from striate.export.onnx_decoded import ask_decoded, decoded, export_decoded
from striate.export.onnx_walk import IR, OPSET
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, to_bytes
from striate.runs.onnx_file import session
from striate.runs.predictor import Predictor
from striate.spec import Shape, parse
from striate.tasks.boxes import Boxes
from striate.tasks.cells import Cells
from striate.tasks.decoding import Decoding
from striate.tasks.detect_decoding import same_boxes
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.table import TASKS
from striate.tasks.values import LabelFacts
from striate.verbs.export import export

TASK = TASKS["detect"]
FACTS = LabelFacts(("disc", "square", "bar"), {"levels": [[12, 16], [6, 8]], "input": [48, 64]})
CELLS = Cells.of(FACTS.facts, 3)


def asked(learnt: LearntBoxes, facts: LabelFacts = FACTS) -> onnxruntime.InferenceSession:
    """A graph that is given the output itself: what stands behind it is what is tested."""
    numbers = Cells.of(facts.facts, len(facts.names)).numbers
    graph = helper.make_graph(
        [helper.make_node("Identity", ["output"], ["boxes"], "boxes")],
        "given",
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", numbers])],
        [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", numbers])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    content = decoded(proto.SerializeToString(), TASK.output, TASK.decoding(facts, learnt))
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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for task in ("segment", "count"):
        scene_model(tmp_path / f"{task}.safetensors", task)
    net, how = "conv 8 3x3 stride 4 pad 1 >> relu >> conv 6 1x1 >> flatten", Preprocess(48, 64, 3, resize="pad")
    model = build(parse(net), Shape(3, 48, 64), classes=2, preprocess=how, seed=1)
    tensors = {name: value * 4 if name == "conv2.weight" else value for name, value in model.state_dict().items()}
    tensors["conv2.bias"] = torch.tensor([4.0, 4.0, 0.7, 0.8, 0.9, 1.0])
    facts = ModelFile(
        net=net, input=(3, 48, 64), task="detect", names=("red", "white"), preprocess=how.to_dict(),
        labels={"levels": [[12, 16]], "input": [48, 64]}, state=dict(TASK.unlearnt("made").facts), provenance={},
    )  # fmt: skip
    (tmp_path / "detect.safetensors").write_bytes(to_bytes(tensors, facts))
    return Place(tmp_path)


def test_a_command_writes_it_and_says_what_it_puts_out(place: Place) -> None:
    done = place("export", "--model", "detect.safetensors", "--boxes", "--json")
    told = json.loads(done.out)
    path = place.path / "detect.boxes.onnx"
    assert told["path"] == "detect.boxes.onnx" and path.stat().st_size == told["bytes"]
    assert told["same_answer"] == told["pictures"] and set(told["outputs"]) == {
        "boxes", "classes", "scores", "pictures",
    }  # fmt: skip
    predictor = Predictor.open(place.path / "detect.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8)
    graph = session(path, many=False)
    assert [one.name for one in graph.get_inputs()] == ["pixels"]
    found = ask_decoded(graph, pixels)
    answers = predictor.task.decode(predictor.ask(pixels), predictor.labels, predictor.learnt)
    assert sum(map(len, answers)) > 40
    assert same_boxes(found, answers, predictor.learnt.overlap)[0].all()
    assert not (place.path / "detect.onnx").exists()
    plain = place("export", "--model", "detect.safetensors")
    assert "boxes (N, 1152): map after map (12 x 16 cells)" in plain.out and "--boxes writes a graph" in plain.out


def test_what_other_tasks_put_out_is_said_and_they_have_no_boxes(place: Place) -> None:
    for task, said in (("segment", "logits of the classes"), ("count", "log(1 + exp(value - 4))")):
        told = json.loads(place("export", "--model", f"{task}.safetensors", "--json").out)
        assert said in next(iter(told["outputs"].values())) and "embedding" in told["outputs"]
        place("export", "--model", f"{task}.safetensors", "--boxes").refused("only boxes are decoded", re.escape(said))
    place("export", "--model", "detect.safetensors", "--boxes", "--int8").refused("leave out int8")


def test_a_graph_that_says_something_else_is_not_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = type(TASK).decoding

    def wrong(self: Any, facts: LabelFacts, learnt: LearntBoxes) -> Decoding:
        return whole(self, facts, replace(learnt, thresholds=learnt.thresholds + 0.3))

    monkeypatch.setattr(type(TASK), "decoding", wrong)
    with pytest.raises(ExportError, match="does not say what the model says"):
        export(model=place.path / "detect.safetensors", boxes=True)
    assert not (place.path / "detect.boxes.onnx").exists()
    with pytest.raises(ExportError, match="no pictures"):
        export_decoded(Predictor.open(place.path / "detect.safetensors"), np.zeros((0, 48, 64, 3), np.uint8), Path("x"))
    with pytest.raises(StriateError, match="one a class"):
        TASKS["classify"].decoding(FACTS, None)
