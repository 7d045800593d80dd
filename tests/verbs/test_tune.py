"""Starting from weights: what is taken, what is trained, what stays to the bit; caches, stops, kills, refusals."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.pictures import paint
from tests.verbs.test_kill import child, killed_at, status

from striate.engine import fit
from striate.engine.fit import Epoch, Step
from striate.engine.head import HeadEpoch
from striate.engine.infer import infer
from striate.errors import ModelError, RecipeError, RunError, StriateError
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.verbs import ending, tune
from striate.verbs.events import Planned
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NET = (
    "stem: (conv 6 3x3 pad 1 no bias >> batchnorm >> relu) >> maxpool 2"
    " >> conv 8 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu"
)
DENSE, CONV = " >> globalavgpool >> flatten >> dense", " >> dropout 0.2 >> conv classes 1x1 >> globalavgpool >> flatten"


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other pictures of other classes."""
    return paint(tmp_path_factory.mktemp("pictures") / "pets", ("bee", "emu"), count=40, seed=7)


@pytest.fixture(scope="module")
def run(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run to start from."""
    recipe = Recipe(source=str(zoo), net=NET + DENSE, epochs=3, batch=8, learning_rate=0.05, threads=1)
    return train(recipe, workspace=Workspace(tmp_path_factory.mktemp("begun")))


def recipe(source: Path, run: RunDirectory, **changes: Any) -> Recipe:
    return Recipe(source=str(source), start=str(run.path), threads=1, device="cpu").changed(**changes)


def bits(run: RunDirectory) -> dict[str, bytes]:
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in read(run.model_path)[0].items()}


def of(events: Any, kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def head(pets: Path, run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The head alone, that nobody disturbed."""
    return train(recipe(pets, run, tune="head"), workspace=Workspace(tmp_path_factory.mktemp("head")))


@pytest.fixture(scope="module")
def whole(pets: Path, run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The whole net, that nobody disturbed."""
    return train(all_of(pets, run), workspace=Workspace(tmp_path_factory.mktemp("whole")))


def all_of(pets: Path, run: RunDirectory) -> Recipe:
    return recipe(pets, run, tune="all", epochs=4, head_epochs=16, batch=16, ema=0.8, augment="light")


def test_the_head_alone_leaves_everything_else_to_the_bit(run: RunDirectory, head: RunDirectory) -> None:
    before, after = bits(run), bits(head)
    kept = {name for name in before if not name.startswith(("dense1.", "unknown."))}
    assert any("running_mean" in name for name in kept) and "input.scale" in kept
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert read(head.model_path)[0]["dense1.weight"].shape == (2, 8)
    ours, theirs = (Predictor.open(each.path).preprocess for each in (head, run))
    assert ours == theirs
    assert json.loads((head.path / "finished.json").read_text())["accuracy"]["value"] > 0.7


def test_features_and_head_answer_as_the_saved_net_does(
    pets: Path, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    original = ending.finish

    def spy(run: RunDirectory, prepared: Any, model: Any, *, ask: Any, **told: Any) -> Any:
        rows = np.arange(len(prepared.source.items))
        seen.update(prepared=prepared, rows=rows, asked=ask(rows))
        return original(run, prepared, model, ask=ask, **told)

    monkeypatch.setattr(ending, "finish", spy)
    done = train(recipe(pets, run, tune="head"), workspace=Workspace(tmp_path))
    model = Predictor.open(done.path, device="cpu").model
    logits, embeddings = infer(model, seen["prepared"].store, seen["rows"])
    np.testing.assert_allclose(seen["asked"]["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(seen["asked"]["embedding"], embeddings, atol=1e-5)


def test_the_plan_says_what_is_frozen(pets: Path, run: RunDirectory, head: RunDirectory, tmp_path: Path) -> None:
    events = training(recipe(pets, run, tune="head"), workspace=Workspace(tmp_path))
    survey = next(event for event in events if isinstance(event, Planned)).prepared.survey
    events.close()  # type: ignore[attr-defined]
    assert [row.path for row in survey.rows if row.parameters and not row.frozen] == ["dense1"]
    assert survey.frozen == survey.parameters - 18 and survey.to_dict()["frozen"] == survey.frozen
    assert "162 frozen" in survey.table() and f"frozen: {survey.frozen:,} of the" in survey.table()
    assert "162 frozen" in head.report_path.read_text()


def test_features_are_made_once(pets: Path, run: RunDirectory, head: RunDirectory, tmp_path: Path) -> None:
    again = list(training(recipe(pets, run, tune="head"), workspace=Workspace(tmp_path)))
    assert any("found in the cache" in note for note in of(again, Planned)[0].notes)
    assert bits(RunDirectory.open("last", tmp_path)) == bits(head)


def test_features_that_were_cut_off_are_made_again(
    pets: Path, run: RunDirectory, head: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    for number, said in enumerate((r"made in", r"made in", r"found in")):
        runs = tmp_path / str(number)
        events = list(training(recipe(pets, run, tune="head"), workspace=Workspace(runs)))
        assert re.search(said, of(events, Planned)[0].notes[0])
        assert bits(RunDirectory.open("last", runs)) == bits(head)
        if not number:
            (file,) = (
                path
                for path in tmp_path.glob("cache/store/*/pixels.u8")
                if json.loads(path.with_name("manifest.json").read_text())["facts"]["shape"][0] == 1
            )
            file.write_bytes(file.read_bytes()[:-100])


def test_a_convolution_that_answers_gives_way_to_a_dense_layer(zoo: Path, pets: Path, tmp_path: Path) -> None:
    first = Recipe(source=str(zoo), net=NET + CONV, epochs=1, batch=8, learning_rate=0.05, threads=1)
    old = train(first, workspace=Workspace(tmp_path))
    new = train(recipe(pets, old), workspace=Workspace(tmp_path))
    models = [Predictor.open(each.path, device="cpu").model.eval() for each in (old, new)]
    assert str(models[1].net).endswith("dropout 0.2 >> globalavgpool >> flatten >> dense 2")
    inputs = torch.rand(4, 3, 16, 16)
    torch.testing.assert_close(models[0].embed(inputs)[1], models[1].embed(inputs)[1])


def test_the_whole_net_learns_after_the_head(run: RunDirectory, whole: RunDirectory) -> None:
    entries = whole.history()
    heads = [entry for entry in entries if "weight_decay" in entry]
    assert heads == entries[: len(heads)] and len(entries) == len(heads) + 4
    assert [entry["index"] for entry in entries] == list(range(1, len(entries) + 1))
    before, after = bits(run), bits(whole)
    assert all(before[name] != after[name] for name in ("stem.conv1.weight", "conv2.weight", "batchnorm1.running_mean"))
    assert json.loads((whole.path / "finished.json").read_text())["accuracy"]["value"] > 0.7


@pytest.mark.parametrize("kind", ["head", "all"])
def test_stopped_anywhere_it_ends_with_the_same_bits(
    pets: Path,
    run: RunDirectory,
    head: RunDirectory,
    whole: RunDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(fit, "watch", lambda training, watch=fit.watch: watch(training, interval=0))
    monkeypatch.setattr(tune, "watch", fit.watch)
    chosen, expected = (recipe(pets, run, tune="head"), head) if kind == "head" else (all_of(pets, run), whole)
    source = tmp_path / "source"
    shutil.copytree(run.path, source)
    runs = tmp_path / "runs"
    events: Any = training(chosen.changed(start=str(source)), workspace=Workspace(runs))
    for stop_at in (3, 9, 4, 5, 2, 7):
        for number, _ in enumerate(event for event in events if isinstance(event, Epoch | Step)):
            if number == stop_at:
                break
        events.close()
        shutil.rmtree(source, ignore_errors=True)  # from here on the run keeps what it needs
        ended = RunDirectory.open("last", runs)
        if ended.finished():
            break
        events = resuming(workspace=Workspace(runs))
    else:
        list(events)
    assert bits(RunDirectory.open("last", runs)) == bits(expected)
    indices = [entry["index"] for entry in RunDirectory.open("last", runs).history()]
    assert indices == list(range(1, len(indices) + 1)) == [entry["index"] for entry in expected.history()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its children")
@pytest.mark.parametrize("step", [23, pytest.param(3, marks=pytest.mark.slow)])
def test_a_kill_at_any_write(pets: Path, run: RunDirectory, whole: RunDirectory, tmp_path: Path, step: int) -> None:
    def go(runs: Path) -> None:
        try:
            last = RunDirectory.open("last", runs)
            ready = (last.path / "split.json").exists()
        except RunError:
            ready = False
        if not ready:
            list(training(all_of(pets, run), workspace=Workspace(runs)))
        elif not last.finished():
            list(resuming(last.name, workspace=Workspace(runs)))

    number = 5
    while True:
        runs = tmp_path / str(number)

        def work(number: int = number, runs: Path = runs) -> None:
            killed_at(number)
            go(runs)

        code = status(child(work))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert status(child(lambda runs=runs: go(runs))) == 0
        (done,) = [each for each in RunDirectory.list(runs) if each.finished()]
        assert bits(done) == bits(whole)
        number += step
    assert number > 40, "the training made fewer writes than it should"


def test_gray_pictures_go_into_a_net_for_colour(run: RunDirectory, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "gray" / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.normal(level, 20, (12, 20)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "gray" / name / f"{number}.png")
    done = train(recipe(tmp_path / "gray", run), workspace=Workspace(tmp_path))
    assert 'colour = "rgb"' in done.recipe_toml() and "size = [16, 16]" in done.recipe_toml()
    assert str(session.Run(done).predict(np.full((12, 20), 60, np.uint8)).best) == "dark"
    with pytest.raises(RecipeError, match="take rgb pictures"):
        train(recipe(tmp_path / "gray", run, colour="gray"), workspace=Workspace(tmp_path))


def test_a_finished_recipe_trains_again(head: RunDirectory, tmp_path: Path) -> None:
    """Its net, its digest and all: the recipe in the run is enough, while what it starts from is there."""
    from striate.recipe import from_toml

    again = train(from_toml(head.recipe_toml()), workspace=Workspace(tmp_path))
    assert bits(again) == bits(head)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "nowhere"}, "'nowhere' is neither"),
        ({"start_digest": "0" * 64}, "are not those that were asked for"),
        ({"net": "small"}, "brings its own net along"),
        ({"tune": "head", "learning_rate": 0.1}, "learning_rate: the head alone"),
        ({"tune": "head", "progressive": ((0.5, 16),), "clip": 1.0}, "progressive, clip: the head alone"),
        ({"size": (4, 4)}, None),
    ],
)
def test_what_is_refused_leaves_no_run(
    pets: Path, run: RunDirectory, tmp_path: Path, changes: dict[str, Any], words: str | None
) -> None:
    with pytest.raises(StriateError, match=words):
        if words is None:  # a net that averages takes any size that fits
            train(recipe(pets, run, **changes | {"size": (1, 1)}), workspace=Workspace(tmp_path))
        train(recipe(pets, run, **changes), workspace=Workspace(tmp_path))
    assert not RunDirectory.list(tmp_path)


def test_patience_goes_with_the_whole_net() -> None:
    facts: dict[str, Any] = {"pictures": 100, "height": 30, "width": 30, "uniform": True, "gray": False}
    assert (
        Recipe(source="pets", task="classify", start="resnet18", tune="all", patience=3).settled(**facts).patience == 3
    )


def test_weights_that_do_not_fit_and_runs_that_cannot_go_on(
    pets: Path, run: RunDirectory, head: RunDirectory, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="its head is at its best"):
        list(resuming(str(head.path), workspace=Workspace(tmp_path)))
    events = training(recipe(pets, run, tune="head"), workspace=Workspace(tmp_path))
    next(event for event in events if isinstance(event, HeadEpoch))
    events.close()  # type: ignore[attr-defined]
    stopped = RunDirectory.open("last", tmp_path)
    shutil.copy(head.model_path, stopped.path / "start.safetensors")
    with pytest.raises(ModelError, match="are not those that were asked for"):
        list(resuming(workspace=Workspace(tmp_path)))
    (stopped.path / "start.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no start\.safetensors"):
        list(resuming(workspace=Workspace(tmp_path)))
