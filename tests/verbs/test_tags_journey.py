"""Tags all the way: from chance, on features, cut off and gone on with; predicted, measured, exported, explained."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score
from tests.cli.stage import Place

import striate
from striate.engine.fit import Epoch
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.tasks.tags import Tags
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 8 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 12 3x3 pad 1 >> relu >> globalavgpool"
TAGS = ("blue", "green", "red")


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lists of the same pictures, which hold squares of any of three colours: of none too."""
    folder = tmp_path_factory.mktemp("squares")
    generator = np.random.default_rng(0)
    words, columns = ["file,labels"], ["file," + ",".join(reversed(TAGS))]
    for number in range(100):
        pixels = generator.normal(70, 10, (16, 16, 3))
        there = generator.random(3) < [0.5, 0.35, 0.2]
        for channel, has in zip((2, 1, 0), there, strict=True):
            row, column = generator.integers(0, 11, 2)
            if has:
                pixels[row : row + 5, column : column + 5, channel] += 140
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")
        there ^= generator.random(3) < 0.03  # as people tag: now and then wrongly
        names = [tag for tag, has in zip(TAGS, there, strict=True) if has]
        words.append(f"{number:03}.png,{'|'.join(names)}")
        columns.append(f"{number:03}.png," + ",".join(str(int(has)) for has in there[::-1]))
    (folder / "columns.csv").write_text("\n".join([*columns, ""]))
    (folder / "words.csv").write_text("\n".join([*words, ""]))
    return folder / "words.csv"


def recipe(source: Path, **changes: Any) -> Recipe:
    plain = Recipe(source=str(source), net=f"{NET} >> flatten >> dense", epochs=8, batch=16, learning_rate=0.05)
    return plain.changed(device="cpu", size=(16, 16), threads=1, **changes)


@pytest.fixture(scope="session")
def run(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A net from chance, with one fixed split."""
    return train(recipe(squares, folds=0), workspace=Workspace(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="session")
def head(squares: Path, run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A head on features, cross-validated."""
    begun = Recipe(source=str(squares), start=str(run.path), tune="head", folds=5, threads=1, device="cpu")
    return train(begun, workspace=Workspace(tmp_path_factory.mktemp("head")))


def answer_to(run: RunDirectory, *pictures: Path) -> list[Tags]:
    found = Predictor.open(run.model_path).predict(list(pictures))
    assert isinstance(found, list)
    assert all(isinstance(one, Tags) for one in found)
    return found  # type: ignore[return-value]


def summary(run: RunDirectory) -> dict[str, Any]:
    return dict(run.read_json("finished.json"))


def tensors(run: RunDirectory) -> dict[str, bytes]:
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in read(run.model_path)[0].items()}


def test_a_net_from_chance_learns_tags_and_says_that_they_were_guessed(run: RunDirectory, squares: Path) -> None:
    assert read(run.model_path)[1].task == "tag"
    assert any(
        "task tag; --task classify" in note for note in json.loads((run.path / "source.json").read_text())["notes"]
    )
    (answer,) = answer_to(run, squares.parent / "000.png")
    values = answer.to_dict()
    assert {score["tag"] for score in values["scores"]} == set(TAGS)
    assert values["tags"] == [score["tag"] for score in values["scores"] if score["said"]]
    for score in values["scores"]:
        assert score["said"] == (score["probability"] >= score["threshold"])


def test_both_ways_to_write_the_tags_give_the_same_run(squares: Path, run: RunDirectory, tmp_path: Path) -> None:
    other = train(recipe(squares.with_name("columns.csv"), folds=0), workspace=Workspace(tmp_path))
    assert tensors(other) == tensors(run)
    assert summary(other)["macro_average_precision"] == summary(run)["macro_average_precision"]


def test_a_head_on_features_is_measured_out_of_fold(head: RunDirectory) -> None:
    found = striate.evaluate(str(head.path))
    report = found.report
    assert report.pictures == 100
    assert report.macro.value > 0.8
    assert report.macro.low < report.macro.value < report.macro.high
    assert report.worst_misses
    assert {each.name for each in report.per_tag} == set(TAGS)
    assert all(0 < each.threshold < 1 for each in report.per_tag)
    assert summary(head)["macro_average_precision"]["value"] == pytest.approx(report.macro.value)


def test_cut_off_and_gone_on_with_is_the_same_to_the_bit(squares: Path, run: RunDirectory, tmp_path: Path) -> None:
    events = training(recipe(squares, folds=0), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Epoch) and event.index == 3:
            break
    events.close()
    for _ in resuming("last", workspace=Workspace(tmp_path)):
        pass
    assert tensors(RunDirectory.open("last", runs_dir=tmp_path)) == tensors(run)


def test_answers_without_torch_and_as_a_table(head: RunDirectory, squares: Path) -> None:
    said = ["striate", "predict", "--run", str(head.path), "--csv", "-", str(squares.parent / "000.png")]
    code = (
        f"import sys\nsys.argv = {said!r}\nfrom striate.cli.main import main\nmain()\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heads, cells = list(csv.reader(done.stdout.splitlines()))
    assert heads == ["picture", "tags", "error", *(f"probability of {tag}" for tag in TAGS)]
    row = dict(zip(heads, cells, strict=True))
    (answer,) = answer_to(head, squares.parent / "000.png")
    assert row["tags"] == "|".join(answer.to_dict()["tags"])
    for score in answer.to_dict()["scores"]:
        assert float(row[f"probability of {score['tag']}"]) == pytest.approx(score["probability"], abs=1e-5)


def test_a_prediction_prints_the_tags_that_are_said(head: RunDirectory, squares: Path, tmp_path: Path) -> None:
    with squares.open() as file:
        two = squares.parent / next(line.split(",")[0] for line in file if line.count("|") == 1)
    (answer,) = answer_to(head, two)
    assert Place(tmp_path)("predict", "--run", head.path, two).done().out.strip() == str(answer)
    listed = json.loads(Place(tmp_path)("predict", "--run", head.path, "--json", two).done().out)
    assert listed[0]["tags"] == list(answer.said)


def test_other_pictures_are_measured_as_scikit_learn_measures_them(head: RunDirectory, squares: Path) -> None:
    found = striate.evaluate(str(head.path), data=str(squares.with_name("columns.csv")))
    rows = [line.split(",") for line in squares.read_text().splitlines()[1:]]
    wanted = np.array([[tag in labels.split("|") for tag in TAGS] for _, labels in rows])
    answers = answer_to(head, *(squares.parent / name for name, _ in rows))
    assert found.report.macro.value == pytest.approx(
        average_precision_score(wanted, np.stack([answer.probabilities for answer in answers])), abs=1e-4
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evaluate"], "mean average precision"),
        (["look", "PICTURE"], ""),
        (["look", "PICTURE", "--why", "red"], "red"),
        (["look", "PICTURE", "--change"], ""),
        (["look", "RUN"], ""),
        (["dot", "PICTURE"], ""),
        (["predict", "PICTURE", "--int8"], ""),
    ],
    ids=lambda words: "-".join(words) if isinstance(words, list) else "",
)
def test_every_command_knows_what_to_do_with_tags(
    head: RunDirectory, squares: Path, tmp_path: Path, words: list[str], told: str
) -> None:
    named = {"PICTURE": str(squares.parent / "000.png"), "RUN": str(head.path)}
    of_run = [] if "RUN" in words else ["--run", str(head.path)]
    done = Place(tmp_path)(*(named.get(word, word) for word in words), *of_run)
    assert done.code == 0, done
    assert told in done.out


def test_an_int8_copy_says_what_it_costs(head: RunDirectory, tmp_path: Path) -> None:
    done = Place(tmp_path)("export", head.path, "--int8")
    assert done.code == 0, done
    assert "int8 has mean average precision" in done.out


def test_the_report_shows_misses_tags_and_what_stands_together(head: RunDirectory) -> None:
    page = (head.path / "report.html").read_text()
    for words in ("Where was it most wrong?", "How well is each tag told?", "Which tags stand together?", "macro F1"):
        assert words in page


def test_two_runs_are_compared_by_their_loss_picture_by_picture(
    head: RunDirectory, squares: Path, tmp_path: Path
) -> None:
    begun = Recipe(source=str(squares), start=str(head.path), tune="head", folds=5, threads=1, device="cpu", seed=1)
    other = train(begun.changed(class_weights="balanced"), workspace=Workspace(tmp_path / "runs"))
    done = Place(tmp_path)("compare", head.path, other.path)
    assert done.code == 0, done
    assert "log loss" in done.out


def test_tags_are_learnt_by_the_asymmetric_loss_where_the_recipe_says_so(squares: Path, tmp_path: Path) -> None:
    found = train(recipe(squares, folds=0, loss="asymmetric"), workspace=Workspace(tmp_path))
    assert summary(found)["macro_average_precision"]["value"] > 0.6
    done = Place(tmp_path)("train", squares, "--loss", "squared")
    done.refused("loss = 'squared': tags are learnt by cross-entropy or asymmetric")


def test_tags_can_be_learnt_as_classes_where_a_person_says_so(squares: Path, tmp_path: Path) -> None:
    found = train(recipe(squares, folds=0, task="classify", epochs=1), workspace=Workspace(tmp_path))
    assert read(found.model_path)[1].task == "classify"
