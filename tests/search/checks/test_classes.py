"""Classes: what is planted in them is found, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from striate.metrics.intervals import Interval
from striate.search.checks.class_sizes import class_sizes
from striate.search.checks.equal import worth
from striate.search.checks.more_pictures import more_pictures
from striate.search.checks.outliers import outliers
from striate.search.checks.overlap import overlap
from striate.search.examined import Examined
from striate.search.learning_curve import Curve
from striate.search.measured import MEASURED
from striate.search.outliers import far
from striate.search.told import Leak, Outlier, Outliers, Told

NAMES = ("ant", "bee", "fly")


def examined(labels: np.ndarray, told: Told | None = None) -> Examined:
    count = len(labels)
    digests = tuple(row.to_bytes(16, "big") for row in range(count))
    return Examined(
        "photos", tuple(f"{row}.png" for row in range(count)), np.zeros(count, MEASURED), np.ones(count, np.int64),
        digests, labels, NAMES, ("",) * count, told=told,
    )  # fmt: skip


def told_by(labels: np.ndarray, right: np.ndarray) -> Told:
    """What is told where each picture's label is said with these probabilities, and the next class with the rest."""
    said = np.zeros((len(labels), 3), np.float32)
    rows = np.arange(len(labels))
    said[rows, labels] = right
    said[rows, (labels + 1) % 3] += 1 - right
    return Told(rows, labels, said)


def test_even_classes_are_not_worth_a_word_and_small_ones_are() -> None:
    assert not list(class_sizes(examined(np.repeat([0, 1, 2], [100, 90, 60]))))
    (few,) = class_sizes(examined(np.repeat([0, 1, 2], [100, 90, 12])))
    assert few.level == "doubtful" and "1 class has far fewer pictures than ant (100): fly 12" in few.said
    (far_fewer,) = class_sizes(examined(np.repeat([0, 1, 2], [900, 800, 60])))
    assert far_fewer.level == "to know"


def test_a_small_class_is_said_where_it_is_recognised_less() -> None:
    labels = np.repeat([0, 1, 2], [300, 300, 80])
    assert not list(class_sizes(examined(labels, told_by(labels, np.full(680, 0.9)))))
    worse = np.where((labels == 2) & (np.arange(680) % 2 == 0), 0.2, 0.9)
    (finding,) = class_sizes(examined(labels, told_by(labels, worse)))
    assert finding.level == "doubtful" and "fly 80 (recognised: 50 % of them, of the others 100 %)" in finding.said


def test_classes_that_are_one_overlap_and_others_do_not() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    chance = rng.random(300)
    said = np.where((labels == 2)[:, None], [0.05, 0.05, 0.9], np.stack([chance, 1 - chance, 0 * chance], 1))
    (finding,) = overlap(examined(labels, Told(np.arange(300), labels, said.astype(np.float32))))
    assert "ant and bee are told apart no better than by chance: they may be one class" in finding.said
    assert len(finding.cases) == 24
    assert not list(overlap(examined(labels, told_by(labels, np.full(300, 0.7)))))


def test_of_few_pictures_no_classes_are_said_to_be_one() -> None:
    rng = np.random.default_rng(0)
    labels, chance = np.arange(24) % 2, rng.random(24)
    said = np.stack([chance, 1 - chance, 0 * chance], 1).astype(np.float32)
    assert not list(overlap(examined(labels, Told(np.arange(24), labels, said))))


def test_what_is_far_from_everything_is_found() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    vectors = rng.normal(size=(400, 64)) + 6 * np.eye(64)[labels]
    vectors[[5, 50]] = 4 * rng.normal(size=(2, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = far(vectors, labels, np.arange(400))
    assert found is not None
    beyond = np.flatnonzero(found.score >= found.threshold)
    assert {5, 50} <= set(beyond.tolist()) and len(beyond) <= 4
    assert far(vectors[:90], labels[:90], np.arange(90)) is None
    two = Outliers((Outlier(5, 4.2, 7), Outlier(50, 4.0, 9)), 1.0)
    told = replace(told_by(labels, np.full(400, 0.9)), outliers=two)
    (finding,) = outliers(examined(labels, told))
    assert "2 pictures are unlike their classes" in finding.said
    assert "1 picture would be said by chance" in finding.means
    assert finding.cases[0].line() == "5.png: in bee, 4.2 deviations from what is usual; most like 7.png"


def curve(now: tuple[float, float, float], twice: tuple[float, float, float], gain: tuple[float, float, float]) -> str:
    found = Curve((400, 800), (Interval(*now), Interval(*now)), 800, Interval(*now), Interval(*twice), Interval(*gain))
    labels = np.arange(60) % 3
    (finding,) = more_pictures(examined(labels, replace(told_by(labels, np.full(60, 0.9)), curve=found)))
    return finding.said


def test_what_more_pictures_bring_is_said_as_far_as_it_is_known() -> None:
    known = curve((0.91, 0.89, 0.93), (0.93, 0.92, 0.94), (0.02, 0.012, 0.028))
    assert known == "twice as many pictures: 91 % → 93 % (92 to 94 %)"
    unknown = curve((0.80, 0.7, 0.9), (0.83, 0.7, 0.92), (0.03, -0.01, 0.1))
    assert "cannot be told" in unknown and "between 70 and 92 %" in unknown
    nothing = curve((0.99, 0.98, 0.995), (0.991, 0.98, 0.996), (0.001, 0.0, 0.003))
    assert "next to nothing" in nothing


def test_what_a_leak_is_worth_is_a_sentence() -> None:
    labels = np.arange(60) % 3
    one = Interval(0.9, 0.8, 0.95)
    leak = Leak(12, 100, one, Interval(0.85, 0.8, 0.9), Interval(0.05, 0.01, 0.1), one, one)
    said = worth(examined(labels, replace(told_by(labels, np.full(60, 0.9)), leak=leak)))
    assert "so that the leak is worth 5.0 points (1.0 to 10.0)" in said and "Of 100 pictures of the test 12" in said
    assert worth(examined(labels)) == ""
