"""A head with a pyramid, trained on the maps of a frozen trunk: kept, resumed to the bit, answered as the whole net."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tasks.spot import Where
from tests.tasks.test_spot import drawn
from tests.verbs.test_kill import bits

from striate.engine.fit import Epoch, watch
from striate.errors import RecipeError
from striate.recipe import Recipe
from striate.runs import answers as kept
from striate.runs.predictor import Predictor
from striate.spec import Flatten, GlobalAvgPool, Net, Shape
from striate.spec.pyramid import on_map, trunk_names
from striate.tasks import table
from striate.tasks.task import Labels
from striate.verbs import maps, start
from striate.verbs.asking import asking
from striate.verbs.evaluate import evaluate
from striate.verbs.events import FoldDone
from striate.verbs.folds import means
from striate.verbs.maps import begin_maps
from striate.verbs.prepare import prepare
from striate.verbs.reopen import config_of, reopen_data
from striate.verbs.train import resume, train, training
from striate.verbs.trunk import start_tensors
from striate.verbs.workspace import Workspace

OPENED = maps._maps
TRUNK = "conv 8 3x3 stride 2 pad 1 >> batchnorm >> relu >> conv 16 3x3 stride 2 pad 1 >> relu >> flatten >> dense"


class Placed(Where):
    """Where the spot is, by a head that looks at every place of the trunk's maps."""

    name = "placed-spot"
    solved = False

    def on_trunk(self, net: Net, shape: Shape, labels: Labels) -> Net:
        return on_map(net, shape, stride=2, width=8) >> (GlobalAvgPool() >> Flatten()).name("answer1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = drawn(tmp_path_factory.mktemp("spots"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        patch.setitem(table.TASKS, Where.name, Where())
        patch.setitem(table.TASKS, Placed.name, Placed())
        begun = train(
            recipe(root, "spot", net=TRUNK, epochs=2, learning_rate=1e-3),
            name="trunk",
            workspace=Workspace(runs_dir=root / "runs"),
        )
        assert begun.model_path.is_file()
        yield root


def recipe(root: Path, task: str, **said: Any) -> Recipe:
    where = {"source": str(root / "labels.csv"), "task": task, "size": (16, 16), "device": "cpu", "threads": 1}
    return Recipe(**{**where, "folds": 0, "seed": 1, "batch": 8, **said})


def on_maps(root: Path, task: str = "placed-spot", **said: Any) -> Recipe:
    how = {"start": str(root / "runs" / "trunk-1"), "tune": "head", "epochs": 6, "learning_rate": 0.01, "flip": True}
    return recipe(root, task, **{**how, **said})


def test_a_head_on_maps_is_the_whole_nets_answer(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    run = train(on_maps(home), name="maps", workspace=work)
    assert 'tune = "maps"' in run.recipe_toml() and "lateral2" in run.recipe_toml()
    losses = [line["train_loss"] for line in run.history()]
    assert losses[-1] < losses[0]
    trunk, mine = (Predictor.open(work.runs_dir / name, onnx=False).model for name in ("trunk-1", run.name))
    old, names = dict(trunk.state_dict()), trunk_names(mine.net, trunk.net)
    assert names["deeper2.conv1"] == "conv2"
    for name, tensor in mine.state_dict().items():
        path, _, what = name.rpartition(".")
        if path in names and what != "num_batches_tracked":
            assert np.array_equal(tensor, old[f"{names[path]}.{what}"]), name
    predictor = Predictor.open(run.path)
    assert predictor.onnx is not None
    found = evaluate(run.name, workspace=work)
    last = run.history()[-1]["metrics"]
    assert found.keys and next(iter(last.values())) < 20
    again = train(on_maps(home), name="again", workspace=work)
    assert bits(again) == bits(run)


def test_it_is_resumed_to_the_bit(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    events = training(on_maps(home), name="cut", workspace=work)
    seen = takewhile(lambda event: not (isinstance(event, Epoch) and event.index == 3), events)
    assert list(seen)
    events.close()
    assert bits(resume("cut-1", workspace=work)) == bits(train(on_maps(home), name="whole", workspace=work))


def test_heads_of_the_folds_answer_for_the_pictures_that_they_have_not_seen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    monkeypatch.setattr(maps, "_maps", lambda *given: made.append(1) or OPENED(*given))
    said: list[str] = []
    work = Workspace(runs_dir=home / "runs", tell=said.append)
    run = train(on_maps(home, folds=3, epochs=3), name="folded", workspace=work)
    assert made == [1], "the maps of all folds are those of one pass"
    once = train(on_maps(home, epochs=3, val=0.0, test=0.0), name="once", workspace=work)
    weights = [{name: of[name] for name in of if not name.startswith("state.")} for of in (bits(once), bits(run))]
    assert weights[0] == weights[1], "the head that is kept has learnt from all pictures"
    steps = [int(re.search(r"\((\d+) steps?", one)[1]) for one in said if "timed here" in one]
    assert steps[0] == 3 * steps[1]
    found = evaluate(run.name, workspace=work)
    pictures = sum(map(len, run.split()["folds"]["places"]))
    assert found.part == "cross-validated" and len(found.keys) == pictures == len(run.split()["train"])
    answers = kept.read(run.path / kept.NAME).outputs["spot"]
    prepared = reopen_data(run, workspace=work)
    whole = Predictor.open(run.path, onnx=False)
    asked = asking(whole.model, prepared.store, prepared.task)(prepared.folds.measured)["spot"]
    assert answers.shape == asked.shape and not np.allclose(answers, asked, atol=1e-3)
    config = config_of(run)
    tuning = begin_maps(prepared, start.kept(run, config.start, config.start_digest), work)
    other = tuning.alike.fold(0, 1)
    held = prepared.folds.held(0, 1)
    for _ in watch(other):
        pass
    assert np.array_equal(tuning.alike.asked(other, held)["spot"], answers[np.isin(prepared.folds.measured, held)])


def test_folds_that_were_cut_off_go_on_to_the_same_answers(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    events = training(on_maps(home, folds=3, epochs=2), name="cut-folds", workspace=work)
    for event in events:
        if isinstance(event, FoldDone) and event.number == 2:
            break
    events.close()
    resume("cut-folds-1", workspace=work)
    train(on_maps(home, folds=3, epochs=2), name="whole-folds", workspace=work)
    one, two = (
        kept.read(home / "runs" / name / kept.NAME).outputs["spot"] for name in ("cut-folds-1", "whole-folds-1")
    )
    assert np.array_equal(one, two)


def test_a_task_that_is_solved_has_no_head_on_maps(home: Path) -> None:
    with pytest.raises(RecipeError, match="tune = 'maps'"):
        train(on_maps(home, task="spot", tune="maps"), name="no", workspace=Workspace(runs_dir=home / "runs"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tune": "all", "folds": 3}, "folds = 3: where the whole net is trained behind its head it is not"),
        ({"augment": "strong"}, "augment: the maps of a frozen trunk are made once"),
        ({"progressive": ((0.5, 8),)}, "progressive: the maps of a frozen trunk are made once"),
    ],
)
def test_what_a_head_on_maps_would_not_heed_is_refused(home: Path, said: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        train(on_maps(home, **said), name="no", workspace=Workspace(runs_dir=home / "runs"))


def test_with_folds_the_head_alone_is_trained_where_nobody_says_what_is(home: Path) -> None:
    class Few(Placed):
        name = "few-spot"
        sized_by_labels = True

        def learns_whole(self, labels: Labels) -> bool:
            return True

    said = on_maps(home, Few.name, tune=None, epochs=None, learning_rate=None, batch=None, flip=None)
    given = start.open_start(str(home / "runs" / "trunk-1"), workspace=Workspace(runs_dir=home / "runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table.TASKS, Few.name, Few())
        assert prepare(said, start=given).config.tune == "all"
        folded = prepare(said.changed(folds=3), start=given)
        told = means(folded)
    assert folded.config.tune == "maps" and folded.folds.count == 3
    assert told.endswith("; what nobody said of its size and its net was chosen by the labels of all of them")


def whole(root: Path, **said: Any) -> Recipe:
    how = {"tune": "all", "head_epochs": 3, "epochs": 3, "learning_rate": 0.01, "warmup": 0.0, "augment": "light"}
    return on_maps(root, **{**how, **said})


def test_behind_the_head_the_later_parts_of_the_trunk_learn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Workspace(runs_dir=home / "runs")
    monkeypatch.setattr("striate.spec.pyramid.front.__defaults__", (2,))
    run = train(whole(home), name="all", workspace=work)
    assert [line["index"] for line in run.history()] == [1, 2, 3, 4, 5, 6]
    assert "head_epochs = 3" in run.recipe_toml() and 'augment = "light"' in run.recipe_toml()
    trunk, mine = (Predictor.open(work.runs_dir / name, onnx=False).model for name in ("trunk-1", run.name))
    old, new = dict(trunk.state_dict()), dict(mine.state_dict())
    for name in ("conv1.weight", "conv1.bias", "batchnorm1.weight", "batchnorm1.running_mean"):
        assert np.array_equal(new[name], old[name]), name
    assert not np.array_equal(new["deeper2.conv1.weight"], old["conv2.weight"])
    head = train(on_maps(home, epochs=3, warmup=0.0), name="head", workspace=work)
    first = [line["train_loss"] for line in head.history()]
    assert [line["train_loss"] for line in run.history()][:3] != first, "a head alone has its own rate"
    assert evaluate(run.name, workspace=work).keys


@pytest.mark.parametrize("stop", [2, 3, 4, 5])
def test_all_of_it_is_resumed_to_the_bit(home: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    work = Workspace(runs_dir=home / "runs")
    monkeypatch.setattr("striate.spec.pyramid.front.__defaults__", (2,))
    events = training(whole(home), name=f"cut-all{stop}", workspace=work)
    assert list(takewhile(lambda event: not (isinstance(event, Epoch) and event.index == stop), events))
    events.close()
    uncut = train(whole(home), name=f"uncut-all{stop}", workspace=work)
    assert bits(resume(f"cut-all{stop}-1", workspace=work)) == bits(uncut)


def test_where_nobody_says_what_is_tuned_it_is_the_head_wherever_it_is_computed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.verbs.start._accelerator", lambda: True)
    run = train(on_maps(home, tune=None, epochs=1), name="by-itself", workspace=Workspace(runs_dir=home / "runs"))
    assert 'tune = "maps"' in run.recipe_toml()


def test_a_head_goes_on_from_that_of_a_run_of_the_same_names(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    first = train(on_maps(home, epochs=3), name="first", workspace=work)
    again = on_maps(home, start=str(first.path), epochs=1, learning_rate=1e-9)
    run = train(again, name="second", workspace=work)
    one, two = (dict(Predictor.open(each.path, onnx=False).model.state_dict()) for each in (first, run))
    assert one.keys() == two.keys()
    for name in one:
        assert np.allclose(one[name], two[name], atol=1e-5), name
    assert run.recipe_toml().count("lateral2") == 1, "no pyramid on a pyramid"
    assert bits(train(again, name="third", workspace=work)) == bits(run)
    folded = train(on_maps(home, start=str(first.path), folds=2, epochs=1), name="begun-folds", workspace=work)
    fresh = train(on_maps(home, folds=2, epochs=1), name="fresh-folds", workspace=work)
    assert bits(folded) == bits(fresh), "a head that may have seen the pictures answers for none of them"


def test_a_run_of_scenes_gives_its_trunk_alone_to_another_task(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    run = train(on_maps(home, epochs=1), name="given", workspace=work)
    begun = start.open_start(str(run.path), work)
    assert str(begun.net) == f"{TRUNK.removesuffix(' >> flatten >> dense')} >> globalavgpool >> flatten >> dense"
    theirs = dict(Predictor.open(run.path, onnx=False).model.state_dict())
    found = start_tensors(begun)
    assert {name.partition(".")[0] for name in found} == {"input", "conv1", "batchnorm1", "conv2"}
    assert np.array_equal(found["conv2.weight"], theirs["deeper2.conv1.weight"])
    assert begun.gives_head("placed-spot", begun.names) and not begun.gives_head("spot", begun.names)


def test_a_run_of_scenes_without_a_trunk_is_no_start_and_the_words_name_the_remedy(home: Path) -> None:
    work = Workspace(runs_dir=home / "runs")
    net = "conv 8 3x3 stride 2 pad 1 >> relu >> globalavgpool >> flatten >> dense"
    chance = train(recipe(home, "placed-spot", net=net, epochs=1), name="chance", workspace=work)
    with pytest.raises(RecipeError, match=r"is of task placed-spot, and its net.*--start efficientnet_lite0.*--resume"):
        train(on_maps(home, start=str(chance.path)), name="no", workspace=work)
