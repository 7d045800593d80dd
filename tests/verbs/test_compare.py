"""Two runs compared: on the right pictures, by their content, with each one's own order of classes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate
from striate.errors import RunError
from striate.render.html import compare_page, look_page
from striate.verbs.compare import compare
from striate.verbs.evaluate import evaluate, evaluate_reopened
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on dark and light squares, the second on a folder where the classes are called the other way round."""
    root = tmp_path_factory.mktemp("compare")
    random = np.random.default_rng(0)
    for number in range(120):
        label = ("dark", "light")[number % 2]
        pixels = random.integers(0, 160, (12, 12, 3)) + (60 if label == "light" else 0)
        for name in ("one", "two"):
            path = root / name / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    (root / "two" / "light").rename(root / "two" / "a light")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        options = {"net": NET, "workspace": Workspace(root / "runs"), "device": "cpu"}
        for name, epochs in (("one", 1), ("one", 6), ("two", 1)):
            base = striate.Recipe(source=str(root / name), threads=1, folds=0)
            train(base, **{**options, "epochs": epochs}, name=name)
    return root


@pytest.fixture(autouse=True)
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(home / "cache"))


def test_it_is_what_either_evaluation_says(home: Path) -> None:
    found = compare("one-1", "one-2", workspace=Workspace(home / "runs"))
    for side, name in enumerate(("one-1", "one-2")):
        alone = evaluate(name, workspace=Workspace(home / "runs"))
        assert set(found.keys) == set(alone.keys)
        mine = dict(zip(alone.keys, alone.outputs["logits"].argmax(axis=1), strict=True))
        assert [mine[key] for key in found.keys] == found.found.answers[side].tolist()
        figure = (found.found.accuracy.a, found.found.accuracy.b)[side]
        assert figure.value == pytest.approx(alone.report.accuracy.value)
        assert found.found.log_loss[side].value == pytest.approx(alone.report.log_loss.value, abs=1e-6)
    assert found.found.log_loss[2].value == pytest.approx(found.found.log_loss[1].value - found.found.log_loss[0].value)


def test_the_pictures_of_each_run_are_opened_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from striate.verbs import reopen

    opened, plain = [], reopen.open_store
    monkeypatch.setattr(reopen, "open_store", lambda *args, **named: opened.append(1) or plain(*args, **named))
    compare("one-1", "one-2", workspace=Workspace(home / "runs"))
    assert len(opened) == 2


def test_out_of_fold_answers_are_compared_as_they_are_measured(home: Path) -> None:
    """Each with the temperature that was fitted to the other folds."""
    runs = home / "folded"
    for _ in range(2):
        recipe = striate.Recipe(source=str(home / "one"), threads=1, folds=3, net=NET, epochs=1, device="cpu")
        train(recipe, workspace=Workspace(runs), name="one")
    found, alone = compare("one-1", "one-2", workspace=Workspace(runs)), evaluate("one-1", workspace=Workspace(runs))
    assert alone.found.temperature is not None and len(set(alone.found.temperature.tolist())) == 3
    assert found.found.log_loss[0].value == pytest.approx(alone.report.log_loss.value, abs=1e-9)
    np.testing.assert_allclose(np.sort(found.found.sure[0]), np.sort(alone.found.probabilities.max(axis=1)), atol=1e-9)


def test_turned_round_it_says_the_opposite(home: Path) -> None:
    one, other = (
        compare(*names, workspace=Workspace(home / "runs")) for names in (("one-1", "one-2"), ("one-2", "one-1"))
    )
    assert one.found.accuracy.difference.value == pytest.approx(-other.found.accuracy.difference.value)
    mine, theirs = one.found.accuracy, other.found.accuracy
    assert mine.only_a == theirs.only_b and mine.p_value == theirs.p_value
    same = compare("one-1", "one-1", workspace=Workspace(home / "runs"))
    alike = same.found.accuracy
    assert alike.p_value == 1.0 and not alike.real and alike.needed is None
    assert same.verdict().startswith("no difference that")


def test_other_classes_are_refused(home: Path) -> None:
    with pytest.raises(RunError, match="other classes"):
        compare("one-1", "two-1", workspace=Workspace(home / "runs"))


def measured_by(monkeypatch: pytest.MonkeyPatch, **rows: slice) -> None:
    """Have runs, by name, be measured by some of their pictures alone."""
    import striate.verbs.compare as module

    def some(*args: object, **options: object) -> object:
        found = evaluate_reopened(*args, **options)  # type: ignore[arg-type]
        chosen = rows.get(found.name.replace("-", "_"), slice(None))
        return replace(found, **{name: getattr(found, name)[chosen] for name in ("keys", "indices", "targets")})

    monkeypatch.setattr(module, "evaluate_reopened", some)


def test_pictures_that_one_has_learnt_from_judge_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_by(monkeypatch, one_1=slice(0, 5))
    assert compare("one-1", "one-2", workspace=Workspace(home / "runs")).found.accuracy.pictures == 5


def test_runs_that_share_no_picture_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_by(monkeypatch, one_1=slice(0, 5), one_2=slice(5, 9))
    said = "share no picture that neither has learnt from .one-1 is measured by 5 pictures .test.; one-2 is .* by 4 "
    with pytest.raises(RunError, match=said):
        compare("one-1", "one-2", workspace=Workspace(home / "runs"))


def test_the_page_shows_the_pictures_that_tell_them_apart(home: Path) -> None:
    found = compare("one-1", "one-2", workspace=Workspace(home / "runs"))
    verdict, second, first = compare_page.answers(found)
    assert sum(len(row.tiles) for row in second.rows) == min(found.found.accuracy.only_b, compare_page.SHOWN)
    assert sum(len(row.tiles) for row in first.rows) == min(found.found.accuracy.only_a, compare_page.SHOWN)
    html = look_page.page("one-1 or one-2?", "", [verdict, second, first])
    assert "one-2 - one-1" in html and all(tile.alt in html for row in second.rows for tile in row.tiles)
    assert found.to_dict()["pictures"][0].keys() == {"picture", "is", "a", "b"}


def test_a_run_whose_pictures_are_gone(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "runs" / "one-1", tmp_path / "runs" / "one-1")
    source = (tmp_path / "runs" / "one-1" / "recipe.toml").read_text()
    (tmp_path / "runs" / "one-1" / "recipe.toml").write_text(source.replace(str(home / "one"), str(tmp_path / "no")))
    with pytest.raises(RunError, match="cannot be read"):
        compare("one-1", "one-1", workspace=Workspace(tmp_path / "runs"))
