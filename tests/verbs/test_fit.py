"""Whether pixels may go unseen: refused for a person's own net, taken as it is for somebody else's, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import striate
from striate import recipe as recipes
from striate.errors import FitError
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.session import run as session
from striate.spec.shape import Shape
from striate.verbs.describe import describe
from striate.verbs.events import Planned
from striate.verbs.prepare import prepare
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace

LOSES = "conv 4 3x3 stride 2 >> relu >> globalavgpool >> flatten >> dense"  # of 16x16 the last row and column


def test_a_published_net_at_its_published_size_is_taken_as_published() -> None:
    survey = describe("squeezenet1_1", Shape(3, 224, 224))
    assert survey.parameters == 1_235_496
    assert str(survey).splitlines()[-1] == "never seen: row 223 and column 223 of the picture (0.891 % of it)"
    with pytest.raises(FitError, match="never sees row 223"):
        describe("squeezenet1_1", Shape(3, 224, 224), fit="exact")
    with pytest.raises(FitError, match="never sees row 199"):
        describe("squeezenet1_1", Shape(3, 200, 200))
    with pytest.raises(FitError, match="never sees row 15"):
        describe(LOSES, Shape(3, 16, 16), classes=3)


def test_in_a_training_a_published_net_is_settled_as_published_and_others_are_not(zoo: Path) -> None:
    at = Recipe(source=str(zoo), net="squeezenet1_1", size=(224, 224))
    prepared = prepare(at)
    assert prepared.config.fit == "floor"
    assert prepared.notes == (
        "row 223 and column 223 of every picture are never seen by this net (taken as published)",
    )
    with pytest.raises(FitError, match="never sees row 223"):
        prepare(at.changed(fit="exact"))
    with pytest.raises(FitError, match="never sees row 199"):
        prepare(at.changed(size=(200, 200)))
    assert prepare(Recipe(source=str(zoo), size=(16, 16))).config.fit == "exact"


def test_fit_is_said_and_everything_that_opens_the_run_again_surveys_alike(zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(FitError, match='fit="floor" to accept the loss'):
        train(zoo, net=LOSES, epochs=1, workspace=Workspace(tmp_path))
    assert not list(tmp_path.iterdir())
    said = Recipe(source=str(zoo), net=LOSES, epochs=1, fit="floor", threads=1)
    first = next(event for event in training(said, workspace=Workspace(tmp_path)) if isinstance(event, Planned))
    assert first.notes[0].startswith("row 15 and column 15 of every picture are never seen by this net (fit = floor")
    run = resume("last", workspace=Workspace(tmp_path))
    assert recipes.from_toml(run.recipe_toml(), where="").fit == "floor"
    predictor = Predictor.open(run.path)
    assert predictor.facts.provenance["recipe"]["fit"] == "floor"
    assert striate.evaluate(run.name, runs_dir=tmp_path).keys
    assert session.Run(run).look().confusion.pictures > 0
    again = train(zoo, start=str(run.path), epochs=1, workspace=Workspace(tmp_path))
    assert recipes.from_toml(again.recipe_toml(), where="").fit == "floor"


def test_a_run_of_before_the_field_opens_as_it_did(zoo: Path, tmp_path: Path) -> None:
    run = train(zoo, net=LOSES.replace("3x3", "2x2"), epochs=1, workspace=Workspace(tmp_path))
    path = run.path / "recipe.toml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("fit = ")))
    assert len(path.read_text().splitlines()) == len(lines) - 1
    assert striate.evaluate(run.name, runs_dir=tmp_path).keys
