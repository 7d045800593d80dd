"""Numbers of a list: units in the header, gaps counted, what is no number named with its row."""

from __future__ import annotations

import numpy as np
import pytest

from striate.data.labels.numbers import holds_numbers, is_number, name_and_unit, read_numbers
from striate.errors import SourceError


def read(*cells: str, header: str = "angle [deg]"):
    places = [f"line {number} ({number}.jpg)" for number in range(2, 2 + len(cells))]
    return read_numbers([[cell] for cell in cells], [header], places=places, where="a.csv")


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("angle [deg]", "angle", "deg"),
        ("mass(kg)", "mass", "kg"),
        (" speed [m/s] ", "speed", "m/s"),
        ("count", "count", ""),
        ("[deg]", "[deg]", ""),
        ("growth (relative) [%]", "growth (relative)", "%"),
        ("f(x", "f(x", ""),
    ],
)
def test_the_header_says_the_unit(header, name, unit):
    assert name_and_unit(header) == (name, unit)


def test_rows_without_a_number_are_left_out_with_a_count():
    found = read("1.5", "", "-2e3", "NaN", "inf", ".5", "+7", "3,25")
    assert found.names == ("angle",)
    assert found.units == ("deg",)
    assert found.known.tolist() == [True, False, True, False, False, True, True, True]
    assert found.values[found.known, 0].tolist() == [1.5, -2000.0, 0.5, 7.0, 3.25]
    assert found.notes == (
        "3 rows without a number are left out (1 empty, 1 NaN, 1 infinite); the first is line 3 (3.jpg)",
    )
    assert read("1", "").notes == ("1 row without a number is left out (empty); the first is line 3 (3.jpg)",)
    assert read("1", "2").notes == ()
    assert read("1", "1e999").notes == ("1 row without a number is left out (infinite); the first is line 3 (3.jpg)",)


def test_a_row_needs_all_its_numbers():
    found = read_numbers([["1", "2"], ["3", ""]], ["x [mm]", "y"], places=["line 2", "line 3"], where="a.csv")
    assert found.known.tolist() == [True, False]
    assert np.isnan(found.values[1]).all()
    assert found.units == ("mm", "")


def test_what_is_no_number_is_named():
    with pytest.raises(
        SourceError, match=r"a\.csv, line 3 \(3\.jpg\): 'left' in the column 'angle \[deg\]' is no number"
    ):
        read("1", "left")
    with pytest.raises(SourceError, match="none of its 2 rows has a number in the column 'angle'"):
        read("", "nan")
    with pytest.raises(SourceError, match="two columns are called 'x'"):
        read_numbers([["1", "2"]], ["x [m]", "x"], places=["line 2"], where="a.csv")


def test_which_columns_hold_numbers():
    assert holds_numbers(["1", "", "2.5", "inf"])
    assert not holds_numbers(["1", "two"])
    assert not holds_numbers(["", "nan", "inf"])
    assert not is_number("1_000")
    assert not is_number("0x10")
    assert not is_number("1e999")
    assert not is_number("")
