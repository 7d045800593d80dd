"""Heads that learn numbers: equal to ridge regression, not thrown off by a rare feature, many at once as one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from tests.configs import config

from striate.data.folds import fold
from striate.data.strata import strata_of
from striate.engine.head import HeadTraining, path_of, watch_head
from striate.engine.head_folds import cross_validated
from striate.engine.heads import Problem, along
from striate.metrics.regression import r2_score
from striate.tasks.columns import fit_columns
from striate.tasks.number_answering import columns_of
from striate.tasks.objective import Objective
from striate.tasks.regress import Regress
from striate.tasks.task import Labels

TASK = Regress()


def of_numbers(values: np.ndarray, **recipe: Any) -> Objective:
    table = np.asarray(values, np.float64).reshape(len(values), -1)
    names = tuple(f"n{place}" for place in range(table.shape[1]))
    facts = {"units": [""] * len(names), "columns": fit_columns(table).to_list()}
    return Objective(TASK, Labels(names, table, np.isfinite(table).all(axis=1), facts), config(**recipe))


def drawn(pictures: int = 240, width: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = (generator.normal(size=(pictures, width)) * generator.uniform(0.1, 5, width)).astype(np.float32)
    values = np.column_stack([features @ generator.normal(size=width) + 20, 100 * features[:, 0] - features[:, 1]])
    return features, values + generator.normal(size=values.shape)


def solved(features: np.ndarray, objective: Objective, rows: Any, **said: Any) -> np.ndarray:
    training = HeadTraining(features, objective, rows, (), epochs=600, **said)
    for _ in watch_head(training):
        pass
    outputs = training.outputs(np.arange(len(features)))["numbers"]
    return columns_of(objective.facts).decode(outputs)[0]


@pytest.mark.parametrize("decay", [1.0, 0.01])
def test_the_squared_loss_solves_what_scikit_learns_ridge_does(decay: float) -> None:
    features, values = drawn()
    answers = solved(features, of_numbers(values, loss="squared"), range(200), decay=decay)
    seen = features[:200].astype(np.float64)
    scale = np.sqrt(seen.var(axis=0) + seen.var(axis=0).mean())
    scaled = (features - seen.mean(axis=0)) / scale
    for place in range(2):
        # The mean over two numbers halves each one's loss, so that the decay weighs twice as much.
        oracle = Ridge(alpha=2 * decay * 200).fit(scaled[:200], values[:200, place])
        assert answers[:, place] == pytest.approx(oracle.predict(scaled), abs=0.02 * values[:, place].std())


def test_one_wild_number_moves_smooth_l1_less_than_the_squared_loss() -> None:
    features, values = drawn(width=3)
    wild = values[:, :1].copy()
    wild[0] += 500
    off = [
        np.abs(solved(features, of_numbers(wild, loss=loss), range(240), decay=0.001)[1:, 0] - values[1:, 0]).mean()
        for loss in ("smooth-l1", "squared")
    ]
    assert off[0] < 0.5 * off[1]


def test_a_feature_that_was_hardly_ever_there_does_not_throw_a_number_off() -> None:
    features, values = drawn(pictures=200)
    features = np.column_stack([features, np.zeros((200, 40))]).astype(np.float32)
    generator = np.random.default_rng(1)
    features[np.arange(40), 10 + np.arange(40)] = 0.001  # each once among those trained on, by chance
    features[150:, 10:] = generator.uniform(0, 0.5, (50, 40))
    answers = solved(features, of_numbers(values), range(150), decay=0.1)
    score = r2_score(answers[150:, 0], values[150:, 0])
    assert score is not None
    assert score > 0.7


def test_many_heads_end_where_each_alone_does() -> None:
    features, values = drawn(pictures=90)
    objective = of_numbers(values)
    sees = np.ones((3, 90), bool)
    sees[0, :30] = sees[1, 30:60] = sees[2, 60:] = False
    *_, (weight, bias) = along(
        Problem(features, objective.targets, values, sees, objective), TASK.decays[:3], epochs=600
    )
    for head in range(3):
        alone = HeadTraining(features, objective, np.flatnonzero(sees[head]), (), epochs=600, path=TASK.decays[:3])
        for _ in watch_head(alone):
            pass
        mine, theirs = (features @ w.numpy().T + b.numpy() for w, b in ((weight[head], bias[head]), alone.dense()))
        assert mine == pytest.approx(theirs, abs=0.02)


def test_cross_validated_answers_are_of_heads_that_had_not_seen_the_picture() -> None:
    features, values = drawn(pictures=120)
    noise = np.random.default_rng(2).normal(size=(120, 1))
    for wanted, least, most in ((values[:, :1], 0.8, 1.0), (noise, -0.5, 0.2)):
        objective = of_numbers(wanted)
        strata = strata_of(wanted, np.ones(120, bool))
        folds = fold(strata, [f"{row:016d}".encode() for row in range(120)], range(120), seed=0, count=4)
        assert folds is not None
        under_way = cross_validated(features, objective, folds, epochs=100)
        try:
            while True:
                next(under_way)
        except StopIteration as end:
            answers = end.value
        said = columns_of(objective.facts).decode(answers.output)[0][:, 0]
        score = r2_score(said, wanted[folds.measured, 0])
        assert score is not None
        assert least <= score <= most


def test_a_task_says_which_decays_are_tried() -> None:
    assert path_of(TASK, None, choose=True) == TASK.decays
    assert path_of(TASK, None, choose=False) == (TASK.blind_decay,)
    assert path_of(TASK, 0.5, choose=True) == (0.5,)
    assert len(TASK.decays) == 8
