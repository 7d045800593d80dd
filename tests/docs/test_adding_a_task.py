"""The task that docs/adding-a-task.md adds, taken out of the page: trained, measured, asked, looked into."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module, invalidate_caches
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.stage import Place
from tests.configs import config
from tests.tasks.spot import Where
from tests.tasks.test_spot import drawn
from tests.verbs.test_kill import bits

import striate.tasks
from striate.engine.fit import Epoch
from striate.errors import ModelError, ShapeError, SourceError, StriateError
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.spec import Flatten, GlobalAvgPool, Shape, parse
from striate.spec.pyramid import on_map, size_within
from striate.tasks import table
from striate.tasks.values import NOTHING, Judged, LabelFacts, State
from striate.verbs.evaluate import evaluate
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-task.md"
TASK, ANSWERS, LINE, PLACED = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NET = "conv 8 3x3 pad same >> relu >> globalavgpool >> flatten >> dense"
FACTS = LabelFacts(("cloud",))


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The task of the page among the tasks of the house, with its line in the table."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "cover.py").write_text(TASK, encoding="utf-8")
    (folder / "cover_answers.py").write_text(ANSWERS, encoding="utf-8")
    ((name, (module, kind, _)),) = eval("{" + LINE + "}").items()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(striate.tasks, "__path__", [*striate.tasks.__path__, str(folder)])
        invalidate_caches()
        found = import_module(module)
        patch.setitem(table.TASKS, name, getattr(found, kind)())
        yield found
    for name in ("cover", "cover_answers"):
        sys.modules.pop(f"striate.tasks.{name}", None)
        vars(striate.tasks).pop(name, None)


@pytest.fixture(scope="module")
def home(cover: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Skies in which clouds cover a share, and a run of a net from chance."""
    root, random = tmp_path_factory.mktemp("skies"), np.random.default_rng(0)
    lines = ["file,cloud"]
    for number in range(48):
        cloud = random.uniform(0.05, 0.95)
        pixels = np.where(random.random((16, 16)) < cloud, 200, 60) + random.normal(0, 10, (16, 16))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / f"{number}.png")
        lines.append(f"{number}.png,{cloud:.3f}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        train(recipe(root), workspace=Workspace(root / "runs"))
        yield root


def recipe(root: Path, **said: Any) -> Recipe:
    plain = {"net": NET, "epochs": 6, "batch": 8, "learning_rate": 0.03, "optimiser": "adam"}
    where = {"source": str(root / "labels.csv"), "task": "cover", "device": "cpu", "threads": 1, "folds": 0}
    return Recipe(**{**where, **plain, **said})


def test_the_code_is_short_and_its_line_is_the_tables() -> None:
    both = (TASK + ANSWERS).splitlines()
    code = [line for line in both if line.strip() and not re.match(r'\s*(from|import)\s|if TYPE_|"""', line)]
    assert len(code) < 120
    like = re.compile(r'    "(\w+)": \("striate\.tasks\.\1", "\w+", "[\w ]+"\),')
    assert like.fullmatch(LINE.rstrip("\n"))
    assert sum(like.fullmatch(line) is not None for line in source(table).splitlines()) == len(table.TASKS)


def source(module: Any) -> str:
    return Path(module.__file__).read_text(encoding="utf-8")


def test_it_is_trained_measured_and_reported(home: Path) -> None:
    run = RunDirectory.open("labels-1", home / "runs")
    found = evaluate(str(run.path))
    assert found.part == "test" and found.report.error.value < 0.15, "always the same is off by 0.22"
    assert found.verdict.kind == "fine" and "always saying the same" in run.report_path.read_text(encoding="utf-8")
    history = run.history()
    assert set(history[-1]["metrics"]) == {"mean absolute error"} and set(history[-1]["losses"]) == {"cross-entropy"}
    assert run.read_json("finished.json")["headline"]["name"] == "mean absolute error"
    assert 'augment = "none"' in run.recipe_toml()


def test_stopped_and_resumed_it_ends_with_the_same_bits(home: Path, tmp_path: Path) -> None:
    events = training(recipe(home), workspace=Workspace(tmp_path))
    assert sum(1 for _ in takewhile(lambda event: not (isinstance(event, Epoch) and event.index == 3), events)) > 0
    events.close()  # type: ignore[attr-defined]
    for _ in resuming("last", workspace=Workspace(tmp_path)):
        pass
    assert bits(RunDirectory.open("last", tmp_path)) == bits(RunDirectory.open("labels-1", home / "runs"))


def test_it_is_predicted_without_torch_as_a_line_a_table_and_json(cover: Any, home: Path) -> None:
    picture, run = home / "0.png", home / "runs" / "labels-1"
    (answer,) = Predictor.open(run).predict(picture)
    assert re.fullmatch(r"0\.\d\d, off by 0\.\d\d on average", str(answer))
    code = (
        f"import sys, striate.tasks; striate.tasks.__path__.append({str(Path(cover.__file__).parent)!r})\n"
        "from striate.tasks.table import TASKS; from striate.tasks.cover import Cover; TASKS['cover'] = Cover()\n"
        "from striate.runs.predictor import Predictor\n"
        f"print(Predictor.open({str(run)!r}).predict({str(picture)!r})[0])\n"
        "late = 'torch', 'striate.recipe', 'striate.data.strata', 'striate.metrics.verdict'\n"
        "late += 'striate.metrics.intervals', 'striate.tasks.assessment', 'striate.tasks.question'\n"
        "late += ('striate.tasks.cover_answers',)\n"
        "print([name for name in late if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(answer), "[]"]
    place, ask = Place(home), ("predict", picture, "--run", "labels-1", "--runs-dir", "runs")
    assert str(answer) in place(*ask).done().out
    (told,) = json.loads(place(*ask, "--json").done().out)
    assert told == {"picture": str(picture), **answer.to_dict()}
    heads, row = csv.reader(io.StringIO(place(*ask, "--csv", "-").done().out))
    assert ",".join(heads) in PAGE.read_text(encoding="utf-8")
    assert row == [str(picture), "", *(repr(cell) for cell in answer.cells())]


def test_a_head_on_features_is_cross_validated_compared_exported_and_looked_into(home: Path, tmp_path: Path) -> None:
    plain = {"net": None, "epochs": None, "batch": None, "learning_rate": None, "optimiser": None}
    start = str(home / "runs" / "labels-1" / "model.safetensors")
    train(recipe(home, **plain, start=start, tune="head", folds=3), workspace=Workspace(home / "runs"), name="head")
    found = evaluate("head-1", workspace=Workspace(home / "runs"))
    assert found.part == "cross-validated" and len(found.keys) == 48 and found.report.error.value < 0.15
    place, there = Place(home), ("--runs-dir", "runs")
    assert "mean absolute error" in place("runs", *there).done().out
    assert "absolute error" in place("compare", "labels-1", "head-1", *there).done().out
    place("export", "labels-1", "-o", tmp_path / "a.onnx", *there).done()
    said = place("look", home / "0.png", "--run", "labels-1", "-o", tmp_path / "a.html", *there).done().out
    assert said.startswith("What raises cloud, and what lowers it? 0.")
    place("look", "head-1", "-o", tmp_path / "b.html", *there).done()
    assert "here are the worst answers" in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_its_slopes_are_the_derivative_of_its_loss(cover: Any) -> None:
    task, output = cover.Cover(), torch.linspace(-3, 3, 12, dtype=torch.float64).view(6, 2, 1).requires_grad_()
    targets = torch.linspace(0, 1, 6).view(6, 1)
    each, slopes = task.slopes(output, targets, config())
    assert each.shape == (6, 2) and slopes.shape == output.shape
    (wanted,) = torch.autograd.grad(each.sum(), output)
    torch.testing.assert_close(slopes.detach(), wanted)
    loss = task.loss({"cover": output[:, 0].detach()}, targets, config())["cross-entropy"]
    assert float(loss) == pytest.approx(float(each[:, 0].detach().mean()), rel=1e-5)
    assert task.plain_loss({"cover": output[:, 0].detach()}, targets, config()) == pytest.approx(float(loss))


def test_what_is_learnt_is_kept_checked_and_may_be_nothing(cover: Any) -> None:
    task = cover.Cover()
    outputs, targets = {"cover": np.zeros((4, 1), np.float32)}, np.array([[0.4], [0.5], [0.6], [0.9]])
    state = task.fit_state(Judged(outputs, targets, config(), lambda choose: (outputs, targets)), FACTS)
    assert task.opened(state, FACTS) == pytest.approx(0.15)
    none = task.fit_state(
        Judged({"cover": outputs["cover"][:0]}, targets[:0], config(), lambda choose: (outputs, targets)), FACTS
    )
    assert none.notes and task.opened(none, FACTS) is None and task.opened(task.unlearnt("not yet"), FACTS) is None
    assert str(task.decode(outputs, FACTS, None)[0]) == "0.50"
    for damaged in ("much", True, -0.1, 2.0):
        with pytest.raises(ModelError, match="is no share"):
            task.opened(State({"mean absolute error": damaged}), FACTS)
    for wrong in (np.zeros((2, 2), np.float32), np.array([[np.nan]], np.float32)):
        with pytest.raises(StriateError, match="one finite number"):
            task.decode({"cover": wrong}, FACTS, None, options=NOTHING)


def test_what_cannot_be_learnt_or_asked_is_refused(cover: Any, home: Path, tmp_path: Path) -> None:
    for shares, words in (
        ((3, 1, 4, 1, 5, 9, 2), r"shares are from 0 to 1, not 1 to 9"),
        ((0.1, 0.2), r"has 2 pictures with a share; to learn takes 5"),
    ):
        listed = "".join(f"{home / str(at)}.png,{value}\n" for at, value in enumerate(shares))
        (tmp_path / "labels.csv").write_text("file,cloud\n" + listed)
        with pytest.raises(SourceError, match=words):
            train(recipe(home, source=str(tmp_path / "labels.csv")), workspace=Workspace(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
    task = cover.Cover()
    with pytest.raises(ShapeError, match="the net puts out 4, and 1 share takes 1 number a picture"):
        task.check(parse(NET).with_classes(4).on(1, 16, 16), FACTS)
    assert parse(NET).with_classes(task.width(FACTS)).on(1, 16, 16).output == Shape(1)
    with pytest.raises(StriateError, match="one thing to ask about: cloud"):
        task.question(np.zeros(1, np.float32), FACTS, None, word="sea")


def test_the_task_of_the_page_that_answers_at_places_is_trained_on_maps_and_from_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"Where": Where, "parse": parse, "replace": replace, "on_map": on_map}
    names |= {"size_within": size_within, "GlobalAvgPool": GlobalAvgPool, "Flatten": Flatten}
    exec(compile(f"from __future__ import annotations\n{PLACED}", str(PAGE), "exec"), names)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    for task in (Where(), names["Placed"]()):
        monkeypatch.setitem(table.TASKS, task.name, task)
    root, work = drawn(tmp_path), Workspace(runs_dir=tmp_path / "runs")
    said = {"source": str(root / "labels.csv"), "device": "cpu", "threads": 1, "folds": 0}
    net = "conv 8 3x3 stride 2 pad 1 >> relu >> conv 16 3x3 stride 2 pad 1 >> relu >> flatten >> dense"
    trunk = train(Recipe(task="spot", net=net, size=(32, 32), epochs=1, **said), workspace=work, name="trunk")
    on_maps = train(Recipe(task="placed", start=str(trunk.path), **said), workspace=work, name="maps")
    chance = train(Recipe(task="placed", start="none", **said), workspace=work, name="chance")
    folded = train(Recipe(task="placed", start=str(trunk.path), **said | {"folds": 2}), workspace=work, name="folds")
    assert "lateral2" in on_maps.recipe_toml() and "lateral2" not in chance.recipe_toml()
    assert [len(run.history()) for run in (on_maps, chance, folded)] == [2, 3, 2]
    assert Predictor.open(on_maps.path).labels.facts["input"] == [32, 32]
    assert evaluate(folded.name, workspace=work).part == "cross-validated"
