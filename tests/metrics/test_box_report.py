"""Every measure of boxes together: figures, text, JSON, and the sentence they come to."""

import json

import numpy as np
import pytest

from striate.metrics.box_report import box_report
from striate.metrics.box_verdict import box_verdict
from striate.metrics.boxes import Found, Truth

NAMES = ("cell", "dot")


def pictures(
    count: int,
    *,
    right: float = 1.0,
    alarms: int = 0,
    score: float = 0.8,
    dots_right: float = 1.0,
    dots: bool = True,
    seed: int = 0,
) -> tuple[list[Found], list[Truth]]:
    """Pictures of four cells and two dots each, found with these chances, and so many boxes on nothing in each."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(count):
        corner = np.array([[40 * place, 0] for place in range(6 if dots else 4)], float)
        boxes = np.concatenate([corner, corner + 30], axis=1)
        kinds = np.array([0] * 4 + [1] * (len(boxes) - 4))
        seen = rng.random(len(boxes)) < np.where(kinds == 0, right, dots_right)
        wrong = np.array([[400 + 40 * place, 0, 430 + 40 * place, 30] for place in range(alarms)], float).reshape(-1, 4)
        some = np.concatenate([boxes[seen], wrong])
        found.append(Found(some, np.concatenate([kinds[seen], np.zeros(alarms, int)]), np.full(len(some), score)))
        truth.append(Truth(boxes, kinds))
    return found, truth


def report_of(*some, thresholds=(0.5, 0.5), **more):
    found, truth = pictures(*some, **more)
    return box_report(found, truth, NAMES, thresholds)


def test_figures_by_hand() -> None:
    report = report_of(10, alarms=1)
    assert report.objects == 60
    assert report.right.sum() == 60
    assert report.wrong.sum() == 10
    assert report.missed.sum() == 0
    cell, dot = report.points
    assert (cell.said, cell.right, cell.present) == (50, 40, 40)
    assert cell.precision.value == pytest.approx(0.8)
    assert dot.precision.value == 1.0
    assert report.counts[0].measures.bias.value == 1.0
    assert report.counts[1].measures.mae.value == 0.0
    assert report.calibration.error.value == pytest.approx(abs(60 / 70 - 0.8))
    assert report.errors.by_kind["background"] == 10


def test_the_protocol_stands_with_the_number() -> None:
    text = report_of(10, alarms=1).text()
    assert "AP by COCO's protocol" in text
    assert "0.50 to 0.95" in text
    assert "10 pictures, 60 boxes" in text
    assert "nothing there" in text
    assert "-0" not in text


def test_json_has_plain_numbers_and_none_for_what_is_not_known() -> None:
    report = report_of(4, dots=False)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told["absent_classes"] == ["dot"]
    assert told["per_class"][1]["AP"] is None
    assert told["AP_large"] is None
    assert told["at_thresholds"][1]["recall"] is None
    assert "no box to measure by of dot" in report.text()


def test_a_picture_in_which_nobody_looked_for_a_class_is_not_in_its_count() -> None:
    found, truth = pictures(6)
    truth[0] = Truth(truth[0].boxes[:4], truth[0].classes[:4], unlooked=(1,))
    report = box_report(found, truth, NAMES, [0.5, 0.5])
    assert report.counts[1].pictures == 5
    assert report.wrong.sum() == 0


def test_thresholds_a_picture_and_groups() -> None:
    found, truth = pictures(6, alarms=1)
    cuts = np.full((6, 2), 0.5)
    cuts[0] = 0.9
    report = box_report(found, truth, NAMES, cuts, groups=[0, 0, 1, 1, 2, 2])
    assert report.right[0].sum() == 0
    assert report.missed[0].sum() == 6


@pytest.mark.parametrize(
    ("some", "asked", "kind", "words"),
    [
        ({"count": 40}, {"learnt_from": 20}, "learnt", "how well it remembers"),
        ({"count": 40, "dots": False}, {"trained": [9, 9]}, "untested", "Nothing is known of dot"),
        ({"count": 3, "right": 0.5, "dots_right": 0.5}, {}, "few", "--folds 5"),
        ({"count": 60, "right": 0.01, "dots_right": 0.01}, {}, "guess", "next to nothing"),
        ({"count": 60, "right": 0.95, "dots_right": 0.3}, {"trained": [200, 20]}, "weak", "Weak on dot"),
        ({"count": 60, "alarms": 1, "score": 0.97}, {}, "labels", "labels may be missing"),
        ({"count": 60}, {}, "fine", "Fine as it is"),
        ({"count": 60, "right": 0.7, "dots_right": 0.7}, {}, "more", "objects are missed"),
        ({"count": 60, "right": 0.7, "dots_right": 0.7}, {"from_chance": True}, "more", "--start"),
    ],
)
def test_verdicts(some, asked, kind: str, words: str) -> None:
    found = box_verdict(report_of(some.pop("count"), **some), **asked)
    assert found.kind == kind, found.text
    assert words in found.text
    assert found.reasons


def test_nothing_there_at_all() -> None:
    report = box_report([Found([], [], [])] * 3, [Truth([], [])] * 3, NAMES, [0.5, 0.5])
    assert box_verdict(report).kind == "untested"
    assert report.text()
    json.dumps(report.to_dict(), allow_nan=False)
