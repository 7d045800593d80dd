"""``predict --tile``: pictures much larger than the net, looked at at the scale that it learnt at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.stage import Place
from tests.models import model_file

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, PictureError, StriateError
from striate.model.build.model import build
from striate.model.files.weights import ModelFile, to_bytes
from striate.runs.predictor import Predictor
from striate.spec import Shape, parse
from striate.tasks.boxes import Boxes
from striate.tasks.masks import Masks
from striate.tasks.points import Count
from striate.tasks.table import TASKS

HOW = Preprocess(32, 48, 1, resize="stretch")  # a pixel from 0 to 1 as it is
SIZE = (70, 130)


def eye(path: Path, task: str, scale: list[float] | None, net: str, weight: float, bias: float, **facts: Any) -> Path:
    """A model of one convolution of 1x1: what it says of a place is worked out by hand from the pixels there."""
    model = build(parse(net), Shape(1, 32, 48), classes=1, preprocess=HOW, seed=1)
    tensors = dict(model.state_dict())
    for name, value in list(tensors.items()):
        if name.endswith("weight"):  # what is asked of brightness stands in one channel: the last, of boxes the first
            tensors[name] = torch.zeros_like(value)
            tensors[name][0 if task == "detect" else -1] = weight
        elif name.endswith("bias"):
            tensors[name] = torch.tensor([bias, *([0.5413] * (len(value) - 1 if task == "detect" else 0))])
            tensors[name] = torch.cat([tensors[name], torch.zeros(len(value) - len(tensors[name]))])
    labels = dict(facts) if scale is None else {**facts, "scale": scale}
    kept = ModelFile(
        net=net, input=(1, 32, 48), task=task, names=("dark", "bright") if task == "segment" else ("dot",),
        preprocess=HOW.to_dict(), labels=labels, state=dict(TASKS[task].unlearnt("made").facts), provenance={},
    )  # fmt: skip
    path.write_bytes(to_bytes(tensors, kept))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tiles")
    for name, scale in (("", [1.0, 1.0]), ("old-", None), ("odd-", ["x", 1.0])):
        eye(home / f"{name}segment.safetensors", "segment", scale, "conv 2 1x1", 20, 10)
        eye(home / f"{name}count.safetensors", "count", scale, "conv 1 1x1", 8, 0, by="dots")
    facts = {"levels": [[8, 12]], "input": [32, 48], "extent": [6.0, 6.0]}
    eye(home / "detect.safetensors", "detect", [1.0, 1.0], "avgpool 4x4 >> conv 5 1x1", 8, -1, **facts)
    eye(home / "twice-segment.safetensors", "segment", [2.0, 2.0], "conv 2 1x1", 20, 10)
    model_file(home / "classify.safetensors", "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense")
    random = np.random.default_rng(3)
    pixels = random.choice([0, 255], SIZE, p=[0.8, 0.2]).astype(np.uint8)
    (home / "in").mkdir()
    Image.fromarray(pixels).save(home / "in" / "large.png")
    Image.fromarray(pixels[:32, :48]).save(home / "in" / "small.png")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(home / "tiny.png")
    (home / "in" / "torn.png").write_bytes((home / "in" / "large.png").read_bytes()[:200])
    return home


@pytest.fixture
def asked(models: Path, tmp_path: Path) -> Place:
    for one in models.iterdir():
        (tmp_path / one.name).symlink_to(one)
    return Place(tmp_path)


def pixels_of(home: Path, name: str = "large.png") -> np.ndarray:
    return np.asarray(Image.open(home / "in" / name))


def test_areas_and_counts_of_a_large_picture_are_those_of_its_pixels(models: Path) -> None:
    picture, pixels = models / "in" / "large.png", pixels_of(models)
    masks = Predictor.open(models / "segment.safetensors").answer(picture, tile="auto")
    assert isinstance(masks, Masks)
    assert np.array_equal(masks.ids, (pixels > 128).astype(np.uint8))  # every pixel at the scale that was learnt
    count = Predictor.open(models / "count.safetensors").answer(pixels, tile="auto")
    assert isinstance(count, Count)
    bright, dark = np.logaddexp(0, 8 - 4), np.logaddexp(0, -4)
    wanted = (pixels > 128).sum() * bright + (pixels <= 128).sum() * dark
    assert count.counts == pytest.approx([wanted], rel=1e-4)
    assert Predictor.open(models / "segment.safetensors").answer(picture).ids.shape == SIZE  # made smaller, blurred
    twice = Predictor.open(models / "twice-segment.safetensors")
    assert np.array_equal(twice.answer(picture, tile=48).ids, masks.ids)  # the same, said in its pixels


def test_a_picture_no_larger_than_a_tile_is_answered_as_ever(models: Path) -> None:
    for task in ("segment", "count", "detect"):
        predictor = Predictor.open(models / f"{task}.safetensors")
        for picture in (models / "in" / "small.png", models / "tiny.png"):
            alone, tiled = predictor.answer(picture), predictor.answer(picture, tile="auto")
            assert tiled.to_dict() == alone.to_dict()
            if isinstance(alone, Boxes):
                assert isinstance(tiled, Boxes) and np.array_equal(tiled.boxes, alone.boxes)
                assert np.array_equal(tiled.scores, alone.scores) and np.array_equal(tiled.classes, alone.classes)
            elif isinstance(alone, Masks):
                assert isinstance(tiled, Masks) and tiled.crop == alone.crop
                assert np.array_equal(tiled.ids, alone.ids) and np.array_equal(tiled.logits, alone.logits)
            else:
                assert isinstance(tiled, Count) and isinstance(alone, Count) and tiled.crop == alone.crop
                assert np.array_equal(tiled.density, alone.density)
                assert (tiled.low, tiled.high) == (alone.low, alone.high)


def test_how_many_tiles_are_done_is_told_of_each_picture_that_has_some(models: Path) -> None:
    told: list[tuple[str, int, int]] = []
    predictor = Predictor.open(models / "segment.safetensors")
    files = [models / "in" / "large.png"] * 2
    answers = list(predictor.predict_each(files, tile="auto", progress=lambda *one: told.append(one)))
    assert len(answers) == 2
    number = told[0][2]
    assert number > 1 and told == 2 * [("tiles of large.png", one, number) for one in range(1, number + 1)]
    small = pixels_of(models)[:8, :8]
    told.clear()
    list(predictor.predict_each([small], tile="auto", progress=lambda *one: told.append(one)))
    assert not told


def test_every_bright_place_is_a_box_once(models: Path) -> None:
    pixels = np.zeros((72, 128), np.uint8)
    places = [(y, x) for y in range(4, 72, 12) for x in range(4, 128, 12)]
    for y, x in places:
        pixels[y : y + 4, x : x + 4] = 255
    answer = Predictor.open(models / "detect.safetensors").answer(pixels, tile="auto")
    assert isinstance(answer, Boxes)
    middles = (answer.boxes[answer.said][:, :2] + answer.boxes[answer.said][:, 2:]) / 2
    nearest = [int(np.abs(middles - (x + 2, y + 2)).sum(1).argmin()) for y, x in places]
    assert len(set(nearest)) == len(places) and len(answer) == len(places)


def test_a_command_says_what_tiles_find_and_writes_it(asked: Place) -> None:
    say = ("predict", "in/large.png", "--model", "segment.safetensors")
    plain = asked(*say)
    assert "note: in/large.png is 2.4 times as large as the pictures it learnt from" in plain.err
    assert "--tile looks at it at their scale" in plain.err
    tiled = asked(*say, "--tile", "--masks", "masks")
    assert "times as large" not in tiled.err and tiled.code == 0
    bright = (pixels_of(asked.path) > 128).mean()
    assert f"bright {100 * bright:.0f} %" in tiled.out
    assert np.array_equal(np.asarray(Image.open(asked.path / "masks" / "large.png")), pixels_of(asked.path) > 128)
    first = asked("predict", "--tile", "in/large.png", "--model", "segment.safetensors")
    assert first.out == tiled.out.splitlines()[0] + "\n"
    boxes = asked("predict", "in/large.png", "--model", "detect.safetensors", "--tile", "48", "--json")
    assert json.loads(boxes.out)[0]["picture"] == "in/large.png"


def test_of_a_folder_each_picture_is_answered_or_named(asked: Place) -> None:
    done = asked("predict", "in", "--model", "count.safetensors", "--tile")
    assert done.code == 2 and len(done.out.splitlines()) == 2
    assert "in/torn.png: does not decode" in done.err and "picture 1" not in done.err
    both = asked("predict", "in/large.png", "in/large.png", "--model", "count.safetensors")
    assert "2 pictures are up to 2.4 times as large as those it learnt from" in both.err
    assert "--tile looks at them at their scale" in both.err


def test_what_cannot_be_tiled_is_said_in_a_line(asked: Place) -> None:
    for words, said in (
        (("--model", "classify.safetensors", "--tile"), "this model says a class of a picture as a whole"),
        (("--model", "old-count.safetensors", "--tile"), "does not say how large the pictures were"),
        (("--model", "count.safetensors", "--tile", "3"), "a whole number from 16 to 65,500, or auto"),
        (("--model", "count.safetensors", "--tile", "big"), "--tile big: it is how many pixels"),
        (("--model", "odd-count.safetensors", "--tile"), "the model file is damaged"),
        (("--model", "count.safetensors", "--tile", "--map"), "--map is an answer of its own"),
    ):
        done = asked("predict", "in/large.png", *words)
        assert done.code == 2 and said in done.err and "Traceback" not in done.err, words
    assert asked("predict", "in/large.png", "--model", "old-count.safetensors", "--tile", "48").code == 0


def test_errors_are_those_of_the_house(models: Path) -> None:
    with pytest.raises(StriateError, match="--tile True"):
        Predictor.open(models / "count.safetensors").answer(models / "tiny.png", tile=True)
    with pytest.raises(ModelError, match="--tile SIZE"):
        Predictor.open(models / "old-count.safetensors").answer(models / "tiny.png", tile="auto")
    with pytest.raises(PictureError, match=r"nowhere\.png cannot be read: there is no such file"):
        Predictor.open(models / "count.safetensors").answer(models / "nowhere.png", tile="auto")
