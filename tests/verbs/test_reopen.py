"""Every kind of run: whoever opens its pictures again sees those it was trained on, and all agree to the picture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import COLOURS, paint
from tests.verbs.test_adopt import Gated, Plain, module

import striate
from striate.data.pictures.preprocess import Preprocess
from striate.engine.fit import Epoch, Step, watch
from striate.errors import ModelError, RunError
from striate.metrics.probability import softmax
from striate.model.build.model import build
from striate.model.files import tensorfile
from striate.model.files.weights import ModelFile, to_bytes
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.spec import Shape, parse
from striate.tasks.assessment import Cost
from striate.verbs import export
from striate.verbs.adopt import Adopted
from striate.verbs.evaluate import evaluate, evaluate_run
from striate.verbs.evaluation import Evaluation
from striate.verbs.events import Finished, Planned
from striate.verbs.look import look_run
from striate.verbs.reopen import leave_out, reopen_data
from striate.verbs.train import resume, resuming, train, training
from striate.verbs.workspace import Workspace

BODY = "conv 6 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu"
NET = BODY + " >> globalavgpool >> flatten >> dense"
CLASSES = ("ant", "bee", "cow")


@dataclass(frozen=True)
class Trained:
    """A run, what it was prepared with, what it was worth at its end, and the module that it was adopted from."""

    run: RunDirectory
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
        names=("dog", "owl"),
        preprocess=how.to_dict(),
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
    "head alone in folds": lambda where: started(where, "head").changed(folds=3, repeats=2),
    "a whole net in folds": lambda where: from_chance(where, folds=2),
    "the whole of a started net in folds": lambda where: started(where, "all").changed(folds=2),
    "progressive": lambda where: from_chance(where, progressive=((0.5, 12),)),
    "stretched": lambda where: from_chance(where, resize="stretch"),
    "adopted": lambda where: Recipe(source=str(photographs(where / "photos"))),
    "adopted code": lambda where: Recipe(source=str(photographs(where / "photos"))),
    "adopted code in folds": lambda where: Recipe(source=str(photographs(where / "photos")), folds=2),
}
ADOPTED = {"adopted": Plain, "adopted code": Gated, "adopted code in folds": Gated}


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
    begin = striate.training if adopted is None else adopted.training
    planned = finished = None
    for event in begin(recipe, runs_dir=where / "runs"):
        planned = event if isinstance(event, Planned) else planned
        finished = event if isinstance(event, Finished) else finished
    assert planned is not None and finished is not None
    pixels = np.array(planned.prepared.store.pixels)
    return Trained(finished.run, pixels, planned.prepared.split, finished.evaluation, adopted)


def provided(trained: Trained) -> Any:
    """What a run that only its own code can be is opened with."""
    adopted = trained.adopted
    return None if adopted is None or adopted.why is None else adopted.provided()


def predictor(trained: Trained) -> Predictor:
    if provided(trained) is None:
        return Predictor.open(trained.run.path, onnx=False)
    assert trained.adopted is not None
    return trained.adopted.load(trained.run).predictor


def test_the_very_pixels_come_again(trained: Trained) -> None:
    again = reopen_data(trained.run, provided=provided(trained))
    assert np.array_equal(again.store.pixels, trained.pixels)
    assert again.preprocess.to_dict() == trained.run.source()["preprocess"]
    for part in ("train", "val", "test", "left_out"):
        assert getattr(again.split, part) == getattr(trained.split, part)
    assert again.digest() == trained.run.source()["digest"]
    assert again.added == again.missing == ()


def test_evaluate_says_what_the_report_says(trained: Trained) -> None:
    before = trained.evaluation
    after = evaluate_run(trained.run, predictor(trained), part=before.part, provided=provided(trained))
    assert after.keys == before.keys and (after.targets == before.targets).all()
    np.testing.assert_allclose(after.outputs["logits"], before.outputs["logits"], atol=2e-4)
    assert (after.outputs["logits"].argmax(1) == before.outputs["logits"].argmax(1)).all()
    said = json.loads((trained.run.path / "finished.json").read_text())
    assert after.report.accuracy.value == said["accuracy"]["value"]


def test_look_makes_the_same_mistakes(trained: Trained) -> None:
    before = trained.evaluation
    adopted = trained.adopted
    seen: Any = look_run(str(trained.run.path)) if adopted is None else adopted.look(trained.run)
    wrong = [
        key
        for key, said, is_ in zip(before.keys, before.outputs["logits"].argmax(1), before.targets, strict=True)
        if said != is_
    ]
    assert seen.part == before.part and seen.confusion.pictures == len(before.keys)
    assert seen.confusion.wrong == len(wrong)
    assert {mistake.key for mistake in seen.mistakes} <= set(wrong)


def test_export_measures_what_evaluate_measures(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if provided(trained) is not None:
        pytest.skip("somebody's code is exported by torch, without a run's pictures")
    monkeypatch.setattr(export, "MOST_LOST", 1.0)
    cost = export.export(str(trained.run.path), int8=True, output=tmp_path / "small.onnx").measured
    assert isinstance(cost, Cost)
    part = "val" if trained.split.val else "train"
    measured = evaluate_run(trained.run, predictor(trained), part=part)
    told = cost.facts
    assert (told["pictures"], told["accuracy"]) == (len(measured.keys), measured.report.accuracy.value)
    assert (" training picture" in str(cost)) == (part == "train")
    unknown = predictor(trained).learnt.unknown
    if part == "train" and unknown is not None:  # a picture is no stranger to itself, which moves no threshold
        assert unknown.threshold is not None and told["threshold"] is not None
        assert abs(told["threshold"] - unknown.threshold) < 1.0


def test_predict_answers_the_files_as_evaluate_does(trained: Trained) -> None:
    root = Path(trained.run.source()["location"])
    root = root if root.is_dir() else root.parent
    before = trained.evaluation
    if before.folds is not None:  # those answers are of nets that had not seen the picture, predict's of the one kept
        before = evaluate_run(trained.run, predictor(trained), part="train", provided=provided(trained))
    pictures: list[Any] = [root / key for key in before.keys]
    if not pictures[0].exists():
        pictures = list(trained.pixels[list(before.indices)][..., 0])  # of an npz
    if trained.adopted is None:
        answers = [session.Run(trained.run).predict(picture, unknown=False) for picture in pictures]
    else:
        answers = [trained.adopted.load(trained.run).predict([picture], unknown=False)[0] for picture in pictures]
    expected = softmax(before.outputs["logits"], before.found.calibration.temperature)
    np.testing.assert_allclose([one.probabilities for one in answers], expected, atol=2e-4)  # type: ignore[union-attr]


def test_channels_of_a_run_are_sought_in_its_own_pictures(tmp_path: Path) -> None:
    """`striate look cat.jpg --channel` searches the training pictures, read as they were trained on."""
    run = train(started(tmp_path, "head").changed(threads=1, device="cpu"), workspace=Workspace(tmp_path / "runs"))
    picture = tmp_path / "photos" / "ant" / "00.jpg"
    seen = striate.look(picture, part="conv1", channel=2, run=run.name, runs_dir=run.path.parent)
    channel = seen.channel  # type: ignore[union-attr]
    assert channel is not None and channel.keys
    how = Preprocess.from_dict(run.source()["preprocess"])
    for key, crop in zip(channel.keys, channel.pictures, strict=True):
        assert np.array_equal(crop, how.pixels((tmp_path / "photos" / key).read_bytes()))


def begun(where: Path, *, after: int | None = None, **changes: Any) -> RunDirectory:
    """Return a small run of three epochs on pictures at ``where``/zoo, stopped after so many."""
    recipe = Recipe(source=str(where / "zoo"), net=NET, epochs=3, batch=8, threads=1, device="cpu", val=0.2, test=0.2)
    events = training(recipe.changed(**changes), workspace=Workspace(where / "runs"))
    for event in events:
        if after is not None and isinstance(event, Epoch) and event.index == after:
            events.close()  # type: ignore[attr-defined]
    return RunDirectory.open("last", where / "runs")


def lose(run: RunDirectory, where: Path, part: str) -> str:
    """Delete the first picture of a part and return its key."""
    key = run.split()[part][0]
    (where / "zoo" / key).unlink()
    return key


def test_what_was_added_since_is_said(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    before = evaluate(run.name, workspace=Workspace(tmp_path / "runs"))
    paint(tmp_path / "zoo", ("aardvark", "bee"), seed=9, count=2)
    (tmp_path / "zoo" / "notes.txt").write_text("no picture")
    after = evaluate(run.name, workspace=Workspace(tmp_path / "runs"))
    assert (
        before.notes == ()
        and (after.outputs["logits"] == before.outputs["logits"]).all()
        and (after.targets == before.targets).all()
    )
    (note,) = after.notes
    assert note.startswith(f"4 pictures in {tmp_path / 'zoo'} were added since zoo-1 was begun, and are not used: ")
    assert note.endswith("aardvark/9-00.png, aardvark/9-01.png, bee/9-00.png ...")
    assert look_run(run.name, workspace=Workspace(tmp_path / "runs")).notes == after.notes


def test_pictures_that_are_gone_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    runs = tmp_path / "runs"
    before = evaluate(run.name, workspace=Workspace(runs))
    key = lose(run, tmp_path, "test")
    for verb in (evaluate, look_run):
        with pytest.raises(RunError, match=f"1 of the 42 pictures of zoo-1 is no longer in .*{key}.*--without-missing"):
            verb(run.name, workspace=Workspace(runs))  # type: ignore[operator]
    after = evaluate(run.name, workspace=Workspace(runs), without_missing=True)
    assert after.keys == tuple(one for one in before.keys if one != key)
    kept = [one != key for one in before.keys]
    np.testing.assert_allclose(after.outputs["logits"], before.outputs["logits"][kept], atol=1e-5)
    assert after.notes == (f"1 picture of zoo-1 is gone and left out: {key}",)
    seen = look_run(run.name, workspace=Workspace(runs), without_missing=True)
    assert seen.confusion.pictures == len(after.keys) and seen.notes == after.notes


def test_the_picture_whose_maps_are_shown_is_the_same_one_when_rows_move(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path, seed=1)
    before = look_run(run.name, workspace=Workspace(tmp_path / "runs"))
    first = min(key for part in run.split().values() for key in part)
    assert first not in run.split()["val"][:1]  # it is not the one that is shown
    (tmp_path / "zoo" / first).unlink()
    after = look_run(run.name, workspace=Workspace(tmp_path / "runs"), without_missing=True)
    assert before.shown is not None and after.shown is not None and np.array_equal(before.shown, after.shown)


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_run_goes_on_without_what_is_gone(part: str, tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path, after=1)
    runs, key = tmp_path / "runs", lose(run, tmp_path, part)
    with pytest.raises(RunError, match=f"{key}.*--without-missing"):
        resume(run.name, workspace=Workspace(runs))
    events = list(resuming(run.name, workspace=Workspace(runs), without_missing=True))
    (planned,) = [event for event in events if isinstance(event, Planned)]
    assert planned.notes[0] == f"1 picture of zoo-1 is gone and left out: {key}"
    less = "trained on 21 pictures from here on, where 22 were trained on before"
    assert [note for note in planned.notes if note.startswith("trained on")] == ([less] if part == "train" else [])
    assert run.state() == "finished" and [line["index"] for line in run.history()] == [1, 2, 3]
    # From here on it is a run of the pictures that remain: nobody has to say so again.
    assert key not in run.split()[part] and run.source()["missing"] == [key]
    assert evaluate(run.name, workspace=Workspace(runs)).notes == ()
    assert len(reopen_data(run).split.train) == (21 if part == "train" else 22)


def test_what_was_skipped_as_a_run_was_begun_is_known_after_some_are_left_out(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    broken = next((tmp_path / "zoo").iterdir()) / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    recipe = Recipe(source=str(tmp_path / "zoo"), net=NET, epochs=2, batch=8, threads=1, device="cpu")
    events = training(recipe, workspace=Workspace(tmp_path / "runs"), allow_bad=True)
    for event in events:
        if isinstance(event, Epoch) and event.index == 1:
            events.close()  # type: ignore[attr-defined]
    run = RunDirectory.open("last", tmp_path / "runs")
    run.write_json("source.json", run.source() | {"output": "logits"})
    before = run.source()
    assert len(before["rejected"]) == 1
    lose(run, tmp_path, "train")
    resume(run.name, workspace=Workspace(tmp_path / "runs"), without_missing=True)
    after = run.source()
    assert after["rejected"] == before["rejected"] and after["output"] == "logits"
    assert evaluate(run.name, workspace=Workspace(tmp_path / "runs")).notes == ()


def test_a_head_is_fitted_to_the_pictures_that_remain_though_killed_as_they_were_left_out(tmp_path: Path) -> None:
    """Its checkpoint is of features standardised over other pictures."""
    paint(tmp_path / "zoo")
    start = begun(tmp_path)
    events = training(
        Recipe(source=str(tmp_path / "zoo"), start=start.name, tune="head", threads=1, device="cpu", folds=0),
        workspace=Workspace(tmp_path / "runs"),
    )
    for event in events:
        if isinstance(event, Epoch) and event.index == 9:
            events.close()  # type: ignore[attr-defined]
    run = RunDirectory.open("last", tmp_path / "runs")
    lose(run, tmp_path, "train")
    shutil.copytree(run.path, other := tmp_path / "runs" / "other")
    leave_out(run, reopen_data(run, without_missing=True))  # and no further
    resume(run.name, workspace=Workspace(tmp_path / "runs"))
    resume("other", workspace=Workspace(tmp_path / "runs"), without_missing=True)
    ours, theirs = (tensorfile.read_all_arrays(path / "model.safetensors")[0] for path in (run.path, other))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_an_epoch_that_is_longer_than_epochs_are_now_ends_where_it_stands(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    events = training(
        Recipe(source=str(tmp_path / "zoo"), net=NET, epochs=2, batch=2, threads=1, device="cpu"),
        workspace=Workspace(tmp_path / "runs"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("striate.engine.fit.watch", partial(watch, interval=0.0))
        for event in events:
            if isinstance(event, Step) and event.step == event.steps - 1:
                events.close()  # type: ignore[attr-defined]
    run = RunDirectory.open("last", tmp_path / "runs")
    for key in run.split()["train"][:9]:
        (tmp_path / "zoo" / key).unlink()
    resume(workspace=Workspace(tmp_path / "runs"), without_missing=True)
    assert run.state() == "finished" and [line["index"] for line in run.history()] == [1, 2]


def test_threads_may_change_and_what_that_costs_is_said(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path, after=1)
    events = list(resuming(run.name, workspace=Workspace(tmp_path / "runs"), threads=2))
    (planned,) = [event for event in events if isinstance(event, Planned)]
    said = "resumed with threads 2 where threads 1 was used: sums are added up in another order, so the last bits may"
    assert [note for note in planned.notes if "threads" in note] == [f"{said} differ"]
    assert "threads = 2\n" in run.recipe_toml() and run.state() == "finished"


def test_pictures_it_was_trained_on_are_counted_by_their_content(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    parts, other = run.split(), tmp_path / "other"
    for number, key in enumerate([*parts["train"][:3], *parts["val"][:1], *parts["test"][:2]]):
        (other / key.split("/")[0]).mkdir(parents=True, exist_ok=True)
        (other / key.split("/")[0] / f"renamed-{number}.png").write_bytes((tmp_path / "zoo" / key).read_bytes())
    found = evaluate(run.name, data=str(other), workspace=Workspace(tmp_path / "runs"))
    assert found.trained_on == 3 and found.to_dict()["trained_on"] == 3
    assert found.notes[0].startswith("zoo-1 was trained on 3 of these 6 pictures and validated on 1: on those")
    shutil.rmtree(other)
    paint(other, seed=77, count=2)
    fresh = evaluate(run.name, data=str(other), workspace=Workspace(tmp_path / "runs"))
    assert (fresh.trained_on, fresh.notes) == (0, ())


def test_pictures_that_its_first_weights_had_learnt_from_count_too(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    paint(tmp_path / "farm", seed=8)
    runs, other = tmp_path / "runs", tmp_path / "other"
    first = begun(tmp_path)
    given = str(tmp_path / "farm")
    second = begun(tmp_path, source=given, net=None, start=first.name, tune="head", epochs=None, batch=None, folds=0)
    third = begun(tmp_path, source=given, net=None, start=str(second.path), tune="all", batch=8, folds=0, seed=1)
    keys = [("zoo", first.split()["train"][:2]), ("zoo", first.split()["test"][:1]), ("farm", second.split()["train"])]
    for root, names in keys:
        for key in names:
            (other / key.split("/")[0]).mkdir(parents=True, exist_ok=True)
            (other / key.split("/")[0] / f"{root}-{Path(key).name}").write_bytes((tmp_path / root / key).read_bytes())
    farm = second.split()["train"]
    found = evaluate(second.name, data=str(other), workspace=Workspace(runs))
    assert found.trained_on == len(farm) + 2
    assert f"on {len(farm) + 2} of these {len(farm) + 3} pictures (2 of them as zoo-1, whose weights" in found.notes[0]
    missed = len(set(farm) - set(third.split()["train"]))
    found = evaluate(third.name, data=str(other), workspace=Workspace(runs))
    assert missed and found.trained_on == len(farm) + 2
    assert f"({missed} of them as farm-1, 2 of them as zoo-1, whose weights it began with)" in found.notes[0]
    # What it is measured on had been learnt from before it was split off.
    leaked = len(set(farm) & set(third.split()["test"]))
    (note,) = evaluate(third.name, workspace=Workspace(runs)).notes
    tested = len(third.split()["test"])
    assert leaked and note.startswith(
        f"{leaked} of the {tested} pictures that farm-2 is measured on were learnt from by"
    )
    kept = third.read_json("finished.json")
    assert kept["notes"] == [note] and note in kept["verdict"]["reasons"]
    assert note.partition(" that ")[0] in third.report_path.read_text(encoding="utf-8")
    shutil.rmtree(first.path)
    assert evaluate(second.name, data=str(other), workspace=Workspace(runs)).trained_on == len(farm)


def test_runs_of_an_older_version_are_asked_by_their_pictures(tmp_path: Path) -> None:
    """Striate 0.1.0 kept one digest of all pictures, and none of each."""
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    runs, zoo = tmp_path / "runs", str(tmp_path / "zoo")
    (run.path / "pictures.json").unlink()
    assert evaluate(run.name, data=zoo, workspace=Workspace(runs)).trained_on == len(run.split()["train"])
    key = run.split()["train"][0]
    (tmp_path / "zoo" / key).write_bytes((tmp_path / "zoo" / run.split()["train"][1]).read_bytes())
    with pytest.raises(RunError, match=r"are not what zoo-1 was trained and split with \(a picture or a label has"):
        evaluate(run.name, workspace=Workspace(runs))
    unknown = evaluate(run.name, data=zoo, workspace=Workspace(runs))
    assert unknown.trained_on is None and "cannot be told" in unknown.notes[0]


def test_changed_pictures_are_named_even_where_others_are_gone(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    lose(run, tmp_path, "test")
    key = run.split()["train"][0]
    (tmp_path / "zoo" / key).write_bytes((tmp_path / "zoo" / run.split()["train"][1]).read_bytes())
    with pytest.raises(RunError, match=f"content or label of 1 of them has changed: {key}"):
        evaluate(run.name, workspace=Workspace(tmp_path / "runs"), without_missing=True)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("source.json", "{}", "source.json is damaged: it names no classes"),
        ("split.json", "{}", r"split.json is damaged \(lacks train, val, test"),
        ("recipe.toml", "", "recipe.toml is damaged: it lacks source, net"),
        ("pictures.json", '{"keys": ["a"], "targets": [], "digests": []}', "pictures.json is damaged"),
    ],
)
def test_a_damaged_file_of_a_run_is_one_line(name: str, text: str, said: str, tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path)
    (run.path / name).write_text(text)
    with pytest.raises(RunError, match=said):
        evaluate(run.name, workspace=Workspace(tmp_path / "runs"))


def test_weights_of_a_run_that_is_not_finished_are_refused_with_what_to_do(tmp_path: Path) -> None:
    paint(tmp_path / "zoo")
    run = begun(tmp_path, after=1)
    with pytest.raises(ModelError, match=r"run zoo-1 has no model yet: .*striate train --resume zoo-1"):
        begun(tmp_path, net=None, start=str(run.path), epochs=None, batch=None)
