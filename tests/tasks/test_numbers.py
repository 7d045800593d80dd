"""A number with its interval reads as a person writes it, and turns into JSON without a NaN or an infinity."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from striate.errors import StriateError
from striate.tasks.numbers import Number, Numbers, decimals, numbers_of


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Number("n", 12.31, 10.87, 13.75), "12.3 (10.9 to 13.8)"),
        (Number("n", 12.31, 10.87, 13.75, unit="deg"), "12.3 deg (10.9 to 13.8)"),
        (Number("n", 176.4, 150.2, 202.6), "176 (150 to 203)"),
        (Number("n", -0.0213, -0.0551, 0.0125), "-0.021 (-0.055 to 0.013)"),
        (Number("n", -0.001, -0.4, 0.398), "0.00 (-0.40 to 0.40)"),
        (Number("n", 12.0, 2.04, 21.96), "12 (2 to 22)"),
        (Number("n", 5.0, 5.0, 5.0), "5.000 (5.000 to 5.000)"),
        (Number("n", 0.0, 0.0, 0.0), "0 (0 to 0)"),
        (Number("n", 1234.5678), "1235 (no interval)"),
        (Number("a", 355.0, 345.0, 365.0, unit="deg", period=360), "355 deg (345 to 5)"),
        (Number("a", -178.0, -188.0, -168.0, period=360, start=-180), "-178 (172 to -168)"),
        (Number("a", 3.0, period=24), "3 (anywhere)"),
    ],
)
def test_it_reads_as_a_person_writes_it(number, text):
    assert str(number) == text


def test_several_are_named():
    both = Numbers((Number("angle", 12.31, 10.87, 13.75, unit="deg"), Number("speed", 3.0, 2.0, 4.0)))
    assert str(both) == "angle 12.3 deg (10.9 to 13.8), speed 3.0 (2.0 to 4.0)"
    assert both["speed"].value == 3.0
    assert both.values.tolist() == [12.31, 3.0]
    with pytest.raises(KeyError):
        both["weight"]


def test_json_holds_no_infinity():
    found = Numbers((Number("a", 1.0), Number("b", 350.0, 340.0, 370.0, unit="deg", period=360))).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "numbers": [
            {"name": "a", "value": 1.0, "low": None, "high": None, "level": 0.9},
            {"name": "b", "value": 350.0, "low": 340.0, "high": 10.0, "level": 0.9, "unit": "deg"},
        ]
    }


def test_decimals_show_two_digits_of_the_half_width():
    assert [decimals(half) for half in (1.44, 0.034, 230.0, 9.96, 0.0996, 0.0, math.inf)] == [1, 3, 0, 0, 2, 0, 0]


def test_answers_to_several_pictures():
    found = numbers_of(
        ("a",),
        np.array([[1.0], [2.0]]),
        np.array([[0.5], [math.inf]]),
        units=("m",),
        level=0.9,
        periods=(None,),
        starts=(0.0,),
    )
    assert [str(one) for one in found] == ["1.00 m (0.50 to 1.50)", "2 m (no interval)"]


def test_what_is_no_number_is_refused():
    with pytest.raises(StriateError, match="no number for a"):
        Numbers((Number("a", math.nan),))
