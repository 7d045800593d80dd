"""A class a pixel and a count, from a folder to answers: trained, stopped, resumed, asked with torch and without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.tasks.drawn import SIDE, scene
from tests.verbs.test_kill import bits

from striate.engine.fit import Epoch
from striate.errors import ExportError
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.tasks.masks import Masks
from striate.tasks.points import Count
from striate.verbs import export as exporting
from striate.verbs.evaluate import evaluate
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace

NET = "conv 12 5x5 stride 2 pad 2 >> relu >> conv 16 3x3 pad same >> relu >> conv 16 3x3 pad same >> relu"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of pictures with a mask beside each, and the same pictures with a table of dots."""
    root, random = tmp_path_factory.mktemp("maps"), np.random.default_rng(0)
    lines = ["file,x,y"]
    for folder in ("masked/images", "masked/masks", "dotted/images"):
        (root / folder).mkdir(parents=True)
    for number in range(40):
        picture, mask, middles = scene(random)
        name = f"{number:02}.png"
        for folder in ("masked", "dotted"):
            Image.fromarray(picture).save(root / folder / "images" / name)
        Image.fromarray(mask).save(root / "masked" / "masks" / name)
        lines += [f"images/{name},{x:.2f},{y:.2f}" for x, y in middles]
    (root / "masked" / "classes.txt").write_text("ground\ndisc\nbar\n")
    (root / "dotted" / "dots.csv").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        yield root


def recipe(where: Path, **said: Any) -> Recipe:
    how = {
        "source": str(where),
        "net": f"{NET} >> conv classes 1x1",
        "size": (SIDE, SIDE),
        "device": "cpu",
        "threads": 1,
    }
    return Recipe(**{**how, "epochs": 10, "learning_rate": 0.01, "batch": 4, "augment": "light", "seed": 1, **said})


def test_masks_from_a_folder_to_answers(home: Path) -> None:
    workspace = Workspace(home / "runs")
    run = train(recipe(home / "masked"), workspace=workspace, name="masks")
    found = evaluate(run.name, workspace=workspace)
    assert found.report.measures.mean_iou.value > 0.6 and found.labels.names == ("ground", "disc", "bar")
    key = found.keys[0]
    truth = np.asarray(Image.open(home / "masked" / "masks" / Path(key).name))
    said = [Predictor.open(run.model_path, onnx=onnx).predict(home / "masked" / key)[0] for onnx in (True, False)]
    assert all(isinstance(one, Masks) and one.ids.shape == truth.shape for one in said)
    assert (said[0].ids == said[1].ids).mean() > 0.999 and (said[0].ids == truth).mean() > 0.75
    np.testing.assert_allclose(said[0].logits, said[1].logits, atol=1e-3)
    assert run.source()["labels"]["facts"]["scale"] == [1.0, 1.0]
    other = evaluate(run.name, data=str(home / "masked"), workspace=workspace)
    assert len(other.keys) == 40


def test_a_count_from_a_folder_to_answers(home: Path) -> None:
    workspace = Workspace(home / "runs")
    run = train(recipe(home / "dotted", epochs=16), workspace=workspace, name="dots")
    found = evaluate(run.name, workspace=workspace)
    report = found.report.known[0]
    assert report.measures.mae.value < 1.5 and found.found.headline.name == "mean absolute error"
    said = [Predictor.open(run.model_path, onnx=onnx).predict(home / "dotted" / found.keys[0])[0] for onnx in (1, 0)]
    assert all(isinstance(one, Count) for one in said)
    assert said[0].counts == pytest.approx(said[1].counts, rel=1e-3) and said[0].points().shape[1] == 2


@pytest.mark.parametrize(("kind", "figure"), [("masked", "mean IoU"), ("dotted", "mean absolute error")])
def test_int8_is_measured_by_the_tasks_own_figure(
    home: Path, kind: str, figure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(home / "runs")
    run = train(recipe(home / kind, epochs=2), workspace=workspace, name=f"int8-{kind}")
    monkeypatch.setattr(exporting, "MOST_LOST", -9.0)
    with pytest.raises(ExportError, match=f"int8 has {figure} .* more than -900 in 100 would be lost"):
        exporting.export(run.name, int8=True, workspace=workspace)
    assert not (run.path / "model.int8.onnx").exists()
    monkeypatch.setattr(exporting, "MOST_LOST", 9.0)
    done = exporting.export(run.name, int8=True, workspace=workspace)
    assert figure in str(done.measured) and done.path.is_file()
    picture = home / kind / "images" / "00.png"
    (quick,), (plain,) = (Predictor.open(run.model_path, int8=one).predict(picture) for one in (True, False))
    if isinstance(quick, Count) and isinstance(plain, Count):
        assert quick.counts == pytest.approx(plain.counts, rel=0.2)
    if isinstance(quick, Masks) and isinstance(plain, Masks):
        assert (quick.ids == plain.ids).mean() > 0.9
    with pytest.raises(ExportError, match="would be lost"):
        monkeypatch.setattr(exporting, "MOST_LOST", -9.0)
        exporting.export(run.name, int8=True, workspace=workspace)


@pytest.mark.parametrize("kind", ["masked", "dotted"])
def test_a_training_goes_on_to_the_bit(home: Path, kind: str) -> None:
    workspace = Workspace(home / "runs")
    whole = train(recipe(home / kind, epochs=2), workspace=workspace, name=f"whole-{kind}")
    events = training(recipe(home / kind, epochs=2), workspace=workspace, name=f"cut-{kind}")
    assert sum(1 for _ in takewhile(lambda event: not (isinstance(event, Epoch) and event.index == 1), events)) > 0
    events.close()  # type: ignore[attr-defined]
    assert bits(resume(f"cut-{kind}-1", workspace=workspace)) == bits(whole)
