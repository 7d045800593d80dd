"""Boxes: rows of labels placed and moved, outputs decoded, and a net that learns to find them, the usual way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.configs import config
from tests.tasks.scenes import NAMES, scene, write_voc
from tests.verbs.test_kill import bits

from striate.data.batches.moves import Moves
from striate.data.labels.marks import BoxMarks
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item
from striate.data.split import Split
from striate.data.store.store import Store
from striate.engine.fit import Epoch, begin, fit
from striate.errors import ModelError, ShapeError, SourceError, StriateError
from striate.model.build.model import build
from striate.recipe import Recipe
from striate.render.html.training_curves import kept_epoch
from striate.runs.predictor import Predictor
from striate.session.run import Run
from striate.spec import Shape, parse
from striate.tasks.box_rows import FRAME, LEVEL, PADDING, UNLOOKED, rows_of, truths
from striate.tasks.boxes import Boxes
from striate.tasks.cells import PRIOR, Cells, distances
from striate.tasks.detect import Detect
from striate.tasks.detect_answering import AP50, candidates
from striate.tasks.detect_state import LearntBoxes, fit_boxes, learnt_from
from striate.tasks.objective import Objective
from striate.tasks.table import TASKS
from striate.tasks.task import Judged, LabelFacts, Labels, State
from striate.verbs.evaluate import evaluate
from striate.verbs.reopen import reopen_data
from striate.verbs.train import resume, train, training
from striate.verbs.workspace import Workspace

TASK = Detect()
FACTS = LabelFacts(NAMES, {"levels": [[6, 8], [3, 4]], "input": [48, 64]})
NET = (
    "conv 16 3x3 stride 2 pad 1 >> batchnorm >> relu >> conv 32 3x3 stride 2 pad 1 >> batchnorm >> relu >>"
    " conv 32 3x3 pad same >> batchnorm >> relu >> conv 32 3x3 pad same >> batchnorm >> relu >> conv 6 1x1 >> flatten"
)


def source_of(marks: list[BoxMarks | None], pixels: np.ndarray | None = None) -> ArraySource:
    many = len(marks)
    return ArraySource(
        "made", "/made", NAMES, tuple(Item(f"{at}.png", one) for at, one in enumerate(marks)), kind="boxes",
        blocks=(np.zeros((many, 48, 64), np.uint8) if pixels is None else pixels,),
        rows=np.stack([np.zeros(many, np.int64), np.arange(many)], 1), origins=("made",),
    )  # fmt: skip


def said(*boxes: tuple[int, tuple[float, float, float, float], float], facts: LabelFacts = FACTS) -> np.ndarray:
    """An output that says these boxes (class, place, score), each in the cell of level 0 that its middle lies in."""
    cells = Cells.of(facts.facts, len(facts.names))
    output = np.full((1, cells.numbers), 0.0, np.float32)
    for kind, box, score in boxes:
        middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2
        cell = int(np.abs(cells.middles[: cells.counts[0]] - middle).sum(1).argmin())
        reach = np.concatenate([cells.middles[cell] - box[:2], np.array(box[2:]) - cells.middles[cell]])
        strides = reach / np.tile(cells.each_stride[cell], 2) + 0.5
        output[0, [cells.place(cell, 2 + side) for side in range(4)]] = np.log(np.expm1(strides))
        output[0, cells.place(cell, kind)] = np.log(score / (1 - score)) - PRIOR
    return output


def decoded(output: np.ndarray, learnt: LearntBoxes | None = None, **options: Any) -> Boxes:
    learnt = LearntBoxes.nothing(2) if learnt is None else learnt
    (found,) = TASK.decode({"boxes": output}, FACTS, learnt, options=options)
    assert isinstance(found, Boxes)
    return found


# Labels.


def test_rows_say_boxes_classes_not_looked_for_and_the_size_of_the_picture():
    one = BoxMarks((48, 64), ((1, 2, 9, 12), (5, 5, 8, 8)), (1, 0), ignored=(1,))
    rows = rows_of([one, BoxMarks((20, 30), (), (), labelled=(1,)), None], 2)
    assert rows.shape == (3, 3, 7) and rows.dtype == np.float32
    assert rows[0, :2].tolist() == [[1, 1, 2, 9, 12, 0, 80], [0, 5, 5, 8, 8, 1, 9]]
    assert rows[1, :, 0].tolist() == [UNLOOKED, PADDING, FRAME] and rows[1, 0, 1] == 0
    assert rows[:, 2, 1:].tolist() == [[1, 1, 0, 0, 64, 48], [1, 1, 0, 0, 30, 20], [1, 1, 0, 0, 0, 0]]
    first, second, none = truths(rows)
    assert first.boxes.tolist() == [[1, 2, 9, 12], [5, 5, 8, 8]] and first.ignored.tolist() == [False, True]
    assert second.unlooked == (0,) and not len(second) and not len(none)


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_boxes_are_placed_in_the_input_and_come_back(resize):
    marks = [BoxMarks((40, 100), ((45, 5, 60, 20), (0, 0, 4, 40), (28, 10, 40, 20)), (0, 1, 1))]
    labels = TASK.labels(source_of(marks), Recipe())
    crop = Preprocess(32, 32, 1, resize=resize).crop_transform(40, 100)
    placed = TASK.place(labels, [crop])
    assert labels.values[0, 0, 1] == 45, "what was given stays"
    there = truths(placed.values)[0]
    kept = there.boxes[there.areas == 15 * 15][0]
    assert kept == pytest.approx([45, 5, 60, 20], abs=1e-4)
    rows = placed.values[0]
    assert ((rows[rows[:, 0] >= 0, 1:5] >= 0) & (rows[rows[:, 0] >= 0, 1:5] <= 32)).all()
    left = rows[rows[:, 6] == 160]
    assert (len(left) and left[0, 0] == 1) if resize != "crop" else left[0, 0] == PADDING, "it is not in the crop"


def test_boxes_move_with_their_pictures_and_hardly_seen_ones_are_ignored():
    marks = [BoxMarks((8, 8), ((0, 0, 3, 2), (6, 0, 8, 8)), (0, 1)), BoxMarks((8, 8), ((1, 1, 7, 7),), (1,))]
    labels = TASK.labels(source_of(marks), Recipe())
    geometry = np.array([[[-1.0, 0, 0], [0, 1, 0]], [[1, 0, 0.625], [0, 1, 0]]])  # mirrored; five to the left
    targets = labels.values.copy()
    moved = TASK.move(targets, Moves(2, (8, 8), (8, 8), geometry=geometry))
    assert np.array_equal(targets, labels.values) and moved.dtype == np.float32
    assert moved[0, :2, :5].tolist() == [[0, 5, 0, 8, 2], [1, 0, 0, 2, 8]]
    assert moved[1, 0, :6].tolist() == [1, 0, 1, 2, 7, 0], "a third is left"
    far = TASK.move(targets, Moves(2, (8, 8), (8, 8), geometry=geometry + np.array([[0, 0, 0], [0, 0, 0.0]])))
    assert np.array_equal(far, moved)
    six = geometry.copy()
    six[1, 0, 2] = 0.75
    assert TASK.move(targets, Moves(2, (8, 8), (8, 8), geometry=six))[1, 0, 5] == 1
    six[1, 0, 2] = 1.0
    assert TASK.move(targets, Moves(2, (8, 8), (8, 8), geometry=six))[1, 0, 0] == PADDING


def test_a_smaller_input_has_smaller_maps():
    labels = Labels(NAMES, rows_of([BoxMarks((48, 64), ((8, 8, 24, 24),), (0,))], 2), np.ones(1, bool), FACTS.facts)
    targets = TASK.encode(labels)
    assert targets[0, -2:].tolist() == [[LEVEL, 6, 8, 48, 64, 2, 6], [LEVEL, 3, 4, 48, 64, 2, 6]]
    small = TASK.move(targets, Moves(1, (48, 64), (36, 48)))
    assert small[0, -2:, 1:5].tolist() == [[5, 6, 36, 48], [3, 3, 36, 48]]
    assert small[0, 0, 1:5].tolist() == [6, 6, 18, 18]


def test_what_cannot_be_learnt_is_refused():
    empty = [BoxMarks((8, 8)), BoxMarks((8, 8))]
    for marks, words in (
        (empty, r"/made: there is no box in 2 labelled pictures; there is nothing to learn"),
        ([BoxMarks((8, 8), ((1, 1, 4, 4),), (0,)), None], r"/made has boxes in one picture; it takes two at least"),
    ):
        source = source_of(marks)
        with pytest.raises(SourceError, match=words):
            TASK.check_labels(source, TASK.labels(source, Recipe()))
    labels = TASK.labels(source_of([BoxMarks((8, 8), ((1, 1, 4, 4),), (0,)), *empty]), Recipe())
    assert labels.known.all() and "only one picture has a box of the class disc" in labels.notes[0]
    assert TASK.strata(labels).numbers == ((0,), (2,), (2,))


# The net.


@pytest.mark.parametrize(
    ("net", "levels"),
    [
        ("conv 4 3x3 stride 8 pad 1 >> conv 6 1x1", [[6, 8]]),
        ("conv 4 3x3 stride 8 pad 1 >> conv 6 1x1 >> flatten", [[6, 8]]),
        (
            "conv 6 3x3 stride 8 pad 1 >> (flatten | conv 6 3x3 stride 2 pad 1 >> flatten)",
            [[6, 8], [3, 4]],
        ),
    ],
)
def test_the_layout_is_read_from_the_net(net, levels):
    survey = parse(net).on(1, 48, 64, fit="floor")
    TASK.check(survey, FACTS)
    labels = TASK.laid_out(Labels(NAMES, np.zeros((0, 1, 7)), np.zeros(0, bool)), survey)
    assert labels.facts == {"levels": levels, "input": [48, 64]}
    assert Cells.of(labels.facts, 2).numbers == survey.output.elements


@pytest.mark.parametrize("net", ["conv 4 3x3 >> flatten >> dense 6", "conv 5 3x3", "conv 5 3x3 >> flatten"])
def test_a_net_that_ends_otherwise_is_refused(net):
    with pytest.raises(ShapeError, match=r"boxes of 2 classes take maps of 6 channels, .*conv 6 1x1"):
        TASK.check(parse(net).on(1, 48, 64), FACTS)


def test_cells_split_alike_in_numpy_and_torch_and_say_where_a_number_stands():
    cells = Cells.of(FACTS.facts, 2)
    output = np.arange(2 * cells.numbers, dtype=np.float32).reshape(2, -1)
    logits, numbers = cells.split(output)
    assert logits.shape == (2, 2, 60) and numbers.shape == (2, 4, 60)
    for mine, theirs in zip(cells.split(torch.from_numpy(output)), (logits, numbers), strict=True):
        assert np.array_equal(mine.numpy(), theirs)
    assert output[0, cells.place(50, 3)] == numbers[0, 1, 50] and cells.middles[50].tolist() == [40, 8]
    assert cells.middles[0].tolist() == [4, 4] and cells.each_stride[50].tolist() == [16, 16]
    assert distances(np.array([-50.0, 0.0])) == pytest.approx([-0.5, np.log(2) - 0.5])


@pytest.mark.parametrize("facts", [{}, {"levels": [], "input": None}, {"levels": [[0, 1]], "input": [8, 8]}])
def test_facts_without_a_layout_are_refused(facts):
    with pytest.raises(StriateError, match="not known how its output is laid out"):
        TASK.decode({"boxes": np.zeros((1, 6))}, LabelFacts(NAMES, facts), LearntBoxes.nothing(2))


# Answers.


def test_boxes_are_decoded_the_weaker_of_two_goes_and_those_below_the_threshold_are_not_said():
    box, near, other = (4.0, 4.0, 20.0, 24.0), (13.0, 5.0, 29.0, 25.0), (40.0, 30.0, 44.0, 33.0)
    output = said((0, box, 0.9), (0, near, 0.8), (1, other, 0.2))
    found = decoded(output)
    assert found.boxes == pytest.approx(np.array([box, near, other]), abs=1e-4)
    assert found.scores == pytest.approx([0.9, 0.8, 0.2]) and found.classes.tolist() == [0, 0, 1]
    assert str(found) == "2 disc" and len(found) == 2
    nearer = decoded(said((0, box, 0.9), (0, (8.0, 4.0, 21.0, 24.0), 0.8), (1, (8.0, 4.0, 21.0, 24.0), 0.7)))
    assert str(nearer) == "1 disc, 1 square"
    told = found.to_dict()
    assert [one["number"] for one in told["boxes"]] == [1, 2] and told["counts"]["disc"]["count"] == 2
    assert told["boxes"][0]["box"] == pytest.approx({"left": 4, "top": 4, "right": 20, "bottom": 24}, abs=1e-4)
    assert len(found.to_dict(3)["boxes"]) == 3 and found.to_dict(3)["boxes"][2]["number"] is None
    rows = found.rows()
    assert [row[:3] for row in rows] == [(1, "disc", pytest.approx(0.9)), (2, "disc", pytest.approx(0.8))]
    assert rows[0][3:] == pytest.approx(box, abs=1e-4) and {len(row) for row in rows} == {len(TASK.columns(FACTS))}
    assert found.rows(3)[2][:2] == (None, "square") and found.cells() == rows[0]
    assert decoded(said((1, other, 0.2))).rows() == [(None,) * 7], "a picture without a box has a row"
    assert str(decoded(said((1, other, 0.2)))) == "nothing (closest: 0.20 square)"
    assert str(decoded(np.zeros_like(output))) == "nothing", "of a fresh net"


def test_there_is_no_limit_of_how_many():
    facts = LabelFacts(("dot",), {"levels": [[40, 40]], "input": [320, 320]})
    cells = Cells.of(facts.facts, 1)
    output = np.zeros((1, cells.numbers), np.float32)
    output[0, :1600] = 6.0
    (found,) = TASK.decode({"boxes": output}, facts, LearntBoxes.nothing(1))
    assert str(found) == "1,600 dot"


def test_an_answer_lies_in_the_picture_and_is_drawn_there():
    crop = Preprocess(48, 64, 1, resize="stretch").crop_transform(96, 320)
    found = decoded(said((0, (4.0, 4.0, 20.0, 24.0), 0.9))).in_picture(crop)
    assert found.boxes[:1] == pytest.approx(np.array([[20, 8, 100, 48]]), abs=1e-3)
    picture = Image.new("RGB", (320, 96), "#8090a0")
    drawn = np.array(found.drawn(picture))
    assert drawn.shape[1] == 640 and drawn.shape[0] > 192 and np.array(picture).std(axis=(0, 1)).max() == 0
    orange = (np.abs(drawn.astype(int) - (0xD5, 0x5E, 0)) < 12).all(2)
    rows, columns = np.nonzero(orange[:192])
    assert abs(columns.min() - 40) <= 2 and abs(columns.max() - 199) <= 2 and abs(rows.max() - 95) <= 2
    none = Boxes(NAMES, np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert str(none) == "nothing" and none.drawn(picture).size[0] == 640


def test_counts_have_an_interval_out_of_the_scores():
    many = Boxes(NAMES, np.zeros((10, 4)), np.zeros(10, int), np.full(10, 0.5), np.array([0.4, 0.4]))
    count = many.count("disc")
    assert count == (10, 5.0, 2, 8), "the binomial of 10 and 1/2"
    assert many.count("square") == (0, 0.0, 0, 0)
    unseen = Boxes(NAMES, np.zeros((10, 4)), np.zeros(10, int), np.ones(10), missed=np.array([0.5, 0.0])).count("disc")
    assert unseen.expected == 15 and unseen.low == 11 and unseen.high == 20, "ten and a Poisson of 5"


def test_outputs_that_are_not_finite_are_refused():
    with pytest.raises(StriateError, match="not finite"):
        decoded(np.full((1, 360), np.nan, np.float32))


# What is learnt after training.


def judged(pictures: int = 60, seed: int = 0):
    """Found boxes of two classes, of which a score of p is right with p squared, and what is there."""
    from striate.metrics.boxes import Found, Truth

    random, found, there = np.random.default_rng(seed), [], []
    for _ in range(pictures):
        many = 12
        boxes = np.stack([np.arange(many) * 20.0, np.zeros(many), np.arange(many) * 20.0 + 10, np.full(many, 10.0)], 1)
        scores = random.uniform(0.02, 0.99, many)
        kinds = random.integers(0, 2, many)
        right = random.random(many) < scores**2
        found.append(Found(boxes, kinds, scores))
        there.append(Truth(np.concatenate([boxes[right], [[0, 50, 9, 60]]]), np.append(kinds[right], 0)))
    return found, there


def test_scores_are_calibrated_and_cut_where_f1_is_best():
    state = fit_boxes(*judged(), NAMES)
    learnt = learnt_from(state, 2)
    p = np.linspace(0.05, 0.95, 19)
    for kind in (0, 1):
        said_ = learnt.calibrated(p, np.full(19, kind))
        assert np.abs(said_ - p**2).max() < 0.08 and (np.diff(said_) > 0).all()
        assert 0.3 < learnt.thresholds[kind] < 0.6
    assert learnt.missed == pytest.approx([60 / 115, 0.0], abs=0.15)
    assert learnt.errors is not None and learnt.errors[1] < 0.06 < learnt.errors[0]
    assert not state.notes and (learnt.boxes, learnt.pictures) == (sum(len(one) for one in judged()[1]), 60)
    new_found, new_there = judged(seed=1)
    for kind in (0, 1):
        scores = np.concatenate([one.scores[one.classes == kind] for one in new_found])
        assert abs(learnt.calibrated(scores, np.full(len(scores), kind)).mean() - (scores**2).mean()) < 0.04
    assert len(new_there) == 60


def test_precision_or_recall_is_reached_where_it_can_be():
    found, there = judged()
    learnt = learnt_from(fit_boxes(found, there, NAMES), 2)
    plain, exact, many = (learnt.cuts(options) for options in ({}, {"precision": 0.9}, {"recall": 0.6}))
    assert (exact > plain).all() and (many < exact).all()
    for curve, cut in zip(learnt.curves, exact, strict=True):
        assert curve[np.isclose(curve[:, 0], cut), 1].max() >= 0.9
    assert TASK.warnings(learnt, {"recall": 0.99}) == (
        "1 class did not reach a recall of 0.99 where it was measured; that class is said from the nearest score on",
    ), "a fifth of the discs is never found"
    assert TASK.warnings(learnt) == () == TASK.warnings(learnt, {"precision": 0.9})
    assert "cannot be promised" in TASK.warnings(LearntBoxes.nothing(2), {"precision": 0.9})[0]
    for options, words in (({"precision": 2}, "precision 2: it is a share"), ({"precision": 1, "recall": 1}, "one")):
        with pytest.raises(StriateError, match=words):
            TASK.warnings(learnt, options)


def test_without_pictures_or_boxes_nothing_is_learnt_and_it_is_said():
    nothing = judged(3)
    for found, there in (([], []), ([one.at([]) for one in nothing[0]], nothing[1])):
        state = fit_boxes(found, there, NAMES)
        learnt = TASK.opened(state, FACTS)
        assert state.notes and learnt.calibrated([0.25], np.array([1])) == pytest.approx([0.25])
    few = fit_boxes(*judged(1), NAMES)
    assert "fewer than 20 boxes of the classes disc, square" in few.notes[0]
    assert TASK.opened(TASK.unlearnt("because"), FACTS).why == "because" and TASK.opened(State(), FACTS).curves == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"slopes": [[1, 1, 0]]}, {"slopes": [[-1, 1, 0], [1, 1, 0]]}, {"slopes": "steep"}, {"thresholds": [0.5, 2]},
        {"thresholds": None}, {"curves": [[]]}, {"boxes": -1}, {"missed": [np.nan, 0]}, {"overlap": 2},
        {"calibration_errors": [1]},
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused(wrong):
    state = fit_boxes(*judged(4), NAMES)
    with pytest.raises(ModelError, match="has learnt of scores does not read"):
        TASK.opened(State({**state.facts, **wrong}), FACTS)


def test_a_box_is_asked_about_by_its_number_or_its_class():
    output = said((0, (4.0, 4.0, 20.0, 24.0), 0.9), (1, (40.0, 20.0, 60.0, 40.0), 0.8))
    ask = lambda *word: TASK.question(output[0], FACTS, LearntBoxes.nothing(2), *word)  # noqa: E731
    first, second = ask(), ask("2")
    assert first == ask(1) == ask("disc") and second == ask("square") == ask(2)
    assert first.title == "Why is box 1 disc?" and second.answer == "square (box 2)"
    tensor = torch.from_numpy(output)
    assert second.value(tensor) == pytest.approx(0.8) and float(second.score(tensor)) == output[0, second.place]
    assert first.box == pytest.approx((4, 4, 20, 24), abs=1e-3)
    for word, against, words in (("3", None, "no box 3: they go from 1 to 2"), ("disk", None, "near it: disc")):
        with pytest.raises(StriateError, match=words):
            ask(word, against)
    with pytest.raises(StriateError, match="one by one"):
        ask(1, "square")
    nothing = TASK.question(np.zeros(360, np.float32), FACTS, LearntBoxes.nothing(2), "square")
    assert nothing.number == 0 and nothing.answer == "square, not said"


def test_another_sources_classes_are_taken_by_their_names():
    labels = Labels(("square",), rows_of([BoxMarks((8, 8), ((1, 1, 4, 4),), (0,))], 1), np.ones(1, bool))
    there = truths(TASK.matched(labels, FACTS))[0]
    assert there.classes.tolist() == [1] and there.unlooked == (0,)
    listed = replace(labels, facts={"unused": ["disc"]})
    assert truths(TASK.matched(listed, FACTS))[0].unlooked == (), "it was looked for, and there is none"
    assert "unused" not in TASK.settle(listed, [0]).facts
    with pytest.raises(
        StriateError, match=r"has boxes of 1 class the model does not know: ring; it knows disc, square"
    ):
        TASK.matched(Labels(("ring",), labels.values, labels.known), FACTS)


# Learning.


def test_a_net_from_chance_learns_four_pictures_by_heart():
    random = np.random.default_rng(5)
    scenes = [scene(random) for _ in range(4)]
    marks: list[BoxMarks | None] = [
        BoxMarks((48, 64), tuple(map(tuple, boxes.tolist())), tuple(kinds.tolist())) for _, boxes, kinds in scenes
    ]
    pixels = np.stack([picture for picture, _, _ in scenes])
    how = Preprocess(48, 64, 1, mean=(0.3,), std=(0.2,))
    source = source_of(marks, pixels)
    net = parse(NET)
    labels = TASK.settle(TASK.labels(source, Recipe()), range(4))
    labels = TASK.laid_out(TASK.place(labels, [how.crop_transform(48, 64)] * 4), net.on(1, 48, 64))
    settings = config(
        task="detect", batch=4, epochs=60, learning_rate=0.01, optimiser="adamw", augment="none", device="cpu",
        threads=1,
    )  # fmt: skip
    split = Split((0, 1, 2, 3), (0, 1, 2, 3), ())
    model = build(net, Shape(1, 48, 64), preprocess=how, seed=0)
    epochs = list(fit(begin(model, settings, Store(pixels[..., None], ()), Objective(TASK, labels, settings), split)))
    assert epochs[-1].metrics[AP50] > 0.9 and epochs[-1].losses.keys() == {"score", "box"}
    assert epochs[-1].train_loss < 0.6 * epochs[5].train_loss


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("scenes")
    write_voc(root / "voc", 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        yield root


def recipe(root: Path, **said_: Any) -> Recipe:
    where = {"source": str(root / "voc"), "net": NET, "size": (48, 64), "device": "cpu", "threads": 1}
    return Recipe(**{**where, "epochs": 40, "learning_rate": 0.006, "batch": 8, "seed": 1, **said_})


def test_it_learns_from_a_folder_and_answers_in_pixels_of_the_picture(home: Path):
    run = train(recipe(home), workspace=Workspace(home / "runs"))
    facts = reopen_data(run).labels.facts
    assert run.model_path.exists() and facts["levels"] == [[12, 16]]
    assert facts["scale"] == [1.0, 1.0] and facts["extent"] == pytest.approx([19, 19], abs=1)
    found = evaluate(run.name, workspace=Workspace(home / "runs"))
    assert found.report.precision.ap50 > 0.8
    for onnx in (True, False):
        predictor = Predictor.open(run.model_path, onnx=onnx)
        (answer,) = predictor.predict(home / "voc" / "003.png")
        assert isinstance(answer, Boxes) and len(answer) > 0
        boxes = [one.boxes for one in truths(reopen_data(run).labels.values)]
        near = [np.abs(there[:, None] - answer.boxes[answer.said]).max(2).min(1, initial=99).max() for there in boxes]
        assert min(near) < 4, "pixels off, at most"
    keys = list(found.keys)[:4]
    four = np.block([[np.asarray(Image.open(home / "voc" / name)) for name in pair] for pair in (keys[:2], keys[2:])])
    tiled = Run.open(run.name, home / "runs").predict(four, tile="auto")
    assert isinstance(tiled, Boxes)
    apart = sum(tiled.counts.values()) - sum(len(one) for one in predictor.predict([home / "voc" / k for k in keys]))
    assert abs(apart) <= 1 + len(tiled) // 5, "objects cut at the seams of the four pictures aside, as many"
    assert "Where was it most wrong?" in run.report_path.read_text() or found.report.precision.ap50 == 1


def test_a_training_goes_on_to_the_bit(home: Path):
    whole = train(recipe(home, epochs=3), workspace=Workspace(home / "runs"), name="whole")
    for event in (events := training(recipe(home, epochs=3), workspace=Workspace(home / "runs"), name="cut")):
        if isinstance(event, Epoch) and event.index == 1:
            break
    events.close()  # type: ignore[attr-defined]
    cut = resume("cut-1", workspace=Workspace(home / "runs"))
    assert bits(cut) == bits(whole)
    assert all(a < b for a, b in pairwise([line["index"] for line in cut.history()]))


def test_state_stands_on_answers_to_pictures_that_were_not_trained_on():
    output = np.concatenate([said((0, (4.0, 4.0, 20.0, 24.0), 0.9)), said((1, (30.0, 4.0, 50.0, 24.0), 0.6))])
    marks = [BoxMarks((48, 64), ((4, 4, 20, 24),), (0,)), BoxMarks((48, 64), ((30, 4, 50, 24),), (1,))]
    values = rows_of(list(marks), 2)
    state = TASK.fit_state(Judged({"boxes": output}, values, config(), lambda choose: ({}, values)), FACTS)
    learnt = TASK.opened(state, FACTS)
    assert learnt.pictures == 2 and learnt.boxes == 2
    assert learnt.overlap == 0.5 == LearntBoxes.nothing(2).overlap
    answers = candidates({"boxes": output}, FACTS, learnt)
    assert [str(one) for one in answers] == ["1 disc", "1 square"]


def test_how_far_boxes_may_overlap_is_chosen_by_what_is_there():
    boxes = ((8.0, 8.0, 24.0, 24.0), (8.0, 12.5, 24.0, 28.5))  # they overlap by 0.56
    output = said((0, boxes[0], 0.9), (0, boxes[1], 0.85))
    for there, overlap in ((boxes, 0.6), (boxes[:1], 0.5)):
        values = rows_of([BoxMarks((48, 64), there, (0,) * len(there))], 2)
        state = TASK.fit_state(Judged({"boxes": output}, values, config(), lambda choose: ({}, np.zeros(0))), FACTS)
        learnt = TASK.opened(state, FACTS)
        assert learnt.overlap == overlap
        assert len(candidates({"boxes": output}, FACTS, learnt)[0].boxes) == len(there)


def test_a_box_lies_where_all_that_say_the_same_do():
    box, near, other = (4.0, 4.0, 20.0, 24.0), (8.5, 4.0, 24.5, 24.0), (30.0, 4.0, 46.0, 24.0)
    output = said((0, box, 0.9), (0, near, 0.6), (1, near, 0.8), (0, other, 0.5))
    overlap = 11.5 / 20.5
    weights = np.array([0.9**2, 0.6**2 * np.exp(-((1 - overlap) ** 2) / 0.05)])
    between = (weights @ np.array([box, near])) / weights.sum()
    found = decoded(output)
    assert found.boxes == pytest.approx(np.array([between, near, other]), abs=1e-3)
    assert found.scores == pytest.approx([0.9, 0.8, 0.5])
    old = {name: value for name, value in LearntBoxes.nothing(2).state().facts.items() if name != "pooled"}
    assert decoded(output, learnt_from(State(old), 2)).boxes[0] == pytest.approx(np.array(box), abs=1e-3)


def test_epochs_are_compared_by_ap_and_not_by_a_loss_that_rises_with_it():
    epochs = [
        {"index": 1, "val_loss": 0.30, "metrics": {"AP50": 0.8, "AP": 0.40}},
        {"index": 2, "val_loss": 0.35, "metrics": {"AP50": 0.9, "AP": 0.55}},
        {"index": 3, "val_loss": 0.40, "metrics": {"AP50": 0.9, "AP": 0.50}},
    ]
    assert kept_epoch(epochs, patience=TASK) == 2 and kept_epoch(epochs) == 3
    assert kept_epoch(epochs, patience=TASKS["segment"]) == 1
    assert TASK.standing(0.35, epochs[1]["metrics"]) < TASK.standing(0.30, epochs[0]["metrics"])
    assert TASK.standing(0.3, {}) == 0.3
