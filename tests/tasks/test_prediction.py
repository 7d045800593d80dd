"""An answer reads as one line, turns into JSON, and is refused where it is none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import StriateError
from striate.tasks.prediction import Scores


def scores(probabilities, **more):
    return Scores(tuple(f"c{i}" for i in range(len(probabilities))), np.array(probabilities), **more)


def test_reads_as_one_line():
    assert str(Scores(("cat", "dog"), np.array([0.92, 0.08]))) == "0.92 cat, 0.08 dog"
    assert str(Scores(("cat", "dog"), np.array([0.08, 0.92]))) == "0.92 dog, 0.08 cat"
    assert str(Scores(("cat", "dog"), np.array([0.996, 0.004]))) == "1.00 cat"
    assert str(Scores(("cat",), np.array([1.0]))) == "1.00 cat"


def test_unknown_says_so_and_what_is_closest():
    strange = scores([0.41, 0.33, 0.26], unknown=True, ood_score=4.2)
    assert str(strange) == "none of these (closest: 0.41 c0, 0.33 c1, 0.26 c2)"
    assert strange.best == "c0"
    assert strange.to_dict()["best"] is None


def test_at_most_five_unless_asked():
    many = scores(np.full(10, 0.1))
    assert len(str(many).split(", ")) == 5
    assert len(many.text(top=7).split(", ")) == 7
    assert str(scores(np.full(1000, 0.001))) == "0.00 c0"  # never an empty line


def test_top_is_in_order_and_ties_stay_in_the_classes_order():
    assert scores([0.2, 0.4, 0.4]).top(2) == [("c1", 0.4), ("c2", 0.4)]
    assert len(scores([0.2, 0.4, 0.4]).top()) == 3
    with pytest.raises(StriateError, match="at least 1"):
        scores([1.0]).top(0)


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=12))
def test_json_round_trips_exactly(weights):
    given_ = scores(np.array(weights) / np.sum(weights), ood_score=-0.5)
    back = json.loads(json.dumps(given_.to_dict(), allow_nan=False))
    assert {entry["class"]: entry["probability"] for entry in back["scores"]} == dict(given_.top())
    assert sum(entry["probability"] for entry in back["scores"]) == pytest.approx(1.0, abs=1e-12)
    assert len(given_.to_dict(top=1)["scores"]) == 1


@pytest.mark.parametrize("probabilities", [[0.5, 0.4], [np.nan, 1.0], [1.5, -0.5], []])
def test_what_is_no_answer_is_refused(probabilities):
    with pytest.raises(StriateError):
        scores(probabilities)


def test_values_stay_put():
    source = np.array([0.5, 0.5])
    answer = Scores(("a", "b"), source)
    source[0] = 0.0
    assert answer.top() == [("a", 0.5), ("b", 0.5)]
    with pytest.raises(ValueError, match="read-only"):
        answer.probabilities[0] = 1.0
