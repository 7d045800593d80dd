"""A class a pixel: labels read and placed, losses against loops, what is learnt after training, what may be asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.configs import config
from tests.tasks.drawn import SIDE, Drawn, drawn_masks, training_of

from striate.data.batches.augment import named
from striate.data.batches.loader import batches
from striate.data.batches.moves import Moves
from striate.data.batches.warp import move_masks
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import Item
from striate.data.store.store import Store
from striate.engine.fit import fit
from striate.engine.infer import infer_outputs
from striate.errors import DescribeError, ModelError, ShapeError, SourceError, StriateError
from striate.recipe import Recipe
from striate.spec import parse
from striate.tasks import segment_loss
from striate.tasks.assessment import About, Basis
from striate.tasks.masks import Masks
from striate.tasks.question import Place
from striate.tasks.segment import Segment, SourceMasks
from striate.tasks.segment_answering import MASKS, LearntMasks, fitted
from striate.tasks.task import Judged, LabelFacts, Labels, State
from striate.verbs.places import in_input

FACTS = LabelFacts(("ground", "disc", "bar"), {"input": [8, 12]})
NET = "conv 12 5x5 pad same >> relu >> conv 12 5x5 stride 2 pad 2 >> relu >> conv 16 3x3 pad same >> relu >> conv 3 1x1"


def masks_and_maps(pictures=3, classes=3, size=(8, 12), cells=(4, 6), seed=0):
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, (pictures, *size)).astype(np.uint8)
    targets[:, :2, :5] = 255
    maps = random.normal(size=(pictures, classes, *cells)).astype(np.float32)
    return targets, maps


@pytest.mark.parametrize("cells", [(4, 6), (8, 12), (2, 3), (3, 5), (1, 1), (5, 7)])
def test_shares_of_cells_are_those_of_a_loop(cells):
    targets, _ = masks_and_maps()
    wanted, pixels = np.zeros((3, 3, *cells)), np.zeros(cells)
    for y in range(8):
        for x in range(12):
            cell = int((y + 0.5) * cells[0] / 8), int((x + 0.5) * cells[1] / 12)
            pixels[cell] += 1
            for n in range(3):
                if targets[n, y, x] != 255:
                    wanted[n, targets[n, y, x], *cell] += 1
    found = segment_loss.class_shares(torch.from_numpy(targets), 3, cells)
    np.testing.assert_allclose(found.numpy(), wanted / pixels, atol=1e-6)


def test_more_cells_than_pixels_leave_some_without_a_label():
    shares = segment_loss.class_shares(torch.tensor([[[0, 1]]], dtype=torch.uint8), 2, (2, 4))
    assert shares.sum() == 2 and torch.isfinite(shares).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_losses_are_those_of_a_loop(smoothing):
    targets, maps = masks_and_maps()
    shares = segment_loss.class_shares(torch.from_numpy(targets), 3, (4, 6)).numpy().astype(np.float64)
    weights = np.array([0.5, 2.0, 1.0])
    likely = np.exp(maps.astype(np.float64))
    likely /= likely.sum(1, keepdims=True)
    entropy, apart = 0.0, 0.0
    for n in range(3):
        for y in range(4):
            for x in range(6):
                share = shares[n, :, y, x]
                aim = (1 - smoothing) * share + smoothing / 3 * share.sum()
                entropy -= sum(weights[k] * aim[k] * np.log(likely[n, k, y, x]) for k in range(3)) / (3 * 24)
        each = []
        for k in range(3):
            p, g = likely[n, k] * shares[n].sum(0), shares[n, k]
            if g.any():
                each.append(1 - 2 * (p * g).sum() / ((p**2).sum() + (g**2).sum()))
        apart += np.mean(each) / 3
    found = Segment().loss(
        {MASKS: torch.from_numpy(maps)}, torch.from_numpy(targets), config(label_smoothing=smoothing),
        torch.from_numpy(weights).float(),
    )  # fmt: skip
    assert list(found) == ["cross-entropy", "dice"]
    assert float(found["cross-entropy"]) == pytest.approx(entropy, rel=1e-5)
    assert float(found["dice"]) == pytest.approx(apart, rel=1e-5)
    plain = Segment().plain_loss({MASKS: torch.from_numpy(maps)}, torch.from_numpy(targets), config())
    unweighted = segment_loss.cross_entropy(torch.from_numpy(maps), torch.from_numpy(shares).float())
    assert plain == pytest.approx(float(unweighted) + apart, rel=1e-5)


def test_parts_of_a_batch_add_up_to_the_whole_and_void_takes_no_part():
    targets, maps = masks_and_maps(6)
    targets[2] = 255
    task, weights = Segment(), torch.tensor([1.0, 2.0, 3.0])
    logits, wanted = torch.from_numpy(maps).requires_grad_(), torch.from_numpy(targets)
    whole = task.loss({MASKS: logits}, wanted, config(), weights)
    sum(whole.values()).backward()
    gradient = logits.grad.clone()
    for name, value in whole.items():
        parts = [task.loss({MASKS: logits[a:b]}, wanted[a:b], config(), weights)[name] for a, b in ((0, 2), (2, 6))]
        assert parts[0].item() * 2 / 6 + parts[1].item() * 4 / 6 == pytest.approx(value.item(), rel=1e-6)
    assert not gradient[2].any() and gradient[3].any()
    assert not gradient[:, :, 0, :2].any(), "cells of nothing but void"
    half = task.loss({MASKS: logits.bfloat16()}, wanted, config(), weights)
    assert all(value.dtype == torch.float32 and torch.isfinite(value) for value in half.values())


def test_weights_are_one_over_the_root_of_the_share():
    targets = np.zeros((2, 10, 10), np.uint8)
    targets[0, :2] = 1
    targets[1, 5:] = 255
    weights = Segment().weights(targets, FACTS, config())
    assert weights is not None and weights[2] == 0
    share = np.array([130 / 200, 20 / 200])
    assert float(weights[1] / weights[0]) == pytest.approx((share[0] / share[1]) ** 0.5)
    assert float((weights[:2].numpy() * share).sum()) == pytest.approx(1)
    balanced = Segment().weights(targets, FACTS, config(class_weights="balanced"))
    assert balanced is not None and float(balanced[1] / balanced[0]) == pytest.approx(share[0] / share[1])


def test_labels_are_read_when_they_are_placed_and_lie_where_the_picture_does():
    source = drawn_masks(6)
    source = replace(source, items=(*source.items[:5], Item("05.png", None)))
    labels = Segment().labels(source, Recipe())
    assert isinstance(labels, SourceMasks) and labels.known.tolist() == [True] * 5 + [False]
    Segment().check_labels(source, labels)
    placed = in_input(Segment(), labels, source, Preprocess(24, 24, 1, resize="stretch"))
    assert placed.values.shape == (6, 24, 24) and placed.values.dtype == np.uint8 and (placed.values[5] == 255).all()
    assert np.array_equal(placed.values[0], source.mask(0)[1::2, 1::2]) and placed.facts["input"] == [24, 24]
    both = [Segment().strata(labels), Segment().strata(placed)]
    assert both[0].values.tolist()[0] == [True, True, True] and both[1].values.shape == (6, 3)
    assert (
        Segment().settle(placed, [0, 1]).facts["trained"]["pixels"]
        == np.bincount(placed.values[:2].ravel(), minlength=3).tolist()
    )


def test_what_cannot_be_learnt_is_refused_in_one_sentence():
    source, task = drawn_masks(4), Segment()
    with pytest.raises(SourceError, match="its labels are classes, and task segment takes masks"):
        task.labels(replace(source, kind="classes"), Recipe())
    few = replace(source, items=(source.items[0], *(Item(f"{n}.png", None) for n in range(3))))
    with pytest.raises(SourceError, match="holds 1 picture with a mask; to learn and measure takes 2 at least"):
        task.check_labels(few, task.labels(few, Recipe()))
    same = replace(source, masks=tuple(np.where(mask == 1, 1, 255).astype(np.uint8) for mask in source.masks))
    with pytest.raises(SourceError, match="every labelled pixel of 4 masks is disc"):
        task.check_labels(same, task.labels(same, Recipe()))
    odd = replace(source, masks=(source.masks[0][:-1], *source.masks[1:]))
    with pytest.raises(SourceError, match=r"mask of picture 1 does not fit it: .* 47 x 48 pixels for a picture of 48"):
        in_input(task, task.labels(odd, Recipe()), odd, Preprocess(24, 24, 1))
    many = replace(source, label_names=tuple(f"c{n}" for n in range(256)))
    with pytest.raises(SourceError, match="names 256 classes, and masks have room for 255"):
        task.labels(many, Recipe())


def test_cautions_name_what_is_not_learnt():
    source = drawn_masks(4)
    bare = replace(source, label_names=("ground", "disc", "bar", "hat"))
    labels = in_input(Segment(), Segment().labels(bare, Recipe()), bare, Preprocess(24, 24, 1))
    said = Segment().cautions(labels, range(4), config())
    assert said == ("no picture to train on shows the class hat: it is not learnt",)
    labels.values[:, 4:] = 255
    assert "of the pixels to train on are labelled" in Segment().cautions(labels, range(4), config())[1]


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ("conv 4 3x3 >> flatten >> dense 3", r"the net puts out 3, and 3 classes take a map each, 3x6x6 or of another"),
        ("conv 4 1x1", r"the net puts out 4x24x24, and 3 classes take a map each, 3x24x24 .* conv 3 1x1"),
        ("conv 3 1x1 >> globalavgpool", r"the net puts out 3x1x1, one position for all of a picture of 24x24"),
    ],
)
def test_a_net_that_ends_otherwise_is_refused(net, words):
    with pytest.raises(ShapeError, match=words):
        Segment().check(parse(net).on(1, 24, 24), FACTS)
    Segment().check(parse("conv 8 3x3 stride 2 pad 1 >> conv 3 1x1").on(1, 24, 24), FACTS)


def test_masks_move_with_their_pictures_and_stay_as_they_are():
    source = drawn_masks(8)
    store = Store(source.blocks[0][..., None], ())
    targets = np.stack(source.masks)
    kept, moves = targets.copy(), named("standard", flip=True)
    more = {"batch_size": 8, "shuffle": True, "augment": moves, "moved": Segment().move}
    (batch,) = batches(store, targets, range(8), size_at=lambda at: (24, 24), **more)
    assert batch.targets.dtype == torch.uint8 and batch.targets.shape == (8, 24, 24)
    assert np.array_equal(targets, kept)
    wanted = move_masks(torch.from_numpy(targets[batch.items]), batch.moves)
    assert torch.equal(batch.targets, wanted) and (wanted == 255).any()
    still = Moves(8, (48, 48), (48, 48))
    assert np.array_equal(Segment().move(targets, still), targets)


def test_figures_are_those_of_one_confusion_over_the_set():
    truth = np.array([[[0, 0], [1, 255]], [[1, 1], [1, 1]]], np.uint8)
    maps = np.zeros((2, 3, 2, 2), np.float32)
    answers = np.array([[[0, 1], [1, 2]], [[1, 1], [0, 1]]])
    for n, y, x in np.ndindex(2, 2, 2):
        maps[n, answers[n, y, x], y, x] = 5
    found = Segment().measure({MASKS: maps}, truth, FACTS)
    # ground: 1 of {2 true, 2 said}: 1/3; disc: 4 of {5 true, 5 said}: 4/6; bar was said of a void pixel alone.
    assert found == {"mean IoU": pytest.approx((1 / 3 + 4 / 6) / 2), "pixel accuracy": pytest.approx(5 / 7)}
    assert next(iter(found)) == Segment().headline and Segment().shown("mean IoU", 0.5, FACTS) == "mean IoU 50.0 %"
    empty = Segment().measure({MASKS: maps[:1]}, np.full((1, 2, 2), 255, np.uint8), FACTS)
    assert empty == {"mean IoU": 0.0, "pixel accuracy": 0.0} == Segment().measure({MASKS: maps[:0]}, truth[:0], FACTS)


def test_the_temperature_is_that_which_the_logits_were_sharpened_by():
    random = np.random.default_rng(0)
    maps = random.normal(0, 1.5, (6, 3, 20, 20)).astype(np.float32)
    likely = np.exp(maps) / np.exp(maps).sum(1, keepdims=True)
    targets = (random.uniform(size=(6, 1, 20, 20)) > likely.cumsum(1)).sum(1).clip(0, 2).astype(np.uint8)
    targets[0, :5] = 255
    judged = Judged({MASKS: 3 * maps}, targets, config(), lambda choose: None)  # type: ignore[arg-type,return-value]
    state = Segment().fit_state(judged, FACTS)
    learnt = Segment().opened(state, FACTS)
    assert learnt.temperature == pytest.approx(3, rel=0.1) and learnt.pictures == 6 and not state.notes
    (said, *_) = Segment().decode({MASKS: 3 * maps}, FACTS, learnt)
    np.testing.assert_allclose(said.logits, 3 * maps[0] / learnt.temperature, rtol=1e-5)
    assert fitted(maps[:1], np.full((1, 20, 20), 255, np.uint8)).temperature == 1.0
    none = Segment().fit_state(replace(judged, outputs={MASKS: maps[:0]}, targets=targets[:0]), FACTS)
    assert none.facts == {"temperature": 1.0, "pictures": 0} and "no picture to calibrate by" in none.notes[0]


@pytest.mark.parametrize("facts", [{"temperature": "hot"}, {"temperature": 1e9}, {"temperature": 1.0, "pictures": -1}])
def test_a_damaged_state_is_refused(facts):
    with pytest.raises(ModelError, match="calibration does not read"):
        Segment().opened(State(facts), FACTS)
    assert Segment().opened(Segment().unlearnt("not yet"), FACTS).temperature == 1.0


def test_answers_that_are_no_maps_of_the_classes_are_refused():
    learnt = Segment().opened(State(), FACTS)
    with pytest.raises(StriateError, match=r"a map for each class, 3 in all, not with \(2, 4, 4\)"):
        Segment().decode({MASKS: np.zeros((1, 2, 4, 4))}, FACTS, learnt)
    with pytest.raises(StriateError, match="1 of 2 answers hold NaN"):
        Segment().decode({MASKS: np.stack([np.zeros((3, 4, 4)), np.full((3, 4, 4), np.nan)])}, FACTS, learnt)


def test_classes_of_another_source_are_found_by_their_names():
    labels = Labels(("bar", "hat", "ground"), np.array([[[0, 2], [255, 2]]], np.uint8), np.ones(1, bool))
    assert Segment().matched(labels, FACTS).tolist() == [[[2, 0], [255, 0]]]
    labels.values[0, 0, 0] = 1
    with pytest.raises(StriateError, match="has 1 class the model does not know: hat; it knows ground, disc, bar"):
        Segment().matched(labels, FACTS)


def test_what_may_be_asked_of_masks():
    maps = np.zeros((3, 4, 6), np.float32)
    maps[1, :, 3:] = 4
    maps[0, :, :3] = 2
    task, output = Segment(), torch.from_numpy(maps)[None]
    where = task.question(maps, FACTS, None, "disc")
    assert where.title == "Why did it say disc?" and float(where.score(output)) == pytest.approx(4)
    # The input of 8 x 12 is twice the maps: pixel (1, 7) is in the middle of nothing but ground.
    at = task.question_at(maps, FACTS, LearntMasks(2.0), Place((1.5, 7.5, 1.5, 7.5), (8, 12), "at pixel 1, 7"))
    assert at.title == "Why did it say ground at pixel 1, 7?" and float(at.score(output)) == pytest.approx(2)
    assert at.value(output) == pytest.approx(np.exp(2) / (np.exp(2) + 2), rel=1e-5)
    assert at.told == "At pixel 1, 7: 0.58 ground, 0.21 disc, 0.21 bar", "calibrated: e / (e + 2)"
    assert at.cell == (0, 3, 0, 0)
    # A quarter of the way from the middle of column 2 to that of column 3, half of the way down: the mean of four.
    between = Place((5.5, 4.0, 5.5, 4.0), (8, 12), "at pixel 5, 3")
    mixed = task.question_at(maps, FACTS, LearntMasks(), between)
    assert mixed.answer == "ground" and float(mixed.score(output)) == pytest.approx(0.75 * 2)
    assert dict(mixed.mix) == pytest.approx({8: 0.375, 9: 0.125, 14: 0.375, 15: 0.125})
    ids = Masks(FACTS.names, maps, Preprocess(8, 12, 1, resize="stretch").crop_transform(8, 12)).ids
    for row in range(8):
        for column in range(12):
            spot = (column + 0.5, row + 0.5)
            asked = task.question_at(maps, FACTS, LearntMasks(), Place((*spot, *spot), (8, 12), "there"))
            assert asked.target == ids[row, column] and asked.said, "the class that is said of that very pixel"
    forced = task.question_at(maps, FACTS, LearntMasks(), replace(between, word="bar"))
    assert forced.title == "Why did it not say bar at pixel 5, 3?" and float(forced.score(output)) == 0
    box = task.question_at(maps, FACTS, LearntMasks(), Place((4.0, 0.0, 12.0, 8.0), (8, 12), "in the box"))
    assert box.answer == "disc" and box.told == "In the box: disc 75 %, ground 25 %" and box.cell is None
    assert float(box.score(output)) == pytest.approx(0.75 * 4), "of all cells in it, a quarter of which say 0"
    thin = task.question_at(maps, FACTS, LearntMasks(), Place((4.6, 1.0, 4.7, 1.4), (8, 12), "in the box"))
    assert np.frombuffer(thin.inside, bool).sum() == 1, "the nearest cell, where none has its middle in the box"
    against = task.question(maps, FACTS, None, "disc", "ground")
    assert against.against == "ground" and float(against.score(output)) == 4
    never = task.question(maps, FACTS, None, 2)
    assert never.title == "Why did it not say bar?" and float(never.margin(output)) > 0
    most = task.question(maps, FACTS, None)
    assert most.answer in ("ground", "disc") and most == task.question(maps, FACTS, None)
    other = where.renewed(output.flip(1))
    assert other.classes[other.target] in ("disc", "bar") and other.kind == where.kind
    with pytest.raises(StriateError, match="there is no class 'dics'; near it: disc"):
        task.question(maps, FACTS, None, "dics")
    with pytest.raises(StriateError, match="there is no class '12,3'"):
        task.question(maps, FACTS, None, "12,3")
    with pytest.raises(DescribeError, match="against itself"):
        task.question(maps, FACTS, None, "disc", "disc")
    with pytest.raises(DescribeError, match="asked about maps of 3x4x6; this net puts out"):
        where.score(torch.zeros(1, 3, 2, 2))


def test_a_small_net_from_chance_learns_what_is_drawn():
    source = drawn_masks(32)
    training, labels = training_of(Segment(), source, NET, epochs=12)
    epochs = list(fit(training))
    assert set(epochs[-1].losses) == {"cross-entropy", "dice"} and epochs[-1].metrics["mean IoU"] > 0.8
    assert epochs[-1].val_loss < epochs[0].val_loss
    rows = np.arange(24, 32)
    outputs = infer_outputs(training.final_model(), training.store, rows, output=MASKS)
    found = Segment().evaluate(
        outputs, labels.values[rows], labels.kept, Segment().opened(State(), labels.kept), Basis()
    )
    figures = Segment().measure(outputs, labels.values[rows], labels.kept)
    assert found.headline.value.value == pytest.approx(figures["mean IoU"])
    assert found.headline.value.low <= found.headline.value.value <= found.headline.value.high
    assert found.verdict(About()).kind == "fine" and len(found.losses) == 8
    (said,) = Segment().decode({MASKS: outputs[MASKS][:1]}, labels.kept, Segment().opened(State(), labels.kept))
    crop = Preprocess(SIDE, SIDE, 1).crop_of(source.picture(24))
    agree = (said.in_picture(crop).ids == source.mask(24)).mean()
    assert agree > 0.9


def test_a_source_is_as_the_task_wants_it():
    assert isinstance(drawn_masks(2), Drawn) and Segment.kind == "masks" and Segment.placed
