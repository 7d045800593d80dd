"""Numbers in the columns of a list: read, with their units; rows without one are counted. Reads text alone.

A header may say the unit in brackets: ``angle [deg]``, ``mass (kg)``. What is empty, ``nan``, ``na``, ``null`` or
``none`` is a row without a number, and so is an infinite one, which nothing could be learnt from.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import SourceError
from striate.words import counted, plural

NUMBERS: Final = "numbers"  # the kind of labels: `Source.kind`
_MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "?"})
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_UNIT: Final = re.compile(r"(?P<name>.*\S)\s*(\[(?P<square>[^\[\]]+)\]|\((?P<round>[^()]+)\))")


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a list: ``names`` and ``units`` (D,) of the columns, ``values`` (N, D) float64.

    ``known`` (N,) says which rows have all their numbers; the others hold NaN. ``notes`` say how many have not.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def name_and_unit(header: str) -> tuple[str, str]:
    """Return what a column is called, and its unit, "" where none is said.

    Example: ``name_and_unit("angle [deg]")`` is ``("angle", "deg")``.
    """
    found = _UNIT.fullmatch(header.strip())
    if found is None:
        return header.strip(), ""
    return found["name"], (found["square"] or found["round"]).strip()


def is_number(text: str) -> bool:
    """Return whether a cell holds a finite number, with a decimal point or a decimal comma."""
    return bool(_NUMBER.fullmatch(text) or _COMMA.fullmatch(text)) and math.isfinite(_value(text))


def is_missing(text: str) -> bool:
    """Return whether a cell says that there is no number."""
    return text.strip().lower() in _MISSING


def holds_numbers(cells: Sequence[str]) -> bool:
    """Return whether a column holds numbers and gaps alone, and one number at least.

    Example: ``holds_numbers(["1.5", "", "-2e3"])`` is True.
    """
    there = [text for cell in cells if not is_missing(text := cell.strip())]
    return (
        bool(there)
        and all(is_number(text) or _INFINITE.fullmatch(text) for text in there)
        and any(is_number(text) for text in there)
    )


def read_numbers(
    rows: Sequence[Sequence[str]], headers: Sequence[str], *, places: Sequence[str], where: str
) -> Numbers:
    """Return the numbers of rows, a cell a column.

    ``places`` name the rows in messages ("line 7 (a.jpg)"), ``where`` the list. Errors: SourceError for a cell that is
    neither a number nor empty, two columns of one name, and where no row has all its numbers.

    Example: ``read_numbers([["1.5"], [""]], ["angle [deg]"], places=["line 2", "line 3"], where="a.csv").known``
    """
    named = [name_and_unit(header) for header in headers]
    names = tuple(name for name, _ in named)
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise SourceError(f"{where}: two columns are called {twice!r}; give each number a name of its own")
    values = np.full((len(rows), len(headers)), math.nan)
    lacking: dict[str, list[int]] = {"empty": [], "NaN": [], "infinite": []}
    for number, row in enumerate(rows):
        worst = ""
        for column, cell in enumerate(row):
            text = cell.strip()
            if is_number(text):
                values[number, column] = _value(text)
            elif _INFINITE.fullmatch(text) or (_NUMBER.fullmatch(text) and math.isinf(float(text))):
                worst = "infinite"
            elif is_missing(text):
                worst = worst or ("NaN" if text.lower() == "nan" else "empty")
            else:
                raise SourceError(
                    f"{where}, {places[number]}: {text[:40]!r} in the column {headers[column]!r} is no number; correct"
                    " it, or leave the cell empty and the row is left out"
                )
        if worst:
            lacking[worst].append(number)
            values[number] = math.nan
    known = np.isfinite(values).all(axis=1)
    if len(rows) and not known.any():
        raise SourceError(f"{where}: none of its {counted(len(rows), 'row')} has a number in {_columns(names)}")
    return Numbers(names, tuple(unit for _, unit in named), values, known, _lacking_note(lacking, places))


def _lacking_note(lacking: dict[str, list[int]], places: Sequence[str]) -> tuple[str, ...]:
    number = sum(len(each) for each in lacking.values())
    if not number:
        return ()
    kinds = [f"{len(each):,} {kind}" for kind, each in lacking.items() if each]
    of_kinds = kinds[0].split(" ", 1)[1] if len(kinds) == 1 else ", ".join(kinds)
    first = min(row for each in lacking.values() for row in each)
    return (
        f"{counted(number, 'row')} without a number {plural(number, 'is')} left out ({of_kinds}); the first is"
        f" {places[first]}",
    )


def _columns(names: Sequence[str]) -> str:
    return f"the {plural(len(names), 'column')} {', '.join(map(repr, names))}"


def _value(text: str) -> float:
    return float(text.replace(",", "."))
