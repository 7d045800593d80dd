"""A task of one file and one line of the table is trained: from chance, resumed to the bit, in folds, on features."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tasks.toy import ERROR, Toy
from tests.verbs.test_kill import bits

from striate.engine.fit import Epoch
from striate.recipe import Recipe
from striate.runs import answers as kept
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.tasks.table import TASKS
from striate.verbs.evaluate import evaluate
from striate.verbs.events import Folding
from striate.verbs.look import look_run
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 8 3x3 pad same >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(TASKS, Toy.name, Toy())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares, and a list that says how bright each is."""
    root, random = tmp_path_factory.mktemp("toy"), np.random.default_rng(0)
    lines = ["file,brightness"]
    for number in range(48):
        bright = random.uniform(0.1, 0.9)
        pixels = random.normal(255 * bright, 20, (16, 16)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        lines.append(f"{number}.png,{bright:.3f}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def recipe(pictures: Path, **said: object) -> Recipe:
    plain = {"net": NET, "epochs": 12, "batch": 8, "learning_rate": 0.02, "optimiser": "adam", "threads": 1}
    where = {"source": str(pictures / "labels.csv"), "task": Toy.name, "device": "cpu"}
    return Recipe(**{**where, **plain, "folds": 0, "augment": "none", **said})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, Toy.name, Toy())
        return train(recipe(pictures), workspace=Workspace(tmp_path_factory.mktemp("whole")))


def test_from_chance_it_learns_and_is_measured(whole: RunDirectory, pictures: Path) -> None:
    history = whole.history()
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert set(history[-1]["metrics"]) == {ERROR} and set(history[-1]["losses"]) == {"squared error"}
    assert history[-1]["losses"]["squared error"] == pytest.approx(history[-1]["train_loss"])
    found = evaluate(str(whole.path))
    assert found.part == "test" and found.report.error.value < 0.2
    assert str(session.Run(whole).predict(pictures / "0.png")).endswith(
        " bright, give or take " + f"{whole_off(whole):.2f}"
    )
    assert ERROR in whole.report_path.read_text()


def whole_off(run: RunDirectory) -> float:
    from striate.runs.predictor import Predictor

    return float(Predictor.open(run.path).learnt)


def test_stopped_and_resumed_it_ends_with_the_same_bits(whole: RunDirectory, pictures: Path, tmp_path: Path) -> None:
    events = training(recipe(pictures), workspace=Workspace(tmp_path))
    assert sum(1 for _ in takewhile(lambda event: not (isinstance(event, Epoch) and event.index == 5), events)) > 0
    events.close()  # type: ignore[attr-defined]
    for _ in resuming("last", workspace=Workspace(tmp_path)):
        pass
    assert bits(RunDirectory.open("last", tmp_path)) == bits(whole)
    again = evaluate(str(RunDirectory.open("last", tmp_path).path))
    assert again.report == evaluate(str(whole.path)).report


def test_a_net_in_folds_answers_for_every_picture(pictures: Path, tmp_path: Path) -> None:
    run = train(recipe(pictures, folds=3, repeats=2, epochs=3), workspace=Workspace(tmp_path))
    found = evaluate(str(run.path))
    assert found.part == "cross-validated" and len(found.keys) == 48
    assert kept.read(run.path / kept.NAME).outputs[Toy.output].shape == (48, 1)
    assert look_run(str(run.path)).part == "cross-validated"


def test_a_head_on_features_is_the_ridge_regression_that_its_slopes_say(
    whole: RunDirectory, pictures: Path, tmp_path: Path
) -> None:
    said = {"start": str(whole.path), "tune": "head", "folds": 3, "epochs": 100}
    plain = {"net": None, "batch": None, "learning_rate": None, "optimiser": None, "augment": None}
    events = list(training(recipe(pictures, **plain, **said), workspace=Workspace(tmp_path)))
    assert any(isinstance(event, Folding) for event in events)
    run = RunDirectory.open("last", tmp_path)
    found = evaluate(str(run.path))
    assert found.part == "cross-validated" and found.report.error.value < 0.2
    (answer,) = [session.Run(run).predict(pictures / "1.png")]
    assert str(answer).endswith(f"give or take {found.report.error.value:.2f}")
