"""The seam: what every task in the table promises, and classification through it against its own functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.configs import config

from striate.data.sources.items import CLASSES, FolderSource, Item
from striate.data.strata import Strata
from striate.errors import ModelError, RecipeError, ShapeError
from striate.recipe import Recipe
from striate.spec import parse
from striate.tasks.calibrate import calibrate
from striate.tasks.classify import Classify, Learnt, state_of, state_of_format_1
from striate.tasks.decode import decode
from striate.tasks.objective import Objective
from striate.tasks.ood import fit_ood
from striate.tasks.sketch import spread_evenly
from striate.tasks.table import TASKS, task_for, task_named, task_said
from striate.tasks.task import EMBEDDING, Judged, LabelFacts, Labels

FACTS = LabelFacts(("a", "b", "c"))


def answers(pictures: int = 60, seed: int = 0):
    random = np.random.default_rng(seed)
    targets = np.arange(pictures) % 3
    logits = (random.normal(size=(pictures, 3)) + 3 * np.eye(3)[targets]).astype(np.float32)
    embeddings = (random.normal(size=(pictures, 8)) + 4 * np.eye(3, 8)[targets]).astype(np.float32)
    return {"logits": logits, EMBEDDING: embeddings}, targets


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_a_task_says_what_it_is(task):
    assert TASKS[task.name] is task and task_named(task.name) is task
    for said in (task.name, task.kind, task.output, task.noun, task.ends, task.headline, *task.terms):
        assert isinstance(said, str) and said
    assert task.output != EMBEDDING and len(set(task.terms)) == len(task.terms) > 0


def test_the_kind_of_classes_is_that_of_sources():
    assert Classify.kind == CLASSES and TASKS["classify"] is task_for(CLASSES)


def test_a_task_that_is_none_is_named():
    with pytest.raises(RecipeError, match=r"no task 'clasify'; did you mean classify\?"):
        task_named("clasify")
    with pytest.raises(RecipeError, match=r"no task 'x'; the tasks are classify"):
        task_named("x")


@pytest.mark.parametrize(
    ("task", "asked", "words"),
    [
        ("classify", {"loss": "squared"}, "loss = 'squared': task classify makes no use of it"),
        ("classify", {"circular": "360"}, "circular = '360': task classify makes no use of it"),
        ("tag", {"circular": "360"}, "circular = '360': task tag makes no use of it"),
        ("tag", {"strangers": True}, "strangers = True: task tag makes no use of it"),
        ("regress", {"class_weights": "balanced"}, "class_weights = 'balanced': task regress makes no use of it"),
        ("regress", {"loss": "quantile 2"}, "there is no loss 'quantile 2' for numbers"),
    ],
)
def test_what_a_task_would_not_do_is_refused(task, asked, words):
    TASKS[task].check_recipe(Recipe())
    with pytest.raises(RecipeError, match=words):
        TASKS[task].check_recipe(Recipe(**asked))


def test_a_period_says_that_numbers_are_learnt():
    assert task_said(Recipe()) is None and task_said(Recipe(circular="360")) == "regress"
    assert task_said(Recipe(task="tag", circular="360")) == "tag"


def test_labels_are_the_places_of_the_classes():
    items = tuple(Item(f"{number}.png", target) for number, target in enumerate([1, 0, 1, 0]))
    source = FolderSource("made", "/made", ("a", "b"), items, root=Path("/made"))
    labels = Classify().labels(source, Recipe())
    assert labels.names == ("a", "b") and labels.values.tolist() == [1, 0, 1, 0] and labels.known.all()
    objective = Objective(Classify(), labels, config())
    assert objective.width == 2 and objective.targets.tolist() == [1, 0, 1, 0]
    assert Classify().encode(labels, [0, 1]).tolist() == [1, 0]


@pytest.mark.parametrize("heads", [(), (4,)])
def test_slopes_are_the_derivative_of_the_loss(heads):
    generator = torch.Generator().manual_seed(1)
    output = torch.randn(5, *heads, 3, generator=generator, dtype=torch.float64).requires_grad_()
    targets = torch.tensor([0, 2, 1, 1, 0])
    losses, slopes = Classify().slopes(output.detach(), targets, config())
    assert losses.shape == (5, *heads) and slopes.shape == output.shape
    own = targets.view(-1, *[1 for _ in heads]).expand(5, *heads)
    wanted = torch.nn.functional.cross_entropy(output.movedim(-1, 1), own, reduction="none")
    wanted.sum().backward()
    torch.testing.assert_close(losses, wanted.detach())
    torch.testing.assert_close(slopes, output.grad)


def test_loss_takes_smoothing_of_the_recipe_and_weights():
    outputs, targets = answers()
    logits, wanted, weights = torch.from_numpy(outputs["logits"]), torch.from_numpy(targets), torch.tensor([1.0, 2, 3])
    found = Classify().loss({"logits": logits}, wanted, config(label_smoothing=0.1), weights)
    expected = torch.nn.functional.cross_entropy(logits, wanted, label_smoothing=0.1, reduction="sum", weight=weights)
    assert list(found) == ["cross-entropy"]
    torch.testing.assert_close(found["cross-entropy"], expected / 60)
    assert Classify().row_weights(wanted, weights).tolist() == weights[wanted].tolist()
    assert Classify().plain_loss({"logits": logits}, wanted, config()) == float(
        torch.nn.functional.cross_entropy(logits, wanted)
    )


def test_balanced_weights_only_where_asked_for():
    targets = np.array([0, 0, 0, 1])
    assert Classify().weights(targets, FACTS, config()) is None
    weights = Classify().weights(targets, FACTS, config(class_weights="balanced"))
    assert weights is not None and weights.tolist() == pytest.approx([2 / 3, 2, 0])


def test_a_class_that_was_not_seen_is_no_judge():
    assert Classify().judges(np.array([0, 1, 2]), np.array([2, 0, 0])).tolist() == [True, False, True]


def test_state_is_calibration_and_what_is_known():
    outputs, targets = answers()
    asked = []

    def known(choose):
        sample, of = answers(300, seed=1)
        places = choose(of)
        asked.append(places)
        return {name: array[places] for name, array in sample.items()}, of[places]

    task, learnt_from = Classify(), answers(300, seed=1)
    state = task.fit_state(Judged(outputs, targets, config(), known), FACTS)
    learnt = task.opened(state, FACTS)
    assert learnt.calibration == calibrate(outputs["logits"], targets)
    assert np.array_equal(asked[0], spread_evenly(learnt_from[1]))
    expected = fit_ood(
        learnt_from[0][EMBEDDING],
        learnt_from[1],
        outputs[EMBEDDING],
        outputs["logits"],
        temperature=learnt.calibration.temperature,
    ).with_skill(None)
    assert learnt.unknown is not None and learnt.unknown.to_dict() == expected.to_dict()
    assert np.array_equal(learnt.unknown.stored, expected.stored)
    said = task.decode(outputs, FACTS, learnt)
    plain = decode(
        outputs["logits"],
        FACTS.names,
        temperature=learnt.calibration.temperature,
        embeddings=outputs[EMBEDDING],
        unknown=expected,
    )
    assert [one.to_dict() for one in said] == [one.to_dict() for one in plain]
    assert all(one.ood_score is None for one in task.decode(outputs, FACTS, learnt, options={"unknown": False}))
    assert set(state.arrays) == {"stored"}
    old = state_of_format_1(learnt.calibration.to_dict(), expected.to_dict(), expected.to_tensors())
    assert task.opened(old, FACTS).unknown.to_dict() == expected.to_dict()


def test_nothing_is_known_where_that_is_not_wanted_or_pictures_are_few():
    outputs, targets = answers(15)

    def known(choose):
        raise AssertionError("nobody needs to ask")

    few = Classify().fit_state(Judged(outputs, targets, config(), known), FACTS)
    assert few.facts["unknown"] is None and not few.arrays and few.facts["calibration"]["pictures"] == 15
    outputs, targets = answers()
    plain = Classify().fit_state(Judged(outputs, targets, config(unknown=False), known), FACTS)
    assert plain.facts["unknown"] is None
    folds = np.arange(60) % 5
    folded = Classify().fit_state(Judged(outputs, targets, config(), known, folds=folds), FACTS)
    assert folded.facts["unknown"] is None
    assert folded.facts["calibration"] == calibrate(outputs["logits"], targets, folds=folds).to_dict()


def test_a_damaged_state_is_refused():
    learnt = Learnt(calibrate(*[value[:40] for value in (answers()[0]["logits"], answers()[1])]), None)
    state = state_of(learnt)
    state.facts["calibration"]["temperature"] = "hot"  # type: ignore[index]
    with pytest.raises(ModelError, match="calibration does not read"):
        Classify().opened(state, FACTS)


def test_a_net_that_ends_otherwise_is_refused():
    Classify().check(parse("conv 4 3x3 >> flatten >> dense 3").on(1, 6, 6), FACTS)
    with pytest.raises(ShapeError, match=r"the net puts out 2, and 3 classes take 3 numbers a picture; let it end in"):
        Classify().check(parse("conv 4 3x3 >> flatten >> dense 2").on(1, 6, 6), FACTS)


def test_strata_are_one_a_picture_or_several():
    known = np.array([True, True, False])
    assert Strata(np.array([2, 0, -1]), known).numbers == ((2,), (0,), ())
    several = Strata(np.array([[True, False, True], [False, False, False], [True, True, True]]), known)
    assert several.numbers == ((0, 2), (3,), ())


def test_labels_keep_names_and_facts():
    labels = Labels(("angle",), np.zeros((2, 1)), np.ones(2, bool), {"unit": "deg"})
    assert labels.kept == LabelFacts(("angle",), {"unit": "deg"})
