"""Numbers to columns and back: standardised, circular ones as cosine and sine, in their order."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from striate.errors import StriateError
from striate.tasks.columns import Columns, fit_columns, on_circle


def test_numbers_come_back_from_their_columns_in_their_order():
    generator = np.random.default_rng(0)
    values = np.column_stack(
        [generator.normal(1e6, 3, 50), generator.uniform(0, 360, 50), generator.normal(0, 1e-6, 50)]
    )
    columns = fit_columns(values, periods=[None, 360.0, None])
    assert columns.width == 4
    learnt = columns.encode(values)
    assert learnt.dtype == np.float32
    assert learnt[:, [0, 3]].mean(axis=0) == pytest.approx([0, 0], abs=1e-4)
    assert learnt[:, [0, 3]].std(axis=0) == pytest.approx([1, 1], abs=1e-4)
    assert np.hypot(learnt[:, 1], learnt[:, 2]) == pytest.approx(np.ones(50))
    back, along = columns.decode(learnt)
    assert back[:, 0] == pytest.approx(values[:, 0], abs=1e-4)
    assert back[:, 1] == pytest.approx(values[:, 1], abs=1e-3)
    assert back[:, 2] == pytest.approx(values[:, 2], abs=1e-12)
    assert along[:, 1] == pytest.approx(np.ones(50))
    assert (along[:, 0] == back[:, 0]).all()


def test_a_circle_begins_where_its_values_do():
    below = fit_columns([[-170.0], [170.0]], periods=[360.0])
    assert below.decode(below.encode([[181.0], [-179.0]]))[0][:, 0] == pytest.approx([-179.0, -179.0], abs=1e-4)
    above = fit_columns([[10.0], [350.0]], periods=[360.0])
    assert above.decode(above.encode([[-10.0]]))[0][0, 0] == pytest.approx(350.0, abs=1e-4)


def test_a_number_that_does_not_vary_has_a_scale_of_one():
    assert fit_columns([[7.0], [7.0]]).encode([[7.0], [8.0]]).tolist() == [[0.0], [1.0]]


def test_a_lost_net_is_near_the_centre():
    columns = fit_columns([[0.0], [90.0]], periods=[360.0])
    assert columns.decode([[0.01, 0.0]])[1][0, 0] == pytest.approx(0.01)


def test_on_circle_is_below_its_end():
    assert on_circle([-10.0, 360.0, 719.0], 360).tolist() == [350.0, 0.0, 359.0]
    assert on_circle([-1e-20], 360).tolist() == [0.0]


def test_what_json_keeps_comes_back():
    columns = fit_columns([[1.0, 0.1], [4.0, 0.7]], periods=[None, 2 * math.pi])
    assert Columns.from_list(json.loads(json.dumps(columns.to_list()))) == columns


def test_what_is_no_answer_is_said():
    columns = fit_columns([[1.0], [4.0]])
    with pytest.raises(StriateError, match="not of 1 columns"):
        columns.decode([[1.0, 2.0]])
    with pytest.raises(StriateError, match="picture 1 is NaN or infinity"):
        columns.decode([[1.0], [math.nan]])
    with pytest.raises(StriateError, match="a positive length"):
        fit_columns([[1.0]], periods=[-360.0])
