"""Every measure of counts together: figures, text, JSON, and the sentence they come to."""

import json

import numpy as np
import pytest

from striate.metrics.count_report import count_report
from striate.metrics.count_verdict import count_verdict


def counts_of(pictures: int, *, off: float = 0.0, bias: float = 0.0, least: int = 5, most: int = 60, seed: int = 0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(least, most + 1, (pictures, 1)).astype(float)
    return np.maximum(0, truth + bias + rng.normal(0, off or 1e-9, truth.shape)), truth


def report_of(pictures: int, *, reach: float | None = None, **some):
    counted, truth = counts_of(pictures, **some)
    ends = None if reach is None else np.stack([counted - reach, counted + reach], axis=-1)
    return count_report(counted, truth, ("cell",), intervals=ends)


def test_figures_and_protocol_stand_together() -> None:
    report = report_of(40, off=2.0, reach=4.0)
    text = report.text()
    assert "mean absolute error: by how many a count is off" in text
    assert "40 pictures" in text
    assert "(the median) would be off by" in text
    assert "lie in their 90 % interval, 8 wide" in text
    assert "true count" in text
    assert report.error.value == pytest.approx(report.each[0].measures.mae.value)
    assert report.error.low < report.error.value < report.error.high


def test_several_classes_and_one_that_nobody_counted() -> None:
    counted, truth = counts_of(12, off=1.0)
    report = count_report(
        np.hstack([counted, counted, counted]), np.hstack([truth, truth + 3, truth * np.nan]), ("a", "b", "c")
    )
    assert report.absent == ("c",)
    both = [one.measures.mae.value for one in report.known]
    assert report.error.value == pytest.approx(np.mean(both))
    assert "no picture's count is known of c" in report.text()
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told["unknown_classes"] == ["c"]
    assert [one["class"] for one in told["classes"]] == ["a", "b"]
    assert count_verdict(report).classes == ("b",)


@pytest.mark.parametrize(
    ("some", "asked", "kind", "words"),
    [
        ({"pictures": 20}, {"learnt_from": 10}, "learnt", "not seen would tell"),
        ({"pictures": 5, "off": 1.0}, {}, "few", "--folds 5"),
        ({"pictures": 30, "off": 40.0}, {}, "guess", "better than always saying"),
        ({"pictures": 30, "off": 1.0, "bias": 5.0}, {}, "weak", "too many in the mean"),
        ({"pictures": 30, "off": 1.0, "bias": -5.0}, {}, "weak", "too few in the mean"),
        ({"pictures": 60, "off": 4.0, "reach": 1.0}, {}, "weak", "too narrow"),
        ({"pictures": 30, "off": 0.1}, {}, "fine", "Fine as it is"),
        ({"pictures": 30, "off": 6.0, "seed": 3}, {"from_chance": True}, "more", "--start"),
    ],
)
def test_verdicts(some, asked, kind: str, words: str) -> None:
    found = count_verdict(report_of(some.pop("pictures"), **some), **asked)
    assert found.kind == kind, found.text
    assert words in found.text
    assert found.reasons


def test_nobody_counted_anything() -> None:
    report = count_report(np.ones((4, 1)), np.full((4, 1), np.nan), ("cell",))
    assert report.error is None
    assert count_verdict(report).kind == "untested"
    assert report.text()
    json.dumps(report.to_dict(), allow_nan=False)
