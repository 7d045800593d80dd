"""Average precision against pycocotools and faster-coco-eval, to the last digit, and by hand."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from striate.data.sources.source import find
from striate.errors import StriateError
from striate.metrics.average_precision import coco
from striate.metrics.boxes import Found, Truth

NAMES = ("a", "b", "c")


def case(rng: np.random.Generator) -> tuple[list[Found], list[Truth]]:
    """A few small pictures: ties in scores and overlaps, crowds, empty pictures, areas that are not the boxes'."""
    found, truth = [], []
    scale = rng.choice([1.0, 4.0, 12.0])  # so that small, medium and large all occur
    for _ in range(int(rng.integers(1, 6))):
        count = int(rng.choice([0, 1, 3, 8]))
        corner = rng.integers(0, 12, (count, 2)) * scale
        boxes = np.concatenate([corner, corner + rng.integers(1, 8, (count, 2)) * scale], axis=1)
        classes = rng.integers(0, 3 if rng.random() < 0.8 else 1, count)
        areas = rng.choice([1.0, 0.5], count) * (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        truth.append(Truth(boxes, classes, rng.random(count) < 0.2, areas))
        many = int(rng.choice([0, 2, 10, 40]))
        if count and rng.random() < 0.9:
            near = boxes[rng.integers(0, count, many)] + rng.integers(-1, 2, (many, 4)) * scale / 2
            kinds = np.where(rng.random(many) < 0.7, classes[rng.integers(0, count, many)], rng.integers(0, 3, many))
        else:
            near = np.tile([[0.0, 0.0, 3.0, 3.0]], (many, 1)) + rng.integers(0, 9, (many, 1))
            kinds = rng.integers(0, 3, many)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        found.append(Found(near, kinds, rng.integers(0, 12, many) / 12))
    return found, truth


def as_coco(found: list[Found], truth: list[Truth], names=NAMES) -> tuple[dict, list[dict]]:
    annotations, results = [], []
    for picture, (answer, there) in enumerate(zip(found, truth, strict=True)):
        for row in range(len(there)):
            left, top, right, bottom = there.boxes[row].tolist()
            annotations.append({
                "id": len(annotations) + 1, "image_id": picture + 1, "category_id": int(there.classes[row]) + 1,
                "bbox": [left, top, right - left, bottom - top], "area": float(there.areas[row]),
                "iscrowd": int(there.ignored[row]),
            })  # fmt: skip
        for row in range(len(answer)):
            left, top, right, bottom = answer.boxes[row].tolist()
            results.append({
                "image_id": picture + 1, "category_id": int(answer.classes[row]) + 1,
                "bbox": [left, top, right - left, bottom - top], "score": float(answer.scores[row]),
            })  # fmt: skip
    pictures = [{"id": number + 1, "width": 999, "height": 999} for number in range(len(truth))]
    kinds = [{"id": number + 1, "name": name} for number, name in enumerate(names)]
    return {"images": pictures, "annotations": annotations, "categories": kinds, "info": {}}, results


def reference(made, evaluate, found: list[Found], truth: list[Truth], limits: list[int] | None = None, names=NAMES):
    labels, results = as_coco(found, truth, names)
    with contextlib.redirect_stdout(io.StringIO()):
        there = made()
        there.dataset = labels
        there.createIndex()
        answers = there.loadRes(results) if results else made()
        if not results:
            answers.dataset = {**labels, "annotations": []}
            answers.createIndex()
        asked = evaluate(there, answers, iouType="bbox")
        if limits:
            asked.params.maxDets = limits
        asked.evaluate()
        asked.accumulate()
        if not limits:
            asked.summarize()
    return asked


def minus_one(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), -1.0, values)


def same_as_pycocotools(cases: int, seed: int) -> None:
    api = pytest.importorskip("pycocotools.coco").COCO
    evaluate = pytest.importorskip("pycocotools.cocoeval").COCOeval
    rng = np.random.default_rng(seed)
    for number in range(cases):
        found, truth = case(rng)
        mine = coco(found, truth, NAMES)
        theirs = reference(api, evaluate, found, truth)
        assert (minus_one(np.array(mine.coco)) == theirs.stats).all(), (number, mine.coco, theirs.stats)
        assert (minus_one(mine.precision) == theirs.eval["precision"][:, :, :, :, 2]).all(), number
        assert (minus_one(mine.recall) == theirs.eval["recall"]).all(), number


def test_a_hundred_cases_are_those_of_pycocotools_to_the_last_digit() -> None:
    same_as_pycocotools(100, seed=0)


@pytest.mark.slow
def test_a_thousand_cases_are_those_of_pycocotools_to_the_last_digit() -> None:
    same_as_pycocotools(1000, seed=1)


def test_faster_coco_eval_says_the_same() -> None:
    faster = pytest.importorskip("faster_coco_eval")
    rng = np.random.default_rng(2)
    for _ in range(40):
        found, truth = case(rng)
        if not sum(map(len, found)):
            continue
        stats = reference(faster.COCO, faster.COCOeval_faster, found, truth).stats[:12]
        np.testing.assert_allclose(minus_one(np.array(coco(found, truth, NAMES).coco)), stats, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("bccd", marks=pytest.mark.slow),
        "bccd60-coco",
        "bccd60-yolo",
        "raccoon",
        "roboflow-coco-leaf",
        "roboflow-yolo-building",
    ],
)
def test_real_sets_are_measured_as_pycocotools_measures_them(name: str, shared: Path) -> None:
    api = pytest.importorskip("pycocotools.coco").COCO
    evaluate = pytest.importorskip("pycocotools.cocoeval").COCOeval
    source = find(str(shared / "data" / name), kind="boxes")
    marks = [item.target for item in source.items if item.target is not None]
    truth, found, rng = [], [], np.random.default_rng(0)
    for one in marks:
        ignored = np.isin(np.arange(len(one.boxes)), one.ignored)
        there = Truth(one.boxes, one.classes, ignored)
        near = np.repeat(there.boxes, 3, axis=0)
        sides = np.tile(near[:, 2:] - near[:, :2], 2)
        near += rng.normal(0, 0.1, near.shape) * sides
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        kinds = np.where(rng.random(len(near)) < 0.9, np.repeat(there.classes, 3), 0)
        truth.append(there)
        found.append(Found(near, kinds, rng.random(len(near))))
    mine = coco(found, truth, source.label_names)
    theirs = reference(api, evaluate, found, truth, names=source.label_names)
    assert (minus_one(np.array(mine.coco)) == theirs.stats).all()
    assert (minus_one(mine.precision) == theirs.eval["precision"][:, :, :, :, 2]).all()


def crowded() -> tuple[list[Found], list[Truth]]:
    corner = np.stack(np.meshgrid(np.arange(13), np.arange(12)), axis=-1).reshape(-1, 2)[:150] * 10.0
    boxes = np.concatenate([corner, corner + 8], axis=1)
    scores = np.linspace(0.9, 0.1, 150)
    return [Found(boxes, np.zeros(150, int), scores)], [Truth(boxes, np.zeros(150, int))]


def test_more_than_a_hundred_boxes_of_a_class() -> None:
    found, truth = crowded()
    mine = coco(found, truth, NAMES)
    assert mine.ap_unlimited == pytest.approx(1.0)
    assert mine.crowded
    assert mine.ap == pytest.approx(67 / 101)  # recalls 0.00 to 0.66 are reached by 100 of 150
    assert mine.ar100 == pytest.approx(100 / 150)


def test_without_the_limit_it_is_pycocotools_with_a_high_one() -> None:
    api = pytest.importorskip("pycocotools.coco").COCO
    evaluate = pytest.importorskip("pycocotools.cocoeval").COCOeval
    found, truth = crowded()
    theirs = reference(api, evaluate, found, truth, [1, 10, 100, 1000])
    mine = coco(found, truth, NAMES)
    assert (minus_one(mine.unlimited) == theirs.eval["precision"][:, :, :, 0, 3]).all()
    assert (minus_one(mine.precision) == theirs.eval["precision"][:, :, :, :, 2]).all()


def test_by_hand() -> None:
    # Two there; the surest is right, the second wrong, the third right: precision 1 to recall 0.5, then 2/3.
    truth = [Truth([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 0])]
    found = [Found([[0, 0, 10, 10], [50, 0, 60, 10], [20, 0, 30, 10]], [0, 0, 0], [0.9, 0.8, 0.7])]
    mine = coco(found, truth, ("a",))
    assert mine.ap == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert mine.ar1 == 0.5
    assert mine.ar10 == 1.0


def test_a_class_that_is_not_there_is_not_a_number_and_not_in_the_mean() -> None:
    truth = [Truth([[0, 0, 10, 10]], [0])]
    found = [Found([[0, 0, 10, 10], [0, 0, 10, 10]], [0, 1], [0.9, 0.8])]
    mine = coco(found, truth, ("a", "b"))
    assert mine.ap == pytest.approx(1.0)
    assert np.isnan(mine.ap_of[1])
    assert np.isnan(mine.ap_large)
    assert mine.absent == ("b",)
    told = mine.to_dict()
    assert told["AP_large"] is None
    assert told["per_class"][1]["AP"] is None


def test_a_class_nobody_looked_for_in_a_picture_does_not_count_there() -> None:
    truth = [Truth([[0, 0, 10, 10]], [0]), Truth([], [], unlooked=(0,))]
    alarm = Found([[0, 0, 10, 10]], [0], [0.95])
    right = Found([[0, 0, 10, 10]], [0], [0.9])
    assert coco([right, alarm], truth, ("a",)).ap == pytest.approx(1.0)
    assert coco([right, alarm], [truth[0], Truth([], [])], ("a",)).ap == pytest.approx(0.5)


def test_other_numbers_of_pictures_and_strange_classes_are_refused() -> None:
    with pytest.raises(StriateError, match="0 answers for 1 picture;"):
        coco([], [Truth([], [])], ("a",))
    with pytest.raises(StriateError, match="no pictures"):
        coco([], [], ("a",))
    with pytest.raises(StriateError, match="picture 0 is of class 3; there are only 2 classes"):
        coco([Found([[0, 0, 1, 1]], [3], [0.5])], [Truth([], [])], ("a", "b"))
