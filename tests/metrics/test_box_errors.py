"""Errors by kind: each worked by hand; what they cost as TIDE has it."""

import numpy as np
import pytest

from striate.metrics.average_precision import coco
from striate.metrics.box_errors import KINDS, box_errors
from striate.metrics.box_matching import match
from striate.metrics.boxes import Found, Truth

NAMES = ("a", "b")


def of(found: list[Found], truth: list[Truth], thresholds=(0.0, 0.0)):
    return box_errors(found, truth, match(found, truth, classes=2), NAMES, thresholds)


OBJECT = [0, 0, 10, 10]
HALF = [0, 0, 10, 4]  # overlaps the object by 0.4
TINY = [0, 0, 10, 0.5]  # by 0.05
AWAY = [50, 50, 60, 60]


@pytest.mark.parametrize(
    ("box", "number", "kind", "missed"),
    [
        (OBJECT, 1, "class", 0),
        (HALF, 0, "place", 0),
        (HALF, 1, "both", 1),
        (AWAY, 0, "background", 1),
        (TINY, 0, "background", 1),
        (TINY, 1, "background", 1),
    ],
)
def test_one_wrong_box(box, number: int, kind: str, missed: int) -> None:
    found = of([Found([box], [number], [0.9])], [Truth([OBJECT], [0])])
    counts = found.by_kind
    assert counts.pop("missed") == missed
    assert {name for name, count in counts.items() if count} == {kind}
    first = found.errors[0]
    assert (first.kind, first.picture, first.found, first.number) == (kind, 0, 0, number)
    assert first.truth == (None if kind == "background" else 0)


def test_a_second_box_on_an_object_is_a_copy() -> None:
    found = of([Found([OBJECT, [0, 0, 10, 9]], [0, 0], [0.8, 0.9])], [Truth([OBJECT], [0])])
    assert found.by_kind == dict.fromkeys(KINDS, 0) | {"copy": 1}
    assert found.errors[0].found == 0  # the surer one has it, though it overlaps less
    assert found.errors[0].truth == 0


def test_a_picture_without_objects_has_background_alone() -> None:
    found = of([Found([OBJECT], [0], [0.9])], [Truth([], [])])
    assert found.by_kind["background"] == 1
    assert np.isnan(found.ap50)
    assert found.to_dict()["costs_AP50"]["background"] is None


def test_crowds_and_classes_nobody_looked_for_are_no_errors() -> None:
    crowd = Truth([OBJECT], [0], np.array([True]))
    assert not of([Found([HALF], [0], [0.9])], [crowd]).errors
    assert not of([Found([HALF], [0], [0.9])], [Truth([OBJECT], [1], unlooked=(0, 1))]).errors


def test_thresholds_decide_what_is_said_and_what_is_missed_then() -> None:
    found, truth = [Found([OBJECT, HALF], [0, 0], [0.3, 0.2])], [Truth([OBJECT], [0])]
    assert of(found, truth).by_kind == dict.fromkeys(KINDS, 0) | {"place": 1}
    assert of(found, truth, (0.25, 0.25)).by_kind == dict.fromkeys(KINDS, 0)
    assert of(found, truth, (0.5, 0.5)).by_kind == dict.fromkeys(KINDS, 0) | {"missed": 1}


def test_costs_by_hand() -> None:
    # Class a: two objects. Surest a box away from all, then one right, then one in the wrong place on the other.
    far = [20, 0, 30, 10]
    found = [Found([AWAY, OBJECT, [20, 0, 30, 4]], [0, 0, 0], [0.9, 0.8, 0.7])]
    truth = [Truth([OBJECT, far], [0, 0])]
    told = of(found, truth)
    assert told.ap50 == pytest.approx(51 / 101 * 0.5)  # precision 1/2 up to recall 0.50, nothing beyond
    assert told.costs["background"] == pytest.approx(51 / 101 - told.ap50)
    # Put right, 2 of 3 are right: precision 2/3 at every recall.
    assert told.costs["place"] == pytest.approx(2 / 3 - told.ap50)
    assert told.costs["missed"] == 0  # its object is not missed: a box is near
    assert told.costs["class"] == told.costs["copy"] == told.costs["both"] == 0


def test_what_is_of_the_wrong_class_moves_to_the_right_one_and_only_once() -> None:
    found = [Found([OBJECT, OBJECT], [1, 1], [0.9, 0.8]), Found([AWAY], [1], [0.7])]
    truth = [Truth([OBJECT], [0]), Truth([AWAY], [1])]
    told = of(found, truth)
    assert told.ap50 == pytest.approx((0 + 1 / 3) / 2)
    assert told.by_kind["class"] == 2
    assert told.costs["class"] == pytest.approx(1 - told.ap50)  # the second one is left out


def test_missed_objects_are_not_counted() -> None:
    found, truth = [Found([OBJECT], [0], [0.9])], [Truth([OBJECT, AWAY], [0, 0])]
    told = of(found, truth)
    assert told.errors[-1].kind == "missed"
    assert (told.errors[-1].found, told.errors[-1].truth, told.errors[-1].score) == (None, 1, None)
    assert told.costs["missed"] == pytest.approx(1 - 51 / 101)


def test_ap50_is_that_of_the_protocol() -> None:
    from tests.metrics.test_average_precision import NAMES as THREE
    from tests.metrics.test_average_precision import case

    rng = np.random.default_rng(4)
    for _ in range(30):
        found, truth = case(rng)
        mine = box_errors(found, truth, match(found, truth, classes=3), THREE, [0.0] * 3)
        np.testing.assert_allclose(mine.ap50, coco(found, truth, THREE).ap50)
        assert all(cost >= 0 for cost in mine.costs.values()) or np.isnan(mine.ap50)
        # Every object that counts is right, missed, or one that some box is near.
        there = sum(int((~one.ignored).sum()) for one in truth)
        assert mine.by_kind["missed"] <= there
