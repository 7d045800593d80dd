"""How many: dots read, placed and moved, losses against loops, corrections and intervals, what may be asked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.configs import config
from tests.tasks.drawn import SIDE, drawn_dots, training_of

from striate.data.batches.augment import named
from striate.data.batches.loader import batches
from striate.data.batches.moves import Moves
from striate.data.batches.warp import move_pictures
from striate.data.labels.marks import BoxMarks, DotMarks
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item
from striate.data.store.store import Store
from striate.engine.fit import fit
from striate.engine.infer import infer_outputs
from striate.errors import ModelError, ShapeError, SourceError, StriateError
from striate.recipe import Recipe
from striate.spec import parse
from striate.tasks import count_loss
from striate.tasks.assessment import About, Basis
from striate.tasks.boxes import Boxes
from striate.tasks.count import CountObjects
from striate.tasks.count_answering import DENSITY, learnt_from, overlay, summed
from striate.tasks.count_question import CountQuestion
from striate.tasks.points import Count, densities, peaks
from striate.tasks.question import Place
from striate.tasks.task import Judged, LabelFacts, Labels, State
from striate.verbs.places import in_input

FACTS = LabelFacts(("red", "white"), {"by": "dots", "input": [8, 12]})
NET = "conv 12 5x5 stride 2 pad 2 >> relu >> conv 16 3x3 pad same >> relu >> conv 16 3x3 pad same >> relu >> conv 1 1x1"
DOTS = np.array(
    [[[0, 0.3, 0.6], [1, 0.9, 0.1], [0, 0.31, 0.62]], [[1, 0.0, 1.0], [-1, -1, -1], [-1, -1, -1]]], np.float32
)


def source_of(targets: list, kind: str = "dots", names=("red", "white"), size=(8, 12)) -> ArraySource:
    items = tuple(Item(f"{number}.png", target) for number, target in enumerate(targets))
    return ArraySource(
        "made", "/made", names, items, kind=kind, blocks=(np.zeros((len(items), *size), np.uint8),),
        rows=np.stack([np.zeros(len(items), np.int64), np.arange(len(items))], 1), origins=("made",),
    )  # fmt: skip


def placed(source: ArraySource, how: Preprocess) -> Labels:
    return in_input(CountObjects(), CountObjects().labels(source, Recipe()), source, how)


def test_a_dot_is_a_gaussian_that_sums_to_one_wherever_it_lies():
    found = count_loss.rendered(torch.from_numpy(DOTS), 2, (5, 8)).numpy()
    wanted = np.zeros((2, 2, 5, 8))
    for n in range(2):
        for kind, x, y in DOTS[n]:
            if kind >= 0:
                across = np.exp(-0.5 * (np.arange(8) + 0.5 - 8 * x) ** 2)
                down = np.exp(-0.5 * (np.arange(5) + 0.5 - 5 * y) ** 2)
                wanted[n, int(kind)] += np.outer(down / down.sum(), across / across.sum())
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_allclose(found.sum((2, 3)), [[2, 1], [0, 1]], atol=1e-5)
    assert count_loss.dots_of(torch.from_numpy(DOTS), 2).tolist() == [[2, 1], [0, 1]]


def test_the_losses_are_those_of_a_loop_and_parts_add_up():
    maps = np.random.default_rng(0).normal(2, 2, (2, 2, 5, 8)).astype(np.float32)
    said = np.log1p(np.exp(maps.astype(np.float64) - 4))
    wanted = count_loss.rendered(torch.from_numpy(DOTS), 2, (5, 8)).numpy()
    density = count = 0.0
    for n in range(2):
        for k in range(2):
            true = wanted[n, k].sum()
            density += ((said[n, k] - wanted[n, k]) ** 2).sum() / (true + 1) / 2
            off = abs(said[n, k].sum() - true) / (true + 1)
            count += 0.25 * (off**2 / 0.2 if off < 0.1 else off - 0.05) / 2
    task, outputs, targets = CountObjects(), torch.from_numpy(maps), torch.from_numpy(DOTS)
    found = task.loss({DENSITY: outputs}, targets, config())
    assert list(found) == ["density", "count"]
    assert float(found["density"]) == pytest.approx(density, rel=1e-4)
    assert float(found["count"]) == pytest.approx(count, rel=1e-4)
    for name, value in found.items():
        parts = [task.loss({DENSITY: outputs[n : n + 1]}, targets[n : n + 1], config())[name] for n in range(2)]
        assert float(sum(parts)) / 2 == pytest.approx(float(value), rel=1e-5)
    assert task.plain_loss({DENSITY: outputs}, targets, config()) == pytest.approx(density + count, rel=1e-4)
    alone = task.loss({DENSITY: outputs}, torch.tensor([[2.0, 1.0], [0.0, 1.0]]), config())
    assert float(alone["density"]) == 0 and float(alone["count"]) == pytest.approx(count, rel=1e-4)
    half = task.loss({DENSITY: outputs.bfloat16()}, targets, config())
    assert all(value.dtype == torch.float32 and torch.isfinite(value) for value in half.values())


def test_densities_are_the_same_with_and_without_torch():
    maps = np.linspace(-60, 60, 41)
    np.testing.assert_allclose(densities(maps), count_loss.densities(torch.from_numpy(maps)).numpy(), rtol=1e-5)


def test_dots_middles_of_boxes_and_counts_are_read():
    task = CountObjects()
    dots = source_of([DotMarks((8, 12), ((3.0, 2.0), (11.0, 7.0)), (1, 0)), DotMarks((8, 12)), None])
    labels = task.labels(dots, Recipe())
    assert labels.known.tolist() == [True, True, False] and labels.facts == {"by": "dots"}
    assert labels.values.tolist()[0] == [[1, 3, 2], [0, 11, 7]] and (labels.values[1:] == -1).all()
    boxes = source_of([BoxMarks((8, 12), ((1, 1, 3, 5), (0, 0, 8, 8)), (1, 0), ignored=(1,))], kind="boxes")
    assert task.labels(boxes, Recipe()).values.tolist() == [[[1, 2, 3]]]
    numbers = task.labels(source_of([(4.0, 2.0), (1.0, 0.0)], kind="numbers"), Recipe())
    assert numbers.values.tolist() == [[4, 2], [1, 0]] and numbers.facts == {"by": "counts"}
    with pytest.raises(
        SourceError, match="its labels are classes, and task count takes a dot or a box for each object"
    ):
        task.labels(source_of([0, 1], kind="classes"), Recipe())


def test_what_cannot_be_learnt_is_refused_in_one_sentence():
    task = CountObjects()

    def check(targets, kind="numbers"):
        source = source_of(targets, kind=kind)
        task.check_labels(source, task.labels(source, Recipe()))

    check([(float(n), 1.0) for n in range(5)])
    with pytest.raises(SourceError, match="holds 2 pictures whose objects are counted; to learn and measure takes 5"):
        check([(1.0, 2.0), (2.0, 2.0), None])
    with pytest.raises(SourceError, match=r"/made: white of 2.png is -1, which is no count"):
        check([(1.0, 2.0), (2.0, 2.0), (1.0, -1.0), (1.0, 2.0), (1.0, 2.0)])
    with pytest.raises(SourceError, match="there are 1 red, 2 white on all 5 pictures; there is nothing to learn"):
        check([(1.0, 2.0)] * 5)


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_dots_lie_where_the_decoded_picture_has_them(resize):
    targets = [DotMarks((8, 12), ((1.0, 4.0), (6.0, 2.0), (12.0, 8.0)), (0, 1, 0))] * 2
    source, how = source_of(targets), Preprocess(16, 16, 1, resize=resize)
    labels = placed(source, how)
    wanted = how.crop_transform(8, 12).points([(1.0, 4.0), (6.0, 2.0), (12.0, 8.0)])
    inside = ((wanted >= 0) & (wanted <= 16)).all(1)
    assert (labels.values[0, :, 0] >= 0).tolist() == inside.tolist() and inside.all() == (resize != "crop")
    np.testing.assert_allclose(labels.values[0, inside, 1:] * 16, wanted[inside], atol=2e-3)
    encoded = CountObjects().encode(labels)
    assert np.array_equal(encoded, labels.values)
    assert (encoded[0, inside, 1:] < 1).all() and encoded.dtype == np.float32


def bright(pictures: torch.Tensor) -> list[np.ndarray]:
    """The places of single bright spots, by their local maxima."""
    found = []
    for picture in pictures[:, 0].numpy().astype(np.float64):
        padded = np.pad(picture, 1)
        around = np.stack([padded[y : y + len(picture), x : x + picture.shape[1]] for y in range(3) for x in range(3)])
        rows, columns = np.nonzero((picture >= around.max(0)) & (picture > 60))
        found.append(np.stack([columns + 0.5, rows + 0.5], 1))
    return found


@pytest.mark.parametrize("augment", ["light", "standard", "strong"])
def test_dots_move_with_their_pictures_the_mirrored_ones_too(augment):
    random, pictures, marks = np.random.default_rng(0), [], []
    for _ in range(24):
        spots = [(x, y) for x, y in random.uniform(2, 38, (4, 2))]
        spots = [a for i, a in enumerate(spots) if all(np.hypot(a[0] - b[0], a[1] - b[1]) > 12 for b in spots[:i])]
        across, down = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
        drawn = sum(230 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / 6) for x, y in spots)
        pictures.append(np.asarray(drawn).astype(np.uint8))
        marks.append(DotMarks((40, 40), tuple(spots), (0,) * len(spots)))
    source = replace(source_of(marks, names=("spots",), size=(40, 40)), blocks=(np.stack(pictures),))
    labels = placed(source, Preprocess(40, 40, 1))
    targets = CountObjects().encode(labels)
    kept, store = targets.copy(), Store(source.blocks[0][..., None], ())
    more = {"batch_size": 24, "shuffle": True, "augment": named(augment, flip=True)}
    (batch,) = batches(store, targets, range(24), moved=CountObjects().move, size_at=lambda at: (32, 32), **more)
    assert np.array_equal(targets, kept) and batch.targets.dtype == torch.float32
    still = Moves(len(batch.items), (40, 40), (32, 32), batch.moves.geometry, None, batch.moves.erased)
    seen = bright(move_pictures(batch.pixels.float(), still))
    there = matched = 0
    for row, spots in enumerate(seen):
        mine = batch.targets[row].numpy()
        dots = mine[mine[:, 0] >= 0, 1:] * 32
        inner = spots[((spots > 2) & (spots < 30)).all(1)]
        there += len(inner)
        matched += sum(len(dots) > 0 and np.hypot(*(dots - spot).T).min() < 1.5 for spot in inner)
    assert there > 20 and matched >= 0.9 * there


def test_a_mirrored_picture_has_its_dots_mirrored_and_covered_ones_are_gone():
    mirror = Moves(1, (8, 12), (4, 6), geometry=np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    found = CountObjects().move(DOTS[:1], mirror)
    there = found[0][found[0, :, 0] >= 0]
    np.testing.assert_allclose(
        there[np.argsort(there[:, 1])], [[1, 0.1, 0.1], [0, 0.69, 0.62], [0, 0.7, 0.6]], atol=1e-6
    )
    half = Moves(
        1, (8, 12), (8, 12), geometry=np.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    )  # half a side to the left
    shown = CountObjects().move(DOTS[:1], half)[0]
    np.testing.assert_allclose(np.sort(shown[shown[:, 0] == 1, 1]), [0.4, 0.6], atol=1e-6)
    covered = Moves(1, (8, 12), (8, 12), erased=np.array([[0.0, 0.0, 0.5, 1.0]]))
    left = CountObjects().move(DOTS[:1], covered)[0]
    assert left[left[:, 0] >= 0].tolist() == [pytest.approx([1, 0.9, 0.1])]
    counts = np.array([[3.0, 1.0]], np.float32)
    assert CountObjects().move(counts, mirror) is counts
    none = CountObjects().move(
        np.full((2, 1, 3), -1, np.float32), Moves(2, (8, 12), (8, 12), geometry=np.repeat(half.geometry, 2, 0))
    )
    wider = CountObjects().move(DOTS, Moves(2, (8, 12), (8, 12), geometry=np.repeat(mirror.geometry, 2, 0)))
    assert wider.shape == DOTS.shape, "what is only mirrored has as many dots as before"
    assert none.shape == (2, 1, 3) and (none[..., 0] == -1).all()


def test_peaks_are_where_dots_were():
    points = np.array([[0, 0.2, 0.3], [0, 0.7, 0.8], [0, 0.71, 0.2]], np.float32)
    density = count_loss.rendered(torch.from_numpy(points)[None], 1, (20, 30))[0, 0].numpy()
    found = peaks(density, 3)
    wanted = points[:, 1:] * (30, 20)
    assert len(found) == 3
    for place in wanted:
        assert np.hypot(*(found - place).T).min() < 0.3
    assert len(peaks(density, 2)) == 2 and not len(peaks(np.zeros((4, 4)), 5)) and len(peaks(np.ones((3, 3)), 5)) == 1


def test_an_answer_is_a_line_json_cells_places_and_a_picture():
    density = count_loss.rendered(torch.from_numpy(DOTS[:1]), 2, (8, 12))[0].numpy().astype(np.float64)
    said = Count(("red", "white"), density, np.array([1.2, -3.0]), np.array([4.4, np.inf]))
    assert str(said) == "2 red (2 to 4), 1 white" and said.text(1) == "2 red (2 to 4)"
    assert said.cells() == (pytest.approx(2), 2.0, 4.0, pytest.approx(1), None, None)
    told = json.loads(json.dumps(said.to_dict(), allow_nan=False))
    assert told["counts"][1] == {"class": "white", "count": pytest.approx(1), "low": None, "high": None}
    crop = Preprocess(16, 24, 3).crop_transform(32, 48)
    seen = said.in_picture(crop)
    (place,) = seen.points("white").tolist()
    assert place == pytest.approx([0.9 * 48, 0.1 * 32], abs=2.5)
    picture = Image.new("RGB", (48, 32), (128, 128, 128))
    drawn = np.asarray(seen.drawn(picture)).astype(int)
    assert drawn.shape == (32, 48, 3) and np.abs(drawn[19, 14] - 128).max() > 25
    with pytest.raises(StriateError, match="the picture is 20x20 pixels, and this is an answer about another"):
        seen.drawn(Image.new("RGB", (20, 20)))
    with pytest.raises(StriateError, match="which class is it; there are red, white"):
        seen.points()
    nothing = Count(("red", "white"), np.zeros((2, 2, 2)), np.zeros(2), np.full(2, 0.4))
    assert (
        str(nothing) == "none"
        and str(Count(("cells",), np.zeros((1, 2, 2)), np.zeros(1), np.ones(1))) == "0 cells (0 to 1)"
    )


def test_a_correction_is_drawn_towards_none_by_how_uncertain_it_is():
    truth = np.tile([100.0, 140.0, 180.0, 220.0], 5)[:, None]
    noise = np.tile([3.0, -3.0, -3.0, 3.0, 2.0, -2.0, -2.0, 2.0], 3)[:20, None]
    sure = learnt_from(truth * 1.1 + noise, truth).slopes[0]
    assert sure == pytest.approx(1 / 1.1, rel=0.005)
    mild = learnt_from(truth * 1.008 + noise, truth).slopes[0]
    assert 1 / 1.008 < mild < 1.0  # as much as can be told, and no more
    assert learnt_from(truth * 1.0005 + 8 * noise, truth).slopes[0] == 1.0


def test_intervals_of_crowded_pictures_are_wider_as_the_root_of_the_count():
    random = np.random.default_rng(0)
    truth, new, held = np.repeat([25.0, 100.0, 400.0], 8)[:, None], np.full((500, 1), 400.0), []
    for _ in range(20):
        learnt = learnt_from(truth + np.sqrt(truth) * random.normal(size=truth.shape), truth)
        low, high = learnt.within(np.array([[25.0], [400.0]]))
        few, many = (high - low)[:, 0] / 2
        assert many == pytest.approx(4 * few, rel=0.05)
        low, high = learnt.within(new + np.sqrt(new) * random.normal(size=new.shape))
        held.append(((low <= new) & (new <= high)).mean())
    assert np.mean(held) > 0.86  # of equal widths some three quarters


def test_counts_are_corrected_only_where_that_helps_and_intervals_hold():
    random = np.random.default_rng(0)
    truth = random.integers(50, 250, (40, 1)).astype(np.float64)
    biased, right = truth * 0.9 + random.normal(0, 2, truth.shape), truth + random.normal(0, 6, truth.shape)
    learnt = learnt_from(biased, truth)
    assert learnt.slopes[0] == pytest.approx(1 / 0.9, rel=0.01) and learnt_from(right, truth).slopes[0] == 1.0
    low, high = learnt.within(biased * learnt.slopes)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.9 and (high - low).mean() < 20
    assert learnt_from(biased[:7], truth[:7]).slopes[0] == 1.0
    zero = learnt_from(np.zeros((10, 1)), np.zeros((10, 1)))
    assert zero.slopes[0] == 1.0 and np.isfinite(zero.within(np.zeros((1, 1)))[1]).all()


def maps_of(counts: np.ndarray) -> np.ndarray:
    """Maps (N, 1, 4, 4) whose densities sum to these counts."""
    each = np.asarray(counts, np.float64)[:, None, None, None] / 16
    return (np.log(np.expm1(np.maximum(each, 1e-9))) + 4).repeat(4, 2).repeat(4, 3).astype(np.float32)


def test_what_is_learnt_after_training_is_kept_and_read_again():
    facts = LabelFacts(("cells",), {"by": "counts"})
    truth = np.arange(10.0, 40)[:, None]
    outputs = {DENSITY: maps_of(0.8 * truth[:, 0] + np.tile([-0.5, 0.5], 15))}
    task = CountObjects()
    state = task.fit_state(Judged(outputs, truth, config(), lambda choose: None), facts)  # type: ignore[arg-type,return-value]
    learnt = task.opened(State(json.loads(json.dumps(state.facts)), state.arrays), facts)
    assert learnt.slopes[0] == pytest.approx(1.25, rel=0.01) and not state.notes
    (said, *_) = task.decode(outputs, facts, learnt)
    assert said.counts[0] == pytest.approx(1.25 * 7.5, rel=0.02) and said.ends(0) is not None
    wide = task.decode(outputs, facts, learnt, options={"level": 0.96})[0]
    assert wide.high[0] > said.high[0]
    assert task.measure(outputs, truth, facts)["bias"] == pytest.approx(-0.2 * truth.mean(), rel=0.02)
    found = task.evaluate(outputs, truth, facts, learnt, Basis())
    assert found.headline.value.value < 1 and found.verdict(About()).kind == "fine"
    folded = task.evaluate(outputs, truth, facts, learnt, Basis(folds=np.arange(30) % 3))
    assert folded.headline.value.value < 1
    few = task.fit_state(Judged({DENSITY: maps_of(np.ones(3))}, truth[:3], config(), lambda choose: None), facts)  # type: ignore[arg-type,return-value]
    assert "90 % takes 9 different ones at least" in few.notes[0]
    assert str(task.decode(outputs, facts, task.opened(few, facts))[0]) == "8 cells"
    assert task.opened(task.unlearnt("not yet"), facts).slopes.tolist() == [1.0]
    none = task.fit_state(Judged({DENSITY: maps_of(np.ones(3))[:0]}, truth[:0], config(), lambda choose: None), facts)  # type: ignore[arg-type,return-value]
    assert none.facts["counts"] == [0]


@pytest.mark.parametrize(
    "facts", [{"slopes": [0.0]}, {"slopes": [1.0, 2.0]}, {"slopes": "x"}, {"counts": [3]}, {"counts": []}, {"level": 2}]
)
def test_a_damaged_state_is_refused(facts):
    with pytest.raises(ModelError, match="intervals do not read"):
        CountObjects().opened(State(facts), LabelFacts(("cells",), {"by": "dots"}))


@pytest.mark.parametrize("net", ["conv 4 3x3 >> flatten >> dense 2", "conv 3 1x1", "conv 2 1x1 >> globalavgpool"])
def test_a_net_that_ends_otherwise_is_refused(net):
    with pytest.raises(ShapeError, match=r"and 2 classes take a density each, 2x12x12 .* let it end in: conv 2 1x1"):
        CountObjects().check(parse(net).on(1, 24, 24), FACTS)
    CountObjects().check(parse("conv 2 1x1").on(1, 24, 24), FACTS)


def test_what_may_be_asked_of_a_count():
    task, facts = CountObjects(), LabelFacts(("red", "white"), {"by": "dots"})
    learnt = task.opened(State({"slopes": [2.0, 1.0]}), facts)
    output = np.concatenate([maps_of(np.array([3.0])), maps_of(np.array([5.0]))], 1)
    asked = task.question(output[0], facts, learnt)
    assert asked.title == "What made the count of white?"
    assert asked.value(torch.from_numpy(output)) == pytest.approx(5, rel=1e-4)
    red = task.question(output[0], facts, learnt, "red")
    assert red.value(torch.from_numpy(output)) == pytest.approx(6, rel=1e-4)
    both = torch.from_numpy(np.concatenate([output, np.full_like(output, -20)]))
    assert red.level(both).tolist() == pytest.approx([1, 0], abs=1e-3)
    with pytest.raises(StriateError, match="there is no class 'rad'; near it: red"):
        task.question_at(output[0], facts, learnt, Place((0.0, 0.0, 4.0, 4.0), (8, 8), "there", "rad"))
    with pytest.raises(StriateError, match="there is no class 'rad'; near it: red"):
        task.question(output[0], facts, learnt, "rad")
    with pytest.raises(StriateError, match="a count stands against no other"):
        task.question(output[0], facts, learnt, "red", "white")


def test_what_has_no_class_of_its_own_is_told_in_the_plural():
    for many, told in ((1.0, "1 object"), (21.0, "21 objects")):
        assert str(Count(("object",), np.full((1, 1, 1), many), np.zeros(1), np.full(1, np.inf))) == told
    assert str(Count(("RBC",), np.full((1, 1, 1), 21.0), np.zeros(1), np.full(1, np.inf))) == "21 RBC"
    boxes = np.array([[0, 0, 9, 9.0], [20, 0, 29, 9]])
    assert str(Boxes(("object",), boxes, np.zeros(2, np.int64), np.full(2, 0.9))) == "2 objects"


def test_a_part_of_a_count_is_the_density_that_lies_in_it():
    task, facts = CountObjects(), LabelFacts(("cells",), {"by": "dots"})
    learnt = task.opened(State({"slopes": [2.0]}), facts)
    density = np.full((4, 6), 1e-6)
    density[1, 1], density[1, 4] = 1.0, 0.5  # objects stand three cells apart, which is six pixels of the input
    maps = (np.log(np.expm1(density)) + 4).astype(np.float32)[None]
    output = torch.from_numpy(maps)[None]

    def ask(*box: float) -> CountQuestion:
        return task.question_at(maps, facts, learnt, Place(box, (8, 12), "there"))  # type: ignore[arg-type]

    left = ask(0, 0, 6, 8)
    assert left.value(output) == pytest.approx(2.0, abs=1e-3) and left.cell == (0, 1, 1, 0)
    assert left.told == "2.00 of 3.0 cells are counted there" and left.title == "What made the count of cells there?"
    assert ask(3, 0, 12, 8).value(output) == pytest.approx(0.5 * 2 + 1, abs=1e-3), "half of the first cell is in it"
    place = ask(9, 3, 9, 3)
    assert place.value(output) == pytest.approx(1.0, abs=1e-3), "around it as far as three pixels"
    cells = np.frombuffer(place.shares, np.float32).reshape(4, 6)
    assert cells.sum() == 9 and cells[1, 3:6].all() and cells[0, 3:6].all() and cells[2, 3:6].all()
    alone = ask(0, 8, 0, 8)
    assert np.frombuffer(alone.shares, np.float32).sum() >= 1 and alone.value(output) < 1e-3
    assert left.kind != place.kind and left.kind == ask(0, 0, 6, 8).kind
    whole = task.question(maps, facts, learnt)
    assert whole.cell is None and whole.told == "" and whole.value(output) == pytest.approx(3, abs=1e-3)


def test_cautions_say_when_boxes_are_better_and_what_moves_do_to_counts():
    task = CountObjects()
    few = placed(source_of([DotMarks((8, 12), ((3.0, 2.0),) * n, (0,) * n) for n in (1, 2, 3)]), Preprocess(8, 12, 1))
    (said,) = task.cautions(few, range(3), config(augment="none"))
    assert said.startswith("half of the pictures to train on hold 2 objects or fewer") and "--task detect" in said
    many = placed(source_of([(40.0, 2.0), (60.0, 1.0)], kind="numbers"), Preprocess(8, 12, 1))
    assert not task.cautions(many, range(2), config(augment="none"))
    assert "dots would go with them" in task.cautions(many, range(2), config(augment="standard"))[0]


def test_another_source_is_matched_by_names():
    task = CountObjects()
    other = Labels(
        ("white", "blue"), np.array([[[0, 1, 1], [-1, -1, -1]]], np.float32), np.ones(1, bool), {"by": "dots"}
    )
    assert task.matched(other, FACTS).tolist() == [[0, 1]]
    other.values[0, 1] = (1, 2, 2)
    with pytest.raises(StriateError, match="has blue, which the model does not know; it knows red, white"):
        task.matched(other, FACTS)
    assert task.measure({DENSITY: np.full((1, 2, 4, 4), -50.0)}, np.array([[0.0, 1.0]]), FACTS)["bias"] == -0.5


def test_a_small_net_from_chance_learns_to_count_what_is_drawn():
    source = drawn_dots(48)
    training, labels = training_of(CountObjects(), source, NET, epochs=20, learning_rate=0.005)
    epochs = list(fit(training))
    assert set(epochs[-1].losses) == {"density", "count"}
    counts = (labels.values[..., 0] >= 0).sum(1)[36:]
    assert epochs[-1].metrics["mean absolute error"] < 0.5 * np.abs(counts - np.median(counts)).mean()
    rows = np.arange(36, 48)
    outputs = infer_outputs(training.final_model(), training.store, rows, output=DENSITY)
    learnt = CountObjects().opened(State(), labels.kept)
    said = CountObjects().decode(outputs, labels.kept, learnt)
    assert summed(outputs[DENSITY])[0, 0] == pytest.approx(float(said[0].counts[0]))
    crop = Preprocess(SIDE, SIDE, 1).crop_of(source.picture(36))
    near = 0
    for row, one in zip(rows, said, strict=True):
        found = one.in_picture(crop).points()
        near += sum(np.hypot(*(found - place).T).min() < 3 for place in source.items[row].target.points if len(found))
    assert near >= 0.75 * sum(len(source.items[row].target.points) for row in rows)


def test_dots_and_found_places_lie_over_a_picture_in_cells():
    dots = np.array([[[0, 0.25, 0.5], [1, 0.75, 0.5], [-1, 0, 0]]])
    maps = np.full((1, 2, 4, 8), -9.0)
    maps[0, 0, 1, 2] = 4.6  # about one object there
    drawn = overlay(maps, dots, np.array([[1.0, 0.0]]), ("cells", "dust"), 0)
    assert drawn.size == (4, 8)
    assert [(mark.label, mark.box[:2]) for mark in drawn.truth] == [("cells", (2.0, 2.0)), ("dust", (6.0, 2.0))]
    assert [mark.label for mark in drawn.answer] == ["cells"]
    assert drawn.answer[0].box[:2] == pytest.approx((2.5, 1.5)) and drawn.answer[0].is_point
