"""The limits that hostile files meet let every net of the catalogue through: as a description, and as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from striate import nets
from striate.data.pictures.preprocess import Preprocess
from striate.export.onnx import finished, graph_bytes
from striate.model.build.model import build
from striate.model.files import tensorfile
from striate.model.files.limits import check_layers, check_survey
from striate.model.files.weights import ModelFile, to_pieces
from striate.runs.predictor import Predictor
from striate.runs.seal import graph_digest
from striate.spec import parse

QUICK = ("lenet5", "squeezenet1_1", "resnet20", "efficientnet_lite0")
CLASSIFYING = [name for name in nets.CATALOG if not name.startswith("unet")]  # U-Net answers for every pixel


@pytest.mark.parametrize("name", nets.CATALOG)
def test_a_net_of_the_catalogue_is_within_the_limits(name: str) -> None:
    entry = nets.CATALOG[name]
    shape, net = entry.input, parse(str(nets.resolve(name)))
    check_layers(net)
    check_survey(net.on(shape.channels, shape.height, shape.width, classes=entry.classes or 10, fit="floor"))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CLASSIFYING]
)
def test_its_file_and_its_graph_answer(name: str, tmp_path: Path) -> None:
    entry = nets.CATALOG[name]
    shape, net = entry.input, nets.resolve(name)
    how = Preprocess(
        shape.height, shape.width, shape.channels, mean=(0.5,) * shape.channels, std=(0.25,) * shape.channels
    )
    classes = tuple(f"class {number}" for number in range(entry.classes or 10))
    model = build(net, shape, classes=len(classes), preprocess=how, seed=0).eval()
    facts = ModelFile(
        net=str(model.net), input=(shape.channels, shape.height, shape.width), task="classify", names=classes,
        preprocess=how.to_dict(), provenance={},
    )  # fmt: skip
    path, graph = tmp_path / "model.safetensors", graph_bytes(model)
    path.write_bytes(b"".join(to_pieces(model.state_dict(), facts, graph=graph_digest(graph))))
    path.with_suffix(".onnx").write_bytes(finished(graph, tensorfile.read_header(path), {}, {}))
    opened = Predictor.open(path)
    assert opened.notes == ()
    assert opened.onnx is not None
    pixels = np.zeros((shape.height, shape.width, shape.channels), np.uint8)
    assert len(opened.predict(pixels)) == 1
