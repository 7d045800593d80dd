"""`striate push` and `--model hf://user/name` as a person meets them, against a stand-in for the Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import QUICK, Place
from tests.hub import TOKEN, Hub, hub


@pytest.fixture
def there() -> Iterator[Hub]:
    with hub() as made:
        yield made


def test_from_a_run_to_the_hub_and_back(there: Hub, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place("train", "digits", *QUICK, "--epochs", "1", "--folds", "none").done()
    place("push", "digits-1", "me/digits").refused("there is no token; set HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    sent = place("push", "digits-1", "me/digits", "--license", "apache-2.0")
    assert sent.code == 0 and TOKEN not in sent.out + sent.err
    assert "striate predict PICTURE --model hf://me/digits" in sent.out and "which is public" in sent.err
    monkeypatch.delenv("HF_TOKEN")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(place.path / "nine.png")
    mine = place("predict", "nine.png", "--json").done().out
    offline = place("predict", "nine.png", "--model", "hf://me/digits", "--offline")
    offline.refused("hf://me/digits is not in the cache", "striate weights fetch hf://me/digits")
    fetched = place("weights", "fetch", "hf://me/digits")
    assert fetched.code == 0 and fetched.out.startswith("hf://me/digits  ") and "model.safetensors" in fetched.out
    asked = len(there.asked)
    assert json.loads(place("predict", "nine.png", "--model", "hf://me/digits", "--offline", "--json").done().out) == (
        json.loads(mine)
    )
    assert len(there.asked) == asked, "offline asks nobody"
    place("look", "nine.png", "--model", "hf://me/digits", "-o", "look.html").done()
    place("export", "--model", "hf://me/digits").refused("hf://me/digits is no file here to write beside; say where")
    place("export", "--model", "hf://me/digits", "-o", "mine.onnx").done()
    assert (place.path / "mine.onnx").is_file()
    begun = ("--start", "hf://me/digits", "--tune", "head", "--folds", "none", "--threads", "1", "--device", "cpu")
    place("train", "digits", *begun, "--name", "again").done()
    assert "It began with the weights hf://me/digits." in place("card", "again-1").done().out
    place("cache").done()
    assert "freed" in place("cache", "clear", "--weights").done().out
    place("predict", "nine.png", "--model", "hf://me/digits", "--offline").refused("is not in the cache")


def test_what_cannot_be_is_one_line(there: Hub, place: Place) -> None:
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(place.path / "nine.png")
    place("predict", "nine.png", "--model", "hf://me").refused("'hf://me' is no address of a model on the Hub")
    place("predict", "nine.png", "--model", "hf://me/none").refused("no such repository, or it is private")
    place("push", "last", "me/none").refused("there is no run yet|no run")
    place("push", "last", "none").refused("is no address")
