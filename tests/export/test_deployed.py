"""The whole answer in one graph: of every task what `striate predict` says, on pictures of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.models_of_tasks import MAKERS, classes

from striate.export import parity_pictures
from striate.export.deployed import Deployment
from striate.export.onnx_target import open_onnx, write_onnx
from striate.export.parity import measure
from striate.export.parity_pictures import Sample, made
from striate.runs.predictor import Predictor

FEW = 40
WANTED = {
    "classify": {"probabilities", "class", "unknown", "ood_score"},
    "tag": {"probabilities", "said"},
    "regress": {"values", "low", "high"},
    "detect": {"boxes", "classes", "scores", "pictures"},
    "segment": {"classes", "confidence"},
    "count": {"counts", "low", "high", "density"},
}


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [one for one in made(FEW) if one.kind != "huge"]


@pytest.mark.parametrize("any_size", [False, True])
@pytest.mark.parametrize("task", MAKERS)
def test_a_graph_says_what_predict_says(task: str, any_size: bool, samples: list[Sample], tmp_path: Path) -> None:
    predictor = Predictor.open(MAKERS[task](tmp_path / "model.safetensors"))
    deployment = Deployment(predictor, any_size)
    assert set(deployment.outputs) == WANTED[task]
    if task in ("classify", "tag"):  # nobody is told of a calibration that there was not
        words = "calibrated on 20 validation pictures" if task == "classify" else "not calibrated"
        assert words in deployment.outputs["probabilities"].means
    place = tmp_path / "graph.onnx"
    assert write_onnx(deployment, place) == [place]
    table = measure(open_onnx(place), predictor, deployment.outputs, samples, any_size=any_size, many=True)
    assert table.holds and table.pictures == len(samples), str(table)
    assert max(table.apart.values()) < 2e-5 and any(table.apart.values())
    opened = onnxruntime.InferenceSession(place)
    assert [one.name for one in opened.get_inputs()] == ["pixels"]
    assert opened.get_modelmeta().custom_metadata_map["task"] == task


@pytest.mark.parametrize("task", ["classify", "tag", "regress", "count"])
def test_these_models_say_several_things(task: str, samples: list[Sample], tmp_path: Path) -> None:
    """A model that says the same of every picture would prove nothing."""
    predictor = Predictor.open(MAKERS[task](tmp_path / "model.safetensors"))
    said = [str(one) for one in predictor.predict([one.content for one in samples])]
    assert len({line.split(" ", 2)[1] if task == "classify" else line for line in said}) > 1
    if task == "classify":
        assert 0 < sum("none of these" in line for line in said) < len(said)


def test_wide_embeddings_are_folded(samples: list[Sample], tmp_path: Path) -> None:
    predictor = Predictor.open(classes(tmp_path / "model.safetensors", wide=True))
    deployment = Deployment(predictor)
    write_onnx(deployment, tmp_path / "graph.onnx")
    table = measure(
        open_onnx(tmp_path / "graph.onnx"), predictor, deployment.outputs, samples[:12], any_size=False, many=True
    )
    assert table.holds and 0 < table.apart["ood_score"] < 1e-4


def test_nothing_is_in_a_graph_that_it_does_not_need(tmp_path: Path) -> None:
    predictor = Predictor.open(MAKERS["tag"](tmp_path / "model.safetensors"))
    proto = onnx.load_from_string(Deployment(predictor).content())
    names = {name for node in proto.graph.node for name in node.output}
    read = {name for node in proto.graph.node for name in node.input} | {one.name for one in proto.graph.output}
    assert names <= read and {one.name for one in proto.graph.initializer} <= read


def test_pictures_are_the_same_everywhere_and_of_every_kind() -> None:
    first, again = list(made(20)), list(made(20))
    assert [one.content for one in first] == [one.content for one in again]
    assert sum(parity_pictures.KINDS.values()) == parity_pictures.MADE == 200
    kinds = [one.kind for one in made(0)]
    assert kinds == []
    assert len({one.kind for one in first}) > 4 and len({one.name for one in first}) == 20
    assert all(isinstance(one.content, bytes) for one in first)
    assert not np.array_equal(first[0].content, first[1].content)
