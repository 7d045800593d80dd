"""Several tags a picture as a task: labels, losses and their slopes, what is learnt after training, answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from tests.configs import config

from striate.data.labels.tags import TAGS
from striate.data.sources.items import FolderSource, Item
from striate.engine.heads import Problem, along
from striate.errors import ModelError, RecipeError, SourceError, StriateError
from striate.metrics.probability import sigmoid
from striate.recipe import Recipe
from striate.tasks.assessment import About, Basis
from striate.tasks.objective import Objective
from striate.tasks.sections import Matrix, Table, Tiles
from striate.tasks.tag import Tag
from striate.tasks.tag_loss import asymmetric
from striate.tasks.tags import Tags
from striate.tasks.values import Judged, LabelFacts, Labels, State

TASK = Tag()
NAMES = ("sea", "sunset", "trees")
FACTS = LabelFacts(NAMES)


def source(rows, *, names=NAMES, kind=TAGS) -> FolderSource:
    items = tuple(Item(f"{n}.jpg", None if row is None else tuple(map(float, row))) for n, row in enumerate(rows))
    return FolderSource("s", "/s", names, items, root=Path("/s"), kind=kind)


def answers(pictures: int = 120, *, seed: int = 0):
    generator = np.random.default_rng(seed)
    targets = (generator.random((pictures, 3)) < [0.5, 0.3, 0.1]).astype(np.float32)
    logits = generator.normal(size=(pictures, 3)) + 3 * (targets - 0.6)
    return logits.astype(np.float32), targets


def judged(logits, targets, *, folds=None, recipe=None) -> Judged:
    return Judged({"logits": logits}, targets, recipe or config(), known=lambda choose: ({}, targets), folds=folds)


def learnt(logits, targets, **said):
    return TASK.opened(TASK.fit_state(judged(logits, targets, **said), FACTS), FACTS)


def test_labels_are_rows_of_0_and_1_and_a_picture_without_a_tag_is_one() -> None:
    labels = TASK.labels(source([(1, 0, 0), (0, 0, 0), None, (1, 1, 0)]), Recipe())
    assert labels.names == NAMES
    assert labels.values.dtype == np.float32
    np.testing.assert_array_equal(labels.values[[0, 1, 3]], [[1, 0, 0], [0, 0, 0], [1, 1, 0]])
    assert labels.known.tolist() == [True, True, False, True]
    assert any("1 picture has no tag, and is learnt as such" in note for note in labels.notes)
    assert any("only one picture has the tag sunset" in note for note in labels.notes)
    strata = TASK.strata(labels)
    assert strata.values.dtype == bool and strata.values.shape == (4, 3)


def test_a_source_of_classes_is_one_tag_a_picture() -> None:
    items = (Item("a.jpg", 1), Item("b.jpg", -1), Item("c.jpg", 0))
    labels = TASK.labels(FolderSource("s", "/s", ("cat", "dog"), items, root=Path("/s")), config())
    np.testing.assert_array_equal(labels.values[[0, 2]], [[0, 1], [1, 0]])
    assert labels.known.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(0, 0, 0), (0, 0, 0)], "none of 2 pictures has a tag"),
        ([(1, 0, 0), (0, 1, 0)], "no tag is on two pictures and missing on another .'sea' is on 1 of 2 pictures"),
        ([(1, 0, 0), (1, 0, 0)], "'sea' is on 2 of 2 pictures"),
        ([(1, 0.5, 0), (1, 0, 0)], "its labels hold other numbers"),
    ],
)
def test_what_cannot_be_learnt_is_refused(rows, words) -> None:
    made = source(rows)
    with pytest.raises(SourceError, match=words):
        TASK.check_labels(made, TASK.labels(made, config()))


def test_slopes_are_the_loss_of_each_picture_and_its_derivative() -> None:
    logits, targets = (torch.from_numpy(each) for each in answers(9))
    weights = torch.tensor([1.0, 4.0, 0.5])
    for weight in (None, weights):
        output = logits.double().requires_grad_()
        losses, slopes = TASK.slopes(output, targets, config(), weight)
        whole = TASK.loss({"logits": output}, targets, config(label_smoothing=0.0), weight)["binary cross-entropy"]
        assert float(losses.detach().mean()) == pytest.approx(float(whole.detach()), rel=1e-6)
        losses.sum().backward()
        torch.testing.assert_close(output.grad, slopes)
        heads = torch.stack([output.detach(), 2 * output.detach()], 1)  # of many heads at once
        many, turned = TASK.slopes(heads, targets, config(), weight)
        assert many.shape == (9, 2) and turned.shape == (9, 2, 3)
        torch.testing.assert_close(many[:, 0], losses.detach())
        torch.testing.assert_close(turned[:, 0], slopes.detach())
    assert TASK.plain_loss({"logits": logits}, targets, config()) == pytest.approx(
        float(TASK.slopes(logits.double(), targets, config())[0].mean()), rel=1e-6
    )


@pytest.mark.parametrize("balanced", [False, True])
def test_a_head_is_scikit_learns_one_against_rest_regression(balanced: bool) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(80, 6)).astype(np.float32)
    features = (features - features.mean(0)) / features.std(0)
    targets = (features[:, :3] + generator.normal(size=(80, 3)) > 0.5).astype(np.float32)
    said = "balanced" if balanced else "none"
    weight, bias = list(along(_problem(features, targets, config(class_weights=said)), (0.05,), epochs=400))[-1]
    for tag in range(3):
        positives = targets[:, tag].sum()
        counts = {1.0: (80 - positives) / positives} if balanced else None
        model = LogisticRegression(C=1 / (0.05 * 80), tol=1e-8, max_iter=2000, class_weight=counts)
        theirs = model.fit(features, targets[:, tag])
        np.testing.assert_allclose(weight[0, tag].numpy(), theirs.coef_[0], atol=0.02)
        assert float(bias[0, tag]) == pytest.approx(float(theirs.intercept_[0]), abs=0.02)


def _problem(features, targets, recipe):
    labels = Labels(NAMES, targets, np.ones(len(targets), bool))
    return Problem(features, targets, targets, np.ones((2, len(features)), bool), Objective(TASK, labels, recipe))


def test_balanced_weights_are_of_the_positives() -> None:
    targets = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    assert TASK.weights(targets, FACTS, config()) is None
    assert TASK.weights(targets, FACTS, config(class_weights="balanced")).tolist() == [3.0, 1.0, pytest.approx(1 / 3)]


def test_the_calibration_of_balanced_weights_begins_where_they_shift() -> None:
    logits, targets = answers(4000)
    labels = TASK.settle(Labels(NAMES, targets, np.ones(4000, bool)), range(4000))
    assert labels.facts["trained"]["pictures"] == 4000
    weights = TASK.weights(targets, labels.kept, config(class_weights="balanced")).numpy()
    recipe = config(class_weights="balanced")
    state = TASK.fit_state(judged(logits[:4] + np.log(weights), targets[:4], recipe=recipe), labels.kept)
    shifts = TASK.opened(state, labels.kept).calibration.shifts
    np.testing.assert_allclose(shifts, -np.log(weights), atol=1.2)


def test_what_is_learnt_is_kept_as_json_and_read_again() -> None:
    logits, targets = answers()
    state = TASK.fit_state(judged(logits, targets, folds=np.arange(120) % 5), FACTS)
    again = State(json.loads(json.dumps(dict(state.facts))))
    one, other = TASK.opened(state, FACTS), TASK.opened(again, FACTS)
    assert one.calibration == other.calibration
    np.testing.assert_array_equal(one.thresholds, other.thresholds)
    assert one.calibration.on == "out-of-fold answers"
    assert "not yet" in TASK.opened(TASK.unlearnt("not yet"), FACTS).calibration.note
    plain = TASK.opened(State(), FACTS)
    assert plain.thresholds.tolist() == [0.5] * 3
    np.testing.assert_allclose(plain.cuts, 0.0, atol=1e-12)


@pytest.mark.parametrize(
    "facts",
    [
        {"thresholds": [0.5, 0.5]},
        {"thresholds": [0.5, 0.5, 1.0]},
        {"thresholds": [0.5, 0.5, "x"]},
        {"thresholds": 3},
        {"calibration": 3},
        {"calibration": {"temperature": -1}},
    ],
)
def test_a_damaged_state_is_refused(facts) -> None:
    with pytest.raises(ModelError, match="the model file's"):
        TASK.opened(State(facts), FACTS)


def test_no_pictures_to_learn_from_leave_plain_answers() -> None:
    state = TASK.fit_state(judged(np.zeros((0, 3)), np.zeros((0, 3))), FACTS)
    found = TASK.opened(state, FACTS)
    assert found.thresholds.tolist() == [0.5] * 3
    assert "not calibrated" in found.calibration.note
    assert TASK.fit_state(judged(*(a[:, :] * [1, 1, 0] for a in answers(30))), FACTS).notes[0].startswith("no picture")


def test_an_answer_reads_as_the_tags_that_are_said() -> None:
    logits, targets = answers()
    found = learnt(logits, targets)
    one = TASK.decode({"logits": logits}, FACTS, found)
    assert len(one) == 120
    answer = Tags(NAMES, np.array([0.81, 0.97, 0.2]), np.array([0.5, 0.4, 0.3]))
    assert str(answer) == "0.97 sunset, 0.81 sea"
    assert answer.said == ("sunset", "sea")
    assert answer.text(3) == "0.97 sunset, 0.81 sea; not said: 0.20 trees"
    assert answer.text(1) == "0.97 sunset"
    assert answer.cells() == ("sunset|sea", 0.81, 0.97, 0.2)
    assert answer.cells(2) == ("sunset|sea", "sunset", 0.97, "sea", 0.81)
    assert TASK.columns(FACTS) == ("tags", "probability of sea", "probability of sunset", "probability of trees")
    assert len(TASK.columns(FACTS, 2)) == len(answer.cells(2))
    values = answer.to_dict()
    assert values["tags"] == ["sunset", "sea"]
    assert values["scores"][2] == {"tag": "trees", "probability": 0.2, "threshold": 0.3, "said": False}
    none = Tags(NAMES, np.array([0.1, 0.3, 0.2]), np.array([0.5, 0.4, 0.3]))
    assert str(none) == "no tag (closest: 0.30 sunset)"
    assert none.cells()[0] == ""
    with pytest.raises(StriateError, match="from 0 to 1"):
        Tags(NAMES, np.array([0.1, np.nan, 0.2]), np.array([0.5, 0.4, 0.3]))
    with pytest.raises(StriateError, match="3 tags but probabilities of shape"):
        Tags(NAMES, np.array([0.1]), np.array([0.5, 0.4, 0.3]))
    with pytest.raises(StriateError, match="about 2 tags but there are 3 tags"):
        TASK.decode({"logits": logits[:, :2]}, FACTS, found)


def test_answers_are_measured_by_the_thresholds_and_out_of_fold_ones_by_those_of_the_others() -> None:
    logits, targets = answers()
    found = learnt(logits, targets)
    assessed = TASK.evaluate({"logits": logits}, targets, FACTS, found, Basis())
    assert assessed.headline.value.value == pytest.approx(average_precision_score(targets, logits))
    assert TASK.measure({"logits": logits}, targets, FACTS)["mean average precision"] == pytest.approx(
        average_precision_score(targets, logits)
    )
    said = found.probabilities(logits) >= found.thresholds
    np.testing.assert_array_equal(assessed.right, (said == targets).all(axis=1))
    assert not assessed.right[assessed.worst()].any()
    assert assessed.losses.shape == (120,) and (assessed.losses > 0).all()
    folds = np.arange(120) % 4
    crossed = TASK.evaluate({"logits": logits}, targets, FACTS, found, Basis(config(), folds))
    assert crossed.thresholds.shape == (120, 3)
    assert len(np.unique(crossed.thresholds[:, 0])) == 4
    wrong = int(np.flatnonzero(~assessed.right)[0])
    assert "; is " in assessed.caption(wrong)
    assert "; is " not in assessed.caption(int(np.flatnonzero(assessed.right)[0]))
    assert "mean average precision" in assessed.report.text()
    assert json.dumps(assessed.report.to_dict() | assessed.to_dict())
    assert assessed.verdict(About(trained=targets)).text


def test_the_report_shows_misses_tags_and_which_stand_together() -> None:
    logits, targets = answers()
    assessed = TASK.evaluate({"logits": logits}, targets, FACTS, learnt(logits, targets), Basis())
    misses, tags, together = assessed.sections()
    assert any(isinstance(part, Tiles) for part in misses.parts)
    table = next(part for part in tags.parts if isinstance(part, Table))
    assert [row[0] for row in table.rows] == list(NAMES)
    matrix = next(part for part in together.parts if isinstance(part, Matrix))
    both = int((targets[:, 0] * targets[:, 1]).sum())
    assert matrix.words[0][1].startswith(str(both))
    shown = TASK.shown_parts(targets, {"train": np.arange(80), "val": np.arange(0), "test": np.arange(80, 120)}, FACTS)
    assert shown[0].rows[0] == ("sea", f"{int(targets[:80, 0].sum())}", f"{int(targets[80:, 0].sum())}")
    assert any(row[0] == "without a tag" for row in shown[0].rows)


def test_other_pictures_may_lack_a_tag_and_may_not_have_a_new_one() -> None:
    rows = np.array([[1, 0], [0, 1]], np.float32)
    known = np.ones(2, bool)
    np.testing.assert_array_equal(TASK.matched(Labels(("trees", "sea"), rows, known), FACTS), [[0, 0, 1], [1, 0, 0]])
    with pytest.raises(StriateError, match="1 tag the model does not know: moon"):
        TASK.matched(Labels(("moon", "sea"), rows, known), FACTS)


def test_questions_about_a_tag() -> None:
    logits, targets = answers()
    found = learnt(logits, targets)
    output = np.array([2.0, 4.0, -3.0], np.float32)
    asked = TASK.question(output, FACTS, found)
    assert asked.title == "Why did it say sunset?"
    assert TASK.question(output, FACTS, found, "sea").target == 0
    assert TASK.question(output, FACTS, found, 2).title == "Why did it not say trees?"
    rows = torch.tensor([[2.0, 4.0, -3.0], [0.0, -9.0, 0.0]])
    assert asked.score(rows).tolist() == [4.0, -9.0]
    assert asked.level(rows).tolist() == pytest.approx(sigmoid([[4.0, -9.0]])[0].tolist())
    assert (asked.margin(rows) > 0).tolist() == [True, False]
    never = TASK.question(output, FACTS, found, "trees")
    assert (never.margin(rows) > 0).tolist() == [True, bool(found.cuts[2] > 0)]
    assert asked.renewed(torch.tensor([[9.0, 0.0, 0.0]])).answer == "sea"
    with pytest.raises(StriateError, match="there is no tag 'see'; near it: sea"):
        TASK.question(output, FACTS, found, "see")
    with pytest.raises(StriateError, match="no tag 7"):
        TASK.question(output, FACTS, found, 7)
    with pytest.raises(StriateError, match="none against another"):
        TASK.question(output, FACTS, found, "sea", "sunset")
    np.testing.assert_allclose(sigmoid([found.calibration.scaled([found.cuts])[0]])[0], found.thresholds)
    assert TASK.map_values(logits, FACTS, found).shape == logits.shape


def test_the_asymmetric_loss_is_one_word_of_the_recipe() -> None:
    logits, targets = (torch.from_numpy(each) for each in answers(9))
    recipe = config(loss="asymmetric")
    term = TASK.loss({"logits": logits}, targets, recipe)["binary cross-entropy"]
    torch.testing.assert_close(term, asymmetric(logits, targets))
    assert TASK.plain_loss({"logits": logits}, targets, recipe) == pytest.approx(float(term))
    plain = TASK.slopes(logits.double(), targets, config())[0]
    torch.testing.assert_close(TASK.slopes(logits.double(), targets, recipe)[0], plain)  # a head stays convex
    with pytest.raises(RecipeError, match="loss = 'smooth-l1': tags are learnt by cross-entropy or asymmetric"):
        TASK.labels(source([(1, 0, 0), (0, 1, 0)]), config(loss="smooth-l1"))


def test_what_the_asymmetric_loss_does_to_probabilities_is_calibrated_away() -> None:
    logits, targets = answers(4000)
    squeezed = 0.3 * logits + 2.0
    found = learnt(squeezed, targets, recipe=config(loss="asymmetric"))
    expected = learnt(logits, targets)
    np.testing.assert_allclose(found.probabilities(squeezed), expected.probabilities(logits), atol=0.05)


def test_answers_to_pictures_without_a_tag_are_measured_as_far_as_they_can_be() -> None:
    logits, targets = answers()
    none = np.zeros_like(targets)
    assessed = TASK.evaluate({"logits": logits}, none, FACTS, learnt(logits, targets), Basis())
    assert assessed.verdict(About(trained=targets)).kind == "untested"
    assert len(assessed.figures()) == 4
    assert "no picture to measure of the tags" in assessed.caveats()[0]
    assert [section.anchor for section in assessed.sections()][-2:] == ["tags", "together"]
    assert json.dumps(assessed.report.to_dict())


def test_thresholds_chosen_on_the_pictures_they_are_shown_on_are_said_to_be() -> None:
    logits, targets = answers()
    for judging, words in ((True, "expect less of new ones"), (False, "that are not measured here")):
        found = TASK.evaluate({"logits": logits}, targets, FACTS, learnt(logits, targets), Basis(judging=judging))
        assert words in str(
            next(part for section in found.sections() if section.anchor == "tags" for part in section.parts)
        )
