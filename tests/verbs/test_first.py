"""A filter by name as the first layer: never moved by training, kept with the run, gone on with to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.verbs.test_journey import bits, recipe

import striate
from striate import recipe as recipes
from striate.engine.fit import Epoch
from striate.errors import DescribeError, RecipeError
from striate.interpret.arithmetic.filters import as_conv, read
from striate.interpret.torch_probe import TorchProbe
from striate.model.files import weights
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.spec import Shape
from striate.verbs.plan import first_layer
from striate.verbs.prepare import prepare
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace


def wished(zoo: Path, **changes: Any) -> Recipe:
    return recipe(zoo, first="sobel", epochs=4, weight_decay=0.1, clip=1.0, **changes)


@pytest.fixture(scope="module")
def run(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(wished(zoo), workspace=Workspace(tmp_path_factory.mktemp("runs")))


def test_training_leaves_it_alone_and_the_rest_learns(run: RunDirectory) -> None:
    tensors, facts = weights.read(run.model_path)
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    wanted = torch.stack([sobel, sobel.T] * 3)[:, None]
    assert torch.equal(tensors["filter.weight"], wanted), "each colour by itself, along and across, to the bit"
    assert facts.net.startswith("filter: conv 6 3x3 pad 1 groups 3 no bias >> conv 4 3x3")
    checkpoint = run.latest_checkpoint()
    assert checkpoint is not None
    kept = checkpoint[0]
    assert torch.equal(kept["weights.filter.weight"], wanted) and torch.equal(kept["average.filter.weight"], wanted)
    assert not any(name.startswith("optimiser.filter") for name in kept), "nothing is kept for what is not moved"
    assert any(name.startswith("optimiser.conv1.weight") for name in kept)
    assert run.history()[-1]["train_loss"] < run.history()[0]["train_loss"]
    assert recipes.from_toml(run.recipe_toml()).first == "sobel"


@pytest.mark.parametrize("optimiser", ["muon", "rmsprop", "adam", "adamw"])
def test_no_optimiser_moves_it(zoo: Path, tmp_path: Path, optimiser: str) -> None:
    run = train(wished(zoo, optimiser=optimiser, patience=1).changed(epochs=1, ema=0.0), workspace=Workspace(tmp_path))
    assert np.array_equal(weights.read_arrays(run.model_path)[0]["filter.weight"], first_layer("sobel", 3)[1])


def test_a_stopped_run_goes_on_to_the_same_bits(run: RunDirectory, zoo: Path, tmp_path: Path) -> None:
    events = training(wished(zoo), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Epoch) and event.index == 2:
            events.close()  # type: ignore[attr-defined]
    assert RunDirectory.open("last", tmp_path).state() == "stopped"
    assert bits(resume(workspace=Workspace(tmp_path))) == bits(run)


def test_everything_that_looks_at_the_run_knows(run: RunDirectory, zoo: Path) -> None:
    prepared = prepare(wished(zoo))
    assert [row.path for row in prepared.survey.rows if row.frozen] == ["filter"] and prepared.survey.frozen == 54
    assert "54 frozen" in str(prepared.survey)
    assert "frozen" in run.report_path.read_text() and "nothing of them was learnt" in run.report_path.read_text()
    probe = TorchProbe.of(run.path, zoo / "bee" / "0-03.png")
    assert probe.frozen == {"filter": "sobel"} and probe.rows["filter"].frozen and not probe.rows["conv1"].frozen
    assert striate.evaluate(run.name, runs_dir=run.path.parent).report.accuracy.value >= 0
    answer = Predictor.open(run.path).predict([zoo / "bee" / "0-03.png"], unknown=False)[0]
    assert answer.probabilities == pytest.approx(subject_probabilities(probe), abs=1e-5)


def subject_probabilities(probe: TorchProbe) -> np.ndarray:
    with torch.no_grad():
        return (probe.model(probe.inputs) / probe.learnt.calibration.temperature).softmax(1)[0].numpy()


def test_a_filter_is_a_name_with_numbers_or_rows(zoo: Path) -> None:
    conv, given = first_layer("gaussian 5 1.2", 1)
    assert str(conv) == "conv 1 5x5 pad 2 no bias" and given.sum() == pytest.approx(1)
    assert read("0 1 0; 1 -4 1; 0 1 0").kernels[0].tolist() == read("laplacian").kernels[0].tolist()
    assert as_conv(read("-1, 1, 0"), padding="same")[0].padding == (0, 1)
    assert prepare(recipe(zoo, first="0 1 0; 1 -4 1; 0 1 0", colour="gray")).survey.rows[0].output == Shape(1, 16, 16)


def test_what_is_refused(zoo: Path, tmp_path: Path) -> None:
    for first, error, said in (
        ("sobl", DescribeError, "no filter is named 'sobl'; did you mean sobel"),
        ("  ", DescribeError, "which filter\\? there are identity, edge"),
        ("0 1; 1", DescribeError, "row 2 has 1 numbers"),
        ("box 4", RecipeError, "first = 'box 4': a filter of 4x4 has no pixel in its middle"),
        ("box", DescribeError, "box takes 1 numbers, not 0"),
    ):
        with pytest.raises(error, match=said):
            train(zoo, first=first, workspace=Workspace(tmp_path))
    with pytest.raises(DescribeError, match="sobel"):  # before any picture is looked for
        train(tmp_path / "nowhere", first="sobl", workspace=Workspace(tmp_path))
    with pytest.raises(RecipeError, match="a first layer of their own"):
        train(zoo, first="sobel", start="resnet18", workspace=Workspace(tmp_path))
    with pytest.raises(RecipeError, match="first = ''"):
        Recipe().changed(first="")
    net = "filter: conv 3 1 >> flatten >> dense"
    with pytest.raises(DescribeError, match="filter"):
        train(zoo, net=net, first="sobel", workspace=Workspace(tmp_path))
    adopted = striate.adopt(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 3)), input=(3, 16, 16), classes=3)  # fmt: skip  # noqa: E501
    with pytest.raises(RecipeError, match="an adopted module has a first layer of its own"):
        adopted.train(recipe(zoo).changed(net=None, first="sobel"), runs_dir=tmp_path)
    assert not list(tmp_path.iterdir()), "nothing is written"
