"""Numbers as a task: what is learnt, refused, said; circular ones; intervals through the state and back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.configs import config

from striate.data.sources.items import FolderSource, Item
from striate.errors import ModelError, SourceError, StriateError
from striate.tasks.assessment import About, Basis
from striate.tasks.number_answering import columns_of
from striate.tasks.number_question import NumberQuestion
from striate.tasks.pairing import Shared
from striate.tasks.regress import Regress, periods_of
from striate.tasks.sections import Points, Table, Tiles
from striate.tasks.values import Judged, LabelFacts, State

TASK = Regress()


def source(values: np.ndarray, names: tuple[str, ...] = ("angle",), **more) -> FolderSource:
    items = tuple(
        Item(f"{row}.jpg", None if math.isnan(each[0]) else tuple(each)) for row, each in enumerate(values.tolist())
    )
    facts = {"units": more.pop("units", ["deg"] * len(names))}
    return FolderSource("list", "list.csv", names, items, root=Path(), kind="numbers", label_facts=facts, **more)


def drawn(pictures: int = 120, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(50, 10, (pictures, 1))


def judged(outputs: np.ndarray, targets: np.ndarray, folds: np.ndarray | None = None) -> Judged:
    return Judged({"numbers": outputs}, targets, config(), lambda _: ({}, targets), folds)


def test_labels_are_standardised_by_the_pictures_trained_on():
    values = drawn()
    values[3] = np.nan
    labels = TASK.labels(source(values), config())
    assert labels.names == ("angle",)
    assert labels.known.sum() == 119
    rows = list(range(10, 60))
    settled = TASK.settle(labels, rows)
    learnt = TASK.encode(settled, rows)
    assert learnt.shape == (50, 1)
    assert (learnt.mean(), learnt.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    assert np.isfinite(TASK.encode(settled)).all()
    assert json.loads(json.dumps(settled.facts)) == settled.facts
    assert TASK.width(settled.kept) == 1
    assert set(TASK.strata(labels).values.tolist()) == {-1, *range(10)}


def test_a_number_that_most_pictures_have_is_said_with_what_it_means():
    values = np.concatenate([np.zeros((75, 1)), np.linspace(-1, 1, 25)[:, None]])
    (note,) = TASK.labels(source(values, units=[""]), config()).notes
    assert "angle is exactly 0 on 76 of 100 pictures (76.0 %)" in note
    assert f"always answering 0 has a mean absolute error of {np.abs(values).mean():.4g}" in note


def test_what_cannot_be_learnt_is_refused():
    for values, words in (
        (np.full((30, 1), 7.0), "angle is 7 on all 30 pictures"),
        (drawn(4), "holds 4 pictures with a number"),
    ):
        with pytest.raises(SourceError, match=words):
            one = source(values)
            TASK.check_labels(one, TASK.labels(one, config()))


def test_a_number_too_large_to_compute_with_is_named():
    values = drawn(30)
    values[7] = 1e300
    with pytest.raises(SourceError, match=r"angle of 7\.jpg is 1e\+300, and no number may be beyond 1e\+30"):
        TASK.labels(source(values), config())


def test_classes_that_are_numbers_are_numbers_and_others_are_refused():
    items = tuple(Item(f"{row}.jpg", row % 3 - (row == 5)) for row in range(9))
    ages = FolderSource("ages", "ages", ("1", "10", "2.5"), items, root=Path())
    labels = TASK.labels(ages, config())
    assert labels.values[:3, 0].tolist() == [1.0, 10.0, 2.5]
    with pytest.raises(SourceError, match=r"its labels are no numbers \(cat, dog\)"):
        TASK.labels(FolderSource("pets", "pets", ("cat", "dog"), items, root=Path()), config())


def test_which_numbers_are_circular():
    def periods(said: str | float, names: tuple[str, ...]) -> tuple[float | None, ...]:
        return periods_of(config(circular=said), names)

    assert periods(360, ("angle",)) == (360.0,)
    assert periods("hour=24", ("angle", "hour")) == (None, 24.0)
    assert periods("angle=360, hour=24", ("angle", "hour")) == (360.0, 24.0)
    assert periods_of(config(), ("angle",)) == (None,)
    for said, words in (("360", "which of angle, hour"), ("x=3", "there is no number 'x'"), ("hour=-1", "no length")):
        with pytest.raises(SourceError, match=words):
            periods(said, ("angle", "hour"))


def circle(pictures: int = 300):
    generator = np.random.default_rng(1)
    turns = generator.uniform(0, 360, (pictures, 1))
    labels = TASK.labels(source(turns), config(circular="360"))
    said = turns + generator.normal(0, 6, (pictures, 1))
    outputs = columns_of(labels.kept).encode(said) * generator.uniform(0.6, 1, (pictures, 1)).astype(np.float32)
    return labels, turns, outputs


def test_a_circular_number_is_learnt_as_cosine_and_sine():
    labels, turns, outputs = circle()
    assert TASK.width(labels.kept) == 2
    assert TASK.measure({"numbers": outputs}, turns, labels.kept)["mean absolute error"] < 7
    state = TASK.fit_state(judged(outputs, turns), labels.kept)
    learnt = TASK.opened(state, labels.kept)
    answer = TASK.decode({"numbers": columns_of(labels.kept).encode([[359.0]])}, labels.kept, learnt)[0]
    assert str(answer) == "359.0 deg (349.4 to 8.6)"
    assessment = TASK.evaluate({"numbers": outputs}, turns, labels.kept, learnt, Basis())
    assert assessment.report.each[0].measures.r2.value > 0.9
    assert assessment.losses.max() < 40


def test_a_state_comes_back_and_intervals_hold_nine_of_ten():
    values = drawn(400)
    labels = TASK.settle(TASK.labels(source(values), config()), range(400))
    generator = np.random.default_rng(2)
    outputs = TASK.encode(labels) + generator.normal(0, 0.3, (400, 1)).astype(np.float32)
    folds = np.arange(400) % 5
    state = TASK.fit_state(judged(outputs, values, folds), labels.kept)
    assert json.loads(json.dumps(state.facts)) == state.facts
    learnt = TASK.opened(state, labels.kept)
    answers = TASK.decode({"numbers": outputs[:2]}, labels.kept, learnt)
    assert answers[0].to_dict()["numbers"][0]["unit"] == "deg"
    assert len(answers[0].cells()) == len(TASK.columns(labels.kept)) == 3
    wider = TASK.decode({"numbers": outputs[:1]}, labels.kept, learnt, options={"level": 0.99})[0]
    assert wider.each[0].high > answers[0].each[0].high
    assessment = TASK.evaluate({"numbers": outputs}, values, labels.kept, learnt, Basis(folds=folds, design=1.5))
    one = assessment.report.each[0]
    assert 0.86 <= one.coverage.value <= 0.94
    assert str(assessment.headline).startswith("mean absolute error 2.")
    assert "deg" in str(assessment.headline)
    assert ", is " in assessment.caption(0)
    assert assessment.worst(3).tolist() == np.argsort(-np.abs(assessment.errors[:, 0]), kind="stable")[:3].tolist()
    assert assessment.verdict(About()).kind in ("fine", "more", "labels")
    parts = [part for section in assessment.sections() for part in section.parts]
    assert [sum(isinstance(part, kind) for part in parts) for kind in (Tiles, Points, Table)] == [1, 2, 2]
    assert len(assessment.figures()) == 4
    assert any("intervals are" in line for line in assessment.learnt_lines())


def test_too_few_pictures_have_no_interval_and_say_so():
    values = drawn(6)
    labels = TASK.labels(source(values), config())
    state = TASK.fit_state(judged(TASK.encode(labels), values), labels.kept)
    assert "no intervals" in state.notes[0]
    learnt = TASK.opened(state, labels.kept)
    assert "(no interval)" in str(TASK.decode({"numbers": TASK.encode(labels)[:1]}, labels.kept, learnt)[0])
    nothing = TASK.fit_state(judged(np.zeros((0, 1), np.float32), np.zeros((0, 1))), labels.kept)
    assert TASK.opened(nothing, labels.kept).intervals[0].count == 0
    assert TASK.opened(State(), labels.kept).intervals[0].count == 0
    assessment = TASK.evaluate({"numbers": TASK.encode(labels)}, values, labels.kept, learnt, Basis())
    assert any("no intervals" in said for said in assessment.lines())


def test_damaged_states_and_facts_are_refused():
    values = drawn(40)
    labels = TASK.labels(source(values), config())
    state = TASK.fit_state(judged(0.5 * TASK.encode(labels), values), labels.kept)
    for broken in (
        State({**state.facts, "counts": [1, 2]}, state.arrays),
        State({**state.facts, "level": "x"}, state.arrays),
        State(state.facts, {}),
        State(state.facts, {name: array[::-1] for name, array in state.arrays.items()}),
    ):
        with pytest.raises(ModelError, match="intervals do not read"):
            TASK.opened(broken, labels.kept)
    for facts in ({}, {"columns": [{}]}, {"columns": 3}, {**labels.facts, "units": ["a", "b"]}):
        with pytest.raises(ModelError):
            TASK.opened(state, LabelFacts(("angle",), facts))
    with pytest.raises(StriateError, match="not of 1 columns"):
        TASK.decode({"numbers": np.zeros((1, 3))}, labels.kept, TASK.opened(state, labels.kept))


@pytest.mark.parametrize("loss", [None, "squared", "quantile 0.8"])
def test_loss_and_slopes_are_of_one_kind(loss):
    recipe = config(loss=loss)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(9, 2, generator=generator, dtype=torch.float64)
    targets = torch.randn(9, 2, generator=generator)
    total = sum(TASK.loss({"numbers": outputs}, targets, recipe).values())
    each, slopes = TASK.slopes(outputs, targets, recipe)
    assert float(total) == pytest.approx(float(each.mean()), rel=1e-5)
    assert TASK.plain_loss({"numbers": outputs}, targets, recipe) == pytest.approx(float(total), rel=1e-5)
    heads, more = TASK.slopes(outputs[:, None].expand(9, 3, 2), targets, recipe)
    assert heads.shape == (9, 3)
    assert torch.equal(more[:, 1], slopes)


def test_what_may_be_asked():
    values = np.column_stack([drawn(50)[:, 0], np.linspace(0, 350, 50)])
    labels = TASK.labels(source(values, ("mass", "turn"), units=["kg", "deg"]), config(circular="turn=360"))
    learnt = TASK.opened(State(), labels.kept)
    output = columns_of(labels.kept).encode([[60.0, 90.0]])
    first = TASK.question(output[0], labels.kept, learnt)
    assert first.title == "What raises the mass, and what lowers it?"
    tensor = torch.from_numpy(output)
    assert first.value(tensor) == pytest.approx(60.0, abs=1e-3)
    second = TASK.question(output[0], labels.kept, learnt, "turn")
    assert "turns the turn onwards" in second.title
    assert second.value(tensor) == pytest.approx(90.0, abs=1e-3)
    onwards = torch.from_numpy(columns_of(labels.kept).encode([[60.0, 95.0]]))
    assert float(second.score(onwards)) == pytest.approx(math.sin(math.radians(5)), abs=1e-4)
    level = first.level(torch.tensor([[2.0, 0, 0], [1.0, 0, 0], [1.5, 0, 0]]))
    assert level.tolist() == [1.0, 0.0, 0.5]
    assert isinstance(second.renewed(tensor), NumberQuestion)
    for word, against, words in (
        ("weight", None, "no number 'weight'"),
        (5, None, "no number 5"),
        (None, "mass", "no other"),
    ):
        with pytest.raises(StriateError, match=words):
            TASK.question(output[0], labels.kept, learnt, word, against)


def test_copies_count_as_one_picture_in_intervals_and_figures():
    values = drawn(40)
    labels = TASK.settle(TASK.labels(source(values), config()), range(40))
    outputs = TASK.encode(labels) + np.random.default_rng(4).normal(0, 0.3, (40, 1)).astype(np.float32)
    rows, alone = np.repeat(np.arange(40), 3), np.arange(120)
    thrice = {"numbers": outputs[rows]}
    state = TASK.fit_state(replace(judged(outputs[rows], values[rows]), groups=rows), labels.kept)
    assert state.facts["counts"] == [40]
    assert TASK.fit_state(judged(outputs[rows], values[rows]), labels.kept).facts["counts"] == [120]
    learnt = TASK.opened(state, labels.kept)

    def wide(groups: np.ndarray | None, folds: np.ndarray | None = None) -> tuple[float, float]:
        found = TASK.evaluate(thrice, values[rows], labels.kept, learnt, Basis(folds=folds, groups=groups))
        one = found.report.each[0]
        return one.measures.mae.high - one.measures.mae.low, one.coverage.high - one.coverage.low

    for folds in (None, rows % 5):
        together, apart = wide(rows, folds), wide(alone, folds)
        assert together[0] > 1.5 * apart[0]
        assert together[1] > 1.3 * apart[1]
    assert Basis(groups=rows, design=1.5).effect == pytest.approx(4.5)


def test_of_several_numbers_the_headline_is_as_wide_as_folds_make_it():
    values = np.hstack([drawn(60), drawn(60, 1)])
    labels = TASK.settle(TASK.labels(source(values, ("a", "b")), config()), range(60))
    outputs = TASK.encode(labels) + np.random.default_rng(4).normal(0, 0.3, (60, 2)).astype(np.float32)
    learnt = TASK.opened(TASK.fit_state(judged(outputs, values), labels.kept), labels.kept)
    plain, crossed = (
        TASK.evaluate({"numbers": outputs}, values, labels.kept, learnt, Basis(design=design)).headline.value
        for design in (1.0, 2.25)
    )
    assert crossed.high - crossed.value == pytest.approx(1.5 * (plain.high - plain.value))


def several(constant: bool = False):
    values = np.hstack([drawn(60), 100 * drawn(60, 1)])
    labels = TASK.settle(TASK.labels(source(values, ("a", "b")), config()), range(60))
    outputs = TASK.encode(labels) + np.random.default_rng(4).normal(0, 0.3, (60, 2)).astype(np.float32)
    if constant:
        values = np.column_stack([values[:, 0], np.full(60, 5000.0)])
    learnt = TASK.opened(TASK.fit_state(judged(outputs, values), labels.kept), labels.kept)
    return labels, values, outputs, learnt


@pytest.mark.parametrize("constant", [False, True])
def test_an_epoch_and_an_evaluation_tell_errors_in_several_numbers_alike(constant):
    labels, values, outputs, learnt = several(constant)
    found = TASK.evaluate({"numbers": outputs}, values, labels.kept, learnt, Basis())
    epoch = TASK.measure({"numbers": outputs}, values, labels.kept)["mean absolute error"]
    assert found.headline.value.value == pytest.approx(epoch)
    assert any("b is 5000 deg on all" in said for said in found.caveats()) == constant


def test_two_runs_are_compared_in_the_same_deviations():
    labels, values, outputs, learnt = several()
    other = TASK.settle(TASK.labels(source(values[:, ::-1], ("b", "a")), config()), range(20))
    turned = columns_of(other.kept).encode(columns_of(labels.kept).decode(outputs)[0][:, ::-1])
    theirs = TASK.opened(TASK.fit_state(judged(turned, values[:, ::-1]), other.kept), other.kept)
    one = TASK.evaluate({"numbers": outputs}, values, labels.kept, learnt, Basis())
    two = TASK.evaluate({"numbers": turned}, values[:, ::-1], other.kept, theirs, Basis())
    rows = np.arange(60)
    found = TASK.paired(Shared(one, two, rows, rows))
    assert found.difference.value == pytest.approx(0, abs=1e-5)
    assert found.a.value == pytest.approx(found.b.value, rel=1e-5)


def test_intervals_are_not_counted_on_the_pictures_they_were_made_from():
    labels, values, outputs, learnt = several()
    own = TASK.evaluate({"numbers": outputs}, values, labels.kept, learnt, Basis(judging=True))
    assert own.report.each[0].coverage is None and own.report.each[0].width > 0
    assert all("was not measured" in line for line in own.learnt_lines())
    assert all("lie in their" not in figure.text for figure in own.figures())
