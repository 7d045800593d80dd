"""A classifier slid over a wide picture: each place is what `Predictor` says of its crop, calibrated."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import Place
from tests.models import model_file

from striate.errors import PictureError, ShapeError
from striate.runs.predictor import Predictor
from striate.verbs.score_map import score_map

EXACT = "conv 6 3x3 >> batchnorm >> relu >> maxpool 2 >> flatten >> dense 8 >> relu >> dense 3"
PADDED = EXACT.replace("conv 6 3x3", "conv 6 3x3 pad 1")


def png(height: int, width: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def test_every_place_is_the_predictors_answer_for_its_crop(tmp_path: Path) -> None:
    predictor = Predictor.open(model_file(tmp_path / "m.safetensors", EXACT), device="cpu")
    answer = score_map(predictor, png(12, 41))  # as high as the net: nothing is resampled
    assert answer.probabilities.shape == (1, 13, 3)
    assert answer.padded == ()
    assert answer.region == (0.5, 0, 40.5, 12), "what is left over is left out evenly"
    crops = [answer.pixels[:, 2 * place : 2 * place + 16] for place in range(13)]
    wanted = np.stack([one.probabilities for one in predictor.predict(crops, unknown=False)])
    np.testing.assert_allclose(answer.probabilities[0], wanted, atol=1e-5)
    assert np.ptp(wanted, axis=0).max() > 0.05, "places differ, or this proves nothing"
    assert answer.box(0, 12) == (24, 0, 40, 12)


def test_scale_looks_closer_and_padding_is_said(tmp_path: Path) -> None:
    predictor = Predictor.open(model_file(tmp_path / "m.safetensors", PADDED), device="cpu")
    answer = score_map(predictor, png(60, 160), scale=2.0)
    assert answer.padded == ("conv1",)
    assert answer.pixels.shape == (24, 64, 3)
    assert answer.probabilities.shape == (7, 25, 3)
    assert answer.scale == pytest.approx(2.5)
    assert answer.box(0, 0) == (0, 0, 40, 30)


def test_refusals(tmp_path: Path) -> None:
    predictor = Predictor.open(model_file(tmp_path / "m.safetensors", EXACT), device="cpu")
    with pytest.raises(PictureError, match=r"16x12 and gives a single place.*--scale 1\.2"):
        score_map(predictor, png(12, 16))
    assert score_map(predictor, png(12, 16), scale=1.2).probabilities.shape[0] == 2
    with pytest.raises(PictureError, match="at most 8,000,000"):
        score_map(predictor, png(12, 16), scale=300)
    with pytest.raises(PictureError, match="the picture: "):
        score_map(predictor, b"no picture")
    squeezing = "conv 6 3x3 >> identity * (globalavgpool >> sigmoid) >> flatten >> dense 3"
    predictor = Predictor.open(model_file(tmp_path / "s.safetensors", squeezing), device="cpu")
    with pytest.raises(ShapeError, match="multiply1"):
        score_map(predictor, png(12, 40))


def test_the_command_draws_says_and_never_writes_over_what_is_not_ours(place: Place) -> None:
    model_file(place.path / "m.safetensors", EXACT)
    (place.path / "wide.png").write_bytes(png(24, 90))
    said = place("predict", "wide.png", "--model", "m.safetensors", "--map", "owl").done().out.splitlines()
    assert said[0].split()[1:8] == ["owl", "at", "its", "best", "place", "in", "wide.png:"]
    assert said[1] == "1 x 15 places, one every 4 x 4 pixels, each for 24 x 32 pixels"
    assert said[2] == "drawn in wide-map.png"
    first = (place.path / "wide-map.png").read_bytes()
    assert place("predict", "--model", "m.safetensors", "--map", "wide.png").done()  # the word is no class
    told = json.loads(place("predict", "wide.png", "--model", "m.safetensors", "--json", "--map").done().out)
    assert (told["picture"], told["file"], told["exact"]) == ("wide.png", "wide-map.png", True)
    assert np.array(told["map"]).shape == (1, 15)
    assert (place.path / "wide-map.png").read_bytes() != first or told["class"] == "owl", "our own is drawn anew"
    place("predict", "wide.png", "--model", "m.safetensors", "--map", "cow").refused("no class 'cow'")
    place("predict", "wide.png", "--model", "m.safetensors", "--map", "-o", "wide.png").refused("is not ours", "-o")
    assert (place.path / "wide.png").read_bytes() == png(24, 90)
    place("predict", ".", "--model", "m.safetensors", "--map").refused("one picture at a time")
    assert place("predict", "wide.png", "--model", "m.safetensors", "--scale", "2").code == 2
