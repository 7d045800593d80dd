"""Every kind of run: whoever opens its pictures again sees those it was trained on, and all agree to the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import COLOURS, paint
from tests.verbs.test_adopt import Gated, Plain, module

import striate
from striate.data.preprocess import Preprocess
from striate.metrics.probability import softmax
from striate.model.build import build
from striate.model.weights import ModelFile, to_bytes
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import Run
from striate.spec import Shape, parse
from striate.verbs import export
from striate.verbs.adopt import Adopted
from striate.verbs.evaluate import Evaluation, evaluate_run
from striate.verbs.events import Finished, Planned
from striate.verbs.look import look_run
from striate.verbs.reopen import reopen_data
from striate.verbs.train import training

BODY = "conv 6 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu"
NET = BODY + " >> globalavgpool >> flatten >> dense"
CLASSES = ("ant", "bee", "cow")


@dataclass(frozen=True)
class Trained:
    """A run, what it was prepared with, what it was worth at its end, and the module that it was adopted from."""

    run: Run
    pixels: np.ndarray
    split: Any
    evaluation: Evaluation
    adopted: Adopted | None = None


def photographs(root: Path, *, count: int = 12) -> Path:
    """Photographs of several sizes and shapes, with fine structure: any other resampling gives other pixels."""
    rng = np.random.default_rng(5)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for number in range(count):
            height, width = (60, 90) if number % 2 else (75, 50)
            noise = rng.normal(0, 90, (height, width, 3)) + COLOURS[name]
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(root / name / f"{number:02}.jpg", quality=92)
    return root


def weights(path: Path) -> Path:
    """Weights from elsewhere, that are used to bilinear pictures of 20x20 and to their middle alone."""
    how = Preprocess(20, 20, 3, crop_share=0.8, interpolation="bilinear", mean=(0.4,) * 3, std=(0.25,) * 3)
    facts = ModelFile(
        net=NET,
        input=(3, 20, 20),
        task="classify",
        classes=("dog", "owl"),
        preprocess=how.to_dict(),
        calibration={},
        unknown=None,
        provenance={},
    )
    path.write_bytes(
        to_bytes(build(parse(NET), Shape(3, 20, 20), classes=2, preprocess=how, seed=3).state_dict(), facts)
    )
    return path


def from_chance(where: Path, **changes: Any) -> Recipe:
    return Recipe(source=str(photographs(where / "photos")), size=(20, 20), net=NET).changed(**changes)


def small_gray(where: Path) -> Recipe:
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez(where / "some.npz", images=(digits.images[:120] * 15).astype(np.uint8), labels=digits.target[:120])
    return Recipe(source=str(where / "some.npz"), net=NET)


def listed(where: Path) -> Recipe:
    root = photographs(where / "photos")
    lines = [f"photos/{path.relative_to(root)},{path.parent.name}" for path in sorted(root.rglob("*.jpg"))]
    (where / "list.csv").write_text("\n".join(["file,label", *lines]))
    return Recipe(source=str(where / "list.csv"), size=(20, 20), net=NET, resize="pad")


def own_test_folder(where: Path) -> Recipe:
    paint(where / "zoo" / "train", count=14)
    paint(where / "zoo" / "test", count=4, seed=3)
    return Recipe(source=str(where / "zoo"), net=NET)


def started(where: Path, tune: str) -> Recipe:
    source = photographs(where / "photos")
    begun = Recipe(source=str(source), start=str(weights(where / "w.safetensors")), tune=tune)
    return begun.changed(head_epochs=8, batch=8) if tune == "all" else begun


KINDS: dict[str, Callable[[Path], Recipe]] = {
    "photographs from chance": from_chance,
    "small gray pictures of an npz": small_gray,
    "a list": listed,
    "a test folder": own_test_folder,
    "head alone": lambda where: started(where, "head"),
    "the whole of a started net": lambda where: started(where, "all"),
    "a filter first": lambda where: from_chance(where, first="sobel-x"),
    "progressive": lambda where: from_chance(where, progressive=((0.5, 12),)),
    "stretched": lambda where: from_chance(where, resize="stretch"),
    "adopted": lambda where: Recipe(source=str(photographs(where / "photos"))),
    "adopted code": lambda where: Recipe(source=str(photographs(where / "photos"))),
}
ADOPTED = {"adopted": Plain, "adopted code": Gated}


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    where = tmp_path_factory.mktemp("kind")
    recipe = KINDS[request.param](where)
    if recipe.tune != "head":
        recipe = recipe.changed(epochs=2, batch=recipe.batch or 8)
    recipe = recipe.changed(threads=1, device="cpu", val=0.25, test=0.25)
    adopted = None
    if request.param in ADOPTED:
        how = Preprocess(20, 20, 3, resize="stretch", interpolation="bilinear", mean=(0.5,) * 3, std=(0.3,) * 3)
        adopted = striate.adopt(module(ADOPTED[request.param]), input=(3, 20, 20), classes=CLASSES, preprocess=how)
    begin = training if adopted is None else adopted.training
    planned = finished = None
    for event in begin(recipe, runs_dir=where / "runs"):
        planned = event if isinstance(event, Planned) else planned
        finished = event if isinstance(event, Finished) else finished
    assert planned is not None and finished is not None
    pixels = np.array(planned.prepared.store.pixels)
    return Trained(finished.run, pixels, planned.prepared.split, finished.evaluation, adopted)


def own(trained: Trained) -> Any:
    """What a run that only its own code can be is opened with."""
    adopted = trained.adopted
    return None if adopted is None or adopted.why is None else adopted.own()


def predictor(trained: Trained) -> Predictor:
    if own(trained) is None:
        return Predictor.open(trained.run.path, onnx=False)
    assert trained.adopted is not None
    return trained.adopted.load(trained.run).predictor


def test_the_very_pixels_come_again(trained: Trained) -> None:
    again = reopen_data(trained.run, own=own(trained))
    assert np.array_equal(again.store.pixels, trained.pixels)
    assert again.preprocess.to_dict() == trained.run.source()["preprocess"]
    for part in ("train", "val", "test", "left_out"):
        assert getattr(again.split, part) == getattr(trained.split, part)
    assert again.digest() == trained.run.source()["digest"]
    assert again.added == again.missing == ()


def test_evaluate_says_what_the_report_says(trained: Trained) -> None:
    before = trained.evaluation
    after = evaluate_run(trained.run, predictor(trained), part=before.part, own=own(trained))
    assert after.keys == before.keys and (after.targets == before.targets).all()
    np.testing.assert_allclose(after.logits, before.logits, atol=2e-4)
    assert (after.logits.argmax(1) == before.logits.argmax(1)).all()
    said = json.loads((trained.run.path / "finished.json").read_text())
    assert after.report.accuracy.value == said["accuracy"]["value"]


def test_look_makes_the_same_mistakes(trained: Trained) -> None:
    before = trained.evaluation
    adopted = trained.adopted
    seen: Any = look_run(str(trained.run.path)) if adopted is None else adopted.look(trained.run)
    wrong = [
        key for key, said, is_ in zip(before.keys, before.logits.argmax(1), before.targets, strict=True) if said != is_
    ]
    assert seen.part == before.part and seen.confusion.pictures == len(before.keys)
    assert seen.confusion.wrong == len(wrong)
    assert {mistake.key for mistake in seen.mistakes} <= set(wrong)


def test_export_measures_what_evaluate_measures(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own(trained) is not None:
        pytest.skip("somebody's code is exported by torch, without a run's pictures")
    monkeypatch.setattr(export, "MOST_LOST", 1.0)
    loss = export.export(str(trained.run.path), int8=True, output=tmp_path / "small.onnx").measured
    assert isinstance(loss, export.Loss)
    measured = evaluate_run(trained.run, predictor(trained), part="val")
    assert (loss.pictures, loss.accuracy) == (len(measured.keys), measured.report.accuracy.value)


def test_predict_answers_the_files_as_evaluate_does(trained: Trained) -> None:
    root = Path(trained.run.source()["location"])
    root = root if root.is_dir() else root.parent
    before = trained.evaluation
    pictures: list[Any] = [root / key for key in before.keys]
    if not pictures[0].exists():
        pictures = list(trained.pixels[list(before.indices)][..., 0])  # of an npz
    if trained.adopted is None:
        answers = [trained.run.predict(picture, unknown=False) for picture in pictures]
    else:
        answers = [trained.adopted.load(trained.run).predict([picture], unknown=False)[0] for picture in pictures]
    expected = softmax(before.logits, before.calibration.temperature)
    np.testing.assert_allclose([one.probabilities for one in answers], expected, atol=2e-4)  # type: ignore[union-attr]


def test_channels_of_a_run_are_sought_in_its_own_pictures(tmp_path: Path) -> None:
    """`striate look cat.jpg --channel` searches the training pictures, read as they were trained on."""
    run = striate.train(started(tmp_path, "head").changed(threads=1, device="cpu"), runs_dir=tmp_path / "runs")
    picture = tmp_path / "photos" / "ant" / "00.jpg"
    seen = striate.look(picture, part="conv1", channel=2, run=run.name, runs_dir=run.path.parent)
    channel = seen.channel  # type: ignore[union-attr]
    assert channel is not None and channel.keys
    how = Preprocess.from_dict(run.source()["preprocess"])
    for key, crop in zip(channel.keys, channel.pictures, strict=True):
        assert np.array_equal(crop, how.pixels((tmp_path / "photos" / key).read_bytes()))
