"""What the values of masks mean: each habit of writing masks that is known, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from striate.data.labels.class_tables import ClassTable
from striate.data.labels.mask_codes import Looked, MaskCode, find_code
from striate.data.pictures.stored import Stored
from striate.errors import SourceError

TABLE = Path("classes.txt")


def ids(*values: int) -> Looked:
    return Looked(f"{'_'.join(map(str, values))}.png", values)


def colours(*values: int) -> Looked:
    return Looked("c.png", values, colours=True)


def read(code: MaskCode, *values: int) -> list[int]:
    stored = Stored(np.array([values], np.uint32 if code.colours else np.uint8), code.colours, None, "PNG")
    return code.read(stored, range(len(code.names)))[0].tolist()


def table(*names: str, ids: tuple[int, ...] | None = None, colours: tuple[int, ...] | None = None) -> ClassTable:
    return ClassTable(TABLE, names, ids, colours)


@pytest.mark.parametrize(
    ("masks", "given", "names", "values", "classes"),
    [
        ([ids(0, 255), ids(0)], None, ("black", "white"), (0, 255), [0, 1]),
        ([ids(0, 255)], table("membrane", "cell"), ("membrane", "cell"), (0, 255), [0, 1]),
        ([ids(0, 255)], table("cell"), ("background", "cell"), (0, 255), [0, 1]),
        ([ids(0, 1)], table("cell"), ("background", "cell"), (0, 1), [0, 1]),
        ([ids(0, 1, 255)], None, ("0", "1"), (0, 1, 255), [0, 1, 255]),
        ([ids(0, 5, 255), ids(1)], None, ("0", "1", "5"), (0, 1, 5, 255), [0, 1, 2, 255]),
        ([ids(0, 128, 255)], None, ("0", "128", "255"), (0, 128, 255), [0, 1, 2]),  # three grays: no void
        ([ids(3, 9)], None, ("3", "9"), (3, 9), [0, 1]),  # gaps
        ([ids(0, 1, 2)], table("cat", "dog"), ("background", "cat", "dog"), (0, 1, 2), [0, 1, 2]),
        ([ids(1, 2)], table("cat", "dog"), ("cat", "dog"), (1, 2), [0, 1]),
        ([ids(0, 1, 255)], table("cat", "dog"), ("cat", "dog"), (0, 1, 255), [0, 1, 255]),
        ([ids(0, 1, 2)], table("sky", "Void", "road"), ("sky", "road"), (0, 1, 2), [0, 255, 1]),
        ([ids(0, 7)], table("a", "b", ids=(0, 7)), ("a", "b"), (0, 7), [0, 1]),
        ([ids(0, 2)], table("a", "b", "c"), ("a", "c"), (0, 2), [0, 1]),  # b is nowhere
        ([colours(0x010101, 0x020202)], table("x", "y", "z"), ("y", "z"), (1, 2), [0, 1]),  # numbers saved as RGB
        ([colours(0, 0xFF0000)], None, ("#000000", "#ff0000"), (0, 0xFF0000), [0, 1]),
        ([colours(0, 9, 7)], table("a", "b", colours=(9, 7)), ("a", "b"), (0, 9, 7), [255, 0, 1]),  # black has no name
        ([colours(0, 9)], table("Void", "a", "b", colours=(0, 9, 7)), ("a",), (0, 9), [255, 0]),
        ([ids(0, 1)], table("a", "b", colours=(9, 7)), ("a", "b"), (0, 1), [0, 1]),  # its colours are for the eye
    ],
)
def test_codes(
    masks: list[Looked], given: ClassTable | None, names: tuple[str, ...], values: tuple[int, ...], classes: list[int]
) -> None:
    code = find_code(masks, given, least=1)
    assert code.names == names
    assert read(code, *values) == classes


def test_palettes_that_agree_colour_numbers_and_palettes_that_differ_are_colours() -> None:
    one = Looked("1.png", (0, 1), palette=(0, 0x800000))
    same = Looked("2.png", (0, 2), palette=(0, 0x008000))
    assert find_code([one, same], None).names == ("0", "1", "2")
    other = Looked("3.png", (0, 1), palette=(0, 0x008000))
    code = find_code([one, other], None)
    assert code.names == ("#000000", "#008000", "#800000")
    stored = Stored(np.array([[1, 0]], np.uint8), False, np.array([0, 0x800000], np.uint32), "PNG")
    assert code.read(stored, range(3)).tolist() == [[2, 0]]


def test_a_palette_goes_by_a_table_of_colours() -> None:
    mask = Looked("1.png", (0, 5), palette=(0, 0x800000))
    assert find_code([mask], table("background", "bird", colours=(0, 0x800000))).names == ("background", "bird")


@pytest.mark.parametrize(
    ("masks", "given", "said"),
    [
        ([ids(0, 13)], table("a", "b"), r"0_13\.png holds 13, which classes\.txt does not name \(it names 0 to 1\)"),
        ([ids(0, 1), ids(5)], table("a", "b", ids=(0, 1)), r"5\.png holds 5"),
        ([colours(0, 9, 8)], table("a", "b", colours=(0, 9)), r"c\.png holds the colour #000008"),
        ([colours(0, 0xFF0000)], table("a", "b"), r"masks are by colour .*classes\.txt says no colours"),
        ([colours(*range(100))], None, r"100 colours .* in c\.png\), which are shades"),
        ([ids(*range(0, 256, 5))], None, r"52 grays up to 255 \(52 of them in .*shades"),
        ([ids(*range(1000))], None, r"1,000 classes, and 254 are the most"),
        ([ids(0)], None, r"all masks hold '0' alone \(1 mask\).*at least 2"),
        ([ids(0, 1, 2)], table("background", "dog"), r"holds 0, which .* does not name"),
    ],
)
def test_what_is_refused(masks: list[Looked], given: ClassTable | None, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        find_code(masks, given)


def test_a_value_that_came_later_is_told() -> None:
    code = find_code([ids(0, 1)], None)
    with pytest.raises(SourceError, match="holds the value 2, which no mask held"):
        read(code, 2)
    with pytest.raises(SourceError, match="holds the colour #000008"):
        read(find_code([colours(0, 0xFF0000)], None), 8)


def test_it_is_said_how_masks_were_understood() -> None:
    assert "black (0) and white (255)" in find_code([ids(0, 255)], None).notes[0]
    assert "255 beside small numbers is void" in find_code([ids(0, 1, 255)], None).notes
    assert "no pixel is of the class b: left out" in find_code([ids(0, 2)], table("a", "b", "c")).notes
    assert any("first name of classes.txt is that of 1" in one for one in find_code([ids(1, 2)], table("a", "b")).notes)
