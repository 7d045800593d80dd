"""The journey from Python: train, ask, evaluate on other pictures, stop, go on; and what stops it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import paint

import striate
from striate.engine.fit import Epoch
from striate.errors import ModelError, RunError, SourceError
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.tasks.prediction import Scores
from striate.verbs.train import resume, resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> dropout 0.1 >> globalavgpool >> flatten >> dense"
EPOCHS = 6


def recipe(source: Path, **changes: Any) -> Recipe:
    start = Recipe(
        source=str(source), net=NET, epochs=EPOCHS, batch=8, learning_rate=0.05, augment="light", ema=0.8, threads=1
    )
    return start.changed(**changes)


def bits(run: RunDirectory) -> dict[str, bytes]:
    tensors, _ = read(run.model_path)
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in tensors.items()}


def stopped(source: Path, runs: Path, *, after: int) -> RunDirectory:
    """Return a run that was stopped after so many epochs."""
    events = training(recipe(source), workspace=Workspace(runs))
    for event in events:
        if isinstance(event, Epoch) and event.index == after:
            events.close()  # type: ignore[attr-defined]
    run = RunDirectory.open("last", runs)
    assert run.state() == "stopped" and len(run.history()) == after
    return run


@pytest.fixture(scope="module")
def run(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A training that nobody disturbed."""
    return train(recipe(zoo), workspace=Workspace(tmp_path_factory.mktemp("runs")))


@pytest.fixture
def copy(zoo: Path, tmp_path: Path) -> Path:
    """The same pictures, to be changed."""
    return Path(shutil.copytree(zoo, tmp_path / "zoo"))


def test_a_run_is_complete(run: RunDirectory) -> None:
    assert run.state() == "finished" and run.name == "zoo-1"
    assert [entry["index"] for entry in run.history()] == list(range(1, EPOCHS + 1))
    summary = run.read_json("finished.json")
    assert summary["part"] == "test" and summary["pictures"] == len(run.split()["test"])
    assert run.report_path.read_text().count("</html>") == 1
    everything = [key for part in run.split().values() for key in part]
    assert len(everything) == len(set(everything)) == 42


def test_it_answers_for_paths_bytes_and_pixels_alike(run: RunDirectory, zoo: Path) -> None:
    path = zoo / "bee" / "0-03.png"
    answer = session.Run(run).predict(path, unknown=False)
    assert isinstance(answer, Scores) and answer.best == "bee" and re.match(r"0\.\d\d bee, 0\.\d\d ", str(answer))
    for other in (str(path), path.read_bytes(), np.asarray(Image.open(path))):
        again = session.Run(run).predict(other)
        assert isinstance(again, Scores) and (again.probabilities == answer.probabilities).all()
    both = session.Run(run).predict([path, zoo / "cow" / "0-01.png"], unknown=False)
    assert isinstance(both, list) and [each.best for each in both] == ["bee", "cow"]


def test_keywords_win_over_the_recipe(zoo: Path, tmp_path: Path) -> None:
    run = train(recipe(zoo), epochs=1, seed=3, name="mine", workspace=Workspace(tmp_path))
    assert run.name == "mine-1" and len(run.history()) == 1
    assert "seed = 3\n" in run.recipe_toml() and "batch = 8\n" in run.recipe_toml()


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_evaluate_counts_what_predict_answers(run: RunDirectory, zoo: Path, part: str) -> None:
    evaluation = striate.evaluate(run.name, split=part, runs_dir=run.path.parent)
    keys = run.split()[part]
    answers = session.Run(run).predict([zoo / key for key in keys], unknown=False)
    assert isinstance(answers, list)
    right = sum(answer.best == key.partition("/")[0] for answer, key in zip(answers, keys, strict=True))
    assert evaluation.report.accuracy.value == right / len(keys)
    assert sorted(evaluation.keys) == sorted(keys)
    assert evaluation.report.pictures == len(keys)


def test_evaluate_on_other_pictures(run: RunDirectory, tmp_path: Path) -> None:
    other = paint(tmp_path / "other", seed=9, count=5)
    evaluation = striate.evaluate(run.name, data=str(other), runs_dir=run.path.parent)
    answers = session.Run(run).predict([other / key for key in evaluation.keys], unknown=False)
    assert isinstance(answers, list)
    assert [answer.best for answer in answers] == [
        evaluation.labels.names[n] for n in evaluation.outputs["logits"].argmax(axis=1)
    ]
    assert [evaluation.labels.names[n] for n in evaluation.targets] == [
        key.partition("/")[0] for key in evaluation.keys
    ]
    assert evaluation.report.accuracy.value > 0.9


def test_evaluate_on_fewer_classes_keeps_the_models_order(run: RunDirectory, tmp_path: Path) -> None:
    other = paint(tmp_path / "other", ("bee", "cow"), seed=9, count=5)
    evaluation = striate.evaluate(run.name, data=str(other), runs_dir=run.path.parent)
    assert evaluation.labels.names == ("ant", "bee", "cow")
    assert [measure.support for measure in evaluation.report.per_class] == [0, 5, 5]
    assert evaluation.report.accuracy.value > 0.9
    one = striate.evaluate(run.name, data=str(paint(tmp_path / "one", ("cow",), count=3)), runs_dir=run.path.parent)
    assert set(one.targets) == {2}


def test_evaluate_refuses_a_class_the_model_does_not_know(run: RunDirectory, tmp_path: Path) -> None:
    other = paint(tmp_path / "other", ("bee", "emu"), count=3)
    with pytest.raises(SourceError, match="1 class the model does not know: emu; it knows ant, bee, cow"):
        striate.evaluate(run.name, data=str(other), runs_dir=run.path.parent)


def test_a_stopped_run_goes_on_to_the_same_bits(run: RunDirectory, zoo: Path, tmp_path: Path) -> None:
    half = stopped(zoo, tmp_path, after=2)
    with pytest.raises(ModelError, match="--resume"):
        session.Run(half).predict(zoo / "bee" / "0-03.png")
    with pytest.raises(ModelError, match="--resume"):
        striate.evaluate(half.name, runs_dir=tmp_path)
    whole = resume(workspace=Workspace(tmp_path))
    assert bits(whole) == bits(run)
    assert [entry["index"] for entry in whole.history()] == list(range(1, EPOCHS + 1))
    assert (whole.path / "finished.json").read_text() == (run.path / "finished.json").read_text()


def test_pictures_added_since_are_left_out_of_a_resume(run: RunDirectory, copy: Path, tmp_path: Path) -> None:
    half = stopped(copy, tmp_path / "runs", after=2)
    paint(copy, ("ant", "bee"), seed=5, count=7)
    (copy / "notes.txt").write_text("nothing to learn from")
    whole = resume(half.name, workspace=Workspace(tmp_path / "runs"))
    assert bits(whole) == bits(run)
    assert len([key for part in whole.split().values() for key in part]) == 42


def test_a_changed_picture_stops_a_resume(run: RunDirectory, copy: Path, tmp_path: Path) -> None:
    half = stopped(copy, tmp_path / "runs", after=2)
    before = (half.path / "checkpoints" / "2.safetensors").read_bytes()
    changed = copy / half.split()["train"][0]
    content = changed.read_bytes()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(changed)
    with pytest.raises(RunError, match="content or label of 1 of them has changed: ant/"):
        resume(half.name, workspace=Workspace(tmp_path / "runs"))
    changed.unlink()
    with pytest.raises(RunError, match=f"1 of the 42 pictures of zoo-1 .*: {half.split()['train'][0]}; put it back"):
        resume(half.name, workspace=Workspace(tmp_path / "runs"))
    assert (half.path / "checkpoints" / "2.safetensors").read_bytes() == before
    changed.write_bytes(content)
    assert bits(resume(half.name, workspace=Workspace(tmp_path / "runs"))) == bits(run)


def test_a_class_added_since_is_none_of_the_runs(run: RunDirectory, copy: Path, tmp_path: Path) -> None:
    """Its name comes first, so that every class has another number now: the run's own numbers stay."""
    half = stopped(copy, tmp_path / "runs", after=1)
    paint(copy, ("aardvark",), count=3)
    assert bits(resume(half.name, workspace=Workspace(tmp_path / "runs"))) == bits(run)
    assert striate.evaluate(half.name, runs_dir=tmp_path / "runs").labels.names == ("ant", "bee", "cow")


def test_resume_may_raise_the_epochs_and_not_lower_them(copy: Path, tmp_path: Path) -> None:
    first = train(recipe(copy), epochs=2, workspace=Workspace(tmp_path / "runs"))
    with pytest.raises(RunError, match=r"complete \(2 epochs\).*--resume zoo-1 --epochs 4"):
        resume(workspace=Workspace(tmp_path / "runs"))
    with pytest.raises(RunError, match="begun with 2 epochs; it can be raised, not lowered to 1"):
        resume(epochs=1, workspace=Workspace(tmp_path / "runs"))
    before = bits(first)
    longer = resume(epochs=4, workspace=Workspace(tmp_path / "runs"))
    assert longer.path == first.path and longer.state() == "finished"
    assert [entry["index"] for entry in longer.history()] == [1, 2, 3, 4]
    assert "epochs = 4\n" in longer.recipe_toml()
    assert bits(longer) != before


def test_a_raised_run_that_is_stopped_still_goes_on(copy: Path, tmp_path: Path) -> None:
    """The longer recipe is kept at once, so that a second stop loses neither the wish nor the work."""
    runs = tmp_path / "runs"
    train(recipe(copy), epochs=1, workspace=Workspace(runs))
    events = resuming(epochs=3, workspace=Workspace(runs))
    for event in events:
        if isinstance(event, Epoch):
            events.close()  # type: ignore[attr-defined]
    assert RunDirectory.open("last", runs).state() == "stopped"
    assert [entry["index"] for entry in resume(workspace=Workspace(runs)).history()] == [1, 2, 3]


def test_the_file_of_a_net_may_go(zoo: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.txt"
    file.write_text(NET + "\n")
    run = train(recipe(zoo, net=str(file)), epochs=1, workspace=Workspace(tmp_path / "runs"))
    file.unlink()
    assert 'net = "conv 4 3x3' in run.recipe_toml()
    assert len(resume(epochs=2, workspace=Workspace(tmp_path / "runs")).history()) == 2


@pytest.mark.parametrize(
    ("net", "says"),
    [
        ("conv 4 3x3", "4x14x14, and 3 classes"),
        ("flatten >> dense 7", "puts out 7, and 3 classes"),
        ("side 0.3 (flatten >> dense 2) >> flatten >> dense", r"side1\.dense1 puts out 2"),
    ],
)
def test_a_net_that_does_not_answer_for_the_classes(zoo: Path, tmp_path: Path, net: str, says: str) -> None:
    with pytest.raises(striate.StriateError, match=says):
        train(recipe(zoo, net=net), workspace=Workspace(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
