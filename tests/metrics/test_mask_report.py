"""Every measure of masks together: figures, text, JSON, and the sentence they come to."""

import json

import numpy as np
import pytest

from striate.metrics.mask_report import mask_report
from striate.metrics.mask_verdict import mask_verdict

NAMES = ("sky", "road", "pole")
SHAPE = (24, 32)


def masks(count: int, *, wrong: float = 0.0, poles: bool = True, poles_right: float = 1.0, seed: int = 0):
    """Pictures with sky above, road below and a pole, and answers of which some pixels of sky are called road."""
    rng = np.random.default_rng(seed)
    answers, truths = [], []
    for _ in range(count):
        truth = np.zeros(SHAPE, np.uint8)
        truth[int(rng.integers(8, 14)) :] = 1
        if poles:
            truth[:, int(rng.integers(2, 28)) :][:, :2] = 2
        answer = truth.astype(int)
        answer[(truth == 0) & (rng.random(SHAPE) < wrong)] = 1
        answer[(truth == 2) & (rng.random(SHAPE) >= poles_right)] = 1
        answers.append(answer)
        truths.append(truth)
    return answers, truths


def report_of(count: int, **some):
    return mask_report(*masks(count, **some), NAMES)


def test_figures_and_protocol_stand_together() -> None:
    report = report_of(8, wrong=0.1)
    text = report.text()
    assert "mean IoU of one count of pixels over all pictures" in text
    assert "8 pictures of 32x24" in text
    assert "boundary F at 1 px" in text
    assert "always saying" in text
    assert "of sky called road" in text
    assert report.measures.per_class[0].recall.value == pytest.approx(0.9, abs=0.03)
    assert report.constant[0] in ("sky", "road")
    assert 0 < report.boundary.value < 1


def test_a_class_that_is_not_there_is_not_a_number() -> None:
    answers, truths = masks(6, poles=False)
    answers[0][3, 3] = 2  # called so, and not there
    report = mask_report(answers, truths, NAMES)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told["per_class"][2]["iou"] is None
    assert told["boundary_f_per_class"][2] is None
    assert told["absent_classes"] == ["pole"]
    assert "no pixel to measure by of pole" in report.text()
    assert report.measures.mean_iou.value == pytest.approx(report.counts.iou[:2].mean())


def test_pictures_of_several_sizes() -> None:
    answers, truths = masks(2)
    report = mask_report([answers[0], answers[1][:10]], [truths[0], truths[1][:10]], NAMES, tolerance=2)
    assert report.sizes == ((10, 32), (24, 32))
    assert report.tolerance == (2, 2)
    assert "2 sizes, 32x10 the smallest" in report.protocol


@pytest.mark.parametrize(
    ("some", "asked", "kind", "words"),
    [
        ({"count": 20}, {"learnt_from": 10}, "learnt", "how well it remembers"),
        ({"count": 20, "poles": False}, {"trained": [9, 9, 9]}, "untested", "Nothing is known of pole"),
        ({"count": 1}, {}, "few", "--folds 5"),
        ({"count": 20, "wrong": 1.0, "poles_right": 0.0}, {}, "guess", "No better than always saying road"),
        ({"count": 20, "poles_right": 0.2}, {}, "weak", "Weak on pole"),
        ({"count": 20, "wrong": 0.3}, {}, "confused", "sky and road are confused"),
        ({"count": 20}, {}, "fine", "Fine as it is"),
        ({"count": 20, "wrong": 0.9, "poles_right": 0.2}, {}, "more", "Not good yet"),
    ],
)
def test_verdicts(some, asked, kind: str, words: str) -> None:
    found = mask_verdict(report_of(some.pop("count"), **some), **asked)
    assert found.kind == kind, found.text
    assert words in found.text
    assert found.reasons


def test_all_void_says_that_nothing_is_known() -> None:
    void = [np.full(SHAPE, 255, np.uint8)] * 3
    report = mask_report([np.zeros(SHAPE, int)] * 3, void, NAMES)
    assert mask_verdict(report).kind == "untested"
    assert report.text()
    json.dumps(report.to_dict(), allow_nan=False)
